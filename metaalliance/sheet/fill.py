"""Fill down: blank cells that take the value above, where the team says so."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace

from metaalliance.problems import Problem
from metaalliance.sheet.columns.header import Header, problem_at
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.read.xlsx_marks import merged_bounds
from metaalliance.sheet.rules.summary import totals_of

_IDENTITY = frozenset({"study", "label", "year"})
#: Columns of the study, which all its rows share.
_OF_STUDY = _IDENTITY | {"source", "doi"} | {c.name for c in COLUMNS.values() if c.group == "study"}
#: Columns of the result of one row: what belongs to another row's result is no value of its own.
_OF_RESULT = {"sign"} | {
    c.name
    for c in COLUMNS.values()
    if c.group in {"statistic", "companion"}
    and c.name not in {"n", "n1", "n2", "ci_level", "yi_measure"}
}


def fill_down(grid: Grid, header: Header, scheme: Scheme) -> tuple[Grid, list[Problem]]:
    """Fill blank cells of a study's rows from the row above, and merged cells.

    Rows of totals are not filled, nor rows after a blank row: what stands there may be one.

    Returns
    -------
    Grid, list of Problem
        The sheet without the merged ranges that were filled, one note per column, and an error
        for each name that cannot be filled.
    """
    if not scheme.fill_down:
        return grid, []
    rows = [list(values) for values in grid.rows]
    columns = _columns(header, scheme)
    filled: dict[int, list[int]] = {}
    for row, column in (*_merged(grid, header, columns), *_below(grid, header, columns)):
        values = rows[row - 1]
        values.extend([None] * (column - len(values)))
        above = rows[row - 2][column - 1] if column <= len(rows[row - 2]) else None
        if is_blank(values[column - 1]) and not is_blank(above):
            values[column - 1] = above
            filled.setdefault(column, []).append(row)
    kept = tuple(r for r in grid.merged if not _is_filled(r, header, columns))
    problems = [
        problem_at("MA522", grid, cells[0], column,
                   f"{columns[column]}: blank cells that take the value above: {len(cells)}")
        for column, cells in sorted(filled.items())
    ]  # fmt: skip
    return replace(grid, rows=rows, merged=kept), [*_refused(grid, header, scheme), *problems]


def _refused(grid: Grid, header: Header, scheme: Scheme) -> list[Problem]:
    """Names of `fill_down` that are no column, or one of the result of a row."""
    found = []
    for name in () if isinstance(scheme.fill_down, bool) else scheme.fill_down:
        place = header.columns.get(name)
        if name in _OF_RESULT:
            message = f"{name} belongs to the result of one row and is not filled from another"
            found.append(problem_at("MA330", grid, header.row, place or 1, message))
        elif name not in {*COLUMNS, *header.columns, *header.extra, "author"}:
            near = difflib.get_close_matches(name, [*header.columns, *header.extra], n=1)
            hint = f"did you mean {near[0]!r}?" if near else ""
            message = f"the sheet has no column {name!r}"
            found.append(problem_at("MA330", grid, header.row, 1, message, hint=hint))
    return found


def _columns(header: Header, scheme: Scheme) -> dict[int, str]:
    """Columns that are filled, by number."""
    places = {**header.columns, **header.extra}
    wanted = _OF_STUDY if scheme.fill_down is True else frozenset(scheme.fill_down or ())
    if "study" in wanted:  # what names a study stands in its first row together
        wanted |= _IDENTITY
    found = {number: name for name, number in places.items() if name in wanted - _OF_RESULT}
    if "study" in wanted and header.identity.author:
        found.setdefault(header.identity.author, "author")
    return found


def _below(grid: Grid, header: Header, columns: dict[int, str]) -> Iterator[tuple[int, int]]:
    """Cells of rows that belong to the study of the row above."""
    study = header.columns["study"]
    totals = totals_of(grid, header.row, study, header.columns.get("year"))
    current = None
    for number in range(header.row + 1, len(grid.rows) + 1):
        values = grid.rows[number - 1]
        own = values[study - 1] if study <= len(values) else None
        if number in totals or all(is_blank(v) for v in values):
            current = None
        elif not is_blank(own) and own != current:
            current = own
        elif current is not None and (is_blank(own) <= (study in columns)):
            yield from ((number, column) for column in columns)


def _merged(grid: Grid, header: Header, columns: dict[int, str]) -> Iterator[tuple[int, int]]:
    """Cells of merged ranges, in rows that hold something."""
    for reference in grid.merged:
        if _is_filled(reference, header, columns):
            column, first, _, last = merged_bounds(reference)
            for row in range(first + 1, min(last, len(grid.rows)) + 1):
                if not all(is_blank(v) for v in grid.rows[row - 1]):
                    yield row, column


def _is_filled(reference: str, header: Header, columns: dict[int, str]) -> bool:
    c1, r1, c2, _ = merged_bounds(reference)
    return c1 == c2 and r1 > header.row and c1 in columns
