"""Cells of a sheet as they were read, kept by column; a row of them is a view."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from metaalliance.sheet.read.grid import place_name
from metaalliance.sheet.texts import Coded, shown


@dataclass(slots=True, eq=False)
class CodedColumn:
    """One column: what each of its cells says, and what stands there.

    A cell is a `Coded`. Most say a value and nothing else, and are made when they are asked for.

    Attributes
    ----------
    number : int
        Its place in the sheet, from 1.
    raws : list
        What stands in the cell of each row; None where it is blank.
    values : list
        What it says; None where that is nothing.
    numeric : bool
        Whether the column is one of numbers, which are seen as they stand.
    odd : dict of int to Coded
        Cells by row that say more than their value: a change, a fault, a comment, another place.
    """

    number: int
    raws: list[Any]
    values: list[Any]
    numeric: bool = False
    odd: dict[int, Coded] = field(default_factory=dict)

    @classmethod
    def blank(cls, number: int, count: int) -> CodedColumn:
        """Return a column of blank cells."""
        return cls(number, [None] * count, [None] * count)

    def holds(self, at: int) -> bool:
        """Whether the cell of a row is not blank."""
        return self.raws[at] is not None or at in self.odd

    def says(self, at: int) -> bool:
        """Whether a cell has something to work with: a value, or a fault of its own."""
        if self.values[at] is not None:
            return True
        coded = self.odd.get(at)
        return coded is not None and (coded.faulty or coded.nonsignificant)

    def seen(self, at: int) -> str:
        """Return what a cell that is not blank shows."""
        coded, raw = self.odd.get(at), self.raws[at]
        if coded is not None:
            return coded.seen
        return str(raw) if self.numeric else shown(raw)

    def put(self, at: int, value: Any) -> None:
        """Give a cell another value; what stands there stays."""
        self.values[at] = value
        if at in self.odd:
            self.odd[at] = replace(self.odd[at], value=value)


@dataclass(slots=True, eq=False)
class CodedTable:
    """Cells by column.

    Attributes
    ----------
    sheet : str
        The sheet.
    numbers : array of int
        Row number of the spreadsheet by row.
    places : dict of str to int
        Number of each column of the sheet.
    variables : tuple of str
        Names of the variables, where the file has no cells.
    columns : dict of str to CodedColumn
        The columns, by canonical name or by header for unknown ones.
    reports : list of str
        Author and year by row, where the sheet has columns for them that name the study.
    """

    sheet: str
    numbers: array[int]
    places: dict[str, int]
    variables: tuple[str, ...] = ()
    columns: dict[str, CodedColumn] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)
    _added: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _said: list[frozenset[str]] | None = None

    @classmethod
    def of_row(cls, table: CodedTable, at: int, cells: Mapping[str, Coded]) -> CodedTable:
        """Return a table of one row with other cells."""
        reports = table.reports[at : at + 1]
        one = cls(
            table.sheet, table.numbers[at : at + 1], table.places, table.variables, reports=reports
        )
        Cells(one, 0).update(cells)
        return one

    def place(self, at: int, number: int) -> str:
        """Return the name of a place."""
        return place_name(self.numbers[at], number, self.variables)

    def said(self, at: int) -> frozenset[str]:
        """Columns in which a row has something to work with."""
        if self._said is None:
            known: dict[tuple[bool, ...], frozenset[str]] = {}
            count = range(len(self.numbers))
            says = [[*map(column.says, count)] for column in self.columns.values()]
            self._said = [
                known.get(row) or known.setdefault(row, frozenset(
                    name for name, has in zip(self.columns, row, strict=True) if has))
                for row in (zip(*says, strict=True) if says else ((),) * len(self.numbers))
            ]  # fmt: skip
        return self._said[at]

    def added(self, at: int) -> tuple[str, ...]:
        """Columns whose cell was blank and was entered, in that order."""
        return self._added.get(at, ())

    def changed(self, at: int, added: str = "") -> None:
        """Take note that a cell of a row is another one."""
        self._said = None
        if added:
            self._added[at] = (*self.added(at), added)


class Cells(MutableMapping[str, Coded]):
    """The cells of one row that are not blank, by column.

    Parameters
    ----------
    table : CodedTable
        The table of the row.
    at : int
        Its place in the table, from 0.
    """

    __slots__ = ("_at", "_table")

    def __init__(self, table: CodedTable, at: int) -> None:
        self._table, self._at = table, at

    def __getitem__(self, name: str) -> Coded:
        column, at = self._table.columns[name], self._at
        coded = column.odd.get(at)
        if coded is not None:
            return coded
        if column.raws[at] is None:
            raise KeyError(name)
        return Coded(column.values[at], column.seen(at), self._table.place(at, column.number))

    def __setitem__(self, name: str, coded: Coded) -> None:
        table, at = self._table, self._at
        column = table.columns.get(name)
        if column is None:
            number = table.places.get(name, 0)
            column = table.columns[name] = CodedColumn.blank(number, len(table.numbers))
        there = column.holds(at)
        column.odd.pop(at, None)
        column.values[at] = coded.value
        own = there and column.raws[at] is not None
        if not own or coded != Coded(coded.value, column.seen(at), table.place(at, column.number)):
            column.odd[at] = coded
        table.changed(at, "" if there else name)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a cell of a sheet that was read is not taken away")

    def __contains__(self, name: object) -> bool:
        column = self._table.columns.get(name)  # type: ignore[call-overload]
        return column is not None and column.holds(self._at)

    def __iter__(self) -> Iterator[str]:
        at, added = self._at, self._table.added(self._at)
        for name, column in self._table.columns.items():
            if column.holds(at) and name not in added:
                yield name
        yield from added

    def __len__(self) -> int:
        return sum(1 for _ in self)
