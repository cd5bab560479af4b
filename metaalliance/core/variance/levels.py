"""Any number of nested levels, and crossed factors, without a large matrix.

The covariance of all effects is::

    S = D + sum over terms of c_g u_g u_g'   (g runs over the groups of a term)

with groups of one term inside those of the next: samples in studies in research groups. D is
diagonal; where samples cross a level inside studies it holds a matrix of each study. Adding a
term changes the inverse by one outer product per group (Sherman & Morrison 1950), so that
solving with S takes one pass over the rows per term. A crossed factor (an instrument that many
studies share) adds a term of few columns, by Woodbury's identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.own import Own
from metaalliance.errors import EstimationError


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """Outer products within the groups of one level.

    Attributes
    ----------
    blocks : StudyBlocks
        Groups of adjacent rows, each inside a group of every later term.
    loading : ndarray, shape (k,)
        u: ones for a random intercept, the root of the sampling variances for correlated
        sampling errors.
    weight : ndarray, shape (m,)
        c of each group: a variance component, or a correlation.
    """

    blocks: StudyBlocks
    loading: Array = field(repr=False)
    weight: Array


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The finest groups: every row is its own."""

    m: int

    @property
    def first(self) -> IntArray:
        """First row of each group."""
        return np.arange(self.m, dtype=np.intp)

    def sums(self, values: Array) -> Array:
        """Return the values of rows, which are their own sums."""
        return values

    def spread(self, values: Array) -> Array:
        """Return the values of groups, which are those of the rows."""
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """Groups of rows that lie anywhere.

    Attributes
    ----------
    codes : ndarray of int, shape (k,)
        Group of each row, from 0 to m - 1.
    """

    codes: IntArray

    @property
    def m(self) -> int:
        """Number of groups."""
        return int(self.codes.max()) + 1

    @property
    def first(self) -> IntArray:
        """First row of each group."""
        return np.unique(self.codes, return_index=True)[1].astype(np.intp)

    def sums(self, values: Array) -> Array:
        """Sum rows within groups: (k,) to (m,), or (k, c) to (m, c)."""
        found = np.zeros((self.m, *values.shape[1:]))
        np.add.at(found, self.codes, values)
        return found

    def spread(self, values: Array) -> Array:
        """Give each row the value of its group."""
        spread: Array = values[self.codes]
        return spread


Groups = Rows | StudyBlocks | Crossed


@dataclass(frozen=True, slots=True, eq=False)
class LevelCovariance:
    """S, ready to be solved with.

    Attributes
    ----------
    own : Diagonal or Dense
        D.
    terms : tuple of Term
        From the finest groups to the coarsest.
    levels : tuple of Rows, StudyBlocks or Crossed
        Groups of each variance component.
    steps : tuple of ndarray
        a = S_before^-1 u of each term, shape (k,).
    gains : tuple of ndarray
        c / (1 + c u'a) of each group.
    log_determinant : float
        log|S|.
    factor : Crossed or None
        A crossed factor whose variance is not zero.
    variance : float or ndarray, shape (q,)
        Its variance component, of each group where they differ.
    crossed : ndarray or None, shape (k, q)
        S^-1 Z of the crossed factor before its own correction.
    correction : ndarray or None, shape (q, q)
        (I / s + Z'S^-1 Z)^-1.
    """

    own: Own
    terms: tuple[Term, ...]
    levels: tuple[Groups, ...]
    steps: tuple[Array, ...]
    gains: tuple[Array, ...]
    log_determinant: float
    factor: Crossed | None = None
    variance: float | Array = 0.0
    crossed: Array | None = None
    correction: Array | None = None

    @classmethod
    def build(
        cls,
        own: Own,
        terms: Sequence[Term],
        levels: Sequence[Groups],
        factor: Crossed | None = None,
        variance: float | Array = 0.0,
    ) -> LevelCovariance:
        """Prepare S.

        Parameters
        ----------
        own : Diagonal or Dense
            D, positive definite.
        terms : sequence of Term
            From the finest groups to the coarsest.
        levels : sequence of Rows, StudyBlocks or Crossed
            Groups of each variance component.
        factor : Crossed, optional
            A crossed factor, with its `variance` component.

        Raises
        ------
        EstimationError
            When S is not positive definite.
        """
        log_det = own.log_determinant
        steps: list[Array] = []
        gains: list[Array] = []
        for index, term in enumerate(terms):
            step = _apply(own, terms[:index], steps, gains, term.loading)
            growth = 1 + term.weight * term.blocks.sums(term.loading * step)
            if not (growth > 0).all():
                raise EstimationError(
                    "The assumed correlations give a sampling covariance that is not positive "
                    "definite.",
                    code="MA603",
                )
            steps.append(step)
            gains.append(term.weight / growth)
            log_det += float(np.log(growth).sum())
        plain = cls(own, tuple(terms), tuple(levels), tuple(steps), tuple(gains), log_det)
        return plain if factor is None or not np.any(variance) else plain._cross(factor, variance)

    def _cross(self, factor: Crossed, variance: float | Array) -> LevelCovariance:
        """Add a crossed factor by Woodbury's identity."""
        Z = factor.spread(np.eye(factor.m))
        WZ = self.solve(Z)
        each = np.broadcast_to(variance, factor.m)
        inner = np.diag(1 / each) + Z.T @ WZ
        _, log_inner = np.linalg.slogdet(inner)
        return replace(
            self,
            log_determinant=self.log_determinant + float(log_inner) + float(np.log(each).sum()),
            factor=factor,
            variance=variance,
            crossed=WZ,
            correction=np.asarray(np.linalg.inv(inner), dtype=np.float64),
        )

    def without_factor(self) -> LevelCovariance:
        """Return S without its crossed factor, which is block diagonal.

        Its determinant is left as it was.
        """
        return replace(self, factor=None, crossed=None, correction=None)

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z of shape (k,) or (k, c)."""
        if z.ndim == 2:
            return np.column_stack([self.solve(z[:, j]) for j in range(z.shape[1])])
        x = _apply(self.own, self.terms, self.steps, self.gains, z)
        if self.crossed is not None and self.correction is not None:
            x = x - self.crossed @ (self.correction @ (self.crossed.T @ z))
        return x

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z values for the groups of a level."""
        return self.solve(self.levels[level].spread(values))

    def diagonal(self, level: int) -> Array:
        """Return the diagonal of Z_a'S^-1 Z_a of a level, shape (m,)."""
        groups = self.levels[level]
        if isinstance(groups, Crossed):
            Z = groups.spread(np.eye(groups.m))
            return np.asarray(np.sum(Z * self.solve(Z), axis=0), dtype=np.float64)
        found = self._inside(groups)
        if self.crossed is not None and self.correction is not None:
            parts = groups.sums(self.crossed)
            found = found - np.sum((parts @ self.correction) * parts, axis=1)
        return found

    def _inside(self, groups: Rows | StudyBlocks) -> Array:
        """1'S^-1 1 of each group that is nested with the terms, before the crossed factor."""
        terms = zip(self.terms, self.steps, self.gains, strict=True)
        if isinstance(groups, Rows):
            found = self.own.diagonal()
            for term, step, gain in terms:
                found = found - term.blocks.spread(gain) * step * step
            return found
        found = self.own.within(groups)
        for term, step, gain in terms:
            if groups.m <= term.blocks.m:  # groups hold whole groups of the term
                inside = groups.study[term.blocks.starts]
                found = found - np.bincount(inside, gain * term.blocks.sums(step) ** 2, groups.m)
            else:  # groups lie inside those of the term
                found = found - gain[term.blocks.study[groups.starts]] * groups.sums(step) ** 2
        return found

    def products(self, _: Sequence[Slope]) -> None:
        """Traces of products have no short form."""

    def multiply(self, z: Array) -> Array:
        """Return S z for z (k,)."""
        x = self.own.multiply(z)
        for term in self.terms:
            x = x + term.loading * term.blocks.spread(
                term.weight * term.blocks.sums(term.loading * z)
            )
        if self.factor is not None:
            x = x + self.variance * self.factor.spread(self.factor.sums(z))
        return x

    def dense_blocks(self, rows: IntArray) -> Array:
        """Return S of some rows, shape (c, n, n); `rows` has shape (c, n)."""
        dense = self.own.dense(rows)
        for term in self.terms:
            group, u = term.blocks.study[rows], term.loading[rows]
            same = group[:, :, None] == group[:, None, :]
            dense += same * (term.weight[group] * u)[:, :, None] * u[:, None, :]
        if self.factor is not None:
            group = self.factor.codes[rows]
            dense += self.variance * (group[:, :, None] == group[:, None, :])
        return dense


def _apply(
    own: Own,
    terms: Sequence[Term],
    steps: Sequence[Array],
    gains: Sequence[Array],
    z: Array,
) -> Array:
    """Solve with the terms so far, one outer product per group at a time."""
    x = own.solve(z)
    for term, step, gain in zip(terms, steps, gains, strict=True):
        x = x - step * term.blocks.spread(gain * term.blocks.sums(term.loading * x))
    return x
