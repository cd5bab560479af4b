"""The climb of many variants of one data set to the optimum of their likelihoods.

The steps are those of `ascent.maximize`, for all variants that have not arrived. Variants are those
of rows, or of the means of studies where these say everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.variance.ascent import (
    MANY_STUDIES,
    MAX_ITERATIONS,
    NEWTON_ROUNDING,
    NO_GAIN,
    ROUNDING,
    STALLED,
    bounded_step,
)
from metaalliance.core.variance.many.variants import Points, Variants
from metaalliance.core.variance.means.mean_variants import MeanPoints, MeanVariants
from metaalliance.core.variance.multilevel import lifted

#: Elements of a matrix that are worked on at a time; of products with several columns fewer than
#: BLAS shares out among threads, whose waiting costs more than they do.
CELLS, MEAN_CELLS, UNSHARED = 2**16, 2**15, 9000
#: Fewest variants of means that are worked on at a time.
_NARROWEST = 8


AnyVariants = Variants | MeanVariants
AnyPoints = Points | MeanPoints


@dataclass(frozen=True, slots=True, eq=False)
class Optima:
    """Optima of the likelihood of variants.

    Attributes
    ----------
    theta : ndarray, shape (variants, c)
        Variance components; NaN where the climb did not arrive.
    beta : ndarray, shape (variants, p)
        Coefficients.
    value : ndarray, shape (variants,)
        Log-likelihood without its constants.
    """

    theta: Array
    beta: Array
    value: Array


def in_parts(variants: Any) -> Iterator[Any]:
    """Yield the variants in parts of bounded memory."""
    if isinstance(variants, MeanVariants):
        cells = MEAN_CELLS if variants.mean else UNSHARED
        width = max(_NARROWEST, cells // variants.structure.clusters.m)
    else:
        width = max(1, CELLS // variants.structure.vi.size)
    for first in range(0, variants.size, width):
        yield variants.take(slice(first, min(first + width, variants.size)))


def highest_of_starts(
    variants: AnyVariants, starts: Sequence[Array], *, restricted: bool
) -> Optima:
    """Climb from each start (c,); keep the highest maximum of each variant.

    The first of those that are equal to rounding counts.
    """
    best = climb(variants, starts[0], restricted=restricted)
    for start in starts[1:]:
        keep_higher(variants, best, climb(variants, start, restricted=restricted))
    return best


def keep_higher(variants: AnyVariants, best: Optima, other: Optima) -> None:
    """Put into `best` what is higher in `other`, beyond rounding."""
    slack = 1e-12 * (variants.counts + np.abs(best.value))
    better = (other.value > best.value + slack) | np.isnan(best.value)
    best.theta[better] = other.theta[better]
    best.beta[better] = other.beta[better]
    best.value[better] = other.value[better]


def highest_from_inside(variants: AnyVariants, start: Array, *, restricted: bool) -> Optima:
    """Climb from `start` (c,), moved off the boundary.

    Further maxima lie on a boundary, and nearly always one of them is where this climb ends too:
    such variants start again from equal components and from each alone, unless there are many
    studies.
    """
    inside = np.maximum(start, 0.1 * float(np.median(variants.structure.vi)))
    best = climb(variants, inside, restricted=restricted)
    edge = np.flatnonzero(~(best.theta > 0).all(axis=1))
    if edge.size and variants.structure.clusters.m <= MANY_STUDIES:
        some = variants.take(edge)
        found = Optima(best.theta[edge], best.beta[edge], best.value[edge])
        count, total = inside.size, float(inside.sum())
        for shares in (np.full(count, 1 / count), *np.eye(count)):
            keep_higher(some, found, climb(some, total * shares, restricted=restricted))
        best.theta[edge], best.beta[edge], best.value[edge] = found.theta, found.beta, found.value
    return best


def climb(variants: AnyVariants, start: Array, *, restricted: bool) -> Optima:
    """Climb from one start, (c,) or (variants, c); a variant that does not arrive is NaN."""
    size, c = variants.size, len(variants.structure.names)
    theta = np.array(np.broadcast_to(np.asarray(start, dtype=np.float64), (size, c)))
    beta, value = np.full((size, variants.p), np.nan), np.full(size, np.nan)
    active, points = np.arange(size), variants.at(theta, restricted=restricted)
    some, before = variants, np.full(size, np.inf)
    for _ in range(MAX_ITERATIONS):
        step, newton, average = _steps(points, restricted=restricted)
        reached = _halved(some, points, step, restricted=restricted)
        moved = np.abs(reached.theta - points.theta).max(axis=1)
        scale = reached.theta.max(axis=1) + variants.scale
        done = moved <= np.where(newton, NEWTON_ROUNDING, ROUNDING) * scale
        done |= average & (0.9 * before <= moved) & (moved <= STALLED * scale)
        theta[active], beta[active], value[active] = reached.theta, reached.beta, reached.value
        if done.all():
            return Optima(theta, beta, value)
        keep = np.flatnonzero(~done)
        before = moved[keep]
        if done.any():
            active, some = active[keep], some.take(keep)
            reached = some.at(reached.theta[keep], restricted=restricted)
        points = reached
    theta[active], beta[active], value[active] = np.nan, np.nan, np.nan
    return Optima(theta, beta, value)


def _steps(points: AnyPoints, *, restricted: bool) -> tuple[Array, BoolArray, bool]:
    """The next step of every variant (variants, c), whether it is Newton's, or by the average."""
    score, information, expected = points.score(restricted=restricted)
    theta = points.theta
    free = ~((theta <= 0) & (score < 0))
    if expected is None:
        assert isinstance(points, Points)
        floor = points.covariance.traces()[0] ** 2 / (2 * points.variants.counts[:, None])
        chosen = lifted(information, floor)
        newton = np.asarray(~free.any(axis=1))
    else:
        positive = _smallest(information, free) > 1e-3 * _smallest(expected, free)
        chosen = np.where(positive[:, None, None], information, expected)
        newton = positive | ~free.any(axis=1)
    slope = np.where(free, score, 0.0)
    solved = np.linalg.solve(_of_free(chosen, free), slope[:, :, None])
    step = np.asarray(solved[:, :, 0], dtype=np.float64)
    for row in np.flatnonzero((theta + step < 0).any(axis=1)):
        some = free[row]
        B = np.eye(theta.shape[1])[:, some]
        step[row] = bounded_step(theta[row], score[row, some], chosen[row][np.ix_(some, some)], B)
    return step, newton, expected is None


def _of_free(matrices: Array, free: BoolArray) -> Array:
    """Matrices with the rows and columns of what is not free taken from the identity."""
    both = free[:, :, None] & free[:, None, :]
    return np.where(both, matrices, np.eye(free.shape[1]))


def _smallest(matrices: Array, free: BoolArray) -> Array:
    """Smallest eigenvalue of symmetric 2 x 2 matrices among what is free."""
    a, b, c = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 1]
    root = (a + c) / 2 - np.hypot((a - c) / 2, b)
    return np.where(free.all(axis=1), root, np.where(free[:, 0], a, c))


def _halved(
    variants: AnyVariants, points: AnyPoints, step: Array, *, restricted: bool
) -> AnyPoints:
    """Move along the steps, each halved until its likelihood falls by no more than rounding."""
    slack = NO_GAIN * (variants.counts + np.abs(points.value))
    reached = variants.at(np.maximum(0.0, points.theta + step), restricted=restricted)
    fallen = ~(reached.value >= points.value - slack)
    if not fallen.any():
        return reached
    target = reached.theta.copy()
    for _ in range(60):
        step = np.where(fallen[:, None], step / 2, step)
        target[fallen] = np.maximum(0.0, points.theta + step)[fallen]
        reached = variants.at(target, restricted=restricted)
        fallen &= ~(reached.value >= points.value - slack)
        if not fallen.any():
            return reached
    target[fallen] = points.theta[fallen]
    return variants.at(target, restricted=restricted)
