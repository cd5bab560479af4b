"""Any number of nested levels, and crossed factors, without a large matrix.

The covariance of all effects is::

    S = D + sum over terms of c_g u_g u_g'   (g runs over the groups of a term)

with groups of one term inside those of the next: samples in studies in research groups. Adding a
term changes the inverse by one outer product per group (Sherman & Morrison 1950), so that
solving with S takes one pass over the rows per term. A crossed factor (an instrument that many
studies share) adds a term of few columns, by Woodbury's identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import StudyBlocks
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
class LevelCovariance:
    """S, ready to be solved with.

    Attributes
    ----------
    diagonal : ndarray, shape (k,)
        D.
    terms : tuple of Term
        From the finest groups to the coarsest.
    steps : tuple of ndarray
        a = S_before^-1 u of each term, shape (k,).
    gains : tuple of ndarray
        c / (1 + c u'a) of each group.
    crossed : ndarray or None, shape (k, q)
        S^-1 Z of the crossed factor before its own correction.
    correction : ndarray or None, shape (q, q)
        (I / s + Z'S^-1 Z)^-1.
    log_determinant : float
        log|S|.
    """

    diagonal: Array
    terms: tuple[Term, ...]
    steps: tuple[Array, ...]
    gains: tuple[Array, ...]
    crossed: Array | None
    correction: Array | None
    log_determinant: float

    @classmethod
    def build(
        cls,
        diagonal: Array,
        terms: Sequence[Term],
        factor: IntArray | None = None,
        factor_variance: float = 0.0,
    ) -> LevelCovariance:
        """Prepare S.

        Parameters
        ----------
        diagonal : ndarray, shape (k,)
            D, all positive.
        terms : sequence of Term
            From the finest groups to the coarsest.
        factor : ndarray of int, shape (k,), optional
            Level of a crossed factor of each row.
        factor_variance : float
            Its variance component.

        Raises
        ------
        EstimationError
            When S is not positive definite.
        """
        log_det = float(np.log(diagonal).sum())
        steps: list[Array] = []
        gains: list[Array] = []
        for index, term in enumerate(terms):
            step = _apply(diagonal, terms[:index], steps, gains, term.loading)
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
        plain = cls(diagonal, tuple(terms), tuple(steps), tuple(gains), None, None, log_det)
        if factor is None or factor_variance == 0:
            return plain
        return plain._cross(factor, factor_variance)

    def _cross(self, factor: IntArray, variance: float) -> LevelCovariance:
        """Add a crossed factor by Woodbury's identity."""
        Z = indicator(factor)
        WZ = self.solve(Z)
        inner = np.eye(Z.shape[1]) / variance + Z.T @ WZ
        _, log_inner = np.linalg.slogdet(inner)
        log_det = self.log_determinant + float(log_inner) + Z.shape[1] * float(np.log(variance))
        correction = np.asarray(np.linalg.inv(inner), dtype=np.float64)
        return LevelCovariance(
            self.diagonal, self.terms, self.steps, self.gains, WZ, correction, log_det
        )

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z of shape (k,) or (k, c)."""
        if z.ndim == 2:
            return np.column_stack([self.solve(z[:, j]) for j in range(z.shape[1])])
        x = _apply(self.diagonal, self.terms, self.steps, self.gains, z)
        if self.crossed is not None and self.correction is not None:
            x = x - self.crossed @ (self.correction @ (self.crossed.T @ z))
        return x

    def trace(self) -> float:
        """Trace of S^-1."""
        total = float(np.sum(1 / self.diagonal))
        for term, step, gain in zip(self.terms, self.steps, self.gains, strict=True):
            total -= float(gain @ term.blocks.sums(step * step))
        if self.crossed is not None and self.correction is not None:
            total -= float(np.sum(self.correction * (self.crossed.T @ self.crossed)))
        return total

    def trace_within(self, blocks: StudyBlocks) -> float:
        """Sum over groups of 1'S^-1 1, for groups that are nested with the terms."""
        total = float(np.sum(1 / self.diagonal))
        for term, step, gain in zip(self.terms, self.steps, self.gains, strict=True):
            if blocks.m <= term.blocks.m:  # groups hold whole groups of the term
                total -= float(gain @ term.blocks.sums(step) ** 2)
            else:  # groups lie inside those of the term
                parts = blocks.sums(step)
                total -= float(gain[term.blocks.study[blocks.starts]] @ parts**2)
        if self.crossed is not None and self.correction is not None:
            parts = blocks.sums(self.crossed)
            total -= float(np.sum((parts @ self.correction) * parts))
        return total

    def multiply(self, z: Array) -> Array:
        """Return S z of the nested terms for z (k,)."""
        x = self.diagonal * z
        for term in self.terms:
            x = x + term.loading * term.blocks.spread(
                term.weight * term.blocks.sums(term.loading * z)
            )
        return x


def _apply(
    diagonal: Array,
    terms: Sequence[Term],
    steps: Sequence[Array],
    gains: Sequence[Array],
    z: Array,
) -> Array:
    """Solve with the terms so far, one outer product per group at a time."""
    x = z / diagonal
    for term, step, gain in zip(terms, steps, gains, strict=True):
        x = x - step * term.blocks.spread(gain * term.blocks.sums(term.loading * x))
    return x


def indicator(factor: IntArray) -> Array:
    """Indicator matrix (k, q) of a factor with levels 0 to q - 1."""
    Z = np.zeros((factor.size, int(factor.max()) + 1))
    Z[np.arange(factor.size), factor] = 1.0
    return Z
