"""Pooled reliabilities as tables and a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metaalliance.models.further.reliability import ReliabilityGeneralization
from metaalliance.moderation.frames import records
from metaalliance.report.tables.pooling import problem_rows
from metaalliance.report.tables.table import Field, Table, with_limits
from metaalliance.wording.phrases import level_text

_SCALES = {
    "bonett": "Pooled as -ln(1 - alpha) and transformed back.",
    "hakstian-whalen": "Pooled as 1 - (1 - alpha)^(1/3) and transformed back.",
}
_GROUP = (
    Field(key="side", title="Measure of"),
    Field(key="instrument", title="Instrument"),
    Field(key="rater", title="Rater"),
)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with a dash for an instrument or a rater that is not coded."""
    return {**row, **{f.key: row[f.key] or None for f in _GROUP}}


def reliability_table(found: ReliabilityGeneralization) -> Table:
    """Mean reliability with its intervals, by instrument and rater."""
    level = level_text(found.level)
    return Table(
        title="Reliability by instrument and rater",
        fields=(
            *_GROUP,
            Field(key="n_studies", title="Studies", kind="count"),
            Field(key="n_coefficients", title="Coefficients", kind="count", optional=True),
            Field(key="reliability", title="Alpha", kind="r"),
            Field(key="ci", title=f"{level} CI", kind="interval"),
            Field(key="pi", title=f"{level} PI", kind="interval", optional=True),
            Field(key="tau2", title="tau²", kind="number", digits=4, optional=True),
            Field(key="reason", title="Note", optional=True),
        ),
        rows=tuple(_named(with_limits(row, correlation=True)) for row in records(found.pooled)),
        notes=(_SCALES[found.transformation], "tau² is on that scale; a model for each row."),
        name="reliability",
        wide=True,
    )


def apart_table(found: ReliabilityGeneralization) -> Table:
    """Reliabilities that are not pooled, with the reason."""
    return Table(
        title="Kept apart",
        fields=(
            Field(key="study", title="Study"),
            *_GROUP,
            Field(key="reliability", title="Reliability", kind="r"),
            Field(key="reason", title="Reason"),
        ),
        rows=tuple(_named(row) for row in records(found.apart)),
        name="reliability-apart",
        wide=True,
    )


def reliability_tables(found: ReliabilityGeneralization) -> list[Table]:
    """Every table of the command, in its order."""
    tables = [reliability_table(found)] if len(found.pooled) else []
    return [*tables, apart_table(found)] if len(found.apart) else tables


def reliability_sheets(
    found: ReliabilityGeneralization, settings: Sequence[tuple[str, Any]]
) -> dict[str, Any]:
    """The sheets of reliability.xlsx, at full precision."""
    return {
        "Reliability": reliability_table(found),
        "Numbers": found.pooled,
        "Coefficients": found.coefficients,
        "Kept apart": found.apart,
        "Problems": pd.DataFrame(problem_rows(found.notices)),
        "Settings": [("setting", "value"), *settings],
    }
