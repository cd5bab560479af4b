"""The texts of a page as one artist, which become texts of matplotlib when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from metaalliance.core.arrays import Array
from metaalliance.plots.canvas.letters.faces import Face, face_of
from metaalliance.plots.canvas.letters.writers import Writer, writer_for

#: Millimetres of a point; what letters take above and below their baseline, in sizes.
_MM, _ABOVE, _BELOW = 25.4 / 72, 1.0, 0.3


@dataclass(frozen=True, slots=True)
class Placed:
    """A text of the layer.

    Attributes
    ----------
    text : str
        In one face.
    x, y, width : float
        Where its baseline starts, and how far it goes, in mm.
    size : float
        In points.
    font : FontProperties
        With which matplotlib draws it.
    file : str
        The font file that may set it letter by letter, or blank.
    """

    text: str
    x: float
    y: float
    width: float
    size: float
    color: str
    font: FontProperties
    file: str


class Lettering(Artist):
    """Texts that are drawn together: plain data, until `Layer.texts` makes artists of them."""

    def __init__(self) -> None:
        super().__init__()
        self.set_zorder(3)
        self.placed: list[Placed] = []

    def get_children(self) -> list[Artist]:
        """Return the texts as artists of their own, so that `findobj` finds them."""
        return [*self.axes.texts] if self.placed and self.axes is not None else []

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:  # noqa: ARG002
        """Return a box around all texts."""
        if not self.placed or self.axes is None:
            return Bbox.null()
        corners = np.array(
            [
                (x, y)
                for p in self.placed
                for x in (p.x, p.x + p.width)
                for y in (p.y - _ABOVE * _MM * p.size, p.y + _BELOW * _MM * p.size)
            ]
        )
        found = self.axes.transData.transform(corners)
        return Bbox([found.min(axis=0), found.max(axis=0)])

    def draw(self, renderer: RendererBase) -> None:
        """Draw the texts."""
        if self.get_visible() and self.axes is not None:
            for color in dict.fromkeys(p.color for p in self.placed):
                some = [p for p in self.placed if p.color == color]
                places = self.axes.transData.transform([(p.x, p.y) for p in some])
                _draw(renderer, some, places, color)
        self.stale = False


def _draw(renderer: RendererBase, some: Sequence[Placed], places: Array, color: str) -> None:
    """Draw texts of one colour, those that are set letter by letter together."""
    gc = renderer.new_gc()
    gc.set_foreground(to_rgba(color), isRGBA=True)
    write: Writer | None = writer_for(renderer)
    height = renderer.get_canvas_width_height()[1]
    quick: list[tuple[Face, float, str, float, float]] = []
    for placed, (x, y) in zip(some, places.tolist(), strict=True):
        face = None
        if write is not None:
            face = face_of(placed.text, placed.file, *write.scale(placed.size))
        if face is not None:
            quick.append((face, placed.size, placed.text, x, y))
            continue
        down = height - y if renderer.flipy() else y
        renderer.draw_text(gc, x, down, placed.text, placed.font, 0.0, ismath=False)
    if write is not None and quick:
        write.texts(gc, quick)
    gc.restore()


class Layer(Axes):
    """Axes in mm whose texts are one `Lettering`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lettering = Lettering()
        self.add_artist(self.lettering).set_clip_on(False)

    @property
    def texts(self) -> Axes.ArtistList[Text]:
        """The texts, which are artists of their own from now on, drawn one by one."""
        for placed in self.lettering.placed:
            self.text(
                placed.x,
                placed.y,
                placed.text,
                fontproperties=placed.font,
                color=placed.color,
                ha="left",
                va="baseline",
                parse_math=False,
            )
        self.lettering.placed = []
        return super().texts
