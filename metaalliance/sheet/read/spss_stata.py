"""Read .sav, .zsav and .dta by pyreadstat: values, labels, declared missing, dates."""

from __future__ import annotations

import datetime as dt
import re
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import Grid, check_size
from metaalliance.sheet.read.limits import MAX_ROWS, MAX_UNPACKED, PAGE
from metaalliance.sheet.read.optional import require
from metaalliance.sheet.read.readstat import BrokenDataError, read_apart
from metaalliance.sheet.read.variables import Variable, grid_of

_SPSS_EPOCH = dt.datetime(1582, 10, 14)
_STATA_EPOCH = dt.datetime(1960, 1, 1)
#: Missing values of Stata beside the plain one.
_EXTENDED = frozenset(f".{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")

#: Formats of Stata 7 to 12 with the width of a display format, and widths of their types.
_OLD = {111: 12, 113: 12, 114: 49, 115: 49}
_WIDTHS = {251: 1, 252: 2, 253: 4, 254: 4, 255: 8}


def read_spss_stata(content: bytes, name: str, kind: str) -> tuple[list[Grid], list[Problem]]:
    """Return the data of an SPSS or Stata file as a sheet.

    Raises
    ------
    UnreadableFileError
        When pyreadstat is not installed, or the file is broken or too large.
    """
    require("pyreadstat", name, "a Stata file" if kind == "dta" else "an SPSS file")
    if kind == "dta" and not _is_whole(content):
        raise UnreadableFileError(
            f"{name} is broken: its end, where the value labels stand, is missing.", code="MA105"
        )
    try:
        data = read_apart(content, kind, rows=MAX_ROWS, size=MAX_UNPACKED)
    except BrokenDataError as error:
        raise UnreadableFileError(f"{name} is broken: {error}.", code="MA105") from None
    check_size(name, data["rows"], data["columns"])
    if max(data["rows"], 1) * data["width"] > MAX_UNPACKED:
        raise UnreadableFileError(
            f"{name} unpacks to more than {MAX_UNPACKED // 2**20} MB: {data['rows']:,} rows of "
            f"{data['width']:,} bytes ({PAGE}).",
            code="MA107",
        )
    try:
        grid, found = grid_of(name, [_variable(entry, kind) for entry in data["variables"]])
    except OverflowError:
        raise UnreadableFileError(
            f"{name} is broken: it holds a date beyond the calendar.", code="MA105"
        ) from None
    if data["encoding"]:
        message = f"{name} holds text that is not in its declared encoding; it is read as Latin-1."
        found.insert(0, notice("MA111", message, severity="note"))
    return [grid], found + _filters(grid)


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


def _variable(entry: dict[str, Any], kind: str) -> Variable:
    levels = {
        f".{code}" if kind == "dta" and isinstance(code, str) else code: text
        for code, text in entry["levels"]
    }  # a letter is one of .a to .z
    convert = partial(_stata_value if kind == "dta" else _spss_value, form=entry["format"])
    return Variable(
        name=entry["name"],
        label=entry["label"],
        values=_values(entry["values"], levels, convert, numeric=entry["numeric"]),
        levels=levels,
        missing=_missing(entry["missing"], numeric=entry["numeric"]),
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
