"""What one cell says: a number of its column, a label, or a level."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS, Column
from metaalliance.sheet.read.grid import (
    ErrorCell,
    ErrorText,
    FormulaCell,
    Grid,
)
from metaalliance.sheet.read.missing import MISSING_WORDS
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.texts import Coded, TextColumn, clean_text, shown
from metaalliance.sheet.years import read_year


def read_cell(
    name: str,
    raw: Any,
    cell: str,
    grid: Grid,
    scheme: Scheme,
    reader: TextColumn | None,
    found: list[Problem],
) -> Coded:
    """Read one cell by the kind of its column."""
    column = COLUMNS.get(name)
    named = column is not None and column.group == "identity" and column.kind == "text"
    if isinstance(raw, ErrorText) and not named:
        raw = ErrorCell(raw)
    if column is not None and reader is None:
        return _number(column, raw, cell, grid, scheme, found)
    assert reader is not None  # every column that holds no numbers has one
    return _text(reader, raw, cell, found)


def _needless(fault: str, column: Column, seen: str) -> tuple[str, str] | None:
    """Code and message of a fault in a column that decides no effect: the cell is missing."""
    if fault == "MA309" and column.group not in {"statistic", "companion"}:
        return "MA342", f"{seen.strip()!r} is no value; {column.name} is read as missing"
    if fault in {"MA302", "MA308"} and column.group in _SCALES:
        return "MA126", "is no single number, and read as missing"
    return None


def _number(
    column: Column, raw: Any, cell: str, grid: Grid, scheme: Scheme, found: list[Problem]
) -> Coded:
    """Read a number with its kind, its range and its notes."""
    counts = column.kind == "count"
    parsed = parse_number(
        raw,
        decimal_comma=grid.decimal_comma,
        integer=counts,
        percent=column.percent,
        labels=(column.name, *column.aliases, *column.labels),
    )
    seen = str(raw)

    def report(code: str, message: str, hint: str = "") -> None:
        found.append(
            Problem(code=code, severity=severity_of(code), message=message, hint=hint, cell=cell,
                    column=column.name, seen=seen)
        )  # fmt: skip

    year = read_year(raw) if column.name == "year" and not parsed.missing else None
    if year is not None:
        report(*year[1:])
        return Coded(year[0], seen, cell)
    if scheme.missing.hold(column.name, raw):
        report("MA310", f"{seen.strip()!r} is read as missing")
        return Coded(None, seen, cell)
    needless = _needless(parsed.fault, column, seen)
    if needless is not None:
        report(*needless)
        return Coded(None, seen, cell)
    if parsed.fault:
        report(parsed.fault, *_FAULTS[parsed.fault])
        return Coded(None, seen, cell, faulty=True)
    if parsed.missing and column.name == "tails" and seen.strip().lower() not in MISSING_WORDS:
        report("MA331", "tails has 1, 2", "leave the cell blank if it says nothing")
        return Coded(None, seen, cell, faulty=True)
    if parsed.missing:
        report("MA310", f"{seen.strip()!r} is read as missing")
        return Coded(None, seen, cell)
    if parsed.nonsignificant:
        return Coded(None, seen, cell, nonsignificant=True)
    if parsed.value is None:
        return Coded(None, seen, cell)
    value = _whole(parsed.value) if column.kind == "count" else parsed.value
    fault = _range_fault(column, value)
    if fault and column.group in _SCALES:
        near = f"was it {value / 100:g}?" if column.percent else ""
        report("MA126", f"{fault[1]}; read as missing", near if 1 < value <= 100 else "")
        return Coded(None, seen, cell)
    if fault:
        report(*fault)
        return Coded(None, seen, cell, faulty=True)
    if column.shared and value != int(value):
        message = f"{column.name} = {value:g}: a part of a person, used as it stands"
        report("MA341", message, "as in a group that is shared between comparisons")
    if parsed.changes:
        report("MA311", f"read as {value:.15g} ({', '.join(parsed.changes)})")
    return Coded(value, seen, cell, parsed.changes)


def _whole(value: float) -> float:
    """Return the whole number that the last digits of a computed one miss."""
    near = float(round(value)) if math.isfinite(value) else value
    return near if math.isclose(value, near, rel_tol=1e-12) else value


#: Groups of columns whose numbers describe the scales; no effect needs them.
_SCALES = frozenset({"alliance", "outcome"})
_FAULTS: dict[str, tuple[str, str]] = {
    "MA302": ("is not a number, or has more than one reading", "enter the number alone"),
    "MA303": ("is a spreadsheet error", "correct the formula or enter the value"),
    "MA304": ("is a formula without a stored value",
              "open and save the workbook in a spreadsheet program, or enter the value"),
    "MA305": ("is a date; the spreadsheet changed what was typed, and the original is lost",
              "format the cell as text and enter the value again"),
    "MA306": ("is a time of day", "format the cell as number and enter the value again"),
    "MA307": ("is TRUE or FALSE, not a number", "enter the number"),
    "MA308": ("is a percentage, which this statistic cannot be",
              "enter a proportion, or use r_squared for variance explained"),
    "MA309": ("is an inequality, not a value",
              "enter the exact value, or the bound itself as a conservative choice"),
}  # fmt: skip


def _range_fault(column: Column, value: float) -> tuple[str, str, str] | None:
    """Return code, message and hint when a number is outside its range."""
    if not column.holds(value):
        if column.is_correlation:
            hint = f"was it {value / 100:g}?" if 2 <= abs(value) < 100 else ""
            return "MA312", "a correlation lies between −1 and 1", hint
        return "MA313", f"{column.name} must be {_range_text(column)}", ""
    if column.kind == "count" and not (column.shared and _is_share(value)) and value != int(value):
        hint = _SHARES if column.shared else ""
        return "MA314", f"{column.name} must be a whole number", hint
    return None


#: What to do about a number of people that is neither whole nor a share.
_SHARES = (
    "enter the people behind this effect; of a mean of several samples the next smaller whole "
    "number, or one row for each sample; only halves, thirds and quarters come from shared groups"
)


def _is_share(value: float) -> bool:
    """Whether a number of people ends in a half, third or quarter, to two decimals."""
    return any(abs(value % 1 - part) < 0.005 for part in (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4))


def _range_text(column: Column) -> str:
    if column.high is None:
        return f"{'more than' if column.open_ends else 'at least'} {column.low:g}"
    if column.kind == "count" and column.low is not None and column.high == column.low + 1:
        return f"{column.low:g} or {column.high:g}"
    return f"between {column.low:g} and {column.high:g}"


def _text(reader: TextColumn, raw: Any, cell: str, found: list[Problem]) -> Coded:
    """Read a label, a level of a vocabulary or a value of the team's own column."""
    seen, own = shown(raw), reader.name not in COLUMNS

    def report(code: str, message: str, hint: str = "") -> None:
        found.append(
            Problem(code=code, severity=severity_of(code), message=message, hint=hint, cell=cell,
                    column=reader.name, seen=seen)
        )  # fmt: skip

    for kind, code in ((ErrorCell, "MA303"), (FormulaCell, "MA304")):
        if isinstance(raw, kind):
            report("MA339" if own else code, *_FAULTS[code])
            return Coded(None, seen, cell, faulty=not own)
    text = clean_text(seen)
    if reader.name == "study" and isinstance(raw, dt.date | dt.time | dt.timedelta):
        report("MA305", *_FAULTS["MA305"])
        return Coded(None, seen, cell, faulty=True)
    if not text:
        return Coded(None, seen, cell)
    number = isinstance(raw, int | float) and not isinstance(raw, bool)
    if own and number and reader.vocabulary is None and not reader.is_missing(text):
        return Coded(float(raw), seen, cell)
    if reader.name == "study" and text != seen.strip():
        report("MA333", f"the label is read as {text!r}")
    return reader.read(text, seen, cell, report)
