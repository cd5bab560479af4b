"""Profile-likelihood intervals of the variance components."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.distributions import chi2_isf
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.roots import bracketed_root
from metaalliance.core.variance.ascent import MANY_STUDIES, highest, maximize
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.tau2 import log_likelihood

#: The sum of all components, as a component.
TOTAL = "total"


def variance_interval(
    data: MultilevelData,
    optimum: MultilevelPoint,
    component: str,
    level: float,
    *,
    restricted: bool,
) -> Interval:
    """Profile-likelihood interval of one variance component, or of their sum.

    The bounds are where twice the drop of the maximised log-likelihood equals the
    chi-squared quantile with one degree of freedom; a lower bound is zero when the drop
    at zero is smaller. Each inner maximisation starts from the one before and, with few
    studies, also from the ends of the profile, since it can have two maxima.

    Parameters
    ----------
    component : str
        One of ``data.names``, or "total".

    References
    ----------
    Hardy and Thompson (1996); Viechtbauer (2007).
    """
    theta, total = optimum.theta, component == TOTAL
    estimate = float(theta.sum() if total else theta[data.names.index(component)])
    drop = variance_drop(data, optimum, component, restricted=restricted)
    return _bounds(drop, estimate, _typical(data.vi), level)


def variance_drop(
    data: MultilevelData, optimum: MultilevelPoint, component: str, *, restricted: bool
) -> Callable[[float], float]:
    """Return twice the drop of the maximised log-likelihood as a function of one variance.

    The function keeps where it was last, so that calls at neighbouring values are quick.
    """
    total = component == TOTAL
    held = np.array([name == component for name in data.names])
    state = {"theta": optimum.theta}

    def drop(value: float) -> float:
        starts = _shares(state["theta"], value) if total else _others(state["theta"], held, value)
        points = [
            maximize(data, start, restricted=restricted, held=held, same_total=total)
            for start in (starts if data.blocks.m <= MANY_STUDIES else starts[:1])
        ]
        point = highest(points)
        state["theta"] = point.theta
        return 2 * (optimum.log_likelihood - point.log_likelihood)

    return drop


def _others(theta: Array, held: BoolArray, value: float) -> list[Array]:
    """Starts with one component at `value`: the others where they were, and at zero."""
    return [np.where(held, value, other) for other in (theta, 0.0)]


def _shares(theta: Array, value: float) -> list[Array]:
    """Starts whose sum is `value`: shares as they were, equal, and of two also all in either."""
    total, c = float(theta.sum()), theta.size
    equal = np.full(c, 1 / c)
    shares, ends = theta / total if total > 0 else equal, np.eye(c) if c == 2 else ()
    return [value * share for share in (shares, equal, *ends)]


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
    crit = float(chi2_isf(1 - level, 1))
    xtol = 1e-14 * (estimate + typical)

    def excess(value: float) -> float:
        return drop(value) - crit

    low = 0.0
    if estimate > 0 and excess(0.0) > 0:
        low = bracketed_root(excess, 0.0, estimate, xtol=xtol, rtol=1e-14)
    high = max(2 * estimate, typical)
    for _ in range(200):
        if excess(high) > 0:
            break
        high *= 2
    else:
        return Interval(low, float("inf"))
    return Interval(low, bracketed_root(excess, estimate, high, xtol=xtol, rtol=1e-14))
