"""Read .xlsx cell by cell: values, formulas without a value, formats, merges, hidden parts."""

from __future__ import annotations

import io
import posixpath
import re
import warnings
import zipfile
from pathlib import PurePosixPath
from typing import Any

import openpyxl
from defusedxml import ElementTree
from openpyxl.utils import column_index_from_string

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.grid import (
    MAX_COLUMNS,
    MAX_ROWS,
    ErrorCell,
    FormulaCell,
    Grid,
    PercentCell,
)

_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*ref="([A-Z0-9:]+)"')
_ROW = re.compile(rb"<(?:\w+:)?row\s([^>]*)>")
_COLUMN = re.compile(rb"<(?:\w+:)?col\s([^>]*)/?>")
_HIDDEN = re.compile(rb'hidden="(?:1|true)"')


def read_xlsx(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every worksheet of a workbook that passed the preflight.

    Formulas are never evaluated: the value stored at the last save is used, and a formula
    without one is marked.

    Raises
    ------
    UnreadableFileError
        When openpyxl cannot read the workbook.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl on extensions that it does not keep
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            found = _archive_notices(content, name)
            parts = _sheet_parts(content, book)
            comments = _comments(content, book)
            grids = [
                _grid(content, book[title], parts.get(title), comments.get(title, {}))
                for title in parts
            ]
            book.close()
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:  # any fault of the parser means a broken workbook
        raise UnreadableFileError(
            f"{name} is broken: its sheets cannot be read ({type(error).__name__}).", code="MA105"
        ) from error
    if not grids:
        raise UnreadableFileError(f"{name} has no worksheet.", code="MA102")
    return grids, found


def _archive_notices(content: bytes, name: str) -> list[Problem]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
    found = []
    if any(n.endswith("vbaProject.bin") for n in names):
        found.append(notice("MA109", f"{name} has macros; they are ignored.", severity="note"))
    if any(n.startswith("xl/externalLinks/") for n in names):
        found.append(notice("MA110", f"{name} takes values from another workbook, as last saved."))
    return found


def _sheet_parts(content: bytes, book: Any) -> dict[str, bytes]:
    """Raw XML of each worksheet by its title."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            sheet.title: archive.read(sheet._worksheet_path)
            for sheet in book.worksheets
            if hasattr(sheet, "_worksheet_path")
        }


def _comments(content: bytes, book: Any) -> dict[str, dict[str, str]]:
    """Comments on cells by sheet, which the streaming reader does not show."""
    found: dict[str, dict[str, str]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        for sheet in book.worksheets:
            path = PurePosixPath(getattr(sheet, "_worksheet_path", ""))
            relations = str(path.parent / "_rels" / f"{path.name}.rels")
            if relations not in names:
                continue
            for relation in ElementTree.fromstring(archive.read(relations)):
                if not str(relation.get("Type", "")).endswith("/comments"):
                    continue
                target = posixpath.normpath(
                    posixpath.join(str(path.parent), str(relation.get("Target", "")))
                ).lstrip("/")
                target = target if target in names else str(relation.get("Target")).lstrip("/")
                if target in names:
                    found[sheet.title] = _comment_texts(archive.read(target))
    return found


def _comment_texts(xml: bytes) -> dict[str, str]:
    """Text of each comment by its cell."""
    texts = {}
    for comment in ElementTree.fromstring(xml).iter():
        if comment.tag.endswith("}comment"):
            parts = (node.text or "" for node in comment.iter() if node.tag.endswith("}t"))
            texts[str(comment.get("ref"))] = " ".join("".join(parts).split())
    return texts


def _grid(content: bytes, sheet: Any, xml: bytes | None, notes: dict[str, str]) -> Grid:
    """Read the values of one sheet and the marks that change their meaning."""
    xml = xml or b""
    sheet.reset_dimensions()
    rows = _values(sheet)
    if b"<f>" in xml or b"<f " in xml or b":f>" in xml:
        _mark_formulas(content, sheet.title, rows)
    head, _, tail = xml.partition(b"<sheetData")
    return Grid(
        name=sheet.title,
        rows=rows,
        visible=sheet.sheet_state == "visible",
        hidden_rows=_hidden_rows(xml),
        hidden_columns=_hidden_columns(head),
        merged=tuple(m.decode() for m in _MERGE.findall(tail)),
        notes=notes,
    )


def _values(sheet: Any) -> list[list[Any]]:
    """Cell values row by row, without trailing blank rows, within bounds."""
    rows: list[list[Any]] = []
    for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS)):
        values = [_value(cell) for cell in row]
        while values and values[-1] is None:
            values.pop()
        if not values:
            continue
        if number >= MAX_ROWS:
            raise UnreadableFileError(
                f"The sheet {sheet.title!r} has data below row {MAX_ROWS:,}.", code="MA107"
            )
        rows.extend([] for _ in range(number - len(rows)))
        rows.append(values)
    return rows


def _value(cell: Any) -> Any:
    """One value with its kind: error, percentage or plain."""
    value = cell.value
    if value is None or value.__class__ is str:
        return ErrorCell(value) if value is not None and cell.data_type == "e" else value
    if value.__class__ in {int, float} and "%" in (cell.number_format or ""):
        return PercentCell(value)
    return value


def _mark_formulas(content: bytes, title: str, rows: list[list[Any]]) -> None:
    """Put a marker where a formula has no stored value."""
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
    sheet = book[title]
    sheet.reset_dimensions()
    for index, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS)):
        if index >= MAX_ROWS:
            break
        for column, cell in enumerate(row):
            if cell.data_type != "f":
                continue
            while len(rows) <= index:
                rows.append([])
            values = rows[index]
            values.extend([None] * (column + 1 - len(values)))
            if values[column] is None:
                values[column] = FormulaCell(_formula_text(cell.value))
    book.close()


def _formula_text(value: Any) -> str:
    text = str(getattr(value, "text", value))
    return text if text.startswith("=") else f"={text}"


def _hidden_rows(xml: bytes) -> frozenset[int]:
    numbers = set()
    if not _HIDDEN.search(xml):
        return frozenset()
    for match in _ROW.finditer(xml):
        if _HIDDEN.search(match[1]):
            number = re.search(rb'\br="(\d+)"', match[1])
            if number:
                numbers.add(int(number[1]))
    return frozenset(numbers)


def _hidden_columns(head: bytes) -> frozenset[int]:
    numbers: set[int] = set()
    for match in _COLUMN.finditer(head):
        if _HIDDEN.search(match[1]):
            low = re.search(rb'min="(\d+)"', match[1])
            high = re.search(rb'max="(\d+)"', match[1])
            if low and high:
                numbers.update(range(int(low[1]), min(int(high[1]), MAX_COLUMNS) + 1))
    return frozenset(numbers)


def merged_bounds(reference: str) -> tuple[int, int, int, int]:
    """Return first column, first row, last column and last row of ``A5:B7``."""
    corners = re.findall(r"([A-Z]+)(\d+)", reference)
    (c1, r1), (c2, r2) = corners[0], corners[-1]
    return column_index_from_string(c1), int(r1), column_index_from_string(c2), int(r2)
