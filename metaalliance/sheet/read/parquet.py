"""Read .parquet by pyarrow, a batch of rows at a time."""

from __future__ import annotations

import io
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import Grid, Room, check_size, whole
from metaalliance.sheet.read.limits import (
    MAX_CELLS,
    MAX_LONG_CELLS,
    MAX_LONG_ROWS,
    MAX_SPREAD,
    MAX_UNPACKED,
    PAGE,
)
from metaalliance.sheet.read.optional import library
from metaalliance.sheet.read.variables import Variable, grid_of, listed


def read_parquet(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return the table of a Parquet file as a sheet.

    Raises
    ------
    UnreadableFileError
        When pyarrow is not installed, or the file is broken or too large.
    """
    parquet = library("pyarrow.parquet", name, "a Parquet file")
    arrow = library("pyarrow", name, "a Parquet file")
    with whole(name, "it is no Parquet file that can be read"):
        file = parquet.ParquetFile(io.BytesIO(content))
        cells = min(max(MAX_CELLS, MAX_SPREAD * len(content)), MAX_LONG_CELLS)
        _check_declared(file.metadata, name, cells)
        table = file.read(use_threads=False)
        fields = list(table.schema)
        plain = [(i, f.name) for i, f in enumerate(fields) if _is_plain(arrow, f.type)]
        variables = [_variable(table.column(i), title) for i, title in plain]
    grid, found = grid_of(name, variables, rows=MAX_LONG_ROWS, cells=cells)
    dropped = [f.name for i, f in enumerate(fields) if (i, f.name) not in plain]
    if dropped:
        message = f"columns that hold lists or binary data are not read: {listed(dropped)}."
        found.insert(0, notice("MA122", message))
    return [grid], found


def _check_declared(metadata: Any, name: str, cells: int) -> None:
    """Refuse what the file declares beyond the bounds, before its data are read."""
    check_size(name, metadata.num_rows, metadata.num_columns, MAX_LONG_ROWS)
    Room(name, cells).take(metadata.num_rows * metadata.num_columns)
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if size > MAX_UNPACKED:
        raise UnreadableFileError(
            f"{name} unpacks to more than {MAX_UNPACKED // 2**20} MB ({PAGE}).", code="MA107"
        )


def _is_plain(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    if types.is_dictionary(kind):
        return _is_plain(arrow, kind.value_type)
    return not (types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _variable(column: Any, name: str) -> Variable:
    """One column; levels of a category keep their order."""
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind) and types.is_string(kind.value_type):
        values = column.to_pylist()
        levels = [t for chunk in column.chunks for t in chunk.dictionary.to_pylist() if t]
        return Variable(name=name, values=values, order=tuple(dict.fromkeys(levels)))
    if types.is_timestamp(kind):  # nanoseconds need pandas
        from pyarrow import timestamp

        column = column.cast(timestamp("us", tz=kind.tz), safe=False)
    if types.is_decimal(kind):
        return Variable(
            name=name, values=[None if v is None else float(v) for v in column.to_pylist()]
        )
    if types.is_string(kind) or types.is_large_string(kind):  # equal texts are one object
        shared: list[Any] = []
        for chunk in column.dictionary_encode().chunks:
            texts = [*chunk.dictionary.to_pylist(), None]
            places = chunk.indices.fill_null(len(texts) - 1).to_pylist()
            shared += [texts[place] for place in places]
        return Variable(name=name, values=shared)
    return Variable(name=name, values=column.to_pylist())
