"""One step of a climb over variance components, none of which may become negative."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from metaalliance.core.arrays import Array

#: What a step may take a component below zero, relative to the largest of them.
ROUNDING = 1e-12


def bounded_step(
    theta: Array, score: Array, information: Array, directions: Array | None = None
) -> Array:
    """Return the step d that maximises ``score'd - d'information d / 2`` with theta + d >= 0.

    Clipping the free step instead can point downhill: a component that is cut off at zero
    leaves the others with a step that counted on its move, and the climb stops at the wrong
    boundary. There are few components, so that every set of them that may end at zero is tried.

    Parameters
    ----------
    theta : ndarray, shape (c,)
        Components, all at least zero.
    score, information : ndarray, shape (f,) and (f, f)
        Slope of the likelihood along the directions, and a positive definite curvature.
    directions : ndarray, shape (c, f), optional
        Columns along which the components may move; by default each by itself.

    Returns
    -------
    ndarray, shape (c,)
        The step.

    Examples
    --------
    >>> import numpy as np
    >>> step = bounded_step(np.array([0.1, 0.0]), np.array([-2.0, 1.0]), np.diag([10.0, 5.0]))
    >>> step.round(12).tolist()
    [-0.1, 0.2]
    """
    B = np.eye(theta.size) if directions is None else directions
    step: Array = B @ np.linalg.solve(information, score)
    if (theta + step >= 0).all():
        return step
    scale = 1 / np.sqrt(np.diag(information))
    H, slope, B = information * np.outer(scale, scale), score * scale, B * scale
    movable = np.flatnonzero(B.any(axis=1)).tolist()
    best, gain = np.zeros(theta.size), 0.0
    for count in range(1, len(movable) + 1):
        for ends in combinations(movable, count):
            x = _ending(theta, B, slope, H, list(ends))
            if x is None:
                continue
            value = float(slope @ x - x @ H @ x / 2)
            if value > gain:
                best, gain = B @ x, value
                best[list(ends)] = -theta[list(ends)]
    return np.maximum(best, -theta)


def _ending(theta: Array, B: Array, slope: Array, H: Array, ends: list[int]) -> Array | None:
    """The best x with theta + B x = 0 at `ends` and not below zero elsewhere; None without one."""
    f, count = slope.size, len(ends)
    if count > f:
        return None
    kkt = np.block([[H, B[ends].T], [B[ends], np.zeros((count, count))]])
    try:
        x: Array = np.linalg.solve(kkt, np.r_[slope, -theta[ends]])[:f]
    except np.linalg.LinAlgError:
        return None
    reached = theta + B @ x
    reached[ends] = 0.0
    return x if (reached >= -ROUNDING * np.abs(reached).max()).all() else None
