"""Profile-likelihood intervals and likelihood-ratio tests of log-linear variance components."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.ascent import MANY_STUDIES, highest, maximize
from metaalliance.core.variance.log_linear import LogLinear
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint

#: Change of the logarithm of a variance within which a limit is looked for: a factor of 1e11.
FARTHEST = 25.0


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The profile likelihood of a contrast of the coefficients of one log-linear component.

    Attributes
    ----------
    drop : callable
        Twice the drop of the maximised log-likelihood as a function of the contrast. It keeps
        where it was last, so that calls at neighbouring values are quick.
    estimate : float
        The contrast at the maximum.
    unit : float
        Change of the contrast that may change the logarithm of some variance by one.
    farthest : float
        Distance from the estimate, in these units, at which a limit counts as infinite.
    """

    drop: Callable[[float], float] = field(repr=False)
    estimate: float
    unit: float
    farthest: float

    def interval(self, level: float) -> Interval:
        """Profile-likelihood interval.

        A limit is infinite where the likelihood of a variance that vanishes, or grows without end,
        does not drop enough.

        References
        ----------
        Hardy and Thompson (1996).
        """
        crit = float(chi2.isf(1 - level, 1))
        return Interval(self._end(-1.0, crit), self._end(1.0, crit))

    def _end(self, side: float, crit: float) -> float:
        inside, step, unit = self.estimate, 1.0, self.unit
        while self.drop(self.estimate + side * unit * min(step, self.farthest)) <= crit:
            if step >= self.farthest:
                return side * math.inf
            inside, step = self.estimate + side * unit * step, 2 * step
        outside = self.estimate + side * unit * min(step, self.farthest)
        root = brentq(lambda x: self.drop(x) - crit, inside, outside, xtol=1e-8 * unit, rtol=1e-11)
        return float(root)


def contrast_profile(
    data: MultilevelData,
    optimum: MultilevelPoint,
    component: int,
    contrast: Array,
    *,
    restricted: bool,
) -> Profile:
    """Profile a contrast of the coefficients of a component.

    Parameters
    ----------
    data, optimum : MultilevelData, MultilevelPoint
        Effects with a `LogLinear` structure, and the model at its optimum.
    component : int
        Index of a component with a design (m, q).
    contrast : ndarray, shape (q,)
        Weights of its coefficients, such as a row of the identity. The coefficient that has the
        largest part in it gives way to the contrast, which is then held.
    """
    structure = data.structure
    assert isinstance(structure, LogLinear)
    C, parts = structure.designs[component], structure.parts(optimum.theta)
    assert C is not None
    typical = data.yi.size / float(np.sum(1 / data.vi))
    lowest = float((C @ parts[component]).min())
    units = np.abs(contrast) / np.abs(C).max(axis=0)
    pivot = int(np.argmax(units))
    turn = np.eye(contrast.size)
    turn[pivot] = contrast
    turned, parts[component] = C @ np.linalg.inv(turn), turn @ parts[component]
    first = sum(part.size for part in parts[:component])
    designs = (*structure.designs[:component], turned, *structure.designs[component + 1 :])
    return Profile(
        drop=_drop(
            replace(data, structure=replace(structure, designs=designs)),
            np.concatenate(parts),
            turned,
            (first, pivot),
            optimum.log_likelihood,
            restricted=restricted,
        ),
        estimate=float(parts[component][pivot]),
        unit=float(units[pivot]),
        farthest=FARTHEST + max(0.0, math.log(typical) - lowest),
    )


def _drop(
    data: MultilevelData,
    top: Array,
    C: Array,
    place: tuple[int, int],
    highest_value: float,
    *,
    restricted: bool,
) -> Callable[[float], float]:
    """Twice the drop of the likelihood where the coefficient at a place of `C` is held."""
    first, pivot = place
    others = np.delete(np.arange(C.shape[1]), pivot)
    follow = -np.linalg.lstsq(C[:, others], C[:, pivot], rcond=None)[0]
    structure = data.structure
    assert isinstance(structure, LogLinear)
    held = structure.held
    held[first + pivot] = True
    state = {"theta": top}
    count = 2 if data.blocks.m <= MANY_STUDIES else 1

    def drop(value: float) -> float:
        starts = [theta.copy() for theta in (state["theta"], top)[:count]]
        for start in starts:  # the variances of most groups stay near where they were
            start[first + others] += follow * (value - start[first + pivot])
            start[first + pivot] = value
        point = highest([maximize(data, s, restricted=restricted, held=held) for s in starts])
        state["theta"] = point.theta
        return 2 * (highest_value - point.log_likelihood)

    return drop
