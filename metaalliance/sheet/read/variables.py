"""Variables of a data file (SPSS, Stata, R, jamovi, JASP, Parquet) as a sheet, with notes."""

from __future__ import annotations

import datetime as dt
import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.read.grid import Grid, Room, check_size, place_name
from metaalliance.sheet.read.limits import MAX_CELLS, MAX_ROWS
from metaalliance.sheet.read.missing import MISSING_TOKENS

#: Names that a note lists before it counts the rest.
_LISTED = 6
#: Codes that stand for no answer by habit: -9, 9, 99, 98, 999, 77, 888.
_NO_ANSWER = re.compile(r"-.*|9+[6-9]?|8{2,}|7{2,}").fullmatch


@dataclass(slots=True, kw_only=True)
class Variable:
    """One variable as the file holds it.

    Attributes
    ----------
    name, label : str
        Its name, and what the file says that it is.
    values : list
        Its values by row: None, text, number, truth or date.
    levels : dict of object to str
        Label of each code, in the order of the file.
    missing : callable, optional
        Whether a code is declared missing.
    labels_are_values : bool
        Whether each value is one of the levels by nature (a factor), which needs no note.
    order : tuple of str
        Order of the levels, where they are the values themselves.
    """

    name: str
    values: list[Any] = field(repr=False)
    label: str = ""
    levels: Mapping[Any, str] = field(default_factory=dict)
    missing: Callable[[Any], bool] | None = None
    labels_are_values: bool = False
    order: tuple[str, ...] = ()


def grid_of(
    name: str, variables: list[Variable], *, rows: int = MAX_ROWS, cells: int = MAX_CELLS
) -> tuple[Grid, list[Problem]]:
    """Return variables as a sheet whose first row holds their names, and what was changed.

    Parameters
    ----------
    name : str
        The sheet.
    variables : list of Variable
        Its columns.
    rows, cells : int
        How many it may have.

    Raises
    ------
    UnreadableFileError
        When there are too many rows or variables, or none.
    """
    if not variables:
        raise UnreadableFileError(f"{name} has no variables.", code="MA102")
    longest = max(len(v.values) for v in variables)
    check_size(name, longest, len(variables), rows)
    Room(name, cells).take(longest * len(variables))
    names = _distinct(
        [" ".join(str(v.name).split()) or f"V{i}" for i, v in enumerate(variables, 1)]
    )
    found: list[Problem] = []
    columns = [_read(v, place_of(names, i), name, found) for i, v in enumerate(variables, 1)]
    lines: list[list[Any]] = [[*names]]
    for values in zip_longest(*columns):
        line = list(values)
        while line and line[-1] is None:
            line.pop()
        lines.append(line)
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    labels = {n: " ".join(v.label.split()) for n, v in zip(names, variables, strict=True)}
    labels = {n: label for n, label in labels.items() if label and label != n}
    orders = {i: _order(v) for i, v in enumerate(variables, 1)}
    return Grid(
        name=name, rows=lines, variables=tuple(names), labels=labels,
        orders={i: levels for i, levels in orders.items() if list(levels) != sorted(levels)},
    ), found  # fmt: skip


def _order(variable: Variable) -> tuple[str, ...]:
    """Levels in the order of the file; the alphabet, which says nothing, is no order."""
    texts = variable.order or tuple(variable.levels.values())
    return tuple(dict.fromkeys(" ".join(text.split()) for text in texts))


def place_of(names: Iterable[str], column: int) -> str:
    """Name of a variable as problems write it."""
    return place_name(0, column, tuple(names))


def variable_problem(code: str, sheet: str, place: str, message: str) -> Problem:
    """Return a problem of a whole variable."""
    return Problem(code=code, severity=severity_of(code), message=message, sheet=sheet, cell=place)


def listed(items: Iterable[Any]) -> str:
    """Texts in quotes, the first few."""
    texts = [repr(str(i)) for i in items]
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more


def _distinct(names: list[str]) -> list[str]:
    """Names of which none stands twice, since places are told by them."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _read(variable: Variable, place: str, sheet: str, found: list[Problem]) -> list[Any]:
    """Values with missing codes, labels and dates resolved; each change is a note."""
    values = [_plain(v) for v in variable.values]
    values = _without_missing(variable, values, place, sheet, found)
    if variable.levels:
        values = _labelled(variable, values, place, sheet, found)
    values = _single_precision(values, place, sheet, found)
    if any(isinstance(v, dt.date | dt.time | dt.timedelta) for v in values):
        values = [_time_text(v) for v in values]
        first = next(v for v in values if v is not None)
        message = f"dates and times are read as text such as {first!r}"
        found.append(variable_problem("MA117", sheet, place, message))
    return values


def _plain(value: Any) -> Any:
    """Blank text and not-a-number as None, trailing blanks removed, whole floats as integers."""
    if isinstance(value, str):
        return value.rstrip("\x00 \t\r\n") or None if value.strip("\x00 \t\r\n") else None
    if value.__class__ is float:
        if math.isnan(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value


def _without_missing(
    variable: Variable, values: list[Any], place: str, sheet: str, found: list[Problem]
) -> list[Any]:
    declared = variable.missing
    if declared is None:
        return values
    codes = Counter(v for v in values if v is not None and declared(v))
    if codes:
        shown = ", ".join(_code_text(code, variable.levels) for code in codes)
        count = sum(codes.values())
        one = "value declared missing is" if count == 1 else "values declared missing are"
        message = f"{count} {one} read as missing ({shown})"
        found.append(variable_problem("MA115", sheet, place, message))
    return [None if v is not None and declared(v) else v for v in values]


def _code_text(code: Any, levels: Mapping[Any, str]) -> str:
    label = levels.get(code, "")
    return f"{code} {label!r}" if label else str(code)


def _labelled(
    variable: Variable, values: list[Any], place: str, sheet: str, found: list[Problem]
) -> list[Any]:
    """Labels in the place of codes; a code without a label stays as the text of its number."""
    levels = {_plain(code): " ".join(text.split()) for code, text in variable.levels.items()}
    levels = {code: text for code, text in levels.items() if text}
    present = dict.fromkeys(v for v in values if v is not None)
    labelled = [code for code in present if code in levels]
    if not labelled:
        return values  # labels of codes that do not occur, such as 99 = no answer
    bare = [code for code in present if code not in levels]
    if not variable.labels_are_values and _are_numbers(bare, {c: levels[c] for c in labelled}):
        pairs = (f"{code} = {levels[code]}" for code in labelled)
        message = f"most values have no label and are numbers; not read: {listed(pairs)}"
        found.append(variable_problem("MA125", sheet, place, message))
        return values
    if not variable.labels_are_values:
        pairs = (f"{code} = {text}" for code, text in levels.items() if code in present)
        message = f"value labels are read in place of codes: {listed(pairs)}"
        if bare:
            message += f"; without a label: {listed(bare)}"
        found.append(variable_problem("MA114", sheet, place, message))
    shared = [t for t, k in Counter(levels[c] for c in labelled).items() if k > 1]
    if shared:
        message = f"several codes have the label {listed(shared)}: they are one level now"
        found.append(variable_problem("MA118", sheet, place, message))
    return [None if v is None else levels.get(v, str(v)) for v in values]


def _are_numbers(bare: list[Any], labelled: Mapping[Any, str]) -> bool:
    """Whether labels only say what single numbers mean: most have none, and none is missing."""
    if not all(v.__class__ in {int, float} for v in (*bare, *labelled)):
        return False
    measured = len(bare) > len(labelled) or any(v.__class__ is float for v in bare)
    return measured and not any(
        _NO_ANSWER(str(code)) or text.casefold() in MISSING_TOKENS
        for code, text in labelled.items()
    )


def _single_precision(values: list[Any], place: str, sheet: str, found: list[Problem]) -> list[Any]:
    """Numbers stored in single precision, to the seven digits that it holds.

    Software that keeps .35 in four bytes hands over .3499999940395355.
    """
    floats = [v for v in values if v.__class__ is float]
    if not floats or not all(map(_is_single, floats)):
        return values
    rounded = [float(f"{v:.7g}") if v.__class__ is float else v for v in values]
    changed = next((pair for pair in zip(values, rounded, strict=True) if pair[0] != pair[1]), None)
    if changed is None:
        return values
    message = f"single precision is rounded to 7 digits, such as {changed[0]!r} to {changed[1]!r}"
    found.append(variable_problem("MA116", sheet, place, message))
    return rounded


def _is_single(value: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", value))[0] == value)
    except OverflowError:
        return False


def _time_text(value: Any) -> Any:
    """ISO text of a date or time; hours of a duration may exceed 24."""
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
        return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
