"""Limit meta-analysis: the mean at infinite precision under small-study effects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Unpack

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.inference.intervals import interval, two_sided_p
from metaalliance.core.selection.limit_meta import limit_mean
from metaalliance.effects.effects import Effects
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.publication_bias.checks import (
    begin_averaged,
    few_studies,
    need_spread,
    need_studies,
    random_effects_mean,
)
from metaalliance.publication_bias.result import BiasResult, Term, mean_term
from metaalliance.wording.numbers import number

_METHOD = "Limit meta-analysis"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LimitMeta(BiasResult):
    """Mean adjusted for small-study effects by extrapolation to infinite precision.

    Attributes
    ----------
    estimator : str
        Estimator of the heterogeneity variance.
    estimate, se, statistic, p_value, ci_low, ci_high : float
        Adjusted mean; the error takes tau² as known, the test is normal.
    alpha, alpha_se : float
        Small-study effect.
    tau2 : float
        Heterogeneity variance of the random-effects model without small-study effects.
    G2 : float
        Heterogeneity left beside the small-study effect, a fraction.
    limit_yi : ndarray, shape (k,)
        Effects at infinite precision.
    """

    method: ClassVar[str] = "limit_meta"
    title: ClassVar[str] = "Limit meta-analysis (Rücker and colleagues)"
    takes: ClassVar[frozenset[str]] = frozenset({"rho", "tau2", "level"})
    kinds: ClassVar[frozenset[str]] = frozenset({"two-level"})
    because: ClassVar[str] = (
        "it is a regression of one effect per study with its own normal test, given one τ²"
    )

    estimator: str
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci_low: float
    ci_high: float
    alpha: float
    alpha_se: float
    tau2: float
    G2: float
    limit_yi: Array = field(repr=False)

    def adjusted(self) -> Term:
        """Return the adjusted mean."""
        return mean_term("mean at infinite precision", self, df=math.inf)

    def terms(self) -> Sequence[Term]:
        """Return the adjusted mean and the small-study effect."""
        z = self.alpha / self.alpha_se
        alpha = Term(
            name="small-study effect (alpha)",
            estimate=self.alpha,
            se=self.alpha_se,
            statistic=z,
            df=math.inf,
            p_value=two_sided_p(z, math.inf),
        )
        return self.adjusted(), alpha

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        return {**BiasResult.settings(self), "tau2": self.estimator}

    def details(self) -> dict[str, Any]:
        """Return tau², G² and the effects at infinite precision."""
        return {"tau2": self.tau2, "G2": self.G2, "limit_yi": self.limit_yi.tolist()}

    def reading(self) -> str:
        """Return what G² says."""
        return (
            f"G² = {number(100 * self.G2, 1)}%: heterogeneity that the small-study effect leaves. "
            "A mean at infinite precision is an extrapolation."
        )


def limit_meta(effects: Effects | PooledFit, **settings: Unpack[ModelSettings]) -> LimitMeta:
    """Estimate the mean that small-study effects leave at infinite precision.

    Parameters
    ----------
    effects : Effects or PooledFit
        Effects; several of one study are averaged first.
    **settings
        The settings of `pool`, by default those of the fit. `rho`, where it is a number, is the
        correlation of sampling errors within a study for the averaging (else .5); `tau2`
        and `level` are taken; the others are named in `not_taken`.

    Raises
    ------
    EstimationError
        For fewer than three studies, or when all standard errors are equal.

    References
    ----------
    Rücker et al. (2011).

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> effects = Effects.from_arrays(yi, vi)
    >>> found = limit_meta(effects)
    >>> round(found.estimate, 4), round(found.tau2, 4)
    (-0.0448, 0.0168)
    """
    start = begin_averaged(LimitMeta, effects, settings, _METHOD)
    chosen, asked = start.effects, start.model
    need_studies(chosen, 3, _METHOD)
    need_spread(np.sqrt(chosen.vi), "the standard error", _METHOD)
    _, variance = random_effects_mean(chosen.yi, chosen.vi, asked.tau2)
    found = limit_mean(chosen.yi, chosen.vi, variance)
    statistic = found.estimate / found.se
    ci = interval(found.estimate, found.se, math.inf, asked.level)
    return announced(
        LimitMeta(
            **start.fields(),
            estimator=asked.tau2,
            estimate=found.estimate,
            se=found.se,
            statistic=statistic,
            p_value=two_sided_p(statistic, math.inf),
            ci_low=ci.low,
            ci_high=ci.high,
            alpha=found.alpha,
            alpha_se=found.alpha_se,
            tau2=variance,
            G2=found.G2,
            limit_yi=read_only(found.limit_yi),
            notices=start.notices + few_studies(chosen, _METHOD),
        )
    )
