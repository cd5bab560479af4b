"""Models of a mean where some effects are known only as not significant."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.censoring.likelihood import CensoredData
from metaalliance.core.censoring.maximum import (
    COMPONENTS,
    CensoredOptimum,
    coefficient_interval,
    component_interval,
    maximise,
    signed_root,
)
from metaalliance.core.inference.intervals import Interval, two_sided_p
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.core.variance.profile import TOTAL
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.frozen import FrozenDict
from metaalliance.model import Specification, refuse
from metaalliance.models.checks import (
    reading_notices,
    refuse_false_independence,
    refuse_unidentified_split,
)
from metaalliance.models.inference.prediction import prediction_df, prediction_interval
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.structure import nested_structure, structure_notices
from metaalliance.policy import Policy
from metaalliance.problems import Problem, notice

#: Name of the inference: the likelihood ratio, and its inversion.
PROFILE = "profile-likelihood"
_INFERENCE = "the mean has the interval of its profile likelihood, and no other test"
_STRUCTURE = "the likelihood of intervals has the effects of studies and of their samples only"
_REFUSED = {
    "model": "its likelihood is that of the two-level, three-level and che models",
    "tau2": "variance components are those of the maximum likelihood (ML)",
    "test": _INFERENCE,
    **dict.fromkeys(("within", "above", "crossed", "rho_same", "same"), _STRUCTURE),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CensoredFit(PooledFit):
    """A mean of effects of which some are known only as not significant, by maximum likelihood.

    The test of the mean is the signed root of the likelihood ratio, its interval that of the
    profile likelihood. There is no Q and there are no weights, which are of values.

    Attributes
    ----------
    sigma2 : dict
        Variances between studies ("study"), and of several effects of a study ("effect").
    I2_levels : dict
        Share of each variance in the total, with the sampling variances of all effects.
    log_likelihood : float
        Of densities of values and probabilities of intervals.
    optimum : CensoredOptimum
        The maximum.
    """

    sigma2: FrozenDict
    I2_levels: FrozenDict
    log_likelihood: float
    optimum: CensoredOptimum = field(repr=False)
    _intervals: dict[str, Interval] = field(default_factory=dict, repr=False)

    @property
    def test(self) -> str:
        """Inference on the mean."""
        return PROFILE

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return prediction_df(self.prediction, self.df, self.n_studies, self.n_studies - 2)

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit."""
        return {**PooledFit.settings(self), "test": PROFILE}

    def tau2_ci(self) -> Interval:
        """Profile-likelihood interval of the total heterogeneity variance."""
        return self.sigma2_ci(TOTAL)

    def sigma2_ci(self, component: str) -> Interval:
        """Profile-likelihood interval of one variance component, or of their sum ("total")."""
        if component not in self._intervals:
            found = component_interval(self.optimum, component, self.level)
            self._intervals[component] = found
        return self._intervals[component]

    def counts(self) -> dict[str, Any]:
        """Return how much there is, and how many effects are known only as not significant."""
        return {**PooledFit.counts(self), "n_censored": self.effects.n_censored}

    def heterogeneity(self) -> dict[str, Any]:
        """Return the variance components by level and their intervals."""
        content = PooledFit.heterogeneity(self)
        content |= {"Q": math.nan, "df": math.nan, "p_value": math.nan}
        content |= {"sigma2": dict(self.sigma2), "I2_levels": dict(self.I2_levels)}
        if len(self.sigma2) > 1:
            content["sigma2_ci"] = {name: list(self.sigma2_ci(name)) for name in self.sigma2}
        return content


def fit_censored(effects: Effects, chosen: Specification) -> CensoredFit:
    """Fit a mean of values and intervals by maximum likelihood.

    Raises
    ------
    OptionError
        For an estimator, a test, levels or correlations that the likelihood does not have.
    EstimationError
        When fewer than two effects have a value, or the levels cannot be told apart.
    """
    _refuse(effects, chosen)
    model = replace(chosen, tau2="ML", test="wald")
    if model.multilevel:
        refuse_unidentified_split(effects, model.kind)
    else:
        refuse_false_independence(effects, model.kind, model.test)
    known = effects.n_effects - effects.n_censored
    if known < 2:
        raise EstimationError(
            f"{known or 'No'} effect has a value beside {effects.n_censored} that are known only "
            "as not significant: heterogeneity needs two.",
            code="MA602",
        )
    structure, order = nested_structure(effects, model)
    ones = np.ones((effects.n_effects, 1))
    low, high = (limit[order] for limit in effects.limits())
    data = CensoredData(
        low,
        high,
        structure.vi,
        ones,
        structure.clusters,
        structure.people.samples,
        structure.rho,
    )
    optimum = maximise(data, (True, model.multilevel))
    typical = q_test(MultilevelData(np.zeros_like(low), ones, structure, order)).typical_variance
    return CensoredFit(**_fields(effects, model, optimum, typical))


def _refuse(effects: Effects, chosen: Specification) -> None:
    """Refuse by name what the likelihood of intervals cannot obey."""
    asked, reasons = chosen.asked, dict(_REFUSED)
    if asked.kind != "common-effect":
        del reasons["model"]
    if asked.tau2 == "ML":
        del reasons["tau2"]
    if isinstance(asked.rho, str):
        reasons["rho"] = "the likelihood of intervals has one correlation of sampling errors"
    method = f"A model with {effects.n_censored} effects known only as not significant"
    refuse(asked, method, reasons)
    refuse(
        Policy(overlap=effects.overlap),
        method,
        {"overlap": "the errors of a sample have one common part, whoever took part"},
    )


def _fields(
    effects: Effects, model: Specification, optimum: CensoredOptimum, typical: float
) -> dict[str, Any]:
    """Every field of the result."""
    estimate, tau2 = float(optimum.beta[0]), float(optimum.theta.sum())
    se = math.sqrt(float(optimum.covariance()[0, 0]))
    root = signed_root(optimum, 0)
    ci = coefficient_interval(optimum, 0, model.level)
    m = effects.n_studies
    pi = prediction_interval(
        model.prediction, estimate, se, tau2, df=math.inf, units=m, riley=m - 2, level=model.level
    )
    used = dict(zip(COMPONENTS, (float(t) for t in optimum.theta), strict=True))
    sigma2 = {name: used[name] for name in COMPONENTS[: 1 + model.multilevel]}
    return {
        "effects": effects,
        "specification": model,
        "estimate": estimate,
        "se": se,
        "statistic": root,
        "df": math.inf,
        "p_value": two_sided_p(root, math.inf),
        "ci_low": ci.low,
        "ci_high": ci.high,
        "pi_low": pi.low,
        "pi_high": pi.high,
        "Q": math.nan,
        "Q_df": 0,
        "Q_p_value": math.nan,
        "tau2": tau2,
        "I2": tau2 / (tau2 + typical),
        "H2": 1 + tau2 / typical,
        "weights": read_only(_no_weights(effects)),
        "notices": _notices(effects, model),
        "sigma2": FrozenDict(sigma2),
        "I2_levels": FrozenDict({name: v / (tau2 + typical) for name, v in sigma2.items()}),
        "log_likelihood": optimum.log_likelihood,
        "optimum": optimum,
    }


def _no_weights(effects: Effects) -> Array:
    return np.full(effects.n_effects, math.nan)


def _notices(effects: Effects, model: Specification) -> tuple[Problem, ...]:
    """Say what enters as an interval, and what follows for the inference."""
    count = effects.n_censored
    who = "1 effect known only as not significant enters as an interval"
    if count > 1:
        who = f"{count:,} effects known only as not significant enter as intervals"
    message = (
        f"{who}: by ML, with the profile likelihood of the mean. Q, weights, figures and what else "
        "needs a value for each effect are left out."
    )
    hint = "Report the result without these rows beside it."
    return (
        notice("MA607", message, hint, severity="note"),
        *reading_notices(effects, math.inf, model.test),
        *structure_notices(effects, model),
    )
