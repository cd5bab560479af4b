"""The optional sheet `correlations`: how the variables of a study are correlated."""

from __future__ import annotations

from typing import Any

import pandas as pd

from metaalliance.problems import Problem
from metaalliance.sheet.columns.header import problem_at
from metaalliance.sheet.columns.header_rows import SEARCH_ROWS, header_text
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.columns.words import folded
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.texts import clean_text

SHEET = "correlations"
COLUMNS = ("study", "sample", "var1", "var2", "r", "n")
_NEEDED = ("study", "var1", "var2", "r", "n")
_TEXT = ("study", "sample", "var1", "var2")


def is_correlations(grid: Grid) -> bool:
    """Whether a sheet by its name holds correlations between variables."""
    return folded(grid.name) == SHEET


def find_correlations(grids: list[Grid], effects: Grid) -> Grid | None:
    """Return the sheet called ``correlations`` if it is not the one with the effects."""
    return next((g for g in grids if g is not effects and is_correlations(g)), None)


def read_correlations(grid: Grid) -> tuple[pd.DataFrame, list[Problem]]:
    """Read correlations between variables of studies.

    Returns
    -------
    DataFrame
        study, sample, var1, var2, r, n and the row, without the rows that are in error.
    list of Problem
        Every cell that is missing or impossible, and pairs that a sample has twice.
    """
    found = _header(grid)
    if found is None:
        message = f"it has no header with {', '.join(_NEEDED)} in its first {SEARCH_ROWS} rows"
        empty = pd.DataFrame(columns=[*COLUMNS, "row"])
        return empty, [problem_at("MA227", grid, 1, 1, message)]
    header, places = found
    rows: list[dict[str, Any]] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, ...], int] = {}
    for number in range(header + 1, len(grid.rows) + 1):
        values = grid.rows[number - 1]
        if all(i >= len(values) or is_blank(values[i]) for i in places.values()):
            continue
        row, wrong = _row(grid, number, values, places)
        pair = (row["study"], row["sample"], *sorted((row["var1"], row["var2"])))
        if not wrong and pair in seen:
            message = f"{row['var1']} with {row['var2']} stands in row {seen[pair]} already"
            wrong = [problem_at("MA228", grid, number, places["var1"] + 1, message)]
        seen.setdefault(pair, number)
        problems += wrong
        rows += [] if wrong else [row]
    return pd.DataFrame(rows, columns=[*COLUMNS, "row"]), problems


def _header(grid: Grid) -> tuple[int, dict[str, int]] | None:
    """Header row and the index of each column."""
    for number, values in enumerate(grid.rows[:SEARCH_ROWS], start=1):
        places: dict[str, int] = {}
        for index, value in enumerate(values):
            name = key_of(header_text(value)) if isinstance(value, str) else ""
            if name in COLUMNS:
                places.setdefault(name, index)
        if set(_NEEDED) <= set(places):
            return number, places
    return None


def _row(
    grid: Grid, number: int, values: list[Any], places: dict[str, int]
) -> tuple[dict[str, Any], list[Problem]]:
    """One row, and what is wrong with it."""
    row: dict[str, Any] = {"row": grid.number(number), "sample": ""}
    wrong: list[Problem] = []

    def say(column: str, message: str) -> None:
        place = (number, places[column] + 1)
        wrong.append(
            problem_at("MA228", grid, *place, message, str(_value(values, places, column) or ""))
        )

    for column in places:
        value = _value(values, places, column)
        if column in _TEXT:
            row[column] = "" if value is None else clean_text(str(value))
            if not row[column] and column != "sample":
                say(column, f"{column} is blank")
            continue
        parsed = parse_number(value, decimal_comma=grid.decimal_comma)
        row[column] = parsed.value
        if parsed.value is None:
            say(column, f"{column} is no number")
        elif column == "r" and not abs(parsed.value) < 1:
            say(column, "a correlation lies between −1 and 1")
        elif column == "n" and not parsed.value > 3:
            say(column, "Fisher's z needs n > 3")
    if row["var1"] and row["var1"] == row["var2"]:
        say("var2", "a variable is correlated with itself")
    return row, wrong


def _value(values: list[Any], places: dict[str, int], column: str) -> Any:
    index = places[column]
    return None if index >= len(values) or is_blank(values[index]) else values[index]
