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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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

    @property
    def first(self) -> IntArray:
        """First row of each study."""
        return self.starts

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


class Slope(NamedTuple):
    """The derivative Z_a diag(weight) Z_a' of S by one parameter of the component a.

    Attributes
    ----------
    level : int
        Index of the component.
    weight : ndarray, shape (m,)
        By group of its level: ones where the parameter is the variance itself.
    """

    level: int
    weight: Array


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
        What S was made of; `s_study` may be an array (m,).
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
    s_study: float | Array

    @classmethod
    def build(
        cls,
        blocks: StudyBlocks,
        vi: Array,
        rho: float,
        s_study: float | Array,
        s_effect: float | Array,
        samples: StudyBlocks | None = None,
    ) -> MarginalCovariance:
        """Prepare S for sampling variances `vi` (k,), `rho` and the two components.

        The components may differ by study (m,) and by effect (k,). Without `samples` every study
        is one.
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

    def diagonal(self, level: int) -> Array:
        """Return the diagonal of Z_a'S^-1 Z_a, of studies (level 0) or of rows (level 1)."""
        if level == 0:
            return self.blocks.sums(self.solved_ones)
        f, g = self.samples.spread(self.shrink_root), self.blocks.spread(self.shrink_ones)
        return self.inverse_diagonal - f * self.scaled_root**2 - g * self.ones**2

    def products(self, slopes: Sequence[Slope]) -> Array:
        """Return tr(S^-1 A_a S^-1 A_b) of the derivatives A_a of S, shape (c, c)."""
        found = np.empty((len(slopes), len(slopes)))
        for a, one in enumerate(slopes):
            for b, other in enumerate(slopes[: a + 1]):
                found[a, b] = found[b, a] = self._product(*sorted((one, other), key=_level))
        return found

    def _product(self, one: Slope, other: Slope) -> float:
        """Sum of squared entries of Z_a'S^-1 Z_b with the weights of groups, a <= b."""
        x, y, sums = one.weight, other.weight, self.blocks.sums
        if other.level == 0:
            return float(np.sum(x * y * sums(self.solved_ones) ** 2))
        if one.level == 0:
            return float(np.sum(x * sums(y * self.solved_ones**2)))
        d, s, inside = self.inverse_diagonal, self.scaled_root, self.samples.sums
        f, g, w = self.shrink_root, self.shrink_ones, self.ones
        ss, xss, yss = inside(x * y * s * s * d), inside(x * s * s), inside(y * s * s)
        total = np.sum(x * y * d * d) - np.sum(f * (2 * ss - f * xss * yss))
        if g.any():
            xMy = sums(x * w * self._solve_sampling(y * w))
            total -= np.sum(g * (2 * xMy - g * sums(x * w * w) * sums(y * w * w)))
        return float(total)

    def dense_blocks(self, rows: IntArray) -> Array:
        """Return S of rows of one study each, shape (c, n, n); `rows` has shape (c, n)."""
        root, sample = self.root[rows], self.samples.study[rows]
        shared = self.rho * (sample[:, :, None] == sample[:, None, :])
        between = np.broadcast_to(self.s_study, self.blocks.m)[self.blocks.study[rows[:, 0]]]
        dense = shared * root[:, :, None] * root[:, None, :] + between[:, None, None]
        n = rows.shape[1]
        dense[:, np.arange(n), np.arange(n)] += 1 / self.inverse_diagonal[rows]
        return np.asarray(dense, dtype=np.float64)


def _level(slope: Slope) -> int:
    return slope.level
