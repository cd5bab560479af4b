"""Traces of products of a covariance with further levels or a crossed factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.levels import Crossed, Groups, LevelCovariance
from metaalliance.core.variance.own import pairs


def trace_products(covariance: LevelCovariance, slopes: Sequence[Slope]) -> Array:
    """Return tr(S^-1 A_a S^-1 A_b) of every two derivatives A_a = Z_a diag(w) Z_a' of S.

    Without its crossed factor S is block diagonal, and the products are sums over the groups of
    the coarsest level. With U = W Z of the factor, W the inverse without it and K Woodbury's
    inner matrix, S^-1 = W - U K U', so that the products need those without the factor, and U. No
    matrix of all effects is formed.
    """
    levels = covariance.levels
    inside = [i for i, s in enumerate(slopes) if not isinstance(levels[s.level], Crossed)]
    found = np.zeros((len(slopes), len(slopes)))
    found[np.ix_(inside, inside)] = _nested(covariance, [slopes[i] for i in inside])
    for i, slope in enumerate(slopes):
        groups = levels[slope.level]
        if isinstance(groups, Crossed):
            solved = covariance.solve_level(slope.level, np.eye(groups.m))
            found[i] = found[:, i] = [
                float(s.weight @ levels[s.level].sums(solved) ** 2 @ slope.weight) for s in slopes
            ]
    return found


def _nested(covariance: LevelCovariance, slopes: Sequence[Slope]) -> Array:
    """Traces of derivatives by components of nested levels, shape (c, c)."""
    plain = covariance.without_factor()
    found = _blockwise(plain, slopes)
    U, K = covariance.crossed, covariance.correction
    if U is None or K is None:
        return found
    levels = [plain.levels[s.level] for s in slopes]
    sums = [groups.sums(U) for groups in levels]
    weighted = [s.weight[:, None] * x for s, x in zip(slopes, sums, strict=True)]
    KM = [K @ (x.T @ wx) for x, wx in zip(sums, weighted, strict=True)]
    for b, groups in enumerate(levels):
        solved = plain.solve(groups.spread(weighted[b]))
        for a, others in enumerate(levels):
            cross = float(np.sum(K * (weighted[a].T @ others.sums(solved))))
            found[a, b] += float(np.sum(KM[a] * KM[b].T)) - 2 * cross
    return (found + found.T) / 2


def _blockwise(covariance: LevelCovariance, slopes: Sequence[Slope]) -> Array:
    """Traces of a block diagonal S, from its inverse by groups of the coarsest level."""
    found = np.zeros((len(slopes), len(slopes)))
    blocks = [g for g in covariance.levels if isinstance(g, StudyBlocks)]
    coarsest = min(blocks, key=lambda groups: groups.m)
    for rows in coarsest.of_one_size(np.ones(coarsest.m, dtype=bool)):
        inverse = np.asarray(np.linalg.inv(covariance.dense_blocks(rows)), dtype=np.float64)
        along = [_along(inverse, covariance.levels[s.level], s.weight, rows) for s in slopes]
        for a, left in enumerate(along):
            for b, right in enumerate(along):
                found[a, b] += float(np.einsum("cij,cji->", left, right))
    return found


def _along(inverse: Array, groups: Groups, weight: Array, rows: IntArray) -> Array:
    """S^-1 A of rows (c, n), shape (c, n, n)."""
    if isinstance(groups, StudyBlocks):
        own = groups.study[rows]
        return np.asarray(inverse @ (pairs(own) * weight[own][:, :, None]), dtype=np.float64)
    return np.asarray(inverse * weight[rows][:, None, :], dtype=np.float64)
