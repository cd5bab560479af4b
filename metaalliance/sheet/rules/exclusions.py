"""Rows that the team may have left out, and that are used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metaalliance.problems import Problem
from metaalliance.sheet.columns.names import excludes, other_name
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary, key_of, turned
from metaalliance.sheet.rows import Row
from metaalliance.sheet.texts import shown

#: Words under exclusion_reason that give none.
_NO_REASON = frozenset(
    {"none", "no", "0", "keine", "keiner", "nein", "geen", "nee", "aucune", "aucun", "non",
     "ninguna", "ninguno", "nessuna", "nessuno", "included", "include", "eingeschlossen"}
)  # fmt: skip


def exclusion_problems(rows: Sequence[Row]) -> list[Problem]:
    """Warn of rows that are used although something in the sheet may leave them out."""
    used = [row for row in rows if row.included]
    return [*_one_kind(rows, used), *_reasons(used), *_other_columns(used)]


def _one_kind(rows: Sequence[Row], used: Sequence[Row]) -> list[Problem]:
    """Only marks that say in, and blanks."""
    marked = [row for row in used if row.get("include") == "yes"]
    blank = [row for row in used if not row.has("include")]
    if not marked or not blank or len(used) < len(rows):
        return []
    seen = marked[0].cells["include"].seen.strip()
    message = (
        f"include is {seen!r} in {len(marked)} rows and blank in {len(blank)} ({_cells(blank)}), "
        "which are used: are they out?"
    )
    return [blank[0].problem("MA433", message, "include")]


def _reasons(used: Sequence[Row]) -> list[Problem]:
    given = [
        row
        for row in used
        if row.has("exclusion_reason")
        and key_of(str(row.get("exclusion_reason"))) not in _NO_REASON
    ]
    if not given:
        return []
    cells = _cells(given, "exclusion_reason")
    message = f"a reason for exclusion stands in {cells}, and include leaves none of them out"
    return [given[0].problem("MA434", message, "exclusion_reason")]


def _other_columns(used: Sequence[Row]) -> list[Problem]:
    """Columns of the team that say in or out, where include does not follow them."""
    problems = []
    for name in used[0].places if used else ():
        if name in COLUMNS or other_name(name) != "include":
            continue
        vocabulary = VOCABULARIES["include"]
        vocabulary = turned(vocabulary) if excludes(name) else vocabulary
        values = {row.number: row.get(name) for row in used}
        if any(isinstance(v, float) and v not in {0, 1} for v in values.values()):
            continue  # how many people were excluded
        out = [row for row in used if _says_out(values[row.number], vocabulary, name)]
        if out:
            message = f"{name} says that rows are out, and they are used: {_cells(out, name)}"
            problems.append(out[0].problem("MA435", message, name))
    return problems


def _says_out(value: Any, vocabulary: Vocabulary, column: str) -> bool:
    """Whether a value says out; under Excluded that is any text but no."""
    level = None if value is None else vocabulary.find(shown(value))
    return level == "no" or (level is None and isinstance(value, str) and excludes(column))


def _cells(rows: Sequence[Row], column: str = "include") -> str:
    more = f" and {len(rows) - 12} more" if len(rows) > 12 else ""
    return ", ".join(row.place(column) for row in rows[:12]) + more
