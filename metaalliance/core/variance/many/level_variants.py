"""The covariance of effects in any number of nested levels at many components at once.

Every variant of the effects is a column of matrices (k, variants); the algebra is that of
`levels.LevelCovariance` without a crossed factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.levels import Groups
from metaalliance.core.variance.own import Shared
from metaalliance.core.variance.people import People
from metaalliance.core.variance.structure import Levels


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """An outer product u u' of each group that was added to S.

    Attributes
    ----------
    loading : ndarray, shape (k, 1)
        u.
    solved : ndarray, shape (k, variants)
        S_before^-1 u.
    gain : ndarray, shape (m, variants)
        c / (1 + c u'S_before^-1 u).
    """

    blocks: StudyBlocks
    loading: Array
    solved: Array
    gain: Array


@dataclass(frozen=True, slots=True, eq=False)
class LevelVariants:
    """S of every variant at its own variance components, ready to be solved with.

    Attributes
    ----------
    own : Shared
        Its diagonal part, with the errors of nested people, a column for each variant.
    levels : tuple of Rows or StudyBlocks
        Groups of each variance component.
    steps : tuple
        What each term changes, from the finest groups to the coarsest.
    solved_ones : ndarray, shape (k, variants)
        S^-1 1.
    log_determinant : ndarray, shape (variants,)
        log|S| of the effects that are present.
    """

    own: Shared
    levels: tuple[Groups, ...]
    steps: tuple[_Step, ...]
    solved_ones: Array
    log_determinant: Array

    @classmethod
    def build(cls, structure: Levels, present: Array, theta: Array) -> LevelVariants:
        """Prepare S for `present` (k, variants) of zero and one and `theta` (variants, c)."""
        people, rho = structure.people or (People.same(structure.clusters), 0.0)
        diagonal = structure.own[:, None] + theta[:, 0]
        own = Shared.build(people, structure.vi, rho, diagonal, present)
        log_det = own.log_determinants
        ones = np.ones((structure.vi.size, 1))
        terms = [(t.blocks, t.loading[:, None], t.weight[:, None]) for t in structure.sampling]
        terms += [
            (blocks, ones, variance[None])
            for (_, blocks), variance in zip(structure.random, theta.T[1:], strict=True)
        ]
        steps: list[_Step] = []
        for blocks, loading, weight in sorted(terms, key=lambda term: -term[0].m):
            solved = _solve(own, steps, loading)
            growth = 1 + weight * blocks.sums(loading * solved)
            steps.append(_Step(blocks, loading, solved, weight / growth))
            log_det = log_det + np.log(growth).sum(axis=0)
        return cls(own, structure.levels, tuple(steps), _solve(own, steps, ones), log_det)

    def solve(self, z: Array) -> Array:
        """Return S^-1 z for z (k, variants) or (k, 1); absent effects get zero."""
        return _solve(self.own, self.steps, z)

    def solve_level(self, level: int, values: Array) -> Array:
        """Return S^-1 Z values for values (m, variants) of the groups of a level."""
        return self.solve(self.levels[level].spread(values))

    def traces(self) -> tuple[Array, None]:
        """Return tr(S^-1 A_a), shape (variants, c); products have no short form."""
        return np.stack([self._trace(groups) for groups in self.levels], axis=1), None

    def _trace(self, groups: Groups) -> Array:
        """Sum over groups of 1'S^-1 1, as the diagonals of `LevelCovariance`."""
        inside = isinstance(groups, StudyBlocks)  # they hold whole samples of nested people
        own = self.own.solve(np.ones((self.own.sd.size, 1))) if inside else self.own.diagonal()
        total = own.sum(axis=0)
        for step in self.steps:
            parts, gain = groups.sums(step.solved), step.gain
            if not isinstance(groups, StudyBlocks):  # every row is a group
                total = total - (gain * step.blocks.sums(parts**2)).sum(axis=0)
            elif groups.m <= step.blocks.m:  # groups hold whole groups of the step
                total = total - (gain * step.blocks.sums(step.solved) ** 2).sum(axis=0)
            else:
                total = total - (gain[step.blocks.study[groups.starts]] * parts**2).sum(axis=0)
        return np.asarray(total)


def _solve(own: Shared, steps: list[_Step] | tuple[_Step, ...], z: Array) -> Array:
    """Solve with the steps so far."""
    x = own.solve(z)
    for step in steps:
        along = step.gain * step.blocks.sums(step.loading * x)
        x = x - step.solved * step.blocks.spread(along)
    return np.asarray(x)
