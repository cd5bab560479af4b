"""Designs that are constant within most clusters: few studies compare levels within themselves.

Clusters are independent, so that every moment of a design is that of the clusters in which it is
constant and that of the rows of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.data_sets import Design
from metaalliance.core.variance.levels import Groups
from metaalliance.core.variance.many.covariances import covariance_at
from metaalliance.core.variance.many.variant_designs import (
    ClusterDesign,
    ColumnDesign,
    Solved,
    VariantCovariance,
    VariantDesign,
)
from metaalliance.core.variance.structure import Structure

#: Share of the rows, in clusters in which a design varies, from which columns are kept whole.
MANY_ROWS = 0.5


def design_of(X: Sequence[Array], structure: Structure) -> VariantDesign:
    """Return the design of columns (k, variants), or (k, 1) where all variants share them."""
    clusters = structure.clusters
    if structure.crossed or not all(x.shape[1] == 1 for x in X):
        return ColumnDesign(tuple(X))
    whole = np.hstack(X)
    per_cluster = whole[clusters.starts]
    differs = (whole != clusters.spread(per_cluster)).any(axis=1)
    varies = np.maximum.reduceat(differs, clusters.starts)
    rows = np.flatnonzero(clusters.spread(varies))
    if rows.size > MANY_ROWS * whole.shape[0]:
        return ColumnDesign(tuple(X))
    constant = ClusterDesign(Design.of(np.where(varies[:, None], 0.0, per_cluster)), clusters)
    if not rows.size:
        return constant
    own = ColumnDesign(tuple(x[rows] for x in X))
    return MixedDesign(constant, own, rows, structure.take(rows))


@dataclass(frozen=True, slots=True, eq=False)
class MixedDesign:
    """Columns that are shared by all variants and constant within most clusters.

    Attributes
    ----------
    constant : ClusterDesign
        The columns in these clusters, zero in the others.
    varying : ColumnDesign
        The columns of the rows of the others.
    rows : ndarray of int
        Where these rows are.
    structure : Structure
        The covariance of these rows.
    """

    constant: ClusterDesign
    varying: ColumnDesign
    rows: IntArray
    structure: Structure

    @property
    def p(self) -> int:
        """Number of columns."""
        return self.constant.p

    def take(self, columns: IntArray | slice) -> MixedDesign:  # noqa: ARG002
        """Return itself: variants share it."""
        return self

    def shared(self) -> Array:
        """Return the design of all variants."""
        whole = self.constant.shared()
        whole[self.rows] = np.hstack(self.varying.X)
        return whole

    def one(self, row: int) -> Array:  # noqa: ARG002
        """Return the design of one variant."""
        return self.shared()

    def gram(self, present: Array) -> Array:
        """X'X of the effects that are present."""
        return self.constant.gram(present) + self.varying.gram(present[self.rows])

    def fitted(self, beta: Array) -> Array:
        """X beta."""
        found = self.constant.fitted(beta)
        found[self.rows] = self.varying.fitted(beta)
        return found

    def solved(self, S: VariantCovariance, theta: Array, present: Array) -> _SolvedMixed:
        """Prepare S^-1 X."""
        own = covariance_at(self.structure, present[self.rows], theta)
        return _SolvedMixed(self, self.constant.solved(S), self.varying.solved(own))


@dataclass(frozen=True, slots=True, eq=False)
class _SolvedMixed:
    """S^-1 X of a design that is constant within most clusters."""

    design: MixedDesign
    constant: Solved
    varying: Solved

    def information(self) -> Array:
        return self.constant.information() + self.varying.information()

    def against(self, z: Array) -> Array:
        return self.constant.against(z) + self.varying.against(z[self.design.rows])

    def times(self, beta: Array) -> Array:
        found = self.constant.times(beta)
        found[self.design.rows] = self.varying.times(beta)
        return found

    def levels(self, groups: Sequence[Groups]) -> list[Array]:
        own = self.varying.levels(self.design.structure.levels)
        return [a + b for a, b in zip(self.constant.levels(groups), own, strict=True)]

    def pairs(self, groups: Sequence[Groups], a: int, b: int) -> Array:
        own = self.varying.pairs(self.design.structure.levels, a, b)
        return self.constant.pairs(groups, a, b) + own
