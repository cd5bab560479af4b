"""A Word file of the team with fields, in whose place come results, texts, tables and figures."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.shared import Mm
from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree

from metaalliance.errors import OptionError
from metaalliance.report.manuscript.document import CHAPTERS, Block, Document, Figure
from metaalliance.report.manuscript.prose import Prose, Run, symbols
from metaalliance.report.renderers.word import write_prose
from metaalliance.report.renderers.word_table import write_table
from metaalliance.report.tables.table import Table
from metaalliance.sheet.read.preflight import check_archive, read_bytes
from metaalliance.sheet.template.archive import allowed_text, repeatable
from metaalliance.wording.numbers import number, p_text, percent


def filled_template(path: Path, document: Document, values: Mapping[str, Any]) -> bytes:
    """Return a Word file whose fields have the values of the results.

    Parameters
    ----------
    path : Path
        A .docx file with fields of Jinja, such as ``{{ r }}`` or ``{{p tables.models }}``.
    document : Document
        The report: its sections, tables and figures can be called by their names.
    values : mapping
        Results by their names, as `template_values` has them.

    Raises
    ------
    UnreadableFileError
        When the file is no Word file, or one that does harm.
    OptionError
        When a field has no value or cannot be read, or docxtpl is not installed.
    """
    try:
        from docxtpl import DocxTemplate
    except ImportError:
        raise OptionError(
            "A template of Word needs docxtpl: pip install 'metaalliance[template]'."
        ) from None
    content = read_bytes(path)
    if "word/document.xml" not in check_archive(content, path.name):
        raise OptionError(f"{path.name} is no Word file (.docx).")
    book = DocxTemplate(io.BytesIO(content))
    context = {**values, **_parts(document, book)}
    try:
        book.render(context, jinja_env=_environment(), autoescape=True)
    except UndefinedError as error:
        known = ", ".join(sorted(context))
        raise OptionError(f"{path.name}: {error.message}. Known are: {known}.") from None
    except (TemplateError, SecurityError) as error:
        raise OptionError(f"{path.name}: a field cannot be read: {error}.") from None
    buffer = io.BytesIO()
    book.save(buffer)
    return repeatable(buffer.getvalue())


def _environment() -> SandboxedEnvironment:
    """Fields read values; they call nothing of Python, and an unknown name is an error."""
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
    environment.filters |= {"r": _r, "number": _number, "percent": _percent, "p": _p}
    return environment


def _r(value: Any, digits: int = 2) -> str:
    return number(_real(value), digits, correlation=True)


def _number(value: Any, digits: int = 2) -> str:
    return number(_real(value), digits)


def _percent(value: Any, digits: int = 0) -> str:
    return percent(_real(value), digits)


def _p(value: Any) -> str:
    return p_text(_real(value))


def _real(value: Any) -> float:
    """A number; one that is missing, which a dash will stand for."""
    return math.nan if value is None else float(value)


class Blocks:
    """Paragraphs and tables that stand in place of the paragraph of their field."""

    def __init__(self, document: Document, blocks: Sequence[Block], book: Any) -> None:
        self._document, self._blocks, self._book = document, blocks, book

    def __html__(self) -> str:
        scratch = docx.Document()
        before = len(scratch.element.body)
        for block in self._blocks:
            self._write(scratch, block)
        added = scratch.element.body[before - 1 : -1]  # the last one holds the page
        return "".join(etree.tostring(one, encoding="unicode") for one in added)

    __str__ = __html__

    def _write(self, scratch: Any, block: Block) -> None:
        numbers = self._document.numbers()
        if isinstance(block, Prose):
            write_prose(scratch.add_paragraph(), self._document.resolve(block))
        elif isinstance(block, Table):
            _caption(scratch, numbers[f"table:{block.name}"], block.title)
            section = self._book.docx.sections[0]
            room = section.page_width.mm - section.left_margin.mm - section.right_margin.mm
            write_table(scratch, block, room=float(room))
            for note in block.notes:
                text = Prose((Run("Note.", "italic"),)) + symbols(note)
                write_prose(scratch.add_paragraph(), text)
        for style in scratch.element.body.iter(qn("w:pStyle"), qn("w:tblStyle")):
            style.getparent().remove(style)


def _caption(scratch: Any, number_of: str, title: str) -> None:
    first, second = scratch.add_paragraph(), scratch.add_paragraph()
    first.add_run(number_of).bold = True
    for run in symbols(title).runs:
        second.add_run(allowed_text(run.text)).italic = run.look != "italic" or None
    for paragraph in (first, second):
        paragraph.paragraph_format.keep_with_next = True


def _parts(document: Document, book: Any) -> dict[str, Any]:
    """Sections, tables and figures by their names, with _ for hyphens."""
    sections = {
        _name(section.key): {
            chapter: Blocks(document, getattr(section, chapter), book) for chapter in CHAPTERS
        }
        for section in document.sections
    }
    return {
        "sections": sections,
        "tables": {_name(t.name): Blocks(document, (t,), book) for t in document.tables()},
        "figures": dict(_figures(document, book)),
        "summary": Blocks(document, document.summary, book),
        "references": Blocks(document, [_work(work.apa()) for work in document.works()], book),
    }


def _figures(document: Document, book: Any) -> Iterator[tuple[str, Any]]:
    """Figures by their names; those of several pages by name_1, name_2, and so on, too."""
    from docxtpl import InlineImage

    for figure in document.figures():
        pages = [_picture(InlineImage, figure, png, book) for _, png in figure.pages]
        yield _name(figure.name), pages[0]
        for index, page in enumerate(pages, start=1):
            yield f"{_name(figure.name)}_{index}", page


def _picture(make: Any, figure: Figure, png: bytes, book: Any) -> Any:
    return make(book, io.BytesIO(png), width=Mm(figure.width_mm))


def _name(name: str) -> str:
    return name.replace("-", "_")


def _work(parts: tuple[str, str, str]) -> Prose:
    before, italic, after = parts
    return Prose((Run(before), Run(italic, "italic"), Run(after)))
