"""Risk of bias in the studies, where the sheet has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from metaalliance.analysis.evidence import Evidence
from metaalliance.effects.effects import study_names
from metaalliance.report.manuscript.document import Block, Figure, Section
from metaalliance.report.manuscript.prose import listed, prose
from metaalliance.report.sections.data import MOST_IN_TEXT
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.phrases import agreeing, percent_text, studies_text

_DOMAIN = re.compile(r"(risk_of_bias|rob)(?:[ _:.-]+(.+))?$", re.IGNORECASE)
_ORDER = ("low", "some concerns", "moderate", "unclear", "serious", "high", "critical")
MISSING = "not reported"


def quality_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns that rate the risk of bias, each with its heading; the overall last."""
    found = {}
    for name in map(str, frame.columns):
        match = _DOMAIN.match(name)
        if match and frame[name].notna().any():
            domain = (match[2] or "overall").replace("_", " ").strip()
            found[name] = domain[:1].upper() + domain[1:]
    return dict(sorted(found.items(), key=lambda pair: pair[1] == "Overall"))


def ratings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per study and one column per domain; several ratings are joined."""
    columns = quality_columns(frame)
    table = frame.groupby("study", sort=False)[list(columns)].agg(_one)
    table.index = study_names(frame).groupby(frame["study"], sort=False).first()
    return table.rename(columns=columns)


def _one(values: pd.Series) -> str:
    found = [str(v).strip() for v in values.dropna().unique()]
    return "; ".join(found) if found else MISSING


def levels_of(table: pd.DataFrame) -> list[str]:
    """Return every rating, from low to high as far as the words are known, then the others."""
    values = {v for column in table for v in table[column]}
    rank = {name: i for i, name in enumerate(_ORDER)}
    return sorted(values, key=lambda v: (v == MISSING, rank.get(v.lower(), len(rank)), v))


def quality_section(evidence: Evidence, figures: Sequence[Figure] = ()) -> Section:
    """Return the ratings as text, figure and table; empty when nothing is coded."""
    frame = evidence.coded.frame
    columns = quality_columns(frame)
    if not columns:
        return Section(key="quality", title="Risk of bias in studies")
    table = ratings(frame)
    main = "Overall" if "Overall" in table else str(table.columns[-1])
    counts = table[main].value_counts()
    total = len(table)
    parts = [
        f"{counts[level]:,} ({percent_text(counts[level] / total)}) {_rated(level, counts[level])}"
        for level in levels_of(table[[main]])
    ]
    drawn = [figure for figure in figures if figure.name == "risk-of-bias"]
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
