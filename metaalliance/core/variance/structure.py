"""What a covariance of effects is made of: its levels, its sampling errors, its components.

A structure gives the covariance S at a vector of variance components. Everything that is fitted
or tested asks a structure and a covariance only for what stands in the two protocols, so that a
new structure is one class here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.levels import Crossed, Groups, LevelCovariance, Rows, Term
from metaalliance.core.variance.marginal import MarginalCovariance
from metaalliance.core.variance.own import Dense, Diagonal, Own, SamplingErrors, Shared, pairs
from metaalliance.core.variance.people import People

#: A variance component: one variance, or that of each group of its level.
Component = float | Array


class Covariance(Protocol):
    """S at its variance components; Z_a spreads the groups of the level of one of them."""

    @property
    def log_determinant(self) -> float:
        """log|S|."""

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z of shape (k,) or (k, c)."""

    def multiply(self, z: Array) -> Array:
        """Return S z for z of shape (k,)."""

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z_a values for values of the groups of a level, (m,) or (m, c)."""

    def diagonal(self, level: int) -> Array:
        """Return the diagonal of Z_a' S^-1 Z_a, shape (m,)."""

    def products(self, slopes: Sequence[Slope]) -> Array | None:
        """Return tr(S^-1 A_a S^-1 A_b) of derivatives A_a of S, where it costs little."""

    def dense_blocks(self, rows: IntArray) -> Array:
        """Return S of rows (c, n) of one cluster each, shape (c, n, n)."""


class Structure(Protocol):
    """The covariance of effects as a function of its variance components."""

    @property
    def vi(self) -> Array:
        """Sampling variances, shape (k,)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variance components, in the order of theta."""

    @property
    def levels(self) -> tuple[Groups, ...]:
        """Groups of each component."""

    @property
    def lowest(self) -> Array:
        """What no parameter is below, shape (c,): zero for a variance."""

    @property
    def clusters(self) -> StudyBlocks:
        """Groups of the coarsest nested level, which are the clusters of robust tests."""

    @property
    def crossed(self) -> str:
        """Name of a factor that links the clusters; "" where they are independent."""

    def at(self, theta: Sequence[Component] | Array) -> Covariance:
        """Return S at `theta` (c,)."""

    def components(self, theta: Array) -> tuple[Component, ...]:
        """Return the variance of each component, by group (m,) where they differ."""

    def slopes(self, theta: Array) -> tuple[Slope, ...]:
        """Return the derivative of S by each parameter."""

    def bend(self, theta: Array, along: Sequence[Array]) -> Array | float:
        """Sum the second derivatives (c, c) of the variances of groups, `along` (m,) each level."""

    def stride(self, theta: Array, step: Array) -> float:
        """Largest change of the logarithm of a variance by a step; 0 where none is a parameter."""

    def metric(self, theta: Array) -> Array | None:
        """Return the squares (c, c) of the length of a step; None where no logarithm is in it."""

    def take(self, rows: IntArray, copies: IntArray | int = 0) -> Structure:
        """Return the structure of some rows (n,), groups of another copy being other groups."""

    def draw(self, theta: Sequence[Component] | Array, rng: np.random.Generator) -> Array:
        """Make deviations of effects from their mean at `theta`, shape (k,)."""


class Linear(ABC):
    """A structure whose parameters are the variances themselves."""

    __slots__ = ()

    @property
    @abstractmethod
    def levels(self) -> tuple[Groups, ...]:
        """Groups of each component."""

    @property
    def lowest(self) -> Array:
        """No variance is negative, shape (c,)."""
        return np.zeros(len(self.levels))

    def components(self, theta: Array) -> tuple[Component, ...]:
        """The parameters are the variances."""
        return tuple(float(variance) for variance in theta)

    def slopes(self, _: Array) -> tuple[Slope, ...]:
        """Return the derivative of S by each variance."""
        return tuple(Slope(a, np.ones(groups.m)) for a, groups in enumerate(self.levels))

    def bend(self, _: Array, __: Sequence[Array]) -> float:
        """S is linear in its variances."""
        return 0.0

    def stride(self, _: Array, __: Array) -> float:
        """No logarithm is a parameter."""
        return 0.0

    def metric(self, _: Array) -> Array | None:
        """No logarithm is a parameter."""
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Nested(Linear):
    """Effects in studies, with one correlation of the sampling errors of a sample.

    Attributes
    ----------
    vi : ndarray, shape (k,)
        Sampling variances.
    clusters : StudyBlocks
        The studies.
    people : People
        The independent samples inside them, and whose people are among those of others.
    rho : float
        Correlation of the sampling errors of the same people.
    """

    vi: Array
    clusters: StudyBlocks
    people: People
    rho: float

    @property
    def names(self) -> tuple[str, ...]:
        """Variance between studies, and between effects of a study."""
        return ("study", "effect")

    @property
    def levels(self) -> tuple[Groups, ...]:
        """Studies and rows."""
        return (self.clusters, Rows(self.vi.size))

    @property
    def crossed(self) -> str:
        """Studies are independent."""
        return ""

    def at(self, theta: Sequence[Component] | Array) -> MarginalCovariance:
        """Return S at `theta` (2,)."""
        study, effect = theta
        return MarginalCovariance.build(
            self.clusters, self.vi, self.rho, study, effect, self.people
        )

    def take(self, rows: IntArray, copies: IntArray | int = 0) -> Nested:
        """Return the structure of some rows (n,), studies of another copy being other studies."""
        studies = self.clusters.take(rows, copies)
        return Nested(self.vi[rows], studies, self.people.take(rows, copies), self.rho)

    def draw(self, theta: Sequence[Component] | Array, rng: np.random.Generator) -> Array:
        """Make deviations of effects from their mean at `theta`, shape (k,)."""
        study, alike = rng.standard_normal(self.clusters.m), self.people.draw(rng)
        own = rng.standard_normal((2, self.vi.size))
        shared = np.sqrt(self.rho) * alike + np.sqrt(1 - self.rho) * own[1]
        true = self.clusters.spread(np.sqrt(theta[0]) * study) + np.sqrt(theta[1]) * own[0]
        return np.asarray(true + np.sqrt(self.vi) * shared, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Levels(Linear):
    """Any number of nested levels, correlated sampling errors, and one crossed factor.

    Attributes
    ----------
    vi : ndarray, shape (k,)
        Sampling variances; every group of every nested level is adjacent.
    own : ndarray, shape (k,)
        Part of them on the diagonal: (1 - rho) v for a constant rho.
    sampling : tuple of Term
        Correlated sampling errors, loading sqrt(v), weight rho (per group).
    random : tuple of (str, StudyBlocks)
        Random intercepts by name, from the finest groups to the coarsest.
    factor : (str, Crossed), optional
        A crossed random factor by name.
    errors : SamplingErrors, optional
        Sampling errors in place of `sampling`, where samples cross a level inside studies, or
        nested people meet one.
    people : (People, ndarray), optional
        Nested people in place of `sampling`, whose samples lie inside every level, and the
        correlation of each sample.
    """

    vi: Array
    own: Array = field(repr=False)
    sampling: tuple[Term, ...]
    random: tuple[tuple[str, StudyBlocks], ...]
    factor: tuple[str, Crossed] | None = None
    errors: SamplingErrors | None = None
    people: tuple[People, Array] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Variance between effects, of each level, of the crossed factor."""
        return ("effect", *(name for name, _ in self.random), *filter(None, (self.crossed,)))

    @property
    def levels(self) -> tuple[Groups, ...]:
        """Groups of each component."""
        factor = () if self.factor is None else (self.factor[1],)
        return (Rows(self.vi.size), *(blocks for _, blocks in self.random), *factor)

    @property
    def clusters(self) -> StudyBlocks:
        """Groups of the coarsest level."""
        return self.random[-1][1]

    @property
    def crossed(self) -> str:
        """Name of the crossed factor."""
        return "" if self.factor is None else self.factor[0]

    def at(self, theta: Sequence[Component] | Array) -> LevelCovariance:
        """Return S at `theta` (c,)."""
        ones = np.ones_like(self.vi)
        terms = [
            Term(blocks, ones, np.broadcast_to(variance, blocks.m))
            for (_, blocks), variance in zip(self.random, theta[1:], strict=False)
        ]
        factor = None if self.factor is None else self.factor[1]
        own: Own = Diagonal(self.own + theta[0])
        if self.errors is not None:
            inside = [name for name, _ in self.random].index("study")
            own = Dense.build(terms[inside].blocks, self._dense(theta[0], terms[:inside]))
            terms = terms[inside:]
        elif self.people is not None:
            own = Shared.build(self.people[0], self.vi, self.people[1], self.own + theta[0])
        ordered = sorted([*self.sampling, *terms], key=lambda term: -term.blocks.m)
        return LevelCovariance.build(own, ordered, self.levels, factor, theta[-1])

    def _dense(self, variance: Component, terms: Sequence[Term]) -> Callable[[IntArray], Array]:
        """Return what gives the covariance of rows (c, n) of one study each, up to a level."""

        def dense(rows: IntArray) -> Array:
            assert self.errors is not None
            each = np.broadcast_to(variance, self.vi.size)[rows]
            found = self.errors.dense(rows) + each[:, :, None] * np.eye(rows.shape[1])
            for term in terms:
                group = term.blocks.study[rows]
                found += pairs(group) * term.weight[group][:, :, None]
            return found

        return dense

    def take(self, rows: IntArray, copies: IntArray | int = 0) -> Levels:
        """Return the structure of some rows (n,), groups of another copy being other groups."""
        sampling = []
        for term in self.sampling:
            blocks = term.blocks.take(rows, copies)
            weight = term.weight[term.blocks.study[rows][blocks.starts]]
            sampling.append(Term(blocks, term.loading[rows], weight))
        factor = None
        if self.factor is not None:
            codes = np.unique(self.factor[1].codes[rows], return_inverse=True)[1]
            factor = (self.factor[0], Crossed(codes.astype(np.intp)))
        random = tuple((name, blocks.take(rows, copies)) for name, blocks in self.random)
        errors = None if self.errors is None else self.errors.take(rows)
        people = None
        if self.people is not None:
            some = self.people[0].take(rows, copies)
            own = self.people[0].samples.study[rows][some.samples.starts]
            people = (some, self.people[1][own])
        return Levels(
            self.vi[rows], self.own[rows], tuple(sampling), random, factor, errors, people
        )

    def draw(self, theta: Sequence[Component] | Array, rng: np.random.Generator) -> Array:
        """Make deviations of effects from their mean at `theta`, shape (k,)."""
        made = np.zeros(self.vi.size)
        for groups, variance in zip(self.levels, theta, strict=True):
            made += groups.spread(np.sqrt(variance) * rng.standard_normal(groups.m))
        errors, white = self.at(np.zeros(len(theta))), rng.standard_normal(self.vi.size)
        every = np.ones(self.clusters.m, dtype=bool)
        for rows in self.clusters.of_one_size(every):
            root = np.linalg.cholesky(errors.dense_blocks(rows))
            made[rows] += np.einsum("cij,cj->ci", root, white[rows])
        return made
