"""Read .sav, .zsav and .dta by pyreadstat: values, labels, declared missing, dates."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import Grid, PercentCell, check_size
from metaalliance.sheet.read.limits import MAX_ROWS, MAX_UNPACKED, PAGE
from metaalliance.sheet.read.optional import library
from metaalliance.sheet.read.variables import Variable, grid_of

_SPSS_EPOCH = dt.datetime(1582, 10, 14)
_STATA_EPOCH = dt.datetime(1960, 1, 1)


def read_spss_stata(content: bytes, name: str, kind: str) -> tuple[list[Grid], list[Problem]]:
    """Return the data of an SPSS or Stata file as a sheet.

    Raises
    ------
    UnreadableFileError
        When pyreadstat is not installed, or the file is broken or too large.
    """
    readstat = library("pyreadstat", name, "a Stata file" if kind == "dta" else "an SPSS file")
    data, meta, encoding = _read(readstat, content, name, kind)
    types = dict(meta.original_variable_types or {})
    convert = _stata_value if kind == "dta" else _spss_value
    variables = []
    for variable in meta.column_names:
        form = str(types.get(variable) or "")
        levels = dict(meta.variable_value_labels.get(variable) or {})
        if kind == "dta":  # labels of .a to .z
            levels = {f".{c}" if isinstance(c, str) else c: text for c, text in levels.items()}
        variables.append(
            Variable(
                name=variable,
                label=str(meta.column_names_to_labels.get(variable) or ""),
                values=_values(data[variable], levels, partial(convert, form=form)),
                levels=levels,
                missing=_missing(meta, variable),
            )
        )
    grid, found = grid_of(name, variables)
    if encoding:
        message = f"{name} holds text that is not in its declared encoding; it is read as Latin-1."
        found.insert(0, notice("MA111", message, severity="note"))
    return [grid], found + _filters(grid)


def _read(readstat: Any, content: bytes, name: str, kind: str) -> tuple[Any, Any, str]:
    """Data and metadata; the size that the file declares is checked before its data are read."""
    read = readstat.read_dta if kind == "dta" else readstat.read_sav
    options = {
        "user_missing": True,
        "disable_datetime_conversion": True,
        "output_format": "dict",
        "row_limit": MAX_ROWS + 1,
    }
    error: Exception | None = None
    for encoding in ("", "ISO-8859-1"):
        chosen = {"encoding": encoding} if encoding else {}
        try:
            _, meta = read(io.BytesIO(content), metadataonly=True, **chosen)
            _check_declared(meta, name)
            data, meta = read(io.BytesIO(content), **options, **chosen)
        except (UnreadableFileError, MemoryError):
            raise
        except Exception as caught:  # any fault of the parser means a broken file
            error = error or caught
            if "encoding" not in str(caught).lower():
                break
        else:
            return data, meta, encoding
    raise UnreadableFileError(f"{name} is broken: {error}.", code="MA105") from error


def _check_declared(meta: Any, name: str) -> None:
    rows, columns = int(meta.number_rows or 0), int(meta.number_columns or 0)
    check_size(name, rows, columns)
    width = sum(int(w or 0) for w in (meta.variable_storage_width or {}).values())
    if max(rows, 1) * width > MAX_UNPACKED:
        raise UnreadableFileError(
            f"{name} unpacks to more than {MAX_UNPACKED // 2**20} MB: {rows:,} rows of {width:,} "
            f"bytes ({PAGE}).",
            code="MA107",
        )


def _missing(meta: Any, variable: str) -> Callable[[Any], bool]:
    """Whether a code is among those that the file declares missing."""
    ranges = [(r["lo"], r["hi"]) for r in (meta.missing_ranges or {}).get(variable) or ()]

    def declared(value: Any) -> bool:
        if isinstance(value, ExtendedMissing):
            return True
        for low, high in ranges:
            if isinstance(value, str) or isinstance(low, str):
                if str(value).rstrip() == str(low).rstrip() == str(high).rstrip():
                    return True
            elif low <= value <= high:
                return True
        return False

    return declared


class ExtendedMissing(str):
    """Stata's missing values .a to .z."""

    __slots__ = ()


def _values(column: Any, levels: dict[Any, str], convert: Callable[[Any], Any]) -> list[Any]:
    """Plain values; the letters among the numbers of Stata are its extended missing values."""
    values = column.tolist() if hasattr(column, "tolist") else list(column)
    numeric = any(isinstance(v, int | float) for v in values)
    read: list[Any] = []
    for value in values:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            read.append(None)
        elif isinstance(value, str):
            letter = numeric and len(value) == 1
            read.append(ExtendedMissing(f".{value}") if letter else value)
        else:
            read.append(value if value in levels else convert(value))
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
    return PercentCell(value / 100) if kind == "PCT" else value


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
