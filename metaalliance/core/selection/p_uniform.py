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
from metaalliance.core.selection.climb import Climbed, climb
from metaalliance.core.selection.likelihood import SelectionProblem, Weighting
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

    @property
    def problem(self) -> SelectionProblem:
        """The likelihood of mean and tau², conditional on the side that each effect is on."""
        return SelectionProblem(
            yi=self.y, vi=self.v, X=np.ones((self.y.size, 1)), weights=_Sides(self.cut, self.high)
        )

    def value(self, mean: float, tau2: float) -> float:
        """Log-likelihood of mean and tau²."""
        return self.problem.log_likelihood(np.array([mean, tau2]))

    def maximum(self, starts: list[Array]) -> Array:
        """Mean and tau² at the highest maximum.

        Raises
        ------
        ConvergenceError
            When no start reaches one.
        """
        found = self._climb(np.array(starts), None)
        if not found.arrived.any():
            raise ConvergenceError("The likelihood of p-uniform* has no maximum.")
        return np.asarray(found.theta[found.best()])

    def at_mean(self, mean: float, tau2: float) -> tuple[float, float]:
        """Highest value with the mean given, and its tau²; the search starts at `tau2`."""
        return self._highest([[mean, t] for t in (tau2, 0.0, tau2 + 1)], held=0)

    def at_tau2(self, tau2: float, mean: float) -> tuple[float, float]:
        """Highest value with tau² given, and its mean; the search starts at `mean`."""
        return self._highest([[m, tau2] for m in (mean, mean - 1, mean + 1)], held=1)

    def _highest(self, starts: list[list[float]], held: int) -> tuple[float, float]:
        found = self._climb(np.array(starts), held)
        if not found.arrived.any():
            raise ConvergenceError(
                "A profile of p-uniform* has no maximum: too few effects bound it. "
                "Read another method."
            )
        top = found.best()
        return float(found.value[top]), float(found.theta[top, 1 - held])

    def _climb(self, starts: Array, held: int | None) -> Climbed:
        problem, still = self.problem, np.zeros(starts.shape, dtype=bool)
        if held is not None:
            still[:, held] = True
        return climb(lambda theta, _: problem.at(theta), starts, bounded=1, held=still,
                     logarithms=slice(0, 0), together=True)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Probability of the side of its cut that each effect is on, as an expected weight."""

    cut: Array
    high: BoolArray
    n: int = 0

    def __call__(self, mu: Array, s: Array, eta: Array) -> Weighting:
        """Return the probabilities with derivatives."""
        sign = np.where(self.high, -1.0, 1.0)
        t = (self.cut - mu) / s
        A = np.exp(log_ndtr(sign * t))
        phi = sign * np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi) / A
        first = [-phi / s, -phi * t / (2 * s**2)]
        second: list[Array | None] = [
            -phi * t / s**2,
            phi * (1 - t**2) / (2 * s**3),
            phi * t * (3 - t**2) / (4 * s**4),
        ]
        return Weighting(np.zeros((1, 1)), eta, None, A, first, second)


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
