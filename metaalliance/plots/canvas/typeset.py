"""Text measured before it is drawn: runs of roman, italic and bold, shortened or wrapped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from unicodedata import combining

import matplotlib
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from metaalliance.plots.canvas.fonts import (
    FAMILIES,
    base_families,
    drawable,
    face_file,
    families_for,
    needs_fallback,
)
from metaalliance.plots.canvas.letters.faces import MEASURED, face_of

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
NO_BREAK = "\N{NO-BREAK SPACE}"

_YEAR = re.compile(r",? +\(?\d{4}[a-z]?\)?$")

#: Widths that differ by less, in mm, are equal.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one face; never read as mathematical notation."""

    text: str
    italic: bool = False
    bold: bool = False

    def font(self, size: float) -> FontProperties:
        """Return the font at a size in points; fallback fonts only have a regular face."""
        plain = needs_fallback(self.text)
        italic, bold = self.italic and not plain, self.bold and not plain
        return _font(families_for(self.text), size, italic, bold)

    @property
    def file(self) -> str:
        """The font file that may set the text letter by letter; blank where matplotlib has to.

        A typeface of the user may have letters that change with their neighbours.
        """
        family = base_families()[0]
        return face_file(family, self.italic, self.bold) if family in FAMILIES else ""


@lru_cache(maxsize=256)
def _font(families: tuple[str, ...], size: float, italic: bool, bold: bool) -> FontProperties:
    return FontProperties(
        family=list(families),
        size=size,
        style="italic" if italic else "normal",
        weight="bold" if bold else "normal",
    )


Line = tuple[Run, ...]


def own(markup: str, *, bold: bool = False) -> Line:
    """Return text of ours as runs; stars enclose the symbols that APA prints in italics.

    Blanks around =, < and > do not break. Never for text of the user, which is a single
    `user` run.

    Examples
    --------
    >>> own("*p* is .03")
    (Run(text='p', italic=True, bold=False), Run(text=' is .03', italic=False, bold=False))
    """
    for sign in "=<>":
        markup = markup.replace(f" {sign} ", f"{NO_BREAK}{sign}{NO_BREAK}")
    parts = markup.split("*")
    return tuple(Run(part, i % 2 == 1, bold) for i, part in enumerate(parts) if part)


def user(value: str, *, bold: bool = False) -> Line:
    """Return text of the user as one run, made drawable."""
    return (Run(drawable(value), bold=bold),)


@lru_cache(maxsize=1)
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, MEASURED)  # type: ignore[no-untyped-call]


def run_width(run: Run, size: float) -> float:
    """Width of a run in mm, blanks at its ends included."""
    return _run_width(run, size, base_families())


@lru_cache(maxsize=65536)
def _run_width(run: Run, size: float, base: tuple[str, ...]) -> float:  # noqa: ARG001 (key of the cache)
    """Width of a run when `base` are the families that are preferred."""
    face = face_of(run.text, run.file, size, MEASURED)
    if face is not None:
        return face.places(run.text)[-1] / 64 * 25.4 / MEASURED
    unhinted = matplotlib.rcParams["text.hinting"] == "no_hinting"  # switching is slow
    with nullcontext() if unhinted else matplotlib.rc_context({"text.hinting": "no_hinting"}):
        width, _, _ = _renderer().get_text_width_height_descent(  # type: ignore[no-untyped-call]
            run.text, run.font(size), False
        )
    return float(width) * 25.4 / MEASURED


def line_width(line: Line, size: float) -> float:
    """Width of a line of runs in mm."""
    return sum(run_width(run, size) for run in line)


def shorten(line: Line, limit: float, size: float) -> Line:
    """Cut the last run of a line so that it fits `limit` mm, with an ellipsis.

    A year at its end stays, as in "Lorenzo-Luaces… (2013)", while there is room for more.
    """
    if line_width(line, size) <= limit + ROUNDING:
        return line
    *before, last = line
    room = limit - line_width(tuple(before), size)
    year = _YEAR.search(last.text)
    tail = year.group() if year else ""
    if run_width(replace(last, text=tail), size) > room / 2:
        tail = ""
    low, high = 0, len(last.text) - len(tail)
    while low < high:
        middle = (low + high + 1) // 2
        fits = run_width(_cut(last, middle, tail), size) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return (*before, _cut(last, low, tail))


def _cut(run: Run, length: int, tail: str) -> Run:
    return replace(run, text=run.text[:length].rstrip(" .,;&(") + ELLIPSIS + tail)


def wrap(line: Line, limit: float, size: float, *, whole: bool = False) -> list[Line]:
    """Break a line at its blanks into lines of at most `limit` mm.

    A word that is longer is cut, or broken where it is to stay `whole`.
    """
    lines: list[list[Run]] = [[]]
    words = (part for word in _words(line) for part in _pieces(word, limit, size, whole=whole))
    for word in words:
        candidate = tuple([*lines[-1], *word])
        if lines[-1] and line_width(_trim(candidate), size) > limit + ROUNDING:
            lines.append([])
        lines[-1].extend(word)
    trimmed = (_trim(tuple(found)) for found in lines if found)
    return [shorten(merged(found), limit, size) for found in trimmed]


def halves_width(line: Line, size: float) -> float:
    """Least width in mm in which a line stands on two lines, broken at a blank."""
    words = list(_words(line))
    widths = [
        max(line_width(_trim(sum(part, ())), size) for part in (words[:i], words[i:]))
        for i in range(1, len(words))
    ]
    return min(widths, default=line_width(line, size))


def _pieces(word: Line, limit: float, size: float, *, whole: bool) -> Iterable[Line]:
    """Yield a word, in pieces of at most `limit` mm where it has to stay whole."""
    if not whole or line_width(_trim(word), size) <= limit + ROUNDING:
        yield word
        return
    for run in word:
        text = ""
        for letter in run.text:
            grown = text + letter
            wide = run_width(replace(run, text=grown.rstrip()), size) > limit + ROUNDING
            if text and wide and not combining(letter):
                yield (replace(run, text=text),)
                grown = letter
            text = grown
        yield (replace(run, text=text),)


def _words(line: Line) -> Iterable[Line]:
    """Yield the words of a line, each with the blank that follows it."""
    word: list[Run] = []
    for run in line:
        for piece in re.findall(r"[^ ]+ *| +", run.text):
            word.append(replace(run, text=piece))
            if piece[-1] == " ":
                yield tuple(word)
                word = []
    if word:
        yield tuple(word)


def _trim(line: Line) -> Line:
    """Drop the blank at the end of a line."""
    return (*line[:-1], replace(line[-1], text=line[-1].text.rstrip()))


def merged(line: Line) -> Line:
    """Join neighbours of the same face."""
    found: list[Run] = []
    for run in line:
        if found and (found[-1].italic, found[-1].bold) == (run.italic, run.bold):
            found[-1] = replace(run, text=found[-1].text + run.text)
        else:
            found.append(run)
    return tuple(found)


def plain(line: Line) -> str:
    """Return a line without its faces and unbreakable blanks."""
    return "".join(run.text for run in line).replace(NO_BREAK, " ")
