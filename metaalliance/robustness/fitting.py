"""Fit every specification, on one core or on many."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.effects.selection import extreme_per_study
from metaalliance.errors import EstimationError, MetaAllianceError
from metaalliance.models.pool import fit_mean
from metaalliance.models.scale import back_transform
from metaalliance.models.two_level import ones
from metaalliance.models.working import Estimates
from metaalliance.notices import quiet
from metaalliance.publication_bias.beta_selection import beta_selection_model
from metaalliance.publication_bias.selection import selection_model
from metaalliance.publication_bias.selection_result import SelectionResult
from metaalliance.robustness.choices import ModelChoice
from metaalliance.robustness.effect_sets import Failure
from metaalliance.workers.workers import Workers


class Outcome(NamedTuple):
    """The result of one specification.

    `estimate`, its limits and those of the prediction interval are on the common scale: r for
    correlations; `analysis_estimate` and `se` on the scale that was analysed.
    """

    estimate: float
    ci_low: float
    ci_high: float
    pi_low: float
    pi_high: float
    p_value: float
    df: float
    analysis_estimate: float
    se: float
    tau: float
    I2: float
    n_studies: int
    n_effects: int
    notices: str
    code: str
    failure: str


_NUMBERS = (
    "estimate", "ci_low", "ci_high", "pi_low", "pi_high", "p_value", "df", "analysis_estimate",
    "se", "tau", "I2",
)  # fmt: skip


def failed(failure: Failure, effects: Effects | None = None) -> Outcome:
    """Return the outcome of a specification that has no result."""
    sizes = (0, 0) if effects is None else (effects.n_studies, effects.n_effects)
    blank = dict.fromkeys(_NUMBERS, math.nan)
    return Outcome(
        **blank,
        n_studies=sizes[0],
        n_effects=sizes[1],
        notices="",
        code=failure.code,
        failure=failure.message,
    )


def fit_all(
    tasks: Mapping[str, tuple[Effects, tuple[ModelChoice, ...]]],
    workers: Workers,
    progress: Callable[[int, int], None] | None = None,
) -> list[list[Outcome]]:
    """Fit the models of every set of effects, which come with their digests.

    A task is one set of effects with all its models, whatever the workers, so that the results
    do not depend on them.
    """
    found: list[list[Outcome]] = []
    computed = workers.run(
        _fit_task,
        None,
        tasks.values(),
        count=len(tasks),
        key=[(digest, repr(choices)) for digest, (_, choices) in tasks.items()],
        restore=lambda rows: [Outcome(*row) for row in rows],
    )
    for outcomes in computed:
        found.append(outcomes)
        if progress is not None:
            progress(len(found), len(tasks))
    return found


def _fit_task(_: None, effects: Effects, choices: Sequence[ModelChoice]) -> list[Outcome]:
    return fit_set(effects, choices)


def fit_set(effects: Effects, choices: Sequence[ModelChoice]) -> list[Outcome]:
    """Fit several models to one set of effects; it is aggregated once for each way to do so."""
    keys = [(c.aggregation, c.averaged, c.overlap) for c in choices]
    made = {key: _estimates(effects, *key) for key in dict.fromkeys(keys)}
    found = []
    with quiet():  # an outcome has the codes of its notices
        for key, choice in zip(keys, choices, strict=True):
            own = made[key]
            fitted = failed(own, effects) if isinstance(own, Failure) else _fit(own, choice)
            found.append(fitted)
    return found


def _estimates(
    effects: Effects, how: str, rho: float | None, overlap: str | None
) -> Estimates | Failure:
    """Aggregate effects, or say why they cannot be."""
    try:
        own = _aggregated(effects, how, rho, overlap)
    except EstimationError as error:
        return Failure(error.code, str(error))
    return Estimates(own, ones(own))


def _aggregated(effects: Effects, how: str, rho: float | None, overlap: str | None) -> Effects:
    effects = replace(effects, overlap=overlap or "full")  # type: ignore[arg-type]
    if how == "mean" and rho is not None:
        return aggregate(effects, rho)
    if how in {"lowest", "highest"}:
        return extreme_per_study(effects, how)  # type: ignore[arg-type]
    return effects


#: Selection models by the option of the decision, with errors by study.
_SELECTION: Mapping[str, Callable[..., SelectionResult]] = {
    "step": partial(selection_model, steps=(0.025,), bootstrap="none"),
    "two-step": partial(selection_model, steps=(0.025, 0.5), bootstrap="none"),
    "beta": partial(beta_selection_model, bootstrap="none"),
}


def _fit(found: Estimates, choice: ModelChoice) -> Outcome:
    """Pool, or fit a selection model; an impossible estimate is an outcome too."""
    try:
        if choice.selection != "none":
            model = _SELECTION[choice.selection]
            return _selected(model(found.effects, level=choice.fitted.level))
        fit = fit_mean(found.effects, choice.fitted, found)
    except MetaAllianceError as error:
        return failed(Failure(error.code, str(error)), found.effects)
    back = partial(back_transform, measure=fit.measure)
    return Outcome(
        estimate=back(fit.estimate),
        ci_low=back(fit.ci_low),
        ci_high=back(fit.ci_high),
        pi_low=back(fit.pi_low),
        pi_high=back(fit.pi_high),
        p_value=fit.p_value,
        df=fit.df,
        analysis_estimate=fit.estimate,
        se=fit.se,
        tau=fit.tau,
        I2=fit.I2,
        n_studies=fit.n_studies,
        n_effects=fit.n_effects,
        notices=" ".join(sorted({n.code for n in fit.notices})),
        code="",
        failure="",
    )


def _selected(found: SelectionResult) -> Outcome:
    """The mean before selection; a selection model has neither a prediction interval nor I²."""
    back = partial(back_transform, measure=found.measure)
    (mean,) = found.coefficients()
    return Outcome(
        estimate=back(mean.estimate),
        ci_low=back(mean.ci_low),
        ci_high=back(mean.ci_high),
        pi_low=math.nan,
        pi_high=math.nan,
        p_value=mean.p_value,
        df=mean.df,
        analysis_estimate=mean.estimate,
        se=mean.se,
        tau=math.sqrt(found.tau2),
        I2=math.nan,
        n_studies=found.n_studies,
        n_effects=found.n_effects,
        notices=" ".join(sorted({n.code for n in found.notices})),
        code="",
        failure="",
    )
