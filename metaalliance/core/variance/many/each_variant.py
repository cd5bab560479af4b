"""Covariances of variants one beside the other, for structures without a joint form.

A crossed factor, and samples that cross a level inside studies, have matrices of their own at
every vector of components.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.structure import Covariance, Structure


@dataclass(frozen=True, slots=True, eq=False)
class EachVariant:
    """S of every variant, each by itself; all effects are present.

    Attributes
    ----------
    covariances : tuple of Covariance
        One for each variant.
    count : int
        Number of variance components.
    solved_ones : ndarray, shape (k, variants)
        S^-1 1.
    log_determinant : ndarray, shape (variants,)
        log|S|.
    """

    covariances: tuple[Covariance, ...]
    count: int
    solved_ones: Array
    log_determinant: Array

    @classmethod
    def build(cls, structure: Structure, theta: Array) -> EachVariant:
        """Prepare S at `theta` (variants, c)."""
        found, ones = tuple(structure.at(t) for t in theta), np.ones(structure.vi.size)
        solved = np.column_stack([S.solve(ones) for S in found])
        count = len(structure.names)
        return cls(found, count, solved, np.array([S.log_determinant for S in found]))

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z (k, variants) or (k, 1)."""
        columns = np.broadcast_to(z, (z.shape[0], len(self.covariances))).T
        return np.column_stack(
            [S.solve(column) for S, column in zip(self.covariances, columns, strict=True)]
        )

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z values for values (m, variants) of the groups of a level."""
        return np.column_stack(
            [S.solve_level(level, v) for S, v in zip(self.covariances, values.T, strict=True)]
        )

    def traces(self) -> tuple[Array, None]:
        """Return tr(S^-1 A_a), shape (variants, c); products have no short form."""
        each = [[S.diagonal(a).sum() for a in range(self.count)] for S in self.covariances]
        return np.array(each), None
