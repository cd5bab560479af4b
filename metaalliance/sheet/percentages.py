"""Shares of variance under a header that says percent: 9 is .09."""

from __future__ import annotations

import re
from typing import Any

from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns.header import Header
from metaalliance.sheet.columns.header_rows import header_text
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.read.grid import Grid, PercentCell
from metaalliance.sheet.read.numbers import parse_number

#: Whether a header says that its numbers are percentages.
says_percent = re.compile(
    r"%|percent|pct|prozent|pourcent|porcent|percentuale", re.IGNORECASE
).search
#: What 1% is worth in a column of shares.
_SHARE = 0.01


def percentage_columns(grid: Grid, header: Header) -> tuple[frozenset[str], list[Problem]]:
    """Return the columns of shares that hold percentages, with what is said of small values.

    The header says percent and a value lies above 1. Where none does they stay proportions.
    """
    found: set[str] = set()
    problems = []
    titles = grid.rows[header.row - 1]
    for name, at in header.columns.items():
        if name not in COLUMNS or COLUMNS[name].percent != _SHARE or at > len(titles):
            continue
        if not says_percent(header_text(titles[at - 1])):
            continue
        values = {
            n: value
            for n, row in enumerate(grid.rows[header.row :], start=header.row + 1)
            if at <= len(row) and (value := _plain(row[at - 1], grid)) is not None
        }
        if any(value > 1 for value in values.values()):
            found.add(name)
        small = [n for n, value in values.items() if 0 < value < 1]
        if small:
            count = f"{len(small)} of {len(values)} values under a header of percentages"
            read = "percentages" if name in found else "proportions"
            problems.append(
                Problem(
                    code="MA340", severity=severity_of("MA340"), sheet=grid.name,
                    row=grid.number(small[0]), cell=grid.place(small[0], at), column=name,
                    message=f"{count} lie below 1; they are read as {read}",
                    hint="write % behind the numbers that are percentages",
                )
            )  # fmt: skip
    return frozenset(found), problems


def _plain(raw: Any, grid: Grid) -> float | None:
    """A number that does not say itself that it is a percentage."""
    if isinstance(raw, PercentCell) or (isinstance(raw, str) and raw.rstrip().endswith("%")):
        return None
    return parse_number(raw, decimal_comma=grid.decimal_comma).value


def as_percentage(raw: Any, grid: Grid) -> Any:
    """Return a plain number as the text of a percentage, anything else as it is."""
    return raw if _plain(raw, grid) is None else f"{raw}%"
