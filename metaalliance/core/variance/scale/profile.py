"""Profile-likelihood intervals and likelihood-ratio tests of log-linear variance components."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import brentq, linprog

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import chi2_isf
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.ascent import MANY_STUDIES
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.scale.fit import climbs, higher, solved
from metaalliance.core.variance.scale.log_linear import NOTHING, LogLinear
from metaalliance.core.variance.scale.recession import recession

#: Doublings of a step within which a limit is looked for.
_DOUBLINGS = 40
#: Distance, in the same steps, to a value whose optimum leads to that of the next.
_NEAR = 0.05
#: Starts beside a value of the profile that is reported.
_OTHERS = 3
#: Difference of a drop that is no other maximum.
_SAME = 1e-6
#: Logarithm of a variance, above those of the maximum, with which no climb begins.
_TOO_LARGE = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The profile likelihood of a contrast of the coefficients of one log-linear component.

    The coefficients are ``value * along + across @ others``: the contrast is held at a value, and
    the likelihood is at its highest over the others.

    Attributes
    ----------
    data, optimum : MultilevelData, MultilevelPoint
        Effects with a `LogLinear` structure, and the model at its optimum.
    component : int
        Index of the component.
    contrast, along : ndarray, shape (q,)
        The contrast, and the direction in which it grows by one and the logarithms move least.
    across : ndarray, shape (q, q - 1)
        Directions that do not change it.
    estimate : float
        The contrast at the maximum.
    restricted : bool
        REML in place of ML.
    """

    data: MultilevelData = field(repr=False)
    optimum: MultilevelPoint = field(repr=False)
    component: int
    contrast: Array
    along: Array = field(repr=False)
    across: Array = field(repr=False)
    estimate: float
    restricted: bool
    _points: dict[float, MultilevelPoint] = field(default_factory=dict, repr=False)
    _sure: set[float] = field(default_factory=set, repr=False)

    def drop(self, value: float) -> float:
        """Twice the drop of the maximised log-likelihood where the contrast has a value."""
        point = self._at(value)
        if value not in self._sure and value != self.estimate:
            data = replace(self.data, structure=self._held(value))
            if data.blocks.m <= MANY_STUDIES:
                point = higher(data, point, restricted=self.restricted, most=_OTHERS)
            self._points[value] = point
            self._sure.add(value)
        return self._drop(value)

    def _drop(self, value: float) -> float:
        """The same as seen from the values beside it."""
        return 2 * (self.optimum.log_likelihood - self._at(value).log_likelihood)

    def interval(self, level: float) -> Interval:
        """Profile-likelihood interval.

        A limit is infinite where variances that vanish let the contrast run there without a
        drop that is large enough.

        References
        ----------
        Hardy and Thompson (1996).
        """
        crit = float(chi2_isf(1 - level, 1))
        return Interval(self._end(-1.0, crit), self._end(1.0, crit))

    @property
    def _structure(self) -> LogLinear:
        assert isinstance(self.data.structure, LogLinear)
        return self.data.structure

    @property
    def _columns(self) -> Array:
        C = self._structure.designs[self.component]
        assert C is not None
        return C

    def _held(self, value: float) -> LogLinear:
        """The structure whose contrast has a value."""
        C, known = self._columns, self._structure.known[self.component]
        return self._structure.of(self.component, C @ self.across, known + value * (C @ self.along))

    def _at(self, value: float) -> MultilevelPoint:
        """The model at its optimum where the contrast has a value, which is kept."""
        if value == self.estimate:
            return self.optimum
        if value not in self._points:
            held = self._held(value)
            data = replace(self.data, structure=held)
            starts = [self._tamed(held, start) for start in self._starts(value)]
            self._points[value] = climbs(data, starts, restricted=self.restricted)
        return self._points[value]

    def _starts(self, value: float) -> list[Array]:
        """Where the nearest values below and above were, or the nearest of all if it is near."""
        parts = self._structure.parts(self.optimum.theta)
        parts[self.component] = self.across.T @ (parts[self.component] - self.estimate * self.along)
        places = {self.estimate: np.concatenate(parts)}
        places |= {known: point.theta for known, point in self._points.items()}
        near = sorted(places, key=lambda known: abs(known - value))
        if self.data.blocks.m > MANY_STUDIES or abs(near[0] - value) <= _NEAR * self._unit:
            return [places[near[0]]]
        sides = [[k for k in near if (k < value) == below][:1] for below in (True, False)]
        return [places[key] for key in dict.fromkeys((*sides[0], *sides[1]))]

    @property
    def _unit(self) -> float:
        """A change of the contrast that may change some logarithm by one."""
        return float(1 / np.abs(self._columns @ self.along).max())

    def _tamed(self, held: LogLinear, start: Array) -> Array:
        """The start, or one of the least large variances where some are beyond reason."""
        usual = math.log(held.typical)
        logs = self._structure.logarithms(self.optimum.theta)[self.component]
        moved = held.logarithms(start)[self.component]
        assert logs is not None and moved is not None
        if moved.max() <= max(usual, float(logs.max())) + _TOO_LARGE:
            return start
        C, known = held.designs[self.component], held.known[self.component]
        assert C is not None
        m, q = C.shape
        found = linprog(
            np.r_[np.zeros(q), 1.0],
            A_ub=np.column_stack([C, -np.ones(m)]),
            b_ub=-np.broadcast_to(known, m),
            bounds=[(None, None)] * q + [(usual, None)],
        )
        parts = held.parts(start)
        if found.x is not None:
            parts[self.component] = found.x[:q]
        return np.concatenate(parts)

    def _endless(self, logs: Array | None, side: float) -> bool:
        """Whether variances that vanish let the contrast run to infinity as it is."""
        assert logs is not None
        kept = logs > math.log(NOTHING * self._structure.typical)
        return recession(self._columns, kept, side * self.contrast) is not None

    def _end(self, side: float, crit: float) -> float:
        top = self._structure.logarithms(self.optimum.theta)[self.component]
        if self._endless(top, side):
            return side * math.inf
        inside = self.estimate
        if self._endless(top, -side):  # begin where the variances are, not at infinity
            inside = self._even()
            if self.drop(inside) > crit:
                return self._limit(inside, -side, crit)
        return self._limit(inside, side, crit)

    def _limit(self, start: float, side: float, crit: float) -> float:
        """Where the drop passes a value first on one side of a start; infinite where it does not.

        A step is doubled until it is passed.
        """
        step = self._unit
        falls = self._drop(start) > crit
        for _ in range(_DOUBLINGS):
            end = start + side * step
            if (self._drop(end) > crit) != falls:
                root = self._root(start, end, crit)
                if falls or self.drop(root) >= crit - _SAME:
                    return root
                for lower in (
                    self._points.keys() - self._sure
                ):  # of a maximum that is not the highest
                    del self._points[lower]
                start, step = root, self._unit
                continue
            logs = self._held(end).logarithms(self._at(end).theta)[self.component]
            if not falls and self._endless(logs, side):
                break
            start, step = end, 2 * step
        return side * math.inf

    def _root(self, start: float, end: float, crit: float) -> float:
        low, high = sorted((start, end))
        tolerance = 1e-8 * min(high - low, 1.0)
        found = brentq(lambda x: self._drop(x) - crit, low, high, xtol=tolerance, rtol=1e-11)
        return float(found)

    def _even(self) -> float:
        """The contrast where all groups have one variance, that of a usual sampling error."""
        C = self._columns
        return float(self.contrast @ solved(C, np.full(len(C), math.log(self._structure.typical))))


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
        Weights of its coefficients, such as a row of the identity.
    restricted : bool
        REML in place of ML.
    """
    structure = data.structure
    assert isinstance(structure, LogLinear)
    C, b = structure.designs[component], structure.parts(optimum.theta)[component]
    assert C is not None
    along = np.asarray(np.linalg.solve(C.T @ C, contrast), dtype=np.float64)
    return Profile(
        data=data,
        optimum=optimum,
        component=component,
        contrast=contrast,
        along=along / float(contrast @ along),
        across=null_space(contrast[None]),
        estimate=float(contrast @ b),
        restricted=restricted,
    )
