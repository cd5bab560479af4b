"""Data sets as estimators of tau² see them: their weighted regressions, many at once.

Each data set is a row of a matrix, and one data set is a batch of one. `Regressions` have any
effects on one design; `metaalliance.core.variance.batch_tau2` has means of variants of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
class Design:
    """A design matrix with the products of its columns that are not zero throughout.

    Attributes
    ----------
    X : ndarray, shape (k, p)
        The matrix, of full rank.
    left, right : ndarray of int, shape (q,)
        The two columns of each product.
    products : ndarray, shape (k, q)
        The products.
    """

    X: Array
    left: IntArray
    right: IntArray
    products: Array

    @classmethod
    def of(cls, X: Array) -> Design:
        """Multiply the columns of `X` (k, p)."""
        if X.shape[1] == 1:
            only = np.zeros(1, dtype=np.intp)
            return cls(X, only, only, X * X)
        left, right = np.triu_indices(X.shape[1])
        products = X[:, left] * X[:, right]
        used = np.flatnonzero(products.any(axis=0))
        return cls(X, left[used], right[used], products[:, used])

    def moments(self, wi: Array) -> Array:
        """X'WX of each data set, shape (rows, p, p), for weights (rows, k)."""
        p = self.X.shape[1]
        if p == 1:
            return np.asarray((wi @ self.products)[:, :, None])
        found = np.zeros((wi.shape[0], p, p))
        found[:, self.left, self.right] = found[:, self.right, self.left] = wi @ self.products
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Regressions:
    """Data sets of effects and variances of their own on one design.

    Attributes
    ----------
    yi, vi : ndarray, shape (rows, k)
        Effects and sampling variances.
    design : Design
        Their design, of more rows than columns.
    """

    yi: Array
    vi: Array
    design: Design

    @classmethod
    def of(cls, yi: Array, vi: Array, X: Array) -> Regressions:
        """Effects and variances (rows, k) on the design `X` (k, p)."""
        return cls(yi, vi, Design.of(X))

    @property
    def counts(self) -> Array:
        """Effects of each data set."""
        return np.full(len(self), float(self.yi.shape[1]))

    @property
    def df(self) -> Array:
        """Residual degrees of freedom of each data set."""
        return np.asarray(self.counts - self.design.X.shape[1])

    def __len__(self) -> int:
        return int(self.yi.shape[0])

    def take(self, rows: IntArray) -> Regressions:
        """Return some of the data sets."""
        return Regressions(self.yi[rows], self.vi[rows], self.design)

    def weighted(self, weights: Callable[[Array], Array]) -> RegressionFits:
        """Regressions with weights that are a function of the sampling variances."""
        return RegressionFits.of(self, weights(self.vi))

    def at(self, tau2: Array) -> RegressionFits:
        """Regressions with the weights 1 / (v + tau²)."""
        return RegressionFits.of(self, 1 / (self.vi + tau2[:, None]))

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
    _powers: list[Array]
    _leverages: dict[int, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Regressions, wi: Array) -> RegressionFits:
        """Regress with weights (rows, k)."""
        X = data.design.X
        bread = inverses(data.design.moments(wi))
        beta = np.einsum("rij,rj->ri", bread, (wi * data.yi) @ X)
        return cls(data, wi, bread, beta, data.yi - beta @ X.T, [wi])

    def power(self, power: int) -> Array:
        """Weights to a power, by products: they cost less than powers."""
        while len(self._powers) < power:
            self._powers.append(self._powers[-1] * self.wi)
        return self._powers[power - 1]

    def total(self, power: int) -> Array:
        """Sum of w^j."""
        return np.asarray(self.power(power).sum(axis=1))

    def squares(self, power: int) -> Array:
        """Sum of w^j e²."""
        e = self.residuals
        return np.asarray(np.einsum("rk,rk,rk->r", self.power(power), e, e))

    def trace(self) -> Array:
        """Trace of P."""
        return np.asarray(self.total(1) - traces(self._leverage(2)))

    def trace_of_square(self) -> Array:
        """Trace of P²."""
        second = self._leverage(2)
        third = traces(self._leverage(3))
        return np.asarray(self.total(2) - 2 * third + traces(second, second))

    def expected(self) -> Array:
        """Trace of P diag(v)."""
        known = self.wi * self.data.vi
        moments = self.data.design.moments(self.wi * known)
        return np.asarray(known.sum(axis=1) - traces(self.bread, moments))

    def cubic(self) -> Array:
        """y'P³y."""
        u = (self.power(2) * self.residuals) @ self.data.design.X
        return np.asarray(self.squares(3) - np.einsum("ri,rij,rj->r", u, self.bread, u))

    def log_bread(self) -> Array:
        """Log-determinant of (X'WX)^-1."""
        return log_determinants(self.bread)

    def _leverage(self, power: int) -> Array:
        """(X'WX)^-1 X'W^jX, shape (rows, p, p)."""
        if power not in self._leverages:
            self._leverages[power] = self.bread @ self.data.design.moments(self.power(power))
        return self._leverages[power]


def inverses(A: Array) -> Array:
    """Inverse of each of several matrices (rows, p, p)."""
    return 1 / A if A.shape[1] == 1 else np.asarray(np.linalg.inv(A), dtype=np.float64)


def log_determinants(A: Array) -> Array:
    """Logarithm of the determinant of each positive definite matrix (rows, p, p)."""
    return np.asarray(np.log(A[:, 0, 0]) if A.shape[1] == 1 else np.linalg.slogdet(A)[1])


def traces(A: Array, B: Array | None = None) -> Array:
    """Trace of each matrix (rows, p, p), or of its product with another."""
    if A.shape[1] == 1:
        return np.asarray((A if B is None else A * B)[:, 0, 0])
    if B is None:
        return np.asarray(np.trace(A, axis1=1, axis2=2))
    return np.asarray(np.einsum("rij,rji->r", A, B))
