"""Rules about columns of text: levels that are not known, and levels that differ in case."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from metaalliance.problems import Problem
from metaalliance.sheet.columns.reading import codes_for_missing
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.read.missing import code_text
from metaalliance.sheet.rows import Row, columns_of
from metaalliance.sheet.texts import clean_text

#: Problems of cells that are said once per column: what is said of all.
_ONCE = {
    "MA310": "are read as missing",
    "MA334": "are kept as levels of their own",
    "MA339": "are no values, and read as missing",
    "MA344": "stand among numbers",
    "MA355": "may mean several things, and are kept as levels of their own",
    "MA515": "are kept as names",
    "MA527": "are kept as levels",
}
#: Problems of rows that have one cause in a column: the first cells are listed.
_ROWS = frozenset(
    {
        "MA348",
        "MA349",
        "MA350",
        "MA352",
        "MA413",
        "MA422",
        "MA424",
        "MA514",
        "MA537",
        "MA540",
        "MA541",
    }
)
_LISTED = 8
#: Text that has no levels.
_REMARKS = frozenset(
    {"study", "label", "effect", "doi", "page", "quote", "notes", "exclusion_reason", "statistic"}
)


def once_per_column(problems: Iterable[Problem]) -> list[Problem]:
    """Merge problems that several cells of a column share into one, which has all the cells."""
    groups: dict[tuple[str, ...], list[Problem]] = {}
    kept: list[Problem] = []
    for p in problems:
        if p.code not in _ONCE and p.code not in _ROWS:
            kept.append(p)
            continue
        apart = {"MA413": p.message, "MA350": p.hint}.get(p.code, "")  # one assumption each
        group = groups.setdefault((p.code, p.sheet, p.column, apart), [])
        group.append(p)
        if len(group) == 1:
            kept.append(p)
    merged = {id(group[0]): _merged(group) for group in groups.values() if len(group) > 1}
    return [merged.get(id(p), p) for p in kept]


def _merged(group: list[Problem]) -> Problem:
    if group[0].code in _ROWS:
        return _of_rows(group)
    counts = Counter(p.seen.strip() for p in group)
    named = [f"{text!r} ({count})" for text, count in counts.most_common(_LISTED)]
    more = [f"{len(counts) - _LISTED} more"] if len(counts) > _LISTED else []
    message = f"{len(group)} cells {_ONCE[group[0].code]}: {', '.join([*named, *more])}"
    hints = list(dict.fromkeys(p.hint for p in group if p.hint))[:_LISTED]
    return replace(group[0], message=message, hint="; ".join(hints), cells=tuple(group))


def _of_rows(group: list[Problem]) -> Problem:
    first, cells = group[0], [p.cell for p in group]
    more = f" and {len(cells) - _LISTED} more" if len(cells) > _LISTED else ""
    same = "" if len({p.message for p in group}) == 1 else ", the first"
    listed = f"{len(group)} rows ({', '.join(cells[:_LISTED])}{more}){same}"
    return replace(first, message=f"{listed}: {first.message}", cells=tuple(group))


def level_problems(rows: list[Row]) -> list[Problem]:
    """Levels of a column that differ in case, spacing or Unicode form only."""
    problems = []
    for name in columns_of(rows):
        column = COLUMNS.get(name)
        if name in _REMARKS or (column is not None and column.kind in {"number", "count"}):
            continue
        first: dict[str, Row] = {}
        pairs: dict[str, str] = {}
        forms: dict[str, Row] = {}
        merged: list[tuple[Row, Row]] = []
        for row in (r for r in rows if isinstance(r.get(name), str)):
            level = row.get(name)
            alike = forms.setdefault(level, row)
            if alike is row:
                twin = first.setdefault(_folded(level), row)
                if twin.get(name) != level:
                    pairs.setdefault(level, twin.get(name))
            elif _unified(alike, row, name):
                merged.append((alike, row))
        if pairs:
            odd = next(row for row in rows if row.get(name) in pairs)
            listed = "; ".join(f"{a!r} and {b!r}" for a, b in list(pairs.items())[:_LISTED])
            message = f"levels of {name} differ in case or spacing only: {listed}"
            problems.append(odd.problem("MA518", message, name))
        if merged:
            listed = "; ".join(f"{a.cells[name].seen!a} and {b.cells[name].seen!a}"
                               for a, b in merged[:_LISTED])  # fmt: skip
            message = f"levels of {name} differ in spacing or Unicode form only: {listed}"
            told = merged[0][1].problem(
                "MA518", message, name, "nothing to do: they are read as one"
            )
            problems.append(replace(told, severity="note"))
    return problems


def _unified(first: Row, second: Row, name: str) -> bool:
    """Whether two cells of one value hold texts that only looked different."""
    a, b = first.seen(name).strip(), second.seen(name).strip()
    return a != b and clean_text(a) == clean_text(b)


def code_problems(rows: list[Row]) -> list[Problem]:
    """Numbers such as -999 and 999, which programs for statistics write for a missing value."""
    problems = []
    for name in columns_of(rows):
        held = [row for row in rows if row.get(name) is not None]
        codes = codes_for_missing(name, _twice(row.get(name) for row in held))
        coded = [row for row in held if codes and code_text(row.get(name)) in codes]
        if coded:
            listed = ", ".join(f'"{code}"' for code in codes)
            cells = [row.cells[name].cell for row in coded]
            more = f" and {len(cells) - _LISTED} more" if len(cells) > _LISTED else ""
            message = (
                f"{name} holds {', '.join(codes)} in {len(coded)} row{'s' * (len(coded) > 1)} "
                f"({', '.join(cells[:_LISTED])}{more}): a code for missing?"
            )
            problems.append(coded[0].problem("MA329", message, name, f"missing = [{listed}]"))
    return problems


def _twice(values: Iterable[Any]) -> list[Any]:
    """Values in the order of their first, those that repeat twice: how often does not matter."""
    return [v for v, times in Counter(values).items() for _ in range(min(times, 2))]


def _folded(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).casefold())


def rater_problems(rows: list[Row]) -> list[Problem]:
    """A clinician who rates the outcome may be the therapist or somebody else."""
    rated = [row for row in rows if row.get("outcome_rater") == "clinician"]
    if not rated:
        return []
    message = f"{len(rated)} outcomes are rated by a clinician: the therapist, or an assessor?"
    return [rated[0].problem("MA516", message, "outcome_rater")]
