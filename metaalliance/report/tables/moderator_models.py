"""Tables of slopes within and between studies, location-scale models and sets of models."""

from __future__ import annotations

import math
from typing import Any

from metaalliance.moderation.decomposition import WithinBetween
from metaalliance.moderation.frames import records
from metaalliance.moderation.model_set import ModelSet
from metaalliance.moderation.result import wald_text
from metaalliance.moderation.scale.result import LocationScale, component_text
from metaalliance.report.tables.table import Field, Table, with_limits
from metaalliance.wording.numbers import number, p_text
from metaalliance.wording.phrases import count_text, effects_text, level_text, studies_text

#: Models that are printed, best first; the workbook has all.
SHOWN = 10


def within_between_table(found: WithinBetween) -> Table:
    """Slopes within studies, between them, and their difference, on the analysis scale."""
    fit = found.fit
    notes = [
        f"{studies_text(fit.n_studies)}, {effects_text(fit.n_effects)}; {found.name} varies within "
        f"{studies_text(found.n_varying)}, on which the slopes within rest. Contextual: between "
        "less "
        "within."
    ]
    if found.reference:
        notes.append(f"Levels are compared with {found.reference}.")
    for part, test in found.tests.items():
        known = not math.isnan(test["statistic"])
        notes.append(f"Test {part}: {wald_text(test) if known else test['reason']}.")
    return Table(
        title=f"{found.name} within and between studies",
        fields=(
            Field(key="part", title="Part"),
            Field(key="term", title="Term"),
            *_estimates(fit.level),
        ),
        rows=tuple(with_limits(row) for row in records(found.slopes)),
        notes=tuple([*notes, *_missing({found.name: found.missing})]),
        name="within-between",
    )


def location_scale_table(found: LocationScale, aggregation_rho: float | None) -> Table:
    """Moderators of the mean, then those of log tau², each with the ratio of tau² that it is.

    Intervals and p-values of the latter are those of the likelihood ratio.
    """
    rows = [{**with_limits(row), "part": "mean"} for row in records(found.location)]
    for name in found.designs.scale:
        part = f"log {component_text(name, found.specification)}"
        for index, row in enumerate(records(found.scale[found.scale["component"] == name])):
            ends = {"ci_low": row["profile_low"], "ci_high": row["profile_high"]}
            shown = with_limits({**row, **ends, "p_value": row["lr_p_value"]})
            ratio = _exp(row["estimate"]) if index else math.nan
            rows.append({**shown, "part": part, "ratio": ratio})
    return Table(
        title=f"Location-scale model: mean {found.formula}, heterogeneity {found.scale_formula}",
        fields=(
            Field(key="part", title="Part"),
            Field(key="term", title="Term"),
            *_estimates(found.level),
            Field(key="ratio", title="tau² times", kind="number", digits=2),
        ),
        rows=tuple(rows),
        notes=_location_notes(found, aggregation_rho),
        name="location-scale",
    )


def _location_notes(found: LocationScale, rho: float | None) -> tuple[str, ...]:
    """How many effects it rests on, and whether the heterogeneity differs."""
    lrt = found.lrt
    several = f"of {studies_text(found.n_studies)}, {found.model}"
    dependence = several if found.effects.dependent() else "one per study"
    notes = [
        f"{effects_text(found.n_effects)}, {dependence}; {found.tau2_method}, {found.test}.",
        f"Heterogeneity differs: χ²({lrt['df']}) = {number(lrt['statistic'], 2)}, "
        f"p {p_text(lrt['p_value'])} (likelihood ratio).",
        "Intervals and p of log tau²: profile likelihood.",
    ]
    if len(found.component_tests) > 1:
        for name, test in found.component_tests.items():
            notes.append(
                f"{component_text(name, found.specification)} differs: χ²({test['df']}) = "
                f"{number(test['statistic'], 2)}, p {p_text(test['p_value'])}."
            )
    if rho is not None:
        notes.insert(
            1,
            f"Effects were averaged within studies (rho = {rho:g}); text that differs within a "
            "study is the level mixed.",
        )
    for variable in found.variables:
        if variable["kind"] == "categorical":
            notes.append(f"{variable['name']} is compared with {variable['reference']}.")
        else:
            notes.append(
                f"{variable['name']} is {variable['unit']}, centred at {variable['centre']:.6g}."
            )
    return tuple(notes)


def model_set_tables(found: ModelSet) -> list[Table]:
    """The best models, the weight of every term, and coefficients averaged over all models."""
    best = records(found.models.head(SHOWN))
    more = len(found.models) - len(best)
    notes = [
        f"{count_text(len(found.models), 'model')} of the same {effects_text(found.n_effects)} "
        f"({studies_text(found.n_studies)}), {found.model}, full maximum likelihood.",
        *([f"{more:,} more are in the workbook."] if more else []),
        *_missing(found.missing),
    ]
    averaged = "A coefficient is zero in models without its term; SE includes the choice of model."
    return [
        Table(
            title="Models by AICc",
            fields=(
                Field(key="formula", title="Moderators"),
                Field(key="n_parameters", title="Parameters", kind="count"),
                Field(key="aicc", title="AICc", kind="number", digits=2),
                Field(key="delta", title="Δ", kind="number", digits=2),
                Field(key="weight", title="Weight", kind="number"),
            ),
            rows=tuple(best),
            notes=tuple(notes),
            name="model-set",
        ),
        Table(
            title="Importance of the moderators",
            fields=(
                Field(key="term", title="Term"),
                Field(key="weight", title="Summed weight", kind="number"),
            ),
            rows=tuple(records(found.importance)),
            name="importance",
        ),
        Table(
            title="Coefficients averaged over the models",
            fields=(
                Field(key="term", title="Term"),
                Field(key="estimate", title="b", kind="number"),
                Field(key="se", title="SE", kind="number"),
                Field(key="ci", title=f"{level_text(found.level)} CI", kind="interval"),
            ),
            rows=tuple(with_limits(row) for row in records(found.coefficients)),
            notes=(averaged,),
            name="averaged",
        ),
    ]


def model_set_sheets(found: ModelSet) -> dict[str, Any]:
    """Sheets of the workbook about a set of models, at full precision."""
    return {
        "Models": found.to_frame(),
        "Importance": found.importance,
        "Averaged": found.coefficients,
    }


def _estimates(level: float) -> tuple[Field, ...]:
    return (
        Field(key="estimate", title="b", kind="number"),
        Field(key="se", title="SE", kind="number", optional=True),
        Field(key="ci", title=f"{level_text(level)} CI", kind="interval"),
        Field(key="df", title="df", kind="number", digits=1, optional=True),
        Field(key="p_value", title="p", kind="p"),
    )


def _exp(value: float) -> float:
    """The exponential; infinite where it is too large for a number."""
    return math.exp(value) if value < 700 else math.inf


def _missing(missing: dict[str, dict[str, int]]) -> list[str]:
    return [
        f"{name}: {effects_text(counts['n_effects'])} without a value left out."
        for name, counts in missing.items()
        if counts["n_effects"]
    ]
