"""Correction of coded correlations for the unreliability of their two measures."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metaalliance.core.conversion.attenuation import correct_r, correct_z
from metaalliance.errors import EstimationError, OptionError
from metaalliance.options import Attenuation, Measure, check_option
from metaalliance.policy import Assumed
from metaalliance.problems import place_in
from metaalliance.sheet.rows import Row
from metaalliance.wording.phrases import count_text

Side = Literal["alliance", "outcome"]

_SIDES: dict[str, tuple[Side, ...]] = {
    "none": (),
    "individual": ("alliance", "outcome"),
    "alliance": ("alliance",),
    "outcome": ("outcome",),
}
#: Key of a mapping that stands for every measure that it does not name.
OTHERS = "*"
#: How many studies a message names.
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Reliability of one measure of one row.

    Attributes
    ----------
    value : float
        In (0, 1]; 1 where the measure is not corrected.
    source : str
        Where it came from: a cell, or an assumption of the caller.
    """

    value: float
    source: str


NOT_CORRECTED = Reliability(value=1.0, source="not corrected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """Reliabilities of every row of a sheet.

    Attributes
    ----------
    alliance, outcome : dict of int to Reliability
        By row number; empty for a measure that is not corrected.
    """

    alliance: Mapping[int, Reliability]
    outcome: Mapping[int, Reliability]

    def of(self, row: int) -> tuple[Reliability, Reliability]:
        """Reliabilities of the two measures of a row."""
        return self.alliance.get(row, NOT_CORRECTED), self.outcome.get(row, NOT_CORRECTED)

    def __bool__(self) -> bool:
        return bool(self.alliance or self.outcome)


def find_reliabilities(
    rows: Sequence[Row],
    attenuation: Attenuation,
    alliance: Assumed | None,
    outcome: Assumed | None,
) -> Corrections:
    """Find the reliabilities of the measures that are to be corrected.

    Parameters
    ----------
    rows : sequence of Row
        Used rows of a sheet, with the columns `alliance_reliability` and
        `outcome_reliability`.
    attenuation : {"none", "individual", "alliance", "outcome"}
        Which measures are corrected: none, both, or one of them.
    alliance, outcome : float, mapping or "mean", optional
        What stands for a reliability that a row does not report: a number, numbers by
        `alliance_measure` or `outcome_measure` ("*" for the rest), or the mean of the reported
        ones (the square of their mean root, as in an artifact distribution).

    Raises
    ------
    OptionError
        For a value outside (0, 1], or one for a measure that is not corrected.
    EstimationError
        When reliabilities are missing and nothing stands for them; all studies are named.
    """
    check_option("attenuation", attenuation, Attenuation)
    sides = _SIDES[attenuation]
    given: dict[Side, Assumed | None] = {"alliance": alliance, "outcome": outcome}
    for side, value in given.items():
        if value is not None and side not in sides:
            raise OptionError(
                f"{side}_reliability is given, but attenuation={attenuation!r} does not correct "
                f"for the {side} measure."
            )
    found = {side: _of_side(rows, side, given[side]) for side in sides}
    return Corrections(alliance=found.get("alliance", {}), outcome=found.get("outcome", {}))


def _of_side(rows: Sequence[Row], side: Side, assumed: Assumed | None) -> dict[int, Reliability]:
    """Reliabilities of one measure, reported or assumed; refuse rows that have neither."""
    column = f"{side}_reliability"
    reported = {r.number: float(v) for r in rows if (v := r.get(column)) is not None}
    for row in rows:
        if row.number in reported and not 0 < reported[row.number] <= 1:
            seen = f"{_place(row, column)}: {reported[row.number]:g}"
            raise EstimationError(
                f"{seen} is not a reliability, above 0 and at most 1.", code="MA624"
            )
    _refuse_misspelt(rows, side, assumed)
    stand_in = _stand_in(column, assumed, list(reported.values()))
    found, missing = {}, []
    for row in rows:
        if row.number in reported:
            value = Reliability(value=reported[row.number], source=_place(row, column))
            found[row.number] = value
        elif (assumption := stand_in.get(row.get(f"{side}_measure"))) is not None:
            found[row.number] = assumption
        else:
            measure = row.get(f"{side}_measure") or "no measure"
            missing.append(f"{row.label} (row {row.number}, {measure})")
    if missing:
        raise _missing(column, missing, len(rows))
    return found


def _refuse_misspelt(rows: Sequence[Row], side: Side, assumed: Assumed | None) -> None:
    """Refuse a measure of no row whose name is nearly that of one without a value of its own."""
    if not isinstance(assumed, Mapping):
        return
    coded = {str(m) for row in rows if (m := row.get(f"{side}_measure"))}
    for key in assumed:
        left = sorted(coded - set(assumed))
        near = difflib.get_close_matches(key, left, n=1) if key not in {OTHERS, *coded} else []
        if near:
            raise OptionError(
                f"{side}_reliability names {key!r}, which no row has. Did you mean {near[0]!r}?"
            )


def _missing(column: str, missing: list[str], rows: int) -> EstimationError:
    """The error that names rows without a reliability, and what can be done."""
    listed = "; ".join(missing[:_NAMED]) + ("; ..." if len(missing) > _NAMED else "")
    return EstimationError(
        f"{column} is missing in {len(missing)} of {count_text(rows, 'row')}: {listed}. Code "
        "it, or state what "
        f"stands for it: {column}=0.85, {column}={{'WAI': 0.93, ...}}, or {column}='mean' for the "
        f"mean of the reported ones; {column}=1 leaves these measures uncorrected.",
        code="MA624",
    )


def _place(row: Row, column: str) -> str:
    """Cell of a column in a row, as a spreadsheet writes it."""
    coded = row.cells[column]
    return place_in(coded.sheet or row.sheet, coded.cell)


@dataclass(frozen=True, slots=True)
class _StandIn:
    """What stands for missing reliabilities: one value, and values by measure."""

    common: Reliability | None
    by_measure: Mapping[str, Reliability]

    def get(self, measure: str | None) -> Reliability | None:
        if measure is not None and measure.casefold() in self.by_measure:
            return self.by_measure[measure.casefold()]
        return self.common


def _stand_in(column: str, assumed: Assumed | None, reported: list[float]) -> _StandIn:
    """Check what the caller assumes."""
    if assumed is None:
        return _StandIn(None, {})
    if isinstance(assumed, Mapping):
        named = {
            str(name).casefold(): Reliability(
                value=_checked(column, value), source=f"assumed for {name}"
            )
            for name, value in assumed.items()
        }
        return _StandIn(named.get(OTHERS), named)
    if assumed == "mean":
        if not reported:
            raise EstimationError(
                f"{column}='mean' needs one reported reliability; the sheet has none.", code="MA624"
            )
        mean = float(np.mean(np.sqrt(reported))) ** 2
        return _StandIn(Reliability(value=mean, source=f"mean of {len(reported)} reported"), {})
    return _StandIn(Reliability(value=_checked(column, assumed), source="assumed"), {})


def _checked(column: str, value: object) -> float:
    """Return a reliability in (0, 1]."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.number)
        or not (0 < float(value) <= 1)
    ):
        raise OptionError(
            f"{column}={value!r} is not a reliability, above 0 and at most 1, nor 'mean', nor a "
            "mapping of measures to reliabilities."
        )
    return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedEffect:
    """An effect after correction, with its line for the ledger; `factor` is sqrt(rxx ryy)."""

    yi: float
    vi: float
    r: float
    factor: float
    text: str


def correct_effect(
    yi: float, vi: float, r: float, measure: Measure, of: tuple[Reliability, Reliability]
) -> CorrectedEffect:
    """Correct one effect and its variance for the reliabilities `of` its two measures.

    Raises
    ------
    EstimationError
        When the corrected correlation reaches 1 and the measure is Fisher z.
    """
    rxx, ryy = (reliability.value for reliability in of)
    correct = correct_z if measure == "z" else correct_r
    found = correct(yi, vi, rxx, ryy)
    factor = math.sqrt(rxx * ryy)
    parts = [
        f"{name} {value.value:.6g} [{value.source}]"
        for name, value in zip(("alliance", "outcome"), of, strict=True)
        if value is not NOT_CORRECTED
    ]
    corrected = r / factor
    beyond = "; beyond 1 by sampling error" if abs(corrected) > 1 else ""
    text = f"{r:.6g} / sqrt({' × '.join(parts)}) = {corrected:.6g}{beyond}"
    return CorrectedEffect(
        yi=found.estimate, vi=found.variance, r=corrected, factor=factor, text=text
    )
