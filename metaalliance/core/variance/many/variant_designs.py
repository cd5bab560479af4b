"""Designs of variants: any columns, or columns that are constant within clusters.

`mixed_designs` chooses. With x constant within clusters, S^-1 x is x times S^-1 1: every moment of
the design is then one of clusters, and a product of matrices whatever the number of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.data_sets import Design
from metaalliance.core.variance.levels import Groups

#: Rows up to which columns are stacked for their products; with more they are taken two by two.
FEW_ROWS = 64


class VariantCovariance(Protocol):
    """S of every variant at components of its own; matrices are (k, variants)."""

    @property
    def log_determinant(self) -> Array:
        """log|S|, shape (variants,)."""

    @property
    def solved_ones(self) -> Array:
        """S^-1 1, shape (k, variants)."""

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z (k, variants) or (k, 1)."""

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z values for values (m, variants) of the groups of a level."""

    def traces(self) -> tuple[Array, Array | None]:
        """Return tr(S^-1 A_a), shape (variants, c), and tr(S^-1 A_a S^-1 A_b) or None."""


class Solved(Protocol):
    """S^-1 X of every variant."""

    def information(self) -> Array:
        """X'S^-1 X, shape (variants, p, p)."""

    def against(self, z: Array) -> Array:
        """X'S^-1 z for z (k, variants) or (k, 1), shape (p, variants)."""

    def times(self, beta: Array) -> Array:
        """S^-1 X beta for beta (variants, p), shape (k, variants)."""

    def levels(self, groups: Sequence[Groups]) -> list[Array]:
        """X'S^-1 A_a S^-1 X of each level, shape (variants, p, p)."""

    def pairs(self, groups: Sequence[Groups], a: int, b: int) -> Array:
        """X'S^-1 A_a S^-1 A_b S^-1 X, shape (variants, p, p)."""


class VariantDesign(Protocol):
    """The design of every variant."""

    @property
    def p(self) -> int:
        """Number of columns."""

    def take(self, columns: IntArray | slice) -> VariantDesign:
        """Return the design of some variants."""

    def shared(self) -> Array | None:
        """Return the design (k, p) of all variants; None where they have their own."""

    def one(self, row: int) -> Array:
        """Return the design (k, p) of one variant."""

    def gram(self, present: Array) -> Array:
        """X'X of the effects that are present (k, variants) or (k, 1)."""

    def fitted(self, beta: Array) -> Array:
        """X beta for beta (variants, p), shape (k, variants)."""

    def solved(self, S: VariantCovariance, theta: Array, present: Array) -> Solved:
        """Prepare S^-1 X for S of `present` (k, variants) or (k, 1) at `theta` (variants, c)."""


# Constant within clusters ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ClusterDesign:
    """Columns that are constant within clusters and shared by all variants: `X` of (m, p)."""

    X: Design
    clusters: StudyBlocks

    @property
    def p(self) -> int:
        """Number of columns."""
        return int(self.X.X.shape[1])

    def take(self, columns: IntArray | slice) -> ClusterDesign:  # noqa: ARG002
        """Return itself: variants share it."""
        return self

    def shared(self) -> Array:
        """Return the design of all variants."""
        return self.clusters.spread(self.X.X)

    def one(self, row: int) -> Array:  # noqa: ARG002
        """Return the design of one variant."""
        return self.shared()

    def gram(self, present: Array) -> Array:
        """X'X of the effects that are present."""
        return self.X.moments(self.clusters.sums(present).T)

    def fitted(self, beta: Array) -> Array:
        """X beta."""
        return self.clusters.spread(self.X.X @ beta.T)

    def solved(self, S: VariantCovariance, *_: Array) -> _SolvedClusters:
        """Prepare S^-1 X."""
        return _SolvedClusters(self, S)


@dataclass(frozen=True, slots=True, eq=False)
class _SolvedClusters:
    """S^-1 X of a design that is constant within clusters: X times S^-1 1."""

    design: ClusterDesign
    S: VariantCovariance
    _solved: dict[int, Array] = field(default_factory=dict)

    def information(self) -> Array:
        return self._moments(self.S.solved_ones)

    def against(self, z: Array) -> Array:
        found: Array = self.design.X.X.T @ self.design.clusters.sums(self.S.solved_ones * z)
        return found

    def times(self, beta: Array) -> Array:
        return self.S.solved_ones * self.design.fitted(beta)

    def levels(self, groups: Sequence[Groups]) -> list[Array]:
        w = self.S.solved_ones
        return [self._moments(w * g.spread(g.sums(w))) for g in groups]

    def pairs(self, groups: Sequence[Groups], a: int, b: int) -> Array:
        w = self.S.solved_ones
        if b not in self._solved:
            self._solved[b] = self.S.solve_level(b, groups[b].sums(w))
        return self._moments(groups[a].spread(groups[a].sums(w)) * self._solved[b])

    def _moments(self, rows: Array) -> Array:
        """Sum of x x' times values of rows."""
        return self.design.X.moments(self.design.clusters.sums(rows).T)


# Any columns -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ColumnDesign:
    """Columns of shape (k, variants), or (k, 1) where all variants share them."""

    X: tuple[Array, ...]

    @property
    def p(self) -> int:
        """Number of columns."""
        return len(self.X)

    def take(self, columns: IntArray | slice) -> ColumnDesign:
        """Return the design of some variants."""
        return ColumnDesign(tuple(x if x.shape[1] == 1 else x[:, columns] for x in self.X))

    def shared(self) -> Array | None:
        """Return the design of all variants, if they share it."""
        return np.hstack(self.X) if all(x.shape[1] == 1 for x in self.X) else None

    def one(self, row: int) -> Array:
        """Return the design of one variant."""
        return np.column_stack([x[:, min(row, x.shape[1] - 1)] for x in self.X])

    def gram(self, present: Array) -> Array:
        """X'X of the effects that are present."""
        return _cross([x * present for x in self.X], self.X)

    def fitted(self, beta: Array) -> Array:
        """X beta."""
        return _combined(self.X, beta)

    def solved(self, S: VariantCovariance, *_: Array) -> _SolvedColumns:
        """Prepare S^-1 X."""
        columns = [S.solved_ones if (x == 1).all() else S.solve(x) for x in self.X]
        return _SolvedColumns(self.X, S, columns)


@dataclass(frozen=True, slots=True, eq=False)
class _SolvedColumns:
    """S^-1 x of each column."""

    X: tuple[Array, ...]
    S: VariantCovariance
    columns: list[Array]
    _sums: dict[int, list[Array]] = field(default_factory=dict)

    def information(self) -> Array:
        return _cross(self.X, self.columns)

    def against(self, z: Array) -> Array:
        return np.stack([column_products(w, z) for w in self.columns])

    def times(self, beta: Array) -> Array:
        return _combined(self.columns, beta)

    def levels(self, groups: Sequence[Groups]) -> list[Array]:
        self._sums.update({a: [g.sums(w) for w in self.columns] for a, g in enumerate(groups)})
        return [_cross(own, own) for own in self._sums.values()]

    def pairs(self, groups: Sequence[Groups], a: int, b: int) -> Array:
        solved = [self.S.solve_level(b, x) for x in self._sums[b]]
        return _cross(self._sums[a], [groups[a].sums(z) for z in solved])


def column_products(left: Array, right: Array) -> Array:
    """Inner product of the columns of two matrices, shape (columns,)."""
    return np.asarray(np.einsum("kr,kr->r", left, right), dtype=np.float64)


def _combined(columns: Sequence[Array], beta: Array) -> Array:
    """Sum of columns times coefficients (variants, p)."""
    found = columns[0] * beta[:, 0]
    for a in range(1, len(columns)):
        found += columns[a] * beta[:, a]
    return found


def _cross(left: Sequence[Array], right: Sequence[Array]) -> Array:
    """Inner products of columns, shape (variants, p, p)."""
    if all(a.shape[1] == 1 for a in left):
        return np.asarray((np.hstack(left).T @ np.stack(right)).transpose(2, 1, 0))
    shape = left[0].shape
    if shape[0] <= FEW_ROWS and all(a.shape == shape for a in (*left, *right)):
        every = np.einsum("akr,bkr->abr", np.stack(left), np.stack(right))
        return np.asarray(every.transpose(2, 0, 1), dtype=np.float64)
    rows = [np.stack([column_products(a, b) for b in right], axis=-1) for a in left]
    return np.stack(rows, axis=-2)
