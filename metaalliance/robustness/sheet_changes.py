"""What changed between two versions of a sheet: rows, and cells with their addresses."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from metaalliance.coding.impact import MAKES_EFFECT
from metaalliance.coding.matching import match_rows
from metaalliance.coding.values import (
    Value,
    coded_value,
    comparison_key,
    place_of,
    same,
    saved_alike,
)
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.study import label_key
from metaalliance.sheet.studies import Studies

Kind = Literal["value", "spelling"]
_LETTERS = {"A": "the old sheet", "B": "the new sheet"}
_WORDS = {
    "no other coder has this study": "the other sheet has no such study",
    "the other coders have other effects of this study": "the other sheet has other effects of "
    "this study",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """One cell of a row that stands in both sheets.

    Attributes
    ----------
    study, column : str
        Where it belongs.
    old, new : float, str or None
        What it says; None where it is blank.
    old_cell, new_cell : str
        Its address in each sheet.
    old_seen, new_seen : str
        What stands there.
    kind : {"value", "spelling"}
        Whether it says something else, or the same in other characters.
    makes_effect : bool
        Whether the column makes the effect or decides whether it is used.
    """

    study: str
    column: str
    old: Value
    new: Value
    old_cell: str
    new_cell: str
    old_seen: str
    new_seen: str
    kind: Kind
    makes_effect: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the change as the JSON output prints it."""
        return {name: getattr(self, name) for name in CellChange.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowPair:
    """A row of the old sheet and its successor in the new one.

    Attributes
    ----------
    old, new : Row
        The two rows.
    cells : tuple of CellChange
        What differs; empty where nothing does.
    """

    old: Row = field(repr=False)
    new: Row = field(repr=False)
    cells: tuple[CellChange, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether some cell says something else."""
        return any(c.kind == "value" for c in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoneRow:
    """A row that only one sheet has.

    Attributes
    ----------
    row : Row
        The row.
    ambiguous : bool
        Whether the other sheet has rows that are described alike, in another number.
    suggestion : str
        What it may be in the other sheet; never acted on.
    """

    row: Row = field(repr=False)
    ambiguous: bool = False
    suggestion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetChanges:
    """Rows of two versions of a sheet.

    Attributes
    ----------
    pairs : tuple of RowPair
        Rows of both, in the order of the new sheet.
    removed, added : tuple of LoneRow
        Rows of the old and of the new sheet only.
    """

    pairs: tuple[RowPair, ...] = field(repr=False)
    removed: tuple[LoneRow, ...] = field(repr=False)
    added: tuple[LoneRow, ...] = field(repr=False)

    @property
    def changed(self) -> tuple[RowPair, ...]:
        """Rows in which some cell says something else."""
        return tuple(pair for pair in self.pairs if pair.changed)

    @property
    def cells(self) -> tuple[CellChange, ...]:
        """Every cell that differs, in the order of the new sheet."""
        return tuple(cell for pair in self.pairs for cell in pair.cells)


def sheet_changes(old: Studies, new: Studies, *, key: Sequence[str] | None = None) -> SheetChanges:
    """Match the rows of two versions of a sheet and compare their cells.

    Rows of one study that say the same in every cell are each other's first, wherever they stand;
    the others are matched as the rows of two coders are (`match_rows`): by effect ids, by what
    describes the effect, by their order where they are described alike, or as the last ones of
    their study.

    Parameters
    ----------
    old, new : Studies
        The two versions, with errors or without.
    key : sequence of str, optional
        Columns that identify an effect within its study.
    """
    equal, rest = _equal_rows(old, new)
    pairs = [(a, b) for a, b in equal]
    lone: tuple[list[LoneRow], list[LoneRow]] = ([], [])
    if rest[0] or rest[1]:
        sheets = (replace(old, rows=tuple(rest[0])), replace(new, rows=tuple(rest[1])))
        matching = match_rows(sheets, key=key)
        for match in matching.matched:
            first, second = match.rows
            if first is not None and second is not None:
                pairs.append((first, second))
        for u in matching.unmatched:
            found = LoneRow(row=u.row, ambiguous=u.ambiguous, suggestion=_words(u.suggestion))
            lone[u.coder].append(found)
    pairs.sort(key=lambda pair: pair[1].number)
    split = _split_labels(old) | _split_labels(new)
    return SheetChanges(
        pairs=tuple(RowPair(old=a, new=b, cells=_cell_changes(a, b, split)) for a, b in pairs),
        removed=tuple(lone[0]),
        added=tuple(lone[1]),
    )


def _equal_rows(
    old: Studies, new: Studies
) -> tuple[list[tuple[Row, Row]], tuple[list[Row], list[Row]]]:
    """Pairs of rows that say the same, and what is left of each sheet."""
    waiting: dict[Any, list[Row]] = defaultdict(list)
    for row in old.rows:
        waiting[_content(row)].append(row)
    for rows in waiting.values():
        rows.reverse()
    pairs, left = [], []
    for row in new.rows:
        candidates = waiting.get(_content(row)) if row.study else None
        if candidates:
            pairs.append((candidates.pop(), row))
        else:
            left.append(row)
    taken = {first.number for first, _ in pairs}
    return pairs, ([row for row in old.rows if row.number not in taken], left)


def _content(row: Row) -> tuple[Any, ...]:
    """What a row says: its study, and the meaning of each cell that says something."""
    said = {c: comparison_key(coded_value(row, c), c) for c in row.cells if c != "study"}
    filled = sorted((c, str(v)) for c, v in said.items() if v is not None)
    return (label_key(row.study), *filled)


def _split_labels(sheet: Studies) -> set[str]:
    """Labels, folded, that a sheet writes in several ways: to a model they are several studies."""
    written: dict[str, set[str]] = defaultdict(set)
    for row in sheet.rows:
        written[label_key(row.study)].add(row.study)
    return {key for key, labels in written.items() if len(labels) > 1}


def _cell_changes(old: Row, new: Row, split: set[str]) -> tuple[CellChange, ...]:
    """Compare two rows cell by cell."""
    parted = old.study != new.study and label_key(new.study) in split
    found = []
    for column in dict.fromkeys((*new.cells, *old.cells)):
        before, after = coded_value(old, column), coded_value(new, column)
        seen = [str(r.cells[column].seen) if column in r.cells else "" for r in (old, new)]
        makes_study = parted and column == "study"
        differs = makes_study or not same(before, after, column)
        if not differs and saved_alike(*seen):
            continue
        found.append(
            CellChange(
                study=new.label,
                column=column,
                old=before,
                new=after,
                old_cell=place_of(old, column),
                new_cell=place_of(new, column),
                old_seen=seen[0],
                new_seen=seen[1],
                kind="value" if differs else "spelling",
                makes_effect=makes_study or column in MAKES_EFFECT,
            )
        )
    return tuple(found)


def _words(text: str) -> str:
    """Say in terms of two versions what the matching says in terms of coders."""
    if text in _WORDS:
        return _WORDS[text]
    text = re.sub(r"^([AB])(?=,| has )", lambda m: _LETTERS[m.group(1)], text)
    return re.sub(r"(\d+) of ([AB])\b", lambda m: f"{m.group(1)} in {_LETTERS[m.group(2)]}", text)
