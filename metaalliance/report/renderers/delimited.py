"""Tables as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from typing import Any

from metaalliance.models.scale import without_nan
from metaalliance.report.tables.table import Table
from metaalliance.report.workbooks.spreadsheet_text import inert


def table_csv(table: Table) -> str:
    """Return the table as CSV with the printed strings; text that a spreadsheet would run is inert.

    Examples
    --------
    >>> from metaalliance.report.tables.table import Field
    >>> fields = (Field(key="a", title="Study"), Field(key="r", title="r", kind="r", digits=2))
    >>> print(table_csv(Table(title="T", fields=fields, rows=({"a": "=1+1", "r": -0.2},))), end="")
    Study,r
    '=1+1,−.20
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([inert(text) for text in row] for row in table.cells())
    return buffer.getvalue()


def table_json(table: Table) -> dict[str, Any]:
    """Return the table with the value and the printed string of each cell."""
    rows = [
        {f.key: {"value": row.get(f.key), "text": f.text(row.get(f.key))} for f in table.fields}
        for row in table.rows
    ]
    content = {
        "name": table.name,
        "title": table.title,
        "columns": [{"key": f.key, "title": f.title, "kind": f.kind} for f in table.fields],
        "rows": rows,
        "notes": list(table.notes),
    }
    cleaned: dict[str, Any] = without_nan(content)
    return cleaned
