"""A chart fitted to its page: whole names, a plot of half a narrow page, a height that prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.collections import PathCollection

from metaalliance.errors import OptionError
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.page import plot_width
from metaalliance.plots.canvas.panels import APART, TICK, Chart, Panel
from metaalliance.plots.canvas.scales import Effect, Numbers, Rows, Scale
from metaalliance.plots.canvas.style import ROW_PER_POINT, Style
from metaalliance.plots.canvas.typeset import Line, Run, line_width, own, plain, user, wrap

#: Space between rows whose names have several lines, and right of a plot without columns, in mm.
SPACE, EDGE = 0.5, 1.2

#: Share of its height that a plot without rows keeps at least.
LEAST = 0.6

#: Ends of an axis, as r for correlations.
Limits = tuple[float, float]


def fitted(chart: Chart, style: Style, width: float) -> Chart:
    """Return a chart whose names of rows are whole.

    They stand on several lines where the plot would get less than its share of the page, and the
    columns under them where that is not enough.
    """
    rows = tuple(
        tuple(_named(panel, style, width) if len(row) == 1 else panel for panel in row)
        for row in chart.rows
    )
    return replace(chart, rows=rows)


def _named(panel: Panel, style: Style, width: float) -> Panel:
    """Return a panel with its names as they stand."""
    up = panel.up
    if not isinstance(up, Rows) or not any(up.names):
        return panel
    small = style.small_size
    names = [user(name) for name in up.names]
    columns = sum(column.width(style) + APART for column in panel.columns)
    room = width - 2 * style.margin - TICK - plot_width(width)
    beside = room - (columns or EDGE)
    longest = max(line_width((run,), small) for run in _words(names))
    if columns and beside < min(longest, max(line_width(n, small) for n in names)):
        names, head = _stacked(panel, names)
        panel = replace(panel, columns=(), aside=head)
        beside = room - EDGE
    limit = max(beside, 0.3 * width)
    wrapped = [[part for line in _lines(n) for part in wrap(line, limit, small, whole=True)]
               for n in names]  # fmt: skip
    lines = max(map(len, wrapped))
    pitch = ROW_PER_POINT * small * lines + SPACE if lines > 1 else 0.0
    shown = tuple("\n".join(plain(line) for line in found) for found in wrapped)
    up = replace(up, shown=shown)
    return replace(panel, up=up, height=max(panel.height, pitch * abs(up.high - up.low)))


def _words(names: Iterable[Line]) -> set[Run]:
    return {run for name in names for word in plain(name).split() for run in user(word)}


def _lines(name: Line) -> list[Line]:
    """Return the lines into which a name is broken already."""
    return [user(part) for part in plain(name).split("\n")]


def _stacked(panel: Panel, names: list[Line]) -> tuple[list[Line], Line]:
    """Return names with the text of the columns under them, and the head of both."""
    cells = zip(*(column.cells for column in panel.columns), strict=True)
    joined = [", ".join(plain(cell) for cell in row if cell) for row in cells]
    found = [(*name, *own("\n"), *user(text)) for name, text in zip(names, joined, strict=True)]
    heads = [column.head for column in panel.columns if column.head]
    between = [run for head in heads for run in (*own(", "), *head)]
    return found, tuple(between[1:])


def lowered(chart: Chart, style: Style, excess: float) -> Chart:
    """Return a chart that is lower by `excess` mm, as far as names and plots allow."""
    least = {id(panel): _least(panel, style) for row in chart.rows for panel in row}
    tallest = [max(row, key=lambda panel: panel.height) for row in chart.rows]
    give = sum(max(panel.height - least[id(panel)], 0.0) for panel in tallest)
    share = min(1.0, excess / give) if give > 0 else 0.0
    rows = tuple(
        tuple(replace(p, height=p.height - share * max(p.height - least[id(p)], 0.0)) for p in row)
        for row in chart.rows
    )
    return replace(chart, rows=rows)


def _least(panel: Panel, style: Style) -> float:
    """Return the least height of a panel in mm; one that follows from its width keeps it."""
    if not isinstance(panel.up, Rows):
        return LEAST * panel.height
    lines = max(1 + text.count("\n") for text in (*panel.up.shown, *panel.up.names))
    pitch = ROW_PER_POINT * style.small_size * lines
    return min(panel.height, pitch * abs(panel.up.high - panel.up.low))


def limited(chart: Chart, limits: Limits) -> Chart:
    """Return a chart whose axis of effects has the ends that are asked for.

    Raises
    ------
    OptionError
        For limits that are no range of the axis, or, when it is drawn, that leave a point out.
    """
    rows = tuple(tuple(_limited(panel, limits) for panel in row) for row in chart.rows)
    return replace(chart, rows=rows)


def _limited(panel: Panel, limits: Limits) -> Panel:
    for side in ("across", "up"):
        scale: Scale = getattr(panel, side)
        if isinstance(scale, Effect):
            low, high = ends_of(limits, scale.axis.measure)
            axis = replace(scale.axis, low=low, high=high)
            changed: dict[str, Any] = {side: replace(scale, axis=axis)}
            return replace(panel, paint=_checked(panel, limits, side), **changed)
    if isinstance(panel.across, Numbers) and isinstance(panel.up, Rows):
        low, high = ends_of(limits, "generic")
        scale = replace(panel.across, low=low, high=high)
        return replace(panel, paint=_checked(panel, limits, "across"), across=scale)
    return panel


def _checked(panel: Panel, limits: Limits, side: str) -> Callable[[Frame], None]:
    """Return what draws the data of a panel and refuses to leave a point out."""

    def paint(frame: Frame) -> None:
        panel.paint(frame)
        scale: Scale = getattr(frame, side)
        for artist in frame.axes.collections:
            if isinstance(artist, PathCollection):
                values = np.asarray(artist.get_offsets())[:, int(side == "up")]
                if values.size and (values.min() < scale.low or values.max() > scale.high):
                    raise OptionError(f"limits={limits!r} leave points of the figure out.")

    return paint


def ends_of(limits: Limits, measure: str) -> Limits:
    """Return limits, correlations where there are, on the analysis scale.

    Raises
    ------
    OptionError
        When they are no range.

    Examples
    --------
    >>> [round(end, 3) for end in ends_of((-0.2, 0.8), "z")]
    [-0.203, 1.099]
    """
    low, high = limits
    inside = -1 < low < high < 1 if measure != "generic" else low < high
    if not (math.isfinite(low) and math.isfinite(high) and inside):
        raise OptionError(f"limits={limits!r} is no range of the axis such as (-0.2, 0.8).")
    return (math.atanh(low), math.atanh(high)) if measure == "z" else (low, high)
