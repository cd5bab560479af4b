"""A table of a Word document: three rules, a head that is repeated, no row cut in two."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.text.paragraph import Paragraph

from metaalliance.options import Paper
from metaalliance.report.manuscript.prose import symbols
from metaalliance.report.tables.table import Table, text_width
from metaalliance.sheet.template.archive import allowed_text

_SIZE, _WIDE_SIZE = 9, 8
_TWIPS_PER_MM = 56.7
#: Width and height of paper in mm.
PAPERS: dict[Paper, tuple[float, float]] = {"a4": (210, 297), "letter": (215.9, 279.4)}
_PORTRAIT_MM = 174
_MM_PER_LETTER = 0.19  # of a point of type size
_PADDING_MM = 4
_SHORT = 15
_TOGETHER = 26  # rows of a table that stays on one page
_HEADED, _ENDED = 4, 3  # rows of a longer one that stay with its caption and with its notes


def needs_landscape(table: Table) -> bool:
    """Whether the columns of a table are too wide for a page that stands upright.

    A short table may break its texts, a long one would become longer still.
    """
    needed = sum(_least(table, _WIDE_SIZE))
    if len(table.rows) > _SHORT:
        needed = sum(_wanted(table, _WIDE_SIZE))
    return needed > _PORTRAIT_MM


def write_table(book: Any, table: Table, *, room: float = _PORTRAIT_MM) -> None:
    """Add a table to a document, in a width of `room` mm.

    A short table stays on one page; of a longer one the head, with the caption above it, stays
    with the first rows, and the last rows with the notes.
    """
    cells = table.cells()
    grid = book.add_table(rows=min(len(cells), 2), cols=len(table.fields))
    grid.alignment = WD_TABLE_ALIGNMENT.LEFT
    grid.autofit = False
    size = _WIDE_SIZE if table.wide else _SIZE
    widths = _widths(table, size, room)
    _set_grid(grid, widths)
    for index, cell in enumerate(grid._cells):
        row, column = divmod(index, len(table.fields))
        field = table.fields[column]
        _fill(cell, cells[row][column], size, head=row == 0, right=field.kind != "text")
        cell._tc.get_or_add_tcPr().get_or_add_tcW().set(qn("w:w"), str(widths[column]))
    _repeat(grid, cells[2:])
    rows = grid._tbl.tr_lst
    for index, row in enumerate(rows):
        _property(row, "w:cantSplit")
        last = index == len(rows) - 1
        near = index < _HEADED or index >= len(rows) - _ENDED or len(rows) <= _TOGETHER
        for paragraph in row.iter(qn("w:p")):
            follows = bool(table.notes) if last else near
            Paragraph(paragraph, grid).paragraph_format.keep_with_next = follows or None
    _property(rows[0], "w:tblHeader")
    _rule(rows[0], "top", 12)
    _rule(rows[0], "bottom", 6)
    _rule(rows[-1], "bottom", 12)


def _repeat(grid: Any, cells: Sequence[Sequence[str]]) -> None:
    """Add rows like the last one, with other texts."""
    model = grid._tbl.tr_lst[-1]
    for texts in cells:
        row = deepcopy(model)
        for run, text in zip(row.iter(qn("w:r")), texts, strict=True):
            run.text = allowed_text(text)
        grid._tbl.append(row)


def _fill(cell: Any, text: str, size: float, *, head: bool, right: bool) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(1)
    paragraph.paragraph_format.space_before = Pt(1)
    if right:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for run in symbols(text).runs if head else ():
        added = paragraph.add_run(allowed_text(run.text))
        added.italic = run.look == "italic" or None
        added.font.size = Pt(size)
    if not head:
        paragraph.add_run(allowed_text(text)).font.size = Pt(size)


def _widths(table: Table, size: float, room: float) -> list[int]:
    """Widths in twentieths of a point: what the texts need, long texts sharing what is left."""
    least, wanted = _least(table, size), _wanted(table, size)
    spare = room - sum(least)
    extra = [want - low for want, low in zip(wanted, least, strict=True)]
    share = min(1.0, max(0.0, spare) / sum(extra)) if sum(extra) > 0 else 0.0
    shrink = min(1.0, room / sum(least))
    final = [shrink * low + share * more for low, more in zip(least, extra, strict=True)]
    return [round(_TWIPS_PER_MM * width) for width in final]


def _least(table: Table, size: float) -> list[float]:
    """Widths in mm below which a word or a number would break."""
    letter = _MM_PER_LETTER * size
    widths = []
    for field, column in zip(table.fields, zip(*table.cells(), strict=True), strict=True):
        whole = field.kind != "text"
        body = [text_width(t) if whole else _longest_word(t) for t in column[1:]]
        widths.append(letter * max([_longest_word(column[0]), *body]) + _PADDING_MM)
    return widths


def _wanted(table: Table, size: float) -> list[float]:
    """Widths in mm in which no text breaks."""
    letter = _MM_PER_LETTER * size
    columns = zip(*table.cells(), strict=True)
    return [letter * max(map(text_width, column)) + _PADDING_MM for column in columns]


def _longest_word(text: str) -> int:
    return max([1, *(text_width(word) for word in text.split())])


def _set_grid(grid: Any, widths: Sequence[int]) -> None:
    for column, width in zip(grid._tbl.tblGrid.gridCol_lst, widths, strict=True):
        column.set(qn("w:w"), str(width))


def _property(row: Any, name: str) -> None:
    row.get_or_add_trPr().append(OxmlElement(name))


def _rule(row: Any, side: str, size: int) -> None:
    """Draw a rule above or below every cell of a row; size in eighths of a point."""
    for cell in row.tc_lst:
        properties = cell.get_or_add_tcPr()
        borders = properties.find(qn("w:tcBorders"))
        if borders is None:
            borders = OxmlElement("w:tcBorders")
            properties.append(borders)
        rule = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", str(size)), ("color", "000000")):
            rule.set(qn(f"w:{name}"), value)
        borders.append(rule)
