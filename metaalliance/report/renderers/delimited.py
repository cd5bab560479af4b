"""Tables as CSV."""

from __future__ import annotations

import csv
import io

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
