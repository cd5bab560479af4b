"""The table of studies and the table of what they have in common."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from metaalliance.analysis.evidence import Evidence
from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.effects import study_names
from metaalliance.report.manuscript.phrases import DIGITS, interval
from metaalliance.report.tables.table import Field, Table, effect_field
from metaalliance.wording.phrases import capital, level_text

#: Columns of the study table with their headings, as far as they are coded.
_SHOWN = {
    "modality": "Modality", "alliance_measure": "Alliance measure", "alliance_rater": "Rater",
    "outcome_domain": "Outcome", "diagnosis": "Diagnosis", "country": "Country",
}  # fmt: skip
#: Columns of the descriptive table, each with at most so many levels.
_DESCRIBED = {
    "modality": "Treatment modality", "format": "Format", "delivery": "Delivery",
    "design": "Design", "population": "Population", "setting": "Setting", "source": "Source",
    "alliance_rater": "Alliance rated by", "alliance_time": "Alliance measured",
    "outcome_domain": "Outcome domain", "outcome_rater": "Outcome rated by",
}  # fmt: skip
_MOST_LEVELS = 14
MISSING = "not reported"


def coded_columns(evidence: Evidence) -> list[str]:
    """Return the descriptive columns that are coded for at least one effect."""
    frame = evidence.coded.frame
    wanted = evidence.characteristics or tuple(_DESCRIBED)
    return [name for name in wanted if name in frame and frame[name].notna().any()]


def _heading(column: str, known: dict[str, str]) -> str:
    return known.get(column) or capital(column.replace("_", " ").strip())


def study_table(evidence: Evidence) -> Table:
    """Return one row per study: size, what was measured, and its correlation."""
    frame, fit = evidence.coded.frame, evidence.fit
    wanted = [key for key in evidence.columns or _SHOWN if key in frame]
    shown = {key: _heading(key, _SHOWN) for key in wanted}
    averages = evidence.by_study()
    half = critical_value(fit.level, math.inf) * averages.vi**0.5
    groups = dict(iter(frame.groupby("study", sort=False)))
    people = evidence.coded.participants() if "n" in frame else None
    rows, names = [], study_names(averages.frame)
    for index, study in enumerate(averages.frame["study"]):
        yi, width = averages.yi[index], half[index]
        row = _row(groups[study], names.iloc[index], shown, evidence, yi, width)
        rows.append(row if people is None else {**row, "n": float(people[study])})
    is_r = fit.measure != "generic"
    dependent = evidence.coded.dependent()
    fields = (
        Field(key="study", title="Study"),
        *((Field(key="n", title="n", kind="count"),) if "n" in frame else ()),
        *((Field(key="effects", title="Effects", kind="count"),) if dependent else ()),
        *(Field(key=key, title=title) for key, title in shown.items()),
        effect_field("Effect", digits=DIGITS, is_r=is_r),
        Field(key="ci", title=f"{level_text(fit.level)} CI", kind="interval"),
    )  # fmt: skip
    return Table(
        name="studies",
        title="Studies and Their Correlations" if is_r else "Studies and Their Effects",
        fields=fields,
        rows=tuple(rows),
        notes=_notes(evidence, shown),
        wide=True,
    )


def _row(
    part: pd.DataFrame,
    study: Any,
    shown: dict[str, str],
    evidence: Evidence,
    yi: float,
    half: float,
) -> dict[str, Any]:
    """One study; several values of a column are listed."""
    measure = evidence.fit.measure
    row: dict[str, Any] = {"study": study, "effects": len(part)}
    for key in shown:
        values = [str(v) for v in part[key].dropna().unique()]
        row[key] = "; ".join(values) if values else None
    row["estimate"] = math.tanh(yi) if measure == "z" else yi
    row["ci"] = interval(yi - half, yi + half, measure)
    return row


def _notes(evidence: Evidence, shown: dict[str, str]) -> tuple[str, ...]:
    notes = []
    if "n" in evidence.coded.frame:
        several = evidence.coded.studies_with_samples
        among = (
            "sum over independent samples of their largest n"
            if several
            else "largest sample of the study"
        )
        notes.append(f"n is the {among}.")
    if evidence.coded.dependent():
        notes.append("Several effects of a study are shown as their average.")
    if any(evidence.coded.frame[key].isna().any() for key in shown):
        notes.append("A dash means not reported.")
    return (" ".join(notes),) if notes else ()


def characteristics_table(evidence: Evidence) -> Table | None:
    """Return how many studies and effects have each level; None when nothing is coded."""
    frame = evidence.coded.frame
    rows: list[dict[str, Any]] = []
    for name in coded_columns(evidence):
        labels = frame[name].astype(object).where(frame[name].notna(), MISSING).astype(str)
        if labels.nunique() > _MOST_LEVELS and evidence.characteristics is None:
            continue
        counts = labels.value_counts()
        order = sorted(counts.index, key=lambda level: (level == MISSING, -counts[level], level))
        for level in order:
            inside = frame[labels == level]
            rows.append(
                {
                    "name": _heading(name, _DESCRIBED) if level == order[0] else "",
                    "level": level,
                    "studies": inside["study"].nunique(),
                    "studies_share": inside["study"].nunique() / evidence.coded.n_studies,
                    "effects": len(inside),
                    "effects_share": len(inside) / len(frame),
                }
            )
    if not rows:
        return None
    return Table(
        name="characteristics",
        title="Characteristics of the Studies and Effects",
        fields=(
            Field(key="name", title="Characteristic"),
            Field(key="level", title="Level"),
            Field(key="studies", title="Studies", kind="count"),
            Field(key="studies_share", title="% of studies", kind="percent", digits=0),
            Field(key="effects", title="Effects", kind="count"),
            Field(key="effects_share", title="% of effects", kind="percent", digits=0),
        ),
        rows=tuple(rows),
        notes=_share_note(evidence),
    )


def _share_note(evidence: Evidence) -> tuple[str, ...]:
    if not evidence.coded.dependent():
        return ()
    return ("A study whose effects have several levels counts for each of them.",)
