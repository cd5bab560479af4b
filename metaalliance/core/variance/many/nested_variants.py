"""The block-diagonal marginal covariance of effects in studies at many components at once.

Every variant of the effects is a column of matrices (k, variants). An absent effect has no
precision, so that sums within studies leave it out by themselves; what is left is
`marginal.MarginalCovariance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.many.variant_designs import column_products
from metaalliance.core.variance.own import Shared
from metaalliance.core.variance.structure import Nested


@dataclass(frozen=True, slots=True, eq=False)
class NestedVariants:
    """S of every variant at its own variance components, ready to be solved with.

    Attributes
    ----------
    own : Shared
        M: sampling errors with the variance between effects, a column for each variant.
    ones : ndarray, shape (k, variants)
        w = M^-1 1.
    shrink_ones : ndarray, shape (m, variants)
        g of S^-1 = M^-1 - g w w'.
    solved_ones : ndarray, shape (k, variants)
        S^-1 1.
    log_determinant : ndarray, shape (variants,)
        log|S| of the effects that are present.
    """

    blocks: StudyBlocks
    own: Shared
    ones: Array
    shrink_ones: Array
    solved_ones: Array
    log_determinant: Array

    @classmethod
    def build(cls, structure: Nested, present: Array, theta: Array) -> NestedVariants:
        """Prepare S for `present` (k, variants) of zero and one and `theta` (variants, 2)."""
        blocks, rho, s_study = structure.clusters, structure.rho, theta[:, 0]
        diagonal = ((1 - rho) * structure.vi)[:, None] + theta[:, 1]
        own = Shared.build(structure.people, structure.vi, rho, diagonal, present)
        ones = own.solve(np.ones((structure.vi.size, 1)))
        growth = 1 + s_study * blocks.sums(ones)
        log_det = own.log_determinants + np.log(growth).sum(axis=0)
        return cls(blocks, own, ones, s_study / growth, ones / blocks.spread(growth), log_det)

    def solve(self, z: Array) -> Array:
        """Return S^-1 z of every variant for z (k, variants) or (k, 1); absent effects get zero."""
        inner = self.own.solve(z)
        along = self.shrink_ones * self.blocks.sums(inner)
        return inner - self.ones * self.blocks.spread(along)

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z values, of studies (level 0) or of rows (level 1)."""
        return self.solve(values) if level else self.solved_ones * self.blocks.spread(values)

    def traces(self) -> tuple[Array, Array]:
        """Return tr(S^-1 A_a), shape (variants, 2), and tr(S^-1 A_a S^-1 A_b), (variants, 2, 2)."""
        sums, g, w, w1 = self.blocks.sums, self.shrink_ones, self.ones, self.solved_ones
        ww, wMw, q = sums(w * w), sums(w * self.own.solve(w)), sums(w1)
        every = np.ones((w.shape[0], 1))
        first = self.own.diagonal().sum(axis=0) - (g * ww).sum(axis=0)
        second = self.own.squares(every, every) - (g * (2 * wMw - g * ww**2)).sum(axis=0)
        cross = column_products(w1, w1)
        products = np.stack([column_products(q, q), cross, cross, second], axis=1)
        return np.stack([q.sum(axis=0), first], axis=1), products.reshape(-1, 2, 2)
