"""What a coder has entered, as a value that can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from metaalliance.problems import place_in
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.statistics import named_statistic, present_statistics
from metaalliance.sheet.rules.study import label_key

Value = float | str | None
VariableKind = Literal["nominal", "ordinal", "number", "count", "text"]

#: Columns that say where and how something was found, which coders need not agree on.
REMARKS = frozenset({"page", "quote", "notes", "exclusion_reason"})
#: What a blank cell of these columns means.
DEFAULTS: dict[str, Value] = {"include": "yes", "alliance_direction": "higher_better", "tails": 2.0}
#: Columns that belong to the study and not to the effect.
STUDY_LEVEL = frozenset(
    {"year", "source", "doi", *(c.name for c in COLUMNS.values() if c.group == "study")}
)
#: Ratings with an order, lowest first.
ORDERS: tuple[tuple[str, ...], ...] = (
    ("low", "some concerns", "high"),
    ("low", "moderate", "serious", "critical"),
    ("low", "moderate", "high"),
    ("low", "medium", "high"),
    ("low", "unclear", "high"),
    ("poor", "fair", "good"),
    ("weak", "moderate", "strong"),
)
#: A column of the team with at most so many different texts is taken as categories.
MOST_LEVELS = 12
#: Digits that every program keeps when it saves a number.
DIGITS = 15
#: Relative difference of numbers that were only saved again, by programs that keep 15 or 16.
_SAVED = 1e-14


def coded_value(row: Row, column: str) -> Value:
    """Return the value of a cell; None where it says nothing.

    A token for "not reported" is None like a blank cell; "n.s." and a cell that could not be
    read are their text.
    """
    coded = row.cells.get(column)
    if coded is None:
        return None
    if coded.nonsignificant:
        return "n.s."
    if coded.faulty:
        return coded.seen.strip() or None
    if column not in COLUMNS and isinstance(coded.value, str):
        return _number_or_text(coded.value)
    value = coded.value
    return value if value is None or isinstance(value, str) else float(value)


def _number_or_text(text: str) -> Value:
    """Numbers in the team's own columns of a text file are numbers."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


def effective(value: Value, column: str) -> Value:
    """Return what a value means: the default of its column where it is blank."""
    return DEFAULTS.get(column) if value is None else value


def comparison_key(value: Value, column: str) -> Value:
    """Return what is compared: numbers, also those written as text; folded text; defaults.

    Examples
    --------
    >>> comparison_key("1.5", "risk_of_bias"), comparison_key("Beck: BDI-II", "outcome_measure")
    (1.5, 'beckbdiii')
    """
    meant = effective(value, column)
    if not isinstance(meant, str):
        return meant
    plain = _number_or_text(meant)
    return (label_key(meant) or meant) if isinstance(plain, str) else plain


def same(first: Value, second: Value, column: str) -> bool:
    """Whether two coders say the same.

    Examples
    --------
    >>> same(0.3, 0.30000000000000004, "r"), same("BDI-II", "BDI II", "outcome_measure")
    (True, True)
    >>> same(None, "yes", "include"), same(None, 45.0, "n")
    (True, False)
    """
    a, b = comparison_key(first, column), comparison_key(second, column)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15)
    return a == b


def saved_alike(before: str, now: str) -> bool:
    """Whether two texts of a cell differ by no more than a program does that saves it again.

    Blanks, and the last digits of a number that has more than programs keep, 15 or 16.

    Examples
    --------
    >>> saved_alike("0.12345678901234561", "0.123456789012346"), saved_alike(".2", "0.2")
    (True, False)
    """
    if before.split() == now.split():
        return True
    if max(sum(map(str.isdigit, text)) for text in (before, now)) < DIGITS:
        return False
    old, new = _number_or_text(before), _number_or_text(now)
    if not isinstance(old, float) or not isinstance(new, float) or old.is_integer():
        return False
    return math.isclose(old, new, rel_tol=_SAVED, abs_tol=0)


def place_of(row: Row, column: str) -> str:
    """Return the cell of a column in a row, blank or not; the row where it has no such column."""
    coded = row.cells.get(column)
    if coded is not None:
        return place_in(coded.sheet or row.sheet, coded.cell)
    if column in row.places:
        return place_in(row.sheet, row.place(column))
    return f"{row.sheet}, row {row.number}"


def statistic_of(row: Row) -> str:
    """Return the statistic that a row reports: the one it names, or the first it has."""
    named = named_statistic(row)
    if named:
        return named
    present = present_statistics(row)
    return present[0] if present else ""


def kind_of(column: str, values: Iterable[Value]) -> VariableKind:
    """Return how agreement about a column is measured.

    The specification says so; a rating of the risk of bias is ordinal where its levels have a
    known order or are numbers; a column of the team is a number, a category where it has at
    most 12 different texts, or else text.
    """
    known = COLUMNS.get(column)
    if known is None or column == "risk_of_bias":
        return _kind_by_values(values, rating=known is not None)
    if column == "statistic" or known.kind == "choice":
        return "nominal"
    return known.kind


def _kind_by_values(values: Iterable[Value], *, rating: bool) -> VariableKind:
    present = [v for v in values if v is not None]
    if present and all(isinstance(v, float) or _is_number(v) for v in present):
        return "ordinal" if rating else "number"
    if rating and order_of(present) is not None:
        return "ordinal"
    levels = {label_key(str(v)) for v in present}
    return "nominal" if len(levels) <= MOST_LEVELS else "text"


def _is_number(value: Value) -> bool:
    return isinstance(value, str) and isinstance(_number_or_text(value), float)


def order_of(values: Iterable[Value]) -> tuple[str, ...] | None:
    """Return the known order, folded, that holds every value; None where there is none."""
    keys = {label_key(str(v)) for v in values if v is not None}
    for order in ORDERS:
        folded = tuple(label_key(level) for level in order)
        if keys <= set(folded):
            return folded
    return None
