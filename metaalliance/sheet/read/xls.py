"""Read .xls by xlrd: values with their kind and format, merges, hidden parts, comments."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import ErrorCell, Grid, PercentCell, Room, cell_name, check_size
from metaalliance.sheet.read.optional import library


def read_xls(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every worksheet of an .xls file.

    Raises
    ------
    UnreadableFileError
        When xlrd is not installed, or the file cannot be read.
    """
    xlrd = library("xlrd", name, "an .xls file")
    try:
        with xlrd.open_workbook(
            file_contents=content,
            formatting_info=True,
            ragged_rows=True,
            on_demand=True,
            logfile=io.StringIO(),
        ) as book:
            grids = list(_grids(xlrd, book, Room(name)))
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:  # any fault of the parser means a broken workbook
        protected = "encrypted" in str(error)
        raise UnreadableFileError(
            f"{name} is protected with a password." if protected
            else f"{name} is broken: its reader cannot make sense of it.",
            code="MA103" if protected else "MA105",
        ) from error  # fmt: skip
    if not grids:
        raise UnreadableFileError(f"{name} has no worksheet.", code="MA102")
    return grids, [without_formulas(name)]


def without_formulas(name: str) -> Problem:
    """The note that formulas cannot be seen in a format."""
    message = f"{name}: this format does not show formulas; .xlsx does."
    return notice("MA112", message, severity="note")


def _grids(xlrd: Any, book: Any, room: Room) -> Iterator[Grid]:
    """Yield each sheet; what the library holds of it is let go."""
    for number in range(book.nsheets):
        yield _grid(xlrd, book, book.sheet_by_index(number), room)
        book.unload_sheet(number)


def _grid(xlrd: Any, book: Any, sheet: Any, room: Room) -> Grid:
    rows = []
    for number in range(sheet.nrows):
        room.take(1 + sheet.row_len(number))
        row = [_value(xlrd, book, cell) for cell in sheet.row(number)]
        while row and row[-1] is None:
            row.pop()
        rows.append(row)
    while rows and not rows[-1]:
        rows.pop()
    check_size(f"The sheet {sheet.name!r}", len(rows), max(map(len, rows), default=0))
    merged = (
        f"{cell_name(r1 + 1, c1 + 1)}:{cell_name(r2, c2)}" for r1, r2, c1, c2 in sheet.merged_cells
    )
    return Grid(
        name=sheet.name,
        rows=rows,
        visible=sheet.visibility == 0,
        hidden_rows=frozenset(r + 1 for r, info in sheet.rowinfo_map.items() if info.hidden),
        hidden_columns=frozenset(c + 1 for c, info in sheet.colinfo_map.items() if info.hidden),
        merged=tuple(merged),
        notes={
            cell_name(r + 1, c + 1): " ".join(note.text.split())
            for (r, c), note in sheet.cell_note_map.items()
        },
    )


def _value(xlrd: Any, book: Any, cell: Any) -> Any:
    """One value with its kind: error, date, truth, percentage or plain."""
    value = cell.value
    if cell.ctype in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK}:
        return None
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return ErrorCell(xlrd.error_text_from_code.get(value, "#VALUE!"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(value)
    if cell.ctype == xlrd.XL_CELL_TEXT:
        return value
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _moment(xlrd, book, value)
    form = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return number_of(value, form.format_str if form is not None else "")


def number_of(value: float, form: str) -> Any:
    """A number by its format: a percentage, whole, or as it is."""
    if "%" in form:
        return PercentCell(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _moment(xlrd: Any, book: Any, value: float) -> Any:
    try:
        moment = xlrd.xldate_as_datetime(value, book.datemode)
    except (OverflowError, ValueError):
        return value
    return dt.timedelta(days=value) if abs(value) < 1 else moment
