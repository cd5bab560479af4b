"""Risk of bias in the studies, where the sheet has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metaalliance.analysis.evidence import Evidence
from metaalliance.effects.levels import MISSING
from metaalliance.effects.ratings import rating_columns, rating_levels, study_ratings
from metaalliance.report.manuscript.document import Block, Figure, Section
from metaalliance.report.manuscript.prose import listed, prose
from metaalliance.report.sections.data import MOST_IN_TEXT
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.phrases import agreeing, percent_text, studies_text


def rated_studies(evidence: Evidence) -> pd.DataFrame | None:
    """Return one row per study and one column per domain; None when nothing is coded."""
    frame = evidence.coded.frame
    return study_ratings(frame) if rating_columns(frame) else None


def quality_section(evidence: Evidence, figures: Sequence[Figure] = ()) -> Section:
    """Return the ratings as text, figure and table; empty when nothing is coded."""
    table = rated_studies(evidence)
    if table is None:
        return Section(key="quality", title="Risk of bias in studies")
    main = "Overall" if "Overall" in table else str(table.columns[-1])
    counts = table[main].value_counts()
    total = len(table)
    parts = [
        f"{counts[level]:,} ({percent_text(counts[level] / total)}) {_rated(level, counts[level])}"
        for level in rating_levels(table[[main]])
    ]
    drawn = [figure for figure in figures if figure.name in {"risk-of-bias", "traffic-lights"}]
    where = "{figure:risk-of-bias}" if drawn else "{table:quality}"
    text = prose(
        f"Of {{n}}, {{parts}} ({where}; ratings by study in {{table:quality}})."
        if drawn
        else f"Of {{n}}, {{parts}} ({where}).",
        n=studies_text(total),
        parts=listed(parts),
    )
    listing = quality_table(table)
    long = total > MOST_IN_TEXT
    results: list[Block] = [text, *drawn] if long else [text, *drawn, listing]
    return Section(
        key="quality",
        title="Risk of bias in studies",
        results=tuple(results),
        appendix=(listing,) if long else (),
    )


def _rated(level: str, n: int) -> str:
    if level == MISSING:
        return "had no rating"
    return f"{agreeing(n, 'was', 'were')} rated “{level}”"


def quality_table(table: pd.DataFrame) -> Table:
    """Return the ratings of each study."""
    rows: list[dict[str, Any]] = [
        {"study": study, **{str(k): v for k, v in row.items()}} for study, row in table.iterrows()
    ]
    fields = [Field(key="study", title="Study")]
    fields += [Field(key=str(name), title=str(name)) for name in table.columns]
    return Table(
        name="quality",
        title="Risk of Bias as Rated by the Review Team",
        fields=tuple(fields),
        rows=tuple(rows),
        wide=len(rows) > MOST_IN_TEXT,
    )
