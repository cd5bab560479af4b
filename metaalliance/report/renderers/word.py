"""The report as a Word document in the style of the American Psychological Association."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from metaalliance.report.manuscript.document import CHAPTERS, Document, Figure, Section
from metaalliance.report.manuscript.prose import Prose, Run, symbols
from metaalliance.report.renderers.word_table import PAPERS, needs_landscape, write_table
from metaalliance.report.tables.table import Table
from metaalliance.sheet.template.archive import allowed_text, repeatable

FONT = "Times New Roman"
MARGIN = 18
#: Widest figure that stands on every page.
WIDEST_MM = PAPERS["a4"][0] - 2 * MARGIN


def report_docx(document: Document) -> bytes:
    """Return the report as a .docx file.

    Tables have three rules, a numbered caption above and notes below; figures have their exact
    width and their alternative text; wide tables stand on landscape pages. Equal content gives
    equal bytes.
    """
    book = docx.Document()
    _set_up(book, document)
    book.add_paragraph(allowed_text(document.title), style="Title")
    if document.authors:
        authors = book.add_paragraph(allowed_text(document.authors))
        authors.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if document.summary:
        book.add_heading("Summary", 1)
    for text in document.summary:
        write_prose(book.add_paragraph(), document.resolve(text))
    for name, heading in CHAPTERS.items():
        parts = [part for part in document.sections if getattr(part, name)]
        for index, part in enumerate(parts):
            first = getattr(part, name)[0]
            turned = isinstance(first, Table) and _turns(first)
            if turned:  # before the headings, which would be left alone on a page
                _turn(book, landscape=True)
            if index == 0:
                book.add_heading(heading, 1)
            book.add_heading(allowed_text(part.title), 2)
            _write_section(book, document, part, name, turned=turned)
    _write_references(book, document)
    buffer = io.BytesIO()
    book.save(buffer)
    return repeatable(buffer.getvalue())


def tables_docx(title: str, tables: Sequence[Table]) -> bytes:
    """Return tables as a Word document of their own, without numbers."""
    book = docx.Document()
    _set_up(book, Document(title=title))
    book.add_paragraph(allowed_text(title), style="Title")
    _turn(book, landscape=True)
    for table in tables:
        book.add_heading(allowed_text(table.title), 2)
        write_table(book, table, room=_room(book))
        for note in table.notes:
            write_prose(book.add_paragraph(), Prose((Run(note),)))
    buffer = io.BytesIO()
    book.save(buffer)
    return repeatable(buffer.getvalue())


def write_prose(paragraph: Any, text: Prose) -> None:
    """Add the runs of a paragraph."""
    for run in text.runs:
        _add_run(paragraph, run)


def _add_run(paragraph: Any, run: Run) -> None:
    added = paragraph.add_run(allowed_text(run.text))
    added.italic = run.look == "italic" or None
    added.bold = run.look == "bold" or None


def _set_up(book: Any, document: Document) -> None:
    """Page, fonts, properties, page numbers."""
    properties = book.core_properties
    properties.title, properties.author = allowed_text(document.title)[:255], "metaalliance"
    properties.comments = ""
    page = book.sections[0]
    page.page_width, page.page_height = map(Mm, PAPERS[document.page])
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(page, side, Mm(MARGIN))
    _look(book.styles["Normal"], 11)
    book.styles["Normal"].paragraph_format.space_after = Pt(6)
    for name, size in (("Title", 16), ("Heading 1", 14), ("Heading 2", 12), ("Caption", 11)):
        style = book.styles[name]
        _look(style, size)
        style.font.bold = True
        style.font.color.rgb = RGBColor(0, 0, 0)
    _remove_border(book.styles["Title"])
    number = page.footer.paragraphs[0]
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _field(number, "PAGE", "1")


def _look(style: Any, size: float) -> None:
    style.font.name, style.font.size = FONT, Pt(size)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        if name.endswith("Theme"):
            del fonts.attrib[name]
    for kind in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(kind), FONT)


def _remove_border(style: Any) -> None:
    """Take away the coloured line under a title."""
    properties = style.element.get_or_add_pPr()
    for border in properties.findall(qn("w:pBdr")):
        properties.remove(border)


def _field(paragraph: Any, instruction: str, shown: str) -> None:
    """Add a field, which Word can update."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), f" {instruction} ")
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = shown
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def _write_section(
    book: Any, document: Document, section: Section, name: str, *, turned: bool
) -> None:
    """Write the blocks of a section; `turned` says that the page of the first lies already."""
    numbers = document.numbers()
    for index, block in enumerate(getattr(section, name)):
        if isinstance(block, Prose):
            write_prose(book.add_paragraph(), document.resolve(block))
        elif isinstance(block, Table):
            ready = turned and index == 0
            _write_table(book, block, numbers[f"table:{block.name}"], ready=ready)
        elif isinstance(block, Figure):
            note = document.resolve(block.note)
            _write_figure(book, block, numbers[f"figure:{block.name}"], note)


def _caption(book: Any, number: str, title: str) -> None:
    """Number in bold, title in italics below it, as APA asks."""
    first = book.add_paragraph(style="Caption")
    kind, _, value = number.partition(" ")
    lead = first.add_run(f"{kind} ")
    if value.isdigit():
        _field(first, f"SEQ {kind} \\* ARABIC", value)
    else:
        lead.text = number
    second = book.add_paragraph()
    for run in symbols(title).runs:
        added = second.add_run(allowed_text(run.text))
        added.italic = run.look != "italic" or None  # symbols are upright within italics
    for paragraph in (first, second):
        paragraph.paragraph_format.keep_with_next = True
        paragraph.paragraph_format.space_after = Pt(2)


def _turns(table: Table) -> bool:
    return table.wide and needs_landscape(table)


def _write_table(book: Any, table: Table, number: str, *, ready: bool) -> None:
    turned = _turns(table)
    if turned and not ready:
        _turn(book, landscape=True)
    _caption(book, number, table.title)
    write_table(book, table, room=_room(book))
    for index, note in enumerate(table.notes, start=1):
        below = book.add_paragraph()
        below.paragraph_format.space_before = Pt(3)
        below.paragraph_format.keep_with_next = index < len(table.notes)
        write_prose(below, Prose((Run("Note.", "italic"),)) + symbols(note))
    if turned:
        _turn(book, landscape=False)


def _turn(book: Any, *, landscape: bool) -> None:
    """Begin a section of the other orientation; in an empty document turn its only one."""
    empty = len(book.paragraphs) < 2 and not book.tables
    section = book.sections[0] if empty else book.add_section()
    sides = sorted((section.page_width.mm, section.page_height.mm), reverse=landscape)
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(sides[0]), Mm(sides[1])


def _room(book: Any) -> float:
    """Width between the margins of the last section, in mm."""
    return float(book.sections[-1].page_width.mm) - 2 * MARGIN


def _write_figure(book: Any, figure: Figure, number: str, note: Prose) -> None:
    _caption(book, number, figure.title)
    for index, (_, png) in enumerate(figure.pages, start=1):
        picture = book.add_picture(io.BytesIO(png), width=Mm(figure.width_mm))
        described = picture._inline.docPr
        place = f" Page {index} of {len(figure.pages)}." if len(figure.pages) > 1 else ""
        described.set("descr", allowed_text(f"{figure.alt}{place}"))
        described.set("title", allowed_text(figure.title))
        described.set("name", f"{figure.name}-{index}")
        below = book.paragraphs[-1].paragraph_format
        below.space_after = Pt(2)
        below.keep_with_next = bool(note) and index == len(figure.pages)
    if note:
        write_prose(book.add_paragraph(), Prose((Run("Note.", "italic"),)) + note)


def _write_references(book: Any, document: Document) -> None:
    works = document.works()
    if works:
        book.add_heading("References", 1)
    for work in works:
        paragraph = book.add_paragraph()
        paragraph.paragraph_format.left_indent = Mm(12.7)
        paragraph.paragraph_format.first_line_indent = Mm(-12.7)
        before, italic, after = work.apa()
        write_prose(paragraph, Prose((Run(before), Run(italic, "italic"), Run(after))))
