"""One step of a climb over variance components, none of which may become negative."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from metaalliance.core.arrays import Array


def bounded_step(theta: Array, score: Array, information: Array) -> Array:
    """Return the step d that maximises ``score'd - d'information d / 2`` with theta + d >= 0.

    Clipping the free step instead can point downhill: a component that is cut off at zero
    leaves the others with a step that counted on its move, and the climb stops at the wrong
    boundary.

    Parameters
    ----------
    theta, score : ndarray, shape (c,)
        Components, all at least zero, and the slope of the likelihood.
    information : ndarray, shape (c, c)
        Positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> step = bounded_step(np.array([0.1, 0.0]), np.array([-2.0, 1.0]), np.diag([10.0, 5.0]))
    >>> step.round(12).tolist()
    [-0.1, 0.2]
    """
    free_step: Array = np.asarray(np.linalg.solve(information, score), dtype=np.float64)
    if (theta + free_step >= 0).all():
        return free_step
    scale = 1 / np.sqrt(np.diag(information))
    R = np.linalg.cholesky(information * np.outer(scale, scale)).T
    target = R @ (theta / scale) + np.linalg.solve(R.T, score * scale)
    free = nnls(R, target)[0] > 0
    step = -theta.copy()
    if free.any():
        slope = score[free] - information[np.ix_(free, ~free)] @ step[~free]
        step[free] = np.linalg.solve(information[np.ix_(free, free)], slope)
    return np.maximum(step, -theta)
