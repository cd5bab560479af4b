"""Linear algebra of a block-diagonal marginal covariance, in linear time.

The covariance of the effects of one study is::

    S = diag((1 - rho) v + s_effect) + rho sqrt(v) sqrt(v)' + s_study 1 1'

that is a diagonal plus two outer products. By Woodbury's identity each block needs the
inverse of one 2 x 2 matrix, so that every quantity is a sum over rows within studies.
No matrix larger than (k, p) is formed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class StudyBlocks:
    """Which rows belong to which study; the rows of a study are adjacent.

    Attributes
    ----------
    starts, sizes : ndarray of int, shape (m,)
        First row and number of rows of each study.
    study : ndarray of int, shape (k,)
        Index of the study of each row.
    """

    starts: IntArray
    sizes: IntArray
    study: IntArray = field(repr=False)

    @classmethod
    def from_sorted(cls, labels: IntArray) -> StudyBlocks:
        """Build the blocks from sorted study indices, shape (k,)."""
        first = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
        sizes = np.diff(np.r_[first, labels.size])
        return cls(first, sizes, np.repeat(np.arange(first.size), sizes))

    @property
    def m(self) -> int:
        """Number of studies."""
        return int(self.starts.size)

    def sums(self, values: Array) -> Array:
        """Sum rows within studies: (k,) to (m,), or (k, c) to (m, c)."""
        return np.add.reduceat(values, self.starts, axis=0)

    def spread(self, per_study: Array) -> Array:
        """Give each row the value of its study: (m,) to (k,), or (m, c) to (k, c)."""
        return np.repeat(per_study, self.sizes, axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class MarginalCovariance:
    """The covariance S at one value of its components, ready to be solved with.

    Attributes
    ----------
    inverse_diagonal : ndarray, shape (k,)
        1 / ((1 - rho) v + s_effect).
    scaled_root : ndarray, shape (k,)
        sqrt(v) times the inverse diagonal.
    k11, k12, k22 : ndarray, shape (m,)
        The 2 x 2 matrices K of S^-1 = D^-1 - D^-1 [sqrt(v), 1] K [sqrt(v), 1]' D^-1.
    log_determinant : float
        log|S|.
    """

    blocks: StudyBlocks
    root: Array
    inverse_diagonal: Array
    scaled_root: Array
    k11: Array
    k12: Array
    k22: Array
    log_determinant: float

    @classmethod
    def build(
        cls, blocks: StudyBlocks, vi: Array, rho: float, s_study: float, s_effect: float
    ) -> MarginalCovariance:
        """Prepare S for sampling variances `vi` (k,), `rho` and the two components."""
        diagonal = (1 - rho) * vi + s_effect
        inverse = 1 / diagonal
        root = np.sqrt(vi)
        scaled = root * inverse
        a11, a12 = blocks.sums(root * scaled), blocks.sums(scaled)
        a22 = blocks.sums(inverse)
        c11, c22 = 1 + rho * a11, 1 + s_study * a22
        det = c11 * c22 - rho * s_study * a12**2
        log_det = float(np.log(diagonal).sum() + np.log(det).sum())
        k12 = -rho * s_study * a12 / det
        return cls(
            blocks, root, inverse, scaled, rho * c22 / det, k12, s_study * c11 / det, log_det
        )

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z of shape (k,) or (k, c)."""
        if z.ndim == 1:
            return self._solve_vector(z)
        return np.column_stack([self._solve_vector(z[:, j]) for j in range(z.shape[1])])

    def _solve_vector(self, z: Array) -> Array:
        spread = self.blocks.spread
        t2 = self.blocks.sums(self.inverse_diagonal * z)
        if not self.k11.any():  # rho = 0: one outer product only
            return self.inverse_diagonal * (z - spread(self.k22 * t2))
        t1 = self.blocks.sums(self.scaled_root * z)
        along_root = spread(self.k11 * t1 + self.k12 * t2)
        along_one = spread(self.k12 * t1 + self.k22 * t2)
        return self.inverse_diagonal * (z - along_one) - self.scaled_root * along_root

    def traces(self) -> tuple[float, float]:
        """Return tr(S^-1) and tr(S^-2)."""
        d, s, sums = self.inverse_diagonal, self.scaled_root, self.blocks.sums
        b11, b12, b22 = sums(s * s), sums(s * d), sums(d * d)
        t11, t12, t22 = sums(s * s * d), sums(s * d * d), sums(d**3)
        k11, k12, k22 = self.k11, self.k12, self.k22
        first = d.sum() - np.sum(k11 * b11 + 2 * k12 * b12 + k22 * b22)
        m11, m12 = k11 * b11 + k12 * b12, k11 * b12 + k12 * b22
        m21, m22 = k12 * b11 + k22 * b12, k12 * b12 + k22 * b22
        second = np.sum(d * d) - 2 * np.sum(k11 * t11 + 2 * k12 * t12 + k22 * t22)
        second += np.sum(m11**2 + 2 * m12 * m21 + m22**2)
        return float(first), float(second)

    def dense_blocks(self, rows: IntArray, s_study: float, rho: float) -> Array:
        """Return S for studies of one size, shape (c, n, n); `rows` has shape (c, n)."""
        root = self.root[rows]
        dense = rho * root[:, :, None] * root[:, None, :] + s_study
        n = rows.shape[1]
        dense[:, np.arange(n), np.arange(n)] += 1 / self.inverse_diagonal[rows]
        return dense
