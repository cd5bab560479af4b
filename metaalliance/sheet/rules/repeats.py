"""Rules about rows that repeat others: one effect coded twice, and what settles it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from metaalliance.core.conversion.rules import RULES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.rows import Row, columns_of
from metaalliance.sheet.texts import Coded

#: Columns that tell two effects of a study apart.
_IDENTITY = ("sample", "alliance_measure", "alliance_subscale", "alliance_rater", "alliance_time",
             "outcome_measure", "outcome_domain", "outcome_rater", "outcome_time")  # fmt: skip
_NUMERIC_GROUPS = ("statistic", "companion", "direction")
#: What makes two rows the same effect beside their identity.
_VALUES = tuple(c.name for c in COLUMNS.values() if c.group in _NUMERIC_GROUPS)
#: What is said of either variable of a row, where it names both.
_SIDES = ("var", "measure", "time")
#: What is said about a row, not coded from the report.
_ASIDE = frozenset({"include", "exclusion_reason"})
_NUMERIC = re.compile(r"[\d.,−-]+").fullmatch
_SETTLE = (
    "delete one, or code what distinguishes them; or say for all such rows in metaalliance.toml: "
    'repeats = "first" (one of each is used) or repeats = "all" (each is an effect of its own)'
)


def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[object, ...], list[Row]]:
    """Rows by their values in some columns."""
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.get(c) for c in columns)].append(row)
    return groups


def leave_out_repeats(rows: Iterable[Row]) -> list[Problem]:
    """Mark rows that repeat another in every cell as excluded; return a warning for each."""
    found = []
    for row, first in _repeats([r for r in rows if r.included and r.study]):
        message = f'repeats row {first.number} in every cell and is left out (repeats = "first")'
        found.append(row.problem("MA540", message, _value_column(row)))
        reason = f"repeats row {first.number} in every cell"
        for column, value in (("include", "no"), ("exclusion_reason", reason)):
            row.cells[column] = Coded(value, "", row.place(column))
    return found


def repeat_problems(rows: list[Row], *, kept: bool = False) -> list[Problem]:
    """One effect coded twice; and effects that nothing but their value tells apart.

    Where repeats are `kept`, the team says that each is an effect of its own.
    """
    found, again = [], set()
    for row, first in _repeats(rows):
        again.add(row.number)
        code, what, hint = (
            ("MA540", f'repeats row {first.number} and is used too (repeats = "all")', "")
            if kept
            else ("MA501", f"the same effect stands in row {first.number}", _SETTLE)
        )
        found.append(row.problem(code, what, _value_column(row), hint))
    others = [row for row in rows if row.number not in again and not row.faulty]
    present = columns_of(others)
    values = [c for c in _VALUES if c in present]
    for group in grouped(others, "study", *(c for c in _IDENTITY if c in present)).values():
        if len(group) > 1:
            found += _alike(group, values)
    return found


def _repeats(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    """Each row that agrees with one above in every cell, with the first of these."""
    sound = [row for row in rows if not row.faulty]
    contents = np.fromiter(map(_content, sound), dtype=np.int64, count=len(sound))
    _, kind, times = np.unique(contents, return_inverse=True, return_counts=True)
    firsts: dict[tuple[object, ...], Row] = {}
    for row in (sound[i] for i in np.flatnonzero(times[kind] > 1)):
        whole = tuple(sorted((c, str(v)) for c, v in _said(row).items()))
        first = firsts.setdefault(whole, row)
        if first is not row:
            yield row, first


def _content(row: Row) -> int:
    """A number that is equal for rows with equal cells, and seldom for others."""
    return hash(frozenset(_said(row).items()))


def _said(row: Row) -> dict[str, Any]:
    """What the cells say; two variables of a row by their names, whichever is written first."""
    said = {c: v for c, v in row.values().items() if c not in _ASIDE}
    if row.names_both and str(said["var1"]) > str(said["var2"]):
        swapped = {f"{s}{i}": f"{s}{3 - i}" for s in _SIDES for i in (1, 2)}
        return {swapped.get(c, c): v for c, v in said.items()}
    return said


def _alike(group: list[Row], columns: Sequence[str]) -> Iterator[Problem]:
    """Effects of one description that nothing but their value, or nothing at all, tells apart."""
    described = any(group[0].has(c) for c in _IDENTITY)
    values: dict[tuple[object, ...], Row] = {}
    for row in group:
        value = tuple(row.get(c) for c in columns)
        first = next(iter(values.values()), None)
        if value in values and _labels(row) == _labels(values[value]):
            message = f"has the numbers of row {values[value].number}, and no text that differs"
            yield row.problem("MA508", message, _value_column(row))
        elif first is not None and described and _labels(row) == _labels(first):
            message = f"agrees with row {first.number} in everything but its value"
            yield row.problem("MA508", message, _value_column(row))
        values.setdefault(value, row)


def _labels(row: Row) -> dict[str, str]:
    """Text that may tell effects apart; the team's numbers may be counters."""
    return {
        name: value
        for name, value in row.values().items()
        if (name not in COLUMNS or COLUMNS[name].group != "identity")
        and isinstance(value, str)
        and not _NUMERIC(value)
    }


def _value_column(row: Row) -> str:
    columns = (*(c for rule in RULES.values() for c in rule.begun_by or rule.inputs), "value")
    return next((c for c in columns if row.has(c)), "study")
