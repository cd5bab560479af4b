"""Write results workbooks whose text is inert and whose bytes repeat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from metaalliance.report.renderers.spreadsheet import write_table
from metaalliance.report.tables.table import Table
from metaalliance.sheet.template.archive import allowed_text, font, saved

_WIDEST, _LONGEST_NAME = 60, 31
#: Effects that a workbook lists with their ledger; more stand in CSV beside it.
MOST_LISTED = 10_000


def write_workbook(
    sheets: Mapping[str, Table | pd.DataFrame | Sequence[Sequence[Any]]],
) -> bytes:
    """Return an .xlsx file with one sheet per entry: a table as it is printed, or plain rows.

    Text that begins like a formula stays text; characters that the format forbids are
    dropped; missing values are blank cells; timestamps are fixed, so that equal content gives
    equal bytes.
    """
    book = Workbook(write_only=True)
    for title, content in sheets.items():
        sheet = book.create_sheet(title[:_LONGEST_NAME])
        if isinstance(content, Table):
            write_table(sheet, content)
            continue
        rows = _rows(content)
        sheet.freeze_panes = "A2"
        for index, width in enumerate(_widths(rows), start=1):
            sheet.column_dimensions[get_column_letter(index)].width = width
        for number, row in enumerate(rows):
            sheet.append([_cell(sheet, value, bold=number == 0) for value in row])
    return saved(book)


def _rows(content: pd.DataFrame | Sequence[Sequence[Any]]) -> list[list[Any]]:
    if isinstance(content, pd.DataFrame):
        body = content.astype(object).where(content.notna(), None).to_numpy().tolist()
        return [[str(c) for c in content.columns], *body]
    return [[_plain(value) for value in row] for row in content]


def _plain(value: Any) -> Any:
    """Return lists and numbers by name, as settings have them, as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _cell(sheet: Any, value: Any, *, bold: bool) -> Any:
    """One cell with inert text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    if isinstance(value, str):
        value = allowed_text(value)
    if isinstance(value, float) and float(f"{value:.16g}") != value:
        exact = WriteOnlyCell(sheet, value=repr(value))  # the library writes 16 digits only
        exact.data_type = "n"
        return exact
    if not bold and not (isinstance(value, str) and value.startswith("=")):
        return value  # only text that begins like a formula has to be told to be text
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
    if bold:
        cell.font = font(bold=True)
    return cell


def _widths(rows: Iterable[Sequence[Any]]) -> list[float]:
    """Column widths by their longest entry, within reason."""
    widths: list[float] = []
    for row in list(rows)[:500]:
        for index, value in enumerate(row):
            if index >= len(widths):
                widths.append(8)
            size = 10 if isinstance(value, float) else len(str(value or ""))
            widths[index] = max(widths[index], min(size + 2, _WIDEST))
    return widths
