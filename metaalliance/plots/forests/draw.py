"""One page of a forest plot, drawn from a table whose columns are placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.core.arrays import Array
from metaalliance.plots.canvas.page import Page, captioned
from metaalliance.plots.canvas.typeset import Line, line_width, own, user, wrap
from metaalliance.plots.forests.cells import SMALL, cells_down, height_of, lights_in, texts_of
from metaalliance.plots.forests.guides import draw_guides, set_ticks
from metaalliance.plots.forests.head import draw_head, head_lines
from metaalliance.plots.forests.lines import Heading, Pooled, Prediction, TableLine, paginate
from metaalliance.plots.forests.marks import Marks
from metaalliance.plots.forests.measure import LIGHT, first_fitting
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.forests.sides import Words, directions
from metaalliance.plots.lights import paint_light

#: Heights in rows: a line under the plot, the space above a new part.
UNDER, PART = 0.95, 0.55

#: Room for the labels of the ticks, and space over the first and under the last row, in mm.
TICKS, SPACE = 4.4, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands around the rows of a page, with heights in mm.

    Attributes
    ----------
    title, notes, beside : list of Line
        Lines over and under the plot, and on the left of its axis.
    below : tuple of Words
        Words about both sides under the axis.
    top, rule : float
        Where the head begins and ends.
    under : float
        From the end of the rows to the first note.
    height : float
        Of everything but the rows.
    """

    title: list[Line]
    notes: list[Line]
    beside: list[Line]
    below: tuple[Words, ...]
    top: float
    rule: float
    under: float
    height: float


def around(plot: Plot, *, foot: bool, folio: bool) -> Around:
    """Return what stands around the rows of a page, which may be the one with the foot."""
    style, small = plot.style, plot.style.small_size
    inner = plot.width - 2 * style.margin
    title = wrap(user(plot.title, bold=True), inner, style.size) if plot.title else []
    sentences, beside = (plot.foot, plot.beside) if foot else ((), ())
    notes = [n for line in sentences for n in wrap(line, inner, small)]
    left = [n for line in beside for n in wrap(line, plot.columns.panel[0] - 4.0, small)]
    below = directions(plot) if style.forest.directions_at == "below" else ()
    top = style.margin + style.row * (len(title) + 0.4 * bool(title))
    rule = top + style.row * head_lines(plot) + 0.4
    under = TICKS + style.row * (UNDER + SMALL * len(below))
    under = max(under, style.row * SMALL * (len(left) + 0.3) * bool(left)) + 1.4 * bool(notes)
    ruled = 0.4 * style.row * ("foot" in style.forest.rules)
    after = style.row * SMALL * (len(notes) + folio) + ruled + style.margin
    return Around(
        title=title,
        notes=notes,
        beside=left,
        below=below,
        top=top,
        rule=rule,
        under=under,
        height=rule + 2 * SPACE + under + after,
    )


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
    style, columns, small = plot.style, plot.columns, plot.style.small_size
    found = around(plot, foot=foot, folio=bool(folio))
    plot = plot if foot else replace(plot, beside=())
    ys, rows_height = row_positions(plot, lines)
    bottom = found.rule + 2 * SPACE + rows_height
    page = Page.blank(plot.width, found.height + rows_height, style)
    page.figure.caption = captioned(plot.caption)
    for i, line in enumerate(found.title):
        page.put(line, style.margin, style.margin + style.row * (i + 0.5))
    ys += found.rule + SPACE
    _stripe(page, plot, lines, ys)
    draw_head(page, plot, found.top, found.rule)
    panel = page.panel(*columns.panel, found.rule, bottom, "forest")
    _draw_axis(page, plot, panel, bottom)
    for i, words in enumerate(found.below):
        y = bottom + TICKS + style.row * (UNDER + SMALL * (i + 0.5))
        for text, x, align in words:
            page.put(text, x, y, align=align, size=small)
    _draw_lines(page, plot, panel, lines, ys)
    _write_block(page, found.beside, bottom + 0.3 * SMALL * style.row)
    first_note = bottom + found.under
    _write_block(page, found.notes, first_note)
    if folio:
        y = first_note + style.row * SMALL * (len(found.notes) + 0.5)
        page.put(own(folio), plot.width - style.margin, y, align="right", size=small)
    if "foot" in style.forest.rules:
        y = page.height - style.margin / 2
        page.rule(y, style.margin, plot.width - style.margin, style.medium)
    name_artists(panel)
    return page.figure


def row_positions(plot: Plot, lines: Sequence[TableLine]) -> tuple[Array, float]:
    """Return the middle of each line in mm below the head, and the height of them all."""
    ys, y = [], 0.0
    for i, line in enumerate(lines):
        y += PART * plot.style.row if opens_part(line) and i else 0.0
        height = plot.style.row * height_of(plot, line)
        ys.append(y + height / 2)
        y += height
    return np.array(ys), y


def opens_part(line: TableLine) -> bool:
    """Whether there is space over a line."""
    return isinstance(line, Heading) or (isinstance(line, Pooled) and line.overall)


def divided(plot: Plot, rows: int | None = None) -> list[tuple[TableLine, ...]]:
    """Divide the lines of a plot into pages of at most so many rows, or as high as its page."""
    lines, row = plot.table.lines, plot.style.row
    if rows is not None:
        return paginate(lines, lambda _: 1.0, rows, rows)
    costs = {id(line): row * (height_of(plot, line) + PART * opens_part(line)) for line in lines}
    tallest = plot.style.tallest
    alone, last, inner = (
        tallest - around(plot, foot=foot, folio=folio).height
        for foot, folio in ((True, False), (True, True), (False, True))
    )
    if sum(costs.values()) <= alone:
        return [lines]
    return paginate(lines, lambda line: costs.get(id(line), row), inner, last)


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


def _stripe(page: Page, plot: Plot, lines: Sequence[TableLine], ys: Array) -> None:
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
            half = style.row * height_of(plot, line) / 2
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
        for x, color in lights_in(plot, line):
            paint_light(page, x, y + cells_down(plot, line), ("", color), LIGHT)
        for text, x, down, align, size in texts_of(plot, line):
            page.put(text, x, y + down, align=align, size=size)


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
