"""Bytes of a file or of standard input, and the sheets in them."""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem
from metaalliance.sheet.columns.labels import named_by_labels
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.read.apart import read_apart
from metaalliance.sheet.read.delimited import read_delimited
from metaalliance.sheet.read.grid import Grid
from metaalliance.sheet.read.limits import MAX_HERE, MAX_SPREAD, MAX_TEXT, PAGE
from metaalliance.sheet.read.preflight import (
    check_length,
    read_bytes,
    read_within,
    sniff,
    unpacked_size,
)
from metaalliance.sheet.read.variables import listed, variable_problem
from metaalliance.sheet.read.xlsx import read_xlsx


def read_grids(path: str | Path) -> tuple[list[Grid], str]:
    """Return every sheet of a file, and the name of the file."""
    content, name = read_source(path)
    grids = parse_grids(content, name)[0]
    return [named_by_labels(grid, Scheme())[0] for grid in grids], name


def read_source(path: str | Path) -> tuple[bytes, str]:
    """Bytes and display name of a file, or of standard input."""
    if str(path) == "-":
        content = b"" if sys.stdin is None else read_within(sys.stdin.buffer)
        if not content:
            raise UnreadableFileError("Standard input is empty.", code="MA102")
        check_length(content, "Standard input")
        return content, "standard input"
    return read_bytes(Path(path)), display_name(Path(path).name)


def display_name(name: str) -> str:
    """Return a file name as text that can be printed and stored anywhere."""
    text = name.encode("utf-8", "replace").decode("utf-8", "replace")
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs"}) or "file"


def parse_grids(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Read every sheet of a file by what it is, whatever it is called.

    Text and workbooks of a usual size are read here; every other file by a process of its own,
    whose memory and time are bounded.
    """
    kind = sniff(content, name)
    if kind == "text":
        grids, found = read_delimited(content, name)
    elif kind == "xlsx" and unpacked_size(content) <= MAX_HERE:
        grids, found = read_xlsx(content, name)
    else:
        grids, found = read_apart(kind, content, name)
    letters, most = 0, MAX_TEXT
    if kind in {"text", "parquet"}:
        most = max(MAX_TEXT, MAX_SPREAD * len(content))
    for number, grid in enumerate(grids):
        letters += sum(len(v) for row in grid.rows for v in row if isinstance(v, str))
        if letters > most:
            raise UnreadableFileError(
                f"{name} holds more than {most:,} characters ({PAGE}).", code="MA107"
            )
        grids[number], more = _legible(grid)
        found += more
    return grids, [
        replace(
            p, message=whole_text(p.message), sheet=whole_text(p.sheet), cell=whole_text(p.cell)
        )
        for p in found
    ]


#: Halves of characters, which a file can only hold as an escape (_xD800_), and what is none.
_ILLEGIBLE = re.compile("[\ud800-\udfff\ufffe\uffff]")


def whole_text(text: str) -> str:
    r"""Return text in which halves of characters are joined, or replaced where one is missing.

    Examples
    --------
    >>> whole_text("Adler \ud83d\ude00, Berg \ud800")
    'Adler 😀, Berg �'
    """
    if text.isascii() or not _ILLEGIBLE.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _ILLEGIBLE.sub("\ufffd", joined)


def _is_poorer(text: str) -> bool:
    """Whether a character of a text has to be replaced."""
    return whole_text(text).count("\ufffd") > text.count("\ufffd")


def _legible(grid: Grid) -> tuple[Grid, list[Problem]]:
    """A sheet whose texts can be written anywhere, with a note where one had to be changed."""
    changed = []
    for number, row in enumerate(grid.rows, start=1):
        for column, value in enumerate(row, start=1):
            if isinstance(value, str) and not value.isascii() and _ILLEGIBLE.search(value):
                row[column - 1] = value.__class__(whole_text(value))
                if _is_poorer(value):
                    changed.append(grid.place(number, column))
    changed += [place for place, text in grid.notes.items() if _is_poorer(text)]
    renamed = _is_poorer(grid.name)
    grid = replace(
        grid,
        name=whole_text(grid.name),
        notes={place: whole_text(text) for place, text in grid.notes.items()},
        variables=tuple(map(whole_text, grid.variables)),
        labels={whole_text(n): whole_text(label) for n, label in grid.labels.items()},
        orders={c: tuple(map(whole_text, levels)) for c, levels in grid.orders.items()},
    )
    if not changed and not renamed:
        return grid, []
    where = listed(changed) if changed else "the name of the sheet"
    message = f"characters that no text can hold are read as '\ufffd' in {where}"
    first = whole_text(changed[0]) if changed else ""
    return grid, [variable_problem("MA127", grid.name, first, message)]
