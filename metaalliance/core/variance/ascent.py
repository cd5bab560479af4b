"""The climb to the optimum over variance components, none of which may become negative."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.variance.designs.disjoint import DisjointPoint
from metaalliance.core.variance.means.likelihood import Likelihood, Point, likelihood_of
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.structure import Nested
from metaalliance.errors import ConvergenceError

MAX_ITERATIONS = 300
#: Relative steps after which nothing is gained: a Newton step squares the error before it.
ROUNDING = 64 * float(np.finfo(float).eps)
NEWTON_ROUNDING = 1e-9
#: Relative steps that may be the rounding of an ill-conditioned score, if they shrink no more.
STALLED = 1e-9
#: Curvature, relative to the expected one, below which a step is not made longer.
FLATTEST = 1e-3
#: Above this number of studies one start is enough; several maxima are a matter of few studies.
MANY_STUDIES = 100
#: What a step may take a component below zero, relative to the largest of them.
BELOW_ZERO = 1e-12
#: Gain, relative to the likelihood, that may be its rounding.
NO_GAIN = 1e-13
#: Longest step of the logarithm of a variance, and the gain, relative to the likelihood, that is
#: expected of a last step: logarithms of small variances may be as good as undetermined.
LONGEST_LOG, LAST_GAIN = 3.0, 1e-11
#: Factor between dampings of a step that is too long, and the least, relative to the curvature.
_LADDER, _LEAST_DAMPING = 10.0, 1e-12


def start_values(data: MultilevelData) -> list[Array]:
    """Return where to begin, as the likelihood of few studies can have several maxima.

    With studies and effects only: moment estimates and, unless there are many studies, their sum
    in equal parts and all of it in either component. With further levels: the excess variance
    in equal parts, and the whole of it in each component in turn.
    """
    residuals = _unweighted_residuals(data)
    typical = float(np.median(data.vi))
    if isinstance(data.structure, Nested):
        start = _moments(data.structure, residuals, typical)
        shares = ((0.5, 0.5), (1, 0), (0, 1)) if data.blocks.m <= MANY_STUDIES else ()
        return [start, *(float(start.sum()) * np.array(share) for share in shares)]
    excess = max(float(np.mean(residuals**2)) - typical, 0.1 * typical)
    count = len(data.names)
    return [np.full(count, excess / count), *(excess * np.eye(count))]


def _unweighted_residuals(data: MultilevelData) -> Array:
    design = data.disjoint
    if design is not None:
        return DisjointPoint.of(design, data.yi, design.x).residuals_of(data.yi)
    if data.X.shape[1] == 1 and (data.X == 1).all():
        return np.asarray(data.yi - data.yi.mean())
    return np.asarray(data.yi - data.X @ np.linalg.lstsq(data.X, data.yi, rcond=None)[0])


def _moments(structure: Nested, residuals: Array, typical: float) -> Array:
    """Moment estimates of the components, at least a tenth of the sampling variance.

    The spread of residuals within studies less its sampling part starts the component
    within studies; the spread of study means less both starts the one between.
    """
    blocks = structure.clusters
    n, people = blocks.sizes.astype(float), structure.people
    alike = people.steps.sums(people.loading)  # their pairs, each by the people that it shares
    shared = float(alike @ people.covered(alike)) - residuals.size
    rho = structure.rho * shared / max(float(n @ (n - 1)), 1.0)
    means = blocks.sums(residuals) / n
    inner = residuals - blocks.spread(means)
    sampling = float(np.mean(structure.vi))
    pairs = float(residuals.size - blocks.m)
    within = float(inner @ inner) / pairs - (1 - rho) * sampling if pairs > 0 else 0.0
    share = float(np.mean(1 / n))
    between = float(np.mean(means**2)) - share * within - (rho + (1 - rho) * share) * sampling
    return np.maximum([between, within], 0.1 * typical)


def highest(points: Sequence[MultilevelPoint]) -> MultilevelPoint:
    """Return the point of the largest likelihood, the first of those equal to rounding."""
    best = points[0]
    for point in points[1:]:
        slack = 1e-12 * (point.k + abs(best.log_likelihood))
        if point.log_likelihood > best.log_likelihood + slack:
            best = point
    return best


def maxima(data: MultilevelData, *, restricted: bool) -> list[MultilevelPoint]:
    """Return the maxima that are reached from several starts."""
    return [maximize(data, s, restricted=restricted) for s in start_values(data)]


def highest_maximum(data: MultilevelData, *, restricted: bool) -> MultilevelPoint:
    """Return the highest of the maxima that are reached from several starts."""
    return highest(maxima(data, restricted=restricted))


def maximize(
    data: MultilevelData,
    start: Array,
    *,
    restricted: bool,
    held: BoolArray | None = None,
    same_total: bool = False,
    limit: Callable[[MultilevelPoint], MultilevelPoint | None] | None = None,
) -> MultilevelPoint:
    """Climb to the optimum of the likelihood over the variance components.

    Newton steps where the observed information of the free components is positive definite,
    steps by the size of its eigenvalues elsewhere, or steps by the average information; no step
    leaves the boundary behind (`bounded_step`), and steps are halved until the likelihood does
    not fall; a component at zero whose score points outwards is held there. Parameters that have
    no lowest value are those of logarithms of variances: the climb ends where nothing is gained,
    as a logarithm may fall for ever.

    Parameters
    ----------
    start : ndarray, shape (c,)
        Variance components to begin with.
    held : ndarray of bool, shape (c,), optional
        Components that stay at their start: the inner problem of a profile.
    same_total : bool
        Whether the sum of the components stays: the inner problem of the profile of their sum.
    limit : callable, optional
        The optimum where the way from a point leads to infinity, else None.

    Raises
    ------
    ConvergenceError
        When the optimum is not reached.
    """
    fixed = np.zeros(len(data.names), dtype=bool) if held is None else held
    likelihood = likelihood_of(data, restricted=restricted)
    point = likelihood.at(np.asarray(start, float))
    lowest, previous = data.structure.lowest, np.inf
    scale = data.yi.size / float(np.sum(1 / data.vi))
    for _ in range(MAX_ITERATIONS):
        end = None if limit is None else limit(point)
        if end is not None:
            return end
        score, information, expected = likelihood.slope(point)
        B = _directions(point.theta - lowest, score, fixed, same_total=same_total)
        if not B.shape[1]:
            return likelihood.whole(point)
        metric = data.structure.metric(point.theta)
        D = None if metric is None else B.T @ metric @ B
        H, newton = _curvature(B, information, expected, D)
        step = bounded_step(point.theta - lowest, B.T @ score, H, B)
        gain, stride = float(score @ step), data.structure.stride(point.theta, step)
        if D is not None and stride > LONGEST_LOG:
            step = _damped(data, point, score, H, D, B)
        reached = _climb(likelihood, point, step, lowest)
        moved = _moved(point.theta, reached.theta, lowest, scale)
        point = reached
        if moved <= (NEWTON_ROUNDING if newton else ROUNDING):
            return likelihood.whole(point)
        if D is not None and gain <= LAST_GAIN / NO_GAIN * rounding(point):
            return likelihood.whole(point)
        if expected is None and 0.9 * previous <= moved <= STALLED:
            return likelihood.whole(point)
        previous = moved
    raise ConvergenceError("The variance components did not converge.")


def _damped(
    data: MultilevelData, point: MultilevelPoint, score: Array, H: Array, D: Array, B: Array
) -> Array:
    """A step that changes no logarithm by too much.

    Directions that are as good as undetermined are damped before those that are well determined,
    which a step that were only cut short would hold back too.
    """
    damping, room = (
        _LEAST_DAMPING * float(np.max(np.diag(H) / np.diag(D))),
        point.theta - data.structure.lowest,
    )
    stride = np.inf
    while stride > 2 * LONGEST_LOG:
        step = bounded_step(room, B.T @ score, H + damping * D, B)
        stride = data.structure.stride(point.theta, step)
        damping *= _LADDER
    return step / max(1.0, stride / LONGEST_LOG)


def _moved(before: Array, after: Array, lowest: Array, scale: float) -> float:
    """Largest change of a parameter, relative to the variances or to the logarithms."""
    variance = np.isfinite(lowest)
    largest = float(after[variance].max()) + scale if variance.any() else scale
    size = np.where(variance, largest, 1 + np.abs(after))
    return float((np.abs(after - before) / size).max())


def rounding(point: Point) -> float:
    """What a likelihood may differ by and be the same."""
    return NO_GAIN * (point.k + abs(point.log_likelihood))


def _directions(theta: Array, score: Array, fixed: BoolArray, *, same_total: bool) -> Array:
    """Columns (c, f) along which the components may move."""
    slope = score
    if same_total:
        total = float(theta.sum())
        slope = score - (float(theta @ score) / total if total > 0 else np.inf)
    free = np.eye(theta.size)[:, ~fixed & ~((theta <= 0) & (slope <= 0))]
    if not same_total or free.shape[1] < 2:
        return free[:, : 0 if same_total else None]
    return np.asarray(free[:, 1:] - free[:, :1], dtype=np.float64)


def _curvature(
    B: Array, information: Array, reference: Array | None, lengths: Array | None
) -> tuple[Array, bool]:
    """Information along the directions, positive definite, and whether it is the observed one.

    Where the likelihood is not concave the eigenvalues of the observed information, relative to
    the expected one or to squared lengths, are taken by their size: scoring steps alone would
    creep past a point of inflection, where the slope is small and the curvature too.
    """
    H: Array = B.T @ information @ B
    if lengths is None:
        if reference is None:
            return H, False
        expected = B.T @ reference @ B
        if _least(H) > 1e-3 * _least(expected):
            return H, True
    L = np.linalg.cholesky(expected if lengths is None else lengths)
    inner = np.linalg.solve(L, np.linalg.solve(L, H).T)
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    sizes = np.abs(values)
    sizes = (
        np.clip(sizes, FLATTEST, 1.0)
        if lengths is None
        else np.maximum(sizes, ROUNDING * sizes.max())
    )
    root = L @ vectors * np.sqrt(sizes)
    return np.asarray(root @ root.T, dtype=np.float64), bool(
        lengths is not None and values.min() > 0
    )


def _least(H: Array) -> float:
    """Smallest eigenvalue of a symmetric matrix."""
    if H.shape[0] == 1:
        return float(H[0, 0])
    if H.shape[0] > 2:
        return float(np.linalg.eigvalsh(H)[0])
    (a, b), (_, c) = H.tolist()
    return float((a + c) / 2 - math.hypot((a - c) / 2, b))


def _climb(likelihood: Likelihood, point: Point, step: Array, lowest: Array) -> Any:
    """Move along `step`, halved until the likelihood does not fall by more than rounding."""
    least = point.log_likelihood - rounding(point)
    for _ in range(60):
        candidate = likelihood.at(np.maximum(point.theta + step, lowest))
        if candidate.log_likelihood >= least:
            return candidate
        step = step / 2
    return point


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
        Components, all at least zero; infinite for a parameter that has no boundary.
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
    scale = 1 / np.sqrt(np.diag(information))
    H, slope, B = information * np.outer(scale, scale), score * scale, B * scale
    step: Array = B @ np.linalg.solve(H, slope)
    if (theta + step >= 0).all():
        return step
    movable = np.flatnonzero(B.any(axis=1) & np.isfinite(theta)).tolist()
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
    reached = reached[np.isfinite(reached)]
    return x if (reached >= -BELOW_ZERO * np.abs(reached).max()).all() else None
