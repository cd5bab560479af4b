"""The maximum of the likelihood of effects that are partly known as intervals, and its profiles."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.censoring.likelihood import CensoredData, CensoredPoint, log_likelihood
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.profile import TOTAL
from metaalliance.core.variance.wls import weighted_fit
from metaalliance.errors import ConvergenceError

_ITERATIONS, _HALVINGS = 100, 40
#: Expected rise of the likelihood below which a step is the last, and below which a climb that
#: rounding has stopped still counts as one.
_CONVERGED, _NEAR = 1e-18, 1e-11
#: Longest step of a parameter, in typical standard errors of one effect.
_LONGEST = 2.0
#: Above this number of studies one start is enough; several maxima are a matter of few studies.
_MANY_STUDIES = 30
#: Fall of the likelihood, relative to its size, that is rounding.
_ROUNDING = 1e-13
#: Curvature, relative to the largest, below which a direction is flat.
_FLAT = 1e-8
#: Relative move after which a limit has converged: a Newton step squares the error before it.
_LIMIT = 1e-7
#: Standard deviations, in typical standard errors of one effect, that are zero to rounding.
_ZERO = 1e-6
#: Names of the variance components.
COMPONENTS = ("study", "effect")


@dataclass(frozen=True, slots=True, eq=False)
class CensoredOptimum:
    """The highest point of the likelihood.

    Attributes
    ----------
    data : CensoredData
        The effects, scaled to a typical sampling variance of one.
    unit : float
        What one is on the scale of the effects.
    psi : ndarray, shape (p + 2,)
        Coefficients and two standard deviations, scaled.
    free : ndarray of bool, shape (p + 2,)
        Which of them the model has.
    point : CensoredPoint
        The likelihood there.
    """

    data: CensoredData = field(repr=False)
    unit: float
    psi: Array
    free: BoolArray
    point: CensoredPoint = field(repr=False)

    @property
    def beta(self) -> Array:
        """Coefficients, shape (p,)."""
        return np.asarray(self.psi[:-2] * self.unit)

    @property
    def theta(self) -> Array:
        """Variances between studies and within them, shape (2,)."""
        return np.asarray((self.psi[-2:] * self.unit) ** 2)

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood on the scale of the effects: a density for each value, none else."""
        return self.point.value - int(self.data.observed.sum()) * math.log(self.unit)

    def covariance(self) -> Array:
        """Covariance (p, p) of the coefficients: inverse of the observed information.

        Standard deviations at zero are held there.
        """
        inside = self.free & (np.r_[np.ones(self.beta.size), self.psi[-2:]] > 0)
        information = -self.point.hessian[np.ix_(inside, inside)]
        p = self.beta.size
        return np.asarray(np.linalg.inv(information)[:p, :p] * self.unit**2)


def maximise(data: CensoredData, components: tuple[bool, bool]) -> CensoredOptimum:
    """Return the highest of the maxima that are reached from several starts.

    Parameters
    ----------
    data : CensoredData
        Some effects with a value.
    components : tuple of bool
        Whether there is a variance between studies, and one within them.

    Raises
    ------
    ConvergenceError
        When no start leads to a maximum.
    """
    unit = math.sqrt(data.vi.size / float(np.sum(1 / data.vi)))
    scaled = data.scaled(unit)
    free = np.r_[np.ones(data.X.shape[1], dtype=bool), components]
    psi, point = _highest(scaled, _Plain(np.zeros(free.size), free), _starts(scaled, components))
    return CensoredOptimum(scaled, unit, psi, free, point)


def _starts(data: CensoredData, components: tuple[bool, bool]) -> list[Array]:
    """Coefficients with intervals at their middle; the excess variance in several parts."""
    middle = np.clip(0.0, data.lower, data.upper)
    fit = weighted_fit(middle, data.X, 1 / (data.vi + 1))
    excess = max(float(np.mean((middle - data.X @ fit.beta) ** 2)) - 1, 0.2)
    shares = [np.array(components, dtype=float) / max(sum(components), 1)]
    if all(components) and data.studies.m <= _MANY_STUDIES:
        shares += [np.array(share) for share in ((0.99, 0.01), (0.01, 0.99))]
    return [np.r_[fit.beta, np.sqrt(excess * s)] for s in shares]


@dataclass(frozen=True, slots=True, eq=False)
class _Plain:
    """Free parameters; the others stay at what `psi` has for them."""

    psi: Array
    free: BoolArray

    def at(self, x: Array) -> Array:
        psi = self.psi.copy()
        psi[self.free] = x
        psi[-2:] = np.abs(psi[-2:])
        psi[-2:][psi[-2:] < _ZERO] = 0.0
        return psi

    def of(self, psi: Array) -> Array:
        return np.asarray(psi[self.free])

    def derivatives(self, point: CensoredPoint, _psi: Array) -> tuple[Array, Array]:
        return point.gradient[self.free], point.hessian[np.ix_(self.free, self.free)]


@dataclass(frozen=True, slots=True, eq=False)
class _Total:
    """Coefficients, and the angle of the two standard deviations on a circle of one radius."""

    radius: float

    def at(self, x: Array) -> Array:
        sides = np.abs([math.cos(x[-1]), math.sin(x[-1])])
        return np.concatenate([x[:-1], self.radius * sides])

    def of(self, psi: Array) -> Array:
        return np.append(psi[:-2], math.atan2(psi[-1], psi[-2]))

    def derivatives(self, point: CensoredPoint, psi: Array) -> tuple[Array, Array]:
        p = psi.size - 2
        J = np.zeros((p + 2, p + 1))
        J[:p, :p] = np.eye(p)
        J[p:, p] = -psi[-1], psi[-2]
        hessian = J.T @ point.hessian @ J
        hessian[p, p] -= float(psi[-2:] @ point.gradient[-2:])
        return J.T @ point.gradient, hessian


def _highest(
    data: CensoredData, chart: _Plain | _Total, starts: list[Array]
) -> tuple[Array, CensoredPoint]:
    """Return the highest of the maxima over a chart that are reached from several starts."""
    tops = []
    for start in starts:
        with contextlib.suppress(ConvergenceError):
            tops.append(_climb(data, chart, chart.of(start)))
    if not tops:
        raise ConvergenceError("The likelihood of the effects and intervals did not converge.")
    return max(tops, key=lambda top: top[1].value)


def _evaluate(data: CensoredData, psi: Array) -> CensoredPoint:
    return log_likelihood(data, psi[:-2], float(psi[-2]), float(psi[-1]))


def _climb(data: CensoredData, chart: _Plain | _Total, x: Array) -> tuple[Array, CensoredPoint]:
    """Climb by Newton's steps, halved until the likelihood does not fall.

    The likelihood is an even function of the standard deviations: zero is no edge, but may be a
    saddle, which is left along the direction in which the likelihood is convex.
    """
    psi = chart.at(x)
    point = _evaluate(data, psi)
    for _ in range(_ITERATIONS):
        gradient, hessian = chart.derivatives(point, psi)
        if not gradient.size:
            return psi, point
        curvature, directions = np.linalg.eigh(-hessian)
        size = np.maximum(np.abs(curvature), _FLAT * max(float(np.abs(curvature).max()), 1.0))
        along = directions.T @ gradient
        step, rise = directions @ (along / size), float(along @ (along / size))
        if rise < _CONVERGED and curvature[0] < -_FLAT:
            step, rise = 0.1 * directions[:, 0], math.inf
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), _LONGEST))
        for _ in range(_HALVINGS):
            there = chart.at(chart.of(psi) + step)
            reached = _evaluate(data, there)
            if reached.value >= point.value - _ROUNDING * (1 + abs(point.value)):
                break
            step = step / 2
        else:
            if rise < _NEAR:
                return psi, point
            break
        still = bool(np.array_equal(there, psi))  # a saddle that is flat to rounding
        psi, point = there, reached
        if rise < _CONVERGED or still:
            return psi, point
    raise ConvergenceError("The likelihood of the effects and intervals did not converge.")


@dataclass(slots=True, eq=False)
class _Profile:
    """Signed root of twice the drop of the likelihood as a function of one parameter.

    It starts where it was last, so that calls at neighbouring values are quick.
    """

    optimum: CensoredOptimum
    psi: Array

    def root(
        self, chart: _Plain | _Total, starts: list[Array], place: int | None
    ) -> tuple[float, float]:
        """Return the root at the chart's value, and its slope by that value."""
        psi, point = _highest(self.optimum.data, chart, starts)
        self.psi = psi
        root = math.sqrt(max(2 * (self.optimum.point.value - point.value), 0.0))
        if place is None:
            radius = float(np.hypot(*psi[-2:]))
            slope = float(psi[-2:] @ point.gradient[-2:]) / radius if radius > 0 else 0.0
        else:
            slope = float(point.gradient[place])
        return root, -slope / root if root > 0 else math.inf


def _root_of(optimum: CensoredOptimum, place: int | None) -> Callable[[float], tuple[float, float]]:
    """Return the root of a scaled parameter, or of the radius of both standard deviations."""
    profile = _Profile(optimum, optimum.psi)
    free = optimum.free.copy()
    if place is not None:
        free[place] = False

    def root(value: float) -> tuple[float, float]:
        start = profile.psi.copy()
        if place is None:
            equal = np.r_[start[:-2], 1.0, 1.0]
            return profile.root(_Total(value), [start, equal], None)
        start[place] = value
        return profile.root(_Plain(start, free), [start], place)

    return root


def _limit(root: Callable[[float], tuple[float, float]], best: float, step: float,
           quantile: float) -> float:  # fmt: skip
    """Find where the root is the quantile, on the side of `step`, by Newton's method.

    The root is nearly a straight line; no step leaves the side or goes further than fourfold.
    """
    distance, side = abs(step), math.copysign(1.0, step)
    for _ in range(_ITERATIONS):
        found, slope = root(best + side * distance)
        move = (found - quantile) / (side * slope)
        if abs(move) <= _LIMIT * distance:
            return best + side * (distance - move)
        distance = min(max(distance - move, distance / 4), 4 * distance)
    raise ConvergenceError("A limit of a profile-likelihood interval did not converge.")


def coefficient_interval(optimum: CensoredOptimum, index: int, level: float) -> Interval:
    """Profile-likelihood interval of a coefficient.

    The limits are where the root of twice the drop of the maximised log-likelihood is the
    normal quantile.
    """
    quantile, unit = float(ndtri((1 + level) / 2)), optimum.unit
    half = quantile * math.sqrt(float(optimum.covariance()[index, index])) / unit
    best = float(optimum.psi[index])
    low, high = (_limit(_root_of(optimum, index), best, side * half, quantile) for side in (-1, 1))
    return Interval(low * unit, high * unit)


def signed_root(optimum: CensoredOptimum, index: int, value: float = 0.0) -> float:
    """Return the signed root of the likelihood-ratio statistic of a coefficient at a value."""
    root, _ = _root_of(optimum, index)(value / optimum.unit)
    return math.copysign(root, float(optimum.beta[index]) - value)


def component_interval(optimum: CensoredOptimum, component: str, level: float) -> Interval:
    """Profile-likelihood interval of a variance component, or of the sum of both.

    A lower limit is zero where the drop at zero is smaller than the quantile.

    Parameters
    ----------
    component : {"study", "effect", "total"}
        Which; with one component the sum is that component.
    """
    both = bool(optimum.free[-2:].all())
    name = COMPONENTS[int(optimum.free[-1])] if component == TOTAL and not both else component
    place = None if name == TOTAL else COMPONENTS.index(name) - 2
    best = float(np.hypot(*optimum.psi[-2:])) if place is None else float(optimum.psi[place])
    quantile, low = float(ndtri((1 + level) / 2)), 0.0
    if best > 0 and _root_of(optimum, place)(0.0)[0] > quantile:
        low = _limit(_root_of(optimum, place), best, -best / 2, quantile)
    high = _limit(_root_of(optimum, place), best, max(best, 1.0) / 2, quantile)
    return Interval((low * optimum.unit) ** 2, (high * optimum.unit) ** 2)
