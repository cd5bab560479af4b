"""What a disagreement is worth: the pooled r with another coder's value in the cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pandas as pd

from metaalliance.coding.points import quiet_fit
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model
from metaalliance.models.scale import back_transform
from metaalliance.policy import Policy
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.row import (
    nonsignificant_column,
    nonsignificant_problems,
    row_problems,
)
from metaalliance.sheet.rules.statistics import Choice, choose
from metaalliance.sheet.studies import Studies
from metaalliance.sheet.texts import Coded

#: Columns that make the effect of a row, or decide whether it is used.
MAKES_EFFECT = frozenset(
    {"include"}
    | {c.name for c in COLUMNS.values() if c.group in {"statistic", "companion", "direction"}}
)
#: Columns that enter where correlations are corrected for unreliability.
_CORRECTS = frozenset(
    {"alliance_reliability", "outcome_reliability", "alliance_measure", "outcome_measure"}
)


class Impact(NamedTuple):
    """Change of the pooled r; NaN with a reason where it does not exist."""

    value: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Rows with cells of another coder in place of their own; None empties a cell."""

    rows: tuple[Row, ...]
    cells: Mapping[str, Coded | None]

    def apply(self) -> list[Row]:
        """Return the changed rows."""
        given = {c: v for c, v in self.cells.items() if v is not None}
        return [
            row.with_cells({**{c: v for c, v in row.cells.items() if c not in self.cells}, **given})
            for row in self.rows
        ]


def makes_effect(model: Model, policy: Policy) -> frozenset[str]:
    """Return the columns that can move the result: of effects, their levels, their correction."""
    found = MAKES_EFFECT | {"study", "sample", *model.columns}
    return found if policy.attenuation == "none" else found | _CORRECTS


def impacts(
    sheet: Studies,
    changes: Sequence[Change],
    model: Model = Model(),  # noqa: B008 - a frozen value
    policy: Policy = Policy(),  # noqa: B008
) -> list[Impact]:
    """Return the change of the pooled r of a sheet by each of several changes, one at a time.

    Each changed row is converted anew and the whole model is fitted again; nothing is
    approximated. Where the rows stay the effects that they were, the change is exactly zero.
    """
    if sheet.errors:
        reason = f"{sheet.file} has errors, so that nothing is pooled from it"
        return [Impact(math.nan, reason) for _ in changes]
    try:
        base = _Refit(sheet, model, policy)
    except (EstimationError, OptionError) as error:
        return [Impact(math.nan, str(error)) for _ in changes]
    return [base.change(change) for change in changes]


class _Refit:
    """The pooled mean of a sheet, fitted again with some rows changed, added or left out."""

    def __init__(self, sheet: Studies, model: Model, policy: Policy) -> None:
        self._sheet, self._model, self._policy = sheet, model, policy
        effects = self._effects(sheet)
        self._bare = replace(effects, ledger=effects.ledger[:0])
        self._records = _records(effects)
        self._base = self._r(self._records)

    def change(self, change: Change) -> Impact:
        """Change of r when rows are other ones."""
        rows = change.apply()
        choices, silent, reason = _choices(self._sheet, rows)
        if reason:
            return Impact(math.nan, reason)
        try:
            records = self._changed(rows, choices, silent)
            if self._alike(records):
                return Impact(0.0)
            return Impact(self._r(records) - self._base)
        except (EstimationError, OptionError) as error:
            return Impact(math.nan, str(error))

    def _changed(
        self, rows: Sequence[Row], choices: Mapping[int, Choice], silent: frozenset[int]
    ) -> dict[int, dict[str, Any]]:
        """Effects of the sheet with these rows in place of its own."""
        numbers = {row.number for row in rows}
        used = [row for row in rows if row.number in choices.keys() | silent]
        whole = self._policy.attenuation != "none"  # a mean reliability is that of all rows
        if whole:
            new = {row.number: row for row in used}
            kept = [r for r in self._sheet.used if r.number not in numbers or r.number in new]
            left_out = [r for n, r in new.items() if all(n != k.number for k in kept)]
            used = [new.get(r.number, r) for r in (*kept, *left_out)]
            choices, silent = (
                {**self._sheet.choices, **choices},
                ((self._sheet.nonsignificant_rows - numbers) | silent),
            )
        part = replace(self._sheet, rows=tuple(used), choices=dict(choices),
                       nonsignificant_rows=silent, problems=())  # fmt: skip
        found = _records(self._effects(part)) if used else {}
        before = {} if whole else {n: r for n, r in self._records.items() if n not in numbers}
        return dict(sorted({**before, **found}.items()))

    def _alike(self, records: Mapping[int, Mapping[str, Any]]) -> bool:
        """Whether nothing that the model sees is another than before."""
        if records.keys() != self._records.keys():
            return False
        nested = ["n"] if self._policy.overlap == "nested" else []
        names = ["yi", "vi", *nested, *self._model.columns]
        old, new = list(dict(sorted(self._records.items())).values()), list(records.values())
        if any(a.get(n) != b.get(n) for a, b in zip(old, new, strict=True) for n in names):
            return False
        return all(_groups(old, levels) == _groups(new, levels)
                   for levels in (["study"], ["study", "sample"]))  # fmt: skip

    def _effects(self, sheet: Studies) -> Effects:
        return effect_sizes(sheet, **self._policy.conversion)

    def _r(self, records: Mapping[int, Mapping[str, Any]]) -> float:
        if not records:
            raise EstimationError("No effect is left to pool.", code="MA602")
        frame = pd.DataFrame(list(records.values()))
        fit = quiet_fit(replace(self._bare, frame=frame), self._model)
        return back_transform(fit.estimate, self._bare.measure)


def _records(effects: Effects) -> dict[int, dict[str, Any]]:
    """Effects by their row of the sheet."""
    records = effects.frame.to_dict("records")
    return {int(r["row"]): {str(k): v for k, v in r.items()} for r in records}


def _groups(records: Sequence[Mapping[str, Any]], levels: Sequence[str]) -> list[int]:
    """Which records belong together, whatever their levels are called."""
    first: dict[tuple[str, ...], int] = {}
    return [first.setdefault(tuple(str(r.get(n)) for n in levels), len(first)) for r in records]


def _choices(sheet: Studies, rows: Sequence[Row]) -> tuple[dict[int, Choice], frozenset[int], str]:
    """What each row is converted from, rows that are not significant, and why one is unusable."""
    choices: dict[int, Choice] = {}
    silent: set[int] = set()
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
            choice, problems = choose(row, sheet.reading)
            if choice is not None:
                choices[row.number] = choice
                problems = problems or row_problems(row, choice)
            elif not problems:
                return {}, frozenset(), "the cell cannot be read"
        errors = [p.message for p in problems if p.severity == "error"]
        if errors:
            reason = f"with this value alone the row cannot be used: {errors[0]}"
            return {}, frozenset(), reason
    return choices, frozenset(silent), ""
