"""The sheet `Problems` of a checked copy: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from openpyxl.styles import Alignment, Border, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from metaalliance.messages import MESSAGES
from metaalliance.problems import Problem
from metaalliance.sheet.columns.specification import find_column
from metaalliance.sheet.template.archive import font, row_height, write_text

#: Colours of severities.
FILLS = {
    "error": PatternFill("solid", fgColor="F4A7A0"),
    "warning": PatternFill("solid", fgColor="FFE699"),
    "note": PatternFill("solid", fgColor="DDEBF7"),
}

_ORDER = tuple(FILLS)
_HAIR = Side(style="thin", color="D9D9D9")
_HEADER_FILL = PatternFill("solid", fgColor="D9D9D9")
_WRAPPED = Alignment(vertical="top", wrap_text=True)
_LINK = {"color": "0563C1", "underline": "single"}
_COLUMNS = {"severity": 10, "code": 9, "cell": 13, "in study": 30, "column": 20, "seen": 24,
            "message": 56, "what to do": 56}  # fmt: skip


def gravity(problem: Problem) -> int:
    """Return the rank of a problem, errors first."""
    return _ORDER.index(problem.severity)


def hint_of(problem: Problem) -> str:
    """Return what to do about a problem: its own hint, or that of its code."""
    return problem.hint or (MESSAGES[problem.code].remedy if problem.code in MESSAGES else "")


def write_problems(sheet: Any, titles: Mapping[str, str], problems: Iterable[Problem]) -> None:
    """One row a problem, errors first, with a link to its cell."""
    looks = _looks(sheet)
    for index, (title, width) in enumerate(_COLUMNS.items(), start=1):
        sheet.cell(1, index, title)._style = copy(looks["header"])
        sheet.column_dimensions[get_column_letter(index)].width = width
    ordered = sorted(problems, key=gravity)
    for row, problem in enumerate(ordered, start=2):
        _write_problem(sheet, row, problem, looks, several=len(titles) > 1)
        if problem.sheet in titles and problem.cell and " " not in problem.cell:
            target = titles[problem.sheet].replace("'", "''")
            location = f"'{target}'!{problem.cell}"
            sheet.cell(row, 3).hyperlink = Hyperlink(ref=f"C{row}", location=location)
            sheet.cell(row, 3)._style = copy(looks["link"])
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(_COLUMNS))}{len(ordered) + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _looks(sheet: Any) -> dict[str, Any]:
    """The few styles of the list, made once: openpyxl takes its time for each that is set."""
    cell = sheet["A1"]
    cell.font, cell.fill = font(bold=True), _HEADER_FILL
    looks = {"header": copy(cell._style)}
    cell.font, cell.fill = font(), PatternFill()
    cell.alignment, cell.border = _WRAPPED, Border(bottom=_HAIR)
    looks["text"] = copy(cell._style)
    cell.font = font(**_LINK)
    looks["link"] = copy(cell._style)
    cell.font = font()
    for severity, fill in FILLS.items():
        cell.fill = fill
        looks[severity] = copy(cell._style)
    return looks


def _write_problem(
    sheet: Any, row: int, p: Problem, looks: Mapping[str, Any], *, several: bool
) -> None:
    """The row of one problem."""
    place = p.place if several else p.cell
    entries = [p.severity, p.code, place, p.study, p.column, p.seen, p.message, hint_of(p)]
    texts = [_unlike_a_header(entry) for entry in entries]
    for index, text in enumerate(texts, start=1):
        cell = sheet.cell(row, index)
        cell._style = copy(looks["text"])
        if text:
            write_text(cell, text)
    sheet.cell(row, 1)._style = copy(looks[p.severity])
    height = row_height(zip(texts, _COLUMNS.values(), strict=True))
    sheet.row_dimensions[row].height = height


def _unlike_a_header(text: str) -> str:
    """Quote what would make the list pass for a sheet with effects: the name of their label."""
    return f"“{text}”" if find_column(text) == "study" else text
