"""Path models as tables and a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metaalliance.models.paths.result import Masem
from metaalliance.models.paths.timing import timing_text
from metaalliance.moderation.frames import records
from metaalliance.report.tables.pooling import problem_rows
from metaalliance.report.tables.table import Field, Table, with_limits
from metaalliance.wording.phrases import level_text


def _numbers(level: float) -> tuple[Field, ...]:
    return (
        Field(key="estimate", title="Estimate", kind="r"),
        Field(key="se", title="SE", kind="r", optional=True),
        Field(key="ci", title=f"{level_text(level)} CI", kind="interval"),
        Field(key="p_value", title="p", kind="p"),
    )


def paths_table(found: Masem) -> Table:
    """Paths, covariances, moderators and defined parameters."""
    rows = [
        {**with_limits(row, correlation=True), "path": f"{row['lhs']} {row['op']} {row['rhs']}"}
        for row in records(found.to_frame())
    ]
    for row in rows:
        row["label"] = "" if row["op"] == ":=" else row["label"]
    kind = "likelihood" if found.interval == "likelihood" else "Wald"
    notes = [f"Standardised; {kind} intervals and tests.", *timing_text(found.table, found.syntax)]
    if any(p.added for p in found.syntax.paths):
        notes.insert(1, "Covariances of exogenous variables that the model does not name are free.")
    return Table(
        title="Paths, covariances and defined parameters",
        fields=(
            Field(key="path", title="Path"),
            Field(key="label", title="Label", optional=True),
            *_numbers(found.level),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        name="paths",
    )


def indirect_table(found: Masem) -> Table:
    """Direct, indirect and total effects."""
    rows = [
        {**with_limits(row, correlation=True), "estimate": row["indirect"]}
        for row in records(found.indirect)
    ]
    return Table(
        title="Indirect effects under the model",
        fields=(
            Field(key="source", title="From"),
            Field(key="target", title="To"),
            Field(key="direct", title="Direct", kind="r"),
            Field(key="total", title="Total", kind="r"),
            *(Field(key=f.key, title="Indirect", kind="r") if f.key == "estimate" else f
              for f in _numbers(found.level)),
        ),
        rows=tuple(rows),
        name="indirect-effects",
    )  # fmt: skip


def cells_table(found: Masem) -> Table:
    """The correlations of each pair of variables: how many, their mean, what the model implies."""
    return Table(
        title="Correlations by pair of variables",
        fields=(
            Field(key="var1", title="Variable"),
            Field(key="var2", title="with"),
            Field(key="n_studies", title="Studies", kind="count"),
            Field(key="n_correlations", title="Correlations", kind="count", optional=True),
            Field(key="r", title="Mean r", kind="r"),
            Field(key="implied", title="Implied", kind="r"),
            Field(key="tau", title="tau", kind="r"),
        ),
        rows=tuple(records(found.tau2)),
        name="correlations",
    )


def mediation_sheets(found: Masem, settings: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The sheets of mediation.xlsx, at full precision."""
    fit = found.fit.to_dict() | {"minus_two_log_likelihood": found.minus_two_log_likelihood}
    return {
        "Paths": found.paths,
        "Defined": found.defined,
        "Indirect effects": found.indirect,
        "Correlations": found.tau2,
        "Studies": found.per_study,
        "Fit": [("index", "value"), *fit.items(), *found.moderation.items()],
        "Problems": pd.DataFrame(problem_rows(found.told)),
        "Settings": [("setting", "value"), *settings],
    }
