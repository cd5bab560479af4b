"""Psychometric meta-analysis of correlations, of Hunter and Schmidt.

Correlations are weighted by sample sizes, and what sampling error and differing
reliabilities explain is subtracted from their observed variance. All of it is on the scale
of r. A correlation may be the mean of several of one sample: `shares` then says how much of the
sampling variance of one correlation it has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.conversion.attenuation import PERFECT, ArtifactDistribution, attenuation
from metaalliance.core.inference.intervals import critical_value
from metaalliance.errors import EstimationError
from metaalliance.options import check_level, check_option

SamplingError = Literal["average-n", "each-n"]
Correction = Literal["none", "individual", "artifact-distribution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PsychometricFit:
    """A mean correlation and the variance of true correlations around it.

    Attributes
    ----------
    correction : {"none", "individual", "artifact-distribution"}
        What was corrected beside sampling error.
    k, n : int, float
        Correlations, and the sum of their sample sizes.
    mean_r : float
        Mean of the observed correlations, weighted by n.
    mean_rho, se, ci_low, ci_high : float
        Mean of the (corrected) correlations, its standard error, and its confidence interval.
    observed_variance : float
        Weighted variance of the correlations that were averaged in `mean_rho`: the observed
        ones, or the individually corrected ones. Of means of several correlations that of one of
        them, which has more sampling error: averaging took the difference away.
    sampling_variance, artifact_variance : float
        The parts of it that sampling error and differing reliabilities explain.
    rho_variance, rho_sd : float
        Variance of true correlations, at least zero, and its root.
    explained : float
        Share of `observed_variance` that is explained; above 1 when sampling error alone
        would make them differ more than they do.
    credibility_low, credibility_high : float
        Interval that holds the middle `credibility_level` of true correlations.
    level, credibility_level : float
        Levels of the two intervals.
    """

    correction: Correction
    k: int
    n: float
    mean_r: float
    mean_rho: float
    se: float
    ci_low: float
    ci_high: float
    observed_variance: float
    sampling_variance: float
    artifact_variance: float
    rho_variance: float
    rho_sd: float
    explained: float
    credibility_low: float
    credibility_high: float
    level: float
    credibility_level: float


def bare_bones(
    ri: Array,
    ni: Array,
    *,
    shares: Array | None = None,
    sampling_error: SamplingError = "average-n",
    level: float = 0.95,
    credibility_level: float = 0.8,
) -> PsychometricFit:
    """Mean correlation and its variance, corrected for sampling error only.

    ``rbar = sum(n r) / sum(n)``, ``var(r) = sum(n (r - rbar)²) / sum(n)``,
    ``var(rho) = var(r) - var(e)``; the standard error of rbar is ``sqrt(var(r) / k)``.

    Parameters
    ----------
    ri, ni : ndarray, shape (k,)
        Correlations and sample sizes.
    shares : ndarray, shape (k,), optional
        Sampling variance of each over that of one correlation of its n: (1 + (m - 1) rho) / m for
        the mean of m correlations with errors correlated by rho; 1 unless given. var(rho) is then
        ``var(r) - sum(n share) / sum(n) var(e)``.
    sampling_error : {"average-n", "each-n"}
        var(e) is ``(1 - rbar²)² / (nbar - 1)``, or the mean of ``(1 - rbar²)² / (n_i - 1)``
        weighted by n_i.
    level, credibility_level : float
        Levels of the confidence interval and of the credibility interval.

    Returns
    -------
    PsychometricFit
        With ``correction="none"``.

    Raises
    ------
    EstimationError
        For one correlation, or a sample size of one.

    References
    ----------
    Schmidt and Hunter (2015): bare-bones meta-analysis and its standard error.

    Examples
    --------
    Weighted mean .3, variance .01, sampling variance .91² / 100.

    >>> fit = bare_bones(np.array([0.2, 0.4]), np.array([101.0, 101.0]))
    >>> round(fit.mean_rho, 12), round(fit.rho_variance, 12)
    (0.3, 0.001719)
    """
    _require(ni)
    mean, observed = _weighted(ri, ni)
    error, own = _sampling_variance(mean, ni, shares, sampling_error)
    parts = _Parts(mean, mean, observed, error, own, 0.0)
    return _fit("none", ni, parts, 1.0, level, credibility_level)


def correct_individually(
    ri: Array,
    ni: Array,
    rxx: Array,
    ryy: Array,
    *,
    shares: Array | None = None,
    level: float = 0.95,
    credibility_level: float = 0.8,
) -> PsychometricFit:
    """Correct each correlation for its reliabilities, then average with weights n A².

    ``rc_i = r_i / A_i``, ``A_i = sqrt(rxx_i ryy_i)``; the sampling variance of rc_i is
    ``(1 - rbar²)² / ((n_i - 1) A_i²)`` with rbar the mean of the observed correlations.

    Parameters
    ----------
    ri, ni, rxx, ryy : ndarray, shape (k,)
        Correlations, sample sizes and reliabilities, all of them known (use 1 for a measure
        that is not to be corrected; `correct_by_distribution` when some are missing).
    shares : ndarray, shape (k,), optional
        As in `bare_bones`.
    level, credibility_level : float
        Levels of the confidence interval and of the credibility interval.

    Returns
    -------
    PsychometricFit
        With ``correction="individual"``.

    References
    ----------
    Schmidt and Hunter (2015): correlations corrected individually for artifacts.

    Examples
    --------
    >>> reliability = np.array([0.64, 0.81])
    >>> fit = correct_individually(
    ...     np.array([0.24, 0.27]), np.array([101.0, 101.0]), reliability, np.ones(2)
    ... )
    >>> round(fit.mean_rho, 12), round(fit.observed_variance, 12), fit.rho_variance
    (0.3, 0.0, 0.0)
    """
    _require(ni)
    A = np.array([attenuation(float(x), float(y)) for x, y in zip(rxx, ryy, strict=True)])
    mean, _ = _weighted(ri, ni)
    wi = ni * A**2
    mean_rho, observed = _weighted(ri / A, wi)
    each = (1 - mean**2) ** 2 / ((ni - 1) * A**2)
    error = float(wi @ each / wi.sum())
    own = error if shares is None else float(wi @ (shares * each) / wi.sum())
    parts = _Parts(mean, mean_rho, observed, error, own, 0.0)
    return _fit("individual", ni, parts, 1.0, level, credibility_level)


def correct_by_distribution(
    ri: Array,
    ni: Array,
    x: ArtifactDistribution,
    y: ArtifactDistribution = PERFECT,
    *,
    shares: Array | None = None,
    sampling_error: SamplingError = "average-n",
    level: float = 0.95,
    credibility_level: float = 0.8,
) -> PsychometricFit:
    """Correct the mean and the variance by the distributions of the two attenuation factors.

    ``mean(rho) = rbar / (a b)`` with the mean factors a and b. Differing reliabilities explain
    ``mean(rho)² Var(A)``, where the variance of the product of independent factors is exact,
    ``Var(A) = b² Var(a) + a² Var(b) + Var(a) Var(b)``. That is the interactive method; the
    Taylor series approximation leaves out the last term.
    ``var(rho) = (var(r) - var(e) - that) / (a b)²``.

    Parameters
    ----------
    ri, ni : ndarray, shape (k,)
        Observed correlations and sample sizes.
    x, y : ArtifactDistribution
        Factors of the two measures, from `artifact_distribution`.
    shares : ndarray, shape (k,), optional
        As in `bare_bones`.
    sampling_error : {"average-n", "each-n"}
        As in `bare_bones`.
    level, credibility_level : float
        Levels of the confidence interval and of the credibility interval.

    Returns
    -------
    PsychometricFit
        With ``correction="artifact-distribution"``; its variances are of observed
        correlations, apart from `rho_variance`.

    References
    ----------
    Schmidt and Hunter (2015): artifact distributions; Raju and Burke (1983): the Taylor series.

    Examples
    --------
    >>> x = ArtifactDistribution(mean=0.8, variance=0.01, k=2)
    >>> fit = correct_by_distribution(np.array([0.1, 0.38]), np.array([101.0, 101.0]), x)
    >>> round(fit.mean_rho, 12), round(fit.artifact_variance, 12), round(fit.rho_variance, 9)
    (0.3, 0.0009, 0.01534191)
    """
    _require(ni)
    mean, observed = _weighted(ri, ni)
    error, own = _sampling_variance(mean, ni, shares, sampling_error)
    A = x.mean * y.mean
    spread = y.mean**2 * x.variance + x.mean**2 * y.variance + x.variance * y.variance
    artifact = (mean / A) ** 2 * spread
    parts = _Parts(mean, mean / A, observed, error, own, artifact)
    return _fit("artifact-distribution", ni, parts, A, level, credibility_level)


class _Parts(NamedTuple):
    """Means, and the parts of the variance: the error of one correlation, and that of its own."""

    mean_r: float
    mean_rho: float
    observed: float
    error: float
    own_error: float
    artifact: float


def _require(ni: Array) -> None:
    if ni.size < 2 or np.any(ni <= 1):
        raise EstimationError("A psychometric meta-analysis needs two correlations, each n > 1.")


def _weighted(values: Array, wi: Array) -> tuple[float, float]:
    """Weighted mean and variance, the latter with the sum of weights as its divisor."""
    mean = float(wi @ values / wi.sum())
    return mean, float(wi @ (values - mean) ** 2 / wi.sum())


def _sampling_variance(
    mean: float, ni: Array, shares: Array | None, how: SamplingError
) -> tuple[float, float]:
    """Sampling variance of one correlation, and of those observed, with the mean for each rho."""
    check_option("sampling_error", how, SamplingError)
    each = 1 / (ni - 1) if how == "each-n" else np.full(ni.size, 1 / (ni.mean() - 1))
    whole = (1 - mean**2) ** 2 / ni.sum()
    error = float(whole * (ni @ each))
    return error, error if shares is None else float(whole * (ni @ (shares * each)))


def _fit(
    correction: Correction, ni: Array, parts: _Parts, A: float, level: float, credibility: float
) -> PsychometricFit:
    """Put a result together; `A` carries variances of observed correlations to true ones."""
    mean = parts.mean_rho
    explained = parts.error + parts.artifact
    observed = parts.observed + (parts.error - parts.own_error)
    rho_sd = math.sqrt(max(0.0, parts.observed - parts.own_error - parts.artifact)) / A
    se = math.sqrt(parts.observed / ni.size) / A
    half = critical_value(check_level(level), math.inf) * se
    reach = critical_value(check_level(credibility), math.inf) * rho_sd
    return PsychometricFit(
        correction=correction,
        k=ni.size,
        n=float(ni.sum()),
        mean_r=parts.mean_r,
        mean_rho=mean,
        se=se,
        ci_low=mean - half,
        ci_high=mean + half,
        observed_variance=observed,
        sampling_variance=parts.error,
        artifact_variance=parts.artifact,
        rho_variance=rho_sd**2,
        rho_sd=rho_sd,
        explained=explained / observed if parts.observed > 0 else math.inf,
        credibility_low=mean - reach,
        credibility_high=mean + reach,
        level=level,
        credibility_level=credibility,
    )
