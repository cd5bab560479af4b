"""A sheet in memory, and its writers for each format that share nothing with the package."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd
from binary_books import ERRORS, binary_workbook_of
from openpyxl import Workbook

FORMATS = ("xlsx", "csv", "ods", "xls", "xlsb", "sav", "dta")
Grid = list[list[Any]]


@dataclass(frozen=True)
class Percent:
    """A number that is shown as a percentage."""

    value: float


@dataclass(frozen=True)
class Fault:
    """A spreadsheet's error value."""

    text: str


@dataclass
class Book:
    """Sheets by name, of which `main` holds the effects under its header."""

    head: list[str]
    rows: Grid
    above: Grid = field(default_factory=list)
    before: dict[str, Grid] = field(default_factory=dict)
    after: dict[str, Grid] = field(default_factory=dict)
    name: str = "effects"
    hidden: set[str] = field(default_factory=set)
    merged: int = 0
    labels: dict[str, dict[int, str]] = field(default_factory=dict)
    single: set[str] = field(default_factory=set)
    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    quoting: int = csv.QUOTE_MINIMAL
    ends: str = "\n"

    def column(self, name: str) -> int:
        return self.head.index(name)

    def cells(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change every cell of a column that holds something."""
        if name in self.head:
            at = self.column(name)
            for row in self.rows:
                if row[at] is not None:
                    row[at] = change(row[at])

    @property
    def grid(self) -> Grid:
        return [*self.above, self.head, *self.rows]

    @property
    def sheets(self) -> dict[str, Grid]:
        return {**self.before, self.name: self.grid, **self.after}


def write(book: Book, form: str, folder: Path) -> Path:
    path = folder / f"sheet.{form}"
    {
        "xlsx": _xlsx, "csv": _csv, "ods": _ods, "xls": _xls, "xlsb": _xlsb, "sav": _sav,
        "dta": _dta,
    }[form](book, path)  # fmt: skip
    return path


def _csv(book: Book, path: Path) -> None:
    def shown(cell: Any) -> Any:
        if isinstance(cell, Percent):
            return shown(round(100 * cell.value, 6)) + "%"
        if isinstance(cell, Fault):
            return cell.text
        if isinstance(cell, float):
            return repr(cell).removesuffix(".0").replace(".", book.decimal)
        return "" if cell is None else cell

    stream = io.StringIO()
    writer = csv.writer(
        stream, delimiter=book.separator, quoting=book.quoting, lineterminator=book.ends
    )
    writer.writerows([shown(c) for c in row] for row in book.grid)
    path.write_bytes(stream.getvalue().encode(book.encoding))


def _xlsx(book: Book, path: Path) -> None:
    file = Workbook()
    file.remove(file.active)
    for name, grid in book.sheets.items():
        sheet = file.create_sheet(name)
        for i, row in enumerate(grid, start=1):
            for j, value in enumerate(row, start=1):
                cell = sheet.cell(i, j, _plain(value))
                if isinstance(value, Percent):
                    cell.number_format = "0%"
                elif isinstance(value, str):
                    cell.data_type = "s"
                elif isinstance(value, Fault):
                    cell.data_type = "e"
    main = file[book.name]
    for column in book.hidden & set(book.head):
        letter = main.cell(1, book.column(column) + 1).column_letter
        main.column_dimensions[letter].hidden = True
    if book.merged:
        main.merge_cells(start_row=1, end_row=1, start_column=1, end_column=book.merged)
    file.save(path)


def _plain(value: Any) -> Any:
    if isinstance(value, Percent):
        return value.value
    return value.text if isinstance(value, Fault) else value


def _xls(book: Book, path: Path) -> None:
    import xlwt

    file = xlwt.Workbook(encoding="utf-8")
    formats = {kind: xlwt.XFStyle() for kind in (Percent, dt.date, object)}
    formats[Percent].num_format_str, formats[dt.date].num_format_str = "0%", "M/D/YY"
    for name, grid in book.sheets.items():
        sheet = file.add_sheet(name)
        for i, row in enumerate(grid):
            for j, value in enumerate(row):
                if isinstance(value, Fault):
                    sheet.row(i).set_cell_error(j, ERRORS[value.text])
                elif value is not None:
                    kind = next(k for k in formats if isinstance(value, k))
                    sheet.write(i, j, _plain(value), formats[kind])
        if name == book.name:
            for column in book.hidden & set(book.head):
                sheet.col(book.column(column)).hidden = True
            if book.merged:
                sheet.merge(0, 0, 0, book.merged - 1)
    file.save(str(path))


def _xlsb(book: Book, path: Path) -> None:
    percent = [
        (i, j)
        for i, row in enumerate(book.grid)
        for j, value in enumerate(row)
        if isinstance(value, Percent)
    ]
    path.write_bytes(
        binary_workbook_of(
            {n: [[_plain(v) for v in row] for row in grid] for n, grid in book.sheets.items()},
            main=book.name,
            percent=percent,
            hidden=[book.column(c) for c in book.hidden & set(book.head)],
            merged=book.merged,
        )
    )


SPACES = (
    " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in {"office": "office", "table": "table", "text": "text"}.items()
    )
    + ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)
ODS = "application/vnd.oasis.opendocument.spreadsheet"


def _ods_cell(value: Any, spanned: str = "") -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, Fault):
        kind, shown = (
            'table:formula="of:=1/0" office:value-type="string" office:string-value=""',
            value.text,
        )
        kind += ' calcext:value-type="error"'
    elif isinstance(value, Percent):
        kind, shown = (
            f'office:value-type="percentage" office:value="{value.value!r}"',
            f"{value.value:.0%}",
        )
    elif isinstance(value, (dt.date, dt.datetime)):
        kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        shown = value.isoformat()
    elif isinstance(value, (int, float, np.integer)):
        kind, shown = f'office:value-type="float" office:value="{value!r}"', repr(value)
    else:
        kind, shown = 'office:value-type="string"', value
    text = re.sub(" (?= )|^ | $", "<text:s/>", escape(shown))
    return f"<table:table-cell {kind}{spanned}><text:p>{text}</text:p></table:table-cell>"


def _ods(book: Book, path: Path) -> None:
    tables = []
    for name, grid in book.sheets.items():
        main = name == book.name
        hides = [main and h in book.hidden for h in book.head] if main else []
        columns = "".join(
            f"<table:table-column{' table:visibility=' + quoteattr('collapse') if h else ''}/>"
            for h in hides
        )
        lines = []
        for i, row in enumerate(grid):
            cells = [_ods_cell(v) for v in row]
            if main and book.merged and i == 0:
                cells = [_ods_cell(row[0], f' table:number-columns-spanned="{book.merged}"')]
                cells += ["<table:covered-table-cell/>"] * (book.merged - 1)
            lines.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
        tables.append(
            f"<table:table table:name={quoteattr(name)}>{columns}{''.join(lines)}</table:table>"
        )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {SPACES} '
        f'office:version="1.3"><office:body><office:spreadsheet>{"".join(tables)}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.3" '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", ODS, zipfile.ZIP_STORED)
        archive.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
        archive.writestr("META-INF/manifest.xml", manifest, zipfile.ZIP_DEFLATED)


def _frame(book: Book) -> pd.DataFrame:
    """A variable is numeric where every cell is, else text."""
    columns: dict[str, Any] = {}
    for j, name in enumerate(book.head):
        cells = [_plain(row[j]) for row in book.rows]
        held = [c for c in cells if c is not None]
        if name in book.labels:
            codes = {text: float(code) for code, text in book.labels[name].items()}
            columns[name] = [codes.get(c, np.nan) for c in cells]
        elif held and all(isinstance(c, dt.date) for c in held):
            columns[name] = pd.Series(pd.to_datetime(cells)).astype("datetime64[us]")
        elif all(isinstance(c, (int, float, np.integer)) for c in held):
            kind = "float32" if name in book.single else "float64"
            columns[name] = pd.Series(
                [np.nan if c is None else float(c) for c in cells], dtype=kind
            )
        else:
            columns[name] = ["" if c is None else str(c) for c in cells]
    return pd.DataFrame(columns)


def _codes(book: Book) -> dict[str, dict[float, str]]:
    return {name: {float(c): t for c, t in found.items()} for name, found in book.labels.items()}


def _sav(book: Book, path: Path) -> None:
    import pyreadstat

    pyreadstat.write_sav(_frame(book), path, variable_value_labels=_codes(book))


def _dta(book: Book, path: Path) -> None:
    import pyreadstat

    labels = {name: {int(c): t for c, t in found.items()} for name, found in _codes(book).items()}
    frame = _frame(book)
    for name in labels:
        frame[name] = (
            frame[name].astype("Int64") if frame[name].isna().any() else frame[name].astype(int)
        )
    pyreadstat.write_dta(frame, path, variable_value_labels=labels, version=15)
