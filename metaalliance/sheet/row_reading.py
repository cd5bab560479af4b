"""Coded rows: each cell read once, with what it says, where it stands and what was changed."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.coded import CodedColumn, CodedTable
from metaalliance.sheet.columns.header import Header
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.vocabularies import turned
from metaalliance.sheet.columns.words import interval
from metaalliance.sheet.identity import identify
from metaalliance.sheet.intervals import (
    WITH_INTERVAL,
    Interval,
    enter_interval,
    read_interval,
    split_interval,
)
from metaalliance.sheet.own_columns import with_numbers
from metaalliance.sheet.percentages import as_percentage, percentage_columns
from metaalliance.sheet.read.grid import (
    ErrorCell,
    FormulaCell,
    Grid,
    is_blank,
    place_name,
)
from metaalliance.sheet.read.missing import missing_marks
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.summary import notes_below, totals_of
from metaalliance.sheet.texts import Coded, TextColumn, clean_text, shown
from metaalliance.sheet.whole import Prepare, read_column


def read_rows(grid: Grid, header: Header, scheme: Scheme) -> tuple[list[Row], list[Problem]]:
    """Read every row under the header that is not blank."""
    totals = totals_of(grid, header.row, *map(header.columns.get, ("study", "year")))
    notes = set(notes_below(grid, header.row))
    percentages, problems = percentage_columns(grid, header)
    filled = [
        number
        for number in range(header.row + 1, len(grid.rows) + 1)
        if not all(map(is_blank, grid.rows[number - 1]))
    ]
    aside = [number for number in filled if number in totals or number in notes]
    problems += [_left_out(grid, header, number, totals.get(number, "")) for number in aside]
    read = [n for n in filled if n not in totals and n not in notes] if aside else filled
    table = CodedTable(
        sheet=grid.name, numbers=array("q", map(grid.number, read)),
        places={**header.columns, **header.extra}, variables=grid.variables,
    )  # fmt: skip
    rows = [Row(table, at) for at in range(len(read))]
    found = _read_cells(table, rows, read, grid, header, scheme, percentages)
    for row, number in zip(rows, read, strict=True) if _is_wider(grid, header) else ():
        found.setdefault(row._at, []).extend(_without_header(grid, header, number))
    for at in sorted(found):
        row = rows[at]
        problems += [
            replace(p, sheet=row.sheet, row=row.number, study=row.study) for p in found[at]
        ]
    problems += _with_numbers(table, rows, grid, header, scheme)
    if not header.identity.author:
        return rows, problems
    authors = _authors(rows, read, grid, header)
    named, composed = header.identity.named, header.identity.composed
    reports = identify([r.cells for r in rows], authors, composed=composed, labelled=not named)
    problems += [
        row.problem(code, message, "year")
        for row, (_, code, message) in zip(rows, reports, strict=True)
        if code
    ]
    table.reports = [report for report, _, _ in reports]
    return rows, problems


def _is_wider(grid: Grid, header: Header) -> bool:
    """Whether some column may have no header."""
    width = max(map(len, grid.rows), default=0)
    return any(number not in header.named for number in range(1, width + 1))


def _read_cells(
    table: CodedTable,
    rows: Sequence[Row],
    read: Sequence[int],
    grid: Grid,
    header: Header,
    scheme: Scheme,
    percentages: Collection[str],
) -> dict[int, list[Problem]]:
    """Enter the cells by column, intervals as two limits; return by row what is wrong with them."""
    found: dict[int, list[Problem]] = {}
    intervals: dict[int, dict[str, Interval]] = {}
    lines = [grid.rows[number - 1] for number in read]
    for name, number in table.places.items():
        raws = [line[number - 1] if number <= len(line) else None for line in lines]
        raws = [None if raw is None or is_blank(raw) else raw for raw in raws]
        place = partial(_place, table, number)
        if number == header.interval:
            for at, raw in enumerate(raws):
                if raw is not None:
                    both = read_interval(raw, decimal_comma=grid.decimal_comma, cell=place(at))
                    intervals.setdefault(at, {})[""] = both
            continue
        column = table.columns[name] = CodedColumn(number, raws, [None] * len(raws))
        reader = _text_column(name, number, grid, header, scheme)
        prepare = _preparing(name, grid, percentages, intervals, header, place)
        whole = name not in percentages
        told = read_column(name, column, grid, scheme, reader, place, prepare, whole=whole)
        for at, problem in told:
            found.setdefault(at, []).append(problem)
        for at in range(len(raws)) if grid.notes else ():
            note = grid.notes.get(place(at), "")
            if note and column.holds(at):
                cells = rows[at].cells
                cells[name] = replace(cells[name], note=note)
    for at, entered in sorted(intervals.items()):
        row = rows[at]
        limits = enter_interval(row.cells, entered, header.level)
        problems = [row.problem(code, text, column, hint) for code, column, text, hint in limits]
        found.setdefault(at, []).extend(problems)
    return found


def _place(table: CodedTable, number: int, at: int) -> str:
    return table.place(at, number)


def _preparing(
    name: str,
    grid: Grid,
    percentages: Collection[str],
    intervals: dict[int, dict[str, Interval]],
    header: Header,
    place: Callable[[int], str],
) -> Prepare | None:
    """Return what takes an interval from behind a value, or makes a percentage of a number."""
    splits, said = name in WITH_INTERVAL, header.texts.get(name, "")
    if not splits and name not in percentages:
        return None

    def prepare(at: int, raw: Any) -> tuple[Any, str | None]:
        value = raw
        own: dict[str, Interval] = {}
        if splits:
            value = _without_interval(name, raw, place(at), grid, own, said)
            if own:
                intervals.setdefault(at, {}).update(own)
        if name in percentages:
            value = as_percentage(value, grid)
        seen = str(raw) if own else str(value) if value is not raw else None
        return value, seen

    return prepare


def _without_interval(
    name: str, raw: Any, place: str, grid: Grid, intervals: dict[str, Interval], header: str
) -> Any:
    """Return the value of a cell; an interval behind it is entered, with what its header says."""
    if name not in WITH_INTERVAL:
        return raw
    parted = split_interval(raw, decimal_comma=grid.decimal_comma, cell=place)
    if parted is None:
        return raw
    value, found = parted
    said = interval(header)
    if said is not None:
        found = replace(found, level=found.level or said[1], plain=False)
    intervals[name] = found
    return value


def _with_numbers(
    table: CodedTable, rows: Sequence[Row], grid: Grid, header: Header, scheme: Scheme
) -> list[Problem]:  # fmt: skip
    """Read the team's own columns as numbers where they are."""
    levels = {name for name in header.extra if scheme.vocabulary_of(name) is not None}
    columns = {name: table.columns[name] for name in header.extra}
    found = with_numbers(columns, decimal_comma=grid.decimal_comma, levels=levels)
    return [rows[i].problem(code, message, name, hint) for i, name, code, message, hint in found]


def _authors(
    rows: Sequence[Row], read: Sequence[int], grid: Grid, header: Header
) -> list[Coded | None]:
    """Author of each row, where author and year are its study or its label."""
    column = header.identity.author
    if header.identity.composed:
        return [row.cells.get("study") for row in rows]
    found: list[Coded | None] = []
    for row, number in zip(rows, read, strict=True):
        line = grid.rows[number - 1]
        raw = line[column - 1] if column <= len(line) else None
        if is_blank(raw) or isinstance(raw, ErrorCell | FormulaCell):
            found.append(None)
            continue
        place = place_name(row.number, column, row.variables)
        found.append(Coded(clean_text(shown(raw)), shown(raw), place))
    return found


def _text_column(
    name: str, index: int, grid: Grid, header: Header, scheme: Scheme
) -> TextColumn | None:
    """Return how a column of text is read, None for a column of numbers."""
    column = COLUMNS.get(name)
    if column is not None and column.kind in {"number", "count"}:
        return None
    below = (row[index - 1] for row in grid.rows[header.row :] if index <= len(row))
    seen = {value for value in below if isinstance(value, str)}
    texts = {clean_text(text) for text in seen if not is_blank(text)}
    vocabulary = scheme.vocabulary_of(name)
    if name == "include" and header.turned and vocabulary is not None:
        vocabulary = turned(vocabulary)
    return TextColumn(name, missing_marks(name, texts), scheme.missing, vocabulary)


def _left_out(grid: Grid, header: Header, number: int, why: str) -> Problem:
    """The warning that a row of totals, or a note below the table, is no study."""
    code = "MA418" if why else "MA419"
    place = header.columns.get("study", 1)
    values = grid.rows[number - 1]
    return Problem(
        code=code, severity=severity_of(code), sheet=grid.name, row=grid.number(number),
        message=f"the row of totals is left out: {why}" if why else "a note, and no study",
        cell=grid.place(number, place),
        seen=str(values[place - 1] or "") if place <= len(values) else "",
    )  # fmt: skip


def _without_header(grid: Grid, header: Header, number: int) -> list[Problem]:
    """Report values that stand under no header: they would be lost."""
    found = []
    for column, value in enumerate(grid.rows[number - 1], start=1):
        if column in header.named or is_blank(value):
            continue
        numeric = parse_number(value).value is not None
        code = "MA216" if numeric else "MA217"
        message = "the value has no header and would be lost" if numeric else "has no header"
        found.append(
            Problem(code=code, severity=severity_of(code), message=message,
                    cell=grid.place(number, column), seen=str(value))
        )  # fmt: skip
    return found
