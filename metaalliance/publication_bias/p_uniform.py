"""p-uniform*: the mean from effects conditional on their significance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.inference.intervals import Interval, boundary_p, chi2_p
from metaalliance.core.selection.p_uniform import Conditional, profile_interval
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import critical_values
from metaalliance.errors import ConvergenceError, EstimationError, OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.options import check_option
from metaalliance.publication_bias.checks import (
    Direction,
    begin_averaged,
    chosen_direction,
    few_studies,
    need_studies,
    random_effects_mean,
    refuse_absurd,
)
from metaalliance.publication_bias.result import BiasResult, Term, mean_term
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import agreeing, studies_text

_METHOD = "p-uniform*"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PUniform(BiasResult):
    """Mean and heterogeneity by p-uniform*.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
        Mean with its profile-likelihood interval.
    statistic, p_value : float
        Likelihood-ratio test (1 df) of a mean of zero.
    tau2, tau2_low, tau2_high : float
        Heterogeneity variance with its profile-likelihood interval.
    tau2_statistic, tau2_p_value : float
        Likelihood-ratio test of no heterogeneity. Zero is the end of the range of tau², so that
        the statistic is zero in half of the samples and chi-squared (1 df) in the others: p is
        half of its tail.
    n_significant : int
        Studies significant in the favoured direction.
    alternative : {"greater", "less"}
        That direction.
    p : float
        One-sided level of significance.
    """

    method: ClassVar[str] = "p_uniform"
    title: ClassVar[str] = "p-uniform* (van Aert and van Assen)"
    takes: ClassVar[frozenset[str]] = frozenset({"rho", "level"})
    kinds: ClassVar[frozenset[str]] = frozenset({"two-level"})
    because: ClassVar[str] = (
        "mean and τ² of one effect per study are maximum likelihood estimates with "
        "likelihood-ratio tests"
    )

    estimate: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    tau2: float
    tau2_low: float
    tau2_high: float
    tau2_statistic: float
    tau2_p_value: float
    n_significant: int
    alternative: Direction
    p: float

    def adjusted(self) -> Term:
        """Return the mean."""
        return mean_term("mean given significance", self, shape="chi²(1)")

    def terms(self) -> Sequence[Term]:
        """Return the mean and tau²."""
        tau2 = Term(
            name="tau²",
            shape="½ chi²(1)",
            estimate=self.tau2,
            statistic=self.tau2_statistic,
            p_value=self.tau2_p_value,
            ci_low=self.tau2_low,
            ci_high=self.tau2_high,
        )
        return self.adjusted(), tau2

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        return {**BiasResult.settings(self), "p": self.p, "alternative": self.alternative}

    def details(self) -> dict[str, Any]:
        """Return how many studies were significant."""
        return {"n_significant": self.n_significant}

    def reading(self) -> str:
        """Return what the estimate rests on."""
        return (
            f"{self.n_significant:,} of {studies_text(self.n_studies)} "
            f"{agreeing(self.n_significant, 'is', 'are')} significant (one-sided p up to "
            f"{number(self.p, 3, correlation=True)} by the test of each report). Significant "
            "and other studies may be "
            "published at any two rates; within each kind selection is taken to be even."
        )


def p_uniform(
    effects: Effects | PooledFit,
    *,
    p: float = 0.025,
    alternative: Literal["auto", "greater", "less"] = "auto",
    **settings: Unpack[ModelSettings],
) -> PUniform:
    """Estimate mean and heterogeneity conditional on each study's significance.

    It has no test of publication bias: that of earlier versions was withdrawn by its authors.

    Parameters
    ----------
    effects : Effects or PooledFit
        Effects; several of one study are averaged first.
    p : float
        One-sided level that made a study significant by the test of its report (see
        `selection_model`); the average of several effects has a normal test.
    alternative : {"auto", "greater", "less"}
        Favoured direction; "auto" takes the sign of the pooled estimate.
    **settings
        The settings of `pool`, by default those of the fit. `rho`, where it is a number, is the
        correlation of sampling errors within a study for the averaging (else .5); `level`
        is taken; the others are named in `not_taken`.

    Raises
    ------
    EstimationError
        When no study is significant, or the likelihood has no credible maximum.

    References
    ----------
    van Aert and van Assen (2026).

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> found = p_uniform(Effects.from_arrays(yi, vi))
    >>> found.n_significant
    9
    """
    if not 0 < p < 0.5:
        raise OptionError(f"p={p!r} is not a one-sided level of significance between 0 and 0.5.")
    check_option("alternative", alternative, Literal["auto", "greater", "less"])
    start = begin_averaged(PUniform, effects, settings, _METHOD)
    chosen = start.effects
    need_studies(chosen, 3, _METHOD)
    way, note = chosen_direction(chosen, alternative)
    sign = -1.0 if way == "less" else 1.0
    critical = critical_values(chosen, np.array([p]))[:, 0]
    data = Conditional.build(sign * chosen.yi, chosen.vi, critical)
    if not data.high.any():
        raise EstimationError(
            f"{_METHOD} was refused: no study is significant in the favoured direction.",
            code="MA653",
        )
    return announced(
        PUniform(
            **start.fields(),
            n_significant=int(data.high.sum()),
            alternative=way,
            p=p,
            notices=(*start.notices, *note, *few_studies(chosen, _METHOD)),
            **_estimates(data, sign * chosen.yi, chosen.vi, sign, start.model.level),
        )
    )


def _estimates(data: Conditional, yi: Any, vi: Any, sign: float, level: float) -> dict[str, Any]:
    """Estimates, intervals and tests, in the direction and on the scale of the effects."""
    mean, variance = random_effects_mean(yi, vi, "PM")  # a start
    unit = data.unit
    mean, variance = mean / unit, variance / unit**2
    starts = [np.array([m * mean, v]) for m in (1.0, 0.5, 0.0) for v in (variance, variance + 1)]
    try:
        top = data.maximum(starts)
    except ConvergenceError:
        raise EstimationError(
            f"{_METHOD} was refused: its likelihood rises without end, so that these effects do "
            "not determine a mean.",
            code="MA654",
        ) from None
    estimate, tau2 = float(top[0]), float(top[1])
    refuse_absurd(estimate * unit, yi, _METHOD)
    value = data.value(estimate, tau2)
    no_mean, _ = data.at_mean(0.0, tau2)
    no_spread, _ = data.at_tau2(0.0, estimate)
    tests = {
        "statistic": max(0.0, 2 * (value - no_mean)),
        "tau2_statistic": max(0.0, 2 * (value - no_spread)) if tau2 > 0 else 0.0,
    }
    ci = profile_interval(lambda m: data.at_mean(m, tau2)[0], value, estimate, level, -math.inf)
    spread = profile_interval(lambda t: data.at_tau2(t, estimate)[0], value, tau2, level, 0.0)
    ci = Interval(*sorted((sign * ci.low, sign * ci.high)))
    return {
        **tests,
        "p_value": chi2_p(tests["statistic"], 1),
        "tau2_p_value": boundary_p(tests["tau2_statistic"]),
        "estimate": sign * estimate * unit,
        "ci_low": ci.low * unit,
        "ci_high": ci.high * unit,
        "tau2": tau2 * unit**2,
        "tau2_low": spread.low * unit**2,
        "tau2_high": spread.high * unit**2,
    }
