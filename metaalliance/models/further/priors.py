"""Priors of a Bayesian model by their names."""

from __future__ import annotations

from typing import Literal

from metaalliance.core.bayesian.priors import (
    FLAT,
    HalfCauchy,
    HalfNormal,
    NormalPrior,
    TauPrior,
    Uniform,
)
from metaalliance.errors import OptionError
from metaalliance.options import Measure

TauPriorName = Literal["half-normal", "half-cauchy", "uniform"]

#: Scale of the half-normal and half-Cauchy priors of tau for Fisher z and r, unless given:
#: half-normal, 95% of it is below tau = .49.
CORRELATION_SCALE = 0.25
_PRIORS: dict[str, type[HalfNormal] | type[HalfCauchy] | type[Uniform]] = {
    "half-normal": HalfNormal,
    "half-cauchy": HalfCauchy,
    "uniform": Uniform,
}


def prior_of_tau(name: TauPriorName, scale: float | None, measure: Measure) -> TauPrior:
    """Prior of tau; only correlations have a customary size."""
    if scale is None and name == "uniform":
        return Uniform()
    if scale is None and measure == "generic":
        raise OptionError(
            f"tau_prior={name!r} needs scale=: how far true effects of this metric may differ."
        )
    return _PRIORS[name](CORRELATION_SCALE if scale is None else float(scale))


def prior_of_mean(mu_prior: tuple[float, float] | NormalPrior | None) -> NormalPrior:
    """Prior of the mean from (mean, sd); flat for None."""
    if mu_prior is None:
        return FLAT
    if isinstance(mu_prior, NormalPrior):
        return mu_prior
    try:
        mean, sd = (float(x) for x in mu_prior)
    except (TypeError, ValueError) as error:
        raise OptionError(f"mu_prior={mu_prior!r} is not (mean, standard deviation).") from error
    return NormalPrior(mean, sd)
