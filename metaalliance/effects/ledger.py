"""How each effect was made: the step from a row to a correlation, and its line of the ledger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from metaalliance.core.conversion import formulas as cv
from metaalliance.core.conversion.conversions import Converted
from metaalliance.effects.not_significant import WithoutValue, digits, without_value
from metaalliance.options import Measure, Variances
from metaalliance.problems import place_in
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.statistics import Choice
from metaalliance.sheet.studies import Studies

LEDGER_COLUMNS = (
    "row", "study", "effect", "statistic", "inputs", "formula", "source", "sign", "direction",
    "variance_rule", "approximate", "assumptions", "changes", "cell_notes", "r_reported", "r", "yi",
    "vi",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A row as it is converted.

    Attributes
    ----------
    row : Row
        The row.
    choice : Choice or None
        Its statistic; None where it only says "not significant".
    taken : WithoutValue or None
        What the policy makes of it then.
    found : Converted
        The correlation, with the sign that it is reported with.
    sign, flip : int
        Sign of the reported association, and -1 where the direction turns it.
    """

    row: Row
    choice: Choice | None
    taken: WithoutValue | None
    found: Converted
    sign: int
    flip: int

    @property
    def reported(self) -> float:
        """The correlation as reported."""
        return self.sign * self.found.r

    @property
    def r(self) -> float:
        """The correlation as it is pooled."""
        return self.flip * self.reported + 0.0  # no negative zero


def step_of(studies: Studies, row: Row, variances: Variances) -> Step:
    """Convert one row."""
    flip = row.flip
    if row.number in studies.nonsignificant_rows:
        taken = without_value(row, studies.nonsignificant)
        return Step(row, None, taken, taken.found, taken.sign, flip)
    choice = studies.choices[row.number]
    found = choice.convert(flip, variances)
    if choice.scale in {"z", "r"} and row.get("adjusted_for") not in {None, "none"}:
        found = replace(found, formula=f"{found.formula}, a partial correlation")
    negative = not choice.rule.signed and row.get("sign") == "-"
    return Step(row, choice, None, found, -1 if negative else 1, flip)


def scaled(found: Converted, r: float, measure: Measure, sign: int) -> tuple[float, float]:
    """Effect and variance on the analysis scale."""
    if measure == "z":
        z = math.atanh(r) if found.z is None else sign * found.z
        return z, found.z_variance
    corrected = measure == "r-unbiased" and found.df is not None
    value = cv.unbiased_r(r, found.df) if corrected else r  # type: ignore[arg-type]
    if found.df is None or not found.standard:  # a variance of its own, by the delta method
        return value, found.z_variance * (1 - value * value) ** 2
    return value, cv.r_variance(value, found.df)


def effect_name(row: Row, index: int) -> str:
    """Name of an effect: as coded, or its place."""
    return row.get("effect") or str(index)


def ledger_of(
    studies: Studies, rows: Sequence[Row], measure: Measure, variances: Variances
) -> pd.DataFrame:
    """How each effect was made."""
    steps = (step_of(studies, row, variances) for row in rows)
    lines = [_line(step, index, measure) for index, step in enumerate(steps, start=1)]
    return pd.DataFrame(lines, columns=list(LEDGER_COLUMNS))


def _line(step: Step, index: int, measure: Measure) -> dict[str, Any]:
    """The line of the ledger of one row."""
    row, found, taken, choice = step.row, step.found, step.taken, step.choice
    yi, vi = scaled(found, step.r, measure, step.sign * step.flip)
    if taken is not None:
        statistic, inputs = "n.s.", taken.inputs
        sign, source = taken.sign_source, "policy of the team"
    else:
        assert choice is not None  # a row without one is not significant
        statistic, inputs = choice.statistic, _inputs(row, choice)
        sign, source = _sign_source(row, choice), choice.rule.source
    odd = row.odd()
    return {
        "row": row.number,
        "study": row.label,
        "effect": effect_name(row, index),
        "statistic": statistic,
        "inputs": inputs,
        "formula": found.formula,
        "source": source,
        "sign": sign,
        "direction": _direction(row),
        "variance_rule": found.variance_rule,
        "approximate": found.approximate,
        "assumptions": "; ".join(found.assumptions),
        "changes": "; ".join(f"{c.cell}: {t}" for c in odd for t in c.changes),
        "cell_notes": "; ".join(f"{c.cell}: {c.note}" for c in odd if c.note),
        "r_reported": step.reported,
        "r": step.r,
        "yi": yi,
        "vi": vi,
    }


def _inputs(row: Row, choice: Choice) -> str:
    """Inputs of a conversion with their cells."""
    parts = []
    for name, value in choice.inputs.items():
        coded = row.cells.get(name)
        if coded is None and name == choice.rule.inputs[0]:
            coded = row.cells.get("value")
        where = f" [{place_in(coded.sheet or row.sheet, coded.cell)}]" if coded else " [computed]"
        parts.append(f"{name} = {digits(value)}{where}")
    return "; ".join(parts)


def _sign_source(row: Row, choice: Choice) -> str:
    """Where the sign of the reported association came from."""
    if choice.rule.signed:
        return f"carried by {choice.statistic}"
    return f"sign column [{place_in(row.sheet, row.cells['sign'].cell)}]"


def _direction(row: Row) -> str:
    """Whether the reported sign is turned, and why."""
    outcome, alliance = row.get("outcome_direction"), row.get("alliance_direction")
    parts = [f"outcome {outcome}" if outcome else "outcome direction blank: aligned by the coder"]
    if alliance:
        parts.append(f"alliance {alliance}")
    parts += [
        f"{side} direction not applied: neither variable is the {side}"
        for side, said in (("outcome", outcome), ("alliance", alliance))
        if said and not row.holds(side)
    ]
    parts.append("sign reversed" if row.flip < 0 else "sign kept")
    return "; ".join(parts)
