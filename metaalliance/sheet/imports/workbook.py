"""The coding workbook of an import: the template filled in, and where every cell came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from openpyxl.styles import PatternFill
from openpyxl.worksheet.hyperlink import Hyperlink

from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import COLUMNS, IN_WORKBOOK, find_column
from metaalliance.sheet.imports.comparison import DECIDE
from metaalliance.sheet.imports.entries import Entry, LeftOut
from metaalliance.sheet.imports.source import own_name
from metaalliance.sheet.read.grid import cell_name
from metaalliance.sheet.template.archive import font, workbook_bytes, write_text
from metaalliance.sheet.template.style import (
    group_fill,
    set_widths,
    write_header_cell,
    write_wrapped,
)
from metaalliance.sheet.template.workbook import template_book

_HEAD = PatternFill("solid", fgColor="BFBFBF")
_ASKED = PatternFill("solid", fgColor="FFE699")
_WIDEST = 60


def cell_of(entry: int, column: int) -> str:
    """Name of the cell of a row of the coding sheet, both counted from 0."""
    return cell_name(entry + 2, column + 1)


def columns_of(entries: Sequence[Entry], house: str) -> tuple[tuple[str, ...], list[Entry]]:
    """Columns of the coding sheet, and the rows under their names.

    The columns of the template come first. A column that it does not have keeps its name,
    unless that would be read as another column.
    """
    standard = tuple(c.name for c in IN_WORKBOOK)
    own = dict.fromkeys(k for entry in entries for k in entry if k not in COLUMNS)
    taken: set[str] = set()
    names = {
        k: k if find_column(k) is None and k not in taken else own_name(k, house, taken)
        for k in own
    }
    renamed = [{names.get(k, k): cell for k, cell in entry.items()} for entry in entries]
    return (*standard, *names.values()), renamed


def imported_workbook(
    file: str,
    columns: Sequence[str],
    entries: Sequence[Entry],
    origins: pd.DataFrame,
    questions: Sequence[Problem],
    left_out: Sequence[LeftOut],
    meaning: str,
) -> bytes:
    """Return the workbook: `effects`, `to decide`, `came from`, `left out`, `codebook`.

    Parameters
    ----------
    file : str
        Name of the source.
    columns, entries
        The coding sheet.
    origins : DataFrame
        Where each of its cells came from.
    questions, left_out, meaning
        What a person has to know.
    """
    book = template_book(examples=(), collapse=False)
    del book["about"]
    _fill(book["effects"], columns, entries)
    asked = [[p.place, p.code, p.message, p.hint] for p in questions]
    if meaning:
        asked.insert(0, ["", "", meaning, ""])
    _write_list(
        book.create_sheet("to decide", 1),
        ["cell", "code", "what is not certain", "what to do"],
        asked,
        (16, 10, 70, 60),
    )
    _write_origins(book.create_sheet("came from", 2), file, origins)
    rows = [[x.place, x.study, x.reason] for x in left_out]
    _write_list(
        book.create_sheet("left out", 3),
        [f"place in {file}", "study", "reason"],
        rows,
        (30, 30, 60),
    )
    return workbook_bytes(book, f"Coding sheet imported from {file}")


def _fill(sheet: Any, columns: Sequence[str], entries: Sequence[Entry]) -> None:
    """Write the rows into the sheet of the template, own columns behind its own."""
    for index, name in enumerate(columns, start=1):
        if name not in COLUMNS:
            write_header_cell(sheet.cell(1, index), name, group_fill("study"))
    sheet.auto_filter.ref = f"A1:{cell_name(max(len(entries) + 1, 2), len(columns))}"
    at = {name: i for i, name in enumerate(columns, start=1)}
    for row, entry in enumerate(entries, start=2):
        for name, cell in entry.items():
            written = sheet.cell(row, at[name])
            write_value(written, cell.value)
            if cell.value == DECIDE:
                written.fill = _ASKED


def write_value(cell: Any, value: Any) -> None:
    """Write a value as what it is; text stays text."""
    if isinstance(value, str):
        write_text(cell, value)
    else:
        cell.value = value


def _write_list(
    sheet: Any, header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float]
) -> None:
    """Write a list whose texts wrap."""
    set_widths(sheet, widths)
    sheet.freeze_panes = "A2"
    for index, text in enumerate(header, start=1):
        write_header_cell(sheet.cell(1, index), text, _HEAD)
    for number, row in enumerate(rows, start=2):
        write_wrapped(sheet, number, row, widths)
        if "!" in row[0] and row[0].startswith("effects!"):
            link = Hyperlink(ref=f"A{number}", location=f"'effects'!{row[0].split('!')[1]}")
            sheet.cell(number, 1).hyperlink = link
            sheet.cell(number, 1).font = font(color="0563C1", underline="single")


def _write_origins(sheet: Any, file: str, origins: pd.DataFrame) -> None:
    """Write a row for each filled cell."""
    header = [f"source: cell or element of {file}" if c == "source" else c for c in origins.columns]
    set_widths(sheet, (10, 26, 22, 18, 44, _WIDEST))
    sheet.freeze_panes = "A2"
    for index, text in enumerate(header, start=1):
        write_header_cell(sheet.cell(1, index), text, _HEAD)
    for number, row in enumerate(origins.itertuples(index=False), start=2):
        for index, value in enumerate(row, start=1):
            write_value(sheet.cell(number, index), value)
