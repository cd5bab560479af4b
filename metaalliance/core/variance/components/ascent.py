"""The climb to the highest likelihood of components, from several starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.ascent import MANY_STUDIES
from metaalliance.core.variance.components.forms import FORMS, Parameters
from metaalliance.core.variance.components.likelihood import (
    ComponentData,
    ComponentPoint,
    evaluate_components,
)
from metaalliance.errors import ConvergenceError

MAX_ITERATIONS = 500
#: Gain, relative to the likelihood, that is expected of a last step.
LAST_GAIN = 1e-15
#: Gain that may be the rounding of the likelihood.
ROUNDING = 1e-13
#: Curvature, relative to the largest, that is taken for none, and for a saddle.
FLAT, SADDLE = 1e-9, 1e-6
#: Steps down a saddle after which a maximum is one.
KICKS = 8
#: Forms that are special cases of another, the nearest last.
BELOW: dict[str, tuple[str, ...]] = {
    "none": (), "DIAG": (), "CS": (), "HCS": ("DIAG", "CS"), "UN": ("HCS",),
}  # fmt: skip
#: Correlation of a start, and what a nested optimum is mixed with so that it is not singular.
_ALIKE, _MIXED = 0.8, 0.05


class ComponentOptimum(NamedTuple):
    """A maximum: its point, its parameters, and how far other maxima that were met are below."""

    point: ComponentPoint
    theta: Array
    lower: tuple[float, ...] = ()


def highest_of_form(
    data: ComponentData,
    form: str,
    within: str = "none",
    *,
    restricted: bool,
    seed: int = 1,
    known: dict[str, ComponentOptimum] | None = None,
) -> ComponentOptimum:
    """Return the highest maximum that is reached from several starts.

    The optima of the forms that are special cases are among the starts, so that a form is never
    below one of its special cases.

    Parameters
    ----------
    form : {"none", "DIAG", "CS", "HCS", "UN"}
        Of the covariance between studies.
    within : {"none", "equal", "own"}
        Variances of effects within studies.
    seed : int
        Of the random starts.
    known : dict, optional
        Optima of forms of the same data and `within`; those that are found on the way are added.

    Raises
    ------
    ConvergenceError
        When no start reaches a maximum.
    """
    found = {} if known is None else known
    if form not in found:
        special = [
            highest_of_form(data, own, within, restricted=restricted, seed=seed, known=found)
            for own in BELOW[form]
        ]
        parameters = Parameters(FORMS[form](data.p), within)
        starts = _starts(data, [one.point for one in special], np.random.default_rng(seed))
        found[form] = _highest(data, parameters, starts, restricted=restricted)
    return found[form]


def _highest(
    data: ComponentData,
    parameters: Parameters,
    starts: Sequence[tuple[Array, Array]],
    *,
    restricted: bool,
) -> ComponentOptimum:
    reached: list[ComponentOptimum] = []
    for G, w in starts:
        try:
            theta = parameters.theta(G, w)
            reached.append(maximize_components(data, parameters, theta, restricted=restricted))
        except ConvergenceError:
            continue
    if not reached:
        raise ConvergenceError("The variances of the components did not converge.")
    best = max(reached, key=lambda one: one.point.log_likelihood)
    below = [best.point.log_likelihood - one.point.log_likelihood for one in reached]
    return best._replace(lower=tuple(sorted(gap for gap in below if gap > 1e-6)))


def _starts(
    data: ComponentData, special: Sequence[ComponentPoint], rng: np.random.Generator
) -> list[tuple[Array, Array]]:
    """Positive definite matrices G, and variances within studies, to begin with."""
    p, typical = data.p, data.typical
    e = data.yi - data.X @ np.linalg.lstsq(data.X, data.yi, rcond=None)[0]
    spread = np.bincount(data.codes, e**2, p) / np.maximum(np.bincount(data.codes, minlength=p), 1)
    each = np.maximum(spread - typical, 0.1 * typical)
    alike = np.outer(np.sqrt(each), np.sqrt(each)) * (_ALIKE + (1 - _ALIKE) * np.eye(p))
    few = data.blocks.m <= MANY_STUDIES
    starts = [(np.diag(each), each / 2), *([(alike, each / 10)] if few or not special else [])]
    for point in special:
        mean = max(float(np.trace(point.G)) / p, 0.01 * typical)
        starts.append((point.G + _MIXED * mean * np.eye(p), point.w + _MIXED * mean))
    for _ in range(2 if few and p > 1 else 0):
        A = rng.standard_normal((p, p + 1)) * np.sqrt(each / (p + 1))[:, None]
        starts.append((A @ A.T + 1e-3 * np.diag(each), each * rng.random()))
    return starts


def maximize_components(
    data: ComponentData, parameters: Parameters, start: Array, *, restricted: bool
) -> ComponentOptimum:
    """Climb from `start` (q,) by Newton's steps on roots, curvature taken by its size.

    Raises
    ------
    ConvergenceError
        When no maximum is reached.
    """
    theta, kicks, lowest = np.asarray(start, dtype=np.float64), 0, parameters.lowest
    point = _at(data, parameters, theta, restricted=restricted)
    if not parameters.q:
        return ComponentOptimum(point, theta)
    size = data.yi.size + abs(point.log_likelihood)
    for _ in range(MAX_ITERATIONS):
        found = _step(point, parameters, theta, lowest)
        step, gain = found.step, found.gain
        if gain <= LAST_GAIN * size:
            if found.uphill is None or kicks >= KICKS:
                return ComponentOptimum(point, theta)
            kicks += 1
            step = found.uphill * (0.1 * np.sqrt(data.typical) + 0.1 * np.abs(theta).max())
        step = step * min(1.0, _longest(data, theta) / max(float(np.abs(step).max()), 1e-300))
        slack = ROUNDING * size
        moved = _climb(data, parameters, point, theta, step, slack, restricted=restricted)
        if moved is None:
            if gain <= slack:
                return ComponentOptimum(point, theta)
            raise ConvergenceError("No step raises the likelihood of the components.")
        theta, point = moved
    raise ConvergenceError("The variances of the components did not converge.")


class _Step(NamedTuple):
    """A step (q,), the gain that is expected of it, and a way out of a saddle, if it is one."""

    step: Array
    gain: float
    uphill: Array | None


def _step(point: ComponentPoint, parameters: Parameters, theta: Array, lowest: Array) -> _Step:
    """Newton's step of the parameters that can move, curvature taken by its size."""
    score, H = _slope(point, parameters, theta)
    at_end = theta <= lowest
    held = at_end & (score <= 0) & ((score < 0) | (np.diag(H) >= 0))
    free = np.flatnonzero(~held)
    step = np.zeros(theta.size)
    values, vectors = np.linalg.eigh(H[np.ix_(free, free)])
    largest = float(np.abs(values).max(initial=0.0))
    if not largest > 0:  # nothing can move, or moves nothing
        return _Step(step, 0.0, None)
    along = vectors.T @ score[free]
    newton = along / np.maximum(np.abs(values), FLAT * largest)
    step[free] = vectors @ newton
    uphill = None
    if values[0] < -SADDLE * largest:
        uphill = np.zeros(theta.size)
        uphill[free] = vectors[:, 0]
        uphill *= -1.0 if float(uphill[at_end].sum()) < 0 else 1.0
    return _Step(step, float(along @ newton) / 2, uphill)


def _longest(data: ComponentData, theta: Array) -> float:
    return 2 * float(np.sqrt(data.typical)) + 0.5 * float(np.abs(theta).max())


def _at(
    data: ComponentData, parameters: Parameters, theta: Array, *, restricted: bool
) -> ComponentPoint:
    G, w = parameters.values(theta)
    return evaluate_components(data, G, w, restricted=restricted)


def _slope(point: ComponentPoint, parameters: Parameters, theta: Array) -> tuple[Array, Array]:
    """Gradient (q,) and negative second derivatives (q, q) by the parameters."""
    gradient, information = point.slope()
    J, p = parameters.jacobian(theta), point.data.p
    M, m = gradient[: p * p].reshape(p, p), gradient[p * p :]
    H = J.T @ information @ J - parameters.bend(theta, M, m)
    return J.T @ gradient, (H + H.T) / 2


def _climb(
    data: ComponentData,
    parameters: Parameters,
    point: ComponentPoint,
    theta: Array,
    step: Array,
    slack: float,
    *,
    restricted: bool,
) -> tuple[Array, ComponentPoint] | None:
    """Move along `step`, halved until the likelihood does not fall; None where it always does."""
    for _ in range(40):
        there = np.maximum(theta + step, parameters.lowest)
        reached = _at(data, parameters, there, restricted=restricted)
        if reached.log_likelihood >= point.log_likelihood - slack:
            return there, reached
        step = step / 2
    return None
