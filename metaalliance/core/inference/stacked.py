"""Means of groups that were fitted one by one, tested together with the studies they share.

Groups with variances of their own are independent in the working model. A study with effects in
several groups still links them: the robust covariance sums its scores over groups, which makes
this the subgroup correlated effects model with cluster-robust inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.inference.forms import quadratic_forms
from metaalliance.core.inference.robust import residuals, satterthwaite, small_sample_factor
from metaalliance.core.inference.wald import (
    WaldTest,
    constraint_matrix,
    hotelling,
    influence,
    wishart_df,
)
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint


@dataclass(frozen=True, slots=True, eq=False)
class StackedMeans:
    """The means of several groups with everything that their robust covariance needs.

    Attributes
    ----------
    beta : ndarray, shape (g,)
        Means.
    bread : ndarray, shape (g, g)
        Their model-based covariance, diagonal.
    kind : {"cr0", "cr1", "cr1s", "cr2"}
        The robust covariance.
    blocks : StudyBlocks
        Studies over all groups.
    X, H : ndarray, shape (k, g)
        Indicators of the groups, and rows of A W X (X'WX)^-1.
    residuals : ndarray, shape (k,)
        Effects less the mean of their group.
    """

    beta: Array
    bread: Array
    kind: str
    blocks: StudyBlocks
    X: Array
    H: Array
    residuals: Array
    floor: float
    parts: tuple[tuple[MultilevelData, MultilevelPoint, IntArray], ...]

    @classmethod
    def build(
        cls,
        parts: Sequence[tuple[MultilevelData, MultilevelPoint, IntArray]],
        studies: IntArray,
        kind: str,
    ) -> StackedMeans:
        """Stack fits of one mean each.

        Parameters
        ----------
        parts : sequence of (MultilevelData, MultilevelPoint, ndarray of int)
            Fit of each group, its clusters the studies, with the row of each of its effects
            among all k.
        studies : ndarray of int, shape (k,)
            Index of the study of each effect.
        kind : {"cr0", "cr1", "cr1s", "cr2"}
            The robust covariance.
        """
        k, g = studies.size, len(parts)
        order = np.argsort(studies, kind="stable")
        place = np.empty(k, dtype=np.intp)
        place[order] = np.arange(k)
        blocks = StudyBlocks.from_sorted(studies[order])
        X, H, e = np.zeros((k, g)), np.zeros((k, g)), np.zeros(k)
        factor = np.sqrt(small_sample_factor(kind, blocks.m, k, g))
        placed = []
        for index, (data, point, rows) in enumerate(parts):
            at = place[rows]
            X[at, index] = 1.0
            own = influence(data, point, np.eye(1), "cr2" if kind == "cr2" else "cr0")
            H[at, index] = factor * own[:, 0]
            e[at] = residuals(data, point)
            placed.append((data, point, at))
        beta = np.array([float(point.beta[0]) for _, point, _ in parts])
        bread = np.diag([float(point.bread[0, 0]) for _, point, _ in parts])
        noise = 1e-12 * max(float(np.abs(data.yi).max()) for data, _, _ in parts)
        return cls(beta, bread, kind, blocks, X, H, e, noise, tuple(placed))

    @property
    def covariance(self) -> Array:
        """Robust covariance of the means, shape (g, g)."""
        return self._sandwich(np.eye(self.beta.size))

    def degrees(self, C: Array) -> Array:
        """Satterthwaite degrees of freedom of each row of `C` (q, g)."""
        return satterthwaite(self.blocks, self.X, self.bread, self.H @ C.T, self.multiply)

    def multiply(self, z: Array) -> Array:
        """Return S z for z (k,), the groups independent of each other."""
        out = np.empty_like(z)
        for _, point, at in self.parts:
            out[at] = point.covariance.multiply(z[at])
        return out

    def htz(self, C: ArrayLike) -> WaldTest:
        """Test C beta = 0 by the approximate Hotelling test; see `core.wald.htz_test`."""
        C = constraint_matrix(C, self.beta.size)
        G, q = self.H @ C.T, C.shape[0]
        floor = np.sum((self.floor * self.blocks.sums(np.abs(G))) ** 2, axis=0)
        Q = float(quadratic_forms((C @ self.beta)[None], self._sandwich(C)[None], floor)[0])
        eta = wishart_df(self.blocks, self.X, self.bread, G, self.multiply)
        return hotelling(Q, eta, q, self.kind)

    def _sandwich(self, C: Array) -> Array:
        scores = self.blocks.sums((self.H @ C.T) * self.residuals[:, None])
        V: Array = scores.T @ scores
        return V
