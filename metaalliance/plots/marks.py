"""The drawn data of a forest plot: squares, intervals, arrows, diamonds, bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle
from matplotlib.path import Path

from metaalliance.core.arrays import Array
from metaalliance.plots.axis import EffectAxis
from metaalliance.plots.lines import Pooled, Prediction
from metaalliance.plots.rows import StudyRow
from metaalliance.plots.style import MM_PER_POINT, Style

#: Arrow heads, 2 wide and 2 high, with their tip at the place that is marked.
_RIGHT = Path([(0, 0), (-2, 1), (-2, -1), (0, 0)], closed=True)
_LEFT = Path([(0, 0), (2, 1), (2, -1), (0, 0)], closed=True)

#: Half heights in rows, and lengths in mm.
DIAMOND = 0.34
BAR = 0.9
ARROW = 2.6


@dataclass(frozen=True, slots=True)
class Marks:
    """Draws on a panel whose x is the analysis scale and whose y is mm down the page."""

    panel: Axes
    axis: EffectAxis
    style: Style

    def studies(self, rows: Sequence[StudyRow], ys: Array, heaviest: float) -> None:
        """Draw squares with area proportional to weight, and intervals over them."""
        if not rows:
            return
        lows, highs = (np.array([getattr(r, end) for r in rows]) for end in ("low", "high"))
        weights = np.array([row.weight for row in rows])
        side = self.style.square / MM_PER_POINT
        squares = self.panel.scatter(
            [row.estimate for row in rows],
            ys,
            s=side**2 * weights / heaviest,
            marker="s",
            color=self.style.accent,
            linewidths=0,
            zorder=3,
            clip_on=False,
        )
        squares.set_label("studies")
        self._intervals(lows, highs, ys, self.style.medium)

    def _intervals(self, lows: Array, highs: Array, ys: Array, weight: float) -> None:
        """Draw intervals, each with an arrow where it goes on beyond the axis."""
        starts, ends = np.maximum(lows, self.axis.low), np.minimum(highs, self.axis.high)
        ink = self.style.ink
        drawn = self.panel.hlines(ys, starts, ends, colors=ink, linewidths=weight, zorder=4)
        drawn.set_label("intervals")
        self._arrows(lows, highs, ys, ink)

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

    def diamond(self, line: Pooled, y: float) -> None:
        """Draw a mean and its interval; a diamond that leaves the axis is cut, with an arrow."""
        half = DIAMOND * self.style.row
        shape = [
            (line.low, y),
            (line.estimate, y - half),
            (line.high, y),
            (line.estimate, y + half),
        ]
        accent = self.style.accent
        patch = Polygon(
            shape,
            closed=True,
            facecolor=accent if line.overall else "white",
            edgecolor=accent,
            linewidth=self.style.thick,
            joinstyle="miter",
            zorder=4,
        )
        patch.set_label("overall" if line.overall else "subgroup")
        self.panel.add_patch(patch)
        self._arrows(np.array([line.low]), np.array([line.high]), np.array([y]), accent)

    def spread(self, low: float, high: float, y: float) -> None:
        """Draw a prediction interval as a line behind a diamond."""
        ends = np.array([low]), np.array([high]), np.array([y])
        start, end = max(low, self.axis.low), min(high, self.axis.high)
        self.panel.hlines(
            y, start, end, colors=self.style.ink, linewidths=self.style.medium, zorder=3
        ).set_label("spread")
        self._arrows(*ends, self.style.ink)

    def bar(self, line: Prediction, y: float) -> None:
        """Draw a prediction interval as a thin bar."""
        start, end = max(line.low, self.axis.low), min(line.high, self.axis.high)
        patch = Rectangle(
            (start, y - BAR / 2), end - start, BAR, color=self.style.accent, linewidth=0, zorder=4
        )
        patch.set_label("prediction")
        self.panel.add_patch(patch)
        ends = np.array([line.low]), np.array([line.high]), np.array([y])
        self._arrows(*ends, self.style.accent)
