"""The block-diagonal marginal covariance of effects in studies at many components at once.

Every variant of the effects is a column of matrices (k, variants). An absent effect has no
precision, so that sums within studies leave it out by themselves; what is left is
`blocks.MarginalCovariance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.structure import Nested
from metaalliance.core.variance.variant_designs import column_products


@dataclass(frozen=True, slots=True, eq=False)
class NestedVariants:
    """S of every variant at its own variance components, ready to be solved with.

    Attributes
    ----------
    inverse : ndarray, shape (k, variants)
        1 / ((1 - rho) v + s_effect), the inverse of D, zero where the effect is absent.
    scaled : ndarray, shape (k, variants), or None
        sqrt(v) times `inverse`; None where rho is zero and it is not needed.
    shrink_root : ndarray, shape (samples, variants)
        f of (D + rho r r')^-1 = D^-1 - f D^-1 r r' D^-1 with r = sqrt(v), as in
        `MarginalCovariance`; of shape (1, 1) where rho is zero.
    ones : ndarray, shape (k, variants)
        w = (D + rho r r')^-1 1.
    shrink_ones : ndarray, shape (m, variants)
        g of S^-1 = (D + rho r r')^-1 - g w w'.
    solved_ones : ndarray, shape (k, variants)
        S^-1 1.
    log_determinant : ndarray, shape (variants,)
        log|S| of the effects that are present.
    """

    blocks: StudyBlocks
    samples: StudyBlocks
    inverse: Array
    scaled: Array | None
    shrink_root: Array
    ones: Array
    shrink_ones: Array
    solved_ones: Array
    log_determinant: Array

    @classmethod
    def build(cls, structure: Nested, present: Array, theta: Array) -> NestedVariants:
        """Prepare S for `present` (k, variants) of zero and one and `theta` (variants, 2)."""
        blocks, samples = structure.clusters, structure.samples
        rho, s_study = structure.rho, theta[:, 0]
        diagonal = ((1 - rho) * structure.vi)[:, None] + theta[:, 1]
        inverse = present / diagonal
        log_det = column_products(np.log(diagonal), present)
        ones, scaled, shrink_root = inverse, None, np.zeros((1, 1))
        if rho:
            root = np.sqrt(structure.vi)[:, None]
            scaled = root * inverse
            growth = 1 + rho * samples.sums(root * scaled)
            shrink_root = rho / growth
            ones = inverse - scaled * samples.spread(shrink_root * samples.sums(scaled))
            log_det = log_det + np.log(growth).sum(axis=0)
        growth = 1 + s_study * blocks.sums(ones)
        log_det = log_det + np.log(growth).sum(axis=0)
        shrink, solved = s_study / growth, ones / blocks.spread(growth)
        return cls(blocks, samples, inverse, scaled, shrink_root, ones, shrink, solved, log_det)

    def solve(self, z: Array) -> Array:
        """Return S^-1 z of every variant for z (k, variants) or (k, 1); absent effects get zero."""
        inner = self._solve_sampling(z)
        along = self.shrink_ones * self.blocks.sums(inner)
        return inner - self.ones * self.blocks.spread(along)

    def _solve_sampling(self, z: Array) -> Array:
        """Return (D + rho r r')^-1 z of every variant for z (k, variants) or (k, 1)."""
        weighted = self.inverse * z
        if self.scaled is None:
            return weighted
        along = self.shrink_root * self.samples.sums(self.scaled * z)
        return weighted - self.scaled * self.samples.spread(along)

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z values, of studies (level 0) or of rows (level 1)."""
        return self.solve(values) if level else self.solved_ones * self.blocks.spread(values)

    def traces(self) -> tuple[Array, Array]:
        """Return tr(S^-1 A_a), shape (variants, 2), and tr(S^-1 A_a S^-1 A_b), (variants, 2, 2)."""
        d, sums, within = self.inverse, self.blocks.sums, self.samples.sums
        f, g, w, w1 = self.shrink_root, self.shrink_ones, self.ones, self.solved_ones
        ww, wMw, q = sums(w * w), sums(w * self._solve_sampling(w)), sums(w1)
        first, second = d.sum(axis=0), (d * d).sum(axis=0)
        if self.scaled is not None:
            s2 = self.scaled * self.scaled
            ss = within(s2)
            first = first - (f * ss).sum(axis=0)
            second = second - (f * (2 * within(s2 * d) - f * ss**2)).sum(axis=0)
        first = first - (g * ww).sum(axis=0)
        second = second - (g * (2 * wMw - g * ww**2)).sum(axis=0)
        cross = column_products(w1, w1)
        products = np.stack([column_products(q, q), cross, cross, second], axis=1)
        return np.stack([q.sum(axis=0), first], axis=1), products.reshape(-1, 2, 2)
