"""A mean over models of bias as tables and a sheet."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pandas as pd

from metaalliance.core.bayesian.posterior import Posterior
from metaalliance.models.scale import back_transform
from metaalliance.publication_bias.robma import Robma
from metaalliance.publication_bias.summary import BiasSummary
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.numbers import limits, number


def average_of(found: BiasSummary) -> Robma | None:
    """Return the mean over models; None where none was asked for, or it was refused."""
    return next((r for r in found.results.values() if isinstance(r, Robma)), None)


def average_tables(found: BiasSummary) -> tuple[Table, ...]:
    """What speaks for effect, heterogeneity and bias, and what is known of each unknown."""
    result = average_of(found)
    return () if result is None else (_components(result), _unknowns(result))


def _components(result: Robma) -> Table:
    rows = [
        {
            "name": c.name,
            "models": f"{c.n_models}/{len(result.models)}",
            "prior": c.prior,
            "posterior": c.posterior,
            "bf": c.text().removeprefix(f"{c.name} "),
        }
        for c in result.components
    ]
    return Table(
        title="Averaged over models (RoBMA-PSMA): what speaks for effect, heterogeneity and bias",
        fields=(
            Field(key="name", title="Component"),
            Field(key="models", title="Models", kind="interval"),
            Field(key="prior", title="Prior", kind="number"),
            Field(key="posterior", title="Posterior", kind="number"),
            Field(key="bf", title="Inclusion BF", kind="interval"),
        ),
        rows=tuple(rows),
        notes=("Probabilities of the models that have it; a Bayes factor above 1 speaks for it.",),
        name="bias-components",
    )


def _unknowns(result: Robma) -> Table:
    mean, *others = result.unknowns
    turned = replace(mean, averaged=_as_r(mean.averaged), conditional=_as_r(mean.conditional))
    rows = []
    for unknown, name in (
        (turned, "mean r"),
        *((u, u.name) for u in others),
        *((w, w.name) for w in result.weights[1:]),
    ):
        is_r = name == "mean r"
        averaged, given = unknown.averaged, unknown.conditional
        rows.append(
            {
                "name": name,
                "mean": number(averaged.mean, correlation=is_r),
                "median": number(averaged.median, correlation=is_r),
                "ci": limits(averaged.low, averaged.high, correlation=is_r),
                "given": number(given.mean, correlation=is_r),
                "given_ci": limits(given.low, given.high, correlation=is_r),
            }
        )
    level = f"{result.level:.0%}"
    return Table(
        title="Averaged over models: unknowns",
        fields=(
            Field(key="name", title="Unknown"),
            Field(key="mean", title="Mean", kind="interval"),
            Field(key="median", title="Median", kind="interval", optional=True),
            Field(key="ci", title=f"{level} credible", kind="interval"),
            Field(key="given", title="Where unknown", kind="interval"),
            Field(key="given_ci", title=f"{level} credible", kind="interval"),
        ),
        rows=tuple(rows),
        notes=(
            "Over all models, in some of which it is known (zero; a weight one), and over those "
            "in which it is unknown. τ, PET and PEESE on Fisher z.",
        ),
        name="bias-averaged",
    )


def _as_r(found: Posterior) -> Posterior:
    """Mean, median and limits of Fisher z as correlations."""
    back = {k: back_transform(getattr(found, k), "z") for k in ("mean", "median", "low", "high")}
    return Posterior(**back, sd=math.nan)


def average_sheets(found: BiasSummary) -> dict[str, pd.DataFrame]:
    """Return the sheet of the models; none without them."""
    result = average_of(found)
    if result is None:
        return {}
    return {"Averaged models": pd.DataFrame([asdict(m) for m in result.models])}
