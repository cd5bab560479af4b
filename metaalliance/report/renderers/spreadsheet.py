"""Tables as sheets of a workbook: numbers stay numbers and are shown as everywhere else."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment
from openpyxl.utils import get_column_letter

from metaalliance.report.tables.table import Field, Table, text_width
from metaalliance.sheet.template.archive import allowed_text, font
from metaalliance.wording.numbers import MINUS, p_parts

_WIDEST = 60
_TEXTS = frozenset({"text", "interval"})


def number_format(field: Field, value: float) -> str:
    """Return the format with which a spreadsheet shows a value as `Field.text` prints it.

    Examples
    --------
    >>> number_format(Field(key="r", title="r", kind="r", digits=2), -0.2)
    '.00;"−".00'
    """
    if field.kind == "count":
        return "#,##0"
    if field.kind == "p":
        sign, shown = p_parts(value)
        return ".000" if sign == "=" else f'"{sign} {shown}"'
    text = field.text(value)
    whole = "0" if text.lstrip(MINUS).partition(".")[0] else ""
    positive = f"{whole}.{'0' * field.digits}" if field.digits else "0"
    return f'{positive};"{MINUS}"{positive}' if text.startswith(MINUS) else f"{positive};{positive}"


def write_table(sheet: Any, table: Table) -> None:
    """Write a table into an empty write-only sheet.

    Its caption is in the first row and its notes are below. Numbers have full precision and
    are shown in the printed form; no text is live.
    """
    cells = table.cells()
    sheet.freeze_panes = "B3"
    for index in range(len(table.fields)):
        width = max(text_width(row[index]) for row in cells) + 2
        sheet.column_dimensions[get_column_letter(index + 1)].width = min(max(width, 8), _WIDEST)
    sheet.append([_text(sheet, table.title, bold=True)])
    sheet.append([_heading(sheet, f) for f in table.fields])
    for row, texts in zip(table.rows, cells[1:], strict=True):
        written = [_value(sheet, f, row.get(f.key)) for f in table.fields]
        if row.get("indented"):
            written[0] = _text(sheet, texts[0])
        sheet.append(written)
    for note in table.notes:
        sheet.append([_text(sheet, note)])


def _heading(sheet: Any, field: Field) -> Any:
    cell = _text(sheet, field.title, bold=True)
    cell.alignment = Alignment(horizontal="left" if field.kind == "text" else "right")
    return cell


def _value(sheet: Any, field: Field, value: Any) -> Any:
    """A number with its format, or text."""
    if isinstance(value, np.generic):
        value = value.item()
    numeric = isinstance(value, int | float) and math.isfinite(value) and field.kind not in _TEXTS
    if not numeric:
        cell = _text(sheet, field.text(value))
        cell.alignment = Alignment(horizontal="left" if field.kind == "text" else "right")
        return cell
    shown = 100 * value if field.kind == "percent" else value
    style = number_format(field, value)
    if not _shown_alike(field, value, shown):
        return _text(sheet, field.text(value))
    cell = _number(sheet, shown)
    cell.number_format = style
    return cell


def _shown_alike(field: Field, value: float, shown: float) -> bool:
    """Whether a spreadsheet, which rounds decimal ties away from zero, prints `Field.text`."""
    if field.kind == "p" and p_parts(value)[0] != "=":
        return True
    digits = {"count": 0, "p": 3}.get(field.kind, field.digits)
    near = Decimal(f"{shown:.15g}").quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    printed = field.text(value).replace(MINUS, "-").replace(",", "")
    return Decimal(printed) == near


def _number(sheet: Any, value: float) -> Any:
    exact = isinstance(value, float) and float(f"{value:.16g}") != value
    cell = WriteOnlyCell(sheet, value=repr(value) if exact else value)
    if exact:
        cell.data_type = "n"  # the library writes 16 digits only
    return cell


def _text(sheet: Any, text: str, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(sheet, value=allowed_text(text))
    cell.data_type = "s"
    if bold:
        cell.font = font(bold=True)
    return cell
