"""Priors of the mean and of the standard deviation of true effects."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.errors import OptionError


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """Prior of tau: the absolute value of a normal with standard deviation `scale`."""

    scale: float

    def log_density(self, tau: Array) -> Array:
        """Log density at `tau` >= 0."""
        constant = 0.5 * math.log(2 / math.pi) - math.log(self.scale)
        return np.asarray(constant - 0.5 * (tau / self.scale) ** 2)


@dataclass(frozen=True, slots=True)
class HalfCauchy:
    """Prior of tau with a long tail; `scale` is its median."""

    scale: float

    def log_density(self, tau: Array) -> Array:
        """Log density at `tau` >= 0."""
        constant = math.log(2 / math.pi) - math.log(self.scale)
        return np.asarray(constant - np.log1p((tau / self.scale) ** 2))


@dataclass(frozen=True, slots=True)
class Uniform:
    """Prior of tau: uniform from 0 to `scale`; improper, with density 1, if that is infinite."""

    scale: float = math.inf

    def log_density(self, tau: Array) -> Array:
        """Log density at `tau` from 0 to `scale`."""
        return np.full(np.shape(tau), 0.0 if math.isinf(self.scale) else -math.log(self.scale))


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """Prior of the mean; flat, with density 1, if `sd` is infinite."""

    mean: float = 0.0
    sd: float = math.inf

    @property
    def flat(self) -> bool:
        """Whether every mean is as likely as any other."""
        return math.isinf(self.sd)


TauPrior = HalfNormal | HalfCauchy | Uniform
FLAT = NormalPrior()


def tail_power(prior: TauPrior) -> float:
    """Power of tau with which the density of a prior falls in the end."""
    if isinstance(prior, HalfCauchy):
        return 2.0
    return 0.0 if isinstance(prior, Uniform) and math.isinf(prior.scale) else math.inf


def check_priors(tau_prior: TauPrior, mu_prior: NormalPrior) -> None:
    """Refuse a scale that is not positive, or a mean that is not a number."""
    unbounded = isinstance(tau_prior, Uniform) and tau_prior.scale == math.inf
    if not (tau_prior.scale > 0 and (unbounded or math.isfinite(tau_prior.scale))):
        raise OptionError(f"{tau_prior!r}: the scale of a prior of tau is a positive number.")
    if not (mu_prior.sd > 0 and math.isfinite(mu_prior.mean)):
        raise OptionError(f"{mu_prior!r}: the mean is a number and the sd a positive one.")
