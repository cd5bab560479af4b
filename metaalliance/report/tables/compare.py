"""Two versions of a sheet as text, tables, a workbook and a JSON document."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from metaalliance.moderation.frames import records
from metaalliance.report.tables.table import Field, Table
from metaalliance.robustness.comparison import Comparison
from metaalliance.wording.untrusted import printable

#: Rows and cells of each kind that the terminal lists.
FIRST_ROWS = 10
_KINDS = {"removed": "rows removed", "changed": "rows changed", "added": "rows added"}


def step_table(found: Comparison) -> Table:
    """The pooled result from the old sheet to the new one."""
    is_r = found.new_fit is None or found.new_fit.measure != "generic"
    kind: Any = "r" if is_r else "number"
    name = "r" if is_r else "estimate"
    rows = [{**row, "kind": _KINDS[str(row["kind"])]} for row in records(found.to_frame())]
    total = {
        "kind": "total",
        "before": rows[0]["before"] if rows else math.nan,
        "after": rows[-1]["after"] if rows else math.nan,
        "change": found.total,
        "average": math.fsum(row["average"] for row in rows),
        "effects": sum(row["effects"] for row in rows),
    }
    return Table(
        title="From the old result to the new one",
        fields=(
            Field(key="kind", title="Step"),
            Field(key="rows", title="Rows", kind="count"),
            Field(key="effects", title="Effects touched", kind="count"),
            Field(key="before", title=f"{name} before", kind=kind),
            Field(key="after", title=f"{name} after", kind=kind),
            Field(key="change", title="Change", kind=kind, digits=4),
            Field(key="average", title="Mean of all orders", kind=kind, digits=4, optional=True),
        ),
        rows=(*rows, total),
        notes=("Order: removed, then changed, then added. The steps sum to the total.",),
        name="steps",
    )


def change_lines(found: Comparison, *, every: bool = False) -> list[str]:
    """Return removed, changed and added rows with their cells, as text."""
    lines: list[str] = []
    groups = (
        ("Removed", [_lone(row.row, row.suggestion) for row in found.changes.removed]),
        ("Changed", [line for pair in found.changes.changed for line in _pair(pair)]),
        ("Added", [_lone(row.row, row.suggestion) for row in found.changes.added]),
    )
    for title, entries in groups:
        if not entries:
            continue
        shown = entries if every else entries[:FIRST_ROWS]
        lines += [title, *(f"  {entry}" for entry in shown)]
        if len(shown) < len(entries):
            lines.append(f"  (+{len(entries) - len(shown):,} more; --all lists them)")
    return lines


def _lone(row: Any, suggestion: str) -> str:
    hint = f" ({printable(suggestion)})" if suggestion else ""
    return f"{printable(row.sheet)}, row {row.number}: {printable(row.study)}{hint}"


def _pair(pair: Any) -> list[str]:
    """One line per cell that says something else."""
    return [
        f"{printable(cell.study)}, {printable(cell.column)}: {_shown(cell.old)} "
        f"({printable(cell.old_cell)}) → {_shown(cell.new)} ({printable(cell.new_cell)})"
        for cell in pair.cells
        if cell.kind == "value"
    ]


def _shown(value: Any) -> str:
    if value is None:
        return "blank"
    return f"{value:.10g}" if isinstance(value, float) else printable(value)


def compare_sheets(found: Comparison) -> dict[str, Any]:
    """Return the sheets of compare.xlsx."""
    steps = found.to_frame() if found.steps else pd.DataFrame([{"reason": found.reason}])
    rows = pd.DataFrame([{**r.to_dict(), "columns": ", ".join(r.columns)} for r in found.rows])
    cells = pd.DataFrame([cell.to_dict() for cell in found.changes.cells])
    settings = [
        ("setting", "value"),
        *found.settings.items(),
        ("old file", found.old.file),
        ("old sha256", found.old.sha256),
        ("new file", found.new.file),
        ("new sha256", found.new.sha256),
    ]
    return {
        "Steps": steps,
        "Rows": rows,
        "Cells": cells,
        "Counts": [("quantity", "value"), *found.counts().items()],
        "Settings": settings,
    }
