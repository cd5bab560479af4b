"""Influence of studies as tables, a workbook and a JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metaalliance.analysis.influence import InfluenceResults
from metaalliance.diagnostics.cumulative import Cumulative
from metaalliance.diagnostics.diagnostics import Influence
from metaalliance.diagnostics.leave_one_out import LeaveOneOut
from metaalliance.diagnostics.leave_one_out_regression import RegressionLeaveOneOut
from metaalliance.diagnostics.outliers import Outliers
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import LIMITS, back_transform
from metaalliance.moderation.frames import records
from metaalliance.report.tables.pooling import problem_rows
from metaalliance.report.tables.table import Field, Kind, Table, effect_field, with_limits
from metaalliance.wording.untrusted import printable


def left_out_table(found: LeaveOneOut, first: int | None = None) -> Table:
    """The mean without each study, the most influential first."""
    is_r, level = found.fit.measure != "generic", f"{100 * found.fit.level:g}%"
    shown = found.to_frame("r").loc[found.most_influential(first).index]
    rows = [with_limits(row, correlation=is_r) for row in records(shown)]
    kind: Kind = "r" if is_r else "number"
    reasons = dict.fromkeys(
        printable(f"{r['omitted']}: {r['reason']}") for r in rows if r["reason"]
    )
    return Table(
        title="Without each study, the most influential first",
        fields=(
            Field(key="omitted", title="Left out"),
            Field(key="k_omitted", title="Effects", kind="count", optional=True),
            effect_field(is_r=is_r),
            Field(key="ci", title=f"{level} CI", kind="interval"),
            Field(key="change", title="Change", kind=kind, digits=4),
            Field(key="p_value", title="p", kind="p"),
            Field(key="pi", title=f"{level} PI", kind="interval", optional=True),
            Field(key="tau", title="tau", kind="number", optional=True),
            Field(key="I2", title="I² %", kind="percent", digits=1, optional=True),
        ),
        rows=tuple(rows),
        notes=(*_more(len(rows), len(found.frame)), *reasons),
        name="leave-one-out",
    )


def diagnostics_table(found: Influence, first: int | None = None) -> Table:
    """Diagnostics of the studies, the largest Cook's distance first."""
    ordered = found.studies.sort_values("cook", ascending=False, kind="stable")
    chosen = ordered if first is None else ordered.head(first)
    rows = [
        {**row, "omitted": f"{row['omitted']}{' *' if row['influential'] else ''}"}
        for row in records(chosen)
    ]
    flagged = int(found.studies["influential"].sum())
    return Table(
        title="Influence of studies, the largest Cook's distance first",
        fields=(
            Field(key="omitted", title="Study"),
            Field(key="rstudent", title="Residual", kind="number", digits=2),
            Field(key="X2_p_value", title="p of X²", kind="p", optional=True),
            Field(key="cook", title="Cook's D", kind="number"),
            Field(key="dffits", title="DFFITS", kind="number", optional=True),
            Field(key="covratio", title="COVRATIO", kind="number", optional=True),
            Field(key="tau2_del", title="tau² without", kind="number", digits=4, optional=True),
            Field(key="hat", title="Hat", kind="number"),
            Field(key="weight", title="Weight %", kind="percent", digits=1),
        ),
        rows=tuple(rows),
        notes=(
            f"* influential by at least one cut-off ({flagged:,} of {len(ordered):,}).",
            *_more(len(rows), len(ordered)),
        ),
        name="influence-diagnostics",
    )


def outlier_table(found: Outliers) -> Table:
    """The pooled result without the outliers of each rule."""
    fit = found.fit
    is_r, level = fit.measure != "generic", f"{100 * fit.level:g}%"
    rows = [{"rule": "all effects", "flagged": None, **_pooled(fit)}]
    notes = []
    for rule in found.rules:
        blank: dict[str, Any] = dict.fromkeys(("estimate", "ci", "pi", "tau", "I2"))
        result = blank if rule.fit is None else _pooled(rule.fit)
        rows.append({"rule": rule.description, "flagged": len(rule.flagged), **result})
        if rule.flagged:
            more = f" and {len(rule.flagged) - 3:,} more" if len(rule.flagged) > 3 else ""
            notes.append(f"{rule.description}: {printable('; '.join(rule.flagged[:3]))}{more}")
        if rule.reason:
            notes.append(f"{rule.description}: {rule.reason}")
    return Table(
        title=f"Outliers among {'effects' if found.unit == 'effect' else 'studies'}",
        fields=(
            Field(key="rule", title="Without those"),
            Field(key="flagged", title="Outliers", kind="count"),
            effect_field(is_r=is_r),
            Field(key="ci", title=f"{level} CI", kind="interval"),
            Field(key="pi", title=f"{level} PI", kind="interval", optional=True),
            Field(key="tau", title="tau", kind="number", optional=True),
            Field(key="I2", title="I² %", kind="percent", digits=1, optional=True),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        name="outliers",
    )


def _pooled(fit: PooledFit) -> dict[str, Any]:
    row = {name: back_transform(getattr(fit, name), fit.measure) for name in LIMITS}
    shown = with_limits(row, correlation=fit.measure != "generic")
    return {**shown, "tau": fit.tau, "I2": fit.I2}


def cumulative_table(found: Cumulative, last: int | None = None) -> Table:
    """The mean as studies came in; the latest steps where not all are shown."""
    is_r, level = found.fit.measure != "generic", f"{100 * found.fit.level:g}%"
    frame = found.to_frame("r")
    shown = frame if last is None else frame.tail(last)
    rows = [
        {**with_limits(row, correlation=is_r), "value": f"{row['value']:.10g}"}
        for row in records(shown)
    ]
    notes = [f"{r['value']}: {r['reason']}" for r in rows if r["reason"]]
    models = {str(r["model"]) for r in rows} - {found.fit.model}
    if models:
        notes.append(
            f"Too few studies for {found.fit.model} at first: {', '.join(sorted(models))}."
        )
    if len(rows) < len(frame):
        notes.append(f"The last {len(rows):,} of {len(frame):,} steps; --all shows them all.")
    return Table(
        title=f"Cumulative by {found.by}",
        fields=(
            Field(key="value", title=found.by),
            Field(key="n_added", title="New", kind="count"),
            Field(key="n_studies", title="Studies", kind="count"),
            Field(key="n_effects", title="Effects", kind="count", optional=True),
            effect_field(is_r=is_r),
            Field(key="ci", title=f"{level} CI", kind="interval"),
            Field(key="tau", title="tau", kind="number"),
            Field(key="I2", title="I² %", kind="percent", digits=1, optional=True),
            Field(key="model", title="Model", optional=True),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        name="cumulative",
    )


def moderator_left_out_table(
    name: str, found: RegressionLeaveOneOut, first: int | None = None
) -> Table:
    """The test of a moderator without each study."""
    rows = records(found.most_influential(first))
    reasons = dict.fromkeys(
        printable(f"{r['omitted']}: {r['reason']}") for r in rows if r["reason"]
    )
    return Table(
        title=f"Test of {name} without each study",
        fields=(
            Field(key="omitted", title="Left out"),
            Field(key="omnibus_statistic", title="Statistic", kind="number", digits=2),
            Field(key="omnibus_df1", title="df1", kind="number", digits=0),
            Field(key="omnibus_df2", title="df2", kind="number", digits=1),
            Field(key="omnibus_p_value", title="p", kind="p"),
            Field(key="largest_change", title="Change / SE", kind="number", digits=2),
            Field(key="tau", title="tau", kind="number"),
        ),
        rows=tuple(rows),
        notes=(*_more(len(rows), len(found.frame)), *reasons),
        name="leave-one-out-moderator",
    )


def _more(shown: int, total: int) -> tuple[str, ...]:
    return () if shown >= total else (f"{shown:,} of {total:,}; --all shows them all.",)


def influence_sheets(
    found: InfluenceResults, settings: Sequence[tuple[str, Any]]
) -> dict[str, Any]:
    """The sheets of influence.xlsx, at full precision."""
    sheets: dict[str, Any] = {
        "Leave one out": _scales(found.left_out),
        "Studies": found.diagnostics.studies,
        "Effects": found.diagnostics.effects,
        "Baujat": found.baujat.frame,
        "Outliers": found.outliers.frame,
        "Without outliers": pd.DataFrame(
            [
                {"rule": r.description, "flagged": len(r.flagged), "reason": r.reason,
                 **({} if r.fit is None else r.fit.to_frame("r").iloc[0].to_dict())}
                for r in found.outliers.rules
            ]
        ),
    }  # fmt: skip
    if found.cumulative is not None:
        sheets["Cumulative"] = _scales(found.cumulative)
    for name, left in found.moderators.items():
        sheets[f"Without one, {name}"] = left.frame
    if found.gosh is not None:
        sheets["GOSH quantiles"] = found.gosh.quantiles()
        sheets["GOSH by study"] = found.gosh.by_study()
    sheets["Problems"] = pd.DataFrame(problem_rows(found.notices))
    sheets["Settings"] = [("setting", "value"), *settings]
    return sheets


def _scales(found: LeaveOneOut | Cumulative) -> pd.DataFrame:
    """Rows on the analysis scale with the limits as r beside them."""
    back = found.to_frame("r")[list(LIMITS)].add_prefix("r_")
    return pd.concat([found.frame, back], axis=1)
