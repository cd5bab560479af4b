"""Elements of SVG in mm, every text and attribute escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from metaalliance.plots.canvas.page import HALF_CAPITAL
from metaalliance.plots.canvas.style import MM_PER_POINT
from metaalliance.plots.canvas.typeset import Line

_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """Return an element; attributes that are None are left out, underscores become hyphens.

    Examples
    --------
    >>> element("circle", r=1.5, class_="a & b")
    '<circle r="1.5" class="a &amp; b"/>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def _text(value: object) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def text(
    line: Line, x: float, y: float, size: float, *, align: str = "left", **attributes: object
) -> str:
    """Return a line of text whose capitals have their middle at `y`; `size` is in points."""
    spans = "".join(
        element(
            "tspan",
            escape(run.text),
            font_style="italic" if run.italic else None,
            font_weight="bold" if run.bold else None,
        )
        for run in line
        if run.text
    )
    baseline = y + HALF_CAPITAL * size * MM_PER_POINT
    return element(
        "text",
        spans,
        x=float(x),
        y=float(baseline),
        font_size=float(size * MM_PER_POINT),
        text_anchor=None if align == "left" else _ANCHORS[align],
        **attributes,
    )


def segment(x1: float, x2: float, y1: float, y2: float, color: str, weight: float) -> str:
    """Return a straight line of `weight` points."""
    return element(
        "line",
        x1=float(x1),
        x2=float(x2),
        y1=float(y1),
        y2=float(y2),
        stroke=color,
        stroke_width=float(weight * MM_PER_POINT),
    )


def polygon(points: Iterable[tuple[float, float]], **attributes: object) -> str:
    """Return a closed shape."""
    listed = " ".join(f"{x:.3f},{y:.3f}" for x, y in points)
    return element("polygon", points=listed, **attributes)
