"""Between-study variance of the two-level model: the one table of its estimators.

Each estimator is one function of data sets, which gives tau² of all of them at once; a single data
set is a batch of one. To add one, write its function and its row of `ESTIMATORS`, and put its name
into `metaalliance.options.Tau2Estimator`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainccinv, gammaincinv

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.data_sets import DataSets, Regressions
from metaalliance.core.variance.designs.disjoint import Disjoint, GroupMeans
from metaalliance.core.variance.tau2_likelihood import (
    LAST_STEP,
    MAX_ITERATIONS,
    height,
    highest_maximum,
)
from metaalliance.errors import ConvergenceError, EstimationError

# Moments -------------------------------------------------------------------------------------


def moments(data: DataSets, weights: Callable[[Array], Array]) -> Array:
    """Method of moments with fixed weights: (Q - tr(PV)) / tr(P), truncated at zero.

    References
    ----------
    DerSimonian and Kacker (2007).
    """
    fits = data.weighted(weights)
    return _floored((fits.squares(1) - fits.expected()) / fits.trace())


def dersimonian_laird(data: DataSets) -> Array:
    """Moments with the weights 1 / v, whose Q has the expectation k - p.

    References
    ----------
    DerSimonian and Laird (1986).
    """
    fits = data.weighted(np.reciprocal)
    return _floored((fits.squares(1) - data.df) / fits.trace())


def hedges(data: DataSets) -> Array:
    """Moments with equal weights.

    References
    ----------
    Hedges and Olkin (1985).
    """
    return moments(data, np.ones_like)


def hunter_schmidt(data: DataSets) -> Array:
    """(Q - k) / sum(w), truncated at zero.

    References
    ----------
    Hunter and Schmidt (1990), in the inverse-variance form of Viechtbauer (2005).
    """
    fits = data.weighted(np.reciprocal)
    return _floored((fits.squares(1) - data.counts) / fits.total(1))


def sidik_jonkman(data: DataSets) -> Array:
    """A crude start ``sum((yi - mean)^2) / k`` times Q / (k - p) there; zero for equal effects.

    References
    ----------
    Sidik and Jonkman (2005), with their start.
    """
    start = data.spread()
    return start * data.at(start).squares(1) / data.df


def paule_mandel(data: DataSets) -> Array:
    """Q(tau²) = k - p. Morris's empirical Bayes estimator has the same root.

    References
    ----------
    Paule and Mandel (1982); Morris (1983).
    """
    return root_of_q(data, data.df)


def paule_mandel_median(data: DataSets) -> Array:
    """Q(tau²) = median of chi-squared with k - p df: Paule-Mandel, median-unbiased.

    At the true tau², Q is chi-squared. Setting it to its median in place of its mean makes
    the estimate too large as often as too small (before it is truncated at zero).

    References
    ----------
    Viechtbauer (2021).
    """
    return root_of_q(data, np.asarray(2 * gammaincinv(data.df / 2, 0.5)))


def root_of_q(data: DataSets, target: Array) -> Array:
    """tau² at which Q is `target` (rows,), zero where Q is smaller at once; NaN without end.

    Q is convex and falls in tau², so that Newton's steps from zero climb to the root and
    never pass it.
    """
    tau2, active = np.zeros(len(data)), np.arange(len(data))
    for _ in range(MAX_ITERATIONS):
        fits = data.take(active).at(tau2[active])
        excess = fits.squares(1) - target[active]
        step = np.maximum(0.0, excess) / np.maximum(fits.squares(2), np.finfo(float).tiny)
        tau2[active] += step
        active = active[step > LAST_STEP * (1 + tau2[active])]
        if active.size == 0:
            return tau2
    tau2[active] = np.nan
    return tau2


def _floored(values: Array) -> Array:
    return np.asarray(np.maximum(0.0, values), dtype=np.float64)


# Likelihoods ---------------------------------------------------------------------------------


def maximum_likelihood(data: DataSets) -> Array:
    """Highest maximum of the likelihood.

    References
    ----------
    Viechtbauer (2005).
    """
    return highest_maximum(data, dersimonian_laird(data), restricted=False)


def restricted_maximum_likelihood(data: DataSets) -> Array:
    """Highest maximum of the restricted likelihood.

    References
    ----------
    Viechtbauer (2005).
    """
    return highest_maximum(data, dersimonian_laird(data), restricted=True)


def log_likelihood(yi: Array, vi: Array, X: Array, tau2: float, *, restricted: bool) -> float:
    """Log-likelihood of the two-level model at `tau2`, the coefficients profiled out.

    The restricted form is that of Harville (1974), with the term in log|X'X| that makes it
    independent of the scale of `X`.
    """
    k, p = int(X.shape[0]), int(X.shape[1])
    value = float(height(_single(yi, vi, X), np.array([tau2]), restricted)[0])
    if not restricted:
        return value - 0.5 * k * math.log(2 * math.pi)
    log_xtx = float(np.linalg.slogdet(X.T @ X)[1])
    return value + 0.5 * (log_xtx - (k - p) * math.log(2 * math.pi))


# The table -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tau2Method:
    """An estimator of tau².

    Attributes
    ----------
    estimate : callable
        tau² (rows,) of data sets; NaN where it does not converge, and perhaps of one effect.
    words : str
        Completes "tau² was estimated by", with the key of its reference in reports.
    likelihood : {"", "full", "restricted"}
        The likelihood that it maximises, if any.
    metafor : bool
        Whether metafor has it under the same name, so that an R script can repeat it.
    """

    estimate: Callable[[DataSets], Array]
    words: str
    likelihood: str = ""
    metafor: bool = True


#: The estimators by their published abbreviation.
ESTIMATORS: dict[str, Tau2Method] = {
    "REML": Tau2Method(
        estimate=restricted_maximum_likelihood,
        words="restricted maximum likelihood [@viechtbauer2005]",
        likelihood="restricted",
    ),
    "ML": Tau2Method(
        estimate=maximum_likelihood,
        words="maximum likelihood [@viechtbauer2005]",
        likelihood="full",
    ),
    "DL": Tau2Method(estimate=dersimonian_laird, words="the method of moments of @dersimonian1986"),
    "HE": Tau2Method(estimate=hedges, words="the unweighted method of moments of @hedges1985"),
    "HS": Tau2Method(estimate=hunter_schmidt, words="the method of @hunter2004"),
    "SJ": Tau2Method(estimate=sidik_jonkman, words="the method of @sidik2005"),
    "EB": Tau2Method(estimate=paule_mandel, words="empirical Bayes [@morris1983]"),
    "PM": Tau2Method(estimate=paule_mandel, words="the method of @paule1982"),
    "PMM": Tau2Method(
        estimate=paule_mandel_median,
        words="the median-unbiased form of the method of @paule1982",
    ),
}


def many_tau2(data: DataSets, method: str) -> Array:
    """tau² (rows,) of many data sets by a named estimator, NaN where it does not converge.

    Parameters
    ----------
    data : DataSets
        With a typical sampling variance of one.
    method : str
        A name in `ESTIMATORS`, or "FE" for the common-effect model, which has none.
    """
    return np.zeros(len(data)) if method == "FE" else ESTIMATORS[method].estimate(data)


def estimate_tau2(yi: Array, vi: Array, X: Array, method: str) -> float:
    """Estimate the between-study variance.

    Effects are scaled to a typical variance of one, since searches with absolute tolerances
    lose digits when variances are tiny.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    X : ndarray, shape (k, p)
        Design matrix of full rank, p < k.
    method : str
        The estimator, a name in `ESTIMATORS`.

    Returns
    -------
    float
        tau², at least zero.

    Raises
    ------
    EstimationError
        When nothing is left to estimate it.
    ConvergenceError
        When the estimator did not arrive.

    Examples
    --------
    Two effects: (.5 - .1)^2 / (.05 + 2 tau^2) is one under PM, and .454936... under PMM.

    >>> two = np.array([0.1, 0.5]), np.array([0.02, 0.03]), np.ones((2, 1))
    >>> round(estimate_tau2(*two, "PM"), 12), round(estimate_tau2(*two, "PMM"), 12)
    (0.055, 0.150848747065)
    """
    _refuse_saturated(X)
    scale = _typical(vi)
    found = many_tau2(_single(yi / np.sqrt(scale), vi / scale, X), method)
    return _arrived(found, f"{method} of tau² did not converge.") * scale


def q_profile(yi: Array, vi: Array, X: Array, level: float) -> Interval:
    """Q-profile interval: the tau² at which Q is a quantile of chi-squared with k - p df.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    X : ndarray, shape (k, p)
        Design matrix of full rank, p < k.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    Interval
        Limits of tau². (0, 0) when even tau² = 0 makes Q improbably small.

    References
    ----------
    Viechtbauer (2007).

    Examples
    --------
    >>> two = np.array([0.1, 0.5]), np.array([0.02, 0.03]), np.ones((2, 1))
    >>> low, high = q_profile(*two, 0.95)
    >>> low, round(high / 81.43, 3)
    (0.0, 1.0)
    """
    _refuse_saturated(X)
    scale, half = _typical(vi), (X.shape[0] - X.shape[1]) / 2
    data, tail = _single(yi / np.sqrt(scale), vi / scale, X), (1 - level) / 2
    quantiles = 2 * gammainccinv(half, tail), 2 * gammaincinv(half, tail)
    low, high = (
        _arrived(root_of_q(data, np.array([q])), "A limit of tau² was not found.") * scale
        for q in quantiles
    )
    return Interval(low, high)


def _single(yi: Array, vi: Array, X: Array) -> Regressions | GroupMeans:
    """One data set."""
    groups = Disjoint.of(X)
    return Regressions.of(yi[None], vi[None], X) if groups is None else GroupMeans(yi, vi, groups)


def _typical(vi: Array) -> float:
    return float(vi.size / np.sum(1 / vi))


def _refuse_saturated(X: Array) -> None:
    k, p = X.shape
    if k <= p:
        raise EstimationError(
            f"{k} effects and {p} coefficients: nothing is left to estimate tau²."
        )


def _arrived(found: Array, message: str) -> float:
    """The only value of a batch."""
    if np.isnan(found[0]):
        raise ConvergenceError(message)
    return float(found[0])
