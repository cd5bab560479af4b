"""What the selection models share: coefficients, weights, their errors and the test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from metaalliance.bias.result import BiasResult, Term
from metaalliance.core.arrays import Array, read_only
from metaalliance.core.intervals import chi2_p, critical_value, two_sided_p
from metaalliance.core.selection_fit import SelectionOptimum
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.models.text import number
from metaalliance.problems import Problem, notice

Way = Literal["greater", "less", "two-sided"]
#: Weights beyond these are not told from zero or infinity.
_SMALLEST, _LARGEST = 1e-3, 1e2
#: Studies below which sandwich errors without a small-sample correction are too small.
_FEW_CLUSTERS = 20
#: Maxima of the log-likelihood closer than this are not told apart (chi-squared .95 / 2).
_HARDLY_LOWER = 1.92


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionResult(BiasResult):
    """Coefficients of the mean before selection, and the selection weights.

    Attributes
    ----------
    names : tuple of str
        Coefficients.
    beta, se, statistic, p_value, ci_low, ci_high : ndarray, shape (p,)
        Coefficients on the analysis scale and their tests.
    df : float
        Degrees of freedom: infinite, or studies less one with cluster-robust errors.
    covariance : ndarray, shape (q, q)
        Covariance of coefficients, tau² and estimated weights; NaN for tau² at zero.
    tau2, tau2_se : float
        Heterogeneity variance before selection.
    weights, weights_se, weights_low, weights_high : ndarray
        Selection parameters; limits are symmetric for their logarithms. With steps the first
        is one by definition.
    errors : {"likelihood", "cluster-robust"}
        Where the standard errors come from.
    log_likelihood, log_likelihood_unselected : float
        With and without selection.
    test : {"likelihood-ratio", "cluster-robust-wald", "none"}
        Test that there is no selection; a ratio of composite likelihoods is not chi-squared.
    test_statistic, test_df, test_p_value : float
        Its chi-squared or F (first degrees of freedom in `test_df`, second in `df`).
    alternative : {"greater", "less", "two-sided"}
        Direction of selection.
    """

    names: tuple[str, ...]
    beta: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    df: float
    covariance: Array = field(repr=False)
    tau2: float
    tau2_se: float
    weights: Array
    weights_se: Array
    weights_low: Array
    weights_high: Array
    errors: Literal["likelihood", "cluster-robust"]
    log_likelihood: float
    log_likelihood_unselected: float
    test: Literal["likelihood-ratio", "cluster-robust-wald", "none"]
    test_statistic: float
    test_df: int
    test_p_value: float
    alternative: Way

    @property
    def estimate(self) -> float:
        """The intercept: the mean before selection, where there are no moderators."""
        return float(self.beta[0])

    def weight_names(self) -> tuple[str, ...]:
        """Return the names of the estimated weights."""
        raise NotImplementedError

    def coefficients(self) -> tuple[Term, ...]:
        """Return the coefficients of the mean."""
        lone = len(self.names) == 1
        columns = (self.beta, self.se, self.statistic, self.p_value, self.ci_low, self.ci_high)
        return tuple(
            Term(
                name="mean before selection" if lone else name,
                kind="effect" if lone or name == "intercept" else "other",
                estimate=float(b),
                se=float(se),
                statistic=float(t),
                df=self.df,
                p_value=float(p),
                ci_low=float(low),
                ci_high=float(high),
            )
            for name, b, se, t, p, low, high in zip(self.names, *columns, strict=True)
        )

    def adjusted(self) -> Term | None:
        """Return the mean before selection; none with moderators."""
        return self.coefficients()[0] if len(self.names) == 1 else None

    def terms(self) -> Sequence[Term]:
        """Return coefficients, then weights, then the test of selection."""
        names = self.weight_names()
        offset = self.weights.size - len(names)
        weights = [
            Term(
                name=name,
                estimate=float(self.weights[offset + i]),
                se=float(self.weights_se[offset + i]),
                ci_low=float(self.weights_low[offset + i]),
                ci_high=float(self.weights_high[offset + i]),
            )
            for i, name in enumerate(names)
        ]
        if self.test == "none":
            return *self.coefficients(), *weights
        ratio = self.test == "likelihood-ratio"
        name = "likelihood ratio" if ratio else "cluster-robust Wald"
        second = "" if ratio else f", {self.df:g}"
        test = Term(
            name=f"no selection ({name})",
            shape=f"{'chi²' if ratio else 'F'}({self.test_df}{second})",
            statistic=self.test_statistic,
            p_value=self.test_p_value,
        )
        return *self.coefficients(), *weights, test

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        return {
            **BiasResult.settings(self),
            "alternative": self.alternative,
            "errors": self.errors,
            "coefficients": list(self.names),
        }

    def details(self) -> dict[str, Any]:
        """Return tau², likelihoods and the test of selection."""
        return {
            "tau2": self.tau2,
            "tau2_se": self.tau2_se,
            "log_likelihood": self.log_likelihood,
            "log_likelihood_unselected": self.log_likelihood_unselected,
            "selection_test": {
                "test": self.test,
                "statistic": self.test_statistic,
                "df": self.test_df,
                "p_value": self.test_p_value,
            },
        }


def orient(yi: Array, way: Way) -> Array:
    """Effects turned so that selection favours large ones."""
    return -yi if way == "less" else yi


def inference(
    effects: Effects,
    optimum: SelectionOptimum,
    names: tuple[str, ...],
    way: Way,
    level: float,
    *,
    given: Array | None = None,
    reference: bool = True,
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the shared fields of a result, and its notices.

    Parameters
    ----------
    effects : Effects
        What was fitted; with several effects of a study errors are cluster-robust.
    optimum : SelectionOptimum
        Maximum for the oriented effects.
    names : tuple of str
        Coefficients.
    way : {"greater", "less", "two-sided"}
        Orientation.
    level : float
        Coverage.
    given : ndarray, optional
        Known weights.
    reference : bool
        Whether a weight of one comes before the others.
    """
    p, clustered = len(names), effects.dependent()
    sign = -1.0 if way == "less" else 1.0
    covariance = _sandwich(effects, optimum) if clustered else optimum.covariance()
    covariance[:p] *= sign
    covariance[:, :p] *= sign
    df = float(effects.n_studies - 1) if clustered else math.inf
    beta, se = sign * optimum.theta[:p], np.sqrt(np.diag(covariance)[:p])
    statistic, half = beta / se, critical_value(level, df) * se
    fields: dict[str, Any] = {
        "effects": effects,
        "level": level,
        "names": names,
        "beta": read_only(beta),
        "se": read_only(se),
        "statistic": read_only(statistic),
        "p_value": read_only(np.array([two_sided_p(float(t), df) for t in statistic])),
        "ci_low": read_only(beta - half),
        "ci_high": read_only(beta + half),
        "df": df,
        "covariance": read_only(covariance),
        "tau2": float(optimum.theta[p]),
        "tau2_se": math.sqrt(covariance[p, p]),
        "errors": "cluster-robust" if clustered else "likelihood",
        "log_likelihood": optimum.point.value,
        "log_likelihood_unselected": optimum.log_likelihood_unselected,
        "alternative": way,
        **_weights(optimum.theta[p + 1 :], covariance[p + 1 :, p + 1 :], df, level, given,
                   reference),
        **_test(optimum, covariance, p, df, clustered=clustered),
    }  # fmt: skip
    return fields, _notices(optimum, p, sign, effects)


def _sandwich(effects: Effects, optimum: SelectionOptimum) -> Array:
    """Cluster-robust covariance: scores summed by study, times m / (m - 1)."""
    codes, labels = pd.factorize(effects.frame["study"])
    m, free = len(labels), optimum.free
    if m <= int(free.sum()):
        raise EstimationError(
            f"Cluster-robust errors of {int(free.sum())} parameters need more studies than that; "
            f"there are {m}. Use fewer steps or moderators, or aggregate the effects.",
            code="MA651",
        )
    sums = np.zeros((m, optimum.theta.size))
    np.add.at(sums, codes, optimum.point.scores)
    bread = optimum.covariance()
    index = np.ix_(free, free)
    meat = sums[:, free].T @ sums[:, free]
    full = np.full(bread.shape, np.nan)
    full[index] = bread[index] @ meat @ bread[index] * m / (m - 1)
    return full


def _weights(
    delta: Array, covariance: Array, df: float, level: float, given: Array | None, reference: bool
) -> dict[str, Array]:
    """Weights with errors; the reference and known ones have none."""
    first = np.ones(1 if reference else 0)
    known = delta if given is None else given
    none = np.full(known.size, np.nan)
    se = np.sqrt(np.diag(covariance)) if given is None else none
    factor = np.exp(critical_value(level, df) * se / known)
    blank = np.full(first.size, np.nan)
    return {
        "weights": read_only(np.concatenate([first, known])),
        "weights_se": read_only(np.concatenate([blank, se])),
        "weights_low": read_only(np.concatenate([blank, known / factor])),
        "weights_high": read_only(np.concatenate([blank, known * factor])),
    }


def _test(
    optimum: SelectionOptimum, covariance: Array, p: int, df: float, *, clustered: bool
) -> dict[str, Any]:
    """Test that all selection parameters are one."""
    delta = optimum.theta[p + 1 :]
    d = delta.size
    if d == 0:
        return {"test": "none", "test_statistic": math.nan, "test_df": 0, "test_p_value": math.nan}
    if not clustered:
        ratio = 2 * (optimum.point.value - optimum.log_likelihood_unselected)
        ratio = max(0.0, ratio)
        tail = chi2_p(ratio, d)
        return {"test": "likelihood-ratio", "test_statistic": ratio, "test_df": d,
                "test_p_value": tail}  # fmt: skip
    logs = np.log(delta)
    V = covariance[p + 1 :, p + 1 :] / np.outer(delta, delta)
    F = float(logs @ np.linalg.solve(V, logs)) / d
    tail = float(stats.f.sf(F, d, df))
    return {"test": "cluster-robust-wald", "test_statistic": F, "test_df": d, "test_p_value": tail}


def _notices(
    optimum: SelectionOptimum, p: int, sign: float, effects: Effects
) -> tuple[Problem, ...]:
    delta = optimum.theta[p + 1 :]
    found: tuple[Problem, ...] = ()
    if effects.dependent():
        few = effects.n_studies < _FEW_CLUSTERS
        message = (
            f"Studies have several effects ({effects.n_effects} in {effects.n_studies}): standard "
            "errors are cluster-robust, and the test of selection is a Wald test with them"
            + ("; with fewer than 20 studies both are too optimistic." if few else ".")
        )
        found = (notice("MA659", message, severity="warning" if few else "note"),)
    if ((delta < _SMALLEST) | (delta > _LARGEST)).any():
        message = (
            "A selection weight is estimated next to zero or far above one "
            f"({', '.join(f'{d:.3g}' for d in delta)}): the likelihood is nearly flat there."
        )
        found += (notice("MA658", message, "Do not rely on the adjusted estimate."),)
    return found + _other_maximum(optimum, sign)


def _other_maximum(optimum: SelectionOptimum, sign: float) -> tuple[Problem, ...]:
    """Warn of a second maximum that is hardly lower and has another mean."""
    mean = float(optimum.theta[0])
    for theta, drop in optimum.lower:
        other = float(theta[0])
        if drop <= _HARDLY_LOWER and abs(other - mean) > 0.1 * abs(mean) + 1e-3:
            message = (
                f"The likelihood has two maxima. The higher one is taken, with "
                f"{number(sign * mean)} (analysis scale); the other, lower by {number(drop, 2)} in "
                f"log-likelihood, has {number(sign * other)}."
            )
            return (notice("MA658", message, "Do not rely on the adjusted estimate."),)
    return ()
