"""Data sets as estimators of tau² see them: their weighted regressions, many at once.

Each data set is a row of a matrix, and one data set is a batch of one. `Regressions` have any
effects on one design; `metaalliance.core.variance.batch_tau2` has means of variants of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from metaalliance.core.arrays import Array, IntArray


class WeightedFits(Protocol):
    """A weighted regression of each data set; arrays of shape (rows,).

    W is the diagonal matrix of the weights, P = W - W X (X'WX)^-1 X'W.
    """

    def total(self, power: int) -> Array:
        """Sum of the weights to a power."""

    def squares(self, power: int) -> Array:
        """Sum of squared residuals times the weights to a power; Q for the power one."""

    def trace(self) -> Array:
        """Trace of P."""

    def trace_of_square(self) -> Array:
        """Trace of P²."""

    def expected(self) -> Array:
        """Trace of P diag(v): the expectation of Q without heterogeneity."""

    def cubic(self) -> Array:
        """y'P³y."""

    def log_bread(self) -> Array:
        """Log-determinant of (X'WX)^-1."""


class DataSets(Protocol):
    """Data sets with a typical sampling variance of about one; arrays of shape (rows,)."""

    @property
    def counts(self) -> Array:
        """Effects of each data set."""

    @property
    def df(self) -> Array:
        """Residual degrees of freedom of each data set."""

    def __len__(self) -> int: ...

    def take(self, rows: IntArray) -> Self:
        """Return some of the data sets."""

    def weighted(self, weights: Callable[[Array], Array]) -> WeightedFits:
        """Regressions with weights that are a function of the sampling variances."""

    def at(self, tau2: Array) -> WeightedFits:
        """Regressions with the weights 1 / (v + tau²), tau² of shape (rows,)."""

    def log_variances(self, tau2: Array) -> Array:
        """Sum of log(v + tau²) over the effects of each data set."""

    def spread(self) -> Array:
        """Mean squared deviation of the effects from their mean."""

    def furthest(self) -> Array:
        """A tau² that is too large for any of them: about the largest squared residual."""


@dataclass(frozen=True, slots=True, eq=False)
class Regressions:
    """Data sets of effects and variances of their own on one design.

    Attributes
    ----------
    yi, vi : ndarray, shape (rows, k)
        Effects and sampling variances.
    X : ndarray, shape (k, p)
        Design matrix of full rank, p < k.
    """

    yi: Array
    vi: Array
    X: Array

    @property
    def counts(self) -> Array:
        """Effects of each data set."""
        return np.full(len(self), float(self.X.shape[0]))

    @property
    def df(self) -> Array:
        """Residual degrees of freedom of each data set."""
        return np.asarray(self.counts - self.X.shape[1])

    def __len__(self) -> int:
        return int(self.yi.shape[0])

    def take(self, rows: IntArray) -> Regressions:
        """Return some of the data sets."""
        return Regressions(self.yi[rows], self.vi[rows], self.X)

    def weighted(self, weights: Callable[[Array], Array]) -> RegressionFits:
        """Regressions with weights that are a function of the sampling variances."""
        return RegressionFits.of(self, weights(self.vi))

    def at(self, tau2: Array) -> RegressionFits:
        """Regressions with the weights 1 / (v + tau²)."""
        return RegressionFits.of(self, 1 / (self.vi + tau2[:, None]))

    def moments(self, wi: Array) -> Array:
        """X'WX of each data set, shape (rows, p, p), for weights (rows, k)."""
        k, p = self.X.shape
        products = (self.X[:, :, None] * self.X[:, None, :]).reshape(k, p * p)
        return np.asarray((wi @ products).reshape(-1, p, p), dtype=np.float64)

    def log_variances(self, tau2: Array) -> Array:
        """Sum of log(v + tau²) over the effects of each data set."""
        return np.asarray(np.log(self.vi + tau2[:, None]).sum(axis=1))

    def spread(self) -> Array:
        """Mean squared deviation of the effects from their mean."""
        return np.asarray(self.yi.var(axis=1))

    def furthest(self) -> Array:
        """Largest squared residual of an unweighted regression of each data set."""
        return np.asarray((self.weighted(np.ones_like).residuals ** 2).max(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class RegressionFits:
    """Weighted regressions of data sets.

    Attributes
    ----------
    wi, residuals : ndarray, shape (rows, k)
        Weights and residuals.
    bread : ndarray, shape (rows, p, p)
        (X'WX)^-1.
    beta : ndarray, shape (rows, p)
        Coefficients.
    """

    data: Regressions
    wi: Array
    bread: Array
    beta: Array
    residuals: Array

    @classmethod
    def of(cls, data: Regressions, wi: Array) -> RegressionFits:
        """Regress with weights (rows, k)."""
        bread: Array = np.asarray(np.linalg.inv(data.moments(wi)), dtype=np.float64)
        beta = np.einsum("rij,rj->ri", bread, (wi * data.yi) @ data.X)
        return cls(data, wi, bread, beta, data.yi - beta @ data.X.T)

    def total(self, power: int) -> Array:
        """Sum of w^j."""
        return np.asarray((self.wi**power).sum(axis=1))

    def squares(self, power: int) -> Array:
        """Sum of w^j e²."""
        return np.asarray(np.einsum("rk,rk->r", self.wi**power, self.residuals**2))

    def trace(self) -> Array:
        """Trace of P."""
        return self.total(1) - _trace(self.bread, self.data.moments(self.wi**2))

    def trace_of_square(self) -> Array:
        """Trace of P²."""
        MB = self.bread @ self.data.moments(self.wi**2)
        return (
            self.total(2) - 2 * _trace(self.bread, self.data.moments(self.wi**3)) + _trace(MB, MB)
        )

    def expected(self) -> Array:
        """Trace of P diag(v)."""
        known = self.wi * self.data.vi
        return np.asarray(
            known.sum(axis=1) - _trace(self.bread, self.data.moments(self.wi * known))
        )

    def cubic(self) -> Array:
        """y'P³y."""
        u = (self.wi**2 * self.residuals) @ self.data.X
        return np.asarray(self.squares(3) - np.einsum("ri,rij,rj->r", u, self.bread, u))

    def log_bread(self) -> Array:
        """Log-determinant of (X'WX)^-1."""
        return np.asarray(np.linalg.slogdet(self.bread)[1])


def _trace(A: Array, B: Array) -> Array:
    """Trace of the product of each pair of matrices."""
    found: Array = np.einsum("rij,rji->r", A, B)
    return found
