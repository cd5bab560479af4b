"""What a sheet's XML says beside its values: merges, hidden rows and columns, comments."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from defusedxml import ElementTree
from openpyxl.utils import column_index_from_string
from openpyxl.worksheet._reader import WorkSheetParser

from metaalliance.sheet.read.limits import MAX_COLUMNS

#: Characters that the format writes as _x000D_.
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TRUE = frozenset({"1", "true"})


def unescaped(text: str) -> str:
    r"""Return text of a workbook with the characters that the format escapes.

    Examples
    --------
    >>> unescaped("Adler_x0009_1988")
    'Adler\t1988'
    """
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text


def merged_ranges(parser: WorkSheetParser) -> tuple[str, ...]:
    """Merged ranges of a sheet that has been parsed."""
    merged = parser.merged_cells
    return tuple(str(area.ref) for area in merged.mergeCell) if merged is not None else ()


def hidden_rows(parser: WorkSheetParser) -> frozenset[int]:
    """Numbers of the rows that a sheet hides."""
    rows = parser.row_dimensions.items()
    return frozenset(int(number) for number, row in rows if row.get("hidden") in _TRUE)


def hidden_columns(parser: WorkSheetParser) -> frozenset[int]:
    """Numbers of the columns that a sheet hides."""
    hidden = (c for c in parser.column_dimensions.values() if c.get("hidden") in _TRUE)
    ranges = (range(int(c["min"]), min(int(c["max"]), MAX_COLUMNS) + 1) for c in hidden)
    return frozenset(number for columns in ranges for number in columns)


def cell_comments(content: bytes, book: Any) -> dict[str, dict[str, str]]:
    """Comments on cells by sheet, which the streaming reader does not show."""
    return {title: _comment_texts(xml) for title, xml in _related(content, book, "/comments")}


def totals_rows(content: bytes, book: Any) -> dict[str, frozenset[int]]:
    """Rows by sheet that a table has as its totals."""
    found: dict[str, frozenset[int]] = {}
    for title, xml in _related(content, book, "/table"):
        table = ElementTree.fromstring(xml)
        count = int(table.get("totalsRowCount", "0"))
        if count > 0:
            last = merged_bounds(str(table.get("ref")))[3]
            rows = range(max(last - count + 1, 1), last + 1) if count <= 10 else ()
            found[title] = found.get(title, frozenset()) | frozenset(rows)
    return found


def _related(content: bytes, book: Any, kind: str) -> Iterator[tuple[str, bytes]]:
    """Yield the title of a sheet and each part of a kind that belongs to it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        for sheet in book.worksheets:
            path = PurePosixPath(getattr(sheet, "_worksheet_path", ""))
            relations = str(path.parent / "_rels" / f"{path.name}.rels")
            if relations not in names:
                continue
            for relation in ElementTree.fromstring(archive.read(relations)):
                if not str(relation.get("Type", "")).endswith(kind):
                    continue
                target = posixpath.normpath(
                    posixpath.join(str(path.parent), str(relation.get("Target", "")))
                ).lstrip("/")
                target = target if target in names else str(relation.get("Target")).lstrip("/")
                if target in names:
                    yield sheet.title, archive.read(target)


def _comment_texts(xml: bytes) -> dict[str, str]:
    """Text of each comment by its cell."""
    texts = {}
    for comment in ElementTree.fromstring(xml).iter():
        if comment.tag.endswith("}comment"):
            parts = (node.text or "" for node in comment.iter() if node.tag.endswith("}t"))
            texts[str(comment.get("ref"))] = " ".join(unescaped("".join(parts)).split())
    return texts


def merged_bounds(reference: str) -> tuple[int, int, int, int]:
    """Return first column, first row, last column and last row of ``A5:B7``."""
    corners = re.findall(r"([A-Z]+)(\d+)", reference)
    (c1, r1), (c2, r2) = corners[0], corners[-1]
    return column_index_from_string(c1), int(r1), column_index_from_string(c2), int(r2)
