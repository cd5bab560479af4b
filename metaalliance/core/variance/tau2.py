"""Between-study variance of the two-level model: the estimators that are ours.

DerSimonian-Laird and Hedges come from PyMARE, which also gives ML and REML their start
(`metaalliance.models.tau2_engine`). Here are the other closed forms, the Paule-Mandel
root, and the polishing of ML and REML until the score is zero to rounding: likelihood
searches that stop on function values leave tau^2 up to 1e-7 short of the optimum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import chi2

from metaalliance.core.arrays import Array
from metaalliance.core.variance.wls import WeightedFit, trace_of_projection, weighted_fit
from metaalliance.errors import ConvergenceError, EstimationError

MAX_ITERATIONS = 500


def hunter_schmidt(yi: Array, vi: Array, X: Array) -> float:
    """Estimate tau^2 as (Q - k) / sum(w), truncated at zero.

    References
    ----------
    Hunter JE, Schmidt FL (1990), in the inverse-variance form of Viechtbauer W (2005),
    Journal of Educational and Behavioral Statistics 30, 261-293, equation 10.
    """
    fit = weighted_fit(yi, X, 1 / vi)
    return max(0.0, float((fit.rss - yi.size) / np.sum(1 / vi)))


def sidik_jonkman(yi: Array, vi: Array, X: Array) -> float:
    """Estimate tau^2 from a crude start that is never zero.

    References
    ----------
    Sidik K, Jonkman JN (2005). Applied Statistics 54, 367-384, equation 6, with their
    start ``sum((yi - mean)^2) / k``.
    """
    k, p = X.shape
    start = float(np.mean((yi - yi.mean()) ** 2))
    if start == 0:
        return 0.0
    fit = weighted_fit(yi, X, 1 / (vi + start))
    return float(start * fit.rss / (k - p))


def paule_mandel(yi: Array, vi: Array, X: Array) -> float:
    """Solve Q(tau^2) = k - p by Newton's method.

    Q is convex and falls in tau^2, so that Newton's steps from zero climb to the root
    and never pass it. Morris's empirical Bayes estimator has the same root.

    References
    ----------
    Paule RC, Mandel J (1982). Journal of Research of the National Bureau of Standards
    87, 377-385. Morris CN (1983). Journal of the American Statistical Association 78, 47-55.
    """
    k, p = X.shape
    return _root_of_q(yi, vi, X, float(k - p))


def paule_mandel_median(yi: Array, vi: Array, X: Array) -> float:
    """Solve Q(tau^2) = median of chi-squared with k - p df: Paule-Mandel, median-unbiased.

    At the true tau^2, Q is chi-squared. Setting it to its median in place of its mean makes
    the estimate too large as often as too small (before it is truncated at zero).

    References
    ----------
    Viechtbauer W (2021). Median-unbiased estimators for the amount of heterogeneity in
    meta-analysis. European Congress of Methodology, Valencia.

    Examples
    --------
    Two effects: (.5 - .1)^2 / (.05 + 2 tau^2) = .454936...

    >>> two = np.array([0.1, 0.5]), np.array([0.02, 0.03]), np.ones((2, 1))
    >>> round(paule_mandel_median(*two), 12)
    0.150848747065
    """
    k, p = X.shape
    if k <= p:
        raise EstimationError(
            f"{k} effects and {p} coefficients: nothing is left to estimate tau²."
        )
    return _root_of_q(yi, vi, X, float(chi2.median(k - p)))


def _root_of_q(yi: Array, vi: Array, X: Array, target: float) -> float:
    """Climb from zero to the tau^2 at which Q is `target`."""
    tau2 = 0.0
    for _ in range(MAX_ITERATIONS):
        wi = 1 / (vi + tau2)
        fit = weighted_fit(yi, X, wi)
        excess = fit.rss - target
        if excess <= 0:
            return tau2
        step = excess / float(np.sum((wi * fit.residuals) ** 2))
        if step <= 4 * np.finfo(float).eps * tau2:
            return float(tau2 + step)
        tau2 += step
    raise ConvergenceError("Paule-Mandel did not reach its root.")


Estimator = Callable[[Array, Array, Array], float]

#: The estimators of this module by their published abbreviation.
CLOSED_FORMS: dict[str, Estimator] = {
    "HS": hunter_schmidt,
    "SJ": sidik_jonkman,
    "PM": paule_mandel,
    "PMM": paule_mandel_median,
    "EB": paule_mandel,
}


def log_likelihood(yi: Array, vi: Array, X: Array, tau2: float, *, restricted: bool) -> float:
    """Log-likelihood of the two-level model at `tau2`, the coefficients profiled out.

    The restricted form is Harville's (1974), with the term in log|X'X| that makes it
    independent of the scale of `X`.
    """
    k, p = X.shape
    wi = 1 / (vi + tau2)
    fit = weighted_fit(yi, X, wi)
    value = -0.5 * (k * np.log(2 * np.pi) - np.log(wi).sum() + fit.rss)
    if restricted:
        _, log_xtx = np.linalg.slogdet(X.T @ X)
        _, log_bread = np.linalg.slogdet(fit.bread)
        value += 0.5 * (p * np.log(2 * np.pi) + log_xtx + log_bread)
    return float(value)


def _derivatives(
    wi: Array, X: Array, fit: WeightedFit, *, restricted: bool
) -> tuple[float, float, float]:
    """Score, observed and expected information for tau^2."""
    u = wi * fit.residuals
    Xw2u = X.T @ (wi * u)
    uPu = float(wi @ u**2 - Xw2u @ fit.bread @ Xw2u)
    if not restricted:
        trace, trace2 = float(wi.sum()), float(np.sum(wi**2))
    else:
        trace = trace_of_projection(X, wi, fit.bread)
        M2 = fit.bread @ ((X * wi[:, None] ** 2).T @ X)
        M3 = np.sum(fit.bread * ((X * wi[:, None] ** 3).T @ X))
        trace2 = float(np.sum(wi**2) - 2 * M3 + np.sum(M2 * M2.T))
    return 0.5 * (float(u @ u) - trace), uPu - 0.5 * trace2, 0.5 * trace2


def polish_likelihood(yi: Array, vi: Array, X: Array, start: float, *, restricted: bool) -> float:
    """Move tau^2 from `start` to the optimum of the (restricted) likelihood.

    Newton steps where the curvature allows, Fisher-scoring steps elsewhere, halved until
    the likelihood does not fall, projected on tau^2 >= 0. The value at zero is compared
    at the end, since the likelihood can have two maxima.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and their sampling variances.
    X : ndarray, shape (k, p)
        Design matrix.
    start : float
        A value near the optimum.
    restricted : bool
        REML if true, else ML.

    Returns
    -------
    float
        The estimate, converged until its step is below rounding.
    """

    def value(tau2: float) -> float:
        return log_likelihood(yi, vi, X, tau2, restricted=restricted)

    rounding = 64 * np.finfo(float).eps
    typical = yi.size / float(np.sum(1 / vi))
    tau2, current = max(start, 0.0), value(max(start, 0.0))
    for _ in range(MAX_ITERATIONS):
        wi = 1 / (vi + tau2)
        score, observed, expected = _derivatives(
            wi, X, weighted_fit(yi, X, wi), restricted=restricted
        )
        if tau2 == 0 and score <= 0:
            break
        step = score / (observed if observed > 0.1 * expected else expected)
        candidate, reached = _climb(value, tau2, step, current)
        if abs(candidate - tau2) <= rounding * (tau2 + typical):
            tau2 = candidate
            break
        tau2, current = candidate, reached
    else:
        raise ConvergenceError("The likelihood of tau^2 did not converge.")
    return 0.0 if tau2 > 0 and value(0.0) > value(tau2) else tau2


def highest_likelihood(yi: Array, vi: Array, X: Array, start: float, *, restricted: bool) -> float:
    """Polish from `start` and from the top of a coarse grid; return the highest optimum.

    The likelihood can have two maxima. Of optima equal to rounding the first is returned.
    """

    def value(tau2: float) -> float:
        return log_likelihood(yi, vi, X, tau2, restricted=restricted)

    residuals = yi - X @ np.linalg.lstsq(X, yi, rcond=None)[0]
    largest = max(float(np.max(residuals**2)), float(np.min(vi)))
    grid = np.geomspace(1e-2 * float(np.min(vi)), largest, 16)
    tops = (start, float(max(grid, key=value)))
    found = [t for top in tops if (t := _polished(yi, vi, X, top, restricted)) is not None]
    if not found:
        raise ConvergenceError("The likelihood of tau^2 did not converge.")
    values = [value(tau2) for tau2 in found]
    slack = 1e-12 * (yi.size + abs(max(values)))
    return next(t for t, value in zip(found, values, strict=True) if value >= max(values) - slack)


def _polished(yi: Array, vi: Array, X: Array, start: float, restricted: bool) -> float | None:
    """Polish from one start; None where the climb crawls past a near-maximum without end."""
    try:
        return polish_likelihood(yi, vi, X, start, restricted=restricted)
    except ConvergenceError:
        return None


def _climb(
    value: Callable[[float], float], tau2: float, step: float, current: float
) -> tuple[float, float]:
    """Halve `step` until the likelihood does not fall by more than rounding."""
    slack = 1e-13 * (1 + abs(current))
    for _ in range(60):
        candidate = max(0.0, tau2 + step)
        reached = value(candidate)
        if reached >= current - slack:
            return candidate, reached
        step /= 2
    return tau2, current
