"""Variance components whose logarithms are linear in columns of their groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.ascent import MANY_STUDIES, highest, maximize, start_values
from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.levels import Groups
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.structure import Component, Covariance, Structure

#: Variance, relative to a typical sampling variance, below which a logarithm has no maximum.
VANISHING = 1e-7
#: Smallest variance, relative to the same, from which a climb begins.
FLOOR = 0.05


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
    """

    base: Structure
    designs: tuple[Array | None, ...] = field(repr=False)
    absent: tuple[str, ...] = ()

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

    def components(self, theta: Array) -> tuple[Component, ...]:
        """Variance of each component, by group (m,) where it has a design."""
        pairs = zip(self.designs, self.parts(theta), strict=True)
        return tuple(float(b[0]) if C is None else np.exp(C @ b) for C, b in pairs)

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

    def stride(self, step: Array) -> float:
        """Largest change of the logarithm of a variance by a step."""
        pairs = zip(self.designs, self.parts(step), strict=True)
        return max(float(np.abs(C @ b).max()) for C, b in pairs if C is not None)

    def take(self, rows: IntArray, copies: IntArray | int = 0) -> LogLinear:
        """Return the structure of some rows (n,), groups of another copy being other groups."""
        base, designs = self.base.take(rows, copies), []
        for C, old, new in zip(self.designs, self.levels, base.levels, strict=True):
            designs.append(None if C is None else old.spread(C)[rows][new.first])
        return LogLinear(base, tuple(designs), self.absent)

    def draw(self, theta: Sequence[Component] | Array, rng: np.random.Generator) -> Array:
        """Make deviations of effects from their mean at `theta`, shape (k,)."""
        return self.base.draw(self.components(np.asarray(theta)), rng)

    def by_effect(self, theta: Array) -> list[Array]:
        """Variance of each component, shape (k,) in the order of the rows."""
        found = zip(self.levels, self.components(theta), strict=True)
        return [groups.spread(np.broadcast_to(c, groups.m)) for groups, c in found]


def fit_log_linear(
    plain: MultilevelData,
    optimum: MultilevelPoint,
    designs: Sequence[Array | None],
    *,
    restricted: bool,
    absent: tuple[str, ...] = (),
) -> tuple[MultilevelData, MultilevelPoint]:
    """Climb to the highest maximum of the likelihood with log-linear components.

    Parameters
    ----------
    plain, optimum : MultilevelData, MultilevelPoint
        The effects with one variance per component, and that model at its optimum.
    designs, absent
        As in `LogLinear`.
    restricted : bool
        REML in place of ML.

    Returns
    -------
    MultilevelData, MultilevelPoint
        The effects with the structure of the model, and the model at its optimum.

    Raises
    ------
    ConvergenceError
        When the optimum is not reached.

    References
    ----------
    Viechtbauer and López-López (2022): one component of independent effects.

    Examples
    --------
    >>> from metaalliance.core.variance.multilevel import evaluate, nested_data
    >>> y = np.array([0.1, 0.12, 0.08, 0.1, 0.5, -0.3, 0.4, -0.2])
    >>> C = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1]])
    >>> blocks = StudyBlocks.from_sorted(np.arange(8))
    >>> plain = nested_data(y, np.array([0.01, 0.02] * 4), C[:, :1], blocks, 0.0)
    >>> optimum = evaluate(plain, np.array([0.0, 0.05]), restricted=True)
    >>> _, found = fit_log_linear(plain, optimum, [None, C], restricted=True, absent=("study",))
    >>> bool(found.theta[2] > 0)
    True
    """
    structure = LogLinear(plain.structure, tuple(designs), absent)
    data = replace(plain, structure=structure)
    several = start_values(plain) if plain.blocks.m <= MANY_STUDIES else []
    starts = [_start(structure, theta) for theta in (optimum.theta, *several)]
    starts.append(_spread_start(data, optimum, starts[0]))
    return data, highest(_maxima(data, starts, structure.held, restricted=restricted))


def _maxima(
    data: MultilevelData, starts: Sequence[Array], held: BoolArray, *, restricted: bool
) -> list[MultilevelPoint]:
    for start in starts:
        start[held] = 0.0
    return [maximize(data, start, restricted=restricted, held=held) for start in starts]


def _start(structure: LogLinear, theta: Array) -> Array:
    """Parameters of the same variances in all groups, at least a share of the sampling ones."""
    least = FLOOR * float(np.median(structure.vi))
    found = [
        [variance] if C is None else _solved(C, np.full(C.shape[0], np.log(max(variance, least))))
        for C, variance in zip(structure.designs, theta, strict=True)
    ]
    return np.concatenate(found)


def _spread_start(data: MultilevelData, optimum: MultilevelPoint, start: Array) -> Array:
    """Parameters of the logarithms of squared residuals of groups, less their sampling part."""
    structure = data.structure
    assert isinstance(structure, LogLinear)
    squares = (data.yi - data.X @ optimum.beta) ** 2 - data.vi
    least = FLOOR * float(np.median(data.vi))
    found = []
    parts = structure.parts(start)
    for C, groups, own in zip(structure.designs, structure.levels, parts, strict=True):
        means = groups.sums(squares) / groups.sums(np.ones_like(squares))
        found.append(own if C is None else _solved(C, np.log(np.maximum(means, least))))
    return np.concatenate(found)


def _solved(C: Array, logs: Array) -> Array:
    return np.asarray(np.linalg.lstsq(C, logs, rcond=None)[0], dtype=np.float64)


def vanishing(data: MultilevelData, point: MultilevelPoint) -> list[BoolArray]:
    """Which groups of each component have a variance next to zero, each (m,).

    Its logarithm has no finite maximum, and the coefficients that make it have none either.
    """
    structure = data.structure
    assert isinstance(structure, LogLinear)
    least = VANISHING * data.yi.size / float(np.sum(1 / data.vi))
    pairs = zip(structure.designs, structure.components(point.theta), strict=True)
    return [np.asarray(C is not None and c < least) * np.ones(1, bool) for C, c in pairs]
