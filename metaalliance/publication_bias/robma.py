"""Robust Bayesian meta-analysis: a mean over models with and without publication bias."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from metaalliance.core.bayesian.ensemble import Ensemble
from metaalliance.core.bayesian.panel import Averaged
from metaalliance.core.bayesian.posterior import Posterior
from metaalliance.core.bayesian.robust import ONE_SIDED, TWO_SIDED, robust_ensemble
from metaalliance.core.bayesian.weights import P_EDGES
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import critical_values
from metaalliance.errors import EstimationError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import announced
from metaalliance.options import check_option
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.checks import (
    Direction,
    begin_averaged,
    chosen_direction,
    few_studies,
    need_studies,
)
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.wording.numbers import number

_METHOD = "Robust Bayesian meta-analysis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What some models have and others not.

    Attributes
    ----------
    name : {"effect", "heterogeneity", "bias"}
        What it is.
    n_models : int
        Models that have it, of all.
    prior, posterior : float
        Probabilities.
    log_inclusion_bf : float
        Natural logarithm of the inclusion Bayes factor: posterior by prior odds.
    """

    name: str
    n_models: int
    prior: float
    posterior: float
    log_inclusion_bf: float

    @property
    def inclusion_bf(self) -> float:
        """Inclusion Bayes factor; infinite where it overflows."""
        return math.exp(self.log_inclusion_bf) if self.log_inclusion_bf < 700 else math.inf

    def text(self) -> str:
        """Return "effect 1.23"; odds of a million or more as a power of e."""
        size = abs(self.log_inclusion_bf)
        if size >= math.log(1e6):
            return f"{self.name} e^{number(self.log_inclusion_bf, 1)}"
        return f"{self.name} {self.inclusion_bf:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragedModel:
    """One model of the ensemble.

    Attributes
    ----------
    effect, heterogeneity : bool
        Whether mean and τ have a prior, or are zero.
    bias : str
        How results are biased: "none", "PET", "PEESE", or a weight function with its steps.
    prior, posterior : float
        Its probabilities.
    log_marginal_likelihood : float
        Of the effects as Fisher z.
    log_inclusion_bf : float
        Natural logarithm of its Bayes factor against all other models.
    """

    effect: bool
    heterogeneity: bool
    bias: str
    prior: float
    posterior: float
    log_marginal_likelihood: float
    log_inclusion_bf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragedUnknown:
    """What is known of one unknown after all.

    Attributes
    ----------
    name : str
        "mean", "τ", "PET", "PEESE", or a weight with its interval of one-sided p.
    averaged, conditional : Posterior
        Over all models, in some of which it is zero (a weight: one); and over those where it is
        unknown.
    """

    name: str
    averaged: Posterior
    conditional: Posterior


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Robma(BiasResult):
    """Mean, heterogeneity and bias averaged over the 36 models of RoBMA-PSMA.

    Attributes
    ----------
    unknowns : tuple of AveragedUnknown
        Mean, τ and the coefficients of PET and PEESE, on Fisher z. The coefficients are those in
        the direction of selection.
    weights : tuple of AveragedUnknown
        Weights of results by intervals of one-sided p, in the direction of selection.
    mean_r : float
        Posterior mean of the correlation itself, over all models. (The mean of Fisher z brought
        back to r is another number.)
    components : tuple of Component
        Effect, heterogeneity, bias.
    models : tuple of AveragedModel
        All models.
    alternative : {"greater", "less"}
        Direction that selection favours.
    quadrature_error : float
        The largest share of a marginal density that a rule does not resolve, over models with a
        probability above 1e-6.
    """

    method: ClassVar[str] = "robma"
    title: ClassVar[str] = "Robust Bayesian meta-analysis (RoBMA-PSMA)"
    takes: ClassVar[frozenset[str]] = frozenset({"rho", "level"})
    kinds: ClassVar[frozenset[str]] = frozenset({"two-level"})
    because: ClassVar[str] = (
        "it averages over published models of one effect per study with published priors, and its "
        "intervals are credible ones"
    )

    unknowns: tuple[AveragedUnknown, ...]
    weights: tuple[AveragedUnknown, ...]
    mean_r: float
    components: tuple[Component, ...]
    models: tuple[AveragedModel, ...]
    alternative: Direction
    quadrature_error: float

    def adjusted(self) -> Term:
        """Return the mean over all models."""
        return _term("mean over all models", self.unknowns[0].averaged, kind="effect")

    def terms(self) -> Sequence[Term]:
        """Return mean, τ and coefficients over all models and over those that have them."""
        mean, *others = self.unknowns
        found = [self.adjusted(), _term("mean given an effect", mean.conditional, kind="effect")]
        for u in (*others, *self.weights):
            given = "given heterogeneity" if u.name == "τ" else "given its models"
            found += [_term(u.name, u.averaged), _term(f"{u.name} {given}", u.conditional)]
        return found

    def settings(self) -> dict[str, Any]:
        """Return the options that made this result."""
        return {**BiasResult.settings(self), "alternative": self.alternative}

    def details(self) -> dict[str, Any]:
        """Return components, models, medians, and what the integrals are worth."""
        components = [
            {**asdict(c), "inclusion_bf": _finite(c.inclusion_bf)} for c in self.components
        ]
        return {
            "components": components,
            "models": [asdict(m) for m in self.models],
            "unknowns": [asdict(u) for u in self.unknowns],
            "weights": [asdict(w) for w in self.weights],
            "mean_r": self.mean_r,
            "quadrature_error": self.quadrature_error,
        }

    def reading(self) -> str:
        """Return the inclusion Bayes factors and what the mean rests on."""
        factors = ", ".join(c.text() for c in self.components)
        way = "positive" if self.alternative == "greater" else "negative"
        return (
            f"Inclusion Bayes factors (above 1 for, below 1 against): {factors}. The mean is that "
            f"over {len(self.models)} models with the priors of RoBMA-PSMA, in half of which there "
            f"is no effect; selection favours {way} effects. Intervals are credible ones."
        )

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        # Weights and each model stand in tables; their many lines would hide the rest.
        lines = BiasResult.summary(self).split("\n")
        hidden = tuple(f"  {w.name}" for w in self.weights)
        return "\n".join(line for line in lines if not line.startswith(hidden))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _term(name: str, found: Posterior, **own: Any) -> Term:
    return Term(
        name=name, estimate=found.mean, se=found.sd, ci_low=found.low, ci_high=found.high, **own
    )


def robma(
    effects: Effects | PooledFit,
    *,
    alternative: Literal["auto", "greater", "less"] = "auto",
    **settings: Unpack[ModelSettings],
) -> Robma:
    """Average the mean over 36 models with and without effect, heterogeneity and bias.

    The models are those of RoBMA-PSMA: a mean (normal, sd 1) or none, τ (inverse gamma, shape 1,
    scale .15) or none, and no bias, one of six weight functions (falling weights of p, every
    falling sequence as likely as any other), PET (half-Cauchy, 1) or PEESE (half-Cauchy, 5).
    Half of the prior probability each is on an effect, on heterogeneity and on bias; that of bias
    is shared equally by the weight functions together and by PET and PEESE together. Priors are
    on Cohen's d, of which Fisher z is taken to be half, as in the R package RoBMA (2.0 to 3.6).
    Everything is integrated by quadrature: there is no sampler and no seed.

    Parameters
    ----------
    effects : Effects or PooledFit
        Correlations; several of one study are averaged first, since a composite likelihood gives
        no Bayes factors.
    alternative : {"auto", "greater", "less"}
        Direction that selection favours; "auto" takes the sign of the pooled estimate.
    **settings
        The settings of `pool`, by default those of the fit. `rho`, where it is a number, is the
        correlation of sampling errors within a study for the averaging (else .5); `level` is
        that of the credible intervals; the others are named in `not_taken`.

    Raises
    ------
    EstimationError
        For fewer than two studies, or effects that are no correlations: the priors are on the
        scale of Cohen's d.

    References
    ----------
    Bartoš and colleagues (2023).

    Examples
    --------
    >>> r = [0.21, 0.29, 0.22, 0.26, 0.23, 0.54, 0.56, 0.29]
    >>> n = [115, 283, 80, 109, 61, 107, 79, 121]
    >>> z, v = np.arctanh(r), 1 / (np.array(n) - 3)
    >>> found = robma(Effects.from_arrays(z, v, measure="z"))
    >>> [round(c.posterior, 2) for c in found.components]
    [0.96, 0.78, 0.48]
    """
    check_option("alternative", alternative, Literal["auto", "greater", "less"])
    start = begin_averaged(Robma, effects, settings, _METHOD)
    chosen = start.effects
    if chosen.measure != "z":
        raise EstimationError(
            f"{_METHOD} was refused: its priors are those of correlations (on Cohen's d), and "
            f"these effects are on another scale ({chosen.measure}).",
            code="MA706",
        )
    need_studies(chosen, 2, _METHOD)
    way, note = chosen_direction(chosen, alternative)
    sign = -1.0 if way == "less" else 1.0
    found = robust_ensemble(
        sign * chosen.yi,
        chosen.vi,
        critical_values(chosen, np.array(ONE_SIDED)),
        critical_values(chosen, np.array(TWO_SIDED), "two-sided"),
    )
    averaged = () if start.aggregation_rho is None else (_one_effect_per_study(),)
    return announced(
        Robma(
            **start.fields(),
            **_results(found, sign, start.model.level),
            alternative=way,
            notices=(*start.notices, *averaged, *note, *few_studies(chosen, _METHOD)),
        )
    )


def _one_effect_per_study() -> Problem:
    message = (
        "Bayes factors take one effect per study: the composite likelihood by which other "
        "selection models take dependent effects gives none. Effects of a study were averaged "
        "first."
    )
    return notice("MA705", message, severity="note")


def _results(found: Ensemble, sign: float, level: float) -> dict[str, Any]:
    """Averages, components and models, in the direction of the effects."""
    mean = _unknown("mean", level, partial(found.averaged, "mean"))
    tau = _unknown("τ", level, partial(found.averaged, "tau"))
    slopes = [
        _unknown("PET", level, partial(found.slope, "PET")),
        _unknown("PEESE", level, partial(found.slope, "PEESE")),
    ]
    every = found.weights(level, conditional=False), found.weights(level, conditional=True)
    names = [f"weight of p {low:g} to {high:g}" for low, high in pairwise(P_EDGES)]
    weights = [
        AveragedUnknown(name=name, averaged=averaged, conditional=conditional)
        for name, averaged, conditional in zip(names, *every, strict=True)
    ]
    turned = replace(
        mean, averaged=_turned(mean.averaged, sign), conditional=_turned(mean.conditional, sign)
    )
    return {
        "unknowns": (turned, tau, *slopes),
        "weights": tuple(weights),
        "mean_r": sign * found.averaged("mean", conditional=False).mean(np.tanh),
        "components": tuple(_components(found)),
        "models": tuple(_models(found)),
        "quadrature_error": max(
            m.error for m, p in zip(found.models, found.posterior, strict=True) if p > 1e-6
        ),
    }


def _unknown(name: str, level: float, of: Callable[..., Averaged]) -> AveragedUnknown:
    """An unknown over all models and over those that have it."""
    return AveragedUnknown(
        name=name,
        averaged=of(conditional=False).describe(level),
        conditional=of(conditional=True).describe(level),
    )


def _turned(found: Posterior, sign: float) -> Posterior:
    """The posterior of the effects as they are, where they were turned around."""
    if sign > 0:
        return found
    return Posterior(
        mean=-found.mean, sd=found.sd, median=-found.median, low=-found.high, high=-found.low
    )


def _components(found: Ensemble) -> list[Component]:
    rows = []
    for name, inside in (
        ("effect", [m.effect for m in found.models]),
        ("heterogeneity", [m.heterogeneity for m in found.models]),
        ("bias", [m.bias.kind != "none" for m in found.models]),
    ):
        kept = np.array(inside)
        rows.append(
            Component(
                name=name,
                n_models=int(kept.sum()),
                prior=sum(m.prior for m, there in zip(found.models, inside, strict=True) if there),
                posterior=float(found.posterior[kept].sum()),
                log_inclusion_bf=found.log_inclusion(inside),
            )
        )
    return rows


def _models(found: Ensemble) -> list[AveragedModel]:
    n = len(found.models)
    return [
        AveragedModel(
            effect=m.effect,
            heterogeneity=m.heterogeneity,
            bias=m.bias.name,
            prior=m.prior,
            posterior=float(p),
            log_marginal_likelihood=m.log_marginal_likelihood,
            log_inclusion_bf=found.log_inclusion([i == j for j in range(n)]),
        )
        for i, (m, p) in enumerate(zip(found.models, found.posterior, strict=True))
    ]
