"""Linear algebra of a block-diagonal marginal covariance, in linear time.

The covariance of the effects of one study is::

    S = diag((1 - rho) v + s_effect) + sum over samples of rho r r' + s_study 1 1'

where r is sqrt(v) for the effects of a sample and zero for those of other people: a diagonal plus
outer products, those of samples inside that of their study. They are inverted one after the other
by the identity of Sherman and Morrison, so that every quantity is a sum over rows within samples
or studies; the 2 x 2 matrix of Woodbury's identity would lose digits when rho is close to one. No
matrix larger than (k, p) is formed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray


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

    def of_one_size(self, wanted: BoolArray, cells: int = 4_000_000) -> Iterator[IntArray]:
        """Yield rows (c, n) of the wanted studies by size, in batches of bounded memory."""
        for n in np.unique(self.sizes[wanted]):
            first = self.starts[wanted & (self.sizes == n)]
            batch = max(1, cells // int(n) ** 2)
            for begin in range(0, first.size, batch):
                yield first[begin : begin + batch, None] + np.arange(n)

    def spread(self, per_study: Array) -> Array:
        """Give each row the value of its study: (m,) to (k,), or (m, c) to (k, c)."""
        return np.repeat(per_study, self.sizes, axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class MarginalCovariance:
    """The covariance S at one value of its components, ready to be solved with.

    Attributes
    ----------
    blocks, samples : StudyBlocks
        The studies, and the independent samples inside them.
    root : ndarray, shape (k,)
        sqrt(v).
    inverse_diagonal : ndarray, shape (k,)
        1 / ((1 - rho) v + s_effect), the inverse of D.
    scaled_root : ndarray, shape (k,)
        sqrt(v) times the inverse diagonal.
    shrink_root : ndarray, shape (samples,)
        f of (D + rho r r')^-1 = D^-1 - f D^-1 r r' D^-1 with r = sqrt(v); zero for rho = 0.
    ones : ndarray, shape (k,)
        w = (D + rho r r')^-1 1.
    shrink_ones : ndarray, shape (m,)
        g of S^-1 = (D + rho r r')^-1 - g w w'.
    solved_ones : ndarray, shape (k,)
        S^-1 1.
    log_determinant : float
        log|S|.
    rho, s_study : float
        What S was made of.
    """

    blocks: StudyBlocks
    samples: StudyBlocks
    root: Array
    inverse_diagonal: Array
    scaled_root: Array
    shrink_root: Array
    ones: Array
    shrink_ones: Array
    solved_ones: Array
    log_determinant: float
    rho: float
    s_study: float

    @classmethod
    def build(
        cls,
        blocks: StudyBlocks,
        vi: Array,
        rho: float,
        s_study: float,
        s_effect: float,
        samples: StudyBlocks | None = None,
    ) -> MarginalCovariance:
        """Prepare S for sampling variances `vi` (k,), `rho` and the two components.

        Without `samples` every study is one.
        """
        samples = blocks if samples is None else samples
        diagonal = (1 - rho) * vi + s_effect
        inverse = 1 / diagonal
        root = np.sqrt(vi)
        scaled, ones, log_det = root * inverse, inverse, float(np.log(diagonal).sum())
        shrink_root = np.zeros(samples.m)
        if rho:
            growth = 1 + rho * samples.sums(root * scaled)
            shrink_root = rho / growth
            ones = inverse - scaled * samples.spread(shrink_root * samples.sums(scaled))
            log_det += float(np.log(growth).sum())
        growth = 1 + s_study * blocks.sums(ones)
        log_det += float(np.log(growth).sum())
        shrink, solved = s_study / growth, ones / blocks.spread(growth)
        return cls(
            blocks, samples, root, inverse, scaled, shrink_root, ones, shrink, solved, log_det, rho,
            s_study,
        )  # fmt: skip

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z of shape (k,) or (k, c)."""
        if z.ndim == 1:
            return self._solve_vector(z)
        return np.column_stack([self._solve_vector(z[:, j]) for j in range(z.shape[1])])

    def _solve_vector(self, z: Array) -> Array:
        inner = self._solve_sampling(z)
        along = self.blocks.spread(self.shrink_ones * self.blocks.sums(inner))
        return np.asarray(inner - self.ones * along, dtype=np.float64)

    def _solve_sampling(self, z: Array) -> Array:
        """Return (D + rho r r')^-1 z for z of shape (k,)."""
        if not self.shrink_root.any():
            return self.inverse_diagonal * z
        along = self.samples.spread(self.shrink_root * self.samples.sums(self.scaled_root * z))
        return np.asarray(self.inverse_diagonal * z - self.scaled_root * along, dtype=np.float64)

    def multiply(self, z: Array) -> Array:
        """Return S z for z (k,)."""
        sums, spread = self.blocks.sums, self.blocks.spread
        along_root = self.samples.spread(self.rho * self.samples.sums(self.root * z))
        along_one = spread(self.s_study * sums(z))
        return z / self.inverse_diagonal + self.root * along_root + along_one

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z values, of studies (level 0) or of rows (level 1)."""
        if level:
            return self.solve(values)
        along, ones = self.blocks.spread(values), self.solved_ones
        return np.asarray((ones if along.ndim == 1 else ones[:, None]) * along, dtype=np.float64)

    def traces(self) -> tuple[Array, Array]:
        """Return tr(S^-1 A_a), shape (2,), and tr(S^-1 A_a S^-1 A_b), shape (2, 2)."""
        d, s, sums = self.inverse_diagonal, self.scaled_root, self.blocks.sums
        f, g, w = self.shrink_root, self.shrink_ones, self.ones
        ss, ssd = self.samples.sums(s * s), self.samples.sums(s * s * d)
        ww = sums(w * w)
        wMw = sums(w * self._solve_sampling(w)) if g.any() else np.zeros_like(g)
        first = np.sum(d) - np.sum(f * ss) - np.sum(g * ww)
        second = np.sum(d * d) - np.sum(f * (2 * ssd - f * ss**2))
        second -= np.sum(g * (2 * wMw - g * ww**2))
        w1 = self.solved_ones
        q, cross = sums(w1), float(w1 @ w1)
        return np.array([q.sum(), first]), np.array([[q @ q, cross], [cross, second]])

    def dense_blocks(self, rows: IntArray) -> Array:
        """Return S of rows of one study each, shape (c, n, n); `rows` has shape (c, n)."""
        root, sample = self.root[rows], self.samples.study[rows]
        shared = self.rho * (sample[:, :, None] == sample[:, None, :])
        dense = shared * root[:, :, None] * root[:, None, :] + self.s_study
        n = rows.shape[1]
        dense[:, np.arange(n), np.arange(n)] += 1 / self.inverse_diagonal[rows]
        return np.asarray(dense, dtype=np.float64)
