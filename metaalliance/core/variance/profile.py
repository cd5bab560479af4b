"""Profile-likelihood intervals of the variance components."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.distributions import chi2_isf
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.roots import bracketed_root
from metaalliance.core.variance.ascent import (
    MANY_STUDIES,
    MAX_ITERATIONS,
    NEWTON_ROUNDING,
    highest,
    maximize,
)
from metaalliance.core.variance.means.likelihood import Likelihood, likelihood_of
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.structure import Nested
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
    studies, also from the ends of the profile, since it can have two maxima. With many studies
    the bound and the other component are looked for together.

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
    bound = None
    nested = isinstance(data.structure, Nested)
    if nested and data.blocks.m > MANY_STUDIES and (theta > 0).all():
        likelihood = likelihood_of(data, restricted=restricted)
        bound = _Bound(data, optimum, component, _criterion(level), likelihood).at
    return _bounds(drop, estimate, _typical(data.vi), level, bound)


class _Bound(NamedTuple):
    """Bounds of the profile of one of two components, by Newton's steps on both.

    Where twice the drop is the criterion and the slope along the other component is zero.
    """

    data: MultilevelData
    optimum: MultilevelPoint
    component: str
    criterion: float
    likelihood: Likelihood

    def at(self, side: int) -> float | None:
        """The bound below (-1) or above (1) the estimate; None where the steps do not arrive."""
        best, scale = self.optimum.theta, _typical(self.data.vi)
        first = float(self.component in (TOTAL, self.data.names[0]))
        along = np.array([first, 1.0 if self.component == TOTAL else 1.0 - first])
        other = np.array([1.0, -1.0]) if self.component == TOTAL else 1.0 - along
        _, _, information = self._slope(best)
        shift = np.linalg.solve(information, along)
        length = float(along @ shift)
        if length <= 0:
            return None
        theta = best + side * np.sqrt(self.criterion / length) * shift
        theta = np.where(theta > 0, theta, 0.02 * best)
        for _ in range(MAX_ITERATIONS):
            excess, score, information = self._slope(theta)
            matrix = np.stack([-2 * score, -information @ other])
            try:
                step = -np.linalg.solve(matrix, np.array([excess, float(other @ score)]))
            except np.linalg.LinAlgError:
                return None
            below = theta + step <= 0
            cut = 0.9 * float(np.min(-theta[below] / step[below])) if below.any() else 1.0
            theta = theta + cut * step
            if cut == 1.0 and np.abs(step).max() <= NEWTON_ROUNDING * (theta.max() + scale):
                value, top = float(along @ theta), other @ information @ other > 0
                return value if top and side * (value - along @ best) > 0 else None
            if not np.isfinite(theta).all() or theta.max() > 1e6 * (best.max() + scale):
                return None
            if theta.min() <= NEWTON_ROUNDING * scale:  # the bound lies where a component is zero
                return None
        return None

    def _slope(self, theta: Array) -> tuple[float, Array, Array]:
        """Excess of twice the drop, score and observed information."""
        point = self.likelihood.at(theta)
        score, information, _ = self.likelihood.slope(point)
        drop = 2 * (self.optimum.log_likelihood - point.log_likelihood)
        return drop - self.criterion, score, information


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


def _criterion(level: float) -> float:
    return float(chi2_isf(1 - level, 1))


def _bounds(
    drop: Callable[[float], float],
    estimate: float,
    typical: float,
    level: float,
    quick: Callable[[int], float | None] | None = None,
) -> Interval:
    """Invert a likelihood-ratio drop on both sides of the estimate, quickly where that is known."""
    crit = _criterion(level)
    xtol = 1e-14 * (estimate + typical)

    def excess(value: float) -> float:
        return drop(value) - crit

    low = 0.0
    if estimate > 0 and excess(0.0) > 0:
        known = None if quick is None else quick(-1)
        low = (
            bracketed_root(excess, 0.0, estimate, xtol=xtol, rtol=1e-14) if known is None else known
        )
    known = None if quick is None else quick(1)
    if known is not None:
        return Interval(low, known)
    high = max(2 * estimate, typical)
    for _ in range(200):
        if excess(high) > 0:
            break
        high *= 2
    else:
        return Interval(low, float("inf"))
    return Interval(low, bracketed_root(excess, estimate, high, xtol=xtol, rtol=1e-14))
