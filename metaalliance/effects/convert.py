"""From coded rows to effect sizes, with a ledger of every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.conversion import formulas as cv
from metaalliance.core.conversion.attenuation import correct_z
from metaalliance.core.conversion.conversions import Converted
from metaalliance.core.conversion.rules import RULES
from metaalliance.effects.attenuation import Corrections, correct_effect, find_reliabilities
from metaalliance.effects.effects import RESERVED, Effects
from metaalliance.effects.fisher import (
    EFFECTIVE_N,
    FISHER_Z,
    TEST_DF,
    TEST_TAILS,
    VI_FISHER_Z,
    VI_OF_EFFECT,
)
from metaalliance.effects.levels import HEADERS, ORDERS
from metaalliance.effects.not_significant import WithoutValue, digits, without_value
from metaalliance.errors import EstimationError, StudyDataError
from metaalliance.model import refuse
from metaalliance.options import (
    Attenuation,
    Measure,
    Overlap,
    SheetMeasure,
    Variances,
    check_option,
)
from metaalliance.policy import Assumed, Policy
from metaalliance.problems import place_in
from metaalliance.sheet.columns.specification import COLUMNS, MODERATORS
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.rows import Row, columns_of
from metaalliance.sheet.rules.statistics import Choice, sample_size
from metaalliance.sheet.studies import Studies

LEDGER_COLUMNS = (
    "row", "study", "effect", "statistic", "inputs", "formula", "source", "sign", "direction",
    "variance_rule", "approximate", "assumptions", "changes", "cell_notes", "r_reported", "r", "yi",
    "vi",
)  # fmt: skip
#: Columns of numbers, in the order in which a row gives them.
_NUMBERS = (
    "yi", "vi", "lower", "upper", "n", "r", FISHER_Z, VI_FISHER_Z, EFFECTIVE_N, TEST_DF, TEST_TAILS,
)  # fmt: skip
_NO_LIMITS = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One effect with its line of the ledger."""

    record: dict[str, Any]
    ledger: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Step:
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


def effect_sizes(
    studies: Studies,
    measure: SheetMeasure = "z",
    *,
    variances: Variances = "delta",
    attenuation: Attenuation = "none",
    alliance_reliability: Assumed | None = None,
    outcome_reliability: Assumed | None = None,
    overlap: Overlap = "full",
) -> Effects:
    """Convert every used row to an effect size.

    Parameters
    ----------
    studies : Studies
        A sheet without errors.
    measure : {"z", "r", "r-unbiased"}
        Fisher z with variance 1 / (n - 3); r with (1 - r²)² / (n - 1); or Olkin and Pratt's
        unbiased r with the same variance at the corrected value. Partial correlations and
        rank correlations keep their own variances.
    variances : {"delta", "fisher"}
        Variance of r from groups and counts (d, g, means, 2×2 tables, and tests with group sizes):
        the delta method for a cross-sectional sample, or that of any r of so many people.
    attenuation : {"none", "individual", "alliance", "outcome"}
        Correction of each correlation, and of its variance, for the unreliability of both
        measures ("individual") or of one of them: r / sqrt(rxx ryy), with the columns
        `alliance_reliability` and `outcome_reliability` of the row. `r_observed` and
        `attenuation` (the factor) are then columns of the frame, and the ledger has a
        column that says which reliabilities were used and where they came from.
    alliance_reliability, outcome_reliability : float, mapping or "mean", optional
        What stands for a reliability that a row does not report: a number, numbers by
        measure (``{"WAI": 0.93, "*": 0.9}``, the star for the rest), or the mean of the
        reported ones. Without it a missing reliability is an error; nothing is assumed
        silently.
    overlap : {"full", "nested"}
        Whose people the effects of one sample are where their n differ; see `Effects`.

    Returns
    -------
    Effects
        In the order of the sheet, positive for better alliance with better outcome, with the
        ledger.

    Raises
    ------
    StudyDataError
        When the sheet has errors, or nothing to pool.
    OptionError
        When results that are not significant are to be intervals, on another scale than that of
        Fisher z or corrected for unreliability.
    EstimationError
        When reliabilities are missing, a corrected correlation reaches 1, or no effect has a
        value.
    """
    check_option("measure", measure, SheetMeasure)
    check_option("variances", variances, Variances)
    check_option("overlap", overlap, Overlap)
    _refuse_unscaled(studies, measure, attenuation)
    if studies.errors:
        raise StudyDataError(
            f"{studies.file} has {len(studies.errors)} errors; nothing is converted.",
            studies.problems,
        )
    corrections = find_reliabilities(
        studies.used, attenuation, alliance_reliability, outcome_reliability
    )
    rows = studies.used
    frame = _frame(studies, rows, measure, variances)
    _refuse_infinite(frame, measure)
    if frame["yi"].isna().all():
        raise EstimationError("No effect has a value: nothing can be pooled.", code="MA602")
    lines: Callable[[], pd.DataFrame] = partial(_ledger, studies, rows, measure, variances)
    if corrections:
        frame, lines = _corrected(frame, lines(), corrections, measure)
    kept = {"n", TEST_DF}
    silent = [c for c in frame if c not in kept and frame[c].isna().all()]
    frame = frame.drop(columns=[*silent, *_silent(frame, measure)])
    frame.attrs[ORDERS] = {own_name(c): levels for c, levels in studies.level_orders.items()}
    frame.attrs[HEADERS] = {key_of(h): c for c, h in studies.headers.items() if c in frame}
    return Effects(frame=frame, measure=measure, ledger=lines, overlap=overlap)  # type: ignore[arg-type]


def _frame(
    studies: Studies, rows: Sequence[Row], measure: Measure, variances: Variances
) -> pd.DataFrame:
    """Convert rows to the columns of effects, all of them."""
    numbers = {name: np.empty(len(rows)) for name in _NUMBERS}
    of_effect = np.zeros(len(rows), dtype=bool)
    filled = tuple(numbers.values())
    for i, row in enumerate(rows):
        step = _step(studies, row, variances)
        found, r, n = step.found, step.r, _n(studies, row)
        flip, choice = step.sign * step.flip, step.choice
        yi, vi = _scale(found, r, measure, flip)
        limits = _NO_LIMITS if step.taken is None else step.taken.limits(step.flip)
        tails = None if choice is None else choice.inputs.get("tails")
        z, size, df = _size_and_test(step, n, r, flip)
        tails = math.nan if tails is None else tails
        values = (yi, vi, *limits, n, r, z, found.z_variance, size, df, tails)
        for column, value in zip(filled, values, strict=True):
            column[i] = value
        of_effect[i] = found.of_effect
    first = ("yi", "vi", "lower", "upper", "n", "r")
    present = columns_of(rows)
    studied, labels = ([getattr(row, name) for row in rows] for name in ("study", "label"))
    columns = {
        "study": studied,
        **({} if labels == studied else {"label": labels}),
        "effect": [_effect(row, i) for i, row in enumerate(rows, start=1)],
        **{name: numbers[name] for name in first},
        "row": [row.number for row in rows],
        "sample": [row.get("sample") for row in rows],
        **{name: numbers[name] for name in (FISHER_Z, VI_FISHER_Z, EFFECTIVE_N)},
        VI_OF_EFFECT: of_effect,
        **{name: numbers[name] for name in (TEST_DF, TEST_TAILS)},
        **{c: [row.get(c) for row in rows] for c in MODERATORS if c in present},
        **{own_name(c): [row.get(c) for row in rows] for c in present if c not in COLUMNS},
    }  # fmt: skip
    return pd.DataFrame(columns, copy=False)


def _effect(row: Row, index: int) -> str:
    """Name of an effect: as coded, or its place."""
    return row.get("effect") or str(index)


def _ledger(
    studies: Studies, rows: Sequence[Row], measure: Measure, variances: Variances
) -> pd.DataFrame:
    """How each effect was made."""
    steps = (_step(studies, row, variances) for row in rows)
    lines = [_line(step, index, measure) for index, step in enumerate(steps, start=1)]
    return pd.DataFrame(lines, columns=list(LEDGER_COLUMNS))


def _silent(frame: pd.DataFrame, measure: Measure) -> list[str]:
    """Columns of `effects.fisher` that say nothing here."""
    if measure != "z":
        return []
    same = (frame[EFFECTIVE_N] == frame["n"]).all()
    free = not frame[VI_OF_EFFECT].any()
    told = {FISHER_Z: True, VI_FISHER_Z: True, EFFECTIVE_N: same, VI_OF_EFFECT: free}
    return [c for c, silent in told.items() if silent]


def _refuse_unscaled(studies: Studies, measure: str, attenuation: str) -> None:
    """Refuse scales on which the variance of an effect rests on the value that it lacks."""
    if studies.nonsignificant != "censored" or not studies.nonsignificant_rows:
        return
    reason = "the sampling variance would rest on the value that a result without one lacks"
    asked = Policy(measure=measure, attenuation=attenuation)
    refuse(asked, "The policy nonsignificant='censored'", dict.fromkeys(
        ("measure", "attenuation"), reason))  # fmt: skip


def _refuse_infinite(frame: pd.DataFrame, measure: Measure) -> None:
    """Refuse effects without a variance: samples of 3 that were read to become r become no z."""
    vi = frame["vi"].to_numpy()
    rows = frame["row"].to_numpy()[~((vi > 0) & (vi < math.inf))]
    if rows.size:
        raise EstimationError(
            f"measure={measure!r} needs n > 3 (row {', '.join(map(str, rows))}); measure='r' does "
            "not.",
            code="MA321",
        )


def _corrected(
    frame: pd.DataFrame, ledger: pd.DataFrame, corrections: Corrections, measure: Measure
) -> tuple[pd.DataFrame, Callable[[], pd.DataFrame]]:
    """Correct every effect for unreliability; refuse those that reach 1, all at once."""
    corrected, refused = [], []
    records = zip(frame.to_dict("records"), ledger.to_dict("records"), strict=True)
    for record, line in records:
        entry = _Entry({str(k): v for k, v in record.items()}, {str(k): v for k, v in line.items()})
        try:
            corrected.append(_correct(entry, corrections, measure))
        except EstimationError as error:
            refused.append(f"{entry.record['study']} (row {entry.record['row']}): {error}")
    if refused:
        raise EstimationError(
            f"{len(refused)} correlations reach 1 when they are corrected for unreliability: "
            f"{' '.join(refused[:5])}",
            code="MA625",
        )
    columns = [*LEDGER_COLUMNS, "attenuation"]
    lines = pd.DataFrame([e.ledger for e in corrected], columns=columns)
    return pd.DataFrame([e.record for e in corrected]), lambda: lines


def _correct(entry: _Entry, corrections: Corrections, measure: Measure) -> _Entry:
    """Correct one effect, its variance and its line of the ledger."""
    record, ledger = dict(entry.record), dict(entry.ledger)
    reliabilities = corrections.of(record["row"])
    found = correct_effect(record["yi"], record["vi"], record["r"], measure, reliabilities)
    values = {"yi": found.yi, "vi": found.vi, "r": found.r}
    record |= {**values, "r_observed": entry.record["r"], "attenuation": found.factor}
    record |= _corrected_z(entry.record, found.factor)
    ledger |= {**values, "attenuation": found.text}
    rule = RULES.get(ledger["statistic"])
    partial = ledger["formula"].endswith(
        ("partial r", "partial correlation")
    )  # of t or b with covariates
    if partial or (
        rule is not None and rule.adjusted
    ):  # other variables of the model have errors of their own
        ledger["approximate"] = True
        note = "corrected for unreliability as if it were a zero-order correlation"
        ledger["assumptions"] = "; ".join(t for t in (ledger["assumptions"], note) if t)
    return _Entry(record, ledger)


def _corrected_z(record: dict[str, Any], factor: float) -> dict[str, Any]:
    """Fisher z and its variance after correction; missing where the correlation reaches 1."""
    z, vi = math.nan, math.nan
    if abs(record["r"]) < factor:
        z, vi = correct_z(record[FISHER_Z], record[VI_FISHER_Z], factor, factor)
    size = record[EFFECTIVE_N] * factor**2
    return {FISHER_Z: z, VI_FISHER_Z: vi, EFFECTIVE_N: size, VI_OF_EFFECT: True}


def _step(studies: Studies, row: Row, variances: Variances) -> _Step:
    """Convert one row."""
    flip = row.flip
    if row.number in studies.nonsignificant_rows:
        taken = without_value(row, studies.nonsignificant)
        return _Step(row, None, taken, taken.found, taken.sign, flip)
    choice = studies.choices[row.number]
    found = choice.convert(flip, variances)
    if choice.scale in {"z", "r"} and row.get("adjusted_for") not in {None, "none"}:
        found = replace(found, formula=f"{found.formula}, a partial correlation")
    negative = not choice.rule.signed and row.get("sign") == "-"
    return _Step(row, choice, None, found, -1 if negative else 1, flip)


def _line(step: _Step, index: int, measure: Measure) -> dict[str, Any]:
    """The line of the ledger of one row."""
    row, found, taken, choice = step.row, step.found, step.taken, step.choice
    yi, vi = _scale(found, step.r, measure, step.sign * step.flip)
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
        "effect": _effect(row, index),
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
    parts.append("sign reversed" if row.flip < 0 else "sign kept")
    return "; ".join(parts)


def _scale(found: Converted, r: float, measure: Measure, sign: int) -> tuple[float, float]:
    """Effect and variance on the analysis scale."""
    if measure == "z":
        z = math.atanh(r) if found.z is None else sign * found.z
        return z, found.z_variance
    corrected = measure == "r-unbiased" and found.df is not None
    value = cv.unbiased_r(r, found.df) if corrected else r  # type: ignore[arg-type]
    if found.df is None or not found.standard:  # a variance of its own, by the delta method
        return value, found.z_variance * (1 - value * value) ** 2
    return value, cv.r_variance(value, found.df)


def _size_and_test(step: _Step, n: float, r: float, sign: int) -> tuple[float, float, float]:
    """Fisher z, the n that its variance stands for, and the df of the test that is reported."""
    found, choice = step.found, step.choice
    z = math.atanh(r) if found.z is None else sign * found.z
    size = n if found.df is None else found.df + 2
    if math.isnan(size):
        size = 3 + 1 / found.z_variance
    if math.isnan(n) and found.df is None:
        return z, size, math.nan
    test = "t" if choice is None else choice.rule.test
    return z, size, {"t": size - 2, "normal": math.inf, "": math.nan}[test]


def _n(studies: Studies, row: Row) -> float:
    """Participants behind an effect; NaN where they are not coded."""
    n = sample_size(row)
    if n is None and row.number in studies.choices:
        x = studies.choices[row.number].inputs
        df = x.get("df2", x.get("df"))
        n = df + 2 if df is not None else None
    return math.nan if n is None else float(n)


def own_name(column: str) -> str:
    """Name of a team's column in the frame: a name of the results gets a suffix."""
    taken = column in {*RESERVED, "n_effects", "weight_percent", "ci_low", "ci_high"}
    return f"{column} (sheet)" if taken else column
