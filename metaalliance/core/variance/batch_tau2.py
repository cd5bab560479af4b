"""Many related data sets at once, and the weighted regressions that estimators of tau² are made of.

Each data set is a row of a matrix. `Rows` are means of variants of one data set (random signs of
its effects, or subsets of them), whose sums are products of matrices; `Regressions` are any
effects on one design, and one data set is a batch of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from metaalliance.core.arrays import Array, IntArray

#: Elements of a matrix that are worked on at a time.
CHUNK = 2**15
#: Sums over the effects of each row: of w, w y and w y².
_Triple = tuple[Array, Array, Array]


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


# Means ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Data sets that are variants of one, with a typical sampling variance of one.

    Attributes
    ----------
    columns : ndarray, shape (k, 3)
        1, y and y² of the effects.
    vi : ndarray, shape (k,)
        Sampling variances.
    signed : ndarray, shape (rows, k), or None
        Effects with the signs of each row, where the rows differ in signs.
    present : ndarray of 0 and 1, shape (rows, k), or None
        Which effects each row holds, where the rows are subsets.
    counts : ndarray, shape (rows,)
        Effects of each row.
    """

    columns: Array
    vi: Array
    signed: Array | None
    present: Array | None
    counts: Array

    @classmethod
    def of_signs(cls, yi: Array, vi: Array, signs: Array) -> Rows:
        """Rows with the effects `yi` (k,) times `signs` (rows, k)."""
        counts = np.full(signs.shape[0], float(yi.size))
        return cls(_columns(yi), vi, signs * yi, None, counts)

    @classmethod
    def of_subsets(cls, yi: Array, vi: Array, present: Array) -> Rows:
        """Rows with the effects where `present` (rows, k) is one."""
        return cls(_columns(yi), vi, None, present, present.sum(axis=1))

    @property
    def df(self) -> Array:
        """Degrees of freedom of each row."""
        return self.counts - 1

    def __len__(self) -> int:
        return int(self.counts.size)

    def take(self, rows: IntArray) -> Rows:
        """Return some of the rows."""
        signed = None if self.signed is None else self.signed[rows]
        present = None if self.present is None else self.present[rows]
        return Rows(self.columns, self.vi, signed, present, self.counts[rows])

    def weights(self, tau2: Array) -> Array:
        """1 / (v + tau²), and zero where an effect is absent, for tau² (rows,)."""
        wi = self.vi + tau2[:, None]
        np.reciprocal(wi, out=wi)
        if self.present is not None:
            wi *= self.present
        return wi

    def weighted(self, weights: Callable[[Array], Array]) -> MeanFits:
        """Means with weights that are a function of the sampling variances."""
        return MeanFits(self, weights(self.vi), [])

    def at(self, tau2: Array) -> MeanFits:
        """Means with the weights 1 / (v + tau²)."""
        return MeanFits(self, self.weights(tau2), [])

    def sums(self, wi: Array) -> _Triple:
        """Sums of w, w y and w y² for weights (rows, k), or (k,) that all rows share."""
        if wi.ndim == 1:
            return self._fixed_sums(wi)
        if self.signed is None:
            a, b, c = (wi @ self.columns).T
            return a, b, c
        a, c = (wi @ self.columns[:, ::2]).T
        return a, np.einsum("rk,rk->r", wi, self.signed), c

    def _fixed_sums(self, wi: Array) -> _Triple:
        if self.present is not None:
            a, b, c = (self.present @ (self.columns * wi[:, None])).T
            return a, b, c
        if self.signed is None:
            a, b, c = wi @ self.columns
            same = np.ones(len(self))
            return a * same, b * same, c * same
        same = np.ones(len(self))
        return wi.sum() * same, self.signed @ wi, float(wi @ self.columns[:, 2]) * same

    def total(self, values: Array) -> Array:
        """Sum values (k,) over the effects of each row, or values (rows, k) of its own."""
        if values.ndim == 2:
            return np.asarray(values.sum(axis=1))
        if self.present is None:
            return np.full(len(self), values.sum())
        return self.present @ values

    def log_variances(self, tau2: Array) -> Array:
        """Sum of log(v + tau²) over the effects of each row."""
        logs = np.log(self.vi + tau2[:, None])
        return np.asarray((logs if self.present is None else logs * self.present).sum(axis=1))

    def spread(self) -> Array:
        """Mean squared deviation of the effects of each row from their mean."""
        return self.weighted(np.ones_like).squares(1) / self.counts

    def furthest(self) -> Array:
        """Largest y² of all effects."""
        return np.full(len(self), float(self.columns[:, 2].max()))


def _columns(yi: Array) -> Array:
    return np.column_stack([np.ones(yi.size), yi, yi**2])


@dataclass(frozen=True, slots=True, eq=False)
class MeanFits:
    """Weighted means of rows, from the sums of w^j, w^j y and w^j y² that are asked for."""

    rows: Rows
    wi: Array
    _sums: list[_Triple]

    def sums(self, power: int) -> _Triple:
        """Sums for one power of the weights."""
        while len(self._sums) < power:
            j = len(self._sums) + 1
            self._sums.append(self.rows.sums(self.wi if j == 1 else self.wi**j))
        return self._sums[power - 1]

    def total(self, power: int) -> Array:
        """Sum of w^j."""
        return self.sums(power)[0]

    def squares(self, power: int) -> Array:
        """Sum of w^j (y - mean)², at least zero."""
        a1, b1, _ = self.sums(1)
        mean = b1 / a1
        a, b, c = self.sums(power)
        return np.asarray(np.maximum(0.0, c - 2 * mean * b + mean**2 * a), dtype=np.float64)

    def trace(self) -> Array:
        """Trace of P."""
        return self.total(1) - self.total(2) / self.total(1)

    def trace_of_square(self) -> Array:
        """Trace of P²."""
        a1, a2, a3 = (self.total(j) for j in (1, 2, 3))
        return a2 - 2 * a3 / a1 + (a2 / a1) ** 2

    def expected(self) -> Array:
        """Trace of P diag(v)."""
        vi = self.rows.vi
        return self.rows.total(self.wi * vi) - self.rows.total(self.wi**2 * vi) / self.total(1)

    def cubic(self) -> Array:
        """y'P³y."""
        a1, b1, _ = self.sums(1)
        a2, b2, _ = self.sums(2)
        return self.squares(3) - (b2 - b1 / a1 * a2) ** 2 / a1

    def log_bread(self) -> Array:
        """Logarithm of 1 / sum(w)."""
        return np.asarray(-np.log(self.total(1)))


# Any design ----------------------------------------------------------------------------------


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
        return self.counts - self.X.shape[1]

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
