"""Workbooks of Excel's binary formats, written with nothing of the package: .xlsb by hand."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

ERRORS = {"#NULL!": 0, "#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#NUM!": 36,
          "#N/A": 42}  # fmt: skip
_PLAIN, _PERCENT, _DAY = 0, 1, 2
#: Numbers of the built-in formats 0, 0% and m/d/yyyy.
_FORMATS = (0, 9, 14)
_EPOCH = dt.datetime(1899, 12, 30)
_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _record(kind: int, data: bytes) -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = len(data), b""
    while True:
        length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
        size >>= 7
        if not size:
            return head + length + data


def _wide(text: str) -> bytes:
    encoded = text.encode("utf-16-le")
    return struct.pack("<I", len(encoded) // 2) + encoded


def binary_workbook_of(
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    main: str = "effects",
    percent: Sequence[tuple[int, int]] = (),
    hidden: Sequence[int] = (),
    merged: int = 0,
) -> bytes:
    """An .xlsb file; texts that are errors become error cells.

    `percent` (row, column), `hidden` (columns) and `merged` (columns of the first row) are marks of
    the sheet `main`, counted from 0.
    """
    marks = {main: (dict.fromkeys(percent, _PERCENT), hidden, merged)}
    parts = {
        f"xl/worksheets/sheet{i}.bin": _sheet(rows, *marks.get(name, ({}, (), 0)))
        for i, (name, rows) in enumerate(sheets.items(), start=1)
    }
    styles = b"".join(_record(47, struct.pack("<6H", 0, f, 0, 0, 0, 0)) for f in _FORMATS)
    book = b"".join(
        _record(156, struct.pack("<II", 0, i) + _wide(f"rId{i}") + _wide(name))
        for i, name in enumerate(sheets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="rId{i}" Type="{_KIND}/worksheet" Target="worksheets/sheet{i}.bin"/>'
        for i in range(1, len(sheets) + 1)
    )
    relations += f'<Relationship Id="rIdS" Type="{_KIND}/styles" Target="styles.bin"/>'
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {
            "[Content_Types].xml": b"<Types/>",
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels":
                f'<Relationships xmlns="{space}">{relations}</Relationships>'.encode(),
            **parts,
            "xl/styles.bin": _record(617, struct.pack("<I", 3)) + styles + _record(618, b""),
        }.items():  # fmt: skip
            archive.writestr(name, content)
    return buffer.getvalue()


def _sheet(
    rows: Sequence[Sequence[Any]],
    marks: Mapping[tuple[int, int], int],
    hidden: Sequence[int],
    merged: int,
) -> bytes:
    part = b"".join(_record(60, struct.pack("<IIIIH", c, c, 0, 0, 1)) for c in hidden)
    for number, values in enumerate(rows):
        part += _record(0, struct.pack("<IIHBBB", number, 0, 0, 0, 0, 0))
        part += b"".join(
            _cell(column, value, marks.get((number, column), _PLAIN))
            for column, value in enumerate(values)
            if value is not None
        )
    if merged:
        part += _record(176, struct.pack("<4I", 0, 0, 0, merged - 1))
    return part


def _cell(column: int, value: Any, style: int) -> bytes:
    if isinstance(value, dt.date):
        moment = value if isinstance(value, dt.datetime) else dt.datetime(*value.timetuple()[:3])
        value, style = (moment - _EPOCH) / dt.timedelta(days=1), _DAY
    head = struct.pack("<II", column, style)
    if value in ERRORS:
        return _record(3, head + bytes([ERRORS[value]]))
    if isinstance(value, str):
        return _record(6, head + _wide(value))
    if isinstance(value, int) and abs(value) < 2**29:
        return _record(2, head + struct.pack("<i", value << 2 | 2))
    return _record(5, head + struct.pack("<d", value))
