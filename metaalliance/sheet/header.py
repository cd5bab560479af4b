"""Find the sheet, its header row, and what each column is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns import COLUMNS, STATISTICS, suggest_column
from metaalliance.sheet.grid import Grid, cell_name, is_blank
from metaalliance.sheet.scheme import Scheme

SEARCH_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where the columns of a sheet stand.

    Attributes
    ----------
    row : int
        Number of the header row, from 1.
    columns : dict of str to int
        Column number, from 1, by canonical name.
    extra : dict of str to int
        Columns that are not in the specification, by their header.
    problems : tuple of Problem
        Aliases, unknown and duplicate columns.
    """

    row: int
    columns: dict[str, int]
    extra: dict[str, int]
    problems: tuple[Problem, ...] = field(default=(), repr=False)


def header_text(value: Any) -> str:
    """Return a header as text: blanks, line breaks and invisible characters folded."""
    text = str(value).replace("\ufeff", "").replace("\u200b", "")
    return " ".join(text.split())


def choose_sheet(grids: list[Grid], wanted: str | None, file: str, scheme: Scheme) -> Grid:
    """Return the sheet to read.

    The one that is asked for; else the visible sheet called ``effects``; else the only
    visible sheet with a study column and a statistic.

    Raises
    ------
    UnreadableFileError
        When it does not exist, or several or none qualify.
    """
    listed = ", ".join(repr(g.name) for g in grids)
    if wanted is not None:
        for grid in grids:
            if grid.name == wanted:
                return grid
        raise UnreadableFileError(f"{file} has no sheet {wanted!r}; it has {listed}.", code="MA203")
    if len(grids) == 1:
        return grids[0]
    named = [g for g in grids if g.visible and g.name.strip().lower() == "effects"]
    if named:
        return named[0]
    found = [g for g in grids if g.visible and find_header(g, scheme) is not None]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnreadableFileError(
            f"No visible sheet of {file} has a header with 'study' and a statistic (r, t, n ...) "
            f"in its first {SEARCH_ROWS} rows; it has {listed}.",
            code="MA201",
        )
    names = ", ".join(repr(g.name) for g in found)
    raise UnreadableFileError(
        f"{file} has several sheets with effects: {names}. Choose one with --sheet.", code="MA202"
    )


def find_header(
    grid: Grid, scheme: Scheme, *, statistic: bool = True
) -> tuple[int, list[Any]] | None:
    """Return the number of the header row and its values, or None.

    The row that names the most known columns, with `study` and (unless `statistic` is false)
    a statistic among them. Where no single row does, two adjacent rows are taken together:
    the lower name counts, the upper one where the lower cell is blank.
    """
    top = grid.rows[:SEARCH_ROWS]
    single = [(number, values) for number, values in enumerate(top, start=1)]
    double = [
        (number + 1, _stacked(upper, lower))
        for number, (upper, lower) in enumerate(pairwise(top), start=1)
    ]
    for candidates in (single, double):
        scored = [(_score(v, scheme, statistic=statistic), -n, n, v) for n, v in candidates]
        best = max(scored, key=lambda c: c[:2], default=(0, 0, 0, []))
        if best[0] > 1:
            return best[2], best[3]
    return None


def _stacked(upper: list[Any], lower: list[Any]) -> list[Any]:
    """Two header rows as one."""
    pairs = zip_longest(upper, lower)
    return [above if is_blank(below) else below for above, below in pairs]


def _score(values: list[Any], scheme: Scheme, *, statistic: bool) -> int:
    """How many known columns a row names; 0 when it lacks what a header needs."""
    names = {scheme.column_of(header_text(v)) for v in values if isinstance(v, str)} - {None}
    enough = "study" in names and (not statistic or names & set(STATISTICS))
    return len(names) if enough else 0


def read_header(
    grid: Grid, file: str, scheme: Scheme, elsewhere: frozenset[str] = frozenset()
) -> Header:
    """Map the columns of the sheet with the effects.

    Parameters
    ----------
    elsewhere : frozenset of str
        Columns that another sheet supplies.

    Raises
    ------
    UnreadableFileError
        When no row can be the header.
    """
    found = find_header(grid, scheme)
    if found is None:
        shown = _first_texts(grid)
        raise UnreadableFileError(
            f"The sheet {grid.name!r} of {file} has no header row with 'study' and a statistic "
            f"(r, t, F, d, p ...) in its first {SEARCH_ROWS} rows{shown}.",
            code="MA201",
        )
    header = read_columns(grid, *found, scheme)
    lost = sorted(scheme.taken - set(header.columns) - elsewhere)
    problems = [
        _problem("MA213", grid, header.row, 1, f"the configuration maps {column!r} to a header "
                 "that the sheet does not have.")
        for column in lost
    ]  # fmt: skip
    return replace(header, problems=(*header.problems, *problems))


def read_columns(grid: Grid, row: int, values: list[Any], scheme: Scheme) -> Header:
    """Map the columns of a header row."""
    columns: dict[str, int] = {}
    extra: dict[str, int] = {}
    problems = []
    if row > 1:
        kind = "The header is row" if values == grid.rows[row - 1] else "The header ends in row"
        problems.append(_problem("MA207", grid, row, 1, f"{kind} {row}."))
    for number, value in enumerate(values, start=1):
        if not is_blank(value):
            _place(grid, row, number, header_text(value), columns, extra, problems, scheme)
    return Header(row=row, columns=columns, extra=extra, problems=tuple(problems))


def _first_texts(grid: Grid) -> str:
    """The first row with text, for the message that it is no header."""
    for values in grid.rows[:SEARCH_ROWS]:
        texts = [header_text(v) for v in values if isinstance(v, str) and not is_blank(v)]
        if texts:
            return "; it begins with " + ", ".join(repr(t[:30]) for t in texts[:6])
    return ""


def _place(
    grid: Grid,
    row: int,
    number: int,
    text: str,
    columns: dict[str, int],
    extra: dict[str, int],
    problems: list[Problem],
    scheme: Scheme,
) -> None:
    """Enter one header into `columns` or `extra`, with its problem if any."""
    name = scheme.column_of(text)
    if name is None:
        key = text if text not in extra and text not in COLUMNS else f"{text} ({number})"
        extra[key] = number
        if scheme.is_mapped(text):
            return
        near = suggest_column(text)
        if near and near not in columns and near not in scheme.taken:
            message = f"{text!r} is not used; did you mean {near!r}?"
            problems.append(_problem("MA212", grid, row, number, message, text))
        else:
            message = f"{text!r} is not a known column; it is kept as a possible moderator."
            problems.append(_problem("MA205", grid, row, number, message, text))
    elif name in columns:
        message = f"{text!r} and {cell_name(row, columns[name])} both mean {name!r}."
        problems.append(_problem("MA204", grid, row, number, message, text))
    else:
        columns[name] = number
        if text != name and not scheme.is_mapped(text):
            message = f"{text!r} is read as {name!r}."
            problems.append(_problem("MA206", grid, row, number, message, text))


def _problem(code: str, grid: Grid, row: int, column: int, message: str, seen: str = "") -> Problem:
    return Problem(
        code=code,
        severity=severity_of(code),
        message=message,
        sheet=grid.name,
        cell=cell_name(row, column),
        row=row,
        seen=seen,
    )
