"""One page of a forest plot, drawn from a table whose columns are placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.core.arrays import Array
from metaalliance.plots.axis import EffectAxis
from metaalliance.plots.layout import (
    INDENT,
    Columns,
    effect_parts,
    first_fitting,
    last_cell,
)
from metaalliance.plots.lines import Heading, Note, Pooled, Prediction, Table, TableLine
from metaalliance.plots.marks import Marks
from metaalliance.plots.page import Align, Page
from metaalliance.plots.rows import StudyRow
from metaalliance.plots.style import Style
from metaalliance.plots.typeset import Line, Run, line_width, own, shorten, user, wrap

#: Heights in rows: a line under the plot, the space above a new part, a small line.
UNDER, PART, SMALL = 0.95, 0.55, 0.84

#: Distance of the words about either side from zero, in mm.
APART = 1.5

#: What lies on either side of zero.
WORSE = "\N{LEFTWARDS ARROW} better alliance, worse outcome"
BETTER = "better alliance, better outcome \N{RIGHTWARDS ARROW}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Everything that the pages of one forest plot share.

    Attributes
    ----------
    mean : float
        The overall mean, drawn as a dotted line.
    reference : tuple of (float, str), optional
        Position on the analysis scale and label of a published value.
    heaviest : float
        Weight of the largest square.
    foot : tuple of Line
        Sentences under the last page.
    """

    table: Table
    columns: Columns
    axis: EffectAxis
    style: Style
    width: float
    title: str
    mean: float
    reference: tuple[float, str] | None
    heaviest: float
    foot: tuple[Line, ...]


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
    inner = plot.width - 2 * style.margin
    title = wrap(user(plot.title, bold=True), inner, style.size) if plot.title else []
    notes = [n for line in plot.foot for n in wrap(line, inner, style.small_size)] if foot else []
    ys, rows_height = row_positions(lines, style)
    top = style.margin + style.row * (len(title) + 0.4 * bool(title))
    rule = top + style.row * columns.header_lines + 0.4
    bottom = rule + 0.5 + rows_height + 0.5
    under = bottom + 4.4 + style.row * UNDER
    directions = under + style.row * SMALL * bool(_directions(plot))
    first_note = directions + 1.4 * bool(notes)
    height = first_note + style.row * SMALL * (len(notes) + bool(folio)) + style.margin
    page = Page.blank(plot.width, height, style)
    for i, line in enumerate(title):
        page.put(line, style.margin, style.margin + style.row * (i + 0.5))
    _draw_head(page, plot, top, rule)
    panel = page.panel(*columns.panel, rule, bottom, "forest")
    _draw_axis(page, plot, panel, bottom)
    _draw_lines(page, plot, panel, lines, rule + 0.5 + ys)
    small = (*notes, *([own(folio)] if folio else []))
    for i, line in enumerate(small):
        y = first_note + style.row * SMALL * (i + 0.5)
        if folio and i == len(notes):
            page.put(line, plot.width - style.margin, y, align="right", size=style.small_size)
        else:
            page.put(line, style.margin, y, size=style.small_size)
    return page.figure


def row_positions(lines: Sequence[TableLine], style: Style) -> tuple[Array, float]:
    """Return the middle of each line in mm below the head, and the height of them all."""
    ys, y = [], 0.0
    for i, line in enumerate(lines):
        opens = isinstance(line, Heading) or (isinstance(line, Pooled) and line.overall)
        y += PART * style.row if opens and i else 0.0
        height = style.row * (SMALL if isinstance(line, Note) else 1.0)
        ys.append(y + height / 2)
        y += height
    return np.array(ys), y


def _draw_head(page: Page, plot: Plot, top: float, rule: float) -> None:
    columns, row = plot.columns, plot.style.row
    size = columns.size
    for column in (columns.label, *columns.cells, columns.last):
        for i, line in enumerate(reversed(column.header)):
            x = column.right if column.numeric else column.left
            y = rule - 0.4 - row * (0.9 * i + 0.5)
            page.put(line, x, y, align=column.align, size=size)
    page.put(columns.effect_header, columns.high, rule - 0.4 - row / 2, align="right", size=size)
    page.rule(rule, plot.style.margin, plot.width - plot.style.margin, plot.style.medium)
    page.rule(top, plot.style.margin, plot.width - plot.style.margin, plot.style.medium)
    if plot.reference is not None:
        _draw_reference_label(page, plot, plot.reference, rule)


def _draw_reference_label(
    page: Page, plot: Plot, reference: tuple[float, str], rule: float
) -> None:
    """Write the label of the published value over its line, inside the panel."""
    position, label = reference
    left, right = plot.columns.panel
    size = plot.style.small_size
    line = shorten(user(label), right - left, size)
    half = line_width(line, size) / 2
    place = left + (position - plot.axis.low) / (plot.axis.high - plot.axis.low) * (right - left)
    x = min(max(place, left + half), right - half)
    page.put(line, x, rule - 0.4 - plot.style.row / 2, align="center", size=size)


def _draw_axis(page: Page, plot: Plot, panel: Axes, bottom: float) -> None:
    """Draw ticks, the lines of zero, of the mean and of the published value, and labels."""
    axis, style = plot.axis, plot.style
    left, right = plot.columns.panel
    ticks = axis.ticks(right - left, style.small_size)
    panel.set_xlim(axis.low, axis.high)
    panel.set_xticks([position for position, _ in ticks])
    font = Run("0").font(style.small_size)
    panel.set_xticklabels([label for _, label in ticks], fontproperties=font, parse_math=False)
    panel.tick_params(axis="x", length=2, width=style.thin, pad=1.5, colors=style.ink)
    if axis.low < 0 < axis.high:
        panel.axvline(0, color=style.ink, linewidth=style.thin, zorder=1).set_label("zero")
    dotted = {"linewidth": style.medium, "zorder": 1}
    panel.axvline(plot.mean, color=style.accent, linestyle=(0, (1, 2)), **dotted).set_label("mean")
    if plot.reference is not None:
        drawn = panel.axvline(plot.reference[0], color=style.pale, linestyle=(0, (4, 2)), **dotted)
        drawn.set_label("reference")
    y = bottom + 4.4 + style.row * UNDER / 2
    _put_inside(page, axis.title(), (left + right) / 2, y, plot.columns.size)
    for text, x, align in _directions(plot):
        place = y + style.row * (UNDER + SMALL) / 2
        page.put(text, x, place, align=align, size=style.small_size)


def _put_inside(page: Page, line: Line, center: float, y: float, size: float) -> None:
    """Centre a line at `center` unless it would leave the page."""
    half, margin = line_width(line, size) / 2, page.style.margin
    x = min(max(center, margin + half), page.width - margin - half)
    page.put(line, x, y, align="center", size=size)


def _directions(plot: Plot) -> tuple[tuple[Line, float, Align], ...]:
    """Return what lies on either side of zero and where it is written, if there is room."""
    axis, size, margin = plot.axis, plot.style.small_size, plot.style.margin
    if axis.measure == "generic" or not axis.low < 0 < axis.high:
        return ()
    left, right = plot.columns.panel
    zero = left - axis.low / (axis.high - axis.low) * (right - left)
    worse, better = own(WORSE), own(BETTER)
    starts = zero - APART - line_width(worse, size)
    ends = zero + APART + line_width(better, size)
    if starts < margin or ends > plot.width - margin:
        return ()
    return (worse, zero - APART, "right"), (better, zero + APART, "left")


def _draw_lines(page: Page, plot: Plot, panel: Axes, lines: Sequence[TableLine], ys: Array) -> None:
    marks = Marks(panel, plot.axis, plot.style)
    studies = [i for i, line in enumerate(lines) if isinstance(line, StudyRow)]
    rows = [line for line in lines if isinstance(line, StudyRow)]
    marks.studies(rows, ys[studies], plot.heaviest)
    for line, y in zip(lines, map(float, ys), strict=True):
        _write_label(page, plot, line, y)
        _write_numbers(page, plot, line, y)
        if isinstance(line, Prediction):
            marks.bar(line, y)
        elif isinstance(line, Pooled):
            if np.isfinite(line.spread).all():
                marks.spread(*line.spread, y)
            marks.diamond(line, y)


def _write_label(page: Page, plot: Plot, line: TableLine, y: float) -> None:
    """Write the first column; what has no cells may run on as far as the plot."""
    columns, size = plot.columns, plot.columns.size
    left, whole = columns.label.left, columns.block_right - columns.label.left
    indent = INDENT if plot.table.indented else 0.0
    if isinstance(line, StudyRow):
        label = shorten(user(line.label), columns.label.width - indent, size)
        page.put(label, left + indent, y, size=size)
    elif isinstance(line, Pooled):
        indent = 0.0 if line.overall else indent
        limit = (columns.label.width if any(line.cells) else whole) - indent
        page.put(shorten(line.label, limit, size), left + indent, y, size=size)
    elif isinstance(line, Heading):
        page.put(_heading(line, whole, size), left, y, size=size)
    elif isinstance(line, Note):
        small = plot.style.small_size
        label = first_fitting(line.wordings, whole - indent, small)
        page.put(label, left + indent, y, size=small)
    else:
        page.put(first_fitting(line.wordings, whole, size), left, y, size=size)


def _heading(line: Heading, limit: float, size: float) -> Line:
    """Return a group's name, cut before "(continued)" where both do not fit."""
    name, rest = line.label[:1], line.label[1:]
    return (*shorten(name, limit - line_width(rest, size), size), *rest)


def _write_numbers(page: Page, plot: Plot, line: TableLine, y: float) -> None:
    """Write the chosen columns, "r [low, high]" and the last column."""
    columns, size = plot.columns, plot.columns.size
    if isinstance(line, StudyRow | Pooled):
        for column, cell in zip(columns.cells, line.cells, strict=True):
            if cell:
                words = shorten(user(cell), column.width, size)
                x = column.right if column.numeric else column.left
                page.put(words, x, y, align=column.align, size=size)
    edges = (columns.estimate, columns.low, columns.high, columns.last.right)
    last = last_cell(line) if columns.last.header else ""
    for edge, text in zip(edges, (*effect_parts(line, plot.axis.measure), last), strict=True):
        if text:
            page.put((Run(text),), edge, y, align="right", size=size)
