"""Read .csv and .tsv text: encoding, separator and decimal comma found from the content."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import pairwise

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.columns.specification import find_column
from metaalliance.sheet.read.grid import ERROR_TEXTS, ErrorText, Grid, Room, check_size
from metaalliance.sheet.read.limits import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_LONG_CELLS,
    MAX_LONG_ROWS,
    PAGE,
)

_DECIMAL_COMMA = re.compile(r"^[−–-]?\d*,\d+$")


def read_delimited(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return the text table as the one grid of a file.

    Every value stays text: what is a number is decided cell by cell, as for a workbook.

    Raises
    ------
    UnreadableFileError
        When the bytes are no text, or the table exceeds its bounds.
    """
    text, encoding = _decode(content, name)
    if not text or text.isspace():
        raise UnreadableFileError(f"{name} is empty.", code="MA102")
    separator = _separator(text)
    rows = _rows(text, separator, name)
    if separator != ",":  # where a comma may be decimal, a surplus cell says nothing
        rows = _with_row_names(rows)
    comma = separator != "," and _uses_decimal_comma(rows)
    found = []
    if encoding != "UTF-8" or separator != "," or comma:
        shown = {"\t": "tab", ",": "comma", ";": "semicolon"}[separator]
        decimal = ", decimal comma" if comma else ""
        message = f"{name} was read as {encoding} text, separator {shown}{decimal}."
        found.append(notice("MA111", message, severity="note"))
    return [Grid(name=name, rows=rows, decimal_comma=comma)], found


def _decode(content: bytes, name: str) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace").lstrip("\ufeff"), "UTF-16"
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        pass
    if b"\x00" in content:
        raise UnreadableFileError(
            f"{name} is neither a workbook nor text; save it as .xlsx or 'CSV UTF-8'.",
            code="MA108",
        )
    return content.decode("cp1252", errors="replace"), "Windows-1252"


def _separator(text: str) -> str:
    """The separator under which one of the first lines names the most known columns."""
    head = "\n".join(_first_lines(text))

    def score(mark: str) -> tuple[int, int]:
        known, widest = 0, 0
        for line in csv.reader(io.StringIO(head), delimiter=mark):
            known = max(known, len({find_column(v) for v in line if v.strip()} - {None}))
            widest = max(widest, len(line))
        return known, widest

    try:
        scores = {mark: score(mark) for mark in ",;\t"}
    except csv.Error:
        return ","
    return max(scores, key=lambda mark: scores[mark])


#: Lines that are looked at for the separator, and characters that usually hold them.
_LINES, _BEGINNING = 30, 2**17


def _first_lines(text: str) -> list[str]:
    """The first lines that are not blank."""
    lines = [line for line in text[:_BEGINNING].splitlines() if line.strip()]
    if len(lines) <= _LINES and len(text) > _BEGINNING:
        lines = [line for line in text.splitlines() if line.strip()]
    return lines[:_LINES]


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


def _lines(text: str) -> Iterator[str]:
    """The lines of a text with their ends; one stream of all of it takes four times its memory."""
    return (found[0] for found in _LINE.finditer(text))


#: Texts that are kept, so that those which stand in many cells are one object.
_TEXTS = 50_000


def _value(text: str) -> object:
    bare = text.strip()
    if not bare:
        return None
    return ErrorText(text) if bare[0] == "#" and bare.upper() in ERROR_TEXTS else text


def _rows(text: str, separator: str, name: str) -> list[list[object]]:
    csv.field_size_limit(MAX_CELL)
    rows: list[list[object]] = []
    room = Room(name, MAX_LONG_CELLS)
    texts: dict[str, object] = {}
    try:
        for line in csv.reader(_lines(text), delimiter=separator, strict=True):
            if len(texts) > _TEXTS:
                texts.clear()
            values = [texts[v] if v in texts else texts.setdefault(v, _value(v)) for v in line]
            while values and values[-1] is None:
                values.pop()
            rows.append(values)
            room.take(1 + len(values))
            if len(rows) > MAX_LONG_ROWS or len(values) > MAX_COLUMNS:
                check_size(name, len(rows), len(values), MAX_LONG_ROWS)
    except csv.Error as error:
        if "field limit" in str(error):
            raise UnreadableFileError(
                f"{name} has a cell of more than {MAX_CELL:,} characters ({PAGE}); is a quote not "
                "closed?",
                code="MA107",
            ) from None
        raise UnreadableFileError(
            f"{name} is not a table ({error}): is a quote not closed?", code="MA104"
        ) from None
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _with_row_names(rows: list[list[object]]) -> list[list[object]]:
    """Give the row numbers of R's write.table a place in the header, which lacks it."""
    header, *below = rows
    filled = [row for row in below if row]
    numbers = [str(row[0]) for row in filled]
    longer = sum(len(row) == len(header) + 1 for row in filled)
    counted = len(filled) > 1 and all(n.isdigit() for n in numbers)
    rising = counted and all(int(a) < int(b) for a, b in pairwise(numbers))
    return [[None, *header], *below] if rising and longer >= 0.8 * len(filled) else rows


def _uses_decimal_comma(rows: list[list[object]]) -> bool:
    """Whether numbers with a comma occur and none with a point."""
    texts = [value.strip() for row in rows for value in row if isinstance(value, str)]
    commas = sum(bool(_DECIMAL_COMMA.match(t)) for t in texts)
    points = sum(bool(re.match(r"^[−–-]?\d*\.\d+$", t)) for t in texts)
    return commas > points
