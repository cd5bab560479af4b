"""The climb to the highest maximum of log-linear variance components, which may be at infinity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.linalg import orth

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.variance.ascent import (
    MANY_STUDIES,
    highest,
    maximize,
    rounding,
    start_values,
)
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint, evaluate
from metaalliance.core.variance.scale.log_linear import NOTHING, LogLinear
from metaalliance.core.variance.scale.recession import STILL, falls, recession
from metaalliance.errors import ConvergenceError

#: Smallest variance, relative to a typical sampling variance, from which a climb begins.
FLOOR = 0.05
#: Variance, relative to the same, below which a climb asks whether zero is better.
_SMALL = 1e-3
#: Rounds of starts beside the best maximum, the standard deviation of their tilts, and a fall.
_ROUNDS, _TILT, _FALL = 3, 2.0, 20.0
#: Share of `NOTHING` that variances have which vanish.
_BELOW = 1e-2


def fit_log_linear(
    plain: MultilevelData,
    optimum: MultilevelPoint,
    designs: Sequence[Array | None],
    *,
    restricted: bool,
    absent: tuple[str, ...] = (),
) -> tuple[MultilevelData, MultilevelPoint]:
    """Climb to the highest maximum of the likelihood with log-linear components.

    Parameters
    ----------
    plain, optimum : MultilevelData, MultilevelPoint
        The effects with one variance per component, and that model at its optimum.
    designs, absent
        As in `LogLinear`.
    restricted : bool
        REML in place of ML.

    Returns
    -------
    MultilevelData, MultilevelPoint
        The effects with the structure of the model, and the model at its optimum. Where the
        supremum is at infinity, the variances that vanish are less than `NOTHING`.

    Raises
    ------
    ConvergenceError
        When the optimum is not reached.

    References
    ----------
    Viechtbauer and López-López (2022): one component of independent effects.

    Examples
    --------
    >>> from metaalliance.core.variance.blocks import StudyBlocks
    >>> from metaalliance.core.variance.multilevel import nested_data
    >>> y = np.array([0.1, 0.12, 0.08, 0.1, 0.5, -0.3, 0.4, -0.2])
    >>> C = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1]])
    >>> blocks = StudyBlocks.from_sorted(np.arange(8))
    >>> plain = nested_data(y, np.array([0.01, 0.02] * 4), C[:, :1], blocks, 0.0)
    >>> optimum = evaluate(plain, np.array([0.0, 0.05]), restricted=True)
    >>> _, found = fit_log_linear(plain, optimum, [None, C], restricted=True, absent=("study",))
    >>> bool(found.theta[2] > 0)
    True
    """
    structure = LogLinear(plain.structure, tuple(designs), absent)
    data = replace(plain, structure=structure)
    several = start_values(plain) if plain.blocks.m <= MANY_STUDIES else []
    starts = [_start(structure, theta) for theta in (optimum.theta, *several)]
    starts.append(_spread_start(data, optimum, starts[0]))
    best = climbs(data, starts, restricted=restricted)
    if plain.blocks.m <= MANY_STUDIES:
        best = higher(data, best, restricted=restricted)
    return data, best


def higher(
    data: MultilevelData, best: MultilevelPoint, *, restricted: bool, most: int | None = None
) -> MultilevelPoint:
    """Return the highest maximum from starts to either side of the best one, again while it rises.

    Where variances are near zero the likelihood is not concave: each part of the groups may have
    a maximum of its own. With `most`, one round from so many starts, the highest.
    """
    for _ in range(_ROUNDS if most is None else 1):
        starts = _aside(data, best)
        if most is not None:
            heights = [evaluate(data, s, restricted=restricted).log_likelihood for s in starts]
            starts = [starts[at] for at in np.argsort(heights)[::-1][:most]]
        above = climbs(data, starts, best, restricted=restricted)
        if above is best:
            break
        best = above
    return best


def _aside(data: MultilevelData, best: MultilevelPoint) -> list[Array]:
    """Starts to either side along each column, and where some variances are near zero."""
    structure = data.structure
    assert isinstance(structure, LogLinear)
    least, found = math.log(FLOOR * structure.typical), []
    parts, logarithms = structure.parts(best.theta), structure.logarithms(best.theta)
    for component, (C, logs) in enumerate(zip(structure.designs, logarithms, strict=True)):
        known = structure.known[component]
        if C is None or logs is None or not C.shape[1]:
            continue
        base = solved(C, np.clip(logs, least, None) - known)
        tilts = np.linalg.pinv(C) @ np.linalg.qr(C - C.mean(axis=0))[0] * _TILT * math.sqrt(len(C))
        for b in (*(base + tilts.T), *(base - tilts.T), *(base + _FALL * d for d in falls(C))):
            found.append(np.concatenate([*parts[:component], b, *parts[component + 1 :]]))
    return found


def climbs(
    data: MultilevelData, starts: Sequence[Array], *reached: MultilevelPoint, restricted: bool
) -> MultilevelPoint:
    """Return the highest of the maxima from several starts, and of those reached before.

    A start from which no maximum is reached counts for nothing beside the others.

    Raises
    ------
    ConvergenceError
        When none is reached.
    """
    found = [*reached]
    failure = ConvergenceError("The variance components did not converge.")
    for start in starts:
        try:
            found.append(climb(data, start, restricted=restricted))
        except ConvergenceError as error:
            failure = error
    if not found:
        raise failure
    return highest(found)


def climb(data: MultilevelData, start: Array, *, restricted: bool) -> MultilevelPoint:
    """Climb from one start, along a direction to infinity where that is higher.

    Raises
    ------
    ConvergenceError
        When the optimum is not reached.
    """
    structure = data.structure
    assert isinstance(structure, LogLinear)
    start = np.where(structure.held, 0.0, start)
    if not start.size:
        return evaluate(data, start, restricted=restricted)
    return maximize(
        data, start, restricted=restricted, held=structure.held,
        limit=lambda point: _limit(data, point, restricted=restricted),
    )  # fmt: skip


def _limit(
    data: MultilevelData, point: MultilevelPoint, *, restricted: bool
) -> MultilevelPoint | None:
    """The optimum where some small variances are zero, if that is not lower; else None."""
    structure = data.structure
    assert isinstance(structure, LogLinear)
    for component, logs in enumerate(structure.logarithms(point.theta)):
        C, known = structure.designs[component], structure.known[component]
        if C is None or logs is None or not C.shape[1]:
            continue
        live = np.isfinite(logs)
        direction = recession(C[live], logs[live] > np.log(_SMALL * structure.typical))
        if direction is None:
            continue
        gone = live & (C @ direction < -STILL)
        N = orth(C[live & ~gone].T) if (live & ~gone).any() else np.empty((C.shape[1], 0))
        zero = structure.of(component, C @ N, np.where(gone, -np.inf, known))
        inner = replace(data, structure=zero)
        parts = structure.parts(point.theta)
        parts[component] = N.T @ parts[component]
        candidate = evaluate(inner, np.concatenate(parts), restricted=restricted)
        if candidate.log_likelihood < point.log_likelihood - rounding(point):
            continue
        parts = zero.parts(climb(inner, candidate.theta, restricted=restricted).theta)
        parts[component] = _far(C, known, N @ parts[component], direction, gone, structure.typical)
        return evaluate(data, np.concatenate(parts), restricted=restricted)
    return None


def _far(
    C: Array, known: Array | float, b: Array, direction: Array, gone: BoolArray, typical: float
) -> Array:
    """Coefficients so far along a direction that the variances of the groups are nothing."""
    above = (C @ b + known)[gone] - np.log(_BELOW * NOTHING * typical)
    return b + max(0.0, float(np.max(above / -(C @ direction)[gone]))) * direction


def _start(structure: LogLinear, theta: Array) -> Array:
    """Parameters of the same variances in all groups, at least a share of the sampling ones."""
    least = FLOOR * float(np.median(structure.vi))
    found = [
        [variance] if C is None else solved(C, np.full(C.shape[0], np.log(max(variance, least))))
        for C, variance in zip(structure.designs, theta, strict=True)
    ]
    return np.concatenate(found)


def _spread_start(data: MultilevelData, optimum: MultilevelPoint, start: Array) -> Array:
    """Parameters of the logarithms of squared residuals of groups, less their sampling part."""
    structure = data.structure
    assert isinstance(structure, LogLinear)
    squares = (data.yi - data.X @ optimum.beta) ** 2 - data.vi
    least = FLOOR * float(np.median(data.vi))
    found = []
    parts = structure.parts(start)
    for C, groups, own in zip(structure.designs, structure.levels, parts, strict=True):
        means = groups.sums(squares) / groups.sums(np.ones_like(squares))
        found.append(own if C is None else solved(C, np.log(np.maximum(means, least))))
    return np.concatenate(found)


def solved(C: Array, logs: Array) -> Array:
    """Coefficients of the columns that come nearest to logarithms."""
    return np.asarray(np.linalg.lstsq(C, logs, rcond=None)[0], dtype=np.float64)


def vanishing(data: MultilevelData, point: MultilevelPoint) -> list[BoolArray]:
    """Which groups of each component have no variance at a supremum at infinity, each (m,).

    The coefficients that make it have no finite maximum. Where the maximum is finite no group
    counts, as small as its variance may be.
    """
    structure = data.structure
    assert isinstance(structure, LogLinear)
    found = []
    for C, logs in zip(structure.designs, structure.logarithms(point.theta), strict=True):
        gone = np.zeros(1, bool)
        if C is not None and logs is not None:
            kept = logs > np.log(NOTHING * structure.typical)
            endless = np.linalg.matrix_rank(C[kept]) < C.shape[1] if kept.any() else True
            gone = ~kept & endless
        found.append(gone)
    return found
