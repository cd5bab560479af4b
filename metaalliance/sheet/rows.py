"""Coded rows: each cell read once, with what it says, where it stands and what was changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.cells import read_cell
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
from metaalliance.sheet.rules.summary import notes_below, totals_of
from metaalliance.sheet.texts import Coded, TextColumn, clean_text, shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One row of the sheet.

    Attributes
    ----------
    number : int
        Row number of the spreadsheet.
    sheet : str
        Its sheet.
    cells : dict of str to Coded
        Cells that are not blank, by canonical column (or by header for unknown columns).
    places : dict of str to int
        Number of each column of the sheet, for the name of a blank cell.
    variables : tuple of str
        Names of the variables, where the file has no cells.
    report : str
        Author and year, where the sheet has columns for them that name the study.
    """

    number: int
    sheet: str
    cells: dict[str, Coded] = field(repr=False)
    places: dict[str, int] = field(repr=False)
    variables: tuple[str, ...] = field(default=(), repr=False)
    report: str = ""

    def get(self, column: str) -> Any:
        """Return the value of a cell, or None."""
        coded = self.cells.get(column)
        return None if coded is None else coded.value

    def has(self, column: str) -> bool:
        """Whether a column has something to work with: a value, or a fault of its own."""
        coded = self.cells.get(column)
        return coded is not None and (
            coded.value is not None or coded.faulty or coded.nonsignificant
        )

    @property
    def study(self) -> str:
        """The study: what makes effects dependent."""
        return str(self.get("study") or "")

    @property
    def label(self) -> str:
        """Label of the study: what figures and tables print."""
        return str(self.get("label") or self.study)

    @property
    def named(self) -> str:
        """The study with its label before it, where that is another name."""
        return with_label(self.study, self.label)

    @property
    def flip(self) -> int:
        """-1 where the directions of the scores turn the reported sign, else 1."""
        turned = sum(
            self.get(c) == "lower_better" for c in ("outcome_direction", "alliance_direction")
        )
        return -1 if turned == 1 else 1

    @property
    def included(self) -> bool:
        """Whether the team includes the row."""
        return bool(self.get("include") != "no")

    def place(self, column: str) -> str:
        """Return the name of the place of a column in this row, blank or not."""
        return place_name(self.number, self.places.get(column, 1), self.variables)

    @property
    def faulty(self) -> bool:
        """Whether some cell of the row could not be read."""
        return any(c.faulty for c in self.cells.values())

    def problem(self, code: str, message: str, column: str = "", hint: str = "") -> Problem:
        """Return a problem that points at a cell of this row, blank or not."""
        coded = self.cells.get(column)
        place = coded.cell if coded else self.place(column)
        return Problem(
            code=code,
            severity=severity_of(code),
            message=message,
            hint=hint,
            sheet=(coded.sheet if coded else "") or self.sheet,
            cell=place,
            row=self.number,
            study=self.label,
            column=column,
            seen=coded.seen if coded else "",
        )


def with_label(study: str, label: str) -> str:
    """Return a study with its label before it, where that is another name.

    Examples
    --------
    >>> with_label("17", "Adler 1988"), with_label("Berg 1991", "")
    ('Adler 1988 [17]', 'Berg 1991')
    """
    if label in {"", study} or label.endswith(f"[{study}]"):
        return label or study
    return f"{label} [{study}]"


def read_rows(grid: Grid, header: Header, scheme: Scheme) -> tuple[list[Row], list[Problem]]:
    """Read every row under the header that is not blank."""
    rows: list[Row] = []
    problems: list[Problem] = []
    authors: list[Coded | None] = []
    places = {**header.columns, **header.extra}
    totals = totals_of(grid, header.row, *map(header.columns.get, ("study", "year")))
    notes = notes_below(grid, header.row)
    percentages, small = percentage_columns(grid, header)
    problems += small
    texts = {n: t for n, i in places.items() if (t := _text_column(n, i, grid, header, scheme))}
    for number in range(header.row + 1, len(grid.rows) + 1):
        values = grid.rows[number - 1]
        if all(is_blank(v) for v in values):
            continue
        if number in totals:
            problems.append(_left_out(grid, header, number, totals[number]))
            continue
        if number in notes:
            problems.append(_left_out(grid, header, number, ""))
            continue
        row = Row(
            number=grid.number(number), sheet=grid.name, cells={}, places=places,
            variables=grid.variables,
        )  # fmt: skip
        found = _read_cells(row, number, grid, header, scheme, texts, percentages)
        found += _without_header(grid, header, number)
        rows.append(row)
        authors.append(_author(row, values, header))
        problems += [replace(p, sheet=row.sheet, row=row.number, study=row.study) for p in found]
    problems += _with_numbers(rows, grid, header, scheme)
    if not header.identity.author:
        return rows, problems
    named, composed = header.identity.named, header.identity.composed
    reports = identify([r.cells for r in rows], authors, composed=composed, labelled=not named)
    problems += [
        row.problem(code, message, "year")
        for row, (_, code, message) in zip(rows, reports, strict=True)
        if code
    ]
    return [replace(row, report=r[0]) for row, r in zip(rows, reports, strict=True)], problems


def _read_cells(
    row: Row,
    number: int,
    grid: Grid,
    header: Header,
    scheme: Scheme,
    texts: Mapping[str, TextColumn],
    percentages: Collection[str],
) -> list[Problem]:
    """Enter the cells of a row, intervals as two limits; return what is wrong with them."""
    values = grid.rows[number - 1]
    found: list[Problem] = []
    intervals: dict[str, Interval] = {}
    for name, column in row.places.items():
        raw = values[column - 1] if column <= len(values) else None
        if is_blank(raw):
            continue
        place = grid.place(number, column)
        if column == header.interval:
            intervals[""] = read_interval(raw, decimal_comma=grid.decimal_comma, cell=place)
            continue
        value = _without_interval(name, raw, place, grid, intervals, header.texts.get(name, ""))
        if name in percentages:
            value = as_percentage(value, grid)
        coded = read_cell(name, value, place, grid, scheme, texts.get(name), found)
        if name in intervals:
            coded = replace(coded, seen=str(raw))
        note = grid.notes.get(coded.cell, "")
        row.cells[name] = replace(coded, note=note) if note else coded
    if intervals:
        told = enter_interval(row.cells, intervals, header.level)
        found += [row.problem(code, text, column, hint) for code, column, text, hint in told]
    return found


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
    rows: list[Row], grid: Grid, header: Header, scheme: Scheme
) -> list[Problem]:  # fmt: skip
    """Read the team's own columns as numbers where they are."""
    levels = {name for name in header.extra if scheme.vocabulary_of(name) is not None}
    found = with_numbers(
        [row.cells for row in rows], header.extra, decimal_comma=grid.decimal_comma, levels=levels
    )
    return [rows[i].problem(code, message, name, hint) for i, name, code, message, hint in found]


def _author(row: Row, values: list[Any], header: Header) -> Coded | None:
    """Author of a row, where author and year are its study or its label."""
    column = header.identity.author
    if not column or header.identity.composed:
        return row.cells.get("study") if column else None
    raw = values[column - 1] if column <= len(values) else None
    if is_blank(raw) or isinstance(raw, ErrorCell | FormulaCell):
        return None
    return Coded(clean_text(shown(raw)), shown(raw), place_name(row.number, column, row.variables))


def _text_column(
    name: str, index: int, grid: Grid, header: Header, scheme: Scheme
) -> TextColumn | None:
    """Return how a column of text is read, None for a column of numbers."""
    column = COLUMNS.get(name)
    if column is not None and column.kind in {"number", "count"}:
        return None
    below = grid.rows[header.row :]
    values = (row[index - 1] for row in below if index <= len(row))
    texts = {clean_text(v) for v in values if isinstance(v, str) and not is_blank(v)}
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
