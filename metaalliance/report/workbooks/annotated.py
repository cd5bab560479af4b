"""A checked copy of a sheet: its problems as colours and notes, and as a list with links."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Border, Side
from openpyxl.utils import get_column_letter

from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.report.workbooks.annotated_list import FILLS, gravity, hint_of, write_problems
from metaalliance.sheet.columns.codebook import find_codebook
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.studies_sheet import find_studies_sheet
from metaalliance.sheet.read.grid import (
    ErrorCell,
    FormulaCell,
    Grid,
    PercentCell,
    cell_name,
    is_blank,
)
from metaalliance.sheet.read.numbers import parse_number
from metaalliance.sheet.read.preflight import read_bytes
from metaalliance.sheet.read.source import read_grids
from metaalliance.sheet.read.xlsx_marks import merged_bounds
from metaalliance.sheet.studies import Studies
from metaalliance.sheet.template.archive import allowed_text, font, workbook_bytes, write_text

_EDGES = {"error": Side(style="medium", color="9C0006"), "warning": Side(style="thin")}
_WIDEST = 40
_MEASURED_ROWS = 500
#: Cells whose only problem is a note that get a comment; more make the file slow to open.
_MOST_NOTES = 2_000
#: Longest text in quotes that a formula may hold.
_LONGEST_LITERAL = 255
_FORBIDDEN_IN_TITLE = re.compile(r"[\\*?:/\[\]]")


def annotated_workbook(path: str | Path, studies: Studies) -> bytes:
    """Return a new workbook that shows the problems of a sheet where they stand.

    It holds the values of the sheet that was read, cell for cell, and of the sheets `studies`
    and `codebook` where there are any. Cells with a problem are coloured and carry a note; the
    sheet `Problems` lists all of them with links, errors first. Formulas do not run in the
    copy. Validated in the same way, the copy has the same problems.

    Parameters
    ----------
    path : str or Path
        The file that `studies` was read from; it is read again, never changed.
    studies : Studies
        The sheet as it was checked.

    Raises
    ------
    OptionError
        For standard input, which cannot be read twice.
    UnreadableFileError
        When the file has changed since it was checked.
    """
    grids = _read_again(path, studies)
    titles = {grid.name: _title(grid.name) for grid in grids}
    book = Workbook()
    book.remove(book.active)
    for grid in grids:
        main = grid.name == studies.sheet
        sheet = book.create_sheet(titles[grid.name])
        _write_values(sheet, grid, _number_columns(grid, studies) if main else frozenset())
        _write_layout(sheet, grid, _header_row(grid, studies if main else None))
        _mark(sheet, grid, studies.problems)
    taken = {title.lower() for title in titles.values()}
    listed = book.create_sheet("Problems" if "problems" not in taken else "Problems found")
    write_problems(listed, titles, studies.problems)
    book.active = listed
    return workbook_bytes(book, f"Problems of {allowed_text(studies.file)}")


def _read_again(path: str | Path, studies: Studies) -> list[Grid]:
    """The sheets that were checked, in the order of the file."""
    if str(path) == "-":
        raise OptionError("Standard input cannot be annotated; save the sheet as a file first.")
    if hashlib.sha256(read_bytes(Path(path))).hexdigest() != studies.sha256:
        raise UnreadableFileError(f"{path} has changed since it was checked; run this again.")
    grids, _ = read_grids(path)
    main = next(grid for grid in grids if grid.name == studies.sheet)
    read = (main, find_studies_sheet(grids, main), find_codebook(grids))
    return [grid for grid in grids if any(grid is r for r in read)]


def _title(name: str) -> str:
    """A name that a sheet may have; that of a text file may need changes."""
    return _FORBIDDEN_IN_TITLE.sub("_", allowed_text(name)).strip("'")[:31] or "effects"


def _number_columns(grid: Grid, studies: Studies) -> frozenset[int]:
    """Numbers of the columns of a text file in which plain numbers become numbers."""
    if not all(v is None or v.__class__ is str for row in grid.rows for v in row):
        return frozenset()
    places = studies.rows[0].places if studies.rows else {}
    kinds = {name: COLUMNS[name].kind for name in places if name in COLUMNS}
    return frozenset(places[name] for name, kind in kinds.items() if kind in {"number", "count"})


def _header_row(grid: Grid, studies: Studies | None) -> int:
    """The row of the header: the last with text above the first coded row, or the first."""
    filled = [n for n, row in enumerate(grid.rows, start=1) if not all(is_blank(v) for v in row)]
    if studies is None:
        return filled[0] if filled else 1
    first = studies.rows[0].number if studies.rows else len(grid.rows) + 1
    return max((n for n in filled if n < first), default=1)


# Values ---------------------------------------------------------------------------------


def _write_values(sheet: Any, grid: Grid, numeric: frozenset[int]) -> None:
    """Write every cell at its place."""
    for row, values in enumerate(grid.rows, start=1):
        for column, value in enumerate(values, start=1):
            if value is None:
                continue
            cell = sheet.cell(row, column)
            plain = column in numeric
            _write_value(cell, _plain_number(value, grid.decimal_comma) if plain else value)


def _plain_number(text: str, decimal_comma: bool) -> float | str:
    """The number that a text is without any change, or the text."""
    parsed = parse_number(text, decimal_comma=decimal_comma)
    return text if parsed.value is None or parsed.changes else parsed.value


def _write_value(cell: Any, value: Any) -> None:
    """Write a value so that it is read as the same kind of value, and nothing runs."""
    if isinstance(value, FormulaCell):
        cell.value = _inert_formula(value)
        cell.data_type = "f"
    elif isinstance(value, ErrorCell):
        cell.value = str(value)
        cell.data_type = "e"
    elif isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        write_text(cell, str(value))
    elif isinstance(value, PercentCell):
        cell.value = float(value)
        cell.number_format = "0%" if math.isclose(100 * value, round(100 * value)) else "0.0##%"
    elif isinstance(value, bool | int | float | dt.datetime | dt.date | dt.time | dt.timedelta):
        cell.value = value
        _set_date_format(cell, value)
    else:
        write_text(cell, str(value))


def _inert_formula(text: str) -> str:
    """A formula without a stored value that does nothing but show the text of another.

    A formula of the sheet must stay one, so that it is reported again, but must not run.
    """
    shown = allowed_text(" ".join(text.split()))[:_LONGEST_LITERAL]
    return '="' + shown.replace('"', "'") + '"'


def _set_date_format(cell: Any, value: Any) -> None:
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        cell.number_format = "yyyy-mm-dd"
    elif isinstance(value, dt.time):
        cell.number_format = "hh:mm:ss"


# Layout ---------------------------------------------------------------------------------


def _write_layout(sheet: Any, grid: Grid, header: int) -> None:
    """Merged and hidden parts as in the sheet; widths, bold header, frozen header."""
    for reference in _apart(grid.merged):
        sheet.merged_cells.add(reference)  # keeps what stands under the merged range
    for row in grid.hidden_rows:
        sheet.row_dimensions[row].hidden = True
    for column, width in _widths(grid, header).items():
        sheet.column_dimensions[get_column_letter(column)].width = width
    for column in grid.hidden_columns:
        sheet.column_dimensions[get_column_letter(column)].hidden = True
    for cell in sheet[header] if grid.rows else ():
        cell.font = font(bold=True)
    sheet.freeze_panes = sheet.cell(header + 1, 2)
    sheet.page_setup.orientation = "landscape"


def _apart(merged: Iterable[str]) -> list[str]:
    """Merged ranges of several cells that do not overlap."""
    kept: list[tuple[int, int, int, int]] = []
    references = []
    for reference in merged:
        c1, r1, c2, r2 = merged_bounds(reference)
        free = all(c2 < a or c1 > c or r2 < b or r1 > d for a, b, c, d in kept)
        if free and (c1, r1) != (c2, r2):
            kept.append((c1, r1, c2, r2))
            references.append(reference)
    return references


def _widths(grid: Grid, header: int) -> dict[int, float]:
    """Width of each column by its longest entry from the header on, within reason."""
    widths: dict[int, float] = {}
    for values in grid.rows[header - 1 : header + _MEASURED_ROWS]:
        for column, value in enumerate(values, start=1):
            text = 10 if isinstance(value, dt.date) else len(f"{value:g}" if isinstance(
                value, float) else str(value or ""))  # fmt: skip
            widths[column] = max(widths.get(column, 7), min(text + 3, _WIDEST))
    return widths


# Marks ----------------------------------------------------------------------------------


def _mark(sheet: Any, grid: Grid, problems: Iterable[Problem]) -> None:
    """Colour each cell with a problem by the gravest, and say in a note what it is."""
    covered = _covered(grid)
    at: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.sheet == grid.name and problem.cell:
            cell = grid.cell_at(problem.cell)
            at[covered.get(cell, cell)].append(problem)
    left = _MOST_NOTES
    for name, group in at.items():
        group.sort(key=gravity)
        worst = group[0].severity
        _colour(sheet[name], worst)
        left -= worst == "note"
        if worst != "note" or left >= 0:
            sheet[name].comment = _comment(name, group, grid.notes.get(name, ""))
    for name in (n for n in grid.notes if n not in at):
        sheet[name].comment = _comment(name, (), grid.notes[name])


def _colour(cell: Any, severity: str) -> None:
    cell.fill = FILLS[severity]
    if severity in _EDGES:
        edge = _EDGES[severity]
        cell.border = Border(left=edge, right=edge, top=edge, bottom=edge)


def _covered(grid: Grid) -> dict[str, str]:
    """Cells that a merged range hides, with the cell that is seen instead."""
    seen: dict[str, str] = {}
    for reference in _apart(grid.merged):
        c1, r1, c2, r2 = merged_bounds(reference)
        for row in range(r1, min(r2, len(grid.rows) + 1) + 1):
            for column in range(c1, c2 + 1):
                seen[cell_name(row, column)] = cell_name(r1, c1)
    return seen


def _comment(name: str, problems: Sequence[Problem], own: str) -> Comment:
    """What is wrong and what to do, for each problem of a cell; then its own note."""
    parts = []
    for p in problems:
        place = f"{p.cell}: " if p.cell != name else ""
        parts.append(f"{place}{p.severity} {p.code}: {p.message}")
        if hint_of(p):
            parts.append(f"→ {hint_of(p)}")
    if own:
        parts.append(f"Note of the sheet: {own}" if problems else own)
    lines = sum(1 + len(part) // 44 for part in parts)
    text = allowed_text("\n".join(parts))
    return Comment(text, "metaalliance", width=320, height=min(24 + 17 * lines, 480))
