"""A whole column at once: what is plain is read together, everything else cell by cell.

A cell is plain where `read_cell` would give its value and nothing more to say. Texts that repeat
are read once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from metaalliance.problems import Problem
from metaalliance.sheet.cells import read_cell
from metaalliance.sheet.coded import CodedColumn
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS, Column
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.numbers import LONGEST
from metaalliance.sheet.texts import Coded, TextColumn

#: Text that is a number as it stands: no sign or digit has to be mended, no mark dropped.
_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?").fullmatch
_WHOLE = re.compile(r"[0-9]+").fullmatch
_YEAR = re.compile(r"(?:19|20)[0-9]{2}").fullmatch
#: Whole numbers beyond it are not all numbers of a float.
_EXACT = 2**53

#: From a row and what stands there to what is read, and what is seen where that differs.
Prepare = Callable[[int, Any], tuple[Any, str | None]]


def read_column(
    name: str,
    column: CodedColumn,
    grid: Grid,
    scheme: Scheme,
    reader: TextColumn | None,
    place: Callable[[int], str],
    prepare: Prepare | None = None,
    *,
    whole: bool = True,
) -> list[tuple[int, Problem]]:
    """Read the cells of a column into `column`, which holds what stands in them.

    Parameters
    ----------
    name : str
        The column.
    column : CodedColumn
        Its cells; their values are entered.
    grid, scheme : Grid and Scheme
        The sheet, and what the team says about it.
    reader : TextColumn or None
        How text is read; None in a column of numbers.
    place : callable
        From a row to the name of its cell.
    prepare : callable, optional
        From a row and what stands there to what is read in its place, with what is then seen of
        the cell where that is another text; it is asked for each cell that is not read whole.
    whole : bool
        Whether what is plain is read together.

    Returns
    -------
    list of (int, Problem)
        Row and problem, in the order of the rows.
    """
    known = COLUMNS.get(name)
    whole = whole and not scheme.missing.words(name)
    if known is not None and reader is None:
        column.numeric = True
        plain = whole and _plain_numbers(known, column, grid)
    else:
        plain = whole and known is None and _plain_texts(column, reader)
    if plain:
        return []
    return list(_one_by_one(name, column, grid, scheme, reader, place, prepare))


def _plain_numbers(known: Column, column: CodedColumn, grid: Grid) -> bool:
    """Enter the plain numbers of a column; return whether all its cells are."""
    form = _WHOLE if grid.decimal_comma or known.kind == "count" else _PLAIN
    form = _YEAR if known.name == "year" else form
    numbers = np.array([_number(raw, form) for raw in column.raws], dtype=float)
    sound = np.isfinite(numbers)
    with np.errstate(invalid="ignore"):
        low = -math.inf if known.low is None else known.low
        high = math.inf if known.high is None else known.high
        inside = (numbers > low) & (numbers < high) if known.open_ends else (
            (numbers >= low) & (numbers <= high))  # fmt: skip
        sound &= inside
        if known.kind == "count" or known.shared:
            sound &= numbers == np.rint(numbers)
            numbers += 0.0  # no negative zero
    shared: dict[float, float] = {}  # sizes and years stand in many rows
    share = shared.setdefault if known.kind == "count" else lambda number, _: number
    pairs = zip(numbers.tolist(), sound.tolist(), strict=True)
    column.values[:] = [share(number, number) if fine else None for number, fine in pairs]
    blank = sum(raw is None for raw in column.raws)
    return bool(sound.sum() + blank == sound.size)


def _number(raw: Any, plain: Callable[[str], Any]) -> float:
    """A plain number; NaN for whatever needs a closer look."""
    kind = raw.__class__
    if kind is float:
        return raw  # type: ignore[no-any-return]
    if kind is str:
        return float(raw) if len(raw) <= LONGEST and plain(raw) else math.nan
    return float(raw) if kind is int and -_EXACT < raw < _EXACT else math.nan


def _plain_texts(column: CodedColumn, reader: TextColumn | None) -> bool:
    """Enter the numbers of a column of the team that holds nothing else; return whether it does."""
    if reader is None or reader.vocabulary is not None:
        return False
    raws = column.raws
    if all(raw is None or raw.__class__ is float or raw.__class__ is int for raw in raws):
        if not all(raw is None or math.isfinite(raw) for raw in raws):
            return False
        column.values[:] = [None if raw is None else float(raw) for raw in raws]
        return True
    if all(raw is None or (raw.__class__ is str and _PLAIN(raw)) for raw in raws):
        column.values[:] = raws
        return True
    return False


def _one_by_one(
    name: str,
    column: CodedColumn,
    grid: Grid,
    scheme: Scheme,
    reader: TextColumn | None,
    place: Callable[[int], str],
    prepare: Prepare | None,
) -> Iterator[tuple[int, Problem]]:
    """Read the cells that have no value yet, those with one text once."""
    read: dict[Any, Any] = {}
    values = column.values
    for at, raw in enumerate(column.raws):
        if raw is None or values[at] is not None:
            continue
        given, seen = (raw, None) if prepare is None else prepare(at, raw)
        key = given if given.__class__ is str else (given.__class__, given)
        known = read.get(key)
        if known is None:
            known = read[key] = _read(name, given, grid, scheme, reader)
        if known.__class__ is not _Cell:
            values[at] = known
            if seen is not None and seen != column.seen(at):
                column.odd[at] = Coded(known, seen, place(at))
            continue
        coded, cell = known.coded, place(at)
        values[at], shows = coded.value, coded.seen if seen is None else seen
        if coded.changes or coded.nonsignificant or coded.faulty or shows != column.seen(at):
            column.odd[at] = replace(coded, seen=shows, cell=cell)
        for problem in known.problems:
            yield at, replace(problem, cell=cell)


class _Cell:
    """What a text says that needs more than its value."""

    __slots__ = ("coded", "problems")

    def __init__(self, coded: Coded, problems: list[Problem]) -> None:
        self.coded, self.problems = coded, problems


def _read(
    name: str, raw: Any, grid: Grid, scheme: Scheme, reader: TextColumn | None
) -> Any:  # fmt: skip
    """Return the value of a cell that says nothing else, or all that it says."""
    problems: list[Problem] = []
    coded = read_cell(name, raw, "", grid, scheme, reader, problems)
    value = coded.value
    said = coded.changes or coded.nonsignificant or coded.faulty or problems or value is None
    if said:
        return _Cell(coded, problems)
    return raw if value.__class__ is raw.__class__ and value == raw else value
