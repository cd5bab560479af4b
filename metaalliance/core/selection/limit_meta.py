"""Limit meta-analysis: what effects would be at infinite precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.wls import weighted_fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LimitMean:
    """The mean that small-study effects leave at infinite precision.

    Attributes
    ----------
    estimate, se : float
        ``beta + tau alpha`` and its standard error, tau² taken as known.
    alpha, alpha_se : float
        Small-study effect: shift in units of the total standard deviation.
    beta : float
        Slope of the generalised radial plot.
    limit_yi : ndarray, shape (k,)
        Effects shrunk to infinite precision.
    G2 : float
        Share of the heterogeneity of these that the small-study effect does not explain.
    """

    estimate: float
    se: float
    alpha: float
    alpha_se: float
    beta: float
    limit_yi: Array
    G2: float


def limit_mean(yi: Array, vi: Array, tau2: float) -> LimitMean:
    """Estimate the model ``y = beta + sqrt(v + tau²)(alpha + error)`` at v = 0.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances; k at least 3, variances not all equal.
    tau2 : float
        Heterogeneity variance.

    References
    ----------
    Rücker et al. (2011).
    """
    s = np.sqrt(vi + tau2)
    tau = math.sqrt(tau2)
    X = np.column_stack([np.ones_like(yi), s])
    fit = weighted_fit(yi, X, 1 / s**2)
    beta, alpha = (float(b) for b in fit.beta)
    at_limit = np.array([1.0, tau])
    limit_yi = beta + tau / s * (yi - beta)
    return LimitMean(
        estimate=beta + tau * alpha,
        se=math.sqrt(float(at_limit @ fit.bread @ at_limit)),
        alpha=alpha,
        alpha_se=math.sqrt(float(fit.bread[1, 1])),
        beta=beta,
        limit_yi=limit_yi,
        G2=_unexplained(limit_yi, np.sqrt(vi)),
    )


def _unexplained(limit_yi: Array, sei: Array) -> float:
    """One minus R² of the radial plot: standardised limit effects by precision."""
    x, y = 1 / sei, limit_yi / sei
    residual = np.sum((y - np.polyval(np.polyfit(x, y, 1), x)) ** 2)
    total = float(np.sum((y - y.mean()) ** 2))
    return float(residual) / total if total > 0 else math.nan
