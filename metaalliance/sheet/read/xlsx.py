"""Read .xlsx cell by cell: values, formulas without a value, formats, merges, hidden parts."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from defusedxml import ElementTree as Watchful
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils.cell import coordinate_to_tuple
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import (
    COL_TAG,
    FORMULA_TAG,
    INLINE_STRING,
    MERGE_TAG,
    ROW_TAG,
    WorkSheetParser,
)
from openpyxl.worksheet.merge import MergeCells
from openpyxl.xml.constants import SHEET_MAIN_NS

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import (
    ErrorCell,
    FormulaCell,
    Grid,
    PercentCell,
    Room,
    check_size,
    whole,
)
from metaalliance.sheet.read.limits import MAX_COLUMNS, MAX_FORMULAS, MAX_ROWS, PAGE
from metaalliance.sheet.read.strict import with_usual_names
from metaalliance.sheet.read.totals import sums_of
from metaalliance.sheet.read.xlsx_marks import (
    cell_comments,
    hidden_columns,
    hidden_rows,
    merged_ranges,
    totals_rows,
    unescaped,
)

_TEXT_TAG = f"{{{SHEET_MAIN_NS}}}t"
#: How a part begins that needs no watching: in UTF-8, and no document type before its root. None
#: can follow the root.
_BEGINS = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:<\?xml\ version=["']1\.0["'](?:\ encoding=["'](?i:utf-8)["'])?
    (?:\ standalone=["']\w+["'])?\s*\?>)?\s*<[A-Za-z]""",
    re.VERBOSE,
)


def read_xlsx(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every worksheet of a workbook that passed the preflight.

    Formulas are never evaluated: the value stored at the last save is used, and a formula
    without one is marked.

    Raises
    ------
    UnreadableFileError
        When openpyxl cannot read the workbook.
    """
    with whole(name, "its sheets cannot be read"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl on extensions that it does not keep
        content = with_usual_names(content)
        reader = _Reader(io.BytesIO(content), read_only=True, data_only=True)
        reader.read()
        book = reader.wb
        found = _archive_notices(content, name)
        comments = cell_comments(content, book)
        totals = totals_rows(content, book)
        room = Room(name)
        grids = [
            _grid(sheet, comments.get(sheet.title, {}), totals.get(sheet.title, frozenset()), room)
            for sheet in book.worksheets
            if hasattr(sheet, "_worksheet_path")
        ]
        book.close()
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


def _grid(sheet: Any, notes: dict[str, str], totals: frozenset[int], room: Room) -> Grid:
    """Read the values of one sheet and the marks that change their meaning."""
    with sheet._get_source() as source:
        parser = _Parser(source, sheet)
        rows = _values(parser, sheet.title, _percent_styles(sheet.parent), room)
    return Grid(
        name=unescaped(sheet.title),
        rows=rows,
        visible=sheet.sheet_state == "visible",
        hidden_rows=hidden_rows(parser),
        hidden_columns=hidden_columns(parser),
        merged=merged_ranges(parser),
        notes=notes,
        totals=totals,
        sums=sums_of(parser.formulas),
    )


class _Sheet(ReadOnlyWorksheet):  # type: ignore[misc]
    """A sheet that is not measured: one that does not say its size would be read to its end."""

    def _get_size(self) -> None:
        pass


class _Reader(ExcelReader):  # type: ignore[misc]
    """openpyxl's reader of a workbook."""

    def read_worksheets(self) -> None:
        """Find the sheets, and read those of charts."""
        for sheet, relation in self.parser.find_sheets():
            if relation.target not in self.valid_files:
                continue
            if "chartsheet" in relation.Type:
                self.read_chartsheet(sheet, relation)
                continue
            found = _Sheet(self.wb, sheet.name, relation.target, self.shared_strings)
            found.sheet_state = sheet.state
            self.wb._sheets.append(found)


class _Parser(WorkSheetParser):  # type: ignore[misc]
    """openpyxl's parser of a sheet; beside the stored value of a cell it keeps its formula.

    openpyxl's own rows are padded to the full width and to every missing row, which takes
    minutes for a sheet whose last row only has a format; its parser yields what is there. It also
    reads every part of a sheet, in Python, to watch for entities: here it is given the parts that
    are asked for, from the parser in C where no entity can be declared.
    """

    col_counter: int

    def __init__(self, source: Any, sheet: Any) -> None:
        book = sheet.parent
        super().__init__(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        self.formulas: dict[tuple[int, int], str] = {}
        self._title = sheet.title
        self._letters = 0

    def parse(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Give the cells of each row; keep hidden columns and merged cells."""
        source = ElementTree if _BEGINS.match(self.source.peek(200)) else Watchful
        for _, element in source.iterparse(self.source):
            if element.tag == ROW_TAG:
                row = self.parse_row(element)
                element.clear()
                yield row
            elif element.tag == COL_TAG:
                self.parse_column_dimensions(element)
            elif element.tag == MERGE_TAG:
                self.merged_cells = MergeCells.from_tree(element)

    def parse_cell(self, element: Any) -> dict[str, Any]:
        """Return one cell; a plain text of its own without openpyxl's objects of rich text."""
        text = _own_text(element)
        if text is not None:
            name = element.get("r")
            place = coordinate_to_tuple(name) if name else (self.row_counter, self.col_counter + 1)
            self.col_counter = place[1]
            return {"row": place[0], "column": place[1], "value": text, "data_type": "s",
                    "style_id": int(element.get("s", 0))}  # fmt: skip
        cell: dict[str, Any] = super().parse_cell(element)
        if element.find(FORMULA_TAG) is not None:
            formula = self.parse_formula(element)
            text = str(getattr(formula, "text", formula))
            self._letters += len(text)
            if self._letters > MAX_FORMULAS:
                raise UnreadableFileError(
                    f"The sheet {self._title!r} has formulas of more than {MAX_FORMULAS:,} "
                    f"characters ({PAGE}).",
                    code="MA107",
                )
            place = cell["row"], cell["column"]
            self.formulas[place] = text if text.startswith("=") else f"={text}"
            if cell["value"] is None and not _is_text(cell):
                cell["value"] = FormulaCell(self.formulas[place])
        return cell


def _own_text(element: Any) -> str | None:
    """Return the text that stands in a cell itself, where that is a single plain one."""
    if element.get("t") != "inlineStr" or len(element) != 1 or element[0].tag != INLINE_STRING:
        return None
    held = element[0]
    return (held[0].text or "") if len(held) == 1 and held[0].tag == _TEXT_TAG else None


def _values(parser: _Parser, title: str, percent: frozenset[int], room: Room) -> list[list[Any]]:
    """Cell values by row and column, within bounds; what lies outside is refused, not cut."""
    rows: list[list[Any]] = []
    for number, cells in parser.parse():
        filled = [cell for cell in cells if cell["value"] is not None or _is_text(cell)]
        if not filled:
            continue
        if number > MAX_ROWS or filled[-1]["column"] > MAX_COLUMNS:
            check_size(f"The sheet {title!r}", number, filled[-1]["column"])
        if number <= len(rows):
            raise ValueError(f"row {number} stands twice")
        room.take(number - len(rows) + filled[-1]["column"])
        rows.extend([] for _ in range(number - 1 - len(rows)))
        values: list[Any] = [None] * filled[-1]["column"]
        for cell in filled:
            values[cell["column"] - 1] = _value(cell, percent)
        rows.append(values)
    return rows


def _is_text(cell: dict[str, Any]) -> bool:
    return bool(cell["data_type"] in {"s", "str"})


def _percent_styles(book: Any) -> frozenset[int]:
    """Styles that show a number as a percentage."""
    formats = [
        book._number_formats[style.numFmtId - 164]
        if style.numFmtId >= 164
        else BUILTIN_FORMATS.get(style.numFmtId, "")
        for style in book._cell_styles
    ]
    return frozenset(index for index, code in enumerate(formats) if "%" in code)


def _value(cell: dict[str, Any], percent: frozenset[int]) -> Any:
    """One value with its kind: error, percentage or plain."""
    value = cell["value"]
    if value is None:
        return ""  # a formula whose stored result is blank text
    if value.__class__ is str:
        value = unescaped(value)
        return ErrorCell(value) if cell["data_type"] == "e" else value
    if value.__class__ in {int, float} and cell["style_id"] in percent:
        return PercentCell(value)
    return value
