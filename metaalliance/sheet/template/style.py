"""What the sheets of the template share: names and colours of the column groups, cell styles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl.styles import Alignment, Border, PatternFill, Side
from openpyxl.utils import get_column_letter

from metaalliance.sheet.template.archive import font, row_height, write_text

#: Title and header colour of each group of columns, in the order of the template.
GROUPS: dict[str, tuple[str, str]] = {
    "identity": ("Identity", "D9D9D9"),
    "alliance": ("Alliance", "BDD7EE"),
    "outcome": ("Outcome", "C6E0B4"),
    "direction": ("Direction of scores", "F8CBAD"),
    "statistic": ("Statistic", "FFE699"),
    "companion": ("Beside the statistic", "FFF2CC"),
    "study": ("Study and treatment", "D9C8E8"),
}

_LINE = Side(style="thin", color="808080")
_HAIR = Side(style="thin", color="D9D9D9")
_WRAPPED = Alignment(vertical="top", wrap_text=True)
_PLAIN = Alignment(vertical="top")


def group_fill(group: str) -> PatternFill:
    """Return the header colour of a group."""
    return PatternFill("solid", fgColor=GROUPS[group][1])


def write_header_cell(cell: Any, text: str, fill: PatternFill) -> None:
    """Write one cell of a header row."""
    write_text(cell, text)
    cell.font = font(bold=True)
    cell.fill = fill
    cell.alignment = _PLAIN
    cell.border = Border(left=_LINE, right=_LINE, bottom=_LINE)


def write_wrapped(sheet: Any, row: int, texts: Sequence[str], widths: Sequence[float]) -> None:
    """Write texts that break inside their columns, the first in bold, into a row that fits them."""
    for index, text in enumerate(texts, start=1):
        cell = sheet.cell(row, index)
        cell.border = Border(bottom=_HAIR)
        if text:
            write_text(cell, text)
        cell.alignment = _WRAPPED
    sheet.cell(row, 1).font = font(bold=True)
    sheet.row_dimensions[row].height = row_height(zip(texts, widths, strict=True))


def write_title(cell: Any, text: str) -> None:
    """Write a heading that runs over the columns to its right."""
    write_text(cell, text)
    cell.font = font(bold=True, size=13)


def set_widths(sheet: Any, widths: Iterable[float]) -> None:
    """Set the widths of the columns from the left."""
    for index, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(index)].width = width


def fit_page(sheet: Any) -> None:
    """Print a sheet landscape, as wide as the page, with its header on every page."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
