"""p-uniform*: effects conditional on being significant or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.distributions import chi2_isf
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.selection.fit import climb
from metaalliance.core.selection.likelihood import LikelihoodPoint, Weighting, selection_likelihood
from metaalliance.errors import ConvergenceError

#: Profiles end this far (in typical standard errors) from the estimate: the limit is infinite.
_FAR = 200.0


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """Effects scaled to a typical variance of one, with their critical values.

    Attributes
    ----------
    y, v : ndarray, shape (k,)
        Effects and sampling variances.
    cut : ndarray, shape (k,)
        Value from which an effect is significant.
    high : ndarray of bool, shape (k,)
        Whether it is.
    unit : float
        What effects were divided by.
    """

    y: Array
    v: Array
    cut: Array
    high: BoolArray
    unit: float

    @classmethod
    def build(cls, yi: Array, vi: Array, critical: Array | float) -> Conditional:
        """Scale effects; significant are those above ``critical`` standard errors, each its own."""
        unit = float(np.sqrt(vi.size / np.sum(1 / vi)))
        y, v = yi / unit, vi / unit**2
        cut = critical * np.sqrt(v)
        return cls(y, v, cut, y >= cut, unit)

    def point(self, mean: float, tau2: float) -> LikelihoodPoint:
        """Likelihood with derivatives by mean and tau²."""
        return self._likelihood(np.ones((self.y.size, 1)), np.array([mean, tau2]))

    def _likelihood(
        self, X: Array, theta: Array, offset: float = 0.0, extra: float = 0.0
    ) -> LikelihoodPoint:
        """Likelihood at ``X beta + offset`` and ``tau² + extra``."""

        def select(mu: Array, tau2: float, _: Array) -> Weighting:
            return self._weighting(mu + offset, tau2 + extra)

        return selection_likelihood(self.y - offset, self.v + extra, X, select, theta)

    def _weighting(self, mu: Array, tau2: float) -> Weighting:
        """Probability of the side that each effect is on, with derivatives."""
        s2 = self.v + tau2
        s = np.sqrt(s2)
        sign = np.where(self.high, -1.0, 1.0)
        t = (self.cut - mu) / s
        A = np.exp(log_ndtr(sign * t))
        phi = sign * np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
        A1 = np.column_stack([-phi / s, -phi * t / (2 * s2)])
        A2 = np.empty((t.size, 2, 2))
        A2[:, 0, 0] = -phi * t / s2
        A2[:, 0, 1] = A2[:, 1, 0] = phi * (1 - t**2) / (2 * s**3)
        A2[:, 1, 1] = phi * t * (3 - t**2) / (4 * s2**2)
        none = np.zeros((t.size, 0))
        return Weighting(np.zeros(t.size), none, np.zeros((t.size, 0, 0)), A, A1, A2)

    def maximum(self, starts: list[Array]) -> Array:
        """Mean and tau² at the highest maximum.

        Raises
        ------
        ConvergenceError
            When no start reaches one.
        """
        X = np.ones((self.y.size, 1))
        tops = [climb(lambda t: self._likelihood(X, t), s, 1) for s in starts]
        found = [top for top in tops if top is not None]
        if not found:
            raise ConvergenceError("The likelihood of p-uniform* has no maximum.")
        return max(found, key=lambda t: self.point(float(t[0]), float(t[1])).value)

    def at_mean(self, mean: float, tau2: float) -> tuple[float, float]:
        """Highest value with the mean given, and its tau²; the search starts at `tau2`."""
        X = np.zeros((self.y.size, 0))
        likelihood = lambda t: self._likelihood(X, t, offset=mean)  # noqa: E731
        return _highest(likelihood, [np.array([t]) for t in (tau2, 0.0, tau2 + 1)], 0)

    def at_tau2(self, tau2: float, mean: float) -> tuple[float, float]:
        """Highest value with tau² given, and its mean; the search starts at `mean`."""
        X = np.ones((self.y.size, 1))

        def likelihood(theta: Array) -> LikelihoodPoint:
            point = self._likelihood(X, theta, extra=tau2)
            return _pinned(point)

        starts = [np.array([m, 0.0]) for m in (mean, mean - 1, mean + 1)]
        return _highest(likelihood, starts, 1)


def _pinned(point: LikelihoodPoint) -> LikelihoodPoint:
    """Hold the last parameter at its boundary, by a slope that leads outwards."""
    scores, hessian = point.scores.copy(), point.hessian.copy()
    scores[:, -1] = -1.0
    hessian[-1, :] = hessian[:, -1] = 0.0
    hessian[-1, -1] = -1.0
    return LikelihoodPoint(point.value, scores, hessian)


def _highest(
    likelihood: Callable[[Array], LikelihoodPoint], starts: list[Array], p: int
) -> tuple[float, float]:
    tops = [climb(likelihood, s, p) for s in starts]
    found = [(likelihood(t).value, float(t[0])) for t in tops if t is not None]
    if not found:
        raise ConvergenceError(
            "A profile of p-uniform* has no maximum: too few effects bound it. Read another method."
        )
    return max(found)


def profile_interval(
    profile: Callable[[float], float], top: float, estimate: float, level: float, lowest: float
) -> Interval:
    """Values whose profile is within half a chi-squared quantile of the top.

    Parameters
    ----------
    profile : callable
        Highest log-likelihood with the parameter given.
    top, estimate : float
        The maximum and where it is.
    level : float
        Coverage.
    lowest : float
        Boundary of the parameter, -inf without one.
    """
    drop = float(chi2_isf(1 - level, 1)) / 2

    def excess(value: float) -> float:
        return top - profile(value) - drop

    def limit(sign: float) -> float:
        step, inner = 0.25, estimate
        while step <= _FAR:
            outer = max(estimate + sign * step, lowest)
            if excess(outer) > 0:
                return float(brentq(excess, inner, outer, xtol=1e-12, rtol=1e-13))
            if outer == lowest:
                return lowest
            inner, step = outer, 2 * step
        return sign * math.inf

    return Interval(limit(-1.0), limit(1.0))
