"""Variance components whose logarithms are linear in columns of their groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import block_diag

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.levels import Groups
from metaalliance.core.variance.structure import Component, Covariance, Structure

#: Variance, relative to a typical sampling variance, that the likelihood does not tell from zero.
NOTHING = 1e-10
#: The same below which a step may be as long as it will.
_IDLE = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class LogLinear:
    """A structure whose components differ between groups: log variance = design @ coefficients.

    Attributes
    ----------
    base : Structure
        The structure of one variance per component.
    designs : tuple of ndarray, shape (m, q), or None
        By component, columns of the groups of its level, the first of which spans an intercept
        with the others; None for one variance, which may be zero.
    absent : tuple of str
        Components that are zero.
    known : tuple of ndarray, shape (m,), or float
        By component, a part of the logarithms that no coefficient moves: a contrast that is held,
        or minus infinity for groups without variance. Nothing by default.
    """

    base: Structure
    designs: tuple[Array | None, ...] = field(repr=False)
    absent: tuple[str, ...] = ()
    known: tuple[Array | float, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.known:
            object.__setattr__(self, "known", (0.0,) * len(self.designs))

    @property
    def vi(self) -> Array:
        """Sampling variances, shape (k,)."""
        return self.base.vi

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the component of each parameter."""
        pairs = zip(self.base.names, self._counts, strict=True)
        return tuple(name for name, count in pairs for _ in range(count))

    @property
    def levels(self) -> tuple[Groups, ...]:
        """Groups of each component."""
        return self.base.levels

    @property
    def lowest(self) -> Array:
        """Zero for a variance; coefficients of logarithms have no lowest value."""
        lowest = [0.0 if design is None else -np.inf for design in self.designs]
        return np.repeat(lowest, self._counts)

    @property
    def clusters(self) -> StudyBlocks:
        """Groups of the coarsest nested level."""
        return self.base.clusters

    @property
    def crossed(self) -> str:
        """Name of the crossed factor."""
        return self.base.crossed

    @property
    def held(self) -> BoolArray:
        """Whether a parameter is zero and stays there, shape (c,)."""
        return np.isin(self.names, self.absent)

    @property
    def _counts(self) -> list[int]:
        return [1 if design is None else design.shape[1] for design in self.designs]

    @property
    def ends(self) -> IntArray:
        """Where the parameters of each component but the last end."""
        return np.cumsum(self._counts)[:-1]

    def parts(self, theta: Array) -> list[Array]:
        """Parameters of each component."""
        return np.split(theta, self.ends)

    def logarithms(self, theta: Array) -> list[Array | None]:
        """Logarithms of the variances (m,) of each component that has a design."""
        parts = zip(self.designs, self.parts(theta), self.known, strict=True)
        return [None if C is None else C @ b + known for C, b, known in parts]

    def components(self, theta: Array) -> tuple[Component, ...]:
        """Variance of each component, by group (m,) where it has a design."""
        pairs = zip(self.logarithms(theta), self.parts(theta), strict=True)
        return tuple(float(b[0]) if logs is None else np.exp(logs) for logs, b in pairs)

    def at(self, theta: Sequence[Component] | Array) -> Covariance:
        """Return S at `theta` (c,)."""
        return self.base.at(self.components(np.asarray(theta)))

    def slopes(self, theta: Array) -> tuple[Slope, ...]:
        """Return the derivative of S by each parameter."""
        found = []
        for a, (C, variance) in enumerate(zip(self.designs, self.components(theta), strict=True)):
            columns = np.ones((1, self.levels[a].m)) if C is None else variance * C.T
            found += [Slope(a, column) for column in columns]
        return tuple(found)

    def bend(self, theta: Array, along: Sequence[Array]) -> Array:
        """Sum the second derivatives (c, c) of the variances of groups, `along` (m,) each level."""
        found, first = np.zeros((theta.size, theta.size)), 0
        pairs = zip(self.designs, self.components(theta), along, self._counts, strict=True)
        for C, variance, weight, count in pairs:
            if C is not None:
                own = slice(first, first + count)
                found[own, own] = (C * (weight * variance)[:, None]).T @ C
            first += count
        return found

    @property
    def typical(self) -> float:
        """A sampling variance of usual size: the harmonic mean."""
        return self.vi.size / float(np.sum(1 / self.vi))

    def stride(self, theta: Array, step: Array) -> float:
        """Largest change of the logarithm of a variance by a step, of those that matter."""
        idle, largest = np.log(_IDLE * self.typical), 0.0
        for C, before, b in zip(
            self.designs, self.logarithms(theta), self.parts(step), strict=True
        ):
            if C is not None and before is not None:
                change = C @ b
                up = np.maximum(before + change, idle) - np.maximum(before, idle)
                down = np.where(before > idle, -change, 0.0)
                largest = max(largest, float(up.max()), float(down.max()))
        return largest

    def metric(self, theta: Array) -> Array:
        """Return the squared change of logarithms by a step, as a matrix (c, c)."""
        found = []
        for C, b, known in zip(self.designs, self.parts(theta), self.known, strict=True):
            if C is None:
                found.append((self.typical + b[:, None]) ** -2)
            else:
                live = C[np.broadcast_to(np.isfinite(known), len(C))]
                found.append(live.T @ live)
        return np.asarray(block_diag(*found), dtype=np.float64)

    def take(self, rows: IntArray, copies: IntArray | int = 0) -> LogLinear:
        """Return the structure of some rows (n,), groups of another copy being other groups."""
        base, designs, known = self.base.take(rows, copies), [], []
        parts = zip(self.designs, self.known, self.levels, base.levels, strict=True)
        for C, part, old, new in parts:
            designs.append(None if C is None else old.spread(C)[rows][new.first])
            held = np.broadcast_to(part, old.m)
            known.append(0.0 if C is None else old.spread(held)[rows][new.first])
        return LogLinear(base, tuple(designs), self.absent, tuple(known))

    def of(self, component: int, C: Array, known: Array) -> LogLinear:
        """Return the structure with other columns and another known part of a component."""
        designs, parts = list(self.designs), list(self.known)
        designs[component], parts[component] = C, known
        return replace(self, designs=tuple(designs), known=tuple(parts))

    def draw(self, theta: Sequence[Component] | Array, rng: np.random.Generator) -> Array:
        """Make deviations of effects from their mean at `theta`, shape (k,)."""
        return self.base.draw(self.components(np.asarray(theta)), rng)

    def by_effect(self, theta: Array) -> list[Array]:
        """Variance of each component, shape (k,) in the order of the rows."""
        found = zip(self.levels, self.components(theta), strict=True)
        return [groups.spread(np.broadcast_to(c, groups.m)) for groups, c in found]
