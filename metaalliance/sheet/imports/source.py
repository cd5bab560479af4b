"""The file that is imported: its bytes, and its sheets as tables with headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.sheet.columns.header_rows import SEARCH_ROWS, header_below, joined_titles
from metaalliance.sheet.columns.specification import Column, find_column
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.imports.entries import Cell
from metaalliance.sheet.read.grid import (
    ErrorCell,
    FormulaCell,
    Grid,
    PercentCell,
    is_blank,
)
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.read.source import parse_grids
from metaalliance.sheet.rules.summary import totals_of

#: Headers that name a study, folded.
_STUDIES = ("study", "studyname", "studyid", "author", "authors")
#: Numbers that no identifier looks like.
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*|(?=\.))(?:\.\d+)?(?:[eE][+-]?\d+)?")
_COMMA = re.compile(r"-?(?:0|[1-9]\d*|(?=,))(?:,\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class Table:
    """A sheet of the source under its header.

    Attributes
    ----------
    grid : Grid
        The sheet.
    row : int
        Number of the header row.
    headers : tuple of str
        Its texts, "" where there is none; those of several header rows joined.
    prefix : str
        What stands before the name of a cell where the file has several sheets.
    levels : tuple of tuple of str
        The texts of each column in the header rows, outermost title first; empty where the
        header is one row.
    """

    grid: Grid = field(repr=False)
    row: int
    headers: tuple[str, ...]
    prefix: str = ""
    levels: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def keys(self) -> dict[str, int]:
        """First position of each header, from 0, by its folded name."""
        found: dict[str, int] = {}
        for index, header in enumerate(self.headers):
            if header:
                found.setdefault(key_of(header), index)
        return found

    @cached_property
    def totals(self) -> dict[int, str]:
        """Rows that the file marks as totals, each with what marks it."""
        study = next((self.keys[k] + 1 for k in _STUDIES if k in self.keys), None)
        return totals_of(self.grid, self.row, study)

    def lines(self) -> Iterator[tuple[int, list[Any]]]:
        """Rows under the header that are not blank and no totals, each with its number."""
        width = len(self.headers)
        for number, values in enumerate(self.grid.rows[self.row :], start=self.row + 1):
            if number not in self.totals and not all(is_blank(v) for v in values):
                yield number, [*values, *[None] * (width - len(values))]

    def line(self, number: int) -> str:
        """Name of a row."""
        return f"{self.prefix}row {self.grid.number(number)}"

    def place(self, number: int, index: int) -> str:
        """Name of a cell with its header."""
        header = self.headers[index] if index < len(self.headers) else ""
        name = f"{self.prefix}{self.grid.place(number, index + 1)}"
        return f"{name} ({header})" if header and not self.grid.variables else name

    def cell(
        self,
        number: int,
        values: list[Any],
        index: int | None,
        column: Column | None = None,
        how: str = "",
    ) -> Cell | None:
        """The cell of a row as it is carried over; None where it is blank."""
        if index is None or is_blank(values[index]):
            return None
        value, changes = carried(values[index], column, decimal_comma=self.grid.decimal_comma)
        return Cell(value, self.place(number, index), "; ".join(t for t in (how, changes) if t))

    def values(self, index: int) -> list[Any]:
        """Values of a column."""
        return [values[index] for _, values in self.lines()]


@dataclass(slots=True)
class Source:
    """A file to import.

    Attributes
    ----------
    content : bytes
        What it holds.
    name : str
        What it is called.
    chosen : Table or None
        The table that is read, once a house has chosen it.
    """

    content: bytes = field(repr=False)
    name: str
    chosen: Table | None = field(default=None, repr=False)
    _grids: list[Grid] | None = field(default=None, repr=False)

    @property
    def is_xml(self) -> bool:
        """Whether the file is XML, which no sheet is."""
        head = self.content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
        if self.content.startswith((b"\xff\xfe", b"\xfe\xff")):
            head = head.replace(b"\x00", b"")[2:]
        return head.startswith((b"<?xml", b"<COCHRANE_REVIEW"))

    @property
    def grids(self) -> list[Grid]:
        """Every sheet of the file; empty for XML."""
        if self._grids is None:
            self._grids = [] if self.is_xml else parse_grids(self.content, self.name)[0]
        return self._grids

    def tables(self, sheet: str | None = None) -> Iterator[Table]:
        """Every row of the top of every visible sheet that could be a header.

        A row of texts with more names below, as merged titles have them, is one header with them.
        """
        if sheet is not None and sheet not in {g.name for g in self.grids}:
            listed = ", ".join(repr(g.name) for g in self.grids)
            raise UnreadableFileError(
                f"{self.name} has no sheet {sheet!r}; it has {listed}.", code="MA203"
            )
        several = len(self.grids) > 1
        for grid in self.grids:
            if grid.name != sheet and (sheet is not None or not grid.visible):
                continue
            prefix = f"{grid.name}!" if several else ""
            for first in range(1, min(SEARCH_ROWS, len(grid.rows)) + 1):
                last, levels = header_below(grid, first)
                if sum(any(parts) for parts in levels) > 1:
                    yield Table(
                        grid, last, joined_titles(levels), prefix, levels if last > first else ()
                    )

    def table(self, *wanted: str, sheet: str | None = None) -> Table | None:
        """The first table whose header has one of the alternatives of each wanted name.

        Alternatives are separated by `|`; names are folded.
        """
        needed = [frozenset(w.split("|")) for w in wanted]
        for table in self.tables(sheet):
            if all(n & table.keys.keys() for n in needed):
                self.chosen = table
                return table
        return None


def carried(raw: Any, column: Column | None, *, decimal_comma: bool) -> tuple[Any, str]:
    """A value as it is written into the coding workbook, and what was changed to write it.

    Text that is a number becomes one, because a workbook has no decimal comma; what cannot be
    read stays as it was typed, for `validate` to report.
    """
    if isinstance(raw, PercentCell):
        return f"{100 * float(raw):.12g}%", ""
    if isinstance(raw, ErrorCell | FormulaCell) or not isinstance(raw, str):
        return (str(raw), "") if isinstance(raw, str) else (raw, "")
    text = raw.strip()
    if column is not None and column.kind in {"text", "choice"}:
        return text, ""
    if column is None and not (_COMMA if decimal_comma else _PLAIN).fullmatch(text):
        return text, ""
    parsed = parse_number(
        text,
        decimal_comma=decimal_comma,
        integer=_counts(column),
        percent=column.percent if column else None,
    )
    if parsed.value is None:
        return text, ""
    value = int(parsed.value) if parsed.value == int(parsed.value) else parsed.value
    return value, "; ".join(parsed.changes)


def _counts(column: Column | None) -> bool:
    return column is not None and column.kind == "count"


def own_name(header: str, house: str, taken: set[str]) -> str:
    """The name of a column of the source that the coding sheet does not have.

    A header that would be read as a known column says which house it is of.
    """
    name = header if find_column(header) is None else f"{house} {header.lstrip('.')}"
    count = 1
    while name in taken or find_column(name) is not None:
        count += 1
        name = f"{house} {header} ({count})"
    taken.add(name)
    return name
