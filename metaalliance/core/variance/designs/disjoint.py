"""Designs whose columns belong to disjoint groups of effects: a mean for each level of a moderator.

Where no cluster lies in two groups, X'WX is diagonal and whatever a model needs of X is a sum by
group, in linear time whatever the number of groups. Columns of any values will do: each row has one
that is not zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import StudyBlocks


def columns_of_rows(X: Array) -> IntArray | None:
    """Column of each row that is not zero, shape (k,); None where a row has not exactly one.

    Examples
    --------
    >>> columns_of_rows(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])).tolist()
    [0, 1, 0]
    >>> columns_of_rows(np.array([[1.0, 1.0]])) is None
    True
    """
    rows, columns = np.nonzero(X)
    if rows.size != X.shape[0] or (rows[1:] == rows[:-1]).any():
        return None
    return columns.astype(np.intp)


def is_indicators(X: Array) -> bool:
    """Whether each row of `X` (k, p) has a one and else zeros."""
    codes = columns_of_rows(X)
    return codes is not None and bool((X[np.arange(codes.size), codes] == 1).all())


@dataclass(frozen=True, slots=True, eq=False)
class Disjoint:
    """A design of disjoint groups.

    Attributes
    ----------
    codes : ndarray of int, shape (k,)
        Group of each effect, which is its column.
    x : ndarray, shape (k,)
        The value there.
    p : int
        Number of groups.
    """

    codes: IntArray = field(repr=False)
    x: Array = field(repr=False)
    p: int

    @classmethod
    def of(cls, X: Array) -> Disjoint | None:
        """Return what `X` (k, p) is made of; None for one column, or rows with several."""
        codes = columns_of_rows(X) if X.shape[1] > 1 else None
        if codes is None:
            return None
        return cls(codes, X[np.arange(codes.size), codes], X.shape[1])

    def holds(self, blocks: StudyBlocks) -> bool:
        """Whether every cluster lies in one group."""
        return bool((self.codes == self.codes[blocks.starts][blocks.study]).all())

    def sums(self, values: Array, codes: IntArray | None = None) -> Array:
        """Sum by group: rows (k,) to (p,), (k, c) to (p, c); or units with `codes` of their own."""
        where = self.codes if codes is None else codes
        if values.ndim == 1:
            return np.asarray(np.bincount(where, values, self.p), dtype=np.float64)
        return np.column_stack([np.bincount(where, one, self.p) for one in values.T])

    def dense(self, values: Array) -> Array:
        """Place the values of rows (k,) in their columns, shape (k, p)."""
        found = np.zeros((values.size, self.p))
        found[np.arange(values.size), self.codes] = values
        return found


@dataclass(frozen=True, slots=True, eq=False)
class DisjointPoint:
    """A model with a design of disjoint groups at its variance components.

    Attributes
    ----------
    design : Disjoint
        The groups.
    solved : ndarray, shape (k,)
        S^-1 X, of each row the one value that is not zero.
    beta, bread : ndarray, shape (p,)
        Coefficients, and the diagonal of (X'S^-1 X)^-1, which has nothing else.
    """

    design: Disjoint
    solved: Array
    beta: Array
    bread: Array

    @classmethod
    def of(cls, design: Disjoint, yi: Array, solved: Array) -> DisjointPoint:
        """Estimate the coefficients of `yi` (k,)."""
        bread = 1 / design.sums(solved * design.x)
        return cls(design, solved, bread * design.sums(solved * yi), bread)

    @property
    def fitted(self) -> Array:
        """X beta, shape (k,)."""
        return self.design.x * self.beta[self.design.codes]

    @property
    def solved_fitted(self) -> Array:
        """S^-1 X beta, shape (k,)."""
        return self.solved * self.beta[self.design.codes]

    def log_determinants(self) -> tuple[float, float]:
        """Of (X'S^-1 X)^-1 and of X'X."""
        squares = self.design.sums(self.design.x**2)
        return float(np.log(self.bread).sum()), float(np.log(squares).sum())

    def residuals_of(self, values: Array) -> Array:
        """Return values (k,) less what their own coefficients fit."""
        design = self.design
        own = self.bread * design.sums(self.solved * values)
        return values - design.x * own[design.codes]

    def lost(self) -> Array:
        """Tr S^-1 less tr P of each group, shape (p,)."""
        return self.bread * self.design.sums(self.solved**2)


def earlier(values: Array, codes: IntArray | None = None) -> Array:
    """Sum of what comes before each unit, shape (m, ...), in its group where there are groups.

    Examples
    --------
    >>> earlier(np.array([1.0, 2.0, 4.0, 8.0]), np.array([0, 1, 0, 0])).tolist()
    [0.0, 0.0, 1.0, 5.0]
    """
    found = np.zeros_like(values)
    if codes is None:
        found[1:] = np.cumsum(values[:-1], axis=0)
        return found
    order = np.argsort(codes, kind="stable")
    groups = StudyBlocks.from_sorted(codes[order])
    for rows in groups.of_one_size(np.ones(groups.m, dtype=bool)):
        at = order[rows]
        found[at[:, 1:]] = np.cumsum(values[at[:, :-1]], axis=1)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class GroupMeans:
    """One data set, or copies of it, on a design of disjoint groups.

    Attributes
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    design : Disjoint
        The groups.
    size : int
        Number of copies.
    """

    yi: Array
    vi: Array
    design: Disjoint
    size: int = 1

    @property
    def counts(self) -> Array:
        """Effects of each data set."""
        return np.full(self.size, float(self.yi.size))

    @property
    def df(self) -> Array:
        """Residual degrees of freedom of each data set."""
        return np.asarray(self.counts - self.design.p)

    def __len__(self) -> int:
        return self.size

    def take(self, rows: IntArray) -> GroupMeans:
        """Return some of the copies."""
        return GroupMeans(self.yi, self.vi, self.design, int(rows.size))

    def weighted(self, weights: Callable[[Array], Array]) -> GroupFits:
        """Regressions with weights that are a function of the sampling variances."""
        return GroupFits.of(self, np.tile(weights(self.vi), (self.size, 1)))

    def at(self, tau2: Array) -> GroupFits:
        """Regressions with the weights 1 / (v + tau²), tau² of shape (rows,)."""
        return GroupFits.of(self, 1 / (self.vi + tau2[:, None]))

    def log_variances(self, tau2: Array) -> Array:
        """Sum of log(v + tau²) over the effects."""
        return np.asarray(np.log(self.vi + tau2[:, None]).sum(axis=1))

    def spread(self) -> Array:
        """Mean squared deviation of the effects from their mean."""
        return np.full(self.size, float(self.yi.var()))

    def furthest(self) -> Array:
        """Largest squared residual of an unweighted regression."""
        return np.asarray((self.weighted(np.ones_like).residuals ** 2).max(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class GroupFits:
    """Weighted regressions on groups.

    Attributes
    ----------
    wi, residuals : ndarray, shape (rows, k)
        Weights and residuals.
    bread : ndarray, shape (rows, p)
        Diagonal of (X'WX)^-1, which has nothing else.
    """

    data: GroupMeans
    wi: Array
    bread: Array
    residuals: Array
    _moments: dict[int, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, data: GroupMeans, wi: Array) -> GroupFits:
        """Regress with weights (rows, k)."""
        design, bread = data.design, 1 / _sums(data.design, wi * data.design.x**2)
        beta = bread * _sums(design, wi * design.x * data.yi)
        return cls(data, wi, bread, data.yi - beta[:, design.codes] * design.x)

    def total(self, power: int) -> Array:
        """Sum of w^j."""
        return np.asarray((self.wi**power).sum(axis=1))

    def squares(self, power: int) -> Array:
        """Sum of w^j e²."""
        return np.asarray((self.wi**power * self.residuals**2).sum(axis=1))

    def trace(self) -> Array:
        """Trace of P."""
        return np.asarray(self.total(1) - self._leverage(2).sum(axis=1))

    def trace_of_square(self) -> Array:
        """Trace of P²."""
        second, third = self._leverage(2), self._leverage(3)
        return np.asarray(self.total(2) + (second**2 - 2 * third).sum(axis=1))

    def expected(self) -> Array:
        """Trace of P diag(v)."""
        known, design = self.wi * self.data.vi, self.data.design
        lost = self.bread * _sums(design, self.wi * known * design.x**2)
        return np.asarray(known.sum(axis=1) - lost.sum(axis=1))

    def cubic(self) -> Array:
        """y'P³y."""
        design = self.data.design
        u = _sums(design, self.wi**2 * self.residuals * design.x)
        return np.asarray(self.squares(3) - (u**2 * self.bread).sum(axis=1))

    def log_bread(self) -> Array:
        """Log-determinant of (X'WX)^-1."""
        return np.asarray(np.log(self.bread).sum(axis=1))

    def _leverage(self, power: int) -> Array:
        """Diagonal of (X'WX)^-1 X'W^jX, shape (rows, p)."""
        if power not in self._moments:
            design = self.data.design
            own = _sums(design, self.wi**power * design.x**2)
            self._moments[power] = self.bread * own
        return self._moments[power]


def _sums(design: Disjoint, values: Array) -> Array:
    """Sum by group: (rows, k) to (rows, p)."""
    found = np.empty((values.shape[0], design.p))
    for row, one in enumerate(values):
        found[row] = design.sums(one)
    return found
