"""What a figure is made of as shapes of a slide, which PowerPoint and its kin can edit."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, Transform
from PIL import Image

#: Length units of a slide in a point, and in a mm.
EMU = 12_700
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_NAMESPACES = f'xmlns:a="{_A}" xmlns:p="{_P}"'
_JOINS = {"miter": '<a:miter lim="800000"/>', "round": "<a:round/>", "bevel": "<a:bevel/>"}
_CAPS = {"butt": "flat", "round": "rnd", "projecting": "sq"}
_ALIGNED = {"left": "l", "center": "ctr", "right": "r"}


class ShapeRenderer(RendererBase):
    """A renderer of matplotlib, at 72 dots per inch, that makes a shape of each path and text.

    Parameters
    ----------
    width, height : float
        Of the figure in points.

    Attributes
    ----------
    shapes : list of str
        Each as an element ``p:sp``, from the back to the front.
    pictures : list of (bytes, tuple)
        Bitmaps with left, top, width and height in points.
    """

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self._width, self._height = width, height
        self.shapes: list[str] = []
        self.pictures: list[tuple[bytes, tuple[float, float, float, float]]] = []

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Return the size of the figure in points."""
        return self._width, self._height

    def points_to_pixels(self, points: Any) -> Any:
        """Return points: a pixel is one."""
        return points

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: Any = None,  # the name in matplotlib
    ) -> None:
        """Add a path with its line and its fill."""
        face = _colour(rgbFace, gc.get_alpha() if gc.get_forced_alpha() else None)
        line = gc.get_linewidth() > 0 and gc.get_rgb()[3] > 0
        if not line and face is None:
            return
        flipped = transform + Affine2D().scale(1, -1).translate(0, self._height)
        commands = list(_commands(path, flipped, self._clip(gc), filled=face is not None))
        if not commands:
            return
        ends = np.array([point for _, points in commands for point in points])
        if not np.isfinite(ends).all():
            return
        (left, top), (right, bottom) = ends.min(axis=0), ends.max(axis=0)
        size = max(right - left, 1e-3), max(bottom - top, 1e-3)
        self._add(
            "shape",
            _frame(left, top, *size, 0.0)
            + _geometry(commands, (left, top), size)
            + _fill(face)
            + (_line(gc) if line else "<a:ln><a:noFill/></a:ln>"),
        )

    def _clip(self, gc: GraphicsContextBase) -> Bbox | None:
        """The rectangle outside which nothing shows, with y from above."""
        box = gc.get_clip_rectangle()
        if box is None:
            return None
        return Bbox.from_extents(box.x0, self._height - box.y1, box.x1, self._height - box.y0)

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Add a text box whose first baseline begins at a point."""
        if ismath:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)  # as paths
            return
        face = get_font(findfont(prop))
        size = prop.get_size_in_points()
        ascent = size * face.ascender / face.units_per_EM
        height = ascent - size * face.descender / face.units_per_EM
        width, _, _ = self.get_text_width_height_descent(s, prop, ismath)
        turn = math.radians(angle)
        across, down = width / 2, height / 2 - ascent
        centre = (
            x + across * math.cos(turn) + down * math.sin(turn),
            y - across * math.sin(turn) + down * math.cos(turn),
        )
        box = centre[0] - width / 2, centre[1] - height / 2, width, height
        aligned = _ALIGNED.get(mtext.get_horizontalalignment() if mtext else "left", "l")
        look = f' b="{int(_is_bold(prop))}" i="{int(prop.get_style() != "normal")}"'
        family = quoteattr(face.family_name)
        run = (
            f'<a:rPr lang="en-US" sz="{round(100 * size)}"{look}>{_fill(gc.get_rgb())}'
            f"<a:latin typeface={family}/><a:cs typeface={family}/></a:rPr>"
            f"<a:t>{escape(s)}</a:t>"
        )
        self._add(
            s,
            _frame(*box, -angle) + '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:noFill/>',
            '<p:txBody><a:bodyPr wrap="none" lIns="0" tIns="0" rIns="0" bIns="0" anchor="t">'
            f'<a:noAutofit/></a:bodyPr><a:p><a:pPr algn="{aligned}"/><a:r>{run}</a:r></a:p>'
            "</p:txBody>",
        )

    def draw_image(
        self,
        gc: GraphicsContextBase,  # noqa: ARG002
        x: float,
        y: float,
        im: Any,
        transform: Any = None,  # noqa: ARG002
    ) -> None:
        """Keep a bitmap, such as a colour bar, for a picture."""
        rows, columns = im.shape[:2]
        if not rows or not columns:
            return
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(im)[::-1]).save(buffer, "PNG")
        size = float(columns), float(rows)
        place = float(x), self._height - float(y) - size[1]
        self.pictures.append((buffer.getvalue(), (*place, *size)))

    def _add(self, name: str, properties: str, rest: str = "") -> None:
        index, box = len(self.shapes) + 2, ' txBox="1"' if rest else ""
        self.shapes.append(
            f'<p:sp {_NAMESPACES}><p:nvSpPr><p:cNvPr id="{index}" name={quoteattr(name)}/>'
            f"<p:cNvSpPr{box}/><p:nvPr/></p:nvSpPr>"
            f"<p:spPr>{properties}</p:spPr>{rest}</p:sp>"
        )


_Command = tuple[str, list[tuple[float, float]]]


def _commands(
    path: Path, transform: Transform, clip: Bbox | None, *, filled: bool
) -> Iterator[_Command]:
    """Yield moves, lines, curves and ends of a path inside a rectangle, in points."""
    shown, ends = path.transformed(transform), None
    if clip is not None:
        extents = shown.get_extents()
        if not extents.overlaps(clip):
            return
        inside = clip.x0 <= extents.x0 and extents.x1 <= clip.x1 and clip.y0 <= extents.y0
        if not (inside and extents.y1 <= clip.y1):
            if filled:
                shown = shown.clip_to_bbox(clip)
            else:
                ends = clip.extents
    segments = shown.iter_segments(simplify=False, clip=ends, remove_nans=True)
    for values, code in segments:
        points = [(float(a), float(b)) for a, b in np.reshape(values, (-1, 2))]
        if code == Path.MOVETO:
            yield "moveTo", points
        elif code == Path.LINETO:
            yield "lnTo", points
        elif code == Path.CURVE3:
            yield "quadBezTo", points
        elif code == Path.CURVE4:
            yield "cubicBezTo", points
        elif code == Path.CLOSEPOLY:
            yield "close", []


def _geometry(
    commands: Sequence[_Command], origin: tuple[float, float], size: tuple[float, float]
) -> str:
    """A path as geometry of its own, which can be edited point by point."""
    parts = []
    for name, points in commands:
        inside = "".join(
            f'<a:pt x="{_emu(x - origin[0])}" y="{_emu(y - origin[1])}"/>' for x, y in points
        )
        parts.append(f"<a:{name}>{inside}</a:{name}>")
    return (
        "<a:custGeom><a:avLst/><a:gdLst/><a:ahLst/><a:cxnLst/>"
        '<a:rect l="0" t="0" r="r" b="b"/><a:pathLst>'
        f'<a:path w="{_emu(size[0])}" h="{_emu(size[1])}">{"".join(parts)}</a:path>'
        "</a:pathLst></a:custGeom>"
    )


def _frame(left: float, top: float, width: float, height: float, turn: float) -> str:
    """Place, size and clockwise turn in degrees."""
    turned = f' rot="{round(turn % 360 * 60_000)}"' if turn % 360 else ""
    return (
        f'<a:xfrm{turned}><a:off x="{_emu(left)}" y="{_emu(top)}"/>'
        f'<a:ext cx="{max(_emu(width), 1)}" cy="{max(_emu(height), 1)}"/></a:xfrm>'
    )


def _line(gc: GraphicsContextBase) -> str:
    """Line with width, colour, dashes, ends and corners."""
    width = gc.get_linewidth()
    dashes: Any = gc.get_dashes()[1]
    style = ""
    if dashes is not None and len(dashes):
        pairs = zip(dashes[::2], dashes[1::2], strict=False)
        style = "".join(
            f'<a:ds d="{round(1e5 * on / width)}" sp="{round(1e5 * off / width)}"/>'
            for on, off in pairs
        )
        style = f"<a:custDash>{style}</a:custDash>"
    cap = _CAPS.get(str(gc.get_capstyle()), "flat")
    join = _JOINS.get(str(gc.get_joinstyle()), "<a:round/>")
    return f'<a:ln w="{_emu(width)}" cap="{cap}">{_fill(gc.get_rgb())}{style}{join}</a:ln>'


def _colour(face: Any, alpha: float | None) -> tuple[float, ...] | None:
    """Red, green, blue and opacity of a fill; None where there is none."""
    if face is None:
        return None
    rgba = (*face[:3], face[3] if len(face) > 3 else 1.0)
    if alpha is not None:
        rgba = (*rgba[:3], alpha)
    return rgba if rgba[3] > 0 else None


def _fill(rgba: Any) -> str:
    if rgba is None:
        return "<a:noFill/>"
    letters = "".join(f"{round(255 * value):02X}" for value in rgba[:3])
    opacity = rgba[3] if len(rgba) > 3 else 1.0
    clear = f'<a:alpha val="{round(100_000 * opacity)}"/>' if opacity < 1 else ""
    return f'<a:solidFill><a:srgbClr val="{letters}">{clear}</a:srgbClr></a:solidFill>'


def _is_bold(prop: FontProperties) -> bool:
    weight = prop.get_weight()
    return weight in {"bold", "heavy", "black", "semibold", "demibold"} or (
        isinstance(weight, int | float) and weight >= 600
    )


def _emu(points: float) -> int:
    return round(EMU * points)
