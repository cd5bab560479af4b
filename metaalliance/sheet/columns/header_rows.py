"""Find the rows of a header, and the text of each column in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, zip_longest
from typing import Any

from metaalliance.sheet.columns.effect_words import effect_named
from metaalliance.sheet.columns.reading import column_values, name_columns
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import (
    STATISTICS,
)
from metaalliance.sheet.columns.wide import EFFECTS, Wide, find_wide
from metaalliance.sheet.columns.words import folded, names
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.read.limits import MAX_COLUMNS
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.read.xlsx_marks import merged_bounds

SEARCH_ROWS = 20
#: Most rows that a header is merged over.
STACKED = 3
#: What stands beside an effect under the same title.
_SIZES = names("n ni df p se sei vi")


@dataclass(frozen=True, slots=True)
class HeaderCell:
    """The header of one column.

    Attributes
    ----------
    text : str
        What it says; two rows are joined where only together they name a column.
    row : int
        Row in which it stands.
    """

    text: str
    row: int


def header_text(value: Any) -> str:
    """Return a header as text: blanks, line breaks and invisible characters folded."""
    text = str(value).replace("\ufeff", "").replace("\u200b", "")
    return " ".join(text.split())


def find_header(
    grid: Grid, scheme: Scheme, *, statistic: bool = True
) -> tuple[int, list[HeaderCell]] | None:
    """Return the number of the header row and its cells, or None.

    The row with `study` and (unless `statistic` is false) a statistic in which most headers
    are known, the first of equals. Rows that only together name the columns are taken together,
    up to three: titles of groups above, names below.
    """
    return best_header(grid, scheme, partial(_enough, statistic=statistic))


def best_header(
    grid: Grid, scheme: Scheme, enough: Callable[[set[str]], bool]
) -> tuple[int, list[HeaderCell]] | None:
    """Return the row in which most headers are known, if they are enough, with its cells.

    A header above numbers ends the search: what is below it are its rows, or a second table.
    """
    best: tuple[int, list[HeaderCell]] | None = None
    most = 0
    top = grid.rows[:SEARCH_ROWS]
    for depth in range(1, STACKED + 1):
        for first in range(len(top) - depth + 1):
            last = first + depth
            if any(map(holds_number, top[first:last])):
                continue
            named = partial(name_columns, grid, last, scheme=scheme)
            cells = _stacked(grid, first + 1, last, scheme)
            known = {name for name in named([c.text for c in cells]) if name is not None}
            if not enough(known):
                continue
            if len(known) > most:
                best, most = (last, cells), len(known)
            if last < len(grid.rows) and holds_number(grid.rows[last]):
                top = top[:last]
                break
    return best


def holds_number(values: list[Any]) -> bool:
    """Whether a row holds numbers: it is no row of headers."""
    return any(not is_blank(v) and parse_number(v).value is not None for v in values)


def titled_row(grid: Grid) -> tuple[int, list[HeaderCell]] | None:
    """The first row of texts above a row with numbers: a header of which nothing is known."""
    top = grid.rows[: SEARCH_ROWS + 1]
    for number, (values, below) in enumerate(pairwise(top), start=1):
        cells = [HeaderCell(_text_of(v), number) for v in values]
        texts = sum(bool(c.text) for c in cells) > 1 and not holds_number(values)
        if texts and (holds_number(below) or number == len(top) - 1):
            return number, cells
    return None


def _text_of(value: Any) -> str:
    """Text of a header cell; only text can be a header."""
    return header_text(value) if isinstance(value, str) and not is_blank(value) else ""


def _stacked(grid: Grid, first: int, last: int, scheme: Scheme) -> list[HeaderCell]:
    """Header rows as one: the lowest name, with the titles above where that names a column.

    Where several columns have one name, the titles tell them apart.
    """
    stacks = titled(grid, first, last)
    lowest_names = [parts[-1] for parts, _ in stacks]
    return [
        HeaderCell(_joined(parts, scheme, alone=lowest_names.count(parts[-1]) < 2), row)
        for parts, row in stacks
    ]


def titled(grid: Grid, first: int, last: int) -> list[tuple[list[str], int]]:
    """Return the texts of each column in header rows, outermost title first, name last.

    A title stands over the columns to its right until the next one, or as far as it is merged.

    Parameters
    ----------
    first, last : int
        Numbers of the first and the last header row.

    Returns
    -------
    list of tuple
        The texts of each column ("" alone where there is none), and the row of its name.
    """
    ends = {(r, c): end for c, r, end, _ in map(merged_bounds, grid.merged)}
    titles = [("", 0)] * (last - first)
    stacks: list[tuple[list[str], int]] = []
    for number, column in enumerate(zip_longest(*grid.rows[first - 1 : last]), start=1):
        texts = [_text_of(value) for value in column]
        for level, text in enumerate(texts[:-1]):
            if text:
                end = ends.get((first + level, number), MAX_COLUMNS)
                titles[level:] = [(text, end), *[("", 0)] * (len(titles) - level - 1)]
        lowest = max((i for i, text in enumerate(texts) if text), default=0)
        above = [t for t, end in titles[:lowest] if t and number <= end]
        stacks.append(([*above, texts[lowest]], first + lowest))
    return stacks


def header_below(grid: Grid, first: int) -> tuple[int, tuple[tuple[str, ...], ...]]:
    """Return the last row of a header that begins in a row, and the texts of its columns.

    Rows below belong to it that hold names only, and nothing where it names the study; so do
    those that name the study before its first title.
    """
    texts = [_text_of(v) for v in grid.rows[first - 1]]
    study = next((i for i, text in enumerate(texts) if text), 0)
    last = first
    for values in grid.rows[first : first + STACKED - 1]:
        below = [_text_of(v) for v in values]
        named = sum(bool(t) and not parse_number(t).missing for t in below)
        titled_only = any(below[:study]) and named > sum(map(bool, texts))
        beside = below[study : study + 1] == [""] or titled_only
        if named < 2 or holds_number(values) or not beside:
            break
        study = min(study, next((i for i, text in enumerate(below) if text), study))
        last += 1
    return last, _names_last([parts for parts, _ in titled(grid, first, last)])


def _names_last(levels: list[list[str]]) -> tuple[tuple[str, ...], ...]:
    """Put the statistic of names such as ``r BDI`` below titles behind what it is of."""
    found = []
    heads = [parts[-1].split(" ", 1) for parts in levels]
    stems = EFFECTS.keys() | (_SIZES if any(folded(h[0]) in EFFECTS for h in heads) else set())
    for parts, head in zip(levels, heads, strict=True):
        if len(parts) > 1 and len(head) > 1 and folded(head[0]) in stems and folded(head[1]):
            found.append((*parts[:-1], head[1].strip("()[] "), head[0]))
        else:
            found.append(tuple(parts))
    return tuple(found)


def joined_titles(levels: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return one text for each column; a title over all names that is no statistic says nothing.

    Of one that names a statistic, such as ``Correlation with outcome``, the statistic stays.
    """
    titles = {parts[0] for parts in levels if len(parts) > 1}
    common = titles if len(titles) == 1 and not {folded(t) for t in titles} & EFFECTS.keys() else ()
    told = {t: [column] if (column := _statistic_of(t)) else [] for t in common}
    return tuple(
        " ".join([*told[p[0]], *p[1:]] if len(p) > 1 and p[0] in common else p) for p in levels
    )


def _statistic_of(title: str) -> str:
    """The statistic that a title names for certain, or ""."""
    found = effect_named(title)
    return found[0] if found and found[1] and found[0] in EFFECTS else ""


def _joined(parts: list[str], scheme: Scheme, *, alone: bool) -> str:
    """The name of a column with as many titles above it as name a column."""
    for start in range(len(parts) - 1):
        for chosen in (parts[start:], [parts[start], parts[-1]]):
            if scheme.column_of(" ".join(chosen)) is not None:
                return " ".join(chosen)
    return parts[-1] if alone else " ".join(parts)


def _enough(known: set[str], *, statistic: bool) -> bool:
    """Whether a row names a study, something else that is known, and a statistic if asked for."""
    enough = not statistic or bool(known & set(STATISTICS))
    return "study" in known and len(known) > 1 and enough


def wide_below_titles(grid: Grid) -> tuple[int, tuple[str, ...]] | None:
    """Return the last row and the texts of a header of several rows with effects side by side."""
    for first in range(1, min(SEARCH_ROWS, len(grid.rows)) + 1):
        last, levels = header_below(grid, first)
        texts = joined_titles(levels)
        if last > first and wide_of(grid, last, list(texts)) is not None:
            return last, texts
    return None


def wide_of(grid: Grid, row: int, texts: list[str]) -> Wide | None:
    """Return the effects side by side in the columns of a sheet, if it is wide."""
    return find_wide(texts, [column_values(grid, row, i) for i in range(len(texts))])


def what_stands(grid: Grid, file: str) -> str:
    """The first row with text, for the message that it is no header; or that the sheet is wide."""
    for first in range(1, min(SEARCH_ROWS, len(grid.rows)) + 1):
        number, levels = header_below(grid, first)
        texts = joined_titles(levels)
        shown = [t for t in texts if t]
        if shown:
            wide = wide_of(grid, number, list(texts))
            if wide is not None:
                return (
                    f". It is wide: {', '.join(wide.labels[:6])} stand side by side in columns. "
                    f"metaalliance import {file} -o effects.xlsx makes one row of each effect."
                )
            return "; it begins with " + ", ".join(repr(t[:30]) for t in shown[:6]) + "."
    return "."
