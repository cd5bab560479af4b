"""Groups of adjacent rows, and sums within them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from metaalliance.core.arrays import Array, BoolArray, IntArray

#: Columns from which sums are a product with a sparse matrix.
MANY_COLUMNS = 8


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
    _matrix: list[csr_matrix] = field(default_factory=list, init=False, repr=False)

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
        """Sum rows within studies: (k,) to (m,), (k, c) to (m, c), or more axes."""
        if values.ndim != 2 or values.shape[1] < MANY_COLUMNS:
            return np.add.reduceat(values, self.starts, axis=0)
        if not self._matrix:  # a sparse product runs along the columns
            ends, k = np.append(self.starts, self.study.size), self.study.size
            self._matrix.append(csr_matrix((np.ones(k), np.arange(k), ends), shape=(self.m, k)))
        return np.asarray(self._matrix[0] @ values)

    def weighted(self, weights: Array, values: Array) -> Array:
        """Sum rows (k, c) times each of several weights (w, k) within studies, (w, m, c)."""
        if values.shape[1] < MANY_COLUMNS:
            return np.stack([self.sums(w[:, None] * values) for w in weights])
        count, k = weights.shape
        ends = np.append(self.starts, k)
        whole = np.concatenate([ends[:-1] + i * k for i in range(count)] + [[count * k]])
        matrix = csr_matrix(
            (weights.ravel(), np.tile(np.arange(k), count), whole), shape=(count * self.m, k)
        )
        return np.asarray(matrix @ values).reshape(count, self.m, -1)

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

    def take(self, rows: IntArray, copies: IntArray | int = 0) -> StudyBlocks:
        """Return the groups of some rows (n,), those of another copy being other groups."""
        return StudyBlocks.from_sorted(self.study[rows] + self.m * copies)


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
