"""Rules about the layout of a sheet: merged cells, hidden parts, gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from metaalliance.messages import MESSAGES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.header import Header, problem_at
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.read.xlsx_marks import merged_bounds
from metaalliance.sheet.rows import Row
from metaalliance.wording.phrases import agreeing, run_text


def layout_problems(grid: Grid, header: Header, rows: list[Row]) -> list[Problem]:
    """Merged cells, hidden rows and columns, gaps."""
    problems = []
    names = {number: name for name, number in {**header.columns, **header.extra}.items()}
    for reference in grid.merged:
        c1, r1, c2, r2 = merged_bounds(reference)
        if r2 > header.row and any(c in names for c in range(c1, c2 + 1)):
            value = _value_at(grid, r1, c1)
            if not is_blank(value):
                problems.append(problem_at("MA210", grid, max(r1, header.row + 1), c1,
                                    f"{reference} is merged", str(value)))  # fmt: skip
    hidden = sorted(row.number for row in rows if row.number in grid.hidden_rows)
    if hidden:
        listed = ", ".join(map(str, hidden[:8])) + (" ..." if len(hidden) > 8 else "")
        message = f"{len(hidden)} hidden rows are read like all others: {listed}"
        problems.append(problem_at("MA209", grid, hidden[0], 1, message))
    hidden_columns = sorted(grid.hidden_columns)
    coded = {name for row in rows if row.included for name in row.said} if hidden_columns else ()
    places = [c for c in hidden_columns if names.get(c) in coded]
    if places:
        columns, first = [names[c] for c in places], places[0]
        message = f"hidden columns are read like all others: {', '.join(columns)}"
        problems.append(problem_at("MA209", grid, header.row, first, message))
    previous, read = header.row, iter(rows)
    for at in range(header.row + 1, len(grid.rows) + 1):
        if all(is_blank(v) for v in grid.rows[at - 1]):
            continue
        number = grid.number(at)
        if number > previous + 1 and previous > header.row:
            row = next((r for r in read if r.number >= number), None)
            if row is not None and row.number == number:
                blank = run_text(previous + 1, number - 1, "row")
                are = agreeing(number - 1 - previous, "is", "are")
                message = f"{blank} {are} blank; reading goes on below"
                problems.append(row.problem("MA211", message))
        previous = number
    return [replace(p, hint=MESSAGES[p.code].remedy) for p in problems]


def _value_at(grid: Grid, row: int, column: int) -> Any:
    values = grid.rows[row - 1] if row <= len(grid.rows) else []
    return values[column - 1] if column <= len(values) else None
