"""Faces of type: advances, kerning and outlines of characters, each measured once.

A text of plain letters is as wide as its characters and the kerning of its pairs: no shaping of the
whole is needed where no letter changes with its neighbours. That holds for Latin, Greek and
Cyrillic in the families of a journal figure; every other text is left to matplotlib.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from matplotlib.font_manager import get_font
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.path import Path

from metaalliance.core.arrays import Array

#: Characters that stand alone: letters, figures, punctuation and signs, without marks that join.
_PLAIN = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02af\u0370-\u0482\u048a-\u052f\u1e00-\u1eff"
    "\u2010-\u2027\u2030-\u205e\u2070-\u22ff\u25a0-\u25ff]+"
)

#: Pixels per inch at which texts are measured.
MEASURED = 600

#: Pixels by which a chord may leave its curve; FreeType draws letters with the same.
_FLAT = 0.25


class Face:
    """A font file at a size and resolution, unhinted; lengths are in 1/64 pixel.

    Parameters
    ----------
    path : str
        The font file.
    size : float
        In points.
    dpi : float
        Pixels per inch.
    """

    def __init__(self, path: str, size: float, dpi: float) -> None:
        self.path, self.size, self.dpi = path, size, dpi
        self._advances: dict[str, int] = {}
        self._kerns: dict[str, int | None] = {}
        self._outlines: dict[str, tuple[Array, Array]] = {}

    def sets(self, text: str) -> bool:
        """Whether a text is set letter by letter: of characters that the face has, none joined."""
        if not _PLAIN.fullmatch(text) or not _characters(self.path).issuperset(text):
            return False
        pairs = [a + b for a, b in pairwise(text)]
        self._learn(text, pairs)
        return all(self._kern(pair) is not None for pair in pairs)

    def places(self, text: str) -> list[int]:
        """Return where each character of a text that it `sets` starts, and where the last ends."""
        found, end = [0], 0
        for i, character in enumerate(text):
            end += self._advance(character)
            if i + 1 < len(text):
                end += self._kern(text[i : i + 2]) or 0
            found.append(end)
        return found

    def kern(self, pair: str) -> float:
        """Return the kerning of two characters in points."""
        return (self._kern(pair) or 0) / 64 * 72 / self.dpi

    def _advance(self, character: str) -> int:
        if character not in self._advances:
            glyph = self._font().load_char(ord(character), flags=LoadFlags.NO_HINTING)
            self._advances[character] = int(glyph.horiAdvance)
        return self._advances[character]

    def _learn(self, text: str, pairs: Sequence[str]) -> None:
        """Take the kerning of several new pairs from where the glyphs of a text stand."""
        if sum(pair not in self._kerns for pair in pairs) < 2:
            return
        font = self._font()
        starts = font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)[:, 0].tolist()
        width = font.get_width_height()[0]
        if len(starts) != len(text) or starts[-1] + self._advance(text[-1]) != width:
            return  # some are joined, or moved: each pair is measured alone
        for pair, (start, end) in zip(pairs, pairwise(starts), strict=True):
            self._kerns.setdefault(pair, int(end - start) - self._advance(pair[0]))

    def _kern(self, pair: str) -> int | None:
        """Return the kerning of a pair; None where the two do not stay two glyphs."""
        if pair not in self._kerns:
            count, width = self._measured(pair)
            apart = width - self._advance(pair[0]) - self._advance(pair[1])
            self._kerns[pair] = apart if count == len(pair) else None
        return self._kerns[pair]

    def _measured(self, text: str) -> tuple[int, int]:
        """Return the number of glyphs of a text and its width."""
        font = self._font()
        places = font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
        return len(places), font.get_width_height()[0]

    def outline(self, character: str) -> tuple[Array, Array]:
        """Return vertices in pixels, shape (n, 2), and codes of the outline, of lines alone."""
        if character not in self._outlines:
            font = self._font()
            font.load_char(ord(character), flags=LoadFlags.NO_HINTING)
            vertices, codes = font.get_path()
            self._outlines[character] = _flattened(vertices, codes.tolist())
        return self._outlines[character]

    def path_data(self, character: str) -> str:
        """Return the outline of a character, with its curves, as an SVG has it, in 1/64 pixel."""
        font = self._font()
        font.load_char(ord(character), flags=LoadFlags.NO_HINTING)
        path = Path(*font.get_path())
        return "".join(
            _COMMANDS[int(code)] + " ".join(f"{64 * v:g}" for v in points if code != Path.CLOSEPOLY)
            for points, code in path.iter_segments(curves=True, simplify=False)
        )

    def _font(self) -> FT2Font:
        font = get_font(self.path)  # others use it at their own sizes
        font.set_size(self.size, self.dpi)
        return font


@lru_cache(maxsize=32)
def _characters(path: str) -> frozenset[str]:
    """Return what a font file has a glyph for."""
    return frozenset(map(chr, get_font(path).get_charmap()))


def face_of(text: str, path: str, size: float, dpi: float) -> Face | None:
    """Return the face of a font file that sets a text letter by letter, if it does.

    Parameters
    ----------
    path : str
        The font file; blank for none.
    size, dpi : float
        Points, and pixels per inch.
    """
    face = _face(path, size, dpi) if path else None
    return face if face is not None and face.sets(text) else None


@lru_cache(maxsize=256)
def _face(path: str, size: float, dpi: float) -> Face:
    return Face(path, size, dpi)


def _flattened(vertices: Array, codes: Sequence[int]) -> tuple[Array, Array]:
    """Return an outline with chords in the place of its curves."""
    parts: list[Array] = []
    marks: list[int] = []
    start = last = np.zeros(2)
    place = 0
    while place < len(codes):
        code = codes[place]
        taken = _CURVES[code][0] if code in _CURVES else 1
        points = vertices[place : place + taken]
        place += taken
        if code in _CURVES:
            chords = _CURVES[code][1](np.vstack([last, points]))
            parts.append(chords)
            marks += [int(Path.LINETO)] * len(chords)
        else:
            start = points[0] if code == Path.MOVETO else start
            parts.append(start[None] if code == Path.CLOSEPOLY else points)
            marks.append(code)
        last = parts[-1][-1]
    flat: Array = np.concatenate(parts) if parts else np.empty((0, 2))
    return flat, np.array(marks, dtype=np.uint8)


def _quadratic(p: Array) -> Array:
    """Return points on a curve of one control point, as many as FreeType takes."""
    bend, count = float(np.abs(p[0] - 2 * p[1] + p[2]).max()), 1
    while bend > _FLAT:
        bend, count = bend / 4, count * 2
    t = np.arange(1, count + 1)[:, None] / count
    found: Array = (1 - t) ** 2 * p[0] + 2 * t * (1 - t) * p[1] + t**2 * p[2]
    return found


def _cubic(p: Array) -> Array:
    """Return points on a curve of two control points."""
    bend = np.abs([p[0] - 2 * p[1] + p[2], p[1] - 2 * p[2] + p[3]]).max()
    count = 1 + int(np.ceil(np.sqrt(bend / _FLAT)))
    t = np.arange(1, count + 1)[:, None] / count
    u = 1 - t
    found: Array = u**3 * p[0] + 3 * u**2 * t * p[1] + 3 * u * t**2 * p[2] + t**3 * p[3]
    return found


#: The points that a curve takes, and what makes chords of it.
_CURVES: dict[int, tuple[int, Callable[[Array], Array]]] = {
    int(Path.CURVE3): (2, _quadratic),
    int(Path.CURVE4): (3, _cubic),
}


#: The letters of SVG for the codes of an outline.
_COMMANDS = {
    int(Path.MOVETO): "M",
    int(Path.LINETO): "L",
    int(Path.CURVE3): "Q",
    int(Path.CURVE4): "C",
    int(Path.CLOSEPOLY): "z",
}
