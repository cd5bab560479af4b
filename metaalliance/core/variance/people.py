"""Whose sampling errors are correlated: samples of the same people, and of fewer of them.

Errors of one sample have the covariance rho u_i u_j min(l_i, l_j), where l is a share of the people
of the sample and u = sqrt(v / l). Effects of the same people have l = 1; where the n differ and the
smaller groups lie within the larger ones, l = n / N and the correlation is rho sqrt(n_i / n_j) of
the smaller n to the larger. min(l_i, l_j) is the covariance of a random walk that is observed at
l_i, so that the filter and the smoother of a random walk solve with it in one pass over the steps
of a sample, from the fewest people to the most and back. Nothing is subtracted on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import StudyBlocks


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The samples of sorted effects, and their steps from the fewest people to the most.

    Attributes
    ----------
    samples, steps : StudyBlocks
        Effects of one sample, and inside them those of one number of people.
    levels : ndarray, shape (t,)
        Share of the people of its sample in each step, up to a factor of the sample.
    loading : ndarray, shape (k,)
        1 / sqrt(level) of each effect.
    increments : ndarray, shape (t,)
        What each step adds to the level before it.
    depths : tuple of ndarray
        Steps that have 1, 2, ... steps of their sample before them; none where nobody is nested.
    """

    samples: StudyBlocks
    steps: StudyBlocks
    levels: Array = field(repr=False)
    loading: Array = field(repr=False)
    increments: Array = field(repr=False)
    depths: tuple[IntArray, ...] = field(repr=False)

    @classmethod
    def same(cls, samples: StudyBlocks) -> People:
        """All effects of a sample are of the same people."""
        k, m = samples.study.size, samples.m
        return cls(samples, samples, np.ones(m), np.ones(k), np.ones(m), ())

    @classmethod
    def nested(cls, samples: StudyBlocks, n: Array) -> People:
        """Smaller groups lie within larger ones; `n` (k,) rises within samples.

        Examples
        --------
        >>> one = StudyBlocks.from_sorted(np.zeros(3, dtype=np.intp))
        >>> People.nested(one, np.array([40.0, 400.0, 400.0])).levels.tolist()
        [0.1, 1.0]
        """
        new = (samples.study[1:] != samples.study[:-1]) | (n[1:] != n[:-1])
        steps = StudyBlocks.from_sorted(np.cumsum(np.r_[False, new]).astype(np.intp))
        most = np.maximum.reduceat(n, samples.starts)
        levels = n[steps.starts] / most[samples.study[steps.starts]]
        return cls._of(samples, steps, levels)

    @classmethod
    def _of(cls, samples: StudyBlocks, steps: StudyBlocks, levels: Array) -> People:
        own = samples.study[steps.starts]
        first = np.searchsorted(steps.starts, samples.starts)
        depth = np.arange(steps.m) - first[own]
        before = np.where(depth > 0, np.r_[0.0, levels[:-1]], 0.0)
        depths = tuple(np.flatnonzero(depth == d) for d in range(1, int(depth.max()) + 1))
        loading = 1 / np.sqrt(steps.spread(levels))
        return cls(samples, steps, levels, loading, levels - before, depths)

    def take(self, rows: IntArray, copies: IntArray | int = 0) -> People:
        """Return the people of some rows (n,), samples of another copy being other samples."""
        samples = self.samples.take(rows, copies)
        if not self.depths and self.steps is self.samples:
            return People.same(samples)
        steps = self.steps.take(rows, copies)
        return People._of(samples, steps, self.levels[self.steps.study[rows]][steps.starts])

    def per_step(self, values: Array) -> Array:
        """Give each step the value of its sample: (s,) to (t,)."""
        return values[self.samples.study[self.steps.starts]]

    def of_steps(self, values: Array) -> Array:
        """Sum the steps of each sample: (t,) to (s,)."""
        first = np.searchsorted(self.steps.starts, self.samples.starts)
        return np.add.reduceat(values, first)

    def covered(self, x: Array) -> Array:
        """Sum over the steps of a sample of min(l_d, l_e) x_e: (t, ...) to (t, ...)."""
        out = x.copy()
        for at in reversed(self.depths):
            out[at - 1] += out[at]
        out = out * (self.increments if x.ndim == 1 else self.increments[:, None])
        for at in self.depths:
            out[at] += out[at - 1]
        return out

    def dense(self, rows: IntArray) -> Array:
        """Return u_i u_j min(l_i, l_j) / sqrt(v_i v_j) of rows (c, n), shape (c, n, n)."""
        own = self.samples.study[rows]
        same = own[:, :, None] == own[:, None, :]
        if not self.depths:
            return np.asarray(same, dtype=np.float64)
        level, loading = self.levels[self.steps.study[rows]], self.loading[rows]
        shared = np.minimum(level[:, :, None], level[:, None, :])
        return np.asarray(same * shared * loading[:, :, None] * loading[:, None, :])

    def draw(self, rng: np.random.Generator) -> Array:
        """Make errors that are shared within samples, of variance one, shape (k,)."""
        walk = np.sqrt(self.increments) * rng.standard_normal(self.steps.m)
        for at in self.depths:
            walk[at] += walk[at - 1]
        return self.loading * self.steps.spread(walk)


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """The random walk of every sample, known from what the steps say of it.

    Attributes
    ----------
    people : People
        The samples.
    growth : ndarray, shape (t,) or (t, r)
        1 + p i, of the variance p before a step and its information i.
    filtered : ndarray, shape as growth
        Variance after each step.
    kept, carried : ndarray, shape as growth
        Shares of a step's own value and of that of the next step in its smoothed value.
    smoothed : ndarray, shape as growth
        Variance given all steps of the sample.
    """

    people: People
    growth: Array
    filtered: Array
    kept: Array
    carried: Array
    smoothed: Array

    @classmethod
    def known(cls, people: People, rho: float | Array, information: Array) -> Walk:
        """Filter and smooth for `information` (t,) or (t, r) and rho, one number or (t,)."""
        added: Array = np.asarray(rho * people.increments)
        added = added if information.ndim == 1 else added[:, None]
        growth = 1 + added * information
        filtered = added / growth
        kept, carried = np.ones_like(growth), np.zeros_like(growth)
        for at in people.depths:
            before = filtered[at - 1] + added[at]
            carried[at - 1], kept[at - 1] = filtered[at - 1] / before, added[at] / before
            growth[at] = 1 + before * information[at]
            filtered[at] = before / growth[at]
        smoothed = filtered * kept
        for at in reversed(people.depths):
            smoothed[at - 1] += carried[at - 1] ** 2 * smoothed[at]
        return cls(people, growth, filtered, kept, carried, smoothed)

    @property
    def log_determinant(self) -> Array:
        """Sum of the logarithms of the growth, of every column."""
        return np.asarray(np.log(self.growth).sum(axis=0))

    def mean(self, said: Array) -> Array:
        """Return the walk at every step, (t, ...), from what is said of it: precision by value."""
        found: Array = self.filtered * said
        for at in self.people.depths:
            found[at] += found[at - 1] / self.growth[at]
        for at in reversed(self.people.depths):
            ahead = self.carried[at - 1] * found[at]
            found[at - 1] = self.kept[at - 1] * found[at - 1] + ahead
        return found

    def squares(self, a: Array, b: Array) -> Array:
        """Sum over pairs of steps of a_d b_e P_de², P the smoothed covariance."""
        return np.asarray(np.sum(self.squares_of(a, b), axis=0))

    def squares_of(self, a: Array, b: Array) -> Array:
        """What pairs with each step and those before it have in `squares`, (t, ...)."""
        before = self._before(a) * b + a * self._before(b)
        return np.asarray(self.smoothed**2 * (a * b + before))

    def _before(self, a: Array) -> Array:
        """Sum over the steps d before each e of a_d (P_de / P_ee)²."""
        before = np.zeros_like(a)
        for at in self.people.depths:
            before[at] = self.carried[at - 1] ** 2 * (before[at - 1] + a[at - 1])
        return before
