"""One page of a forest plot, drawn from a table whose columns are placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.core.arrays import Array
from metaalliance.plots.canvas.page import Page
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Line, line_width, own, user, wrap
from metaalliance.plots.forests.cells import write_cells, write_label
from metaalliance.plots.forests.guides import draw_guides, set_ticks
from metaalliance.plots.forests.head import draw_head, head_lines
from metaalliance.plots.forests.layout import first_fitting
from metaalliance.plots.forests.lines import Heading, Note, Pooled, Prediction, TableLine
from metaalliance.plots.forests.marks import Marks
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.forests.sides import directions

#: Heights in rows: a line under the plot, the space above a new part, a small line, the line of
#: a density.
UNDER, PART, SMALL, HIGH = 0.95, 0.55, 0.84, 2.0

#: Room for the labels of the ticks, in mm.
TICKS = 4.4


def draw_page(
    plot: Plot, lines: Sequence[TableLine], *, foot: bool = True, folio: str = ""
) -> Figure:
    """Draw some of the lines of a plot as a figure that is as high as they need.

    Parameters
    ----------
    plot : Plot
        What the pages share.
    lines : sequence of TableLine
        The lines of this page.
    foot : bool
        Whether the sentences of the foot stand on this page.
    folio : str
        "Page 1 of 3", or nothing.
    """
    style, columns = plot.style, plot.columns
    if not foot:
        plot = replace(plot, beside=(), foot=())
    inner, small = plot.width - 2 * style.margin, style.small_size
    title = wrap(user(plot.title, bold=True), inner, style.size) if plot.title else []
    notes = [n for line in plot.foot for n in wrap(line, inner, small)]
    beside = [n for line in plot.beside for n in wrap(line, columns.panel[0] - 4.0, small)]
    below = directions(plot) if style.forest.directions_at == "below" else ()
    ys, rows_height = row_positions(lines, style)
    top = style.margin + style.row * (len(title) + 0.4 * bool(title))
    rule = top + style.row * head_lines(plot) + 0.4
    bottom = rule + 0.5 + rows_height + 0.5
    under = TICKS + style.row * (UNDER + SMALL * len(below))
    under = bottom + max(under, style.row * SMALL * (len(beside) + 0.3) * bool(beside))
    first_note = under + 1.4 * bool(notes)
    ruled = 0.4 * style.row * ("foot" in style.forest.rules)
    height = first_note + style.row * SMALL * (len(notes) + bool(folio)) + ruled + style.margin
    page = Page.blank(plot.width, height, style)
    for i, line in enumerate(title):
        page.put(line, style.margin, style.margin + style.row * (i + 0.5))
    _stripe(page, lines, rule + 0.5 + ys)
    draw_head(page, plot, top, rule)
    panel = page.panel(*columns.panel, rule, bottom, "forest")
    _draw_axis(page, plot, panel, bottom)
    for i, words in enumerate(below):
        y = bottom + TICKS + style.row * (UNDER + SMALL * (i + 0.5))
        for text, x, align in words:
            page.put(text, x, y, align=align, size=small)
    _draw_lines(page, plot, panel, lines, rule + 0.5 + ys)
    _write_block(page, beside, bottom + 0.3 * SMALL * style.row)
    _write_block(page, notes, first_note)
    if folio:
        y = first_note + style.row * SMALL * (len(notes) + 0.5)
        page.put(own(folio), plot.width - style.margin, y, align="right", size=small)
    if ruled:
        page.rule(height - style.margin / 2, style.margin, plot.width - style.margin, style.medium)
    name_artists(panel)
    return page.figure


def row_positions(lines: Sequence[TableLine], style: Style) -> tuple[Array, float]:
    """Return the middle of each line in mm below the head, and the height of them all."""
    ys, y = [], 0.0
    for i, line in enumerate(lines):
        opens = isinstance(line, Heading) or (isinstance(line, Pooled) and line.overall)
        y += PART * style.row if opens and i else 0.0
        height = style.row * _height(line)
        ys.append(y + height / 2)
        y += height
    return np.array(ys), y


def _height(line: TableLine) -> float:
    if isinstance(line, Prediction) and line.mark == "density":
        return HIGH
    small = isinstance(line, Note) or (isinstance(line, StudyRow) and line.minor)
    return SMALL if small else 1.0


def name_artists(panel: Axes) -> None:
    """Give the drawn data of a panel ids that an SVG keeps: "studies", "subgroup-2"."""
    seen: dict[str, int] = {}
    for artist in panel.get_children():
        label = str(artist.get_label()).replace(" ", "-")
        if not label or label.startswith("_"):
            continue
        seen[label] = seen.get(label, 0) + 1
        artist.set_gid(label if seen[label] == 1 else f"{label}-{seen[label]}")


def _write_block(page: Page, lines: Sequence[Line], top: float) -> None:
    """Write small lines at the left margin."""
    pitch = page.style.row * SMALL
    for i, line in enumerate(lines):
        page.put(line, page.style.margin, top + pitch * (i + 0.5), size=page.style.small_size)


def _stripe(page: Page, lines: Sequence[TableLine], ys: Array) -> None:
    """Shade every other study; the effects behind an average share its shade."""
    style = page.style
    if not style.forest.stripe:
        return
    shaded = True
    for line, y in zip(lines, map(float, ys), strict=True):
        if not isinstance(line, StudyRow):
            shaded = True
            continue
        shaded = shaded if line.minor else not shaded
        if shaded:
            half = style.row * _height(line) / 2
            page.band(y - half, y + half, style.forest.stripe)


def _draw_axis(page: Page, plot: Plot, panel: Axes, bottom: float) -> None:
    """Draw ticks, the lines of zero, of the mean and of the published value, and labels."""
    style = plot.style
    left, right = plot.columns.panel
    rooms = (3.0 if plot.beside else left - style.margin, plot.width - style.margin - right)
    set_ticks(panel, plot.axis, right - left, style, rooms)
    draw_guides(panel, plot)
    title = first_fitting(plot.axis.titles(), _title_room(plot), plot.columns.size)
    half = line_width(title, plot.columns.size) / 2
    low = left - 2.0 if plot.beside else style.margin
    x = min(max((left + right) / 2, low + half), plot.width - style.margin - half)
    y = bottom + TICKS + style.row * UNDER / 2
    page.put(title, x, y, align="center", size=plot.columns.size)


def _title_room(plot: Plot) -> float:
    """Width that the label of the axis may take; less with sentences on its left."""
    margin = plot.style.margin
    return plot.width - margin - (plot.columns.panel[0] - 2.0 if plot.beside else margin)


def _draw_lines(page: Page, plot: Plot, panel: Axes, lines: Sequence[TableLine], ys: Array) -> None:
    draw_marks(panel, plot, lines, ys, plot.style.row)
    for line, y in zip(lines, map(float, ys), strict=True):
        write_label(page, plot, line, y)
        write_cells(page, plot, line, y)


def draw_marks(panel: Axes, plot: Plot, lines: Sequence[TableLine], ys: Array, row: float) -> None:
    """Draw the data of lines at `ys`; `row` is the height of a row in the y of the panel."""
    marks = Marks(panel, plot.axis, plot.style, row)
    shown = {i: x for i, x in enumerate(lines) if isinstance(x, StudyRow) and x.is_drawn}
    studies, rows = list(shown), list(shown.values())
    marks.studies(rows, ys[studies], plot.heaviest)
    for line, y in zip(lines, map(float, ys), strict=True):
        if isinstance(line, StudyRow) and line.censored:
            marks.limits(line, y)
        if isinstance(line, Prediction):
            marks.prediction(line, y)
        elif isinstance(line, Pooled):
            if np.isfinite(line.spread).all():
                marks.spread(*line.spread, y)
            if np.isfinite(line.low):
                marks.diamond(line, y)
