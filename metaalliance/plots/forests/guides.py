"""Ticks of a forest plot, and the lines of zero, of the mean and of a published value."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from metaalliance.plots.canvas.axis import EffectAxis
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Run, run_width
from metaalliance.plots.forests.plot import Plot

_DASHES = {"dotted": (0, (1, 2)), "dashed": (0, (4, 2)), "solid": "-"}


def set_ticks(
    panel: Axes,
    axis: EffectAxis,
    width: float,
    style: Style,
    rooms: tuple[float, float] = (math.inf, math.inf),
) -> None:
    """Set range and ticks of an axis of `width` mm; labels may leave it by `rooms` mm."""
    ticks = ticks_within(axis, width, style, rooms)
    panel.set_xlim(axis.low, axis.high)
    panel.set_xticks([position for position, _ in ticks])
    font = Run("0").font(style.small_size)
    panel.set_xticklabels([label for _, label in ticks], fontproperties=font, parse_math=False)
    panel.tick_params(axis="x", length=2, width=style.thin, pad=1.5, colors=style.ink)


def ticks_within(
    axis: EffectAxis, width: float, style: Style, rooms: tuple[float, float]
) -> list[tuple[float, str]]:
    """Return positions and labels of ticks; a label for which there is no room is left out."""
    kept = []
    for position, label in axis.ticks(width, style.small_size):
        x = (position - axis.low) / (axis.high - axis.low) * width
        half = run_width(Run(label), style.small_size) / 2
        if x - half >= -rooms[0] and x + half <= width + rooms[1]:
            kept.append((position, label))
    return kept


def draw_guides(panel: Axes, plot: Plot) -> None:
    """Draw the lines of zero, of the overall mean and of the published value."""
    axis, style, look = plot.axis, plot.style, plot.style.forest
    if axis.low < 0 < axis.high:
        panel.axvline(0, color=style.ink, linewidth=style.thin, zorder=1).set_label("zero")
    if look.mean_line != "none":
        dash = _DASHES[look.mean_line]
        line = panel.axvline(plot.mean, color=look.diamond_edge, linestyle=dash, zorder=1)
        line.set(linewidth=style.medium, label="mean")
    if plot.reference is not None:
        drawn = panel.axvline(plot.reference[0], color=style.pale, linestyle=(0, (6, 2)), zorder=1)
        drawn.set(linewidth=style.medium, label="reference")
