"""The lines of a forest plot as SVG, each drawn about y = 0 so that it can be moved."""

from __future__ import annotations

import math

from metaalliance.plots.canvas.style import MM_PER_POINT
from metaalliance.plots.forests.cells import cells_down, lights_in, texts_of
from metaalliance.plots.forests.lines import Heading, Note, Pooled, Prediction, TableLine
from metaalliance.plots.forests.marks import (
    ARROW,
    CAP,
    DASHES,
    DIAMOND,
    INNER,
    LEAST_SIDE,
    OPACITY,
    POINT,
)
from metaalliance.plots.forests.measure import LIGHT
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.forests.vector import element, polygon, segment, text


def line_content(plot: Plot, line: TableLine) -> str:
    """Return texts and marks of a line."""
    down = cells_down(plot, line)
    lights = "".join(
        element(
            "circle", cx=x, cy=down, r=LIGHT, fill=color, stroke=plot.style.ink, stroke_width=0.15
        )
        for x, color in lights_in(plot, line)
    )
    texts = (text(t, x, y, size, align=align) for t, x, y, align, size in texts_of(plot, line))
    return lights + "".join(texts) + _marks(plot, line)


def _marks(plot: Plot, line: TableLine) -> str:
    if isinstance(line, StudyRow):
        return _study(plot, line)
    if isinstance(line, Pooled):
        return _diamond(plot, line) if math.isfinite(line.low) else ""
    if isinstance(line, Prediction):
        return _interval(plot, line.low, line.high, plot.style.forest.diamond_edge, 2.0)
    return ""


def _study(plot: Plot, line: StudyRow) -> str:
    style, look = plot.style, plot.style.forest
    if not line.is_drawn:
        return _limits(plot, line) if line.censored else ""
    double = not math.isnan(line.outer_low)
    weight = style.medium * (INNER if double else 1.0)
    share = math.sqrt(line.weight / plot.heaviest)
    side = style.square * max(share, LEAST_SIDE)
    x = plot.place(line.estimate)
    parts = [
        element(
            "circle",
            cx=plot.place(point),
            cy=0,
            r=POINT / 2,
            fill=look.square,
            fill_opacity=OPACITY,
        )
        for point in line.points
    ]
    parts.append(
        element("rect", x=x - side / 2, y=-side / 2, width=side, height=side, fill=look.square)
    )
    if double:
        parts.append(_interval(plot, line.outer_low, line.outer_high, look.interval, style.thin))
    parts.append(_interval(plot, line.low, line.high, look.interval, weight))
    return "".join(parts)


def _limits(plot: Plot, line: StudyRow) -> str:
    """Return dashes between the limits of an effect without a value, its ends like brackets."""
    style, color, half = plot.style, plot.style.forest.interval, CAP * plot.style.row
    between = _interval(plot, line.low, line.high, color, style.thin)
    dashes = " ".join(f"{d * MM_PER_POINT * style.thin:.3f}" for d in DASHES)
    parts = [between.replace("/>", f' stroke-dasharray="{dashes}"/>', 1)]
    for end in (line.low, line.high):
        if plot.axis.low <= end <= plot.axis.high:
            x = plot.place(end)
            parts.append(segment(x, x, -half, half, color, style.thin))
    return "".join(parts)


def _interval(plot: Plot, low: float, high: float, color: str, weight: float) -> str:
    """Return an interval, with an arrow where it goes on beyond the axis."""
    axis = plot.axis
    start, end = plot.place(max(low, axis.low)), plot.place(min(high, axis.high))
    parts = [segment(start, end, 0.0, 0.0, color, weight)]
    for beyond, tip, way in ((low < axis.low, start, 1), (high > axis.high, end, -1)):
        if beyond:
            base = tip + way * ARROW / 2
            shape = [(tip, 0.0), (base, ARROW / 4), (base, -ARROW / 4)]
            parts.append(polygon(shape, fill=color))
    return "".join(parts)


def _diamond(plot: Plot, line: Pooled) -> str:
    look, half = plot.style.forest, DIAMOND * plot.style.row
    low, middle, high = (plot.place(v) for v in (line.low, line.estimate, line.high))
    return polygon(
        [(low, 0.0), (middle, -half), (high, 0.0), (middle, half)],
        fill=look.diamond if line.overall else look.group_diamond,
        stroke=look.diamond_edge if line.overall else look.group_edge,
        stroke_width=plot.style.thick * MM_PER_POINT,
    )


def line_kind(line: TableLine) -> str:
    """Return what a line is, for the script of the page."""
    if isinstance(line, StudyRow):
        return "effect" if line.minor else "study"
    if isinstance(line, Pooled):
        return "overall" if line.overall else "subtotal"
    if isinstance(line, Heading):
        return "heading"
    return "note" if isinstance(line, Note) else "prediction"
