"""A panel while it is drawn: its axes, its scales and its size in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.transforms import ScaledTranslation
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.plots.canvas.page import HALF_CAPITAL, Align
from metaalliance.plots.canvas.scales import Scale
from metaalliance.plots.canvas.style import MM_PER_POINT, Style
from metaalliance.plots.canvas.typeset import Line, line_width, run_width

#: Arrow heads with their tip at the place that is marked, and their size in mm.
RIGHT_HEAD = Path([(0, 0), (-2, 1), (-2, -1), (0, 0)], closed=True)
LEFT_HEAD = Path([(0, 0), (2, 1), (2, -1), (0, 0)], closed=True)
HEAD = 2.4

#: Markers and colours of groups, told apart by either alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#D55E00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The axes of a panel, `width` by `height` mm; positions are those of its scales."""

    axes: Axes
    across: Scale
    up: Scale
    width: float
    height: float
    style: Style

    def millimetres(self, x: ArrayLike, y: ArrayLike) -> Array:
        """Return places in mm from the lower left corner, shape (k, 2)."""
        shares = [
            (np.asarray(v, dtype=float) - s.low) / (s.high - s.low)
            for v, s in ((x, self.across), (y, self.up))
        ]
        x_mm, y_mm = np.atleast_1d(shares[0]) * self.width, np.atleast_1d(shares[1]) * self.height
        places: Array = np.c_[x_mm, y_mm]
        return places

    def write(
        self,
        line: Line,
        x: float,
        y: float,
        *,
        align: Align = "left",
        shift: tuple[float, float] = (0.0, 0.0),
        size: float | None = None,
        color: str | None = None,
    ) -> None:
        """Write a line of runs at a place of the panel, shifted by mm to the right and up.

        `y` is the middle of its capitals.
        """
        points = self.style.small_size if size is None else size
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[align]
        start = shift[0] - share * line_width(line, points)
        drop = shift[1] - HALF_CAPITAL * points * MM_PER_POINT
        figure = self.axes.figure.figure
        for run in line:
            moved = ScaledTranslation(start / 25.4, drop / 25.4, figure.dpi_scale_trans)
            self.axes.text(
                x,
                y,
                run.text,
                transform=self.axes.transData + moved,
                fontproperties=run.font(points),
                color=color or self.style.ink,
                ha="left",
                va="baseline",
                parse_math=False,
                zorder=8,
            )
            start += run_width(run, points)

    def points(
        self, x: ArrayLike, y: ArrayLike, diameter: ArrayLike, label: str, **look: Any
    ) -> None:
        """Draw points of a diameter in mm, the accent of the style unless `look` says else."""
        area = (np.asarray(diameter, dtype=float) / MM_PER_POINT) ** 2
        settings: dict[str, Any] = {
            "facecolor": self.style.accent,
            "edgecolor": "white",
            "linewidths": self.style.thin,
            "zorder": 3,
            "clip_on": False,
            **look,
        }
        self.axes.scatter(x, y, s=area, **settings).set_label(label)

    def arrows(self, lows: Array, highs: Array, ys: Array, color: str) -> None:
        """Draw arrow heads where intervals go on beyond the left or right end."""
        for beyond, end, shape in (
            (lows < self.across.low, self.across.low, LEFT_HEAD),
            (highs > self.across.high, self.across.high, RIGHT_HEAD),
        ):
            if beyond.any():
                places = np.full(int(beyond.sum()), end)
                look = {"marker": shape, "facecolor": color, "linewidths": 0, "zorder": 5}
                self.points(places, ys[beyond], HEAD, "arrows", **look)

    def upright_line(self, x: float, label: str, **look: Any) -> None:
        """Draw a line from bottom to top."""
        self.axes.axvline(x, **{**self._thin(), **look}).set_label(label)

    def level_line(self, y: float, label: str, **look: Any) -> None:
        """Draw a line from left to right."""
        self.axes.axhline(y, **{**self._thin(), **look}).set_label(label)

    def _thin(self) -> dict[str, Any]:
        return {"color": self.style.ink, "linewidth": self.style.thin, "zorder": 1}


def crowd(count: int) -> tuple[float, float]:
    """Return diameter in mm and opacity of `count` points: many are small and let through."""
    if count <= 40:
        return 1.8, 1.0
    return ((1.8 + 1.1) / 2, 0.7) if count <= 120 else (1.1, 0.45)
