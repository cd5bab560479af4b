"""Read .sav, .zsav and .dta by pyreadstat: values, labels, declared missing, dates.

A damaged file can crash the C library behind it, so that it runs in a process of its own.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import Grid, Room, check_size
from metaalliance.sheet.read.limits import MAX_ROWS, MAX_UNPACKED, PAGE
from metaalliance.sheet.read.optional import library
from metaalliance.sheet.read.variables import Variable, grid_of

_SPSS_EPOCH = dt.datetime(1582, 10, 14)
_STATA_EPOCH = dt.datetime(1960, 1, 1)
#: Missing values of Stata beside the plain one.
_EXTENDED = frozenset(f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")

#: Formats of Stata 7 to 12 with the width of a display format, and widths of their types.
_OLD = {111: 12, 113: 12, 114: 49, 115: 49}
_WIDTHS = {251: 1, 252: 2, 253: 4, 254: 4, 255: 8}


def read_spss(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return the data of an SPSS file as a sheet.

    Raises
    ------
    UnreadableFileError
        When pyreadstat is not installed, or the file is broken or too large.
    """
    return _read(content, name, "sav")


def read_stata(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return the data of a Stata file as a sheet.

    Raises
    ------
    UnreadableFileError
        When pyreadstat is not installed, or the file is broken or too large.
    """
    if not _is_whole(content):
        raise UnreadableFileError(
            f"{name} is broken: its end, where the value labels stand, is missing.", code="MA105"
        )
    return _read(content, name, "dta")


def _read(content: bytes, name: str, kind: str) -> tuple[list[Grid], list[Problem]]:
    meta, data, encoding = _data(content, name, kind)
    variables = [_variable(str(n), data[n], meta, kind) for n in meta.column_names]
    try:
        grid, found = grid_of(name, variables)
    except OverflowError:
        raise UnreadableFileError(
            f"{name} is broken: it holds a date beyond the calendar.", code="MA105"
        ) from None
    if encoding:
        message = f"{name} holds text that is not in its declared encoding; it is read as Latin-1."
        found.insert(0, notice("MA111", message, severity="note"))
    return [grid], found + _filters(grid)


def _data(content: bytes, name: str, kind: str) -> tuple[Any, dict[str, Any], str]:
    """Metadata, columns, and the encoding, where it is not the declared one."""
    pyreadstat = library("pyreadstat", name, "a Stata file" if kind == "dta" else "an SPSS file")
    read = pyreadstat.read_dta if kind == "dta" else pyreadstat.read_sav
    fault = ""
    for encoding in ("", "ISO-8859-1"):
        chosen = {"encoding": encoding} if encoding else {}
        try:
            _check_declared(read(io.BytesIO(content), metadataonly=True, **chosen)[1], name)
            data, meta = read(
                io.BytesIO(content), user_missing=True, disable_datetime_conversion=True,
                output_format="dict", row_limit=MAX_ROWS + 1, **chosen,
            )  # fmt: skip
            return meta, data, encoding
        except (UnreadableFileError, MemoryError):
            raise
        except Exception as error:  # any fault of the library means a broken file
            fault = fault or str(error) or type(error).__name__
            if "encoding" not in str(error).lower():
                break
    raise UnreadableFileError(f"{name} is broken: {fault}.", code="MA105")


def _check_declared(meta: Any, name: str) -> None:
    """Refuse what the file declares beyond the bounds, before its data are read."""
    rows, columns = max(int(meta.number_rows or 0), 0), int(meta.number_columns or 0)
    check_size(name, rows, columns)
    Room(name).take(rows * columns)
    width = sum(int(w or 0) for w in (meta.variable_storage_width or {}).values())
    if max(rows, 1) * width > MAX_UNPACKED:
        raise UnreadableFileError(
            f"{name} unpacks to more than {MAX_UNPACKED // 2**20} MB: {rows:,} rows of "
            f"{width:,} bytes ({PAGE}).",
            code="MA107",
        )


def _is_whole(content: bytes) -> bool:
    """Whether a Stata file has its end, without which the library reads it and loses labels."""
    if content.startswith(b"<stata_dta>"):
        return content.rstrip(b"\x00 \r\n").endswith(b"</stata_dta>")
    if not content or content[0] not in _OLD:
        return True
    try:
        return _end_of_labels(content) <= len(content)
    except struct.error:
        return False


def _end_of_labels(content: bytes) -> int:
    """Where the last table of value labels ends, in the formats of Stata 7 to 12."""
    order = ">" if content[1] == 1 else "<"
    variables, rows = struct.unpack_from(f"{order}HI", content, 4)
    types = content[109 : 109 + variables]
    at: int = 111 + variables * (1 + 33 + 2 + _OLD[content[0]] + 33 + 81)
    more = (1, 1)
    while any(more):  # characteristics, up to an empty one
        more = struct.unpack_from(f"{order}BI", content, at)
        at += 5 + more[1]
    at += rows * sum(_WIDTHS.get(kind, kind) for kind in types)
    while content[at:].strip(b"\x00"):
        at += 40 + struct.unpack_from(f"{order}I", content, at)[0]
    return at


def _variable(name: str, column: Any, meta: Any, kind: str) -> Variable:
    levels = {
        f".{code}" if kind == "dta" and isinstance(code, str) else code: text
        for code, text in (meta.variable_value_labels.get(name) or {}).items()
    }  # a letter is one of .a to .z
    form = str((meta.original_variable_types or {}).get(name) or "")
    numeric = (meta.readstat_variable_types or {}).get(name) != "string"
    convert = partial(_stata_value if kind == "dta" else _spss_value, form=form)
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    values = [None if isinstance(v, float) and not math.isfinite(v) else v for v in values]
    ranges = [(r["lo"], r["hi"]) for r in (meta.missing_ranges or {}).get(name) or ()]
    return Variable(
        name=name,
        label=str(meta.column_names_to_labels.get(name) or ""),
        values=_values(values, levels, convert, numeric=numeric),
        levels=levels,
        missing=_missing(ranges, numeric=numeric),
    )


def _missing(ranges: list[Any], *, numeric: bool) -> Callable[[Any], bool]:
    """Whether a code is among those that the file declares missing."""

    def declared(value: Any) -> bool:
        if numeric and value in _EXTENDED:
            return True
        for low, high in ranges:
            if isinstance(value, str) or isinstance(low, str):
                if str(value).rstrip() == str(low).rstrip() == str(high).rstrip():
                    return True
            elif low <= value <= high:
                return True
        return False

    return declared


def _values(
    values: list[Any], levels: dict[Any, str], convert: Callable[[Any], Any], *, numeric: bool
) -> list[Any]:
    """Plain values; the letters among the numbers of Stata are its extended missing values."""
    read: list[Any] = []
    for value in values:
        if isinstance(value, str):
            letter = numeric and len(value) == 1
            read.append(f".{value}" if letter else value)
        else:
            read.append(value if value is None or value in levels else convert(value))
    return read


def _spss_value(value: float, form: str) -> Any:
    """Value of an SPSS variable by its print format."""
    kind = form.rstrip("0123456789.").upper()
    if kind in {"MOYR", "QYR", "WKYR"}:
        day = _SPSS_EPOCH + _seconds(value)
        return _period(kind[0], day.year, day)
    if kind in {"DATE", "ADATE", "EDATE", "JDATE", "SDATE"}:
        return (_SPSS_EPOCH + _seconds(value)).date()
    if kind in {"DATETIME", "YMDHMS"}:
        return _SPSS_EPOCH + _seconds(value)
    if kind in {"TIME", "DTIME", "MTIME"}:
        return _seconds(value)
    return value


def _seconds(value: float) -> dt.timedelta:
    return dt.timedelta(seconds=value)


def _stata_value(value: float, form: str) -> Any:
    """Value of a Stata variable by its display format."""
    found = re.match(r"%-?(?:d|t([cCdwmqhy]))", form)
    if found is None:
        return value
    unit = found[1] or "d"
    if unit == "y":
        return value
    if unit in "cC":
        return _STATA_EPOCH + dt.timedelta(milliseconds=value)
    if unit == "d":
        return (_STATA_EPOCH + dt.timedelta(days=value)).date()
    per_year = {"w": 52, "m": 12, "q": 4, "h": 2}[unit]
    year, part = divmod(int(value), per_year)
    return _numbered(unit, 1960 + year, part + 1)


def _period(kind: str, year: int, day: dt.datetime) -> str:
    part = {"M": day.month, "Q": (day.month + 2) // 3, "W": (day.timetuple().tm_yday + 6) // 7}
    return _numbered(kind.lower(), year, part[kind])


def _numbered(unit: str, year: int, part: int) -> str:
    words = {"m": f"{part:02d}", "q": f"Q{part}", "w": f"W{part:02d}", "h": f"H{part}"}
    return f"{year}-{words[unit]}"


def _filters(grid: Grid) -> list[Problem]:
    """Warn of the variable by which SPSS leaves cases out."""
    if "filter_$" not in grid.variables:
        return []
    message = "SPSS left out cases by filter_$; every row is read. Use include to leave rows out."
    return [notice("MA119", message)]
