"""The block-diagonal marginal covariance of many subsets of the same effects.

Every subset is a column of matrices (k, subsets). An absent effect has no precision, so that
sums within studies leave it out by themselves; what is left is `blocks.MarginalCovariance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.blocks import StudyBlocks
from metaalliance.core.multilevel import NestedData


@dataclass(frozen=True, slots=True, eq=False)
class SubsetCovariance:
    """S of every subset at its own variance components, ready to be solved with.

    Attributes
    ----------
    inverse : ndarray, shape (k, subsets)
        1 / ((1 - rho) v + s_effect), zero where the effect is absent.
    scaled : ndarray, shape (k, subsets), or None
        sqrt(v) times `inverse`; None where rho is zero and it is not needed.
    k11, k12, k22 : ndarray, shape (m, subsets)
        The 2 x 2 matrices of Woodbury's identity, as in `MarginalCovariance`.
    log_determinant : ndarray, shape (subsets,)
        log|S| of the effects that are present.
    """

    blocks: StudyBlocks
    inverse: Array
    scaled: Array | None
    k11: Array
    k12: Array
    k22: Array
    log_determinant: Array

    @classmethod
    def build(cls, data: NestedData, present: Array, theta: Array) -> SubsetCovariance:
        """Prepare S for `present` (k, subsets) of zero and one and `theta` (subsets, 2)."""
        sums, rho, s_study = data.blocks.sums, data.rho, theta[:, 0]
        diagonal = ((1 - rho) * data.vi)[:, None] + theta[:, 1]
        inverse = present / diagonal
        a22, scaled = sums(inverse), None
        k11 = k12 = np.zeros((1, 1))
        det = 1 + s_study * a22
        k22 = s_study / det
        if rho:
            root = np.sqrt(data.vi)[:, None]
            scaled = root * inverse
            a11, a12 = sums(root * scaled), sums(scaled)
            c11, c22 = 1 + rho * a11, det
            det = c11 * c22 - rho * s_study * a12**2
            k11, k12, k22 = rho * c22 / det, -rho * s_study * a12 / det, s_study * c11 / det
        log_det = column_products(np.log(diagonal), present) + np.log(det).sum(axis=0)
        return cls(data.blocks, inverse, scaled, k11, k12, k22, log_det)

    def solve(self, z: Array) -> Array:
        """Return S^-1 z of every subset for z (k, subsets) or (k, 1); absent effects get zero."""
        blocks, weighted = self.blocks, self.inverse * z
        t2 = blocks.sums(weighted)
        if self.scaled is None:
            return weighted - self.inverse * blocks.spread(self.k22 * t2)
        t1 = blocks.sums(self.scaled * z)
        along_one = blocks.spread(self.k12 * t1 + self.k22 * t2)
        along_root = blocks.spread(self.k11 * t1 + self.k12 * t2)
        return weighted - self.inverse * along_one - self.scaled * along_root

    def traces(self) -> tuple[Array, Array]:
        """Return tr(S^-1) and tr(S^-2) of every subset."""
        d, sums = self.inverse, self.blocks.sums
        d2, k11, k12, k22 = d * d, self.k11, self.k12, self.k22
        b22, t22 = sums(d2), sums(d2 * d)
        if self.scaled is None:
            first = d.sum(axis=0) - (k22 * b22).sum(axis=0)
            return first, d2.sum(axis=0) - (2 * k22 * t22 - (k22 * b22) ** 2).sum(axis=0)
        s = self.scaled
        sd, ss = s * d, s * s
        b11, b12, t11, t12 = sums(ss), sums(sd), sums(ss * d), sums(sd * d)
        first = d.sum(axis=0) - (k11 * b11 + 2 * k12 * b12 + k22 * b22).sum(axis=0)
        m11, m12 = k11 * b11 + k12 * b12, k11 * b12 + k12 * b22
        m21, m22 = k12 * b11 + k22 * b12, k12 * b12 + k22 * b22
        second = d2.sum(axis=0) - 2 * (k11 * t11 + 2 * k12 * t12 + k22 * t22).sum(axis=0)
        return first, second + (m11**2 + 2 * m12 * m21 + m22**2).sum(axis=0)


def column_products(left: Array, right: Array) -> Array:
    """Inner product of the columns of two matrices, shape (columns,)."""
    return np.asarray(np.einsum("kr,kr->r", left, right), dtype=np.float64)
