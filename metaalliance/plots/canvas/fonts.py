"""Fonts: which are installed, which of them has a character, and text that can be drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

from metaalliance.problems import Problem, notice

#: Families of a journal figure, the first choice first; the last comes with matplotlib.
FAMILIES = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans")

#: Families with more scripts, used for the characters that those above lack.
FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "MS Gothic",
    "Malgun Gothic",
    "Arial Unicode MS",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans",
    "Unifont",
)

#: Stands for a character that no installed font has.
REPLACEMENT = "\N{WHITE SQUARE}"

_JOINERS = "\u200c\u200d"


_PREFERRED: ContextVar[tuple[str, ...]] = ContextVar("preferred", default=())


@contextmanager
def preferring(families: tuple[str, ...]) -> Iterator[None]:
    """Within this context text is set in the first of `families` that is installed, if any."""
    token = _PREFERRED.set(families or _PREFERRED.get())
    try:
        yield
    finally:
        _PREFERRED.reset(token)


def preferred() -> tuple[str, ...]:
    """Return the families that the style being drawn prefers to `FAMILIES`."""
    return _PREFERRED.get()


@lru_cache(maxsize=1)
def installed() -> dict[str, str]:
    """Return the file of the regular face of each installed family.

    Asking matplotlib for a family that is absent writes a warning to the log, so only
    these are ever asked for. Its list may be an old one, with fonts that are gone since.
    """
    files: dict[str, str] = {}
    for entry in fontManager.ttflist:
        if not Path(entry.fname).is_file():
            continue
        if entry.name not in files or _is_regular(entry):
            files[entry.name] = entry.fname
    return files


def _is_regular(entry: object) -> bool:
    style, weight = getattr(entry, "style", ""), getattr(entry, "weight", 0)
    return bool(style == "normal" and weight in {400, "normal", "regular"})


@lru_cache(maxsize=32)
def characters(family: str) -> frozenset[int]:
    """Code points that the regular face of an installed family has."""
    return frozenset(get_font(installed()[family]).get_charmap())


@lru_cache(maxsize=64)
def face_file(family: str, italic: bool, bold: bool) -> str:
    """Return the file of a face of an installed family, the nearest where it has not this one."""
    font = FontProperties(
        family=[family],
        style="italic" if italic else "normal",
        weight="bold" if bold else "normal",
    )
    return str(findfont(font))


def base_families() -> tuple[str, ...]:
    """Return the installed families of a journal figure, those of the style first."""
    return _base(preferred())


@lru_cache(maxsize=16)
def _base(wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (*wanted, *FAMILIES) if name in installed()))


def families_for(text: str) -> tuple[str, ...]:
    """Return the families that draw `text`: the usual ones, then fallbacks where needed."""
    return _families(text, base_families())


@lru_cache(maxsize=4096)
def _families(text: str, base: tuple[str, ...]) -> tuple[str, ...]:
    missing = _missing(text, base)
    chain = list(base)
    for name in FALLBACKS:
        if not missing:
            break
        if name in installed() and missing & characters(name):
            chain.append(name)
            missing = missing - characters(name)
    return tuple(chain)


def needs_fallback(text: str) -> bool:
    """Whether `text` has a character that no family of a journal figure has."""
    return bool(_missing(text, base_families()))


def fallbacks_of(text: str) -> tuple[str, ...]:
    """Return the families outside those of a journal figure with which `text` is drawn."""
    return families_for(text)[len(base_families()) :]


def undrawable(text: str) -> str:
    """Return the characters of `text` that no installed family has, each once, in order."""
    found = dict.fromkeys(_kept(text))
    available = _available(families_for("".join(found)))
    return "".join(c for c in found if ord(c) not in available)


def _missing(text: str, base: tuple[str, ...]) -> frozenset[int]:
    return frozenset(map(ord, text)) - _available(base)


@lru_cache(maxsize=64)
def _available(families: tuple[str, ...]) -> frozenset[int]:
    """Return the code points that some of `families` has."""
    return frozenset().union(*map(characters, families))


def drawable(value: str) -> str:
    r"""Return user text as one line that every installed set of fonts can draw.

    Line breaks and runs of blanks become one blank, control and direction-changing
    characters go, and a character which no installed font has becomes a white square.

    Examples
    --------
    >>> drawable("Horvath\n &  Symonds")
    'Horvath & Symonds'
    """
    return _drawable(value, base_families())


def font_notices(texts: Iterable[str]) -> tuple[Problem, ...]:
    """Return notes about labels that need another font, or that no installed font can draw.

    Examples
    --------
    >>> font_notices(["Horvath (1991)", "Müller (2003)"])
    ()
    """
    joined = "".join(dict.fromkeys(_kept("".join(texts))))
    lost, others = undrawable(joined), fallbacks_of(joined)
    found = []
    if others:
        message = f"Some labels are drawn in {' and '.join(others)}, not in {base_families()[0]}."
        found.append(notice("MA676", message, "Check these labels in the figure.", severity="note"))
    if lost:
        more = f" and {len(lost) - 10} more" if len(lost) > 10 else ""
        message = (
            f"No installed font has {len(lost)} of the characters of the labels "
            f"({' '.join(lost[:10])}{more}); they are drawn as {REPLACEMENT}."
        )
        hint = "Install a font that has them, such as Noto Sans CJK."
        found.append(notice("MA676", message, hint, severity="warning"))
    return tuple(found)


def texts_of(figure: object) -> str | None:
    """Return all texts of a figure, one after the other; None for pages, drawn one by one."""
    if not isinstance(figure, Figure):
        return None
    return "".join(text.get_text() for text in figure.findobj(Text))


def drawn_of(labels: Iterable[str], drawn: str) -> tuple[str, ...]:
    """Return the characters of labels that stand in what is drawn, if only as a square.

    Examples
    --------
    >>> drawn_of(["日本 1999"], "studies")
    ('',)
    """
    seen = frozenset(drawn)
    return tuple(
        "".join(c for c in label if c in seen or (REPLACEMENT in seen and undrawable(c)))
        for label in labels
    )


@lru_cache(maxsize=4096)
def _drawable(value: str, base: tuple[str, ...]) -> str:
    kept = _kept(value)
    available = _available(_families(kept, base))
    return "".join(c if ord(c) in available else REPLACEMENT for c in kept)


def _kept(value: str) -> str:
    """Return composed characters on one line, without controls."""
    composed = unicodedata.normalize("NFC", " ".join(value.split()))
    return "".join(c for c in composed if c in _JOINERS or unicodedata.category(c)[0] != "C")
