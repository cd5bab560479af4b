"""Means of many variants of one data set at once: random signs of its effects, or subsets of them.

Each variant is a row of a matrix. Sums that do not depend on the row are shared, and the others are
products of matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, IntArray

#: Elements of a matrix that are worked on at a time.
CHUNK = 2**15
#: Sums over the effects of each row: of w, w y and w y².
_Triple = tuple[Array, Array, Array]


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
        return MeanFits(self, weights(self.vi))

    def at(self, tau2: Array) -> MeanFits:
        """Means with the weights 1 / (v + tau²)."""
        return MeanFits(self, self.weights(tau2))

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
    _sums: list[_Triple] = field(default_factory=list)
    _powers: list[Array] = field(default_factory=list)

    def sums(self, power: int) -> _Triple:
        """Sums for one power of the weights."""
        while len(self._sums) < power:
            self._powers.append(self.wi * self._powers[-1] if self._powers else self.wi)
            self._sums.append(self.rows.sums(self._powers[-1]))
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
