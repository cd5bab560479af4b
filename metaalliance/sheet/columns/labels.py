"""Labels of variables as headers, where the name of a variable tells nothing."""

from __future__ import annotations

from dataclasses import replace

from metaalliance.problems import Problem
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.variables import place_of, variable_problem


def named_by_labels(grid: Grid, scheme: Scheme) -> tuple[Grid, list[Problem]]:
    """Put the label of a variable in the place of its name where only the label is known.

    V12 that the file labels "Sample size" is n, unless the name means a column itself, the team
    maps it, or another variable is that column already.
    """
    if not grid.labels or not grid.rows:
        return grid, []
    names = [str(name) for name in grid.rows[0]]
    taken = {scheme.column_of(name) for name in names}
    meant: dict[str, list[str]] = {}
    for name in names:
        column = scheme.column_of(grid.labels.get(name, ""))
        unknown = scheme.column_of(name) is None and not scheme.is_mapped(name)
        if column is not None and column not in taken and unknown:
            meant.setdefault(column, []).append(name)
    found = []
    for column, group in meant.items():
        if len(group) > 1:
            continue
        (name,) = group
        label = grid.labels[name]
        names[names.index(name)] = label
        message = f"the variable {name!r} is read by its label {label!r} as {column!r}"
        place = place_of(grid.variables, grid.variables.index(name) + 1)
        found.append(variable_problem("MA113", grid.name, place, message))
    return replace(grid, rows=[[*names], *grid.rows[1:]]), found
