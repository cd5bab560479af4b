"""Newton's method uphill from many points at once; those that have arrived leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.selection.likelihood import Points

_ITERATIONS, _HALVINGS = 100, 30
#: Largest step of a coefficient (in typical standard errors of one effect) or of a logarithm.
_LONGEST = 2.0
#: Expected rise of the function below which a step is the last, and below which a climb that
#: rounding has stopped still counts as one.
_CONVERGED, _NEAR = 1e-15, 1e-12
#: Points nearer to each other than this, by their largest coordinate, lead to one maximum.
_MEETING = 1e-2
#: A bounded parameter below this, in typical variances, is zero but for rounding.
_NOTHING = 1e-14

#: Points theta (A, q) of the climbs `rows` (A,) to values and derivatives.
Objective = Callable[[Array, IntArray], Points]


@dataclass(frozen=True, slots=True, eq=False)
class Climbed:
    """Where climbs ended.

    Attributes
    ----------
    theta : ndarray, shape (B, q)
    value : ndarray, shape (B,)
    arrived : ndarray of bool, shape (B,)
        Whether a climb ended at a maximum.
    lost : ndarray of bool, shape (B,)
        Whether it ran away; its value is that where it was last seen.
    """

    theta: Array
    value: Array
    arrived: BoolArray
    lost: BoolArray

    def best(self) -> int:
        """Return the climb with the highest maximum."""
        return int(np.argmax(np.where(self.arrived, self.value, -np.inf)))


def climb(
    objective: Objective,
    starts: Array,
    *,
    bounded: int | None,
    logarithms: slice,
    furthest: float = 1e6,
    held: BoolArray | None = None,
    together: bool = False,
) -> Climbed:
    """Climb from every start.

    Parameters
    ----------
    objective : callable
        Value and derivatives.
    starts : ndarray, shape (B, q)
        Where to begin.
    bounded : int or None
        Parameter that is zero or above, such as tau².
    logarithms : slice
        Parameters that run away where they are further from zero than the logarithm of `furthest`.
    furthest : float
        Factor from one that is too far.
    held : ndarray of bool, shape (B, q), optional
        Parameters that stay as they are.
    together : bool
        Whether all climb the same function: one that is about to arrive where another has arrived
        ends there.
    """
    ends, far = starts.astype(float), np.log(furthest)
    value = np.full(len(ends), -np.inf)
    arrived, lost = np.zeros(len(ends), dtype=bool), np.zeros(len(ends), dtype=bool)
    rows = np.arange(len(ends))
    theta, points = ends.copy(), objective(ends, rows)
    for _ in range(_ITERATIONS):
        step = _step(theta, points, bounded, None if held is None else held[rows])
        rise = np.abs(np.einsum("bi,bi->b", points.gradient, step))
        away = (np.abs(theta[:, logarithms]) > far).any(axis=1)
        # comparisons with nan are false: what is not finite neither arrives nor goes on
        done = (rise < _CONVERGED * (1 + np.abs(points.value))) & ~away
        stays = (rise < np.inf) & np.isfinite(points.value) & ~away & ~done
        if not stays.all():
            ends[rows], value[rows] = theta, points.value
            arrived[rows], lost[rows] = done, away & np.isfinite(points.value)
            ends[rows[done]] = _moved(theta[done], step[done], bounded)
            rows, theta, step, rise = rows[stays], theta[stays], step[stays], rise[stays]
            points = points.at(stays)
        if together and rows.size and arrived.any():
            same, top = _meeting(_moved(theta, step, bounded), ends, arrived)
            ends[rows[same]], value[rows[same]] = ends[top[same]], value[top[same]]
            arrived[rows[same]] = True
            rows, theta, step, rise = rows[~same], theta[~same], step[~same], rise[~same]
            points = points.at(~same)
        if not rows.size:
            break
        theta, points, rose = _halved(objective, rows, theta, points, step, bounded)
        if not rose.all():
            stuck = rows[~rose]
            arrived[stuck] = rise[~rose] < _NEAR
            ends[stuck], value[stuck] = theta[~rose], points.value[~rose]
            rows, theta, points = rows[rose], theta[rose], points.at(rose)
            if not rows.size:
                break
    return Climbed(ends, value, arrived, lost)


def _meeting(ahead: Array, ends: Array, arrived: BoolArray) -> tuple[BoolArray, IntArray]:
    """Whether the next points lead to where another climb has arrived, and which one."""
    tops = np.flatnonzero(arrived)
    apart = np.abs(ahead[:, None] - ends[tops]).max(axis=2)
    nearest = apart.argmin(axis=1)
    return apart[np.arange(len(ahead)), nearest] < _MEETING, tops[nearest]


def _step(theta: Array, points: Points, bounded: int | None, held: BoolArray | None) -> Array:
    """Uphill steps that leave a bounded parameter at zero or above, no longer than allowed."""
    gradient, hessian = points.gradient, points.hessian
    still = np.zeros(theta.shape, dtype=bool) if held is None else held.copy()
    if bounded is not None:
        still[:, bounded] |= (theta[:, bounded] <= 0) & (gradient[:, bounded] <= 0)
    step = _short(_uphill(gradient, hessian, still))
    if bounded is None:
        return step
    below = theta[:, bounded] + step[:, bounded] < 0
    if below.any():
        back = -theta[below, bounded]
        slope = gradient[below] + hessian[below, :, bounded] * back[:, None]
        still = still[below]
        still[:, bounded] = True
        shorter = _short(_uphill(slope, hessian[below], still))
        shorter[:, bounded] = back
        step[below] = shorter
    return step


def _short(step: Array) -> Array:
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST / np.maximum(longest, _LONGEST)))


def _uphill(gradient: Array, hessian: Array, still: BoolArray) -> Array:
    """Newton's steps, with directions of positive curvature turned uphill."""
    information = -hessian
    if still.any():
        gradient = np.where(still, 0.0, gradient)
        information[still[:, :, None] | still[:, None, :]] = 0.0
        rows, places = np.nonzero(still)
        information[rows, places, places] = 1.0
    bad = ~np.isfinite(information).all(axis=(1, 2))
    information[bad] = 0.0
    values, vectors = np.linalg.eigh(information)
    size = np.abs(values)
    curvature = np.maximum(size, 1e-8 * np.maximum(size.max(axis=1, keepdims=True), 1e-8))
    along = np.einsum("bji,bj->bi", vectors, gradient) / curvature
    step = np.einsum("bij,bj->bi", vectors, along)
    step[bad] = np.nan
    return np.asarray(step)


def _moved(theta: Array, step: Array, bounded: int | None) -> Array:
    moved = theta + step
    if bounded is not None:
        moved[moved[:, bounded] < _NOTHING, bounded] = 0.0
    return moved


def _halved(
    objective: Objective,
    rows: IntArray,
    theta: Array,
    points: Points,
    step: Array,
    bounded: int | None,
) -> tuple[Array, Points, BoolArray]:
    """Halve steps until no value falls by more than rounding."""
    slack = points.value - 1e-13 * (1 + np.abs(points.value))
    reached = _moved(theta, step, bounded)
    found = objective(reached, rows)
    fell = np.flatnonzero(~(found.value >= slack))
    for _ in range(_HALVINGS):
        if not fell.size:
            break
        step = step / 2
        reached[fell] = _moved(theta[fell], step[fell], bounded)
        found.put(fell, objective(reached[fell], rows[fell]))
        fell = fell[~(found.value[fell] >= slack[fell])]
    rose = np.ones(len(rows), dtype=bool)
    if fell.size:
        rose[fell] = False
        reached[fell] = theta[fell]
        found.put(fell, points.at(~rose))
    return reached, found, rose
