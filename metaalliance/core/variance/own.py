"""What single rows and studies add to a covariance before any outer product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.errors import EstimationError


class Own(Protocol):
    """The part of S that is inverted as it is; outer products are added to it."""

    @property
    def log_determinant(self) -> float:
        """Logarithm of its determinant."""

    def solve(self, z: Array) -> Array:
        """Return D^-1 z for z of shape (k,)."""

    def multiply(self, z: Array) -> Array:
        """Return D z for z of shape (k,)."""

    def diagonal(self) -> Array:
        """Diagonal of D^-1, shape (k,)."""

    def within(self, blocks: StudyBlocks) -> Array:
        """1'D^-1 1 of each group, shape (m,)."""

    def dense(self, rows: IntArray) -> Array:
        """Return D of some rows, shape (c, n, n); `rows` has shape (c, n)."""


@dataclass(frozen=True, slots=True, eq=False)
class Diagonal:
    """A diagonal matrix.

    Attributes
    ----------
    values : ndarray, shape (k,)
        Its diagonal, all positive.
    """

    values: Array

    @property
    def log_determinant(self) -> float:
        """Logarithm of its determinant."""
        return float(np.log(self.values).sum())

    def solve(self, z: Array) -> Array:
        """Return D^-1 z for z of shape (k,)."""
        return z / self.values

    def multiply(self, z: Array) -> Array:
        """Return D z for z of shape (k,)."""
        return self.values * z

    def diagonal(self) -> Array:
        """Diagonal of D^-1, shape (k,)."""
        return 1 / self.values

    def within(self, blocks: StudyBlocks) -> Array:
        """1'D^-1 1 of each group, shape (m,)."""
        return blocks.sums(1 / self.values)

    def dense(self, rows: IntArray) -> Array:
        """Return D of some rows, shape (c, n, n); `rows` has shape (c, n)."""
        return self.values[rows][:, :, None] * np.eye(rows.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """One matrix for each study.

    Attributes
    ----------
    blocks : StudyBlocks
        The studies.
    dense : callable
        Their matrices from their rows, (c, n) to (c, n, n).
    parts : tuple of (ndarray, ndarray, ndarray)
        Rows of the studies of one size, their matrices and inverses.
    log_determinant : float
        Sum of the logarithms of the determinants.
    """

    blocks: StudyBlocks
    dense: Callable[[IntArray], Array]
    parts: tuple[tuple[IntArray, Array, Array], ...] = field(repr=False)
    log_determinant: float

    @classmethod
    def build(cls, blocks: StudyBlocks, dense: Callable[[IntArray], Array]) -> Dense:
        """Invert the matrix of each study.

        Raises
        ------
        EstimationError
            When one is not positive definite.
        """
        parts, log_det = [], 0.0
        for rows in blocks.of_one_size(np.ones(blocks.m, dtype=bool)):
            matrix = dense(rows)
            try:
                root = np.linalg.cholesky(matrix)
            except np.linalg.LinAlgError:
                raise EstimationError(
                    "The assumed correlations give a sampling covariance that is not positive "
                    "definite.",
                    code="MA603",
                ) from None
            log_det += 2 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
            parts.append((rows, matrix, np.asarray(np.linalg.inv(matrix), dtype=np.float64)))
        return cls(blocks, dense, tuple(parts), log_det)

    def solve(self, z: Array) -> Array:
        """Return D^-1 z for z of shape (k,)."""
        return self._times(z, 2)

    def multiply(self, z: Array) -> Array:
        """Return D z for z of shape (k,)."""
        return self._times(z, 1)

    def _times(self, z: Array, which: int) -> Array:
        out = np.empty_like(z)
        for part in self.parts:
            out[part[0]] = np.einsum("cij,cj->ci", part[which], z[part[0]])
        return out

    def diagonal(self) -> Array:
        """Diagonal of D^-1, shape (k,)."""
        found = np.empty(self.blocks.study.size)
        for rows, _, inverse in self.parts:
            found[rows] = np.einsum("cii->ci", inverse)
        return found

    def within(self, blocks: StudyBlocks) -> Array:
        """1'D^-1 1 of each group, shape (m,)."""
        found = np.empty(self.blocks.study.size)
        for rows, _, inverse in self.parts:
            found[rows] = np.sum(inverse * pairs(blocks.study[rows]), axis=2)
        return blocks.sums(found)


@dataclass(frozen=True, slots=True, eq=False)
class SamplingErrors:
    """Sampling errors that are correlated within samples in a way that has no short form.

    Attributes
    ----------
    vi, rho : ndarray, shape (k,)
        Their variances, and the correlation with others of the sample.
    sample, same : ndarray of int, shape (k,)
        Groups that have a correlation, and those inside them that have another one.
    rho_same : float or None
        The correlation of errors that share `same`.
    """

    vi: Array
    rho: Array
    sample: IntArray
    same: IntArray
    rho_same: float | None = None

    def take(self, rows: IntArray) -> SamplingErrors:
        """Return the errors of some rows."""
        return SamplingErrors(
            self.vi[rows], self.rho[rows], self.sample[rows], self.same[rows], self.rho_same
        )

    def dense(self, rows: IntArray) -> Array:
        """Return their covariance, shape (c, n, n); `rows` has shape (c, n)."""
        alike = pairs(self.sample[rows])
        found = alike * self.rho[rows][:, :, None]
        if self.rho_same is not None:
            found = np.where(alike & pairs(self.same[rows]), self.rho_same, found)
        n = np.arange(rows.shape[1])
        found[:, n, n] = 1.0
        root = np.sqrt(self.vi[rows])
        return np.asarray(found * root[:, :, None] * root[:, None, :], dtype=np.float64)


def pairs(groups: IntArray) -> BoolArray:
    """Return which two rows share a group: (c, n) to (c, n, n)."""
    same: BoolArray = groups[:, :, None] == groups[:, None, :]
    return same
