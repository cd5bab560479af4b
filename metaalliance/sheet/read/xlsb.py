"""Read .xlsb: the binary records of its parts, as [MS-XLSB] describes them."""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from defusedxml import ElementTree
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.sheet.read.grid import ErrorCell, Grid, Room, cell_name, check_size, whole
from metaalliance.sheet.read.limits import MAX_COLUMNS, MAX_ROWS
from metaalliance.sheet.read.xls import number_of, without_formulas

_ROW, _COLUMN, _MERGE, _SHEET, _STRING, _FORMAT, _STYLE = 0, 60, 176, 156, 19, 44, 47
_STYLES_BEGIN, _STYLES_END, _BOOK = 617, 618, 153
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!",
           42: "#N/A"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Book:
    """What the cells of every sheet refer to."""

    strings: list[str]
    forms: list[str]
    epoch: Any
    room: Room


def read_xlsb(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every worksheet of an .xlsb file that passed the preflight.

    Raises
    ------
    UnreadableFileError
        When a part is missing, broken or too large.
    """
    with whole(name, "its sheets cannot be read"), zipfile.ZipFile(io.BytesIO(content)) as archive:
        grids = list(_grids(archive, Room(name)))
    if not grids:
        raise UnreadableFileError(f"{name} has no worksheet.", code="MA102")
    return grids, [without_formulas(name)]


def _records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each record."""
    at = 0
    while at < len(part):
        kind = part[at]
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | (part[at] & 0x7F) << 7
            at += 1
        size = 0
        for shift in range(0, 28, 7):
            byte = part[at]
            at += 1
            size |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        if at + size > len(part):
            raise ValueError("a record beyond the end of its part")
        yield kind, part[at : at + size]
        at += size


def _text(data: bytes, at: int) -> tuple[str, int]:
    """Text that begins with the count of its characters, and where it ends."""
    (count,) = struct.unpack_from("<I", data, at)
    if count == 0xFFFFFFFF:
        return "", at + 4
    end = at + 4 + 2 * count
    if end > len(data):
        raise ValueError("a text beyond the end of its record")
    return data[at + 4 : end].decode("utf-16-le", "replace"), end


def _grids(archive: zipfile.ZipFile, room: Room) -> Iterator[Grid]:
    names = {name.lower(): name for name in archive.namelist()}  # case does not count
    targets: dict[str, str] = {}
    shared = {"sharedStrings": b"", "styles": b""}
    for relation in ElementTree.fromstring(archive.read("xl/_rels/workbook.bin.rels")):
        kind = str(relation.get("Type", "")).rpartition("/")[2]
        target = posixpath.normpath(posixpath.join("xl", str(relation.get("Target")))).lstrip("/")
        if kind == "worksheet":
            targets[str(relation.get("Id"))] = target
        elif kind in shared and target.lower() in names:
            shared[kind] = archive.read(names[target.lower()])
    sheets, epoch = [], CALENDAR_WINDOWS_1900
    for record, data in _records(archive.read("xl/workbook.bin")):
        if record == _BOOK and data[0] & 1:
            epoch = CALENDAR_MAC_1904
        if record == _SHEET:
            relation, end = _text(data, 8)
            sheets.append((_text(data, end)[0], targets.get(relation), data[0] == 0))
    strings = [_text(d, 1)[0] for kind, d in _records(shared["sharedStrings"]) if kind == _STRING]
    book = _Book(strings, _forms(shared["styles"]), epoch, room)
    for title, part, visible in sheets:
        if part and part.lower() in names:
            yield _grid(archive.read(names[part.lower()]), title, book, visible=visible)


def _forms(part: bytes) -> list[str]:
    """Number format of each cell style."""
    own: dict[int, str] = {}
    styles: list[int] = []
    inside = False
    for kind, data in _records(part):
        if kind == _FORMAT:
            own[struct.unpack_from("<H", data)[0]] = _text(data, 2)[0]
        elif kind in {_STYLES_BEGIN, _STYLES_END}:
            inside = kind == _STYLES_BEGIN
        elif kind == _STYLE and inside:
            styles.append(struct.unpack_from("<H", data, 2)[0])
    return [own.get(form, BUILTIN_FORMATS.get(form, "")) for form in styles]


def _grid(part: bytes, title: str, book: _Book, *, visible: bool) -> Grid:
    rows: list[list[Any]] = []
    hidden_rows: set[int] = set()
    hidden_columns: set[int] = set()
    merged = []
    row = 0
    for kind, data in _records(part):
        if kind == _ROW:
            row = int(struct.unpack_from("<I", data)[0]) + 1
            if len(data) > 11 and data[11] & 0x10:
                hidden_rows.add(row)
        elif kind == _COLUMN:
            low, high = struct.unpack_from("<II", data)
            if struct.unpack_from("<H", data, 16)[0] & 1:
                hidden_columns.update(range(low + 1, min(high, MAX_COLUMNS) + 2))
        elif kind == _MERGE:
            r1, r2, c1, c2 = struct.unpack_from("<IIII", data)
            merged.append(f"{cell_name(r1 + 1, c1 + 1)}:{cell_name(r2 + 1, c2 + 1)}")
        elif 2 <= kind <= 11 or kind == 62:
            value = _value(kind, data, book)
            if value is not None:
                _put(rows, row, int(struct.unpack_from("<I", data)[0]) + 1, value, title, book.room)
    return Grid(
        name=title, rows=rows, visible=visible, hidden_rows=frozenset(hidden_rows),
        hidden_columns=frozenset(hidden_columns), merged=tuple(merged),
    )  # fmt: skip


def _put(rows: list[list[Any]], row: int, column: int, value: Any, title: str, room: Room) -> None:
    """Enter a value at its place, within bounds."""
    if row > MAX_ROWS or column > MAX_COLUMNS:
        check_size(f"The sheet {title!r}", row, column)
    room.take(max(row - len(rows), 0))
    rows.extend([] for _ in range(row - len(rows)))
    values = rows[row - 1]
    room.take(max(column - len(values), 0))
    values.extend([None] * (column - len(values)))
    values[column - 1] = value


def _value(kind: int, data: bytes, book: _Book) -> Any:
    """One value with its kind: error, truth, text, date, percentage or plain."""
    if kind in {3, 11}:
        return ErrorCell(_ERRORS.get(data[8], "#VALUE!"))
    if kind in {4, 10}:
        return bool(data[8])
    if kind in {6, 8}:
        return _text(data, 8)[0]
    if kind == 62:
        return _text(data, 9)[0]
    if kind == 7:
        return book.strings[struct.unpack_from("<I", data, 8)[0]] or None
    number = _packed(data[8:12]) if kind == 2 else float(struct.unpack_from("<d", data, 8)[0])
    style = int.from_bytes(data[4:7], "little")
    form = book.forms[style] if style < len(book.forms) else ""
    if is_date_format(form):
        return from_excel(number, book.epoch)
    return number_of(number, form)


def _packed(data: bytes) -> float:
    """A number in 30 bits: whole or the upper half of a float, perhaps in hundredths."""
    (raw,) = struct.unpack("<i", data)
    number = (
        float(raw >> 2)
        if raw & 2
        else struct.unpack("<d", bytes(4) + struct.pack("<i", raw & ~3))[0]
    )
    return float(number / 100 if raw & 1 else number)
