"""Read .xls, .xlsb and .ods by python-calamine, which is an optional extra."""

from __future__ import annotations

import io
from typing import Any

from metaalliance.errors import UnreadableFileError
from metaalliance.problems import Problem, notice
from metaalliance.sheet.read.grid import MAX_COLUMNS, MAX_ROWS, Grid


def read_other(content: bytes, name: str) -> tuple[list[Grid], list[Problem]]:
    """Return every sheet of an .xls, .xlsb or .ods file.

    Error cells, formulas without a value, percent formats and hidden rows cannot be seen in
    these formats; a note says so.

    Raises
    ------
    UnreadableFileError
        When the extra is not installed, or the file cannot be read.
    """
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise UnreadableFileError(
            f"{name} is an .xls, .xlsb or .ods file. Save it as .xlsx, or install the readers: "
            "pip install 'metaalliance[formats]'.",
            code="MA104",
        ) from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        grids = [_grid(book, sheet) for sheet in book.sheets_metadata]
    except UnreadableFileError:
        raise
    except Exception as error:
        code = "MA103" if "assword" in str(error) else "MA105"
        raise UnreadableFileError(f"{name} cannot be read: {error}.", code=code) from error
    message = (
        f"{name}: this format does not show error cells, percent formats, hidden rows or formulas "
        "without a value; .xlsx does."
    )
    return grids, [notice("MA112", message, severity="note")]


def _grid(book: Any, metadata: Any) -> Grid:
    sheet = book.get_sheet_by_name(metadata.name)
    rows = [_row(values) for values in sheet.to_python(skip_empty_area=False)]
    while rows and not rows[-1]:
        rows.pop()
    if len(rows) > MAX_ROWS:
        raise UnreadableFileError(
            f"The sheet {metadata.name!r} has data below row {MAX_ROWS:,}.", code="MA107"
        )
    visible = str(metadata.visible).endswith("Visible")
    return Grid(name=metadata.name, rows=rows, visible=visible)


def _row(values: list[Any]) -> list[Any]:
    """Blank text as None, whole floats as they are, trailing blanks removed."""
    row = [None if isinstance(v, str) and not v.strip() else v for v in values[:MAX_COLUMNS]]
    while row and row[-1] is None:
        row.pop()
    return row
