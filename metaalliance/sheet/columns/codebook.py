"""The optional sheet `codebook`: what a team adds to the coding scheme inside its workbook."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from metaalliance.errors import OptionError
from metaalliance.problems import Problem
from metaalliance.sheet.columns.header import problem_at
from metaalliance.sheet.columns.header_rows import SEARCH_ROWS, header_text
from metaalliance.sheet.columns.scheme import Scheme, extend, has_levels, own_vocabulary
from metaalliance.sheet.columns.specification import COLUMNS, find_column
from metaalliance.sheet.columns.vocabularies import Vocabulary, key_of
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.texts import clean_text

SHEET = "codebook"
_FIELDS = {
    "column": "column",
    "variable": "column",
    "header": "header",
    "level": "level",
    "code": "level",
    "aliases": "aliases",
    "alsoreadas": "aliases",
}


def find_codebook(grids: list[Grid]) -> Grid | None:
    """Return the sheet called ``codebook``."""
    return next((g for g in grids if g.name.strip().lower() == SHEET), None)


def read_codebook(grid: Grid, scheme: Scheme) -> tuple[Scheme, list[Problem]]:
    """Extend a scheme by the rows of a codebook.

    Each row has `column` and optionally `header`, `level` and `aliases` (separated by
    semicolons). A column that is known takes the header and the aliases as further names of
    it; with a level it takes that level and its aliases into its vocabulary. A column that is
    not known is a moderator of the team; its levels come in the order of the codebook. What
    `metaalliance.toml` says wins.
    """
    places = _places(grid)
    if places is None:
        return scheme, []
    row, fields = places
    headers = dict(scheme.headers)
    moderators = set(scheme.moderators)
    levels: dict[str, dict[str, tuple[str, ...]]] = {}
    own: dict[str, dict[str, tuple[str, ...]]] = {}
    own_keys: dict[str, str] = {}
    rows: dict[str, int] = {}
    problems: list[Problem] = []
    for number in range(row + 1, len(grid.rows) + 1):
        entry = _entry(grid.rows[number - 1], fields)
        name = entry.get("column", "")
        names = [clean_text(a) for a in entry.get("aliases", "").split(";") if clean_text(a)]
        if not name:
            continue
        name = name if name in COLUMNS else find_column(name) or name
        if name not in COLUMNS:
            key = own_keys.setdefault(name, key_of(entry.get("header") or name))
            moderators.add(key)
            if entry.get("level"):
                _enter(own.setdefault(key, {}), entry["level"], names)
                rows.setdefault(key, number)
        elif entry.get("level") and has_levels(name):
            _enter(levels.setdefault(name, {}), entry["level"], names)
            rows.setdefault(name, number)
        elif entry.get("level"):
            problems.append(_no_vocabulary(grid, number, fields["level"], name, entry["level"]))
        else:
            for header in (entry.get("header", ""), *names):
                if header:
                    headers.setdefault(key_of(header), name)
    vocabularies = dict(scheme.vocabularies)
    theirs: dict[str, Vocabulary] = {}
    for known, extra in (*levels.items(), *own.items()):
        into = vocabularies if known in levels else theirs
        try:
            into[known] = extend(vocabularies.get(known) or own_vocabulary(known), extra)
        except OptionError as error:
            place = (grid, rows[known], fields["level"] + 1)
            problems.append(problem_at("MA223", *place, str(error)))
    extended = replace(
        scheme,
        headers=headers,
        moderators=frozenset(moderators),
        vocabularies=vocabularies,
        own=theirs,
    )
    return extended, problems


def _enter(levels: dict[str, tuple[str, ...]], level: str, names: list[str]) -> None:
    """Take a level with its aliases; one on several rows has those of all."""
    levels[level] = (*levels.get(level, ()), *names)


def _places(grid: Grid) -> tuple[int, dict[str, int]] | None:
    """Header row of the codebook and the index of each of its fields."""
    for number, values in enumerate(grid.rows[:SEARCH_ROWS], start=1):
        fields: dict[str, int] = {}
        for index, value in enumerate(values):
            field = _FIELDS.get(key_of(header_text(value))) if isinstance(value, str) else None
            if field is not None:
                fields.setdefault(field, index)
        if "column" in fields and len(fields) > 1:
            return number, fields
    return None


def _entry(values: list[Any], fields: dict[str, int]) -> dict[str, str]:
    """Texts of one row by field."""
    return {
        field: clean_text(str(values[index]))
        for field, index in fields.items()
        if index < len(values) and not is_blank(values[index])
    }


def _no_vocabulary(grid: Grid, row: int, index: int, name: str, level: str) -> Problem:
    message = f"{name} has no levels; it holds text or numbers"
    return replace(problem_at("MA215", grid, row, index + 1, message, level), column=name)
