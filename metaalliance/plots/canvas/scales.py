"""Scales of a chart: numbers with ticks that keep clear of each other, and named rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from metaalliance.options import Measure
from metaalliance.plots.canvas.axis import CLEARANCE, EffectAxis
from metaalliance.plots.canvas.style import MM_PER_POINT, Style
from metaalliance.plots.canvas.typeset import Line, plain, run_width, user, wrap
from metaalliance.wording.numbers import number

Ticks = list[tuple[float, str]]

#: Least distance of upright tick labels, in heights of their type.
_LEADING = 1.5

#: Ticks that a scale has at most.
_MOST = 8


class Scale(Protocol):
    """One side of a chart: its range, its ticks, its title."""

    @property
    def low(self) -> float:
        """Value at the left or lower end."""

    @property
    def high(self) -> float:
        """Value at the right or upper end."""

    def titles(self) -> tuple[Line, ...]:
        """Return the title, from the longest wording to the shortest; none for no title."""

    def ticks(self, length: float, size: float) -> Ticks:
        """Return positions and labels for a side of `length` mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """A scale of numbers.

    Attributes
    ----------
    low, high : float
        Its ends; `low` is above `high` where it runs the other way.
    wordings : tuple of Line
        Its title, from the longest wording to the shortest.
    bare : bool
        No zero before the point, as for p values and correlations.
    whole : bool
        Ticks at whole numbers only.
    percent : bool
        Fractions written in percent.
    upright : bool
        Whether the scale stands upright, so that heights of labels count.
    plain : bool
        No thousands separator, as for years.
    least : float
        No tick below it.
    """

    low: float
    high: float
    wordings: tuple[Line, ...] = ()
    bare: bool = False
    whole: bool = False
    percent: bool = False
    upright: bool = False
    plain: bool = True
    least: float = -math.inf

    def titles(self) -> tuple[Line, ...]:
        """Return the title, from the longest wording to the shortest."""
        return self.wordings

    def ticks(self, length: float, size: float) -> Ticks:
        """Return positions and labels that keep clear of each other."""
        span = abs(self.high - self.low)
        for step in _steps(span, whole=self.whole):
            found = self._candidates(step)
            if len(found) <= _MOST and _clear(found, length / span, size, upright=self.upright):
                return found
        return []

    def _candidates(self, step: float) -> Ticks:
        low, high = sorted((self.low, self.high))
        count = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        values = (i * step for i in count)
        return [(v, self._label(v, step)) for v in values if v >= self.least]

    def _label(self, value: float, step: float) -> str:
        if self.percent:
            return f"{number(100 * value, _decimals(100 * step))}%"
        if abs(value) < step * 1e-9:
            return "0"
        text = number(value, _decimals(step), correlation=self.bare)
        return text if self.plain or abs(value) < 1000 else f"{value:,.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Named rows, the first on top; row i stands at i.

    Attributes
    ----------
    names : tuple of str
        Names of the rows, as the user wrote them; empty ones have no label.
    shown : tuple of str
        The names as they stand, on several lines where they are long.
    wordings : tuple of Line
        Title over or beside them.
    across : bool
        Whether the names stand under the plot, from the left.
    pad : float
        Space before the first and after the last row, in rows.
    """

    names: tuple[str, ...]
    shown: tuple[str, ...] = ()
    wordings: tuple[Line, ...] = ()
    across: bool = False
    pad: float = 0.6

    @property
    def low(self) -> float:
        """Lower end: below the last row, or left of the first."""
        return -self.pad if self.across else len(self.names) - 1 + self.pad

    @property
    def high(self) -> float:
        """Upper end: above the first row, or right of the last."""
        return len(self.names) - 1 + self.pad if self.across else -self.pad

    def titles(self) -> tuple[Line, ...]:
        """Return the title."""
        return self.wordings

    def ticks(self, length: float, size: float) -> Ticks:
        """Return every row and its name; names under a plot are broken where they are long."""
        names = self.shown or tuple("".join(r.text for r in user(name)) for name in self.names)
        if self.across:
            limit = length / max(len(self.names) - 1 + 2 * self.pad, 1) - CLEARANCE
            broken = (wrap(user(name), limit, size, whole=True) for name in names)
            names = tuple("\n".join(plain(line) for line in found) for found in broken)
        return [(float(i), name) for i, name in enumerate(names)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An effect axis of either direction, with ticks in r where the measure is z.

    Attributes
    ----------
    axis : EffectAxis
        Range, measure and number format.
    upright : bool
        Whether it stands upright.
    name : tuple of Line
        Title in place of that of the measure.
    titled : bool
        Whether it has a title.
    """

    axis: EffectAxis
    upright: bool = False
    name: tuple[Line, ...] = ()
    titled: bool = True

    @property
    def low(self) -> float:
        """Left or lower end on the analysis scale."""
        return self.axis.low

    @property
    def high(self) -> float:
        """Right or upper end on the analysis scale."""
        return self.axis.high

    def titles(self) -> tuple[Line, ...]:
        """Return the title, from the longest wording to the shortest."""
        return (self.name or self.axis.titles()) if self.titled else ()

    def ticks(self, length: float, size: float) -> Ticks:
        """Return positions on the analysis scale and their labels."""
        return self.axis.ticks(length, size)


def effect_scale(
    points: Iterable[float],
    measure: Measure,
    style: Style,
    *,
    zero: bool = True,
    margin: float = 0.04,
    upright: bool = False,
) -> Effect:
    """Return an effect scale that holds all finite points, and zero if asked for."""
    held = [float(p) for p in points if math.isfinite(p)] + ([0.0] if zero else [])
    low, high = (min(held), max(held)) if held else (0.0, 0.0)
    pad = margin * (high - low) or max(0.1, 0.1 * abs(high))
    leading = style.words.leading_zero
    axis = EffectAxis(low=low - pad, high=high + pad, measure=measure, zero=leading)
    return Effect(axis=axis, upright=upright)


def number_scale(
    values: Iterable[float],
    wordings: tuple[Line, ...] = (),
    *,
    margin: float = 0.04,
    floor: float | None = None,
    upright: bool = False,
) -> Numbers:
    """Return a scale that holds all finite values; from `floor`, without a margin there."""
    held = [float(v) for v in values if math.isfinite(v)]
    held += [] if floor is None else [floor]
    low, high = (min(held), max(held)) if held else (0.0, 1.0)
    pad = margin * (high - low) or 0.5 * max(abs(high), 1e-3)
    start = floor if floor is not None and low >= floor else low - pad
    return Numbers(low=start, high=high + pad, wordings=wordings, upright=upright)


def _steps(span: float, *, whole: bool) -> Iterable[float]:
    """Yield 1, 2, 5 times powers of ten, upwards."""
    start = math.floor(math.log10(span)) - 2
    for exponent in range(start, start + 5):
        for factor in (1, 2, 5):
            step = factor * 10.0**exponent
            if not whole or step > 0.9:
                yield step


def _decimals(step: float) -> int:
    return next((d for d in range(12) if math.isclose(round(step, d), step, rel_tol=1e-9)), 12)


def _clear(
    ticks: Sequence[tuple[float, str]], per_unit: float, size: float, *, upright: bool
) -> bool:
    """Whether neighbouring labels keep their distance."""
    if upright:
        least = _LEADING * size * MM_PER_POINT
        return all((b[0] - a[0]) * per_unit >= least for a, b in pairwise(ticks))
    half = [run_width(user(label)[0], size) / 2 for _, label in ticks]
    return all(
        (b[0] - a[0]) * per_unit >= half[i] + half[i + 1] + CLEARANCE
        for i, (a, b) in enumerate(pairwise(ticks))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """A scale whose ticks are given; the later of two that collide is left out.

    Attributes
    ----------
    low, high : float
        Its ends.
    marks : tuple of (float, str)
        Ticks, the most important first.
    wordings : tuple of Line
        Its title, from the longest wording to the shortest.
    upright : bool
        Whether it stands upright.
    """

    low: float
    high: float
    marks: tuple[tuple[float, str], ...]
    wordings: tuple[Line, ...] = ()
    upright: bool = False

    def titles(self) -> tuple[Line, ...]:
        """Return the title, from the longest wording to the shortest."""
        return self.wordings

    def ticks(self, length: float, size: float) -> Ticks:
        """Return the ticks that have room, in order of position."""
        per_unit = length / abs(self.high - self.low)
        kept: Ticks = []
        for mark in self.marks:
            tried = sorted([*kept, mark])
            if _clear(tried, per_unit, size, upright=self.upright):
                kept = tried
        return kept
