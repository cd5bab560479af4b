"""The head of a forest plot: heads of columns, words over the plot, rules."""

from __future__ import annotations

from metaalliance.plots.canvas.page import Align, Page
from metaalliance.plots.canvas.typeset import Line, line_width, shorten, user, wrap
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.sides import directions

#: Distance of the lines of a head, in rows; space between them and the rule, in mm.
PITCH, SPACE = 0.9, 0.4

#: A line over the plot: its texts with their places in mm.
PanelLine = tuple[tuple[Line, float, Align, float], ...]


def head_lines(plot: Plot) -> float:
    """Return the height of the head in rows."""
    count = max(plot.columns.header_lines, len(panel_lines(plot)))
    return 1 + PITCH * (count - 1)


def panel_lines(plot: Plot) -> tuple[PanelLine, ...]:
    """Return what stands over the plot, from the bottom up."""
    lines: list[PanelLine] = []
    left, right = plot.columns.panel
    small, size = plot.style.small_size, plot.columns.size
    if plot.reference is not None:
        lines.append((_reference(plot, plot.reference),))
    above = directions(plot) if plot.style.forest.directions_at == "above" else ()
    for words in reversed(above):
        lines.append(tuple((text, x, align, small) for text, x, align in words))
    for header in reversed(plot.table.panel_header):
        for line in reversed(wrap(header, right - left, size)):
            lines.append(((line, (left + right) / 2, "center", size),))
    return tuple(lines)


def _reference(plot: Plot, reference: tuple[float, str]) -> tuple[Line, float, Align, float]:
    """Return the label of the published value over its line, inside the panel."""
    position, label = reference
    left, right = plot.columns.panel
    size = plot.style.small_size
    line = shorten(user(label), right - left, size)
    half = line_width(line, size) / 2
    x = min(max(plot.place(position), left + half), right - half)
    return line, x, "center", size


def draw_head(page: Page, plot: Plot, top: float, rule: float) -> None:
    """Draw the head between two heights in mm."""
    style, columns = plot.style, plot.columns
    look, edges = style.forest, (style.margin, plot.width - style.margin)
    if look.head_fill:
        page.band(top, rule, look.head_fill)

    def height(i: int) -> float:
        return rule - SPACE - style.row * (PITCH * i + 0.5)

    for column in (columns.label, *columns.text):
        for i, line in enumerate(reversed(column.header)):
            x = column.right if column.numeric else column.left
            page.put(line, x, height(i), align=column.align, size=columns.size)
    for i, texts in enumerate(panel_lines(plot)):
        for line, x, align, size in texts:
            page.put(line, x, height(i), align=align, size=size)
    if "head" in look.rules:
        page.rule(rule, *edges, style.medium)
    if "top" in look.rules:
        page.rule(top, *edges, style.medium)
