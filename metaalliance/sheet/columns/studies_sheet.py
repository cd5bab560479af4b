"""The optional sheet `studies`: columns of the study, joined to its effects by the label."""

from __future__ import annotations

from dataclasses import replace

from metaalliance.problems import Problem, place_in
from metaalliance.sheet.columns.header import Header
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.row_reading import read_rows
from metaalliance.sheet.rows import Row

SHEET = "studies"
#: Columns of a studies sheet that belong to its own rows.
_OWN = {"study", "notes", "quote", "page"}


def find_studies_sheet(grids: list[Grid], effects: Grid) -> Grid | None:
    """Return the sheet called ``studies`` if it is not the one with the effects."""
    return next((g for g in grids if g is not effects and g.name.strip().lower() == SHEET), None)


def join_studies(
    rows: list[Row], grid: Grid, header: Header, scheme: Scheme
) -> tuple[list[Row], list[Problem]]:
    """Complete the rows of the effects by the columns of their study.

    A cell that is blank in the effects takes the value of the study; two values that differ
    are an error that names both cells.

    Returns
    -------
    list of Row, list of Problem
        The completed rows, and what was wrong or did not match.
    """
    study_rows, problems = read_rows(grid, header, scheme)
    problems = [*header.problems, *problems]
    by_study: dict[str, Row] = {}
    for row in study_rows:
        if row.study in by_study:
            first = by_study[row.study].number
            message = f"the study stands in row {first} of the sheet already"
            problems.append(row.problem("MA511", message, "study"))
        elif row.study:
            by_study[row.study] = row
    for row in rows:
        if row.study in by_study:
            _complete(row, by_study[row.study], problems)
    return rows, problems + _unmatched(rows, by_study)


def _complete(row: Row, study: Row, problems: list[Problem]) -> None:
    """Fill the blank cells of one row; report conflicts."""
    cells = row.cells
    for name, coded in study.cells.items():
        if name in _OWN or coded.value is None:
            continue
        own = cells.get(name)
        if own is None or (own.value is None and not own.faulty):
            cells[name] = replace(coded, sheet=study.sheet)
        elif not own.faulty and own.value != coded.value:
            message = f"differs from {coded.seen!r} in {place_in(study.sheet, coded.cell)}"
            problems.append(row.problem("MA510", message, name, "correct one of them"))


def _unmatched(rows: list[Row], by_study: dict[str, Row]) -> list[Problem]:
    """Studies that stand on one of the two sheets only."""
    labels = {row.study for row in rows}
    problems = [
        row.problem("MA512", "the study has no effect", "study")
        for label, row in by_study.items()
        if label not in labels
    ]
    seen: set[str] = set()
    for row in rows:
        if row.study and row.study not in by_study and row.study not in seen:
            seen.add(row.study)
            message = "the study has no row on the sheet 'studies'"
            problems.append(row.problem("MA512", message, "study"))
    return problems
