"""Variants of one set of effects, many at once: subsets of them, other effects, other designs.

Every variant is a column of matrices (k, variants). What all variants share has one column, which
broadcasts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.many.covariances import covariance_at
from metaalliance.core.variance.many.mixed_designs import design_of
from metaalliance.core.variance.many.variant_designs import (
    Solved,
    VariantCovariance,
    VariantDesign,
    column_products,
)
from metaalliance.core.variance.structure import Linear, Structure


@dataclass(frozen=True, slots=True, eq=False)
class Variants:
    """Data sets that are variants of one.

    Attributes
    ----------
    structure : Structure
        The covariance of the effects.
    yi : ndarray, shape (k, variants) or (k, 1)
        Effects.
    design : VariantDesign
        Their designs.
    present : ndarray of 0 and 1, shape (k, variants) or (k, 1)
        Which effects each variant holds.
    size : int
        Number of variants.
    """

    structure: Structure
    yi: Array
    design: VariantDesign
    present: Array
    size: int
    log_xtx: Array = field(repr=False)

    @classmethod
    def of(
        cls, structure: Structure, yi: Array, X: Sequence[Array], present: Array | None = None
    ) -> Variants:
        """Put variants together from effects, columns of designs, and what is present."""
        assert isinstance(structure, Linear)  # climbs are by the variances themselves
        present = np.ones((yi.shape[0], 1)) if present is None else present
        size = max(a.shape[1] for a in (yi, present, *X))
        design = design_of(X, structure)
        return cls(structure, yi, design, present, size, np.linalg.slogdet(design.gram(present))[1])

    @property
    def p(self) -> int:
        """Number of columns of the design."""
        return self.design.p

    @property
    def counts(self) -> Array:
        """Effects of each variant."""
        return np.asarray(self.present.sum(axis=0))

    @property
    def scale(self) -> float:
        """A typical sampling variance."""
        return float(self.structure.vi.size / np.sum(1 / self.structure.vi))

    def take(self, columns: IntArray | slice) -> Variants:
        """Return some of the variants."""

        def some(a: Array) -> Array:
            return a if a.shape[-1] == 1 else a[..., columns]

        size = int(np.arange(self.size)[columns].size)
        design = self.design.take(columns)
        present, log_xtx = some(self.present), some(self.log_xtx)
        return Variants(self.structure, some(self.yi), design, present, size, log_xtx)

    def covariance(self, theta: Array) -> VariantCovariance:
        """Prepare S at `theta` (variants, c)."""
        return covariance_at(self.structure, self.present, theta)

    def at(self, theta: Array, *, restricted: bool) -> Points:
        """Solve the least squares problems at `theta` (variants, c)."""
        S, yi = self.covariance(theta), self.yi
        solved = self.design.solved(S, theta, self.present)
        bread = np.asarray(np.linalg.inv(solved.information()), dtype=np.float64)
        beta = np.einsum("rab,br->ra", bread, solved.against(yi))
        u = S.solve(yi) - solved.times(beta)
        rss = column_products(yi - self.design.fitted(beta), u)
        value = -0.5 * (S.log_determinant + rss)
        if restricted:
            value = value + 0.5 * (np.linalg.slogdet(bread)[1] + self.log_xtx)
        return Points(self, theta, S, solved, bread, beta, u, rss, value)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The model of every variant at its variance components.

    Attributes
    ----------
    theta : ndarray, shape (variants, c)
        Variance components.
    solved : Solved
        S^-1 X.
    bread, beta : ndarray, shape (variants, p, p) and (variants, p)
        (X'S^-1 X)^-1 and generalised least squares coefficients.
    u : ndarray, shape (k, variants)
        S^-1 (y - X beta).
    rss, value : ndarray, shape (variants,)
        (y - X beta)'u, and the log-likelihood without its constants.
    """

    variants: Variants
    theta: Array
    covariance: VariantCovariance
    solved: Solved
    bread: Array
    beta: Array
    u: Array
    rss: Array
    value: Array

    @property
    def residuals(self) -> Array:
        """Effects less X beta, (k, variants), with beta refined once as in `robust.residuals`."""
        fitted = self.variants.design.fitted
        e = self.variants.yi - fitted(self.beta)
        return e - fitted(np.einsum("rab,br->ra", self.bread, self.solved.against(e)))

    def trace(self) -> Array:
        """Trace of P, shape (variants,)."""
        structure = self.variants.structure
        effect = structure.names.index("effect")
        lost = np.sum(self.bread * self.solved.levels(structure.levels)[effect], axis=(1, 2))
        return np.asarray(self.covariance.traces()[0][:, effect] - lost)

    def score(self, *, restricted: bool) -> tuple[Array, Array, Array | None]:
        """Score (variants, c) and informations (variants, c, c) as in `score_and_information`."""
        S, levels = self.covariance, self.variants.structure.levels
        sums = [groups.sums(self.u) for groups in levels]
        solved = [S.solve_level(a, s) for a, s in enumerate(sums)]
        average = 0.5 * _symmetric(
            lambda a, b: column_products(sums[a], levels[a].sums(solved[b])), len(levels)
        )
        spread = [groups.spread(s) for groups, s in zip(levels, sums, strict=True)]
        along = np.stack([self.solved.against(z) for z in spread])  # (c, p, variants)
        average -= 0.5 * np.einsum("xar,rab,ybr->rxy", along, self.bread, along)
        traces, products = S.traces()
        if restricted:
            M = self.solved.levels(levels)
            traces = traces - np.stack([np.sum(self.bread * m, axis=(1, 2)) for m in M], axis=1)
            if products is not None:
                products = self._restricted(products, M)
        score = 0.5 * (np.stack([column_products(s, s) for s in sums], axis=1) - traces)
        if products is None:
            return score, average, None
        return score, 2 * average - 0.5 * products, 0.5 * products

    def _restricted(self, products: Array, M: list[Array]) -> Array:
        """Turn traces of S^-1 A_a S^-1 A_b into traces of P A_a P A_b."""
        G, levels = self.bread, self.variants.structure.levels
        GM = [G @ m for m in M]

        def lost(a: int, b: int) -> Array:
            N = self.solved.pairs(levels, a, b)
            both = np.einsum("rab,rba->r", GM[a], GM[b])
            return np.asarray(2 * np.einsum("rab,rba->r", G, N) - both)

        return np.asarray(products - _symmetric(lost, len(levels)))


def _symmetric(entry: Callable[[int, int], Array], count: int) -> Array:
    """Symmetric matrices (variants, count, count) of the entries (variants,) on and above."""
    upper = {(a, b): entry(a, b) for a in range(count) for b in range(a, count)}
    rows = [np.stack([upper[min(a, b), max(a, b)] for b in range(count)], axis=-1)
            for a in range(count)]  # fmt: skip
    return np.stack(rows, axis=-2)
