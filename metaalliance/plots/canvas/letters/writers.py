"""How letters come into a bitmap, a PDF and an SVG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import matplotlib
import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_pdf import PdfFile
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Outline
from matplotlib.transforms import IdentityTransform

from metaalliance.plots.canvas.letters.faces import MEASURED, Face

#: A text: its face, its size in points, and where its baseline starts, from the lower left corner.
Text = tuple[Face, float, str, float, float]


class Writer(Protocol):
    """Writes texts that are set letter by letter."""

    def scale(self, size: float) -> tuple[float, float]:
        """Return size and resolution of the face of a text of `size` points."""

    def texts(self, gc: GraphicsContextBase, some: Sequence[Text]) -> None:
        """Write texts in the colour of `gc`."""


def writer_for(renderer: Any) -> Writer | None:
    """Return what writes letters for a renderer; None where matplotlib itself has to."""
    if hasattr(renderer, "buffer_rgba"):
        return Bitmap(renderer)
    if isinstance(getattr(renderer, "file", None), PdfFile):
        return Pdf(renderer)
    if hasattr(renderer, "writer") and matplotlib.rcParams["svg.fonttype"] == "path":
        return Svg(renderer)
    return None


class Bitmap:
    """Fills the outlines of all letters at once.

    Each letter stands on a grid of 1/64 pixel, as FreeType sets it. The coverage of a pixel is that
    of FreeType to 2 of 255; where two letters share a pixel, they cover it together.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer

    def scale(self, size: float) -> tuple[float, float]:
        """Return size and resolution of the face of a text of `size` points."""
        return size, float(self._renderer.dpi)

    def texts(self, gc: GraphicsContextBase, some: Sequence[Text]) -> None:
        """Write texts in the colour of `gc`."""
        kinds: dict[tuple[Face, str], int] = {}
        letters = [
            (kinds.setdefault((face, character), len(kinds)), x + start / 64, y)
            for face, _, text, x, y in some
            for character, start in zip(text, face.places(text), strict=False)
        ]
        which, xs, ys = zip(*letters, strict=True)
        outlines = [face.outline(character) for face, character in kinds]
        vertices = np.concatenate([outline[0] for outline in outlines])
        codes = np.concatenate([outline[1] for outline in outlines])
        lengths = np.array([len(outline[1]) for outline in outlines])
        firsts = np.cumsum(lengths) - lengths
        kind = np.array(which)
        counts = lengths[kind]
        taken = np.repeat(firsts[kind] - np.cumsum(counts) + counts, counts)
        taken += np.arange(len(taken))
        places = np.rint(64 * np.column_stack([xs, ys])) / 64
        path = Outline(vertices[taken] + np.repeat(places, counts, axis=0), codes[taken])
        gc.set_linewidth(0)
        gc.set_snap(False)
        self._renderer.draw_path(gc, path, IdentityTransform(), gc.get_rgb())


#: What a PDF says to show one glyph: the name of the font, then the code of the glyph.
_SHOWN = re.compile(
    rb"/(\S+) [\d.]+ Tf\s[\d. ]*Td\s\[\s*\(((?:[^\\()]|\\.)+)\)\s*\]\s*TJ\s", re.DOTALL
)

#: In each PDF, the font and the code of each character of a font file; None where it has no code.
_CODES: WeakKeyDictionary[PdfFile, dict[tuple[str, str], tuple[bytes, bytes] | None]] = (
    WeakKeyDictionary()
)


class _Kept(list[bytes]):
    """Stands for the stream of a PDF, and keeps what is written."""

    write = list.append


class Pdf:
    """Shows texts as text, all in one text object, by the codes that matplotlib gives.

    Letters stand where the font has them, and their kerning is that with which texts are measured;
    matplotlib itself moves each letter to a multiple of 1/64 point.
    """

    def __init__(self, renderer: Any) -> None:
        self._renderer, self._file = renderer, renderer.file
        self._codes = _CODES.setdefault(self._file, {})

    def scale(self, size: float) -> tuple[float, float]:
        """Return size and resolution of the face of a text of `size` points."""
        return size, MEASURED

    def texts(self, gc: GraphicsContextBase, some: Sequence[Text]) -> None:
        """Write texts in the colour of `gc`."""
        self._renderer.check_gc(gc, gc.get_rgb())
        parts, former, others = [b"BT"], b"", []
        for face, size, text, x, y in some:
            codes = [self._code(gc, face, character) for character in text]
            fonts = {None if code is None else code[0] for code in codes}
            font = fonts.pop()
            if font is None or fonts:
                others.append((face, size, text, x, y))
                continue
            selected = b"/%s %.6g Tf" % (font, size)
            if selected != former:
                parts.append(selected)
                former = selected
            shown = [code[1] for code in codes if code is not None]
            for i, pair in enumerate(map("".join, pairwise(text))):
                if kern := face.kern(pair):
                    shown[i] += b") %.6g (" % (-1000 * kern / size)
            parts.append(b"1 0 0 1 %.5f %.5f Tm [(%s)] TJ" % (x, y, b"".join(shown)))
        self._file.write(b"\n".join([*parts, b"ET\n"]))
        for face, size, text, x, y in others:
            font = FontProperties(fname=face.path, size=size)
            self._renderer.draw_text(gc, x, y, text, font, 0.0, ismath=False)

    def _code(self, gc: GraphicsContextBase, face: Face, character: str) -> Any:
        """Return name of the font and code of a character, as matplotlib shows it here."""
        key = face.path, character
        if key not in self._codes:
            stream, kept = self._file.currentstream, _Kept()
            self._file.currentstream = kept
            try:
                font = FontProperties(fname=face.path, size=face.size)
                self._renderer.draw_text(gc, 0, 0, character, font, 0.0, ismath=False)
            finally:
                self._file.currentstream = stream
            found = _SHOWN.search(b"".join(kept))
            self._codes[key] = None if found is None else (found[1], found[2])
        return self._codes[key]


#: Size of the letters of an SVG in its definitions, in points; each use is scaled.
_DEFINED = 100.0

#: In each SVG, the characters of a font file that are defined, with their names.
_NAMES: WeakKeyDictionary[Any, dict[tuple[str, str], str]] = WeakKeyDictionary()


class Svg:
    """Draws each letter as a use of its outline, which is defined once; the text is a comment."""

    def __init__(self, renderer: Any) -> None:
        self._renderer, self._writer = renderer, renderer.writer
        self._names = _NAMES.setdefault(self._writer, {})

    def scale(self, size: float) -> tuple[float, float]:  # noqa: ARG002
        """Return size and resolution of the face of a text of `size` points."""
        return _DEFINED, 72.0

    def texts(self, gc: GraphicsContextBase, some: Sequence[Text]) -> None:
        """Write texts in the colour of `gc`."""
        self._define(some)
        height = self._renderer.get_canvas_width_height()[1]
        look = {"fill": to_hex(gc.get_rgb()), "opacity": _short(gc.get_rgb()[3])}
        shown = "; ".join(f"{k}: {v}" for k, v in look.items() if (k, v) not in _USUAL)
        self._writer.start("g", **({"style": shown} if shown else {}))
        for face, size, text, x, y in some:
            self._writer.comment(text)
            share = _short(size / _DEFINED)
            place = f"translate({_short(x)} {_short(height - y)}) scale({share} -{share})"
            self._writer.start("g", transform=place)
            for character, start in zip(text, face.places(text), strict=False):
                if name := self._names[face.path, character]:
                    use = {"xlink:href": f"#{name}"} | ({"x": _short(start / 64)} if start else {})
                    self._writer.element("use", attrib=use)
            self._writer.end("g")
        self._writer.end("g")

    def _define(self, some: Sequence[Text]) -> None:
        """Define the letters that are not yet defined; a blank has no outline and no name."""
        wanted = {(f.path, c): f for f, _, text, _, _ in some for c in text}
        missing = {key: face for key, face in wanted.items() if key not in self._names}
        if not missing:
            return
        self._writer.start("defs")
        for (path, character), face in missing.items():
            data = face.path_data(character)
            stem = Path(path).stem
            name = f"letter-{stem}-{ord(character):x}" if data else ""
            self._names[path, character] = name
            if data:
                self._writer.element("path", id=name, d=data, transform=f"scale({1 / 64})")
        self._writer.end("defs")


_USUAL = {("fill", "#000000"), ("opacity", "1")}


def _short(value: float) -> str:
    return f"{value:f}".rstrip("0").rstrip(".")
