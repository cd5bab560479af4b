"""Formats, dropdowns and entry checks of the template, from the column specification."""

from __future__ import annotations

from openpyxl.worksheet.datavalidation import DataValidation

from metaalliance.sheet.columns.specification import Column

#: Statistics without bounds of their own; what a date becomes lies above.
PLAUSIBLE = 9_999
LONGEST_PROMPT = 255
LONGEST_ERROR = 225


def number_format(column: Column) -> str:
    """Return the number format that the cells of a column have before anything is entered.

    Text and levels are text, so that ``1-2`` on a page stays ``1-2``. Numbers are "General":
    any other format would show a date as the number 45659 and a percentage as .64, and
    neither could be recognised any more.
    """
    if column.kind in {"text", "choice"}:
        return "@"
    return "0" if column.name == "year" else "General"


def values_text(column: Column, levels: tuple[str, ...] = ()) -> str:
    """Say what the cells of a column may hold.

    Examples
    --------
    >>> from metaalliance.sheet.columns.specification import COLUMNS
    >>> values_text(COLUMNS["r"]), values_text(COLUMNS["n"])
    ('number, between −1 and 1', 'whole number, at least 1')
    """
    if levels:
        listed = ", ".join(levels)
        return f"{listed}, or another" if column.vocabulary and column.vocabulary.open else listed
    if column.kind in {"text", "choice"}:
        return "text"
    kind = "whole number" if column.kind == "count" else "number"
    low, high = column.low, column.high
    if low is None:
        return kind
    if high is None:
        return f"{kind}, {'more than' if column.open_ends else 'at least'} {_shown(low)}"
    if column.kind == "count" and high == low + 1:
        return f"{_shown(low)} or {_shown(high)}"
    if column.open_ends:
        return f"{kind}, between {_shown(low)} and {_shown(high)}"
    return f"{kind}, from {_shown(low)} to {_shown(high)}"


def _shown(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def prompt(column: Column, levels: tuple[str, ...] = ()) -> str:
    """Return what a cell of the column says when it is selected."""
    parts = [column.about]
    if column.kind in {"number", "count"}:
        values = values_text(column)
        parts.append(f"{values[0].upper()}{values[1:]}.")
    elif levels and column.vocabulary is not None and column.vocabulary.open:
        parts.append("Choose from the list, or type another.")
    elif levels:
        parts.append("Choose from the list.")
    return " ".join(parts)[:LONGEST_PROMPT]


def validation(column: Column, levels: tuple[str, ...], source: str) -> DataValidation:
    """Return the entry check of a column with its prompt.

    Parameters
    ----------
    column : Column
        Its specification.
    levels : tuple of str
        Entries of its dropdown; empty for none.
    source : str
        Range of the hidden sheet that holds the levels.
    """
    if levels:
        check = _dropdown(column, source)
    elif column.kind in {"number", "count"}:
        check = _range(column)
    else:
        check = DataValidation(type=None)
    check.allow_blank = True
    check.showInputMessage = True
    check.showErrorMessage = True
    check.promptTitle = column.name
    check.prompt = prompt(column, levels)
    check.errorTitle = column.name
    check.error = (check.error or "")[:LONGEST_ERROR] or None
    return check


def _dropdown(column: Column, source: str) -> DataValidation:
    """A list: closed vocabularies refuse other entries, open ones ask."""
    closed = column.vocabulary is not None and not column.vocabulary.open
    error = (
        "Choose one of the list. Other names of these values stand on the sheet codebook."
        if closed
        else "This is not in the list. It will be kept as it is; check the spelling."
    )
    style = "stop" if closed else "warning"
    return DataValidation(type="list", formula1=source, errorStyle=style, error=error)


def _range(column: Column) -> DataValidation:
    """A range of numbers: statistics ask, because they may be "n.s.", all others refuse."""
    low, high = column.low, column.high
    statistic = column.group == "statistic" and column.kind == "number"
    asks = statistic or low is None
    hint = "Leave the cell blank if it is not reported."
    if statistic:
        hint = "If the report says only 'not significant', enter n.s. and keep it."
    if asks and high is None:
        low, high = -PLAUSIBLE if low is None else low, PLAUSIBLE
        hint += f" A number above {PLAUSIBLE} is often a date that was made of an entry like 1-2."
    check = DataValidation(
        type="whole" if column.kind == "count" else "decimal",
        errorStyle="warning" if asks else "stop",
        error=f"{column.name}: {values_text(column)}. {hint}",
        formula1=f"{low:g}",
    )
    if high is None:
        check.operator = "greaterThan" if column.open_ends else "greaterThanOrEqual"
    else:
        check.operator = "between"
        check.formula2 = f"{high:g}"
    return check
