"""The drawn data of a forest plot: squares, intervals, arrows, diamonds, prediction intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Polygon, Rectangle
from matplotlib.path import Path

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import relative_t_density
from metaalliance.plots.canvas.axis import EffectAxis
from metaalliance.plots.canvas.style import MM_PER_POINT, Style
from metaalliance.plots.forests.lines import Pooled, Prediction
from metaalliance.plots.forests.rows import StudyRow

#: Arrow heads, 2 wide and 2 high, with their tip at the place that is marked.
_RIGHT = Path([(0, 0), (-2, 1), (-2, -1), (0, 0)], closed=True)
_LEFT = Path([(0, 0), (2, 1), (2, -1), (0, 0)], closed=True)

#: Half heights in rows: of diamonds, of a bar, of the caps of a line; height of a density.
DIAMOND, BAR, CAP = 0.34, 0.125, 0.22
DENSITY = 1.7

#: Dashes between the limits of an effect without a value, and its ends in a small row.
DASHES, SMALL_CAP = (2.5, 2.0), 0.8

#: Share of the colour in the area of a density.
TINT = 0.55

#: Lengths in mm: an arrow, the side of an effect behind an average.
ARROW, POINT = 2.6, 1.3

#: Opacity of an effect behind an average.
OPACITY = 0.4

#: Weight of an inner interval, as a multiple of that of a single one.
INNER = 1.7

#: Least share of the side of the largest square, so that a light study is still seen.
LEAST_SIDE = 0.14


@dataclass(frozen=True, slots=True)
class Marks:
    """Draws on a panel whose x is the analysis scale; `row` is the height of a row in its y."""

    panel: Axes
    axis: EffectAxis
    style: Style
    row: float

    def studies(self, rows: Sequence[StudyRow], ys: Array, heaviest: float) -> None:
        """Draw squares with area proportional to weight, and intervals over them."""
        for minor, name in ((False, "studies"), (True, "effects")):
            chosen = [i for i, row in enumerate(rows) if row.minor == minor]
            if chosen:
                some = [rows[i] for i in chosen]
                self._squares(some, ys[chosen], heaviest, name)
                self._study_intervals(some, ys[chosen], minor=minor)
        self._behind(rows, ys)

    def _squares(self, rows: Sequence[StudyRow], ys: Array, heaviest: float, name: str) -> None:
        side, color = self.style.square / MM_PER_POINT, self.style.forest.square
        weights = np.array([row.weight for row in rows])
        hollow = name == "effects"
        squares = self.panel.scatter(
            [row.estimate for row in rows],
            ys,
            s=np.maximum(side**2 * weights / heaviest, (LEAST_SIDE * side) ** 2),
            marker="s",
            facecolor="white" if hollow else color,
            edgecolor=color,
            linewidths=self.style.thin if hollow else 0,
            zorder=4.5 if hollow else 3,
            clip_on=False,
        )
        squares.set_label(name)

    def _study_intervals(self, rows: Sequence[StudyRow], ys: Array, *, minor: bool) -> None:
        """Draw the interval of each study; the inner one is thick where there is an outer one."""
        color = self.style.forest.interval
        if minor:
            self._intervals(rows, ys, self.style.thin, self.style.pale, "effect intervals")
            return
        double = [not np.isnan(row.outer_low) for row in rows]
        weight = INNER * self.style.medium if any(double) else self.style.medium
        if any(double):
            lows, highs = (np.array(ends) for ends in zip(*(r.reach for r in rows), strict=True))
            self._lines(lows, highs, ys, self.style.thin, color, "outer intervals")
        self._intervals(rows, ys, weight, color, "intervals")

    def _behind(self, rows: Sequence[StudyRow], ys: Array) -> None:
        """Draw the effects behind each average as small translucent dots under line and square."""
        places = [(p, float(y)) for row, y in zip(rows, ys, strict=True) for p in row.points]
        if not places:
            return
        xs, heights = zip(*places, strict=True)
        self.panel.scatter(
            xs,
            heights,
            s=(POINT / MM_PER_POINT) ** 2,
            facecolor=self.style.forest.square,
            alpha=OPACITY,
            linewidths=0,
            zorder=2.5,
            clip_on=False,
        ).set_label("behind")

    def _intervals(
        self, rows: Sequence[StudyRow], ys: Array, weight: float, color: str, name: str
    ) -> None:
        lows, highs = (np.array([getattr(r, end) for r in rows]) for end in ("low", "high"))
        self._lines(lows, highs, ys, weight, color, name)

    def _lines(
        self, lows: Array, highs: Array, ys: Array, weight: float, color: str, name: str
    ) -> None:
        """Draw intervals, each with an arrow where it goes on beyond the axis."""
        known = np.isfinite(lows)
        lows, highs, ys = lows[known], highs[known], ys[known]
        starts, ends = np.maximum(lows, self.axis.low), np.minimum(highs, self.axis.high)
        drawn = self.panel.hlines(ys, starts, ends, colors=color, linewidths=weight, zorder=4)
        drawn.set_label(name)
        self._arrows(lows, highs, ys, color)

    def _arrows(self, lows: Array, highs: Array, ys: Array, color: str) -> None:
        axis = self.axis
        for beyond, place, shape in (
            (lows < axis.low, axis.low, _LEFT),
            (highs > axis.high, axis.high, _RIGHT),
        ):
            if beyond.any():
                self.panel.scatter(
                    np.full(int(beyond.sum()), place),
                    ys[beyond],
                    s=(ARROW / MM_PER_POINT) ** 2,
                    marker=shape,
                    color=color,
                    linewidths=0,
                    zorder=5,
                    clip_on=False,
                ).set_label("arrows")

    def limits(self, row: StudyRow, y: float) -> None:
        """Draw where an effect without a value lies: dashes between ends like brackets."""
        color = self.style.pale if row.minor else self.style.forest.interval
        look: dict[str, Any] = {"colors": color, "linewidths": self.style.thin, "zorder": 4}
        start, end = max(row.low, self.axis.low), min(row.high, self.axis.high)
        line = self.panel.hlines(y, start, end, linestyles=(0, DASHES), **look)
        line.set_label("not significant")
        ends = [x for x in (row.low, row.high) if self.axis.low <= x <= self.axis.high]
        half = CAP * self.row * (SMALL_CAP if row.minor else 1.0)
        if ends:
            self.panel.vlines(ends, y - half, y + half, **look).set_label("limits")
        self._arrows(np.array([row.low]), np.array([row.high]), np.array([y]), color)

    def diamond(self, line: Pooled, y: float) -> None:
        """Draw a mean and its interval; a diamond that leaves the axis is cut, with an arrow."""
        half, look = DIAMOND * self.row, self.style.forest
        shape = [
            (line.low, y),
            (line.estimate, y - half),
            (line.high, y),
            (line.estimate, y + half),
        ]
        edge = look.diamond_edge if line.overall else look.group_edge
        patch = Polygon(
            shape,
            closed=True,
            facecolor=look.diamond if line.overall else look.group_diamond,
            edgecolor=edge,
            linewidth=self.style.thick,
            joinstyle="miter",
            zorder=4,
        )
        patch.set_label("overall" if line.overall else "subgroup")
        self.panel.add_patch(patch)
        self._arrows(np.array([line.low]), np.array([line.high]), np.array([y]), edge)

    def spread(self, low: float, high: float, y: float) -> None:
        """Draw a prediction interval as a line behind a diamond."""
        ends = np.array([low]), np.array([high]), np.array([y])
        start, end = max(low, self.axis.low), min(high, self.axis.high)
        self.panel.hlines(
            y, start, end, colors=self.style.ink, linewidths=self.style.medium, zorder=3
        ).set_label("spread")
        self._arrows(*ends, self.style.ink)

    def prediction(self, line: Prediction, y: float) -> None:
        """Draw a prediction interval as a bar, a line with caps, or a density."""
        color = self.style.forest.diamond_edge
        start, end = max(line.low, self.axis.low), min(line.high, self.axis.high)
        if line.mark == "density":
            self._density(line, y + 0.9 * self.row, color)
        elif line.mark == "line":
            self._capped(line, y, color)
        else:
            half = BAR * self.row
            patch = Rectangle((start, y - half), end - start, 2 * half, color=color, zorder=4)
            patch.set(linewidth=0, label="prediction")
            self.panel.add_patch(patch)
        if line.mark != "density":
            ends = np.array([line.low]), np.array([line.high]), np.array([y])
            self._arrows(*ends, color)

    def _capped(self, line: Prediction, y: float, color: str) -> None:
        """Draw a line with a cap at each end that the axis shows."""
        start, end = max(line.low, self.axis.low), min(line.high, self.axis.high)
        look: dict[str, Any] = {"colors": color, "linewidths": self.style.thick, "zorder": 4}
        self.panel.hlines(y, start, end, **look).set_label("prediction")
        caps = [x for x in (line.low, line.high) if self.axis.low <= x <= self.axis.high]
        half = CAP * self.row
        if caps:
            self.panel.vlines(caps, y - half, y + half, **look).set_label("caps")

    def _density(self, line: Prediction, base: float, color: str) -> None:
        """Draw the predictive distribution; what is inside the interval is darker."""
        if not line.scale > 0:
            return
        x = np.linspace(self.axis.low, self.axis.high, 401)
        inside = (x >= line.low) & (x <= line.high)
        standardized = (x - line.center) / line.scale
        height = relative_t_density(standardized, line.df)
        top = base - DENSITY * self.row * height
        inner = tuple(1 - TINT * (1 - part) for part in to_rgb(color))
        for shown, face, name in (
            (np.full(x.shape, True), "#E3E3E3", "density"),
            (inside, inner, "prediction"),
        ):
            area = self.panel.fill_between(x[shown], base, top[shown], color=face, zorder=3)
            area.set(linewidth=0, label=name)
