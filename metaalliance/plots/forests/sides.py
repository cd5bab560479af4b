"""What lies on either side of zero: words under or over a forest plot, where there is room."""

from __future__ import annotations

from metaalliance.plots.canvas.page import Align
from metaalliance.plots.canvas.typeset import NO_BREAK, Line, line_width, own, wrap
from metaalliance.plots.forests.plot import Plot

#: Distance of the words about either side from zero, and how far words over the plot may leave
#: it, in mm.
APART, OVER = 1.5, 1.5

#: A line of words: each with its place in mm and its alignment.
Words = tuple[tuple[Line, float, Align], ...]


def directions(plot: Plot) -> tuple[Words, ...]:
    """Return the lines of words about both sides, from the top; nothing where they do not fit."""
    axis = plot.axis
    if axis.measure == "generic" or not axis.low < 0 < axis.high:
        return ()
    said = [tuple(own(_with_arrow(side)) for side in words) for words in plot.directions]
    long, short = said[: max(len(said) - 1, 1)], said[1:][-1:]
    for wordings, most in ((long, 1), (long, 2), (short, 1)):
        for worse, better in wordings:
            if found := _fitted(plot, worse, better, most):
                return found
    return ()


def _with_arrow(words: str) -> str:
    """Return words of which an arrow at either end never stands on a line alone."""
    for arrow in "←→":
        words = words.replace(f"{arrow} ", f"{arrow}{NO_BREAK}").replace(
            f" {arrow}", NO_BREAK + arrow
        )
    return words


def _fitted(plot: Plot, worse: Line, better: Line, most: int) -> tuple[Words, ...]:
    """Return both words on at most `most` lines, or nothing."""
    zero, (low, high) = plot.place(0.0), _room(plot)
    size = plot.style.small_size
    sides = [
        _broken(line, room, size, most)
        for line, room in ((worse, zero - APART - low), (better, high - zero - APART))
    ]
    if not all(sides):
        return ()
    count = max(map(len, sides))
    places: tuple[tuple[float, Align], ...] = ((zero - APART, "right"), (zero + APART, "left"))
    return tuple(
        tuple(
            (lines[i], x, align)
            for lines, (x, align) in zip(sides, places, strict=True)
            if i < len(lines)
        )
        for i in range(count)
    )


def _broken(line: Line, room: float, size: float, most: int) -> list[Line]:
    """Break a line into at most `most` that fit, whole words only; nothing if that fails."""
    if line_width(line, size) <= room:
        return [line]
    if most == 1 or room <= 0:
        return []
    lines = wrap(line, room, size)
    whole = sum(len(run.text) for part in lines for run in part) + len(lines) - 1
    intact = whole == sum(len(run.text) for run in line)
    return lines if len(lines) <= most and intact else []


def _room(plot: Plot) -> tuple[float, float]:
    """Return the edges in mm between which the words may stand."""
    margin, panel = plot.style.margin, plot.columns.panel
    if plot.style.forest.directions_at == "above":
        return panel[0] - OVER, panel[1] + OVER
    return (panel[0] - 2.0 if plot.beside else margin), plot.width - margin
