"""Reliabilities of a psychometric meta-analysis: what is known, assumed, and possible."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.conversion.attenuation import ArtifactDistribution
from metaalliance.effects.effects import Effects, study_names
from metaalliance.errors import EstimationError, OptionError
from metaalliance.problems import Problem, notice

PsychometricCorrection = Literal["auto", "none", "individual", "artifact-distribution"]
#: Columns of the two reliabilities.
SIDES = ("alliance_reliability", "outcome_reliability")


#: The factor of effects that were corrected already.
FACTOR = "attenuation"


def reliabilities(effects: Effects, given: dict[str, float | None]) -> dict[str, Array]:
    """Reliabilities of both measures by study, or the product of both behind a known factor.

    Raises
    ------
    EstimationError
        For reliabilities that are given for effects that were corrected already.
    """
    if FACTOR not in effects.frame:
        return {name: known_reliabilities(effects, name, value) for name, value in given.items()}
    wrong = next((name for name, value in given.items() if value is not None), None)
    if wrong is not None:
        raise EstimationError(
            f"{wrong}= has no use: these effects were corrected for unreliability already, and "
            "their own factors are taken. Give the sheet, or effects made with "
            "attenuation='none'.",
            code="MA635",
        )
    return {FACTOR: effects.frame[FACTOR].to_numpy(dtype=float) ** 2}


def known_reliabilities(effects: Effects, name: str, given: float | None) -> Array:
    """Reliabilities of one measure by study; what is missing is as given, or NaN."""
    if given is not None and not 0 < given <= 1:
        raise OptionError(f"{name}={given!r} is not a reliability, above 0 and at most 1.")
    column = effects.frame.get(name)
    values = (
        np.full(effects.n_effects, np.nan)
        if column is None
        else pd.to_numeric(column).to_numpy(dtype=float)
    )
    wrong = np.flatnonzero((values <= 0) | (values > 1))
    if wrong.size:
        study = study_names(effects.frame).iloc[wrong[0]]
        raise EstimationError(
            f"{name} of {study} is {values[wrong[0]]:g}; a reliability is above 0 and at most 1.",
            code="MA624",
        )
    return values if given is None else np.where(np.isnan(values), given, values)


def choose_correction(correction: PsychometricCorrection, sides: dict[str, Array]) -> str:
    """The correction that is asked for, or that is possible."""
    missing = {name: int(np.isnan(v).sum()) for name, v in sides.items()}
    nothing = all(np.isnan(v).all() for v in sides.values())
    if correction == "individual" and any(missing.values()):
        name = next(n for n, count in missing.items() if count)
        raise EstimationError(
            f"{name} is missing for {missing[name]} studies. Give {name}= for them, or use "
            "correction='artifact-distribution'.",
            code="MA624",
        )
    if correction == "artifact-distribution" and nothing:
        raise EstimationError("No study reports a reliability.", code="MA624")
    if correction != "auto":
        return correction
    if nothing:
        return "none"
    return "artifact-distribution" if any(missing.values()) else "individual"


def reliability_notices(
    how: str,
    effects: Effects,
    given: dict[str, float | None],
    known: dict[str, ArtifactDistribution],
) -> tuple[Problem, ...]:
    """Say what was assumed, and what was left uncorrected."""
    if how == "none":
        return ()
    if FACTOR in effects.frame:
        mean = float(effects.frame[FACTOR].mean())
        message = f"Correlations were divided by the factors of the main analysis, {mean:.3g} on "
        return (notice("MA626", message + "average.", severity="note"),)
    found = []
    for name, value in given.items():
        column = effects.frame.get(name)
        reported = 0 if column is None else int(column.notna().sum())
        if value is not None and reported < effects.n_effects:
            count = effects.n_effects - reported
            message = f"{name} = {value:g} was assumed for {count} of {effects.n_effects} studies."
            found.append(notice("MA626", message, "Report this.", severity="note"))
        elif name not in known:
            message = f"No study reports {name}: that measure was left uncorrected."
            found.append(notice("MA626", message, "The corrected mean is a lower bound."))
        elif how == "artifact-distribution" and known[name].k < effects.n_effects:
            message = f"{name} is known for {known[name].k} of {effects.n_effects} studies."
            found.append(notice("MA626", message, severity="note"))
    return tuple(found)
