"""What clustering of patients by therapists would do to sampling variances and to the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model, ModelSettings
from metaalliance.models.one_per_study import fit_averaged
from metaalliance.models.scale import back_transform, without_nan
from metaalliance.notices import quiet
from metaalliance.options import Measure, Scale, check_option
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number
from metaalliance.wording.phrases import count_text, level_text

#: Intraclass correlations of the curve where nothing is said.
ICCS = (0.0, 0.025, 0.05, 0.075, 0.10, 0.125, 0.15)
_MEANS = ("estimate", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class TherapistClustering(InNotebook):
    """The mean for each assumed correlation of patients of one therapist.

    Attributes
    ----------
    frame : DataFrame
        One row per intraclass correlation on the analysis scale: icc, design_effect (the median
        factor of the sampling variances), estimate, se, ci_low, ci_high, tau2.
    patients_per_therapist : float
        Median of the effects that report it.
    assumed : int
        Effects that report no number of therapists, for which that median stands.
    measure : {"z", "r", "r-unbiased", "generic"}
        Analysis scale.
    level : float
        Coverage of the intervals.
    notices : tuple of Problem
        What was assumed.
    """

    frame: pd.DataFrame = field(repr=False)
    patients_per_therapist: float
    assumed: int
    measure: Measure
    level: float
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per intraclass correlation; with "r" the limits are correlations."""
        check_option("scale", scale, Scale)
        if scale != "r" or self.measure == "generic":
            return self.frame
        back = {c: [back_transform(v, self.measure) for v in self.frame[c]] for c in _MEANS}
        return self.frame.assign(**back)

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing is None."""
        rows = self.frame.to_dict("records")
        if self.measure != "generic":
            back = self.to_frame("r")[list(_MEANS)].to_dict("records")
            rows = [{**row, "r": r} for row, r in zip(rows, back, strict=True)]
        return without_nan(
            {
                "method": "therapist-clustering",
                "settings": {"measure": self.measure, "level": self.level},
                "patients_per_therapist": self.patients_per_therapist,
                "assumed": self.assumed,
                "curve": rows,
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        is_r = self.measure != "generic"
        name = "r" if is_r else "estimate"
        lines = [
            f"Clustering by therapists: {number(self.patients_per_therapist, 1)} patients per "
            "therapist (median)",
            *(
                f"  ICC {number(row['icc'], 3, correlation=True)}: variances × "
                f"{number(row['design_effect'], 2)}, {name} = "
                f"{number(row['estimate'], correlation=is_r)}, {level_text(self.level)} CI "
                f"{limits(row['ci_low'], row['ci_high'], correlation=is_r)}, tau² = "
                f"{number(row['tau2'], 4)}"
                for row in self.to_frame("r" if is_r else "analysis").to_dict("records")
            ),
        ]
        return "\n".join([*lines, *(p.text for p in self.notices)])


def therapist_clustering(
    effects: Effects, icc: Sequence[float] = ICCS, **settings: Unpack[ModelSettings]
) -> TherapistClustering:
    """Pool again with sampling variances that allow for patients of one therapist being alike.

    Of n patients of n / m therapists, each variance is multiplied by the design effect
    1 + (m - 1) ICC, as if the sample were smaller by that factor. The factor is that of a mean, and
    an upper bound for a correlation: where alliance and outcome differ little between therapists,
    what counts is about the product of their two intraclass correlations.

    Parameters
    ----------
    effects : Effects
        Effects with `n` and `n_therapists`; where some have none, the median number of patients
        per therapist of the others stands for it.
    icc : sequence of float
        Intraclass correlations, each from 0 to below 1.
    **settings
        The settings of `pool`, or a whole `Model` as `model`.

    Raises
    ------
    OptionError
        For an intraclass correlation outside its range.
    EstimationError
        When no effect has both n and a number of therapists.

    References
    ----------
    Hedges and Citkowicz (2015): design effects in meta-analysis.

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.2, 0.3, 0.4], [0.02, 0.01, 0.02], n=[53, 103, 53],
    ...     moderators={"n_therapists": [5, 10, 5]},
    ... )
    >>> found = therapist_clustering(effects, [0, 0.05])
    >>> found.frame["design_effect"].round(2).tolist()
    [1.0, 1.48]
    """
    given = [float(value) for value in icc]
    wrong = [value for value in given if not 0 <= value < 1]
    if wrong or not given:
        raise OptionError(f"icc={list(icc)!r}: intraclass correlations lie from 0 to below 1.")
    effects.refuse_intervals("Clustering by therapists", "it changes the variances of values")
    patients, assumed = _patients(effects)
    model, rows = Model.of(settings), []
    for value in given:
        factor = 1 + (patients - 1) * value
        wider = replace(effects, frame=effects.frame.assign(vi=effects.vi * factor))
        with quiet():
            fit = fit_averaged(wider, model)
        rows.append(
            {"icc": value, "design_effect": float(np.median(factor)), "estimate": fit.estimate,
             "se": fit.se, "ci_low": fit.ci_low, "ci_high": fit.ci_high, "tau2": fit.tau2}
        )  # fmt: skip
    median = float(np.median(patients))
    return TherapistClustering(
        frame=pd.DataFrame(rows), patients_per_therapist=median, assumed=assumed,
        measure=effects.measure, level=fit.level, notices=_notices(effects, assumed, median),
    )  # fmt: skip


def _patients(effects: Effects) -> tuple[Array, int]:
    """Patients per therapist of each effect (k,), and of how many it is assumed."""
    frame = effects.frame
    if not {"n", "n_therapists"} <= set(frame):
        raise EstimationError(
            "Clustering by therapists needs the columns n and n_therapists.", code="MA685"
        )
    n = pd.to_numeric(frame["n"], errors="coerce").to_numpy(dtype=float)
    therapists = pd.to_numeric(frame["n_therapists"], errors="coerce").to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        m = np.where(therapists > 0, np.maximum(n / therapists, 1.0), math.nan)
    unknown = np.isnan(m)
    if unknown.all():
        raise EstimationError("No effect has both n and n_therapists.", code="MA685")
    return np.where(unknown, np.median(m[~unknown]), m), int(unknown.sum())


def _notices(effects: Effects, assumed: int, median: float) -> tuple[Problem, ...]:
    if not assumed:
        return ()
    message = (
        f"{count_text(assumed, 'effect')} of {effects.n_effects:,} report no number of therapists: "
        f"the median of the others, {number(median, 1)} patients per therapist, stands for theirs."
    )
    return (
        notice("MA686", message, "Code n_therapists where the report has it.", severity="note"),
    )
