"""What the cells of a sheet said when a record was made, and which of them say something else."""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from metaalliance.coding.values import DIGITS, saved_alike
from metaalliance.problems import place_in
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.rows import Row
from metaalliance.sheet.studies import Studies
from metaalliance.sheet.texts import clean_text

#: Bytes that a coding may be of; a record of an attacker may stand for more than memory holds.
_MOST = 2**28

Coding = Mapping[str, Mapping[str, str]]


def coding_of(studies: Studies) -> dict[str, dict[str, str]]:
    """Return by row and column what the cells say, numbers to 15 digits."""
    return {str(row.number): coding_of_row(row) for row in studies.rows}


def exact_coding_of(studies: Studies) -> dict[str, dict[str, str]]:
    """Return by row and column what the cells say, numbers to every digit."""
    return {
        str(row.number): {name: cell.seen for name, cell in row.cells.items()}
        for row in studies.rows
    }


def coding_of_row(row: Row) -> dict[str, str]:
    """Return by column what the cells of a row say, numbers to 15 digits."""
    return {name: _text(row.seen(name), row.get(name)) for name in row.cells}


def _text(seen: str, value: Any) -> str:
    """Return what a cell says: a number to 15 digits, anything else as it stands there."""
    if not isinstance(value, float):
        exact = "." in seen and len(seen) > DIGITS and sum(c.isdigit() for c in seen) > DIGITS
        if not exact:
            return seen
    number = _number(seen)
    return seen if number is None else f"{number:.{DIGITS}g}"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def packed(coding: Coding) -> str:
    """Return a coding in a few letters for each row: JSON, compressed, in base64."""
    text = json.dumps(coding, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpacked(text: Any) -> Coding | None:
    """Return the coding of a record; None where it has none, as those of earlier versions."""
    try:
        found = zlib.decompressobj()
        coding: Coding = json.loads(found.decompress(base64.b64decode(text), _MOST))
    except (TypeError, ValueError, binascii.Error, zlib.error):
        return None
    return coding


def coding_now(record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Whether the cells are "same" or "changed" by the rows that are not as recorded.

    Blank where the record does not know what they said.
    """
    if unpacked(record.get("coding")) is None:
        return ""
    changed = any("cells" in row or row["what"] != "changed" for row in rows)
    return "changed" if changed else "same"


def changed_cells(before: Mapping[str, str], row: Row, scheme: Scheme) -> list[dict[str, str]]:
    """Return the cells of a row that say something else now.

    Another word for the level of a vocabulary is none. Each has its `cell`, its `column`, and
    what it `recorded` and says `now`, blank where there is nothing.
    """
    now = coding_of_row(row)
    return [
        {
            "cell": _place(row, column),
            "column": column,
            "recorded": before.get(column, ""),
            "now": now.get(column, ""),
        }
        for column in {**before, **now}
        if not _alike(before.get(column, ""), now.get(column, ""), column, scheme)
    ]


def _place(row: Row, column: str) -> str:
    cell = row.cells.get(column)
    sheet = (cell.sheet if cell else "") or row.sheet
    return place_in(sheet, cell.cell if cell else row.place(column))


def _alike(before: str, now: str, column: str, scheme: Scheme) -> bool:
    """Whether two texts are one coding: saved again, or read as the same level or number."""
    if saved_alike(before, now):
        return True
    vocabulary, known = scheme.vocabulary_of(column), COLUMNS.get(column)
    if vocabulary is not None:
        level = vocabulary.find(clean_text(before))
        return level is not None and level == vocabulary.find(clean_text(now))
    old, new = _number(before), _number(now)
    if old is None or old != new:
        return False
    return not old.is_integer() if known is None else known.kind in {"number", "count"}
