"""Sampling errors whose whole covariance is known, study by study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, IntArray, read_only


@dataclass(frozen=True, slots=True, eq=False)
class GivenErrors:
    """A covariance of effects, one matrix for each study and none between studies.

    Attributes
    ----------
    blocks : tuple of ndarray, shape (n_j, n_j)
        The matrices.
    block, place : ndarray of int, shape (k,)
        Matrix of each effect, and its place in it.
    """

    blocks: tuple[Array, ...] = field(repr=False)
    block: IntArray
    place: IntArray

    @classmethod
    def of(cls, blocks: Sequence[Array], rows: Sequence[IntArray]) -> GivenErrors:
        """Put together the matrices of studies and the rows that each is of."""
        k = sum(r.size for r in rows)
        block, place = np.empty(k, dtype=np.intp), np.empty(k, dtype=np.intp)
        for j, own in enumerate(rows):
            block[own], place[own] = j, np.arange(own.size)
        return cls(tuple(read_only(b) for b in blocks), block, place)

    @property
    def k(self) -> int:
        """Number of effects."""
        return int(self.block.size)

    def variances(self) -> Array:
        """Return the diagonal, shape (k,)."""
        return np.array([self.blocks[b][i, i] for b, i in zip(self.block, self.place, strict=True)])

    def take(self, rows: IntArray) -> GivenErrors:
        """Return the errors of some rows."""
        return GivenErrors(self.blocks, self.block[rows], self.place[rows])

    def dense(self, rows: IntArray) -> Array:
        """Return the covariance of rows (c, n) of one study each, shape (c, n, n)."""
        places = self.place[rows]
        own = self.block[rows[:, 0]]
        return np.stack([self.blocks[b][np.ix_(p, p)] for b, p in zip(own, places, strict=True)])
