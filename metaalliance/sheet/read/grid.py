"""A sheet as a rectangle of untrusted values, with what the file says about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from openpyxl.utils import get_column_letter

MAX_ROWS = 50_000
MAX_COLUMNS = 512


class ErrorCell(str):
    """A spreadsheet error such as ``#DIV/0!``."""

    __slots__ = ()


class FormulaCell(str):
    """A formula without a stored value, as text beginning with ``=``."""

    __slots__ = ()


class PercentCell(float):
    """A number that the sheet shows as a percentage; the value is the proportion."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The cells of one sheet.

    Attributes
    ----------
    name : str
        Name of the sheet.
    rows : list of list
        Values by row and column; row 1 of the spreadsheet is ``rows[0]``. A value is None,
        str, int, float, bool, a date or time, or one of the marked kinds of this module.
    visible : bool
        Whether the sheet is shown.
    hidden_rows, hidden_columns : frozenset of int
        Numbers, from 1, of rows and columns that the sheet hides.
    merged : tuple of str
        Merged ranges such as ``A5:A7``.
    decimal_comma : bool
        Whether numbers in text use a decimal comma (text files only).
    notes : dict of str to str
        Comments on cells, by the name of the cell; they are kept with the effect.
    """

    name: str
    rows: list[list[Any]] = field(repr=False)
    visible: bool = True
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[str, ...] = ()
    decimal_comma: bool = False
    notes: dict[str, str] = field(default_factory=dict)


def cell_name(row: int, column: int) -> str:
    """Return the spreadsheet's name of a cell; both count from 1.

    Examples
    --------
    >>> cell_name(17, 6)
    'F17'
    """
    return f"{get_column_letter(column)}{row}"


def is_blank(value: Any) -> bool:
    """Whether a cell shows nothing."""
    return value is None or (
        isinstance(value, str) and not value.strip("\ufeff\u200b\u00a0 \t\r\n")
    )
