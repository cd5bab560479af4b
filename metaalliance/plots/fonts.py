"""Fonts: which are installed, which of them has a character, and text that can be drawn."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from matplotlib.font_manager import fontManager, get_font

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


@lru_cache(maxsize=1)
def installed() -> dict[str, str]:
    """Return the file of the regular face of each installed family that we would use.

    Asking matplotlib for a family that is absent writes a warning to the log, so only
    these are ever asked for.
    """
    wanted = {*FAMILIES, *FALLBACKS}
    files: dict[str, str] = {}
    for entry in fontManager.ttflist:
        if entry.name in wanted and (entry.name not in files or _is_regular(entry)):
            files[entry.name] = entry.fname
    return files


def _is_regular(entry: object) -> bool:
    style, weight = getattr(entry, "style", ""), getattr(entry, "weight", 0)
    return bool(style == "normal" and weight in {400, "normal", "regular"})


@lru_cache(maxsize=32)
def characters(family: str) -> frozenset[int]:
    """Code points that the regular face of an installed family has."""
    return frozenset(get_font(installed()[family]).get_charmap())


@lru_cache(maxsize=1)
def base_families() -> tuple[str, ...]:
    """Return the installed families of a journal figure."""
    return tuple(name for name in FAMILIES if name in installed())


@lru_cache(maxsize=4096)
def families_for(text: str) -> tuple[str, ...]:
    """Return the families that draw `text`: the usual ones, then fallbacks where needed."""
    missing = _missing(text)
    chain = list(base_families())
    for name in FALLBACKS:
        if not missing:
            break
        if name in installed() and missing & characters(name):
            chain.append(name)
            missing = missing - characters(name)
    return tuple(chain)


def needs_fallback(text: str) -> bool:
    """Whether `text` has a character that no family of a journal figure has."""
    return bool(_missing(text))


def _missing(text: str) -> frozenset[int]:
    codes = frozenset(map(ord, text))
    for name in base_families():
        codes = codes - characters(name)
    return codes


@lru_cache(maxsize=4096)
def drawable(value: str) -> str:
    r"""Return user text as one line that every installed set of fonts can draw.

    Line breaks and runs of blanks become one blank, control and direction-changing
    characters go, and a character which no installed font has becomes a white square.

    Examples
    --------
    >>> drawable("Horvath\n &  Symonds")
    'Horvath & Symonds'
    """
    composed = unicodedata.normalize("NFC", " ".join(value.split()))
    kept = [c for c in composed if c in _JOINERS or unicodedata.category(c)[0] != "C"]
    available: set[int] = set()
    for family in families_for("".join(kept)):
        available |= characters(family)
    return "".join(c if ord(c) in available else REPLACEMENT for c in kept)
