"""Models of an effect with and without heterogeneity and bias, averaged by their probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.special import logsumexp

from metaalliance.core.arrays import Array
from metaalliance.core.bayesian.bias_models import Steps
from metaalliance.core.bayesian.panel import Averaged, Density, PanelDensity
from metaalliance.core.bayesian.posterior import Posterior
from metaalliance.core.bayesian.region import Integrated
from metaalliance.core.bayesian.weights import (
    P_EDGES,
    WeightsPosterior,
    averaged_weight,
    interval_weights,
)

#: Probability below which weights of a model are not looked at.
_SEEN = 1e-7

BiasKind = Literal["none", "one-sided", "two-sided", "PET", "PEESE"]


@dataclass(frozen=True, slots=True)
class BiasPrior:
    """One way in which results may be biased.

    Attributes
    ----------
    kind : {"none", "one-sided", "two-sided", "PET", "PEESE"}
        Weight functions by their p-values, or a regression on standard errors or variances.
    steps : tuple of float
        Cut points of p of a weight function.
    share : float
        Prior probability, given the presence or absence of an effect and of heterogeneity.
    """

    kind: BiasKind
    steps: tuple[float, ...] = ()
    share: float = 0.0

    @property
    def name(self) -> str:
        """Its name in tables."""
        if not self.steps:
            return self.kind
        cuts = ", ".join(f"{p:g}".removeprefix("0") for p in self.steps)
        return f"{self.kind} steps {cuts}"

    def weight_of(self, interval: int) -> int:
        """Which weight of a weight function an interval between `P_EDGES` has."""
        return interval_weights(self.steps, two_sided=self.kind == "two-sided")[interval]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """One model of the ensemble.

    Attributes
    ----------
    effect, heterogeneity : bool
        Whether the mean and tau have a prior; otherwise they are zero.
    bias : BiasPrior
        Its bias.
    log_marginal_likelihood : float
        Log of the integral of likelihood times priors.
    error : float
        What the quadrature does not resolve, as a share of that integral.
    mean, tau, slope : Density or None
        Posterior densities, where the model has the unknown. `slope` is the coefficient of PET
        or PEESE on Fisher z.
    steps : Steps or None
        The weight function.
    found : Integrated
        The integral over its other unknowns.
    """

    effect: bool
    heterogeneity: bool
    bias: BiasPrior
    log_marginal_likelihood: float
    error: float
    mean: Density | None
    tau: PanelDensity | None
    slope: PanelDensity | None
    steps: Steps | None
    found: Integrated

    @property
    def prior(self) -> float:
        """Prior probability."""
        return self.bias.share / 4


@dataclass(frozen=True, slots=False, eq=False)
class Ensemble:
    """All models with their posterior probabilities.

    Attributes
    ----------
    models : tuple of Fitted
        In the order of presence of effect, heterogeneity, bias.
    """

    models: tuple[Fitted, ...]

    @cached_property
    def posterior(self) -> Array:
        """Posterior probabilities of the models."""
        logs = self.logs
        return np.asarray(np.exp(logs - logsumexp(logs)))

    @cached_property
    def logs(self) -> Array:
        """Logs of prior times marginal likelihood."""
        return np.array([math.log(m.prior) + m.log_marginal_likelihood for m in self.models])

    def log_inclusion(self, inside: Sequence[bool]) -> float:
        """Log Bayes factor of these models against all others."""
        kept = np.asarray(inside, dtype=bool)
        priors = np.array([m.prior for m in self.models])
        odds = logsumexp(self.logs[kept]) - logsumexp(self.logs[~kept])
        return float(odds - math.log(priors[kept].sum() / priors[~kept].sum()))

    def averaged(self, what: Literal["mean", "tau"], *, conditional: bool) -> Averaged:
        """Mean or tau over all models, or over those that have it."""
        return self._mixture([getattr(m, what) for m in self.models], conditional)

    def slope(self, kind: BiasKind, *, conditional: bool) -> Averaged:
        """Coefficient of PET or of PEESE over all models, or over those that have it."""
        found = [m.slope if m.bias.kind == kind else None for m in self.models]
        return self._mixture(found, conditional)

    def weights(self, level: float, *, conditional: bool) -> list[Posterior]:
        """Weights between `P_EDGES` over all models, or over weight functions."""
        each = self._selected
        total = sum(p for p, _, _ in each) if conditional else 1.0
        known = 0.0 if conditional else max(0.0, 1 - sum(p for p, _, _ in each))
        rows = []
        for i in range(len(P_EDGES) - 1):
            parts = [(p / total, w, bias.weight_of(i)) for p, w, bias in each]
            rows.append(averaged_weight(parts, known, level))
        return rows

    @cached_property
    def _selected(self) -> list[tuple[float, WeightsPosterior, BiasPrior]]:
        """Probability, weights and bias of the weight functions that have any probability."""
        found = zip(self.posterior, self.models, strict=True)
        every = [(float(p), m) for p, m in found if m.steps is not None]
        least = _SEEN * max(p for p, _ in every)
        return [(p, _weights(m), m.bias) for p, m in every if p > least]

    def _mixture(self, found: Sequence[Density | None], conditional: bool) -> Averaged:
        parts = [(float(p), f) for p, f in zip(self.posterior, found, strict=True) if f is not None]
        known = 1 - sum(p for p, _ in parts)
        if conditional:
            total = sum(p for p, _ in parts)
            return Averaged([(p / total, f) for p, f in parts], 0.0, 0.0)
        return Averaged(parts, 0.0, max(0.0, known))


def _weights(model: Fitted) -> WeightsPosterior:
    """Posterior of the weights of a model that has some."""
    assert model.steps is not None
    kept = model.found.masses > _SEEN * model.found.masses.max()
    at = model.found.nodes[kept]
    mean, tau = mean_and_tau(at, model.effect, model.heterogeneity)
    return WeightsPosterior.of(model.steps, mean, tau, model.found.masses[kept])


def mean_and_tau(at: Array, effect: bool, heterogeneity: bool) -> tuple[Array, Array]:
    """Mean and tau of the unknowns of a model, zero where it has none."""
    zero = np.zeros(len(at))
    return (at[:, 0] if effect else zero, np.exp(at[:, -1]) if heterogeneity else zero)
