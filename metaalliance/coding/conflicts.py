"""Every disagreement of the coders, the one that moves the result most first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metaalliance.coding.agreement import variables_of
from metaalliance.coding.impact import Change, Impact, impacts, makes_effect
from metaalliance.coding.matching import MatchedRow, Matching
from metaalliance.coding.values import (
    STUDY_LEVEL,
    Value,
    coded_value,
    comparison_key,
    place_of,
    same,
)
from metaalliance.model import Model
from metaalliance.models.scale import without_nan
from metaalliance.policy import Policy
from metaalliance.sheet.rows import with_label


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One disagreement.

    Attributes
    ----------
    id : str
        Its name in the conflicts workbook.
    matches : tuple of int
        Numbers of the matched rows that it concerns: one, or all rows of the study in which
        the coders disagree in the same way about a variable of the study.
    study, variable : str
        Where, and about what.
    label : str
        What figures and tables print for the study.
    cells : tuple of str
        Cell of each coder, "" for a coder who has no such row.
    values : tuple of float, str or None
        What each coder has entered.
    impact : float
        Change of the pooled r of the first coder's sheet with the other coder's value in this
        cell, the largest where there are several; 0 for variables that do not enter the
        effect, NaN where the row cannot be used with this value alone.
    row_impact : float
        The same with all values of the other coder's row.
    reason : str
        Why the impact is missing.
    """

    id: str
    matches: tuple[int, ...]
    study: str
    variable: str
    cells: tuple[str, ...]
    values: tuple[Value, ...]
    impact: float
    row_impact: float
    reason: str = ""
    label: str = ""

    @property
    def named(self) -> str:
        """The study with its label before it, where that is another name."""
        return with_label(self.study, self.label)

    def to_dict(self) -> dict[str, Any]:
        """Return the record for JSON; missing is None."""
        return without_nan({name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class _Found:
    """A disagreement before its impact is known."""

    variable: str
    matches: tuple[MatchedRow, ...]

    @property
    def match(self) -> MatchedRow:
        return self.matches[0]


def conflicts(
    matching: Matching,
    model: Model = Model(),  # noqa: B008 - a frozen value
    policy: Policy = Policy(),  # noqa: B008
) -> list[Conflict]:
    """Return every disagreement about a matched row, sorted by its impact on the pooled r.

    A disagreement about the label or a variable of the study is one conflict for all its rows.
    A label disagrees when it is not the same text, since effects with other labels are pooled
    as other studies. Variables that do not enter the result have impact 0 and come last, in
    the order of the sheet.
    """
    columns = ["study", "effect", *variables_of(matching)]
    found = [f for column in columns for f in _disagreements(matching, column)]
    alone, whole = _impacts(matching, found, model, policy)
    ranked = sorted(
        range(len(found)),
        key=lambda i: (-_size(alone[i], whole[i]), found[i].match.number, found[i].variable),
    )
    width = max(3, len(str(len(found))))
    return [
        _conflict(f"C{rank:0{width}d}", found[i], alone[i], whole[i])
        for rank, i in enumerate(ranked, start=1)
    ]


def _size(alone: Impact, whole: Impact) -> float:
    """What a conflict is sorted by: its impact, or that of its row where it has none."""
    for impact in (alone, whole):
        if not math.isnan(impact.value):
            return abs(impact.value)
    return 0.0


def _disagreements(matching: Matching, column: str) -> list[_Found]:
    """Matched rows in which the coders differ, rows of a study together where it is about it."""
    groups: dict[Any, list[MatchedRow]] = {}
    for match in matching.matched:
        rows = [row for row in match.rows if row is not None]
        values = [coded_value(row, column) for row in rows]
        if column == "effect" and match.how != "values":
            continue  # ids by which rows were not matched are numbers of the sheet
        if all(_agree(values[0], v, column) for v in values[1:]):
            continue
        key: Any = match.number
        if column == "study":
            key = tuple(None if row is None else row.study for row in match.rows)
        elif column in STUDY_LEVEL:
            codes = tuple(
                ("",) if row is None else comparison_key(coded_value(row, column), column)
                for row in match.rows
            )
            key = (match.study, codes)
        groups.setdefault(key, []).append(match)
    return [_Found(column, tuple(group)) for group in groups.values()]


def _agree(first: Value, second: Value, column: str) -> bool:
    """Whether two coders say the same; labels of studies have to be the same text."""
    return first == second if column == "study" else same(first, second, column)


def _impacts(
    matching: Matching, found: list[_Found], model: Model, policy: Policy
) -> tuple[list[Impact], list[Impact]]:
    """Impact of each conflict alone, and of the whole row of the other coder."""
    enters = makes_effect(model, policy)
    columns: dict[int, list[str]] = {}
    for f in found:
        if f.variable in enters:
            columns.setdefault(f.match.number, []).append(f.variable)
    changes: list[Change] = []
    owners: list[tuple[str, int]] = []
    for f in found:
        if f.variable in enters:
            more = _changes(f.matches, [f.variable])
            changes += more
            owners += [(f.variable, f.match.number)] * len(more)
    rows = {f.match.number: f.match for f in found}
    for number, names in columns.items():
        if len(names) == 1:
            continue  # the row is the cell
        more = _changes((rows[number],), names)
        changes += more
        owners += [("", number)] * len(more)
    largest: dict[tuple[str, int], Impact] = {}
    every = impacts(matching.sheets[0], changes, model, policy)
    for owner, impact in zip(owners, every, strict=True):
        largest[owner] = _larger(largest.get(owner), impact)
    missing = Impact(math.nan, "the first coder has no such row")
    alone, whole = [], []
    for f in found:
        number = f.match.number
        moves = f.variable in enters
        own = largest.get((f.variable, number), missing) if moves else Impact(0.0)
        alone.append(own)
        whole.append(largest.get(("", number), own) if moves else Impact(0.0))
    return alone, whole


def _larger(first: Impact | None, second: Impact) -> Impact:
    if first is None or math.isnan(first.value):
        return second
    if math.isnan(second.value) or abs(second.value) <= abs(first.value):
        return first
    return second


def _changes(matches: Sequence[MatchedRow], columns: list[str]) -> list[Change]:
    """The first coder's rows with the cells of each other coder who differs."""
    rows = tuple(m.rows[0] for m in matches if m.rows[0] is not None)
    if not rows:
        return []
    own = rows[0]
    found = []
    for other in next(m.rows for m in matches if m.rows[0] is own)[1:]:
        if other is None:
            continue
        cells = {
            c: other.cells.get(c)
            for c in columns
            if not _agree(coded_value(own, c), coded_value(other, c), c)
        }
        if cells:
            found.append(Change(rows, cells))
    return found


def _conflict(name: str, found: _Found, alone: Impact, whole: Impact) -> Conflict:
    column = found.variable
    return Conflict(
        id=name,
        matches=tuple(m.number for m in found.matches),
        study=found.match.study,
        label=found.match.first.label,
        variable=column,
        cells=tuple("" if r is None else place_of(r, column) for r in found.match.rows),
        values=tuple(None if r is None else coded_value(r, column) for r in found.match.rows),
        impact=alone.value,
        row_impact=whole.value,
        reason=alone.reason,
    )
