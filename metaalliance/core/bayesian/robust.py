"""The 36 models of robust Bayesian meta-analysis (RoBMA-PSMA), each integrated by quadrature."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.bayesian.bias_models import (
    MeanPrior,
    Normal,
    Steps,
    build_steps,
    coarse,
    resolved,
)
from metaalliance.core.bayesian.ensemble import BiasPrior, Ensemble, Fitted, mean_and_tau
from metaalliance.core.bayesian.panel import Density
from metaalliance.core.bayesian.region import Integrated, LogFunction, Region, integrate, region_of

#: Priors as published, on Cohen's d: normal mean, inverse-gamma tau, half-Cauchy coefficients.
MEAN_SD, TAU_SHAPE, TAU_SCALE, PET_SCALE, PEESE_SCALE = 1.0, 1.0, 0.15, 1.0, 5.0
#: Cohen's d as Fisher z, as the package has it for all its priors: half of it.
_HALF = 0.5
#: Where log tau is looked for.
_TAU = (math.log(1e-3), math.log(1e4))
#: Points of each unknown at which the rule of the weights is chosen, and how high they are.
_SAMPLE, _NEAR = 9, 12.0
#: Logarithm below the highest value from which few nodes of the weights are enough.
_DEEP = 16.0

#: P-values at which `robust_ensemble` wants critical values, by tail.
ONE_SIDED, TWO_SIDED = (0.025, 0.05, 0.5), (0.05, 0.1)

_STEP = 1 / 24
BIASES: tuple[BiasPrior, ...] = (
    BiasPrior("none", share=1 / 2),
    BiasPrior("two-sided", (0.05,), _STEP),
    BiasPrior("two-sided", (0.05, 0.1), _STEP),
    BiasPrior("one-sided", (0.05,), _STEP),
    BiasPrior("one-sided", (0.025, 0.05), _STEP),
    BiasPrior("one-sided", (0.05, 0.5), _STEP),
    BiasPrior("one-sided", (0.025, 0.05, 0.5), _STEP),
    BiasPrior("PET", share=1 / 8),
    BiasPrior("PEESE", share=1 / 8),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    yi: Array
    vi: Array
    one_sided: Array
    two_sided: Array

    def critical(self, bias: BiasPrior) -> Array:
        """Critical values of the steps of a weight function."""
        one = bias.kind == "one-sided"
        every, table = (ONE_SIDED, self.one_sided) if one else (TWO_SIDED, self.two_sided)
        return np.asarray(table[:, [every.index(p) for p in bias.steps]])


def robust_ensemble(yi: Array, vi: Array, one_sided: Array, two_sided: Array) -> Ensemble:
    """Fit the 36 models of RoBMA-PSMA to one effect per study.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Fisher z, turned so that selection favours greater effects, and sampling variances.
    one_sided : ndarray, shape (k, 3)
        Critical values at one-sided p of .025, .05 and .5, in standard errors.
    two_sided : ndarray, shape (k, 2)
        Critical values at two-sided p of .05 and .1.

    Returns
    -------
    Ensemble
        The models.

    References
    ----------
    Bartoš and colleagues (2023).
    """
    data = _Data(yi, vi, one_sided, two_sided)
    return Ensemble(
        tuple(
            _fitted(data, effect, heterogeneity, bias)
            for effect in (False, True)
            for heterogeneity in (False, True)
            for bias in BIASES
        )
    )


def _fitted(data: _Data, effect: bool, heterogeneity: bool, bias: BiasPrior) -> Fitted:
    if bias.steps:
        return _with_steps(data, effect, heterogeneity, bias)
    return _without_steps(data, effect, heterogeneity, bias)


def _tau_prior(log_tau: Array) -> Array:
    """Log density of log tau: tau of Cohen's d is inverse gamma, that of Fisher z half of it."""
    scale = TAU_SCALE * _HALF
    return np.asarray(
        TAU_SHAPE * (math.log(scale) - log_tau) - math.lgamma(TAU_SHAPE) - scale * np.exp(-log_tau)
    )


def _half_cauchy(x: Array, scale: float) -> Array:
    return np.asarray(math.log(2 / (math.pi * scale)) - np.log1p((x / scale) ** 2))


def _without_steps(data: _Data, effect: bool, heterogeneity: bool, bias: BiasPrior) -> Fitted:
    """No bias, PET or PEESE: unknowns are the coefficient and log tau, the mean is integrated."""
    sloped = bias.kind != "none"
    x = {"none": None, "PET": np.sqrt(data.vi), "PEESE": data.vi}[bias.kind]
    scale = PET_SCALE if bias.kind == "PET" else PEESE_SCALE / _HALF
    normal, prior = Normal(data.yi, data.vi, x), MeanPrior(MEAN_SD * _HALF)

    def parts(at: Array) -> tuple[Array, Array]:
        slope = at[:, 0] if sloped else np.zeros(len(at))
        return slope, np.exp(at[:, -1]) if heterogeneity else np.zeros(len(at))

    def log(at: Array) -> Array:
        slope, tau = parts(at)
        value = (
            prior.integral(normal, slope, tau)
            if effect
            else normal.at(np.zeros_like(slope), slope, tau)
        )
        if sloped:
            value = value + _half_cauchy(slope, scale)
        return value + _tau_prior(at[:, -1]) if heterogeneity else value

    box = []
    if sloped and x is not None:
        box.append((0.0, (float(np.abs(data.yi).max()) + prior.ends[1]) / float(x.min())))
    if heterogeneity:
        box.append(_TAU)
    found = integrate(log, region_of(log, box), box)
    mean = None
    if effect:
        kept = found.masses > 1e-14
        slope, tau = parts(found.nodes[kept])
        mean = prior.after(normal, slope, tau, found.masses[kept])
    return _made(found, effect, heterogeneity, bias, mean=mean)


def _with_steps(data: _Data, effect: bool, heterogeneity: bool, bias: BiasPrior) -> Fitted:
    """A weight function: unknowns are the mean and log tau, the weights are integrated."""
    prior = MeanPrior(MEAN_SD * _HALF)
    rough = build_steps(data.yi, data.vi, bias.steps, bias.kind == "two-sided", data.critical(bias))

    def log_with(steps: Steps, at: Array) -> Array:
        mean, tau = mean_and_tau(at, effect, heterogeneity)
        value = steps.integral(mean, tau)
        if effect:
            value = value + prior.log_density(mean)
        return value + _tau_prior(at[:, -1]) if heterogeneity else value

    box = ([prior.ends] if effect else []) + ([_TAU] if heterogeneity else [])
    region = region_of(lambda at: log_with(rough, at), box)
    steps = resolved(rough, *_sample(lambda at: log_with(rough, at), region, effect, heterogeneity))
    quick = coarse(steps)

    def exact(at: Array) -> Array:
        value = log_with(quick, at)
        high = value > value.max() - _DEEP
        value[high] = log_with(steps, at[high])
        return value

    found = integrate(exact, region, box)
    mean = found.marginals[0] if effect else None
    return _made(found, effect, heterogeneity, bias, mean=mean, steps=steps)


def _sample(
    log: LogFunction, region: Region, effect: bool, heterogeneity: bool
) -> tuple[Array, Array]:
    """Means and taus at which a function is high."""
    axes = [panel.rule(_SAMPLE)[0] for panel in region]
    grids = np.meshgrid(*axes, indexing="ij") if axes else []
    at = np.stack([g.ravel() for g in grids], axis=1) if grids else np.zeros((1, 0))
    values = log(at)
    return mean_and_tau(at[values > values.max() - _NEAR], effect, heterogeneity)


def _made(
    found: Integrated,
    effect: bool,
    heterogeneity: bool,
    bias: BiasPrior,
    *,
    mean: Density | None,
    steps: Steps | None = None,
) -> Fitted:
    sloped = bias.kind in {"PET", "PEESE"}
    return Fitted(
        effect=effect,
        heterogeneity=heterogeneity,
        bias=bias,
        log_marginal_likelihood=found.log_total,
        error=found.rest(),
        mean=mean,
        tau=replace(found.marginals[-1], log=True) if heterogeneity else None,
        slope=found.marginals[0] if sloped else None,
        steps=steps,
        found=found,
    )
