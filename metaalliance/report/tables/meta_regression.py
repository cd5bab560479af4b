"""Tables and sheets of a meta-regression."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from metaalliance.models.of_effects import OfModel
from metaalliance.models.scale import LIMITS, back_transform
from metaalliance.moderation.frames import records
from metaalliance.moderation.meta_regression import MetaRegression
from metaalliance.moderation.result import tau2_text, wald_text
from metaalliance.moderation.variables import Variable
from metaalliance.report.tables.table import Field, Table, effect_field, with_limits
from metaalliance.wording.phrases import (
    components_text,
    effects_text,
    level_text,
    percent_text,
    studies_text,
)


def regression_tables(fit: MetaRegression, predicted: pd.DataFrame | None) -> list[Table]:
    """Coefficients, tests of terms, and predictions of a meta-regression."""
    tables = [coefficient_table(fit), term_table(fit)]
    tables += [] if fit.bootstrap is None else [bootstrap_table(fit, fit.bootstrap)]
    if predicted is not None:
        tables.append(prediction_table(fit.fit, fit.design.variables, predicted))
    return tables


def regression_sheets(fit: MetaRegression, predicted: pd.DataFrame | None) -> dict[str, Any]:
    """Sheets of the workbook about a meta-regression."""
    sheets: dict[str, Any] = {
        "Regression": coefficient_table(fit),
        "Coefficients": fit.to_frame(),
        "Terms": fit.anova.merge(fit.gvif(), on="term"),
        "Variables": pd.DataFrame(
            [{k: str(v) for k, v in one.to_dict().items()} for one in fit.design.variables]
        ),
    }
    if fit.bootstrap is not None:
        sheets["Bootstrap"] = fit.bootstrap
    if predicted is not None:
        sheets["Predictions"] = predicted
    return sheets


def coefficient_table(fit: MetaRegression) -> Table:
    """Coefficients of a meta-regression on the analysis scale."""
    inner = fit.fit
    return Table(
        title=f"Meta-regression: {fit.formula}",
        fields=(
            Field(key="term", title="Term"),
            Field(key="estimate", title="b", kind="number"),
            Field(key="se", title="SE", kind="number"),
            Field(key="ci", title=f"{level_text(inner.level)} CI", kind="interval"),
            Field(key="df", title="df", kind="number", digits=1, optional=True),
            Field(key="p_value", title="p", kind="p"),
        ),
        rows=tuple(with_limits(row) for row in records(inner.to_frame())),
        notes=_regression_notes(fit),
        name="meta-regression",
    )


def _regression_notes(fit: MetaRegression) -> tuple[str, ...]:
    """What the coefficients mean, and what the model leaves."""
    inner = fit.fit
    notes = [
        f"{studies_text(fit.n_studies)}, {effects_text(fit.n_effects)}; R² = "
        f"{percent_text(fit.R2, 1)}, "
        f"{tau2_text(inner, fit.tau2)}."
    ]
    return (*notes, *variable_notes(fit.design.variables))


def variable_notes(variables: Iterable[Variable]) -> list[str]:
    """What the coefficients of variables are per, or compared with."""
    return [
        f"{v.name} is compared with {v.levels[0]}."
        if v.levels
        else f"{v.name} is {v.unit}, centred at {v.centre:.6g}."
        for v in variables
    ]


def bootstrap_table(fit: MetaRegression, found: pd.DataFrame) -> Table:
    """Wild bootstrap of all terms and of each, with what is left to chance."""
    rows = records(found)
    return Table(
        title=f"Wild bootstrap of {fit.formula}",
        fields=(
            Field(key="term", title="Term"),
            Field(key="statistic", title="Q / q", kind="number"),
            Field(key="p_value", title="p", kind="p"),
            Field(key="monte_carlo_se", title="SE of p", kind="number", digits=4),
            Field(key="replications", title="Replications", kind="count"),
        ),
        rows=tuple(rows),
        notes=(
            f"Null hypothesis imposed, {components_text(rows[0]['components'])}.",
            *(f"{row['term']}: {row['reason']}." for row in rows if row["reason"]),
        ),
        name="bootstrap-of-terms",
    )


def term_table(fit: MetaRegression) -> Table:
    """Test of each term, with the inflation of its standard errors by the others."""
    rows = []
    inflation = fit.gvif().set_index("term")["gsif"]
    for row in records(fit.anova):
        known = not math.isnan(row["statistic"])
        test = wald_text(row).split(", p ")[0] if known else row["reason"]
        rows.append({**row, "text": test, "gsif": float(inflation[row["term"]])})
    return Table(
        title="Tests of the terms",
        fields=(
            Field(key="term", title="Term"),
            Field(key="text", title="Test"),
            Field(key="p_value", title="p", kind="p"),
            Field(key="gsif", title="inflation of SE", kind="number", digits=2),
        ),
        rows=tuple(rows),
        name="terms",
    )


def prediction_table(of: OfModel, variables: Iterable[Variable], predicted: pd.DataFrame) -> Table:
    """Predicted means with their intervals, as correlations where they are.

    A location-scale model predicts tau² too, and its table has tau on the analysis scale.
    """
    is_r = of.measure != "generic"
    numeric = {v.column: not v.levels for v in variables}
    spread = "tau2" in predicted
    rows = []
    for row in records(predicted):
        back = {n: back_transform(float(row[n]), of.measure) for n in LIMITS}
        values = {c: f"{float(row[c]):.6g}" if is_number else row[c]
                  for c, is_number in numeric.items()}  # fmt: skip
        tau = {"tau": math.sqrt(row["tau2"])} if spread else {}
        rows.append({**with_limits(back, correlation=is_r), **tau, **values})
    level = level_text(of.level)
    return Table(
        title="Predictions of the location-scale model" if spread else "Predictions",
        fields=(
            *(Field(key=c, title=c) for c in numeric),
            effect_field("estimate", is_r=is_r),
            Field(key="ci", title=f"{level} CI", kind="interval"),
            *((Field(key="tau", title="tau", kind="number"),) if spread else ()),
            Field(key="pi", title=f"{level} PI", kind="interval", optional=True),
        ),
        rows=tuple(rows),
        notes=("The PI takes the tau² of its row as known.",) if spread else (),
        name="location-scale-predictions" if spread else "predictions",
        wide=len(rows) > 20,
    )
