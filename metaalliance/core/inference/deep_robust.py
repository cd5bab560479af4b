"""Cluster-robust inference for models with any number of nested levels."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.inference.robust import (
    RobustCovariance,
    adjustment,
    clusters_of_one_size,
    information_of_others,
    residuals,
    satterthwaite,
    small_sample_factor,
)
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.deep import DeepData, DeepPoint


def deep_robust_covariance(
    data: DeepData, point: DeepPoint, clusters: StudyBlocks, kind: str
) -> RobustCovariance:
    """Return the CR0, CR1 or CR2 covariance with Satterthwaite degrees of freedom.

    Parameters
    ----------
    data, point : DeepData, DeepPoint
        A fitted model without a crossed factor.
    clusters : StudyBlocks
        Independent clusters: the groups of the coarsest level.
    kind : {"cr0", "cr1", "cr1s", "cr2"}
        The correction, as in `metaalliance.core.inference.robust.robust_covariance`.
    """
    H: Array = point.WX @ point.bread
    if kind == "cr2":
        every = np.ones(clusters.m, dtype=bool)
        others = information_of_others(clusters, data.X, point.WX)
        for rows in clusters_of_one_size(clusters, every):
            S, X, rest = _dense(point, rows), data.X[rows], others[clusters.study[rows[:, 0]]]
            H[rows] = adjustment(S, X, point.bread, rest) @ H[rows]
    e = residuals(data, point)
    scores = clusters.sums(H * e[:, None])
    covariance = scores.T @ scores
    covariance = covariance * small_sample_factor(kind, clusters.m, *data.X.shape)
    df = satterthwaite(clusters, data.X, point.bread, H, point.covariance.multiply)
    return RobustCovariance(covariance, df)


def _dense(point: DeepPoint, rows: IntArray) -> Array:
    """Return S for clusters of one size, shape (c, n, n)."""
    n = rows.shape[1]
    dense = np.zeros((rows.shape[0], n, n))
    for term in point.covariance.terms:
        group, u = term.blocks.study[rows], term.loading[rows]
        same = group[:, :, None] == group[:, None, :]
        dense += same * (term.weight[group] * u)[:, :, None] * u[:, None, :]
    dense[:, np.arange(n), np.arange(n)] += point.covariance.diagonal[rows]
    return dense
