"""Find the sheet, its header row, and what each column is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS, STATISTICS, suggest_column
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.read.grid import Grid, is_blank

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
    named : frozenset of int
        Columns with any header.
    problems : tuple of Problem
        Aliases, unknown and duplicate columns.
    """

    row: int
    columns: dict[str, int]
    extra: dict[str, int]
    named: frozenset[int] = frozenset()
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


def find_header(
    grid: Grid, scheme: Scheme, *, statistic: bool = True
) -> tuple[int, list[HeaderCell]] | None:
    """Return the number of the header row and its cells, or None.

    The first row with `study` and (unless `statistic` is false) a statistic. Where no single
    row has both, two adjacent rows are taken together: group titles above, names below.
    """
    top = grid.rows[:SEARCH_ROWS]
    for number, values in enumerate(top, start=1):
        cells = [HeaderCell(_text_of(v), number) for v in values]
        if _enough(cells, scheme, statistic=statistic):
            return number, cells
    for number, (upper, lower) in enumerate(pairwise(top), start=1):
        cells = _stacked(upper, lower, number, scheme)
        if _enough(cells, scheme, statistic=statistic):
            return number + 1, cells
    return None


def _text_of(value: Any) -> str:
    """Text of a header cell; only text can be a header."""
    return header_text(value) if isinstance(value, str) and not is_blank(value) else ""


def _stacked(upper: list[Any], lower: list[Any], row: int, scheme: Scheme) -> list[HeaderCell]:
    """Two header rows as one: the name below, with its group title where that names a column."""
    cells, title = [], ""
    for above, below in zip_longest(upper, lower):
        title = _text_of(above) or title
        name = _text_of(below)
        both = f"{title} {name}"
        if not name:
            cells.append(HeaderCell(_text_of(above), row))
        elif title and scheme.column_of(both) is not None:
            cells.append(HeaderCell(both, row + 1))
        else:
            cells.append(HeaderCell(name, row + 1))
    return cells


def _enough(cells: list[HeaderCell], scheme: Scheme, *, statistic: bool) -> bool:
    """Whether a row names a study, something else that is known, and a statistic if asked for."""
    counted = _with_counts(cells, scheme)
    names = {counted.column_of(c.text) for c in cells if c.text} - {None}
    return "study" in names and len(names) > 1 and (not statistic or bool(names & set(STATISTICS)))


def _with_counts(cells: list[HeaderCell], scheme: Scheme) -> Scheme:
    """Read the headers a, b, c, d as the counts of a 2×2 table where all four stand."""
    texts = {c.text.lower() for c in cells}
    if not {"a", "b", "c", "d"} <= texts or any(key in scheme.headers for key in "abcd"):
        return scheme
    counts = {key: f"cell_{key}" for key in "abcd"}
    return replace(scheme, headers={**scheme.headers, **counts}, taken=scheme.taken)


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
        problem_at("MA213", grid, header.row, 1, f"the configuration maps {column!r} to a header "
                 "that the sheet does not have.")
        for column in lost
    ]  # fmt: skip
    return replace(header, problems=(*header.problems, *problems))


def read_columns(grid: Grid, row: int, cells: list[HeaderCell], scheme: Scheme) -> Header:
    """Map the columns of a header row; exact names come before aliases."""
    scheme = _with_counts(cells, scheme)
    columns: dict[str, int] = {}
    extra: dict[str, int] = {}
    problems = []
    if row > 1:
        kind = "The header ends in row" if any(c.row < row for c in cells) else "The header is row"
        problems.append(problem_at("MA207", grid, row, 1, f"{kind} {row}."))
    exact = {
        name
        for c in cells
        if (name := scheme.column_of(c.text)) and (_exact(c.text, name) or scheme.is_mapped(c.text))
    }
    for number, cell in enumerate(cells, start=1):
        if cell.text:
            _place(grid, number, cell, columns, extra, problems, scheme, exact)
    return Header(
        row=row,
        columns=columns,
        extra=extra,
        named=frozenset(n for n, c in enumerate(cells, start=1) if c.text),
        problems=tuple(problems),
    )


def _exact(text: str, name: str) -> bool:
    return key_of(text) == key_of(name)


def _first_texts(grid: Grid) -> str:
    """The first row with text, for the message that it is no header."""
    for values in grid.rows[:SEARCH_ROWS]:
        texts = [header_text(v) for v in values if isinstance(v, str) and not is_blank(v)]
        if texts:
            return "; it begins with " + ", ".join(repr(t[:30]) for t in texts[:6])
    return ""


def _place(
    grid: Grid,
    number: int,
    cell: HeaderCell,
    columns: dict[str, int],
    extra: dict[str, int],
    problems: list[Problem],
    scheme: Scheme,
    exact: set[str],
) -> None:
    """Enter one header into `columns` or `extra`, with its problem if any."""
    text, row = cell.text, cell.row
    name = scheme.column_of(text)
    if name == "study" and name in exact and not (_exact(text, name) or scheme.is_mapped(text)):
        name = None  # authors or a reference beside the label of the study
    if name is None:
        key = text if text not in extra and text not in COLUMNS else f"{text} ({number})"
        extra[key] = number
        if scheme.is_mapped(text):
            return
        near = suggest_column(text)
        if near and near not in columns and near not in scheme.taken and near not in exact:
            message = f"{text!r} is not used; did you mean {near!r}?"
            problems.append(problem_at("MA212", grid, row, number, message, text))
        else:
            message = f"{text!r} is not a known column; it is kept as a possible moderator."
            problems.append(problem_at("MA205", grid, row, number, message, text))
    elif name in columns:
        message = f"{text!r} and {grid.place(row, columns[name])} both mean {name!r}."
        problems.append(problem_at("MA204", grid, row, number, message, text))
    else:
        columns[name] = number
        if text != name and not scheme.is_mapped(text):
            message = f"{text!r} is read as {name!r}."
            problems.append(problem_at("MA206", grid, row, number, message, text))


def problem_at(
    code: str, grid: Grid, row: int, column: int, message: str, seen: str = "", hint: str = ""
) -> Problem:
    """Return a problem at a place of a sheet."""
    return Problem(
        code=code,
        severity=severity_of(code),
        message=message,
        hint=hint,
        sheet=grid.name,
        cell=grid.place(row, column),
        row=grid.number(row) or None,
        seen=seen,
    )
