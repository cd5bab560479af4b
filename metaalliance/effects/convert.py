"""From coded rows to effect sizes, with a ledger of every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.conversion.attenuation import correct_z
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
from metaalliance.effects.ledger import (
    LEDGER_COLUMNS,
    Step,
    effect_name,
    ledger_of,
    scaled,
    step_of,
)
from metaalliance.effects.levels import HEADERS, ORDERS
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
from metaalliance.sheet.columns.specification import COLUMNS, MODERATORS
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.rows import Row, columns_of
from metaalliance.sheet.rules.statistics import sample_size
from metaalliance.sheet.studies import Studies
from metaalliance.wording.phrases import count_text

#: Columns of numbers, in the order in which a row gives them.
_NUMBERS = (
    "yi", "vi", "lower", "upper", "n", "r", FISHER_Z, VI_FISHER_Z, EFFECTIVE_N, TEST_DF, TEST_TAILS,
)  # fmt: skip
_NO_LIMITS = (math.nan, math.nan)
#: Logarithm of the patients of a therapist, a moderator that follows from n and n_therapists.
PATIENTS = "log_patients_per_therapist"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One effect with its line of the ledger."""

    record: dict[str, Any]
    ledger: dict[str, Any]


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
            f"{studies.file} has {count_text(len(studies.errors), 'error')}; nothing is converted.",
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
    lines: Callable[[], pd.DataFrame] = partial(ledger_of, studies, rows, measure, variances)
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
        step = step_of(studies, row, variances)
        found, r, n = step.found, step.r, _n(studies, row)
        flip, choice = step.sign * step.flip, step.choice
        yi, vi = scaled(found, r, measure, flip)
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
        "effect": [effect_name(row, i) for i, row in enumerate(rows, start=1)],
        **{name: numbers[name] for name in first},
        "row": [row.number for row in rows],
        "sample": [row.get("sample") for row in rows],
        **{name: numbers[name] for name in (FISHER_Z, VI_FISHER_Z, EFFECTIVE_N)},
        VI_OF_EFFECT: of_effect,
        **{name: numbers[name] for name in (TEST_DF, TEST_TAILS)},
        **{c: [row.get(c) for row in rows] for c in MODERATORS if c in present},
        **{own_name(c): [row.get(c) for row in rows] for c in present if c not in COLUMNS},
    }  # fmt: skip
    frame = pd.DataFrame(columns, copy=False)
    if "n_therapists" in frame:
        place = int(frame.columns.get_loc("n_therapists")) + 1  # type: ignore[arg-type]
        frame.insert(place, PATIENTS, log_patients_per_therapist(frame["n"], frame["n_therapists"]))
    return frame


def log_patients_per_therapist(n: Any, therapists: Any) -> pd.Series[float]:
    """Return the logarithm of the patients of a therapist; missing where either is not known.

    Examples
    --------
    >>> log_patients_per_therapist([60.0, 40.0], [6, None]).round(4).tolist()
    [2.3026, nan]
    """
    ratio = pd.to_numeric(pd.Series(n)) / pd.to_numeric(pd.Series(therapists))
    return ratio.where(ratio > 0).map(math.log, na_action="ignore")


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


def _size_and_test(step: Step, n: float, r: float, sign: int) -> tuple[float, float, float]:
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
