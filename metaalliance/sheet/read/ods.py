"""Read .ods from its XML: values with their kind, errors, formulas, merges, hidden parts."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.sheet.read.grid import (
    ErrorCell,
    FormulaCell,
    Grid,
    PercentCell,
    Room,
    cell_name,
    check_size,
    whole,
)
from metaalliance.sheet.read.limits import MAX_COLUMNS, MAX_ROWS
from metaalliance.sheet.read.totals import sums_of

_URN = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _OFFICE, _TEXT = f"{{{_URN}table:1.0}}", f"{{{_URN}office:1.0}}", f"{{{_URN}text:1.0}}"
_STYLE = f"{{{_URN}style:1.0}}"
_ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!)|(?:Err|Error|Fehler):\d+")
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?")


@dataclass(slots=True)
class _Sheet:
    """A sheet while it is read."""

    name: str
    visible: bool
    room: Room
    rows: list[list[Any]] = field(default_factory=list)
    at: int = 0
    columns: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)

    def grid(self) -> Grid:
        return Grid(
            name=self.name,
            rows=self.rows,
            visible=self.visible,
            hidden_rows=frozenset(self.hidden_rows),
            hidden_columns=frozenset(self.hidden_columns),
            merged=tuple(self.merged),
            notes=self.notes,
            sums=sums_of(self.formulas),
        )


def read_ods(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every sheet of an .ods file that passed the preflight.

    Formulas are never evaluated: the value stored at the last save is used, and a formula
    without one is marked.

    Raises
    ------
    UnreadableFileError
        When the file is encrypted, broken or too large.
    """
    with whole(name, "its sheets cannot be read"), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        manifest = "META-INF/manifest.xml"
        if manifest in names and b"encryption-data" in archive.read(manifest):
            raise UnreadableFileError(
                f"{name} is protected with a password. Save it without one.", code="MA103"
            )
        with archive.open("content.xml") as stream:
            grids = [sheet.grid() for sheet in _sheets(stream, Room(name))]
    if not grids:
        raise UnreadableFileError(f"{name} has no worksheet.", code="MA102")
    return grids, []


def _sheets(stream: Any, room: Room) -> Iterator[_Sheet]:
    """Yield each sheet; a row is forgotten when it has been read."""
    hidden_styles: set[str] = set()
    sheet: _Sheet | None = None
    depth = 0  # tables may stand within a cell
    for event, node in iterparse(stream, events=("start", "end")):
        if node.tag == f"{_TABLE}table":
            depth += 1 if event == "start" else -1
            if event == "start" and depth == 1:
                style = node.get(f"{_TABLE}style-name", "")
                title = node.get(f"{_TABLE}name", "")
                sheet = _Sheet(title, visible=style not in hidden_styles, room=room)
            elif event == "end" and depth == 0 and sheet is not None:
                yield sheet
                sheet = None
                node.clear()
        elif event == "end" and node.tag == f"{_STYLE}style":
            if any(child.get(f"{_TABLE}display") == "false" for child in node):
                hidden_styles.add(node.get(f"{_STYLE}name", ""))
        elif event == "end" and sheet is not None and depth == 1:
            if node.tag == f"{_TABLE}table-row":
                _read_row(node, sheet)
                node.clear()
            elif node.tag == f"{_TABLE}table-column":
                _read_column(node, sheet)


def _repeated(node: Element, what: str) -> int:
    return max(int(node.get(f"{_TABLE}number-{what}-repeated", "1")), 1)


def _is_hidden(node: Element) -> bool:
    return node.get(f"{_TABLE}visibility") in {"collapse", "filter"}


def _read_column(node: Element, sheet: _Sheet) -> None:
    first = sheet.columns + 1
    sheet.columns = min(sheet.columns + _repeated(node, "columns"), MAX_COLUMNS)
    if _is_hidden(node):
        sheet.hidden_columns.update(range(first, sheet.columns + 1))


def _read_row(node: Element, sheet: _Sheet) -> None:
    """Enter one row, as often as it is repeated; blank rows only move on."""
    count, number = _repeated(node, "rows"), sheet.at + 1
    values: list[Any] = []
    for cell in node:
        if cell.tag not in {f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"}:
            continue
        times = _repeated(cell, "columns")
        value = _value(cell)
        if value is not None:
            check_size(f"The sheet {sheet.name!r}", number, len(values) + times)
            _read_marks(cell, sheet, number, len(values) + 1)
        values.extend([value] * min(times, MAX_COLUMNS + 1 - min(len(values), MAX_COLUMNS)))
    while values and values[-1] is None:
        values.pop()
    if values:
        check_size(f"The sheet {sheet.name!r}", sheet.at + count, len(values))
        sheet.room.take(sheet.at - len(sheet.rows) + count * (1 + len(values)))
        sheet.rows.extend([] for _ in range(sheet.at - len(sheet.rows)))
        sheet.rows.extend(list(values) for _ in range(count))
    if _is_hidden(node):
        sheet.hidden_rows.update(range(number, min(sheet.at + count, MAX_ROWS) + 1))
    sheet.at += count


def _read_marks(cell: Element, sheet: _Sheet, row: int, column: int) -> None:
    """Note the merge, the comment and the formula of a cell that is not blank."""
    name = cell_name(row, column)
    wide = int(cell.get(f"{_TABLE}number-columns-spanned", "1"))
    high = int(cell.get(f"{_TABLE}number-rows-spanned", "1"))
    if wide > 1 or high > 1:
        last = cell_name(min(row + high - 1, MAX_ROWS), min(column + wide - 1, MAX_COLUMNS))
        sheet.merged.append(f"{name}:{last}")
    comment = cell.find(f"{_OFFICE}annotation")
    if comment is not None:
        sheet.notes[name] = " ".join(" ".join(_paragraphs(comment)).split())
    formula = cell.get(f"{_TABLE}formula")
    if formula:
        sheet.formulas[row, column] = formula


def _value(cell: Element) -> Any:
    """One value with its kind: error, formula without a value, percentage, date or plain."""
    kind = cell.get(f"{_OFFICE}value-type", "")
    shown = "\n".join(_paragraphs(cell))
    formula = cell.get(f"{_TABLE}formula")
    stated = next(
        (v for k, v in cell.attrib.items() if k.endswith("}value-type") and v == "error"), ""
    )
    if stated or (_ERROR.fullmatch(shown.strip()) and (formula or kind != "string")):
        return ErrorCell(shown.strip() or "#VALUE!")
    if kind in {"float", "currency", "percentage"}:
        number = float(cell.get(f"{_OFFICE}value", "nan"))
        if kind == "percentage":
            return PercentCell(number)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if kind == "boolean":
        return cell.get(f"{_OFFICE}boolean-value") == "true"
    if kind == "date":
        return _date(cell.get(f"{_OFFICE}date-value", ""))
    if kind == "time":
        return _duration(cell.get(f"{_OFFICE}time-value", ""))
    text = cell.get(f"{_OFFICE}string-value") or shown
    if formula and not kind and not text:
        return FormulaCell("=" + formula.partition("=")[2])
    return text or None


def _paragraphs(node: Element) -> Iterator[str]:
    """Texts of the paragraphs that are a cell's own."""
    for child in node:
        if child.tag == f"{_TEXT}p":
            yield "".join(_runs(child))


def _runs(node: Element) -> Iterator[str]:
    yield node.text or ""
    for child in node:
        if child.tag == f"{_TEXT}s":
            yield " " * min(int(child.get(f"{_TEXT}c", "1")), 1000)
        elif child.tag in {f"{_TEXT}tab", f"{_TEXT}line-break"}:
            yield "\t" if child.tag.endswith("tab") else "\n"
        elif child.tag != f"{_OFFICE}annotation":
            yield from _runs(child)
        yield child.tail or ""


def _date(text: str) -> Any:
    try:
        return dt.datetime.fromisoformat(text) if "T" in text else dt.date.fromisoformat(text)
    except ValueError:
        return text


def _duration(text: str) -> Any:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        return text
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:5])
    length = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] else length
