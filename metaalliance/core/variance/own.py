"""What single rows and studies add to a covariance before any outer product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.people import People, Walk
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
class Shared:
    """A diagonal matrix, and errors that are shared within samples.

    Everything has one column, or one for each subset of the effects; an effect that a subset has
    not is of no precision, so that sums within samples leave it out by themselves.

    Attributes
    ----------
    people : People
        The samples.
    sd : ndarray, shape (k,)
        Roots of the sampling variances.
    rho : float or ndarray, shape (s,)
        Correlation of the errors of the same people, of each sample.
    inverse : ndarray, shape (k,) or (k, r)
        Inverse of the diagonal.
    scaled : ndarray, shape (k,) or (k, r)
        u times the inverse.
    walk : Walk or None
        What is shared, given the effects; None without a correlation.
    """

    people: People
    sd: Array
    rho: float | Array
    inverse: Array
    scaled: Array
    walk: Walk | None

    @classmethod
    def build(
        cls,
        people: People,
        vi: Array,
        rho: float | Array,
        diagonal: Array,
        present: Array | None = None,
    ) -> Shared:
        """Prepare the matrix from its `diagonal`, (k,) or (k, r), where effects are `present`."""
        sd = np.sqrt(vi)
        inverse = 1 / diagonal if present is None else present / diagonal
        if not np.any(rho):
            return cls(people, sd, rho, inverse, inverse, None)
        root = sd * people.loading
        root = root if inverse.ndim == 1 else root[:, None]
        scaled = root * inverse
        by_step = rho if isinstance(rho, float | int) else people.per_step(rho)
        walk = Walk.known(people, by_step, people.steps.sums(root * scaled))
        return cls(people, sd, rho, inverse, scaled, walk)

    @property
    def log_determinants(self) -> Array:
        """Logarithm of the determinant, shape () or (r,)."""
        logs = np.log(np.where(self.inverse > 0, self.inverse, 1.0)).sum(axis=0)
        return np.asarray((0.0 if self.walk is None else self.walk.log_determinant) - logs)

    @property
    def log_determinant(self) -> float:
        """Logarithm of its determinant."""
        return float(self.log_determinants)

    def solve(self, z: Array) -> Array:
        """Return D^-1 z for z of shape (k,), or (k, r) and (k, 1) of subsets."""
        weighted = self.inverse * z
        if self.walk is None:
            return weighted
        steps = self.people.steps
        along = steps.spread(self.walk.mean(steps.sums(self.scaled * z)))
        return np.asarray(weighted - self.scaled * along)

    def multiply(self, z: Array) -> Array:
        """Return D z for z of shape (k,)."""
        if self.walk is None:
            return np.asarray(z / self.inverse)
        people, root = self.people, self.sd * self.people.loading
        shared = people.covered(people.steps.sums(root * z))
        rho = self.rho if isinstance(self.rho, float | int) else people.per_step(self.rho)
        return np.asarray(z / self.inverse + root * people.steps.spread(rho * shared))

    def diagonal(self) -> Array:
        """Diagonal of D^-1, shape (k,) or (k, r)."""
        if self.walk is None:
            return self.inverse
        known = self.people.steps.spread(self.walk.smoothed)
        return np.asarray(self.inverse - self.scaled * self.scaled * known, dtype=np.float64)

    def squares(self, x: Array, y: Array) -> Array:
        """Sum of x_i y_j times the squared entries of D^-1, of every column."""
        d, both = self.inverse, x * y
        found = (both * d * d).sum(axis=0)
        if self.walk is None:
            return np.asarray(found)
        square, sums = self.scaled * self.scaled, self.people.steps.sums
        found = found - 2 * (self.walk.smoothed * sums(both * square * d)).sum(axis=0)
        return np.asarray(found + self.walk.squares(sums(x * square), sums(y * square)))

    def squares_of(self, blocks: StudyBlocks) -> Array:
        """Sum of squared entries of D^-1 in each group, which holds whole samples, (m, ...)."""
        d, steps = self.inverse, self.people.steps
        rows = d * d
        if self.walk is not None:
            square = self.scaled * self.scaled
            of_step = steps.sums(square)
            found = self.walk.squares_of(of_step, of_step)
            rows[steps.starts] += found - 2 * self.walk.smoothed * steps.sums(square * d)
        return blocks.sums(rows)

    def log_determinant_of(self, blocks: StudyBlocks) -> Array:
        """Logarithm of the determinant of each group, which holds whole samples, (m, ...)."""
        logs = -np.log(self.inverse)
        if self.walk is not None:
            logs[self.people.steps.starts] += np.log(self.walk.growth)
        return blocks.sums(logs)

    def within(self, blocks: StudyBlocks) -> Array:
        """1'D^-1 1 of each group, which holds whole samples, shape (m,)."""
        assert blocks.m <= self.people.samples.m
        return blocks.sums(self.solve(np.ones(self.sd.size)))

    def dense(self, rows: IntArray) -> Array:
        """Return D of some rows, shape (c, n, n); `rows` has shape (c, n)."""
        sd, n = self.sd[rows], np.arange(rows.shape[1])
        found: Array = np.zeros((*rows.shape, n.size))
        if self.walk is not None:
            rho = self.rho
            if not isinstance(rho, float | int):
                rho = rho[self.people.samples.study[rows]][:, :, None]
            found = rho * self.people.dense(rows) * sd[:, :, None] * sd[:, None, :]
        found[:, n, n] += 1 / self.inverse[rows]
        return found


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
    n : ndarray, shape (k,), or None
        People of each effect, where the fewer are among the more.
    """

    vi: Array
    rho: Array
    sample: IntArray
    same: IntArray
    rho_same: float | None = None
    n: Array | None = None

    def take(self, rows: IntArray) -> SamplingErrors:
        """Return the errors of some rows."""
        n = None if self.n is None else self.n[rows]
        return SamplingErrors(
            self.vi[rows], self.rho[rows], self.sample[rows], self.same[rows], self.rho_same, n
        )

    def dense(self, rows: IntArray) -> Array:
        """Return their covariance, shape (c, n, n); `rows` has shape (c, n)."""
        alike = pairs(self.sample[rows])
        found = alike * self.rho[rows][:, :, None]
        if self.rho_same is not None:
            found = np.where(alike & pairs(self.same[rows]), self.rho_same, found)
        if self.n is not None:
            found = found * overlap(self.n[rows])
        n = np.arange(rows.shape[1])
        found[:, n, n] = 1.0
        root = np.sqrt(self.vi[rows])
        return np.asarray(found * root[:, :, None] * root[:, None, :], dtype=np.float64)


def overlap(n: Array) -> Array:
    """Return sqrt(n_small / n_large) of every pair: (c, n) to (c, n, n).

    It is the largest correlation of a mean of some people with one of all of them.
    """
    root = np.sqrt(n)
    one, other = root[:, :, None], root[:, None, :]
    return np.asarray(np.minimum(one, other) / np.maximum(one, other), dtype=np.float64)


def pairs(groups: IntArray) -> BoolArray:
    """Return which two rows share a group: (c, n) to (c, n, n)."""
    same: BoolArray = groups[:, :, None] == groups[:, None, :]
    return same
