"""Permutation test of moderators of studies with several effects.

Whole studies are given each other's moderators: every rearrangement is a design of its own, and all
of them are fitted at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.inference.permuted_moderator import (
    CHUNK,
    PermutedModerator,
    permutation_test_of_moderator,
    permuted,
    refuse_few,
)
from metaalliance.core.inference.wald import constraint_matrix
from metaalliance.core.variance.estimator import Estimator
from metaalliance.core.variance.many.variants import Points
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.options import Components, check_option


def permutation_test_of_studies(
    data: MultilevelData,
    C: Array,
    *,
    estimator: Estimator,
    components: Components = "re-estimated",
    replications: int = 1000,
    exact_up_to: int = 5000,
    seed: int = 1,
) -> PermutedModerator:
    """Test C beta = 0 by giving whole studies each other's moderators.

    The statistic is Q of the multilevel model: (C beta)'(C (X'WX)^-1 C')^-1 (C beta).

    Parameters
    ----------
    data : MultilevelData
        Effects, sorted by study, with a design that is constant within studies.
    C : ndarray, shape (q, p)
        Constraints.
    estimator : Estimator
        Of the variance components.
    components : {"re-estimated", "held"}
        Estimated anew for each assignment, or held at those of the model without moderators, which
        do not depend on the assignment: effects of a study then enter by their weighted mean.
    replications, exact_up_to, seed
        As in `permutation_test_of_moderator`.

    References
    ----------
    Higgins and Thompson (2004).
    """
    check_option("components", components, Components)
    blocks = data.blocks
    X = data.X[blocks.starts]
    refuse_few(blocks.m, X)
    C = constraint_matrix(C, X.shape[1])
    null = estimator.fit(replace(data, X=np.ones((data.yi.size, 1))))
    if components == "held":
        precision, weighted = (
            blocks.sums(null.covariance.solve(z)) for z in (np.ones(data.yi.size), data.yi)
        )
        found = permutation_test_of_moderator(
            weighted / precision, 1 / precision, X, C, estimator="FE", scale="wald",
            replications=replications, exact_up_to=exact_up_to, seed=seed,
        )  # fmt: skip
        return replace(found, components=components)

    def statistics(design: Array, orders: IntArray) -> Array:
        dealt = np.empty((*orders.shape, X.shape[1]))
        np.put_along_axis(dealt, orders[:, :, None], design[None], axis=1)
        columns = dealt[:, blocks.study].transpose(2, 1, 0)
        every = estimator.redesign(data, columns, null.theta)
        return np.concatenate([_model_q(points, C) for points in every])

    found = permuted(X, statistics, replications, exact_up_to, seed, CHUNK // blocks.m)
    return replace(found, df1=C.shape[0], components=components)


def _model_q(points: Points, C: Array) -> Array:
    """Q of each fit with the covariance of the model."""
    b, V = points.beta @ C.T, C @ points.bread @ C.T
    return np.asarray(np.einsum("rq,rq->r", b, np.linalg.solve(V, b[:, :, None])[:, :, 0]))
