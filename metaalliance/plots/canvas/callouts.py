"""Names beside points: placed where they meet nothing, or left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.page import Align
from metaalliance.plots.canvas.style import MM_PER_POINT
from metaalliance.plots.canvas.typeset import Line, line_width

#: Distance of a name from its point in mm, and what is kept free around a point.
NEAR, FREE = 1.4, 0.7


def name_points(
    frame: Frame, x: Array, y: Array, names: Sequence[tuple[int, Line]], size: float
) -> list[int]:
    """Write names beside points, the most important first.

    A name stands right, left, above or below its point, at the first place where it stays
    inside the panel and clear of all points and of the names that are written already; a
    name without such a place is left out.

    Parameters
    ----------
    frame : Frame
        The panel.
    x, y : ndarray, shape (k,)
        All points.
    names : sequence of (int, Line)
        Index of a point and its name.
    size : float
        Type in points.

    Returns
    -------
    list of int
        Points that got their name.
    """
    places = frame.millimetres(x, y)
    boxes: list[tuple[float, float, float, float]] = []
    written = []
    height = 1.15 * size * MM_PER_POINT
    for index, line in names:
        width = line_width(line, size)
        for align, shift in _around(height):
            box = _box(places[index] + np.array(shift), width, height, align)
            if _free(box, boxes, np.delete(places, index, axis=0), frame):
                at = (float(x[index]), float(y[index]))
                frame.write(line, *at, align=align, shift=shift, size=size)
                boxes.append(box)
                written.append(index)
                break
    return written


def _around(height: float) -> list[tuple[Align, tuple[float, float]]]:
    """Return alignments and shifts of the places around a point, the best first."""
    up = height / 2 + 0.9
    aslant = 0.6 * NEAR
    return [
        ("left", (NEAR, 0.0)),
        ("right", (-NEAR, 0.0)),
        ("center", (0.0, up)),
        ("center", (0.0, -up)),
        ("left", (aslant, up)),
        ("right", (-aslant, up)),
        ("left", (aslant, -up)),
        ("right", (-aslant, -up)),
    ]


def _box(
    anchor: Array, width: float, height: float, align: Align
) -> tuple[float, float, float, float]:
    """Return left, bottom, right, top of a name in mm."""
    left = float(anchor[0]) - {"left": 0.0, "center": 0.5, "right": 1.0}[align] * width
    bottom = float(anchor[1]) - height / 2
    return left, bottom, left + width, bottom + height


def _free(
    box: tuple[float, float, float, float],
    boxes: Sequence[tuple[float, float, float, float]],
    points: Array,
    frame: Frame,
) -> bool:
    """Whether a name stays in the panel, off other names and off points."""
    left, bottom, right, top = box
    if left < 0.3 or right > frame.width or bottom < 0.3 or top > frame.height + 1.0:
        return False
    if any(left < r and l < right and bottom < t and b < top for l, b, r, t in boxes):  # noqa: E741
        return False
    x, y = points[:, 0], points[:, 1]
    hit = (x > left - FREE) & (x < right + FREE) & (y > bottom - FREE) & (y < top + FREE)
    return not bool(hit.any())
