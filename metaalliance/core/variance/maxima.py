"""Further maxima of a likelihood beside its highest one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.ascent import MANY_STUDIES
from metaalliance.core.variance.data_sets import Regressions
from metaalliance.core.variance.multilevel import MultilevelPoint
from metaalliance.core.variance.tau2_likelihood import climb, height, slope

#: Where a likelihood may turn, in shares of about the largest squared residual.
_GRID = np.r_[0.0, np.geomspace(1e-4, 1.0, 100)]
#: Differences of variance components, relative to their size, that are no more than rounding.
_SAME = 1e-4


class Maximum(NamedTuple):
    """A maximum of a likelihood: its variance components, and how far it is below the highest."""

    theta: Array
    lower: float


def second_of_tau2(
    yi: Array, vi: Array, X: Array, tau2: float, *, restricted: bool
) -> Maximum | None:
    """Return the highest maximum of the two-level likelihood beside that at `tau2`, if any.

    It is looked for where effects are few: among many several maxima do not occur.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    X : ndarray, shape (k, p)
        Design matrix of full rank, p < k.
    tau2 : float
        Where the highest maximum is.
    restricted : bool
        REML if true, else ML.
    """
    if vi.size > MANY_STUDIES:
        return None
    typical = vi.size / float(np.sum(1 / vi))
    y, v = yi / np.sqrt(typical), vi / typical
    one = Regressions.of(y[None], v[None], X)
    grid = float(one.furthest()[0]) * _GRID
    data = Regressions.of(np.tile(y, (grid.size, 1)), np.tile(v, (grid.size, 1)), X)
    rises = slope(data.at(grid), restricted=restricted) > 0
    peaks = np.flatnonzero(rises[:-1] & ~rises[1:])
    if peaks.size + (not rises[0]) < 2:
        return None
    found = climb(data.take(peaks), grid[peaks], restricted=restricted)
    found = np.r_[found[~np.isnan(found)], [0.0] * (not rises[0])]
    best = tau2 / typical
    others = found[np.abs(found - best) > _SAME * (1 + best)]
    if not others.size:
        return None
    points = np.r_[best, others]
    heights = height(data.take(np.zeros(points.size, dtype=np.intp)), points, restricted)
    at = int(np.argmax(heights[1:])) + 1
    return Maximum(np.array([points[at] * typical]), float(heights[0] - heights[at]))


def second_of_points(
    points: Sequence[MultilevelPoint], best: MultilevelPoint, vi: Array
) -> Maximum | None:
    """Return the highest of the maxima that were reached from several starts, beside the best.

    Components that differ by much less than the median of the sampling variances `vi` (k,) are
    one.
    """
    if len(points) == 1:
        return None
    size = float(np.median(vi)) + float(best.theta.sum())
    others = [p for p in points if np.abs(p.theta - best.theta).max() > _SAME * size]
    if not others:
        return None
    point = max(others, key=lambda p: p.log_likelihood)
    lower = best.log_likelihood - point.log_likelihood
    return Maximum(point.theta, max(0.0, lower))
