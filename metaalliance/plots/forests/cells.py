"""The texts of a line of a forest plot: its label, and the cells beside the plot."""

from __future__ import annotations

from metaalliance.plots.canvas.page import Page
from metaalliance.plots.canvas.typeset import Line, Run, line_width, shorten, user
from metaalliance.plots.forests.layout import effect_parts, first_fitting, indent_of
from metaalliance.plots.forests.lines import Heading, Note, Pooled, TableLine
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow


def write_label(page: Page, plot: Plot, line: TableLine, y: float) -> None:
    """Write the first column; what has no cells may run on as far as the plot."""
    columns, size = plot.columns, plot.columns.size
    indent = indent_of(plot.table, line)
    left, limit = columns.label.left + indent, columns.label_room(line) - indent
    if isinstance(line, Note):
        size = plot.style.small_size
        label = first_fitting(line.wordings, limit, size)
    elif isinstance(line, StudyRow):
        size = plot.style.small_size if line.minor else size
        label = shorten(user(line.label), limit, size)
    elif isinstance(line, Pooled):
        label = shorten(line.label, limit, size)
    elif isinstance(line, Heading):
        label = _heading(line, limit, size)
    else:
        label = first_fitting(line.wordings, limit, size)
    page.put(label, left, y, size=size)


def _heading(line: Heading, limit: float, size: float) -> Line:
    """Return a group's name, cut before "(continued)" where both do not fit."""
    name, rest = line.label[:1], line.label[1:]
    return (*shorten(name, limit - line_width(rest, size), size), *rest)


def write_cells(page: Page, plot: Plot, line: TableLine, y: float) -> None:
    """Write the columns beside the plot, "r [low, high]" in three parts."""
    columns, size = plot.columns, plot.columns.size
    bold = plot.table.is_bold(line)
    if isinstance(line, StudyRow) and line.minor:
        size = min(size, plot.style.small_size)
    for column in columns.text:
        if column.edges is not None:
            parts = effect_parts(line, plot.table)
            for edge, text in zip(column.edges, parts, strict=True):
                if text:
                    page.put((Run(text, bold=bold),), edge, y, align="right", size=size)
        elif isinstance(line, StudyRow | Pooled) and line.cells[column.index]:
            cell = user(line.cells[column.index], bold=bold)
            words = shorten(cell, column.width, size)
            x = column.right if column.numeric else column.left
            page.put(words, x, y, align=column.align, size=size)
