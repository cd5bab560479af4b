"""Read .xlsx cell by cell: values, formulas without a value, formats, merges, hidden parts."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.worksheet._reader import WorkSheetParser

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import (
    ErrorCell,
    FormulaCell,
    Grid,
    PercentCell,
    check_size,
    whole,
)
from metaalliance.sheet.read.limits import MAX_COLUMNS, MAX_ROWS
from metaalliance.sheet.read.strict import with_usual_names
from metaalliance.sheet.read.totals import sums_of
from metaalliance.sheet.read.xlsx_marks import (
    cell_comments,
    hidden_columns,
    hidden_rows,
    merged_ranges,
    totals_rows,
)

#: Characters that the format writes as _x000D_.
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def read_xlsx(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every worksheet of a workbook that passed the preflight.

    Formulas are never evaluated: the value stored at the last save is used, and a formula
    without one is marked.

    Raises
    ------
    UnreadableFileError
        When openpyxl cannot read the workbook.
    """
    with whole(name, "its sheets cannot be read"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl on extensions that it does not keep
        content = with_usual_names(content)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        found = _archive_notices(content, name)
        parts = _sheet_parts(content, book)
        comments = cell_comments(content, book)
        totals = totals_rows(content, book)
        grids = [
            _grid(
                content,
                book[title],
                parts.get(title),
                comments.get(title, {}),
                totals.get(title, frozenset()),
            )
            for title in parts
        ]
        book.close()
    if not grids:
        raise UnreadableFileError(f"{name} has no worksheet.", code="MA102")
    return grids, found


def _archive_notices(content: bytes, name: str) -> list[Problem]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
    found = []
    if any(n.endswith("vbaProject.bin") for n in names):
        found.append(notice("MA109", f"{name} has macros; they are ignored.", severity="note"))
    if any(n.startswith("xl/externalLinks/") for n in names):
        found.append(notice("MA110", f"{name} takes values from another workbook, as last saved."))
    return found


def _sheet_parts(content: bytes, book: Any) -> dict[str, bytes]:
    """Raw XML of each worksheet by its title."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            sheet.title: archive.read(sheet._worksheet_path)
            for sheet in book.worksheets
            if hasattr(sheet, "_worksheet_path")
        }


def _grid(
    content: bytes, sheet: Any, xml: bytes | None, notes: dict[str, str], totals: frozenset[int]
) -> Grid:
    """Read the values of one sheet and the marks that change their meaning."""
    xml = xml or b""
    rows = _values(sheet)
    formulas: dict[tuple[int, int], str] = {}
    if b"<f>" in xml or b"<f " in xml or b":f>" in xml:
        formulas = _mark_formulas(content, sheet.title, rows)
    head, _, tail = xml.partition(b"<sheetData")
    return Grid(
        name=sheet.title,
        rows=rows,
        visible=sheet.sheet_state == "visible",
        hidden_rows=hidden_rows(xml),
        hidden_columns=hidden_columns(head),
        merged=merged_ranges(tail),
        notes=notes,
        totals=totals,
        sums=sums_of(formulas),
    )


def _cells(sheet: Any) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the row number and the cells of each row that the file holds.

    openpyxl's own rows are padded to the full width and to every missing row, which takes
    minutes for a sheet whose last row only has a format; its parser yields what is there.
    """
    book = sheet.parent
    with sheet._get_source() as source:
        parser = WorkSheetParser(
            source,
            sheet._shared_strings,
            data_only=book.data_only,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        yield from parser.parse()


def _values(sheet: Any) -> list[list[Any]]:
    """Cell values by row and column, within bounds; what lies outside is refused, not cut."""
    rows: list[list[Any]] = []
    percent = _percent_styles(sheet.parent)
    for number, cells in _cells(sheet):
        filled = [cell for cell in cells if cell["value"] is not None or _blank_text(cell)]
        if not filled:
            continue
        if number > MAX_ROWS or filled[-1]["column"] > MAX_COLUMNS:
            check_size(f"The sheet {sheet.title!r}", number, filled[-1]["column"])
        if number <= len(rows):
            raise ValueError(f"row {number} stands twice")
        rows.extend([] for _ in range(number - 1 - len(rows)))
        values: list[Any] = [None] * filled[-1]["column"]
        for cell in filled:
            values[cell["column"] - 1] = _value(cell, percent)
        rows.append(values)
    return rows


def _blank_text(cell: dict[str, Any]) -> bool:
    return bool(cell["data_type"] in {"s", "str"})


def _percent_styles(book: Any) -> frozenset[int]:
    """Styles that show a number as a percentage."""
    formats = [
        book._number_formats[style.numFmtId - 164]
        if style.numFmtId >= 164
        else BUILTIN_FORMATS.get(style.numFmtId, "")
        for style in book._cell_styles
    ]
    return frozenset(index for index, code in enumerate(formats) if "%" in code)


def _value(cell: dict[str, Any], percent: frozenset[int]) -> Any:
    """One value with its kind: error, percentage or plain."""
    value = cell["value"]
    if value is None:
        return ""  # a formula whose stored result is blank text
    if value.__class__ is str:
        if "_x" in value:
            value = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), value)
        return ErrorCell(value) if cell["data_type"] == "e" else value
    if value.__class__ in {int, float} and cell["style_id"] in percent:
        return PercentCell(value)
    return value


def _mark_formulas(content: bytes, title: str, rows: list[list[Any]]) -> dict[tuple[int, int], str]:
    """Put a marker where a formula has no stored value; return the formulas by their place."""
    formulas: dict[tuple[int, int], str] = {}
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    for number, cells in _cells(book[title]):
        for cell in (c for c in cells if c["data_type"] == "f" and number <= MAX_ROWS):
            rows.extend([] for _ in range(number - len(rows)))
            values = rows[number - 1]
            values.extend([None] * (cell["column"] - len(values)))
            formulas[number, cell["column"]] = _formula_text(cell["value"])
            if values[cell["column"] - 1] is None:
                values[cell["column"] - 1] = FormulaCell(formulas[number, cell["column"]])
    book.close()
    return formulas


def _formula_text(value: Any) -> str:
    text = str(getattr(value, "text", value))
    return text if text.startswith("=") else f"={text}"
