"""Influence: what the mean would be without each study."""

from __future__ import annotations

import pandas as pd

from metaalliance.diagnostics.leave_one_out import LeaveOneOut
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.report.manuscript.document import Section
from metaalliance.report.manuscript.phrases import DIGITS, effect, interval, noun
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.report.tables.table import Field, Table, effect_field
from metaalliance.wording.phrases import agreeing, level_text, studies_text

#: Studies in the table.
SHOWN = 10


def influence_section(fit: PooledFit, found: LeaveOneOut | None) -> Section:
    """Return methods and results; empty when no study was left out."""
    title = "Influence of single studies"
    if found is None or found.frame["estimate"].notna().sum() == 0:
        return Section(key="influence", title=title)
    return Section(
        key="influence",
        title=title,
        methods=(
            prose(
                "To see whether one study decides the result, the main analysis was repeated "
                "without each study in turn [@viechtbauer2010b], with all variance components "
                "estimated anew."
            ),
        ),
        results=(_text(fit, found),),
        appendix=(influence_table(fit, found),),
    )


def _text(fit: PooledFit, found: LeaveOneOut) -> Prose:
    low, high = found.ranges()["estimate"]
    most = found.most_influential()
    first = most[most["reason"] == ""].iloc[0]
    text = prose(
        "Without any one study the pooled {noun} lay between {low} and {high} ({mean} with all). "
        "The largest change came from leaving out {study} ({table:influence}).",
        noun=noun(fit.measure),
        low=effect(low, fit.measure),
        high=effect(high, fit.measure),
        mean=effect(fit.estimate, fit.measure),
        study=first["omitted"],
    )
    return text + _reading(fit, found.frame) + _failures(found)


def _reading(fit: PooledFit, frame: pd.DataFrame) -> Prose:
    """Whether some study decides on which side of zero the interval lies."""
    usable = frame[frame["reason"] == ""]
    excludes = (usable["ci_low"] > 0) | (usable["ci_high"] < 0)
    main = fit.ci_low > 0 or fit.ci_high < 0
    turned = int((excludes != main).sum())
    if not turned:
        return prose(
            "In each of these analyses the confidence interval {reading} zero.",
            reading="excludes" if main else "includes",
        )
    return prose(
        "The confidence interval {reading} zero with all studies, but not without {n}.",
        reading="excludes" if main else "includes",
        n=agreeing(turned, "one of them", f"{turned} of them, each left out alone"),
    )


def _failures(found: LeaveOneOut) -> Prose:
    n = len(found.failures)
    if not n:
        return Prose()
    return prose(
        "The model could not be fitted without {n}.",
        n=agreeing(n, "one study", f"each of {studies_text(n)}"),
    )


def influence_table(fit: PooledFit, found: LeaveOneOut) -> Table:
    """Return the studies that move the mean most."""
    most = found.most_influential()
    first = most[most["reason"] == ""].head(SHOWN)
    is_r = fit.measure != "generic"
    base = back_transform(fit.estimate, fit.measure)
    rows = []
    for row in first.to_dict("records"):
        mean = back_transform(float(row["estimate"]), fit.measure)
        rows.append(
            {
                "study": row["omitted"],
                "effects": row["k_omitted"],
                "estimate": mean,
                "ci": interval(float(row["ci_low"]), float(row["ci_high"]), fit.measure),
                "change": mean - base,
                "tau": row["tau"],
            }
        )
    return Table(
        name="influence",
        title="Result Without Each of the Most Influential Studies",
        fields=(
            Field(key="study", title="Left out"),
            Field(key="effects", title="Effects", kind="count"),
            effect_field(digits=DIGITS, is_r=is_r),
            Field(key="ci", title=f"{level_text(fit.level)} CI", kind="interval"),
            Field(key="change", title="Change", kind="r" if is_r else "number"),
            Field(key="tau", title="τ", kind="number", digits=DIGITS),
        ),
        rows=tuple(rows),
        notes=(f"The {studies_text(len(rows))} with the largest change.",)
        if len(found.frame) > SHOWN
        else (),
    )
