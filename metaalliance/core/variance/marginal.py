"""Linear algebra of a block-diagonal marginal covariance, in linear time.

The covariance of the effects of one study is::

    S = diag((1 - rho) v + s_effect) + shared sampling errors of each sample + s_study 1 1'

where the shared errors of a sample of the same people are rho r r' with r = sqrt(v), and those of
smaller groups within larger ones a random walk over their sizes (`people`). The samples lie inside
their study, whose outer product is added last by the identity of Sherman and Morrison, so that
every quantity is a sum over rows within samples or studies; the 2 x 2 matrix of Woodbury's identity
would lose digits when rho is close to one. No matrix larger than (k, p) is formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.own import Shared
from metaalliance.core.variance.people import People


@dataclass(frozen=True, slots=True, eq=False)
class MarginalCovariance:
    """The covariance S at one value of its components, ready to be solved with.

    Attributes
    ----------
    blocks : StudyBlocks
        The studies.
    own : Shared
        M: sampling errors with the variance between effects.
    ones : ndarray, shape (k,)
        w = M^-1 1.
    shrink_ones : ndarray, shape (m,)
        g of S^-1 = M^-1 - g w w'.
    solved_ones : ndarray, shape (k,)
        S^-1 1.
    log_determinant : float
        log|S|.
    s_study : float or ndarray, shape (m,)
        Variance between studies, of each where they differ.
    """

    blocks: StudyBlocks
    own: Shared
    ones: Array
    shrink_ones: Array
    solved_ones: Array
    log_determinant: float
    s_study: float | Array

    @classmethod
    def build(
        cls,
        blocks: StudyBlocks,
        vi: Array,
        rho: float,
        s_study: float | Array,
        s_effect: float | Array,
        people: People | None = None,
    ) -> MarginalCovariance:
        """Prepare S for sampling variances `vi` (k,), `rho` and the two components.

        The components may differ by study (m,) and by effect (k,). Without `people` every study is
        one sample of the same people.
        """
        people = People.same(blocks) if people is None else people
        own = Shared.build(people, vi, rho, (1 - rho) * vi + s_effect)
        ones = own.solve(np.ones_like(vi))
        growth = 1 + s_study * blocks.sums(ones)
        log_det = own.log_determinant + float(np.log(growth).sum())
        return cls(
            blocks, own, ones, s_study / growth, ones / blocks.spread(growth), log_det, s_study
        )

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z of shape (k,) or (k, c)."""
        if z.ndim == 1:
            return self._solve_vector(z)
        return np.column_stack([self._solve_vector(z[:, j]) for j in range(z.shape[1])])

    def _solve_vector(self, z: Array) -> Array:
        inner = self.own.solve(z)
        along = self.blocks.spread(self.shrink_ones * self.blocks.sums(inner))
        return np.asarray(inner - self.ones * along, dtype=np.float64)

    def multiply(self, z: Array) -> Array:
        """Return S z for z (k,)."""
        return self.own.multiply(z) + self.blocks.spread(self.s_study * self.blocks.sums(z))

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
        shrink = self.blocks.spread(self.shrink_ones)
        return np.asarray(self.own.diagonal() - shrink * self.ones**2, dtype=np.float64)

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
        g, w = self.shrink_ones, self.ones
        total = float(self.own.squares(x, y))
        if g.any():
            xMy = sums(x * w * self.own.solve(y * w))
            total -= float(np.sum(g * (2 * xMy - g * sums(x * w * w) * sums(y * w * w))))
        return total

    def dense_blocks(self, rows: IntArray) -> Array:
        """Return S of rows of one study each, shape (c, n, n); `rows` has shape (c, n)."""
        between = np.broadcast_to(self.s_study, self.blocks.m)[self.blocks.study[rows[:, 0]]]
        return np.asarray(self.own.dense(rows) + between[:, None, None], dtype=np.float64)


def _level(slope: Slope) -> int:
    return slope.level
