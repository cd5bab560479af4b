"""Profile-likelihood intervals of the variance components."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.multilevel import (
    MANY_STUDIES,
    NestedData,
    NestedPoint,
    highest,
    maximize,
)
from metaalliance.core.variance.tau2 import log_likelihood

#: What a profile fixes, and the direction in which the components may still move.
_PROFILES: dict[str, tuple[Array, Array]] = {
    "study": (np.array([1.0, 0.0]), np.array([[0.0], [1.0]])),
    "effect": (np.array([0.0, 1.0]), np.array([[1.0], [0.0]])),
    "total": (np.array([1.0, 1.0]), np.array([[1.0], [-1.0]])),
}


def nested_interval(
    data: NestedData, optimum: NestedPoint, component: str, level: float, *, restricted: bool
) -> Interval:
    """Profile-likelihood interval of one variance component, or of their sum.

    The bounds are where twice the drop of the maximised log-likelihood equals the
    chi-squared quantile with one degree of freedom; a lower bound is zero when the drop
    at zero is smaller. Each inner maximisation starts from the one before and, with few
    studies, also from the ends of the profile, since it can have two maxima.

    Parameters
    ----------
    component : {"study", "effect", "total"}
        Which variance.

    References
    ----------
    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15, 619-629.
    Viechtbauer W (2007). Statistics in Medicine 26, 37-52.
    """
    estimate = float(_PROFILES[component][0] @ optimum.theta)
    drop = nested_drop(data, optimum, component, restricted=restricted)
    return _bounds(drop, estimate, _typical(data.vi), level)


def nested_drop(
    data: NestedData, optimum: NestedPoint, component: str, *, restricted: bool
) -> Callable[[float], float]:
    """Return twice the drop of the maximised log-likelihood as a function of one variance.

    The function keeps where it was last, so that calls at neighbouring values are quick.
    """
    direction = _PROFILES[component][1]
    state = {"theta": optimum.theta}

    def drop(value: float) -> float:
        upper = value if component == "total" else np.inf
        starts = _starts(state["theta"], component, value)
        points = [
            maximize(data, start, restricted=restricted, directions=direction, upper=upper)
            for start in (starts if data.blocks.m <= MANY_STUDIES else starts[:1])
        ]
        point = highest(points)
        state["theta"] = point.theta
        return 2 * (optimum.log_likelihood - point.log_likelihood)

    return drop


def _starts(theta: Array, component: str, value: float) -> list[Array]:
    """Starts on the profile of `component` at `value`: near `theta`, then its ends and middle."""
    if component == "study":
        return [np.array([value, other]) for other in (theta[1], 0.0)]
    if component == "effect":
        return [np.array([other, value]) for other in (theta[0], 0.0)]
    total = float(theta.sum())
    share = float(theta[0]) / total if total > 0 else 0.5
    return [np.array([value * s, value * (1 - s)]) for s in (share, 0.0, 0.5, 1.0)]


def two_level_interval(
    yi: Array, vi: Array, X: Array, tau2: float, level: float, *, restricted: bool
) -> Interval:
    """Profile-likelihood interval of tau² in the two-level model."""
    drop = two_level_drop(yi, vi, X, tau2, restricted=restricted)
    return _bounds(drop, tau2, _typical(vi), level)


def two_level_drop(
    yi: Array, vi: Array, X: Array, tau2: float, *, restricted: bool
) -> Callable[[float], float]:
    """Return twice the drop of the log-likelihood from `tau2` as a function of tau²."""
    top = log_likelihood(yi, vi, X, tau2, restricted=restricted)

    def drop(value: float) -> float:
        return 2 * (top - log_likelihood(yi, vi, X, value, restricted=restricted))

    return drop


def _typical(vi: Array) -> float:
    return vi.size / float(np.sum(1 / vi))


def _bounds(
    drop: Callable[[float], float], estimate: float, typical: float, level: float
) -> Interval:
    """Invert a likelihood-ratio drop on both sides of the estimate."""
    crit = float(chi2.isf(1 - level, 1))
    xtol = 1e-14 * (estimate + typical)

    def excess(value: float) -> float:
        return drop(value) - crit

    low = 0.0
    if estimate > 0 and excess(0.0) > 0:
        low = float(brentq(excess, 0.0, estimate, xtol=xtol, rtol=1e-14))
    high = max(2 * estimate, typical)
    for _ in range(200):
        if excess(high) > 0:
            break
        high *= 2
    else:
        return Interval(low, float("inf"))
    return Interval(low, float(brentq(excess, estimate, high, xtol=xtol, rtol=1e-14)))
