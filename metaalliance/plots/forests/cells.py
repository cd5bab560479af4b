"""The texts of a line of a forest plot: its label, and the cells beside the plot."""

from __future__ import annotations

from metaalliance.plots.canvas.page import Align
from metaalliance.plots.canvas.style import ROW_PER_POINT
from metaalliance.plots.canvas.typeset import Line, Run, shorten, user
from metaalliance.plots.forests.lines import Note, Pooled, Prediction, TableLine
from metaalliance.plots.forests.measure import effect_parts, indent_of, label_lines
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow

#: Heights in rows: a small line, the line of a density.
SMALL, HIGH = 0.84, 2.0

#: What a row of several lines of text is higher, in rows.
MORE = 0.2

#: A text with its place in mm from the left edge and from the middle of its row, its alignment
#: and its size in points.
Placed = tuple[Line, float, float, Align, float]


def height_of(plot: Plot, line: TableLine) -> float:
    """Return the height of a line in rows."""
    if isinstance(line, Prediction) and line.mark == "density":
        return HIGH
    count = len(_label(plot, line)) + plot.columns.cells_below(line)
    further = _pitch(plot, line) / plot.style.row * (count - 1)
    return _base(line) + further + MORE * (count > 1)


def texts_of(plot: Plot, line: TableLine) -> list[Placed]:
    """Return the texts of a line; cells stand beside its label, or stacked under it."""
    labels, below = _label(plot, line), plot.columns.cells_below(line)
    pitch = _pitch(plot, line)
    last = len(labels) + below - 1
    left, size = plot.columns.label.left + indent_of(plot.table, line), _size(plot, line)
    found: list[Placed] = [
        (label, left, pitch * (i - last / 2), "left", size) for i, label in enumerate(labels)
    ]
    down = cells_down(plot, line)
    return found + [(text, x, down, align, size) for text, x, align in _cells(plot, line)]


def cells_down(plot: Plot, line: TableLine) -> float:
    """Return how far below the middle of a line its cells stand, in mm."""
    below = plot.columns.cells_below(line)
    return _pitch(plot, line) * len(_label(plot, line)) / 2 if below else 0.0


def _pitch(plot: Plot, line: TableLine) -> float:
    """Return the distance of the lines of text in a row, in mm."""
    return ROW_PER_POINT * _size(plot, line)


def lights_in(plot: Plot, line: TableLine) -> list[tuple[float, str]]:
    """Return the middle in mm and the colour of each light of a line."""
    return [
        (column.middle, plot.table.lights[line.cells[column.index]][1])
        for column in plot.columns.text
        if column.light and isinstance(line, StudyRow) and line.cells[column.index]
    ]


def _base(line: TableLine) -> float:
    small = isinstance(line, Note) or (isinstance(line, StudyRow) and line.minor)
    return SMALL if small else 1.0


def _size(plot: Plot, line: TableLine) -> float:
    size = plot.columns.size
    return min(size, plot.style.small_size) if _base(line) == SMALL else size


def _label(plot: Plot, line: TableLine) -> list[Line]:
    room = plot.columns.label_room(line) - indent_of(plot.table, line)
    return label_lines(line, room, _size(plot, line))


def _cells(plot: Plot, line: TableLine) -> list[tuple[Line, float, Align]]:
    """Return the cells with their places, "r [low, high]" in three parts."""
    bold, size = plot.table.is_bold(line), _size(plot, line)
    found: list[tuple[Line, float, Align]] = []
    for column in plot.columns.text:
        if column.edges is not None:
            parts = zip(column.edges, effect_parts(line, plot.table), strict=True)
            found += [((Run(text, bold=bold),), edge, "right") for edge, text in parts if text]
        elif column.light and isinstance(line, StudyRow) and line.cells[column.index]:
            sign, _ = plot.table.lights[line.cells[column.index]]
            found += [((Run(sign),), column.middle, "center")] if sign else []
        elif isinstance(line, StudyRow | Pooled) and line.cells[column.index]:
            cell = shorten(user(line.cells[column.index], bold=bold), column.width, size)
            found.append((cell, column.right if column.numeric else column.left, column.align))
    return found
