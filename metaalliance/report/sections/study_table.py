"""The table of studies and the table of what they have in common."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

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
    codes, _ = pd.factorize(frame["study"])  # studies in the order of the averages
    listed = {key: _listed(frame[key], codes, len(averages.frame)) for key in shown}
    sizes = np.bincount(codes)
    people = evidence.coded.participants() if "n" in frame else None
    rows, names = [], study_names(averages.frame)
    for index, study in enumerate(averages.frame["study"]):
        yi, width = averages.yi[index], half[index]
        row: dict[str, Any] = {"study": names.iloc[index], "effects": int(sizes[index])}
        row |= {key: texts[index] for key, texts in listed.items()}
        row["estimate"] = math.tanh(yi) if fit.measure == "z" else yi
        row["ci"] = interval(yi - width, yi + width, fit.measure)
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


def _listed(column: pd.Series, codes: np.ndarray[Any, Any], count: int) -> list[str | None]:
    """Return by study the values of a column, each once; None where a study has none."""
    found: list[dict[Any, None]] = [{} for _ in range(count)]
    known = column.notna().to_numpy()
    for code, value in zip(codes[known], column[known].to_numpy(dtype=object), strict=True):
        found[code][value] = None
    return ["; ".join(map(str, values)) or None for values in found]


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
        numeric = is_numeric_dtype(frame[name]) and not is_bool_dtype(frame[name])
        values = frame[name].map("{:.15g}".format) if numeric else frame[name].astype(object)
        labels = values.where(frame[name].notna(), MISSING).astype(str)
        if labels.nunique() > _MOST_LEVELS and evidence.characteristics is None:
            continue
        counts = labels.value_counts()
        place = {level: float(level) if numeric and level != MISSING else -counts[level]
                 for level in counts.index}  # fmt: skip
        order = sorted(counts.index, key=lambda level: (level == MISSING, place[level], level))
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
