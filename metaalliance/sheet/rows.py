"""Coded rows: each cell read once, with what it says, where it stands and what was changed."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.columns.header import Header
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS, Column
from metaalliance.sheet.columns.vocabularies import Vocabulary
from metaalliance.sheet.read.grid import ErrorCell, FormulaCell, Grid, cell_name, is_blank
from metaalliance.sheet.read.numbers import MISSING_TOKENS, NONSIGNIFICANT, parse_number

#: Marks that stand for a missing label.
_NO_LABEL = frozenset("-–—−?./")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})


@dataclass(frozen=True, slots=True)
class Coded:
    """One cell as it was read.

    Attributes
    ----------
    value : float, str or None
        What it says.
    seen : str
        What stands there.
    cell : str
        Its name, such as ``F17``.
    changes : tuple of str
        What was changed to read it.
    nonsignificant : bool
        Whether it says "n.s." and no value.
    faulty : bool
        Whether it has a problem of its own.
    sheet : str
        Its sheet, where that is not the sheet of the row.
    note : str
        The comment on the cell.
    """

    value: Any
    seen: str
    cell: str
    changes: tuple[str, ...] = ()
    nonsignificant: bool = False
    faulty: bool = False
    sheet: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """One row of the sheet.

    Attributes
    ----------
    number : int
        Row number of the spreadsheet.
    sheet : str
        Its sheet.
    cells : dict of str to Coded
        Cells that are not blank, by canonical column (or by header for unknown columns).
    places : dict of str to int
        Number of each column of the sheet, for the name of a blank cell.
    """

    number: int
    sheet: str
    cells: dict[str, Coded] = field(repr=False)
    places: dict[str, int] = field(repr=False)

    def get(self, column: str) -> Any:
        """Return the value of a cell, or None."""
        coded = self.cells.get(column)
        return None if coded is None else coded.value

    def has(self, column: str) -> bool:
        """Whether a column has something to work with: a value, or a fault of its own."""
        coded = self.cells.get(column)
        return coded is not None and (
            coded.value is not None or coded.faulty or coded.nonsignificant
        )

    @property
    def study(self) -> str:
        """Label of the study."""
        return str(self.get("study") or "")

    @property
    def included(self) -> bool:
        """Whether the team includes the row."""
        return bool(self.get("include") != "no")

    @property
    def faulty(self) -> bool:
        """Whether some cell of the row could not be read."""
        return any(c.faulty for c in self.cells.values())

    def problem(self, code: str, message: str, column: str = "", hint: str = "") -> Problem:
        """Return a problem that points at a cell of this row, blank or not."""
        coded = self.cells.get(column)
        place = coded.cell if coded else cell_name(self.number, self.places.get(column, 1))
        return Problem(
            code=code,
            severity=severity_of(code),
            message=message,
            hint=hint,
            sheet=(coded.sheet if coded else "") or self.sheet,
            cell=place,
            row=self.number,
            study=self.study,
            column=column,
            seen=coded.seen if coded else "",
        )


def read_rows(grid: Grid, header: Header, scheme: Scheme) -> tuple[list[Row], list[Problem]]:
    """Read every row under the header that is not blank."""
    rows: list[Row] = []
    problems: list[Problem] = []
    places = {**header.columns, **header.extra}
    for number in range(header.row + 1, len(grid.rows) + 1):
        values = grid.rows[number - 1]
        if all(is_blank(v) for v in values):
            continue
        row = Row(number=number, sheet=grid.name, cells={}, places=places)
        found: list[Problem] = []
        for name, column in places.items():
            raw = values[column - 1] if column <= len(values) else None
            if is_blank(raw):
                continue
            coded = _code(name, raw, cell_name(number, column), grid, scheme, found)
            note = grid.notes.get(coded.cell, "")
            row.cells[name] = replace(coded, note=note) if note else coded
        found += _without_header(grid, header, number)
        rows.append(row)
        problems += [replace(p, sheet=row.sheet, row=row.number, study=row.study) for p in found]
    return _with_numbers(rows, header.extra), problems


def _without_header(grid: Grid, header: Header, number: int) -> list[Problem]:
    """Report values that stand under no header: they would be lost."""
    found = []
    for column, value in enumerate(grid.rows[number - 1], start=1):
        if column in header.named or is_blank(value):
            continue
        numeric = parse_number(value).value is not None
        code = "MA216" if numeric else "MA217"
        message = "the value has no header and would be lost" if numeric else "has no header"
        found.append(
            Problem(code=code, severity=severity_of(code), message=message,
                    cell=cell_name(number, column), seen=str(value))
        )  # fmt: skip
    return found


def _with_numbers(rows: list[Row], extra: dict[str, int]) -> list[Row]:
    """Read the team's own columns as numbers where every value is one, as text where not."""
    for name in extra:
        coded = [row.cells[name] for row in rows if name in row.cells]
        texts = [c for c in coded if isinstance(c.value, str)]
        if texts and all(_PLAIN(c.value) for c in texts):
            changed = {id(c): replace(c, value=float(c.value)) for c in texts}
        elif texts and len(texts) < len(coded):
            changed = {id(c): replace(c, value=c.seen) for c in coded}
        else:
            continue
        for row in rows:
            if name in row.cells:
                row.cells[name] = changed.get(id(row.cells[name]), row.cells[name])
    return rows


_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?").fullmatch


def _code(
    name: str, raw: Any, cell: str, grid: Grid, scheme: Scheme, found: list[Problem]
) -> Coded:
    """Read one cell by the kind of its column."""
    column = COLUMNS.get(name)
    if column is None:
        return Coded(_extra_value(raw), str(raw), cell)
    if column.kind in {"number", "count"}:
        return _number(column, raw, cell, grid, found)
    return _text(column, raw, cell, scheme, found)


def _extra_value(raw: Any) -> Any:
    """Value of a column that is not in the specification: numbers stay, the rest is text."""
    if isinstance(raw, bool | ErrorCell | FormulaCell):
        return str(raw)
    return float(raw) if isinstance(raw, int | float) else clean_text(str(raw))


@lru_cache(maxsize=8192)  # labels and levels stand in many rows
def clean_text(raw: str) -> str:
    """Unify Unicode form, blanks and quotes, and drop invisible characters."""
    text = unicodedata.normalize("NFC", raw).translate(_QUOTES)
    text = "".join(c for c in text if c in "\t\n\r " or unicodedata.category(c) not in {"Cc", "Cf"})
    return re.sub(r"\s+", " ", text).strip()


def _number(column: Column, raw: Any, cell: str, grid: Grid, found: list[Problem]) -> Coded:
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

    if parsed.fault == "MA309" and column.group not in {"statistic", "companion"}:
        report("MA342", f"{seen.strip()!r} is no value; {column.name} is read as missing")
        return Coded(None, seen, cell)
    if parsed.fault:
        report(parsed.fault, *_FAULTS[parsed.fault])
        return Coded(None, seen, cell, faulty=True)
    if parsed.missing:
        report("MA310", f"{seen.strip()!r} is read as missing")
        return Coded(None, seen, cell)
    if parsed.nonsignificant:
        return Coded(None, seen, cell, nonsignificant=True)
    if parsed.value is None:
        return Coded(None, seen, cell)
    fault = _range_fault(column, parsed.value)
    if fault:
        report(*fault)
        return Coded(None, seen, cell, faulty=True)
    if column.shared and parsed.value != int(parsed.value):
        report("MA341", f"{column.name} = {parsed.value:g} is a part of a shared group")
    if parsed.changes:
        report("MA311", f"read as {parsed.value:.15g} ({', '.join(parsed.changes)})")
    return Coded(parsed.value, seen, cell, parsed.changes)


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
        return "MA314", f"{column.name} must be a whole number", ""
    return None


def _is_share(value: float) -> bool:
    """Whether a number of people ends in a half, third or quarter, to two decimals."""
    return any(abs(value % 1 - part) < 0.005 for part in (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4))


def _range_text(column: Column) -> str:
    if column.high is None:
        return f"{'more than' if column.open_ends else 'at least'} {column.low:g}"
    if column.kind == "count" and column.low is not None and column.high == column.low + 1:
        return f"{column.low:g} or {column.high:g}"
    return f"between {column.low:g} and {column.high:g}"


def _text(column: Column, raw: Any, cell: str, scheme: Scheme, found: list[Problem]) -> Coded:
    """Read a label or a level of a vocabulary."""
    seen = str(raw)

    def report(code: str, message: str, hint: str = "") -> None:
        found.append(
            Problem(code=code, severity=severity_of(code), message=message, hint=hint, cell=cell,
                    column=column.name, seen=seen)
        )  # fmt: skip

    for kind, code in ((ErrorCell, "MA303"), (FormulaCell, "MA304")):
        if isinstance(raw, kind):
            report(code, *_FAULTS[code])
            return Coded(None, seen, cell, faulty=True)
    if isinstance(raw, float) and raw == int(raw):
        seen = str(int(raw))
    text = clean_text(seen)
    if column.name == "study" and isinstance(raw, dt.date | dt.time | dt.timedelta):
        report("MA305", *_FAULTS["MA305"])
        return Coded(None, seen, cell, faulty=True)
    blank = column.name == "study" and text in _NO_LABEL
    if not text or blank or (column.name == "statistic" and text.lower() in MISSING_TOKENS):
        return Coded(None, seen, cell)
    if column.kind != "choice":
        if column.name == "study" and text != seen.strip():
            report("MA333", f"the label is read as {text!r}")
        return Coded(text, seen, cell)
    return _level(scheme.vocabularies[column.name], text, seen, cell, report)


def _level(vocabulary: Vocabulary, text: str, seen: str, cell: str, report: Any) -> Coded:
    """Look a level up in its vocabulary."""
    level = vocabulary.find(text)
    if level is None and text.lower() in MISSING_TOKENS | NONSIGNIFICANT:
        report("MA310", f"{text!r} is read as missing")
        return Coded(None, seen, cell)
    if level is not None:
        if level != text:
            report("MA332", f"read as {level!r}")
        return Coded(level, seen, cell, () if level == text else (f"read as {level}",))
    if vocabulary.open:
        return Coded(text, seen, cell)
    near = vocabulary.suggest(text)
    hint = f"did you mean {near!r}?" if near else ""
    report("MA331", f"{vocabulary.name} has {', '.join(vocabulary.levels)}", hint)
    return Coded(None, seen, cell, faulty=True)
