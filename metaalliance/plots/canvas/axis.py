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

#: Ticks of an axis at most; two more near 1 on the scale of z.
MOST = 9

#: Ticks near 1 by the least step of r to which they belong: on the scale of z about as far apart.
_OUTER = (
    (0.9, (0.9,)),
    (0.8, (0.8, 0.98, 0.998)),
    (0.5, (0.8, 0.95, 0.99, 0.998)),
    (0.3, (0.8, 0.9, 0.95, 0.98, 0.99)),
    (0.2, (0.8, 0.9, 0.95, 0.98, 0.99)),
    (0.1, (0.9, 0.95, 0.98, 0.99)),
)


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
        for values, digits in self._candidates():
            ticks = [(self._position(v), self._label(v, digits)) for v in values]
            most = MOST + 2 * (self.measure == "z" and max(map(abs, values), default=0) >= 0.8)
            if len(ticks) <= most and _clear(ticks, per_unit, size):
                return ticks
        return [(0.0, self._label(0.0, 1))] if self.low <= 0 <= self.high else []

    def _candidates(self) -> Iterable[tuple[list[float], int]]:
        """Yield values of ticks on the axis with their decimals, from many to few.

        On the scale of Fisher z, where equal steps of r grow towards -1 and 1, the steps become
        smaller there, on both sides alike.
        """
        low, high = (self._shown(v) for v in (self.low, self.high))
        for step in _steps(self.high - self.low, self.measure):
            count = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
            values, digits = [i * step for i in count], _digits(step)
            if self.measure != "z":
                yield values, digits
                continue
            outer = next((tail for least, tail in _OUTER if step >= least - 1e-9), ())
            edge = min(outer, default=1.0)
            inner = [v for v in values if abs(v) < edge - 1e-9]
            kept = (side * v for v in outer for side in (-1, 1))
            yield sorted([*inner, *(v for v in kept if low <= v <= high)]), digits

    def _shown(self, position: float) -> float:
        return math.tanh(position) if self.measure == "z" else position

    def _position(self, value: float) -> float:
        return math.atanh(value) if self.measure == "z" else value

    def _label(self, value: float, digits: int) -> str:
        if abs(value) < 1e-9 * 10.0**-digits:
            return "0"
        shown = max(digits, _digits(value)) if self.measure == "z" else digits
        return number(value, shown, correlation=self.measure != "generic" and not self.zero)


def _digits(value: float) -> int:
    """Decimals that `value` needs, at most twelve."""
    return next((d for d in range(12) if math.isclose(round(value, d), value, rel_tol=1e-9)), 12)


def _steps(span: float, measure: Measure) -> Iterable[float]:
    """Yield 1, 2, 5 times powers of ten, upwards; correlations also have .3 and stop at .9."""
    start = math.floor(math.log10(span)) - 2
    for exponent in range(start, start + 5):
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            if measure == "generic":
                yield step
            elif step <= 0.5 + 1e-9:
                yield from (0.3, step, 0.8, 0.9) if math.isclose(step, 0.5) else (step,)


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
