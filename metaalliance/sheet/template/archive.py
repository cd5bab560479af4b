"""What every workbook that is written shares: repeatable bytes, inert text, one font."""

from __future__ import annotations

import io
import re
import textwrap
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.writer.excel import ExcelWriter

LONGEST_TEXT = 32_767
LINE_HEIGHT = 15
LETTERS_PER_UNIT = 1.15  # running text is narrower than the digits that widths count
MOST_LINES = 12
_EPOCH = (2000, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms)")
_ILLEGIBLE = re.compile("[\ud800-\udfff\ufffe\uffff]")
_LIVE = ("=", "+", "-", "@")


def workbook_bytes(book: Workbook, title: str) -> bytes:
    """Return a workbook as a file, with fixed timestamps and this tool as its author."""
    book.properties.creator = "metaalliance"
    book.properties.title = title
    return saved(book)


def saved(book: Workbook) -> bytes:
    """Return a workbook as a file with fixed timestamps; it is packed once, by `repeatable`."""
    buffer = io.BytesIO()
    ExcelWriter(book, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=True)).save()
    return repeatable(buffer.getvalue())


def repeatable(content: bytes) -> bytes:
    """Rewrite an archive with fixed timestamps, so that equal content gives equal bytes."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "docProps/core.xml":
                data = _STAMP.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", data)
            info = zipfile.ZipInfo(entry.filename, date_time=_EPOCH)
            packed = entry.filename.endswith(".png")
            info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    return buffer.getvalue()


@lru_cache(maxsize=8192)  # labels and levels stand in many rows
def allowed_text(text: str) -> str:
    r"""Return text without the characters that the format forbids, within its longest length.

    Examples
    --------
    >>> allowed_text("Adler\x0b 1988")
    'Adler 1988'
    """
    return _ILLEGIBLE.sub("\ufffd", ILLEGAL_CHARACTERS_RE.sub("", text))[:LONGEST_TEXT]


def write_text(cell: Any, text: str) -> None:
    """Write text into a cell as text, whatever it looks like; it stays text when it is edited."""
    cell.value = allowed_text(text)
    cell.data_type = "s"
    if text.startswith(_LIVE):
        cell.quotePrefix = True


def font(**changes: Any) -> Font:
    """Return the font of a new workbook with changes; without a name it would not be that font."""
    return Font(**{"name": "Calibri", "size": 11, "family": 2, **changes})


def row_height(texts: Iterable[tuple[str, float]]) -> float:
    """Return the height in points of a row whose texts wrap in columns of the given widths.

    Spreadsheet programs differ in whether they fit a row without a height when they open it.

    Examples
    --------
    >>> row_height([("a text of several words", 12), ("short", 12)])
    30
    """
    lines = [
        len(textwrap.wrap(text, max(int(LETTERS_PER_UNIT * width), 1))) for text, width in texts
    ]
    return LINE_HEIGHT * min(max([1, *lines]), MOST_LINES)
