"""Confidence intervals in one cell: ``[.10, .35]``, ``0,10–0,35``, ``.23 (95% CI .10 to .35)``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaalliance.core.conversion.rules import RULES
from metaalliance.core.conversion.spread import PLAIN, SPREADS
from metaalliance.sheet.columns.specification import find_column
from metaalliance.sheet.read.grid import is_blank
from metaalliance.sheet.read.numbers import LONGEST, MINUS, parse_number
from metaalliance.sheet.texts import Coded

#: Statistics whose own cell may hold their interval.
WITH_INTERVAL = frozenset({*SPREADS, "yi", "b", "value"})
#: How far a value may lie off the middle of limits in round brackets, in half widths.
_OFF_MIDDLE = 0.25
_LEVEL = r"([5-9]\d(?:[.,]\d+)?)\s*%"
_NAME = (
    r"(?:C\.?\s?I\.?|K\.?\s?I\.?|I\.?\s?C\.?|B\.?\s?I\.?|conf(?:idence)?\.?\s?(?:interval|limits)"
    r"|konfidenzintervall|vertrauensintervall|betrouwbaarheidsinterval|intervalle de confiance"
    r"|intervalo de confianza|intervallo di confidenza)"
)
#: 95% CI, KI 95 %, CI95, 95%-KI: before the limits.
_TITLE = re.compile(
    rf"(?:{_LEVEL}[\s-]*{_NAME}(?![a-z])|{_NAME}\s*\(?(?:{_LEVEL}|(?<=[IC])([5-9]\d)(?![\d.,]))\)?"
    rf"|{_NAME}(?![a-z])|{_LEVEL})\s*[:=,]?\s*",
    re.IGNORECASE,
)
_OPENING = re.compile(r"(?:from|between|von|zwischen|de|da|van|tussen|entre|tra)\s+", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_BETWEEN = re.compile(
    r"\s*(?:[;,/|-]|\b(?:to|bis|tot|à|a|al|au|und|and|et|y|e|en)\b)\s*", re.IGNORECASE
)
_BLANK = re.compile(r"\s+")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_MARKS = "*†‡§¶# "
#: A value before its interval: in brackets, or with its name.
_BEHIND = re.compile(
    rf"(?P<head>[^\[({{]*?)\s*[,;]?\s*(?P<rest>[\[({{].*|(?<![\w.]){_TITLE.pattern}.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What a cell says about an interval.

    Attributes
    ----------
    readings : tuple of (float, float)
        Pairs of limits that the text can mean, lower first.
    turned : bool
        Whether a pair stands there whose first number is the larger.
    level : float or None
        The level that the text states.
    seen, cell : str
        What stands there, and where.
    fault : str
        Code of a cell that holds no text of limits, such as a date.
    plain : bool
        Whether it stands in round brackets behind a value, where other numbers may stand too.
    missing : bool
        Whether it says that nothing was reported.
    """

    readings: tuple[tuple[float, float], ...] = ()
    turned: bool = False
    level: float | None = None
    seen: str = ""
    cell: str = ""
    fault: str = ""
    plain: bool = False
    missing: bool = False


def read_interval(raw: Any, *, decimal_comma: bool = False, cell: str = "") -> Interval:
    """Read a cell as an interval; a hyphen that may be a minus gives two readings.

    Examples
    --------
    >>> read_interval("[.10, .35]").readings, read_interval("0,10–0,35").readings
    (((0.1, 0.35),), ((0.1, 0.35),))
    >>> read_interval("90% CI −.28 -.05").readings, read_interval("90% CI .1 to .3").level
    (((-0.28, 0.05), (-0.28, -0.05)), 90.0)
    """
    parsed = parse_number(raw)
    seen = str(raw)
    if not isinstance(raw, str) or parsed.missing or parsed.nonsignificant:
        missing = parsed.missing or parsed.nonsignificant
        return Interval(seen=seen, cell=cell, fault=parsed.fault, missing=missing)
    if parsed.fault in {"MA303", "MA304"} or len(raw) > LONGEST:
        return Interval(seen=seen, cell=cell, fault=parsed.fault)
    text = " ".join(unicodedata.normalize("NFC", raw).translate(MINUS).split())
    text, level = _untitled(_unbracketed(text.rstrip(_MARKS)))
    text = _unbracketed(text)
    text = text[opening.end() :] if (opening := _OPENING.match(text)) else text
    pairs = dict.fromkeys(_pairs(text, decimal_comma))
    readings = tuple((low, high) for low, high in pairs if low <= high)
    return Interval(
        readings=readings, turned=len(readings) < len(pairs), level=level, seen=seen, cell=cell
    )


def _unbracketed(text: str) -> str:
    """Drop brackets around the whole text."""
    closing = _BRACKETS.get(text[:1])
    return text[1:-1].strip() if closing and text.find(closing) == len(text) - 1 else text


def _untitled(text: str) -> tuple[str, float | None]:
    """Drop the name of an interval and its level before the limits."""
    title = _TITLE.match(text)
    if title is None:
        return text, None
    level = next((group for group in title.groups() if group), None)
    return text[title.end() :], level and float(level.replace(",", "."))  # type: ignore[return-value]


def _pairs(text: str, decimal_comma: bool) -> Iterator[tuple[float, float]]:
    """Every way in which a text is two numbers and what parts them."""
    for at in range(1, len(text)):
        for between in (_BETWEEN, _BLANK):
            gap = between.match(text, at)
            sides = (text[:at], text[gap.end() :]) if gap else ()
            if not sides or not all(map(_NUMBER.fullmatch, sides)):
                continue
            low, high = (parse_number(side, decimal_comma=decimal_comma).value for side in sides)
            if low is not None and high is not None:
                yield low, high


def split_interval(
    raw: Any, *, decimal_comma: bool = False, cell: str = ""
) -> tuple[str, Interval] | None:
    """Part a value and the interval behind it: ``r = .23 [.10, .35]``; None where there is none.

    Examples
    --------
    >>> split_interval(".23 [.10, .35]")[0]
    '.23'
    >>> split_interval("45 (38 completers)") is None
    True
    """
    if not isinstance(raw, str) or len(raw) > LONGEST:
        return None
    behind = _BEHIND.fullmatch(raw.strip())
    if behind is None or not any(map(str.isdigit, behind["head"])):
        return None
    found = read_interval(behind["rest"], decimal_comma=decimal_comma, cell=cell)
    if not found.readings and not found.turned:
        return None
    rest = behind["rest"].lstrip("( ")
    plain = behind["rest"].startswith("(") and _TITLE.match(rest) is None and rest[:1] != "["
    return behind["head"].rstrip(" ,;"), Interval(
        readings=found.readings, turned=found.turned, level=found.level, seen=raw, cell=cell,
        plain=plain,
    )  # fmt: skip


def holds_intervals(values: Sequence[Any], decimal_comma: bool) -> bool:
    """Whether most cells of a column, or all but one, hold two numbers that can be limits."""
    filled = [read_interval(v, decimal_comma=decimal_comma) for v in values if not is_blank(v)]
    said = [found for found in filled if not found.missing]
    readable = sum(bool(found.readings) for found in said)
    return readable * 2 > len(said) or (readable > 0 and readable == len(said) - 1)


def nearly_all(hold: Sequence[bool]) -> bool:
    """Whether something holds in four of five rows, or of three and more in all but one.

    One odd row is a mistake to be named, and says nothing about its column.
    """
    odd = len(hold) - sum(hold)
    return odd <= 0.2 * len(hold) or (odd == 1 and len(hold) > 2)


def hold_values(limits: Sequence[Any], values: Sequence[Any], decimal_comma: bool) -> bool:
    """Whether values lie in the intervals beside them, in nearly all rows that have both."""
    known = []
    for raw, limit in zip(values, limits, strict=True):
        value = parse_number(raw, decimal_comma=decimal_comma).value
        readings = read_interval(limit, decimal_comma=decimal_comma).readings
        if value is not None and readings:
            known.append(any(low <= value <= high for low, high in readings))
    return nearly_all(known)


#: Code, column, message and hint of a problem of a row.
Told = tuple[str, str, str, str]
_ENTER = "enter the limits in ci_low and ci_high, or as [.10, .35]"


def enter_interval(
    cells: MutableMapping[str, Coded], found: Mapping[str, Interval], level: float | None
) -> Iterator[Told]:
    """Enter the interval of a row as its limits, where it has one reading.

    Parameters
    ----------
    cells : mapping of str to Coded
        Cells of the row, which are completed.
    found : mapping of str to Interval
        Intervals by the statistic in whose cell they stand; "" is that of a column of its own.
    level : float or None
        Level that the header of that column states.
    """
    by = _read_by(cells)
    interval = found.get(by) or found.get("")
    if interval is None:
        other = next(iter(found))
        yield ("MA352", other, f"the interval of {other} is not used: the row is read by {by}", "")
        return
    if interval.missing:
        yield "MA310", "ci_low", f"{interval.seen.strip()!r} is read as missing", ""
        return
    value = cells[by].value if by in cells else None
    stated = interval.level or (level if by not in found else None)
    limits, fault = _chosen(interval, by, value if isinstance(value, float) else None)
    if limits is not None:
        fault = _contradicted(cells, limits, stated)
    if limits is None or fault:
        for column in ("ci_low", "ci_high"):
            cells[column] = Coded(None, interval.seen, interval.cell, faulty=True)
        yield "MA351", "ci_low", fault, _ENTER
        return
    for column, limit in zip(("ci_low", "ci_high"), limits, strict=True):
        cells[column] = Coded(limit, interval.seen, interval.cell, ("read from one cell",))
    if stated is not None and stated != 95:
        cells["ci_level"] = Coded(stated, interval.seen, interval.cell, ("read from one cell",))
    only = "" if len(interval.readings) == 1 else f"the only reading in which {by} lies between"
    message = f"read as ci_low = {limits[0]:g} and ci_high = {limits[1]:g}"
    yield "MA350", "ci_low", message, only


def _read_by(cells: Mapping[str, Coded]) -> str:
    """The statistic by which a row is read: the one that it names, else the first it has."""
    named = cells.get("statistic")
    column = find_column(str(named.value)) if named is not None else None
    for name in (*([column] if column else []), *(["value"] if named else []), *RULES):
        if name in WITH_INTERVAL | RULES.keys() and name in cells and not _is_empty(cells[name]):
            return name
    return ""


def _is_empty(coded: Coded) -> bool:
    return coded.value is None and not coded.faulty


def _chosen(
    interval: Interval, by: str, value: float | None
) -> tuple[tuple[float, float] | None, str]:
    """The limits that a cell can mean only, or why there are none."""
    readings = interval.readings
    if not readings:
        if interval.turned:
            return None, "the first limit is larger than the second"
        return None, "holds no two numbers that could be limits"
    if len(readings) > 1:
        around = [x for x in readings if value is not None and x[0] <= value <= x[1]]
        if len(around) != 1:
            listed = " or ".join(f"[{low:g}, {high:g}]" for low, high in readings)
            return None, f"has more than one reading: {listed}"
        readings = (around[0],)
    if interval.plain and not _in_the_middle(readings[0], by, value):
        return None, "round brackets hold no limits around the value: a standard error and p?"
    return readings[0], ""


def _in_the_middle(limits: tuple[float, float], by: str, value: float | None) -> bool:
    """Whether a value lies near the middle of its limits, on the scale of the statistic."""
    if value is None:
        return False
    scale = SPREADS[by].scale if by in SPREADS else PLAIN
    try:
        low, high, middle = (scale.to(x) for x in (*limits, value))
    except (ArithmeticError, ValueError):
        return False
    rounding = 0.0075 * max(scale.slope(x) for x in limits)
    return abs(middle - (low + high) / 2) <= _OFF_MIDDLE * (high - low) / 2 + rounding


def _contradicted(
    cells: Mapping[str, Coded], limits: tuple[float, float], level: float | None
) -> str:
    """What other cells of the row say that differs, or ""."""
    for column, said in (("ci_low", limits[0]), ("ci_high", limits[1]), ("ci_level", level)):
        coded = cells.get(column)
        if said is None or coded is None or not isinstance(coded.value, float):
            continue
        if coded.value != said and not (column == "ci_level" and coded.value * 100 == said):
            return f"says {said:g}, but {column} is {coded.value:g} ({coded.cell})"
    return ""
