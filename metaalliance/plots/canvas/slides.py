"""Figures as slides: one on each, in its exact size, of shapes and texts that can be edited."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.plots.canvas.shapes import EMU, ShapeRenderer
from metaalliance.sheet.template.archive import repeatable

_POINTS = 72.0
_BLANK = 6  # the layout without placeholders


class Slides:
    """A presentation of several figures.

    Parameters
    ----------
    mark : str
        What the file says of its origin.

    Raises
    ------
    OptionError
        When python-pptx is not installed.
    """

    def __init__(self, mark: str) -> None:
        try:
            import pptx
        except ImportError:
            raise OptionError(
                "A presentation needs python-pptx: pip install 'metaalliance[slides]'."
            ) from None
        self._book: Any = pptx.Presentation()
        self._mark, self._size = mark, (0.0, 0.0)
        self._book.core_properties.author = mark

    def add(self, page: Figure) -> None:
        """Add a figure as a slide; slides have the size of the largest."""
        from pptx.oxml import parse_xml

        former = page.dpi
        width, height = (_POINTS * side for side in page.get_size_inches())
        renderer = ShapeRenderer(width, height)
        try:
            page.dpi = _POINTS
            page.draw(renderer)
        finally:
            page.dpi = former
        slide = self._book.slides.add_slide(self._book.slide_layouts[_BLANK])
        for content, box in renderer.pictures:
            slide.shapes.add_picture(io.BytesIO(content), *(round(EMU * side) for side in box))
        tree = slide.shapes._spTree
        for shape in renderer.shapes:
            tree.append(parse_xml(shape))
        for index, element in enumerate(tree.iter("{*}cNvPr"), start=1):
            element.set("id", str(index))
        self._size = max(self._size[0], width), max(self._size[1], height)

    def content(self) -> bytes:
        """Return the file; equal figures give equal bytes."""
        self._book.slide_width, self._book.slide_height = (round(EMU * s) for s in self._size)
        buffer = io.BytesIO()
        self._book.save(buffer)
        whole = io.BytesIO(repeatable(buffer.getvalue()))
        with zipfile.ZipFile(whole, "a") as archive:
            archive.comment = self._mark.encode()
        return whole.getvalue()
