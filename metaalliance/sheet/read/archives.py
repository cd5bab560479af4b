"""What jamovi's and JASP's archives have in common: JSON parts and columns of binary numbers."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import Grid, Room, check_size, whole

#: An integer that stands for a missing value.
MISSING = -(2**31)

Reader = Callable[[zipfile.ZipFile, str], tuple[list[Grid], list[Problem]]]


def read_archive(
    content: bytes, name: str, program: str, read: Reader
) -> tuple[list[Grid], list[Problem]]:
    """Read an archive that passed the preflight.

    Raises
    ------
    UnreadableFileError
        When a part is missing or broken.
    """
    with (
        whole(name, f"its parts are not those of a {program} file"),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        return read(archive, name)


def filtered(program: str, left_out: int) -> list[Problem]:
    """Say that rows which a program left out are read."""
    if not left_out:
        return []
    rows = "1 row" if left_out == 1 else f"{left_out} rows"
    return [notice("MA119", f"{program} left out {rows} by a filter; every row is read here.")]


def json_part(archive: zipfile.ZipFile, part: str) -> Any:
    """Return a JSON part, or an empty table where there is none."""
    if part not in archive.namelist():
        return {}
    return json.loads(archive.read(part))


def columns_of(
    data: bytes, rows: int, wide: Iterable[bool], name: str
) -> list[list[float | int | None]]:
    """Columns that stand one after another: eight-byte floats or four-byte integers.

    Raises
    ------
    UnreadableFileError
        When the file declares more rows or columns than it may have.
    ValueError
        When the data are shorter than declared.
    """
    kinds = list(wide)
    check_size(name, rows, len(kinds))
    Room(name).take(rows * len(kinds))
    if len(data) < sum(8 if w else 4 for w in kinds) * rows:
        raise ValueError("the data are shorter than declared")
    columns: list[list[float | int | None]] = []
    at = 0
    for is_wide in kinds:
        width, code = (8, "d") if is_wide else (4, "i")
        numbers = struct.unpack_from(f"<{rows}{code}", data, at)
        columns.append([None if n == MISSING or n != n else n for n in numbers])  # noqa: PLR0124
        at += width * rows
    return columns
