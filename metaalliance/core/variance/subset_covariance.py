"""The block-diagonal marginal covariance of many subsets of the same effects.

Every subset is a column of matrices (k, subsets). An absent effect has no precision, so that
sums within studies leave it out by themselves; what is left is `marginal.MarginalCovariance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.own import Shared
from metaalliance.core.variance.structure import Nested


@dataclass(frozen=True, slots=True, eq=False)
class SubsetCovariance:
    """S of every subset at its own variance components, ready to be solved with.

    Attributes
    ----------
    own : Shared
        M: sampling errors with the variance between effects, a column for each subset.
    ones : ndarray, shape (k, subsets)
        w = M^-1 1.
    shrink_ones : ndarray, shape (m, subsets)
        g of S^-1 = M^-1 - g w w'.
    log_determinant : ndarray, shape (subsets,)
        log|S| of the effects that are present.
    """

    blocks: StudyBlocks
    own: Shared
    ones: Array
    shrink_ones: Array
    log_determinant: Array

    @classmethod
    def build(cls, structure: Nested, present: Array, theta: Array) -> SubsetCovariance:
        """Prepare S for `present` (k, subsets) of zero and one and `theta` (subsets, 2)."""
        blocks, rho, s_study = structure.clusters, structure.rho, theta[:, 0]
        diagonal = ((1 - rho) * structure.vi)[:, None] + theta[:, 1]
        own = Shared.build(structure.people, structure.vi, rho, diagonal, present)
        ones = own.solve(np.ones((structure.vi.size, 1)))
        growth = 1 + s_study * blocks.sums(ones)
        log_det = own.log_determinants + np.log(growth).sum(axis=0)
        return cls(blocks, own, ones, s_study / growth, log_det)

    def solve(self, z: Array) -> Array:
        """Return S^-1 z of every subset for z (k, subsets) or (k, 1); absent effects get zero."""
        inner = self.own.solve(z)
        along = self.shrink_ones * self.blocks.sums(inner)
        return inner - self.ones * self.blocks.spread(along)

    def traces(self) -> tuple[Array, Array]:
        """Return tr(S^-1) and tr(S^-2) of every subset."""
        sums, g, w = self.blocks.sums, self.shrink_ones, self.ones
        ww, wMw = sums(w * w), sums(w * self.own.solve(w))
        first, second = self.own.traces()
        return first - (g * ww).sum(axis=0), second - (g * (2 * wMw - g * ww**2)).sum(axis=0)


def column_products(left: Array, right: Array) -> Array:
    """Inner product of the columns of two matrices, shape (columns,)."""
    return np.asarray(np.einsum("kr,kr->r", left, right), dtype=np.float64)
