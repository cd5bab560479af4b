"""Traces of products of a covariance with further levels or a crossed factor."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.levels import Crossed, Groups, LevelCovariance
from metaalliance.core.variance.own import pairs


def trace_products(covariance: LevelCovariance) -> Array:
    """Return tr(S^-1 A_a S^-1 A_b) of every two components, shape (c, c).

    Without its crossed factor S is block diagonal, and the products are sums over the groups of
    the coarsest level. With U = W Z of the factor, W the inverse without it and K Woodbury's
    inner matrix, Z_a'S^-1 Z_b = Z_a'W Z_b - Z_a'U K U'Z_b; its squared entries need the products
    without the factor, and U. No matrix of all effects is formed.
    """
    levels = covariance.levels
    nested = [a for a, groups in enumerate(levels) if not isinstance(groups, Crossed)]
    found = np.zeros((len(levels), len(levels)))
    found[np.ix_(nested, nested)] = _nested(covariance, [levels[a] for a in nested])
    for a, groups in enumerate(levels):
        if isinstance(groups, Crossed):
            solved = covariance.solve_level(a, np.eye(groups.m))
            found[a] = found[:, a] = [float(np.sum(g.sums(solved) ** 2)) for g in levels]
    return found


def _nested(covariance: LevelCovariance, levels: list[Groups]) -> Array:
    """Traces of the components of nested levels, shape (c, c)."""
    plain = covariance.without_factor()
    found = _blockwise(plain, levels)
    U, K = covariance.crossed, covariance.correction
    if U is None or K is None:
        return found
    sums = [g.sums(U) for g in levels]
    KM = [K @ (x.T @ x) for x in sums]
    for b, groups in enumerate(levels):
        solved = plain.solve(groups.spread(sums[b]))
        for a, others in enumerate(levels):
            cross = float(np.sum(K * (sums[a].T @ others.sums(solved))))
            found[a, b] += float(np.sum(KM[a] * KM[b].T)) - 2 * cross
    return (found + found.T) / 2


def _blockwise(covariance: LevelCovariance, levels: list[Groups]) -> Array:
    """Traces of a block diagonal S, from its inverse by groups of the coarsest level."""
    found = np.zeros((len(levels), len(levels)))
    coarsest = min((g for g in levels if isinstance(g, StudyBlocks)), key=lambda g: g.m)
    for rows in coarsest.of_one_size(np.ones(coarsest.m, dtype=bool)):
        inverse = np.asarray(np.linalg.inv(covariance.dense_blocks(rows)), dtype=np.float64)
        along = [
            inverse @ pairs(g.study[rows]) if isinstance(g, StudyBlocks) else inverse
            for g in levels
        ]
        for a, left in enumerate(along):
            for b, right in enumerate(along):
                found[a, b] += float(np.einsum("cij,cji->", left, right))
    return found
