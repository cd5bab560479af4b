"""Rows of a sheet: a view of its cells, with what is asked of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaalliance.messages import severity_of
from metaalliance.problems import Problem
from metaalliance.sheet.coded import Cells, CodedTable
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.read.grid import place_name
from metaalliance.sheet.texts import Coded


class Row:
    """One row of the sheet.

    Parameters
    ----------
    table : CodedTable
        The cells of the sheet.
    at : int
        Place of the row in the table, from 0.

    Attributes
    ----------
    number : int
        Row number of the spreadsheet.
    sheet : str
        Its sheet.
    cells : mapping of str to Coded
        Cells that are not blank, by canonical column (or by header for unknown columns).
    places : dict of str to int
        Number of each column of the sheet, for the name of a blank cell.
    variables : tuple of str
        Names of the variables, where the file has no cells.
    report : str
        Author and year, where the sheet has columns for them that name the study.
    said : frozenset of str
        Columns in which it has something to work with.
    """

    __slots__ = ("_at", "_table")

    def __init__(self, table: CodedTable, at: int = 0) -> None:
        self._table, self._at = table, at

    def __repr__(self) -> str:
        return f"Row(number={self.number}, sheet={self.sheet!r}, report={self.report!r})"

    @property
    def number(self) -> int:  # noqa: D102
        return self._table.numbers[self._at]

    @property
    def sheet(self) -> str:  # noqa: D102
        return self._table.sheet

    @property
    def cells(self) -> Cells:  # noqa: D102
        return Cells(self._table, self._at)

    @property
    def places(self) -> dict[str, int]:  # noqa: D102
        return self._table.places

    @property
    def variables(self) -> tuple[str, ...]:  # noqa: D102
        return self._table.variables

    @property
    def report(self) -> str:  # noqa: D102
        reports = self._table.reports
        return reports[self._at] if reports else ""

    @property
    def said(self) -> frozenset[str]:  # noqa: D102
        return self._table.said(self._at)

    @property
    def names_both(self) -> bool:
        """Whether it names both of its variables, of which neither has to be the outcome."""
        return self.has("var1") and self.has("var2")

    def holds(self, side: str) -> bool:
        """Whether the outcome, or the alliance, is one of its variables.

        It is in every row that does not name both; else a variable has that name, or that of the
        measure of the row.
        """
        if not self.names_both:
            return True
        names, measure = {key_of(side)}, f"{side}_measure"
        if self.has(measure):
            names |= {key_of(self.seen(measure)), key_of(str(self.get(measure)))}
        return any(key_of(str(self.get(c) or "")) in names for c in ("var1", "var2"))

    def get(self, column: str) -> Any:
        """Return the value of a cell, or None."""
        known = self._table.columns.get(column)
        return None if known is None else known.values[self._at]

    def has(self, column: str) -> bool:
        """Whether a column has something to work with: a value, or a fault of its own."""
        known = self._table.columns.get(column)
        return known is not None and known.says(self._at)

    def seen(self, column: str) -> str:
        """Return what a cell that is not blank shows."""
        return self._table.columns[column].seen(self._at)

    def is_faulty(self, column: str) -> bool:
        """Whether the cell of a column could not be read."""
        coded = self._odd(column)
        return coded is not None and coded.faulty

    def is_silent(self, column: str) -> bool:
        """Whether the cell of a column says "n.s." and no value."""
        coded = self._odd(column)
        return coded is not None and coded.nonsignificant

    def _odd(self, column: str) -> Coded | None:
        known = self._table.columns.get(column)
        return None if known is None else known.odd.get(self._at)

    def odd(self) -> list[Coded]:
        """Return the cells that say more than their value, in the order of the columns."""
        at = self._at
        if not any(at in column.odd for column in self._table.columns.values()):
            return []
        return [self.cells[name] for name in self.cells if self._odd(name) is not None]

    def values(self) -> dict[str, Any]:
        """Return what the cells say, by column; none of those that say nothing."""
        at = self._at
        columns = self._table.columns.items()
        return {name: value for name, c in columns if (value := c.values[at]) is not None}

    def with_cells(self, cells: Mapping[str, Coded]) -> Row:
        """Return the row with other cells."""
        return Row(CodedTable.of_row(self._table, self._at, cells))

    @property
    def study(self) -> str:
        """The study: what makes effects dependent."""
        return str(self.get("study") or "")

    @property
    def label(self) -> str:
        """Label of the study: what figures and tables print."""
        return str(self.get("label") or self.study)

    @property
    def named(self) -> str:
        """The study with its label before it, where that is another name."""
        return with_label(self.study, self.label)

    @property
    def flip(self) -> int:
        """-1 where the directions of the scores turn the reported sign, else 1."""
        turned = sum(
            self.get(f"{side}_direction") == "lower_better" and self.holds(side)
            for side in ("outcome", "alliance")
        )
        return -1 if turned == 1 else 1

    @property
    def included(self) -> bool:
        """Whether the team includes the row."""
        return bool(self.get("include") != "no")

    def place(self, column: str) -> str:
        """Return the name of the place of a column in this row, blank or not."""
        return place_name(self.number, self.places.get(column, 1), self.variables)

    @property
    def faulty(self) -> bool:
        """Whether some cell of the row could not be read."""
        return any(map(self.is_faulty, self._table.columns))

    def problem(self, code: str, message: str, column: str = "", hint: str = "") -> Problem:
        """Return a problem that points at a cell of this row, blank or not."""
        coded = self.cells.get(column)
        place = coded.cell if coded else self.place(column)
        return Problem(
            code=code,
            severity=severity_of(code),
            message=message,
            hint=hint,
            sheet=(coded.sheet if coded else "") or self.sheet,
            cell=place,
            row=self.number,
            study=self.label,
            column=column,
            seen=coded.seen if coded else "",
        )


def with_label(study: str, label: str) -> str:
    """Return a study with its label before it, where that is another name.

    Examples
    --------
    >>> with_label("17", "Adler 1988"), with_label("Berg 1991", "")
    ('Adler 1988 [17]', 'Berg 1991')
    """
    if label in {"", study} or label.endswith(f"[{study}]"):
        return label or study
    return f"{label} [{study}]"


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Return the columns in which some row has a cell, in the order in which they come up."""
    tables = {id(row._table): row._table for row in rows}
    if len(tables) != 1:
        return list(dict.fromkeys(name for row in rows for name in row.cells))
    (table,) = tables.values()
    first: dict[int, set[str]] = {}
    for name, column in table.columns.items():
        at = next((i for i, row in enumerate(rows) if column.holds(row._at)), None)
        if at is not None:
            first.setdefault(at, set()).add(name)
    return [name for at in sorted(first) for name in rows[at].cells if name in first[at]]
