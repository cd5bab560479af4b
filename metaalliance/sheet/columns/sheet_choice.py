"""Choose the sheet of a workbook that holds the effects."""

from __future__ import annotations

from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.sheet.columns.correlations_sheet import is_correlations
from metaalliance.sheet.columns.header_rows import SEARCH_ROWS, find_header
from metaalliance.sheet.columns.reading import name_columns
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import (
    STATISTICS,
)
from metaalliance.sheet.columns.words import folded, names
from metaalliance.sheet.read.grid import Grid, is_blank

#: Sheets that explain the coding and never hold it.
_ABOUT = names(
    """codebook readme lookup lookups list lists legend instructions manual codingmanual dictionary
    datadictionary datadict variables key keys dropdown dropdowns info about changelog log
    explanation explanations codes labels validation options anleitung legende erlauterung
    erlauterungen kodierbuch codebuch lisezmoi leyenda legenda"""
)


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
    effects = [g for g in grids if g.visible and g.name.strip().lower() == "effects"]
    if effects:
        return effects[0]
    about = [g for g in grids if is_about(g) or is_correlations(g)]
    shown = [g for g in grids if g.visible and not any(g is other for other in about)]
    found = {g.name: g for g in shown if find_header(g, scheme)}
    rows = {name: usable_rows(grid, scheme) for name, grid in found.items()}
    holding = [name for name in found if rows[name]] or list(found)
    if len(holding) == 1:
        return found[holding[0]]
    if not found:
        raise UnreadableFileError(
            f"No visible sheet of {file} has a header with 'study' and a statistic (r, t, n ...) "
            f"in its first {SEARCH_ROWS} rows; it has {listed}.",
            code="MA201",
        )
    named = ", ".join(map(repr, holding))
    counts = " and ".join(str(rows[name]) for name in holding)
    raise UnreadableFileError(
        f"{file} has several sheets with effects: {named} (with {counts} rows). Choose one with "
        "--sheet.",
        code="MA202",
    )


def is_about(grid: Grid) -> bool:
    """Whether a sheet by its name explains the coding (a codebook, lists for dropdowns)."""
    return folded(grid.name) in _ABOUT


def usable_rows(grid: Grid, scheme: Scheme) -> int:
    """Number of rows that have a study and a statistic, under the header that is found."""
    found = find_header(grid, scheme)
    if found is None:
        return 0
    named = name_columns(grid, found[0], [c.text for c in found[1]], scheme)
    study = [i for i, name in enumerate(named) if name == "study"]
    statistics = [i for i, name in enumerate(named) if name in STATISTICS]
    rows = grid.rows[found[0] :]
    return sum(_any_in(row, study) and _any_in(row, statistics) for row in rows)


def _any_in(values: list[Any], places: list[int]) -> bool:
    return any(i < len(values) and not is_blank(values[i]) for i in places)
