"""A forest plot in axes of the caller, with matplotlib's own labels."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from metaalliance.plots.canvas.typeset import Run, plain, user
from metaalliance.plots.forests.draw import draw_marks, name_artists
from metaalliance.plots.forests.guides import draw_guides, set_ticks
from metaalliance.plots.forests.lines import Note, TableLine
from metaalliance.plots.forests.measure import effect_parts
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow

#: Distance of the effects from the plot, in points.
NEAR = 6.0


def draw_in(axes: Axes, plot: Plot) -> None:
    """Draw the rows at y = 0, 1, 2 ...: labels are ticks on the left, effects on the right."""
    lines = [line for line in plot.table.lines if not isinstance(line, Note)]
    ys, style = np.arange(len(lines), dtype=float), plot.style
    figure = axes.figure.figure
    width = axes.get_position().width * figure.get_figwidth() * 25.4
    axes.set_ylim(len(lines) - 0.4, -0.6)
    set_ticks(axes, plot.axis, width, style)
    draw_guides(axes, plot)
    draw_marks(axes, plot, lines, ys, 1.0)
    axes.set_yticks(ys)
    font = Run("0").font(style.small_size)
    axes.set_yticklabels([_label(x) for x in lines], fontproperties=font, parse_math=False)
    axes.tick_params(axis="y", length=0, labelleft=True)
    for line, y in zip(lines, ys, strict=True):
        text = " ".join(part for part in effect_parts(line, plot.table) if part)
        axes.annotate(
            text,
            (1, float(y)),
            xycoords=("axes fraction", "data"),
            xytext=(NEAR, 0),
            textcoords="offset points",
            va="center",
            fontproperties=font,
            parse_math=False,
            annotation_clip=False,
        )
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.set_xlabel(plain(plot.axis.title()), fontproperties=font, parse_math=False)
    name_artists(axes)


def _label(line: TableLine) -> str:
    if isinstance(line, StudyRow):
        return plain(user(line.label))
    if isinstance(line, Note):
        return ""
    label = line.wordings[0] if hasattr(line, "wordings") else line.label
    return plain(label)
