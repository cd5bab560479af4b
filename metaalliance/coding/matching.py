"""Which row of one coder is the row of another."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaalliance.coding.grouping import How, Rows, differences, match_study, same_numbers
from metaalliance.coding.suggestions import near_label, near_labels, near_row
from metaalliance.errors import OptionError
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.study import label_key
from metaalliance.sheet.studies import Studies

#: Columns that describe an effect within its study.
DESCRIPTION = ("sample", "alliance_measure", "alliance_subscale", "alliance_rater", "alliance_time",
               "outcome_measure", "outcome_rater", "outcome_time")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatchedRow:
    """One effect as several coders have it.

    Attributes
    ----------
    number : int
        Number of the match, from 1.
    rows : tuple of Row or None
        The row of each coder; None for a coder who has none.
    how : {"effect", "description", "order", "values", "label", "elimination", "key"}
        By the id of the effect, by its description, by the order of rows that are described
        alike, by description and numbers under another id, the same under a label of the study
        that is nearly alike, because it is the last one of the study in each sheet, or by the
        key that was asked for.
    """

    number: int
    rows: Rows = field(repr=False)
    how: How

    @property
    def first(self) -> Row:
        """The row of the first coder who has one."""
        return next(row for row in self.rows if row is not None)

    @property
    def study(self) -> str:
        """Label of the study."""
        return self.first.study


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnmatchedRow:
    """A row that no other coder has, or that could be one of several.

    Attributes
    ----------
    coder : int
        Position of the coder, from 0.
    row : Row
        The row.
    ambiguous : bool
        Whether other coders have rows that are described alike, in another number.
    suggestion : str
        What it may belong to; never acted on.
    """

    coder: int
    row: Row = field(repr=False)
    ambiguous: bool = False
    suggestion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """The rows of several coders, matched.

    Attributes
    ----------
    sheets : tuple of Studies
        What each coder has entered.
    coders : tuple of str
        Letters of the coders, A for the first.
    key : tuple of str
        Columns that describe an effect within its study in these sheets.
    matched : tuple of MatchedRow
        Effects that at least two coders have, in the order of the first sheet.
    unmatched : tuple of UnmatchedRow
        All other rows.
    """

    sheets: tuple[Studies, ...] = field(repr=False)
    coders: tuple[str, ...]
    key: tuple[str, ...]
    matched: tuple[MatchedRow, ...] = field(repr=False)
    unmatched: tuple[UnmatchedRow, ...] = field(repr=False)

    @property
    def used_key(self) -> frozenset[str]:
        """Columns on which matched rows agree because they were matched by them."""
        hows = Counter(m.how for m in self.matched)
        described = hows["description"] + hows["order"] + hows["key"]
        return frozenset(self.key) if described else frozenset()

    @property
    def studies(self) -> tuple[int, ...]:
        """How many studies each sheet has, by their labels as they stand."""
        return tuple(len({row.study for row in s.rows if row.study}) for s in self.sheets)

    def to_dict(self) -> dict[str, Any]:
        """Return counts, and the rows that were not matched."""
        hows = Counter(m.how for m in self.matched)
        return {
            "key": list(self.key),
            "rows": [len(sheet.rows) for sheet in self.sheets],
            "studies": list(self.studies),
            "matched": len(self.matched),
            "matched_by": {how: hows[how] for how in sorted(hows)},
            "unmatched": [
                {
                    "coder": self.coders[u.coder],
                    "row": u.row.number,
                    "study": u.row.study,
                    "label": u.row.label,
                    "ambiguous": u.ambiguous,
                    "suggestion": u.suggestion,
                }
                for u in self.unmatched
            ],
        }


def match_rows(sheets: Sequence[Studies], *, key: Sequence[str] | None = None) -> Matching:
    """Match the rows of two or more coders.

    Study labels are compared without what a reader would not see (case, accents, blanks,
    punctuation, look-alike letters). Within a study rows are matched by `effect` when every
    row of every coder has one and some ids are shared; otherwise by what describes the
    effect (sample, measures, raters and times, as far as every sheet has them). Rows that are
    described alike are told apart by their statistic, and else taken in their order, provided
    that every coder has equally many. When then one row of the study is left in each sheet,
    these are matched if they differ in at most two of the describing columns.

    Parameters
    ----------
    sheets : sequence of Studies
        What each coder has entered, with errors or without.
    key : sequence of str, optional
        Columns that identify an effect within its study instead, such as ``("effect",)``.

    Rows that are left and have the same description and numbers are matched under other ids
    of effect or sample; and so are those of two studies whose labels are nearly alike, where
    each label is in one sheet only. That the labels and ids differ is then a conflict.

    Returns
    -------
    Matching
        Other labels and rows that are nearly alike are suggestions only.

    Raises
    ------
    OptionError
        For fewer than two sheets, more than 26, or a key that no sheet has.
    """
    if not 2 <= len(sheets) <= len(string.ascii_uppercase):
        raise OptionError(f"{len(sheets)} sheets were given; agreement needs two or more.")
    columns = _shared(sheets, DESCRIPTION) if key is None else _checked_key(sheets, key)
    by_study: dict[str, list[list[Row]]] = {}
    for coder, sheet in enumerate(sheets):
        for row in sheet.rows:
            empty: list[list[Row]] = [[] for _ in sheets]
            by_study.setdefault(label_key(row.study), empty)[coder].append(row)
    blank = by_study.pop("", None)
    matched: list[tuple[Rows, How]] = []
    if key is None:
        matched += _take_renamed(by_study, columns)
    loose: list[UnmatchedRow] = []
    for rows in by_study.values():
        found, left, ambiguous = match_study(rows, columns, given=key is not None)
        matched += found
        loose += _loose(left, ambiguous, rows, by_study, columns)
    for coder, unnamed in enumerate(blank or []):
        loose += [UnmatchedRow(coder=coder, row=r, suggestion="no study label") for r in unnamed]
    matched.sort(key=lambda pair: _position(pair[0]))
    return Matching(
        sheets=tuple(sheets),
        coders=tuple(string.ascii_uppercase[: len(sheets)]),
        key=columns,
        matched=tuple(
            MatchedRow(number=i, rows=rows, how=how)
            for i, (rows, how) in enumerate(matched, start=1)
        ),
        unmatched=tuple(sorted(loose, key=lambda u: (u.coder, u.row.number))),
    )


def _take_renamed(
    by_study: Mapping[str, list[list[Row]]], columns: Sequence[str]
) -> list[tuple[Rows, How]]:
    """Take rows out of studies whose labels are nearly alike, where they match across both."""
    taken: list[tuple[Rows, How]] = []
    for labels in near_labels(by_study):
        first, second = (by_study[label] for label in labels)
        both = [[*a, *b] for a, b in zip(first, second, strict=True)]
        for rows, how in match_study(both, tuple(columns), given=True)[0]:
            present = [row for row in rows if row is not None]
            across = len({label_key(row.study) for row in present}) > 1
            if how == "key" and across and same_numbers(present):
                taken.append((rows, "label"))
                for part, row in zip((*first, *second), (*rows, *rows), strict=True):
                    if row is not None and row in part:
                        part.remove(row)
    return taken


def _position(rows: Rows) -> tuple[int, int]:
    """Order of the first sheet, then of the second."""
    return next((i, row.number) for i, row in enumerate(rows) if row is not None)


def _shared(sheets: Sequence[Studies], columns: Sequence[str]) -> tuple[str, ...]:
    """Columns that every sheet uses."""
    used = [{name for row in sheet.rows for name in row.cells} for sheet in sheets]
    return tuple(c for c in columns if all(c in names for names in used))


def _checked_key(sheets: Sequence[Studies], key: Sequence[str]) -> tuple[str, ...]:
    """The columns of a key less the study, which always belongs to it."""
    for name in key:
        if name not in COLUMNS and not any(name in row.cells for s in sheets for row in s.rows):
            raise OptionError(f"--key {name}: no sheet has such a column.")
    return tuple(name for name in key if name != "study")


def _loose(
    left: list[list[Row]],
    ambiguous: list[list[Row]],
    rows: list[list[Row]],
    by_study: dict[str, list[list[Row]]],
    columns: Sequence[str],
) -> list[UnmatchedRow]:
    """Rows without a match, each with what it may belong to."""
    letters = string.ascii_uppercase
    found = []
    counts = ", ".join(f"{len(p)} of {letters[i]}" for i, p in enumerate(ambiguous) if p)
    for coder, part in enumerate(ambiguous):
        text = f"rows are described alike ({counts}); effect ids would tell them apart"
        found += [UnmatchedRow(coder=coder, row=r, ambiguous=True, suggestion=text) for r in part]
    for coder, part in enumerate(left):
        others = [p for i, p in enumerate(rows) if i != coder and p]
        for row in part:
            if others:
                candidates = [(letters[i], r) for i, p in enumerate(left) if i != coder for r in p]
                text = near_row(row, candidates, lambda a, b: differences(a, b, columns))
            else:
                text = near_label(row, coder, by_study)
            found.append(UnmatchedRow(coder=coder, row=row, suggestion=text))
    return found
