"""The effect axis: its range, and ticks in r at positions in Fisher z that never collide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.options import Measure
from metaalliance.plots.canvas.typeset import Line, own, run_width, user
from metaalliance.wording.numbers import number

#: Least distance between tick labels in mm.
CLEARANCE = 1.0

#: Ticks beyond .8 that are added where the z scale leaves room for them.
_OUTER = (0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectAxis:
    """A horizontal axis from `low` to `high` on the analysis scale.

    `zero` tells whether correlations are written with a zero before the point.
    """

    low: float
    high: float
    measure: Measure
    zero: bool = False

    def title(self) -> Line:
        """Return the label of the axis."""
        return self.titles()[0]

    def titles(self) -> tuple[Line, ...]:
        """Return the label of the axis, from the longest wording to the shortest."""
        if self.measure == "generic":
            return own("Effect size"), own("Effect")
        scale = {"z": " (Fisher *z* scale)", "r-unbiased": " (bias corrected)"}
        long = own(f"Correlation *r*{scale.get(self.measure, '')}")
        return long, own("Correlation *r*"), own("*r*")

    def ticks(self, width: float, size: float) -> list[tuple[float, str]]:
        """Return positions on the analysis scale and their labels, for a width in mm."""
        per_unit = width / (self.high - self.low)
        for step in _steps(self.high - self.low, self.measure):
            ticks = self._candidates(step)
            if len(ticks) <= 9 and _clear(ticks, per_unit, size):
                return self._extended(ticks, per_unit, size)
        return [(0.0, self._label(0.0, 1.0))] if self.low <= 0 <= self.high else []

    def _candidates(self, step: float) -> list[tuple[float, str]]:
        """Multiples of `step` on the axis, labelled."""
        low, high = (self._shown(v) for v in (self.low, self.high))
        count = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        values = (i * step for i in count)
        inside = (v for v in values if self.measure != "z" or abs(v) < 1 - 1e-9)
        return [(self._position(v), self._label(v, step)) for v in inside]

    def _extended(
        self, ticks: list[tuple[float, str]], per_unit: float, size: float
    ) -> list[tuple[float, str]]:
        """Add .9, .95, .99 at the ends of a z axis where they keep clear of the rest."""
        if self.measure != "z" or not ticks:
            return ticks
        for value in (v for outer in _OUTER for v in (outer, -outer)):
            place = self._position(value)
            if not self.low <= place <= self.high:
                continue
            added = sorted([*ticks, (place, self._number(value, _digits(value)))])
            beyond = place > ticks[-1][0] + 1e-9 or place < ticks[0][0] - 1e-9
            if beyond and _clear(added, per_unit, size):
                ticks = added
        return ticks

    def _shown(self, position: float) -> float:
        return math.tanh(position) if self.measure == "z" else position

    def _position(self, value: float) -> float:
        return math.atanh(value) if self.measure == "z" else value

    def _label(self, value: float, step: float) -> str:
        if abs(value) < step * 1e-9:
            return "0"
        return self._number(value, _digits(step))

    def _number(self, value: float, digits: int) -> str:
        return number(value, digits, correlation=self.measure != "generic" and not self.zero)


def _digits(value: float) -> int:
    """Decimals that `value` needs, at most twelve."""
    return next((d for d in range(12) if math.isclose(round(value, d), value, rel_tol=1e-9)), 12)


def _steps(span: float, measure: Measure) -> Iterable[float]:
    """Yield 1, 2, 5 times powers of ten, upwards; correlations also have .3 and stop at .5."""
    start = math.floor(math.log10(span)) - 2
    for exponent in range(start, start + 5):
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            if measure == "generic":
                yield step
            elif step <= 0.5 + 1e-9:
                yield from (0.3, step) if math.isclose(step, 0.5) else (step,)


def _clear(ticks: Sequence[tuple[float, str]], per_unit: float, size: float) -> bool:
    """Whether neighbouring labels keep their distance."""
    half = [run_width(user(label)[0], size) / 2 for _, label in ticks]
    return all(
        (right[0] - left[0]) * per_unit >= half[i] + half[i + 1] + CLEARANCE
        for i, (left, right) in enumerate(pairwise(ticks))
    )


def axis_range(estimates: Array, lows: Array, highs: Array, measure: Measure) -> EffectAxis:
    """Return an axis that holds all estimates, most intervals, and zero unless it is far off.

    An interval is cut, with an arrow, where it would take the axis further beyond the
    outermost estimate than three times the median half-width of all intervals.
    """
    far = np.abs(estimates).min() > 3 * (highs.max() - lows.min())
    points = estimates if far else np.append(estimates, 0.0)
    reach = 3 * float(np.median((highs - lows) / 2))
    low = max(float(min(lows.min(), points.min())), float(points.min()) - reach)
    high = min(float(max(highs.max(), points.max())), float(points.max()) + reach)
    margin = 0.02 * (high - low) or 1.0
    return EffectAxis(low=low - margin, high=high + margin, measure=measure)
