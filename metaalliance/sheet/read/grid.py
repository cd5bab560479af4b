"""A sheet as a rectangle of untrusted values, with what the file says about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.sheet.read.limits import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, PAGE

#: What a spreadsheet prints in place of a value that it cannot compute.
ERROR_TEXTS = frozenset(
    {"#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!",
     # German, Dutch, French, Spanish, Italian
     "#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#N/B", "#WAARDE!", "#VERW!", "#DEEL/0!", "#NAAM?",
     "#GETAL!", "#LEEG!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#NUL!", "#¡VALOR!", "#¡REF!",
     "#¡DIV/0!", "#¿NOMBRE?", "#¡NUM!", "#¡NULO!", "#N/D", "#VALORE!", "#RIF!", "#NOME?"}
)  # fmt: skip


class ErrorText(str):
    """What reads like a spreadsheet error in a text file."""

    __slots__ = ()


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
    variables : tuple of str
        Names of the variables where the file is a data file without cells. Row 1 of `rows`
        then holds the names, and the first row of data is its row 1.
    labels : dict of str to str
        Labels of such variables, by name.
    orders : dict of int to tuple of str
        Levels of a column in the order that the file gives them.
    totals : frozenset of int
        Rows that the file itself marks as totals.
    sums : dict of int to list of tuple
        By row, each column whose formula sums or averages rows above in that column: column,
        first and last of these rows, whether the function is made for totals (SUBTOTAL).
    """

    name: str
    rows: list[list[Any]] = field(repr=False)
    visible: bool = True
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[str, ...] = ()
    decimal_comma: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict, repr=False)
    orders: dict[int, tuple[str, ...]] = field(default_factory=dict, repr=False)
    totals: frozenset[int] = frozenset()
    sums: dict[int, list[tuple[int, int, int, bool]]] = field(default_factory=dict, repr=False)

    def number(self, row: int) -> int:
        """Return the number that a row of `rows` has in the file."""
        return row - 1 if self.variables else row

    def place(self, row: int, column: int) -> str:
        """Return the name of a place; both count from 1 in `rows`."""
        return place_name(self.number(row), column, self.variables)

    def cell_at(self, place: str) -> str:
        """Return the cell of a workbook into which a place of this sheet is copied."""
        found = _PLACE.fullmatch(place)
        if not self.variables or found is None:
            return place
        column = self.variables.index(found[2]) + 1 if found[2] in self.variables else 1
        return cell_name(int(found[1] or 0) + 1, column)


def cell_name(row: int, column: int) -> str:
    """Return the spreadsheet's name of a cell; both count from 1.

    Examples
    --------
    >>> cell_name(17, 6)
    'F17'
    """
    return f"{_letters(column)}{row}"


@cache
def _letters(column: int) -> str:
    if not 0 < column <= _LAST_COLUMN:
        raise ValueError(f"no spreadsheet has a column {column}")
    letters = ""
    while column:
        column, last = divmod(column - 1, 26)
        letters = chr(ord("A") + last) + letters
    return letters


def column_number(letters: str) -> int:
    """Return the number of a column, from 1.

    Examples
    --------
    >>> column_number("A"), column_number("AB")
    (1, 28)
    """
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


#: That called ZZZ.
_LAST_COLUMN = 18_278
_PLACE = re.compile(r"(?:row (\d+), |variable )(.*)", re.DOTALL)


def place_name(number: int, column: int, variables: tuple[str, ...] = ()) -> str:
    """Return the name of a place: a cell, or row and variable where there are no cells.

    Examples
    --------
    >>> place_name(12, 2), place_name(12, 2, ("study", "r")), place_name(0, 2, ("study", "r"))
    ('B12', 'row 12, r', 'variable r')
    """
    if not variables:
        return cell_name(number, column)
    name = variables[column - 1] if column <= len(variables) else str(column)
    return f"row {number}, {name}" if number else f"variable {name}"


@contextmanager
def whole(name: str, fault: str) -> Iterator[None]:
    """Turn any fault of a parser into the error that a file is broken.

    Raises
    ------
    UnreadableFileError
        With the fault in words.
    """
    try:
        yield
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableFileError(
            f"{name} is broken: {fault} ({type(error).__name__}).", code="MA105"
        ) from error


def check_size(name: str, rows: int, columns: int, most: int = MAX_ROWS) -> None:
    """Refuse a sheet beyond the bounds; nothing is cut.

    Parameters
    ----------
    name : str
        The sheet.
    rows, columns : int
        Those that it has.
    most : int
        Rows that it may have.

    Raises
    ------
    UnreadableFileError
        When it has more rows or columns.
    """
    if rows > most or columns > MAX_COLUMNS:
        raise UnreadableFileError(
            f"{name} has data beyond row {most:,} or column {MAX_COLUMNS} ({PAGE}).",
            code="MA107",
        )


class Room:
    """What the sheets of a file may still hold together.

    Parameters
    ----------
    name : str
        Name of the file.
    cells : int
        Cells that they may hold.
    """

    __slots__ = ("_left", "_most", "_name")

    def __init__(self, name: str, cells: int = MAX_CELLS) -> None:
        self._name, self._most, self._left = name, cells, cells

    def take(self, cells: int) -> None:
        """Count cells, blank ones and rows included, before they are made.

        Raises
        ------
        UnreadableFileError
            When they are too many.
        """
        self._left -= cells
        if self._left < 0:
            raise UnreadableFileError(
                f"{self._name} has more than {self._most:,} cells ({PAGE}).", code="MA107"
            )


def is_blank(value: Any) -> bool:
    """Whether a cell shows nothing."""
    return value is None or (
        isinstance(value, str) and not value.strip("\ufeff\u200b\u00a0 \t\r\n")
    )
