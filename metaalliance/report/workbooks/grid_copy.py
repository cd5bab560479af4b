"""A plain workbook of the sheets of a file that is none, or none that can be copied."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter

from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.read.grid import ErrorCell, FormulaCell, Grid, PercentCell, is_blank
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.read.xlsx_marks import merged_bounds
from metaalliance.sheet.studies import Studies
from metaalliance.sheet.template.archive import allowed_text, font, workbook_bytes, write_text

_WIDEST = 40
_MEASURED_ROWS = 500
#: Longest text in quotes that a formula may hold.
_LONGEST_LITERAL = 255
_FORBIDDEN_IN_TITLE = re.compile(r"[\\*?:/\[\]]")


def grid_workbook(grids: Sequence[Grid], studies: Studies) -> bytes:
    """Return the values of sheets as a workbook, cell for cell; formulas do not run in it."""
    book = Workbook()
    book.remove(book.active)
    for grid in grids:
        main = grid.name == studies.sheet
        sheet = book.create_sheet(grid_title(grid.name))
        _write_values(sheet, grid, _number_columns(grid, studies) if main else frozenset())
        _write_layout(sheet, grid, _header_row(grid, studies if main else None))
        for name, note in grid.notes.items():
            sheet[name].comment = Comment(allowed_text(note), "")
    return workbook_bytes(book, f"Problems of {allowed_text(studies.file)}")


def grid_title(name: str) -> str:
    """Return a name that a sheet may have; that of a text file may need changes."""
    return _FORBIDDEN_IN_TITLE.sub("_", allowed_text(name)).strip("'")[:31] or "effects"


def _number_columns(grid: Grid, studies: Studies) -> frozenset[int]:
    """Numbers of the columns of a text file in which plain numbers become numbers."""
    if not all(v is None or v.__class__ is str for row in grid.rows for v in row):
        return frozenset()
    places = studies.rows[0].places if studies.rows else {}
    kinds = {name: COLUMNS[name].kind for name in places if name in COLUMNS}
    return frozenset(places[name] for name, kind in kinds.items() if kind in {"number", "count"})


def _header_row(grid: Grid, studies: Studies | None) -> int:
    """The row of the header: the last with text above the first coded row, or the first."""
    filled = [n for n, row in enumerate(grid.rows, start=1) if not all(is_blank(v) for v in row)]
    if studies is None:
        return filled[0] if filled else 1
    first = studies.rows[0].number if studies.rows else len(grid.rows) + 1
    return max((n for n in filled if n < first), default=1)


def _write_values(sheet: Any, grid: Grid, numeric: frozenset[int]) -> None:
    """Write every cell at its place."""
    for row, values in enumerate(grid.rows, start=1):
        for column, value in enumerate(values, start=1):
            if value is None:
                continue
            cell = sheet.cell(row, column)
            plain = column in numeric
            _write_value(cell, _plain_number(value, grid.decimal_comma) if plain else value)


def _plain_number(text: str, decimal_comma: bool) -> float | str:
    """The number that a text is without any change, or the text."""
    parsed = parse_number(text, decimal_comma=decimal_comma)
    return text if parsed.value is None or parsed.changes else parsed.value


def _write_value(cell: Any, value: Any) -> None:
    """Write a value so that it is read as the same kind of value, and nothing runs."""
    if isinstance(value, FormulaCell):
        cell.value = _inert_formula(value)
        cell.data_type = "f"
    elif isinstance(value, ErrorCell):
        cell.value = str(value)
        cell.data_type = "e"
    elif isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        write_text(cell, str(value))
    elif isinstance(value, PercentCell):
        cell.value = float(value)
        cell.number_format = "0%" if math.isclose(100 * value, round(100 * value)) else "0.0##%"
    elif isinstance(value, bool | int | float | dt.datetime | dt.date | dt.time | dt.timedelta):
        cell.value = value
        _set_date_format(cell, value)
    else:
        write_text(cell, str(value))


def _inert_formula(text: str) -> str:
    """A formula without a stored value that does nothing but show the text of another.

    A formula of the sheet must stay one, so that it is reported again, but must not run.
    """
    shown = allowed_text(" ".join(text.split()))[:_LONGEST_LITERAL]
    return '="' + shown.replace('"', "'") + '"'


def _set_date_format(cell: Any, value: Any) -> None:
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        cell.number_format = "yyyy-mm-dd"
    elif isinstance(value, dt.time):
        cell.number_format = "hh:mm:ss"


def _write_layout(sheet: Any, grid: Grid, header: int) -> None:
    """Merged and hidden parts as in the sheet; widths, bold header, frozen header."""
    for reference in apart(grid.merged):
        sheet.merged_cells.add(reference)  # keeps what stands under the merged range
    for row in grid.hidden_rows:
        sheet.row_dimensions[row].hidden = True
    for column, width in _widths(grid, header).items():
        sheet.column_dimensions[get_column_letter(column)].width = width
    for column in grid.hidden_columns:
        sheet.column_dimensions[get_column_letter(column)].hidden = True
    for cell in sheet[header] if grid.rows else ():
        cell.font = font(bold=True)
    sheet.freeze_panes = sheet.cell(header + 1, 2)
    sheet.page_setup.orientation = "landscape"


def apart(merged: Iterable[str]) -> list[str]:
    """Return merged ranges of several cells that do not overlap."""
    kept: list[tuple[int, int, int, int]] = []
    references = []
    for reference in merged:
        c1, r1, c2, r2 = merged_bounds(reference)
        free = all(c2 < a or c1 > c or r2 < b or r1 > d for a, b, c, d in kept)
        if free and (c1, r1) != (c2, r2):
            kept.append((c1, r1, c2, r2))
            references.append(reference)
    return references


def _widths(grid: Grid, header: int) -> dict[int, float]:
    """Width of each column by its longest entry from the header on, within reason."""
    widths: dict[int, float] = {}
    for values in grid.rows[header - 1 : header + _MEASURED_ROWS]:
        for column, value in enumerate(values, start=1):
            text = 10 if isinstance(value, dt.date) else len(f"{value:g}" if isinstance(
                value, float) else str(value or ""))  # fmt: skip
            widths[column] = max(widths.get(column, 7), min(text + 3, _WIDEST))
    return widths
