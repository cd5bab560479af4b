"""What a disagreement is worth: the pooled r with another coder's value in the cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from metaalliance.coding.points import EffectPoint, convert_rows, sheet_points
from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.ascent import highest_maximum, maximize
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import nested_data
from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.errors import EstimationError
from metaalliance.model import RHO
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.rows import Coded, Row
from metaalliance.sheet.rules.row import (
    nonsignificant_column,
    nonsignificant_problems,
    row_problems,
)
from metaalliance.sheet.rules.statistics import Choice, choose
from metaalliance.sheet.studies import Studies

#: Columns that make the effect of a row and its part in the mean, or decide whether it is used.
MAKES_EFFECT = frozenset(
    {"include", "sample"}
    | {c.name for c in COLUMNS.values() if c.group in {"statistic", "companion", "direction"}}
)


class Impact(NamedTuple):
    """Change of the pooled r; NaN with a reason where it does not exist."""

    value: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A row with cells of another coder in place of its own; None empties a cell."""

    row: Row
    cells: Mapping[str, Coded | None]

    def apply(self, number: int) -> Row:
        """Return the changed row under another number."""
        cells = {**self.row.cells, **{c: v for c, v in self.cells.items() if v is not None}}
        for column, coded in self.cells.items():
            if coded is None:
                cells.pop(column, None)
        return replace(self.row, number=number, cells=cells)


def impacts(sheet: Studies, changes: Sequence[Change]) -> list[Impact]:
    """Return the change of the pooled r of a sheet by each of several changes, one at a time.

    Each changed row is converted anew and the model of `pool` at its defaults is refitted to
    its optimum, started at that of the sheet; nothing is approximated. Where the row stays the
    effect that it was, the change is exactly zero.
    """
    if sheet.errors:
        reason = f"{sheet.file} has errors, so that nothing is pooled from it"
        return [Impact(math.nan, reason) for _ in changes]
    fit = _Refit(sheet)
    if math.isnan(fit.base):
        return [Impact(math.nan, fit.reason) for _ in changes]
    first = max((row.number for row in sheet.rows), default=0) + 1
    rows = [change.apply(first + i) for i, change in enumerate(changes)]
    points, reasons = _convert(sheet, rows)
    return [
        Impact(math.nan, reasons[row.number])
        if row.number in reasons
        else fit.change(change.row.number, row, points.get(row.number))
        for change, row in zip(changes, rows, strict=True)
    ]


def _convert(sheet: Studies, rows: Sequence[Row]) -> tuple[dict[int, EffectPoint], dict[int, str]]:
    """Effects of changed rows, and why others have none; a row in neither is left out."""
    choices: dict[int, Choice] = {}
    silent: set[int] = set()
    usable: list[Row] = []
    reasons: dict[int, str] = {}
    for row in rows:
        if not row.included:
            continue
        column = nonsignificant_column(row)
        if column is not None and sheet.nonsignificant == "drop":
            continue
        if column is not None:
            problems = nonsignificant_problems(row, column, sheet.nonsignificant)
            silent.add(row.number)
        else:
            choice, problems = choose(row, sheet.beta)
            if choice is not None:
                choices[row.number] = choice
                problems = problems or row_problems(row, choice)
            elif not problems:
                reasons[row.number] = "the cell cannot be read"
        errors = [p.message for p in problems if p.severity == "error"]
        if errors:
            reasons[row.number] = f"with this value alone the row cannot be used: {errors[0]}"
        if row.number not in reasons:
            usable.append(row)
    return convert_rows(sheet, tuple(usable), choices, frozenset(silent)), reasons


class _Refit:
    """The pooled mean of a sheet, refitted with one effect changed, added or left out."""

    def __init__(self, sheet: Studies) -> None:
        points = sheet_points(sheet)
        rows = {row.number: row for row in sheet.used}
        self._place = {number: i for i, number in enumerate(points)}
        self._code = {
            label: i for i, label in enumerate(dict.fromkeys(r.study for r in sheet.rows))
        }
        self._sample: dict[tuple[str, Any], int] = {}
        self._yi = np.array([p.yi for p in points.values()])
        self._vi = np.array([p.vi for p in points.values()])
        self._groups = np.array([self._codes(rows[n]) for n in points], dtype=np.intp).reshape(
            -1, 2
        )
        self._start: Array | None = None
        self.reason = ""
        try:
            self.base = math.tanh(self._mean(self._yi, self._vi, self._groups))
        except EstimationError as error:
            self.base, self.reason = math.nan, str(error)

    def change(self, number: int, row: Row, point: EffectPoint | None) -> Impact:
        """Change of r when a row becomes another with another effect, or (None) is left out."""
        place = self._place.get(number)
        if place is None and point is None:
            return Impact(0.0)
        yi, vi, groups, codes = self._yi, self._vi, self._groups, self._codes(row)
        if place is not None and point is not None:
            same = yi[place] == point.yi and vi[place] == point.vi
            if same and tuple(groups[place]) == codes:
                return Impact(0.0)
            yi, vi, groups = yi.copy(), vi.copy(), groups.copy()
            yi[place], vi[place], groups[place] = point.yi, point.vi, codes
        elif place is not None:
            yi, vi, groups = (np.delete(x, place, axis=0) for x in (yi, vi, groups))
        elif point is not None:
            yi, vi = np.append(yi, point.yi), np.append(vi, point.vi)
            groups = np.vstack([groups, codes])
        try:
            return Impact(math.tanh(self._mean(yi, vi, groups)) - self.base)
        except EstimationError as error:
            return Impact(math.nan, str(error))

    def _codes(self, row: Row) -> tuple[int, int]:
        """Study and independent sample of a row."""
        key = (row.study, row.get("sample"))
        return self._code[row.study], self._sample.setdefault(key, len(self._sample))

    def _mean(self, yi: Array, vi: Array, groups: IntArray) -> float:
        """The mean of `pool` at its defaults: CHE with dependent effects, else two-level."""
        if yi.size == 0:
            raise EstimationError("No effect is left to pool.", code="MA602")
        study, sample = groups.T
        if np.unique(study).size == yi.size:
            ones = np.ones((yi.size, 1))
            tau2 = estimate_tau2(yi, vi, ones, "REML") if yi.size > 1 else 0.0
            return float(np.average(yi, weights=1 / (vi + tau2)))
        order = np.lexsort((sample, study))
        blocks, people = (StudyBlocks.from_sorted(codes[order]) for codes in (study, sample))
        if blocks.m == 1:
            raise EstimationError("All effects come from one study.", code="MA611")
        ones = np.ones((yi.size, 1))
        data = nested_data(yi[order], vi[order], ones, blocks, RHO, people)
        if self._start is None:
            point = highest_maximum(data, restricted=True)
            self._start = point.theta
        else:
            point = maximize(data, self._start, restricted=True)
        return float(point.beta[0])
