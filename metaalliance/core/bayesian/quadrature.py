"""Bayesian random-effects model by quadrature: no sampler, no seed, an error estimate.

Given tau everything is normal, so that each posterior is a mixture of normal distributions
over the posterior of tau, and one adaptive integral over tau is all there is to compute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.bayesian.posterior import (
    FINE,
    SPLIT,
    CredibleInterval,
    NormalMixture,
    Posterior,
    TauDistribution,
    describe,
)
from metaalliance.core.bayesian.priors import (
    FLAT,
    NormalPrior,
    TauPrior,
    Uniform,
    check_priors,
    tail_power,
)
from metaalliance.errors import EstimationError, OptionError
from metaalliance.options import check_level, check_option

# The model -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Effects and prior of the mean: what is known in closed form at values of tau (nodes,)."""

    yi: Array
    vi: Array
    prior: NormalPrior

    def mean(self, tau: Array) -> tuple[Array, Array]:
        """Posterior mean and variance of the mean."""
        wi = 1 / (self.vi + tau[:, None] ** 2)
        own = self.prior.sd**-2
        precision = wi.sum(axis=1) + own
        return (wi @ self.yi + self.prior.mean * own) / precision, 1 / precision

    def log_likelihood(self, tau: Array) -> Array:
        """Log density of the effects, the mean integrated out over its prior."""
        mean, variance = self.mean(tau)
        value = self.log_likelihood_at(tau, mean) + 0.5 * np.log(variance)
        if self.prior.flat:
            return np.asarray(value + 0.5 * math.log(2 * math.pi))
        pull = (mean - self.prior.mean) / self.prior.sd
        return np.asarray(value - 0.5 * pull**2 - math.log(self.prior.sd))

    def log_likelihood_at(self, tau: Array, mean: Array | float) -> Array:
        """Log density of the effects when the mean is `mean`."""
        total = self.vi + tau[:, None] ** 2
        squares = (self.yi - np.reshape(mean, (-1, 1))) ** 2
        return np.asarray(-0.5 * np.sum(np.log(2 * math.pi * total) + squares / total, axis=1))

    def posterior_of_tau(self, prior: TauPrior, fixed_mean: float | None = None) -> TauDistribution:
        """Posterior of tau, given the mean or with its prior."""

        def log_density(tau: Array) -> Array:
            if fixed_mean is None:
                return self.log_likelihood(tau) + prior.log_density(tau)
            return self.log_likelihood_at(tau, fixed_mean) + prior.log_density(tau)

        scale = math.sqrt(self.vi.size / float(np.sum(1 / self.vi)) + float(np.var(self.yi)))
        upper = prior.scale if isinstance(prior, Uniform) else math.inf
        return TauDistribution.integrate(log_density, scale, upper, self.moments(prior))

    def moments(self, prior: TauPrior) -> int:
        """How many moments of tau exist; -1 if even the integral of its posterior does not."""
        power = tail_power(prior) + self.yi.size - self.prior.flat
        return 2 if power > 3 else math.ceil(power) - 2


@dataclass(frozen=True, slots=True, eq=False)
class _Mixtures:
    """Posteriors as mixtures over the nodes of one rule."""

    tau: Array
    weights: Array
    mu: NormalMixture
    new_effect: NormalMixture

    @classmethod
    def of(cls, model: _Model, posterior: TauDistribution, order: int) -> _Mixtures:
        tau, weights = posterior.nodes(order)
        mean, variance = model.mean(tau)
        mu = NormalMixture(weights, mean, variance)
        return cls(tau, weights, mu, NormalMixture(weights, mean, variance + tau**2))

    def studies(self, yi: Array, vi: Array) -> tuple[NormalMixture, ...]:
        """Mixtures of the true effects of the studies."""
        pull = vi / (vi + self.tau[:, None] ** 2)
        means = pull * self.mu.means[:, None] + (1 - pull) * yi
        variances = (1 - pull) * vi + pull**2 * self.mu.variances[:, None]
        pairs = zip(means.T, variances.T, strict=True)
        return tuple(NormalMixture(self.weights, mean, variance) for mean, variance in pairs)

    def tau_moments(self) -> tuple[float, float]:
        """Mean and standard deviation of tau."""
        mean = float(self.weights @ self.tau)
        return mean, math.sqrt(float(self.weights @ (self.tau - mean) ** 2))

    def distance(self, other: _Mixtures, moments: int, *, flat: bool) -> float:
        """Largest relative difference of the total and of the moments that exist."""
        mine, theirs = self.tau_moments(), other.tau_moments()
        change = [abs(float(other.weights.sum()) - 1)]
        change += [abs(a - b) / a for a, b in zip(mine[:moments], theirs, strict=False)]
        if not flat or moments == 2:
            sd = self.mu.sd()
            change += [abs(self.mu.mean() - other.mu.mean()) / sd, abs(1 - other.mu.sd() / sd)]
        return max(change)


# Results ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BayesFit:
    """Posterior of the random-effects model, on the analysis scale.

    Attributes
    ----------
    mu, tau, new_effect : Posterior
        Mean of the true effects, their standard deviation, and the true effect of a new
        study: its interval is the prediction interval.
    study_means, study_sds : ndarray, shape (k,)
        The true effects of the studies, shrunken towards the mean.
    level, interval : float, {"shortest", "central"}
        The credible intervals.
    log_marginal_likelihood : float
        Log density of the effects under the priors. A flat prior counts as density 1, and
        then only differences between fits with the same flat prior mean something.
    quadrature_error : float
        Largest relative change of the marginal likelihood, and of the means and standard
        deviations of mu and tau, when the rules of the panels are made coarser: it bounds
        the error generously. What a diverging moment would add is left out.
    mu_prior, tau_prior : NormalPrior, TauPrior
        The priors.
    mu_distribution, new_effect_distribution : NormalMixture
    tau_distribution : TauDistribution
        For quantiles, tail probabilities, densities and other intervals.
    study_distributions : tuple of NormalMixture
        The same for the true effect of each study.
    """

    mu: Posterior
    tau: Posterior
    new_effect: Posterior
    study_means: Array
    study_sds: Array
    level: float
    interval: CredibleInterval
    log_marginal_likelihood: float
    quadrature_error: float
    mu_prior: NormalPrior
    tau_prior: TauPrior
    mu_distribution: NormalMixture
    tau_distribution: TauDistribution
    new_effect_distribution: NormalMixture
    study_distributions: tuple[NormalMixture, ...]

    def probability_above(self, value: float = 0.0) -> float:
        """Posterior probability that the mean is above `value`."""
        return self.mu_distribution.sf(value)


def fit_bayes(
    yi: Array,
    vi: Array,
    tau_prior: TauPrior,
    mu_prior: NormalPrior = FLAT,
    *,
    level: float = 0.95,
    interval: CredibleInterval = "shortest",
) -> BayesFit:
    """Posterior of the mean, of tau, of a new true effect and of the studies' true effects.

    ``yi ~ N(theta_i, vi)``, ``theta_i ~ N(mu, tau²)``, mu and tau independent a priori.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances on the analysis scale.
    tau_prior : HalfNormal, HalfCauchy or Uniform
        Prior of tau on the analysis scale. It has no default: with few studies it matters.
    mu_prior : NormalPrior
        Prior of the mean; flat unless given.
    level : float
        Probability of the credible intervals, in (0, 1).
    interval : {"shortest", "central"}
        Their kind.

    Returns
    -------
    BayesFit
        The posterior, with an estimate of its numerical error.

    Raises
    ------
    EstimationError
        When the posterior has no finite integral: an unbounded uniform prior of tau needs
        three effects, or two beside a normal prior of the mean; other priors one.
    OptionError
        For a prior whose scale is not positive.

    References
    ----------
    Röver (2020); Gelman (2006): priors of tau.

    Examples
    --------
    The eight schools of Rubin (1981). The vignette of bayesmeta 2.2 prints mean and median
    of tau as 5.884511 and 4.758539, and the mean as 7.985729, within its own tolerance.

    >>> from metaalliance.core.bayesian.priors import HalfCauchy
    >>> yi = np.array([28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16])
    >>> sei = np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6])
    >>> fit = fit_bayes(yi, sei**2, HalfCauchy(25.0), NormalPrior(0.0, 50.0))
    >>> round(fit.mu.mean, 4), round(fit.tau.mean, 6), round(fit.tau.median, 6)
    (7.986, 5.884511, 4.758539)
    """
    check_option("interval", interval, CredibleInterval)
    check_level(level)
    check_priors(tau_prior, mu_prior)
    model = _Model(yi, vi, mu_prior)
    moments = model.moments(tau_prior)
    if moments < 0:
        raise EstimationError(
            f"{yi.size} effects and {tau_prior!r} leave the posterior of tau without a finite "
            "integral; choose HalfNormal, HalfCauchy or a bounded Uniform."
        )
    tau = model.posterior_of_tau(tau_prior)
    mix, coarse = (_Mixtures.of(model, tau, order) for order in (FINE, SPLIT))
    studies = mix.studies(yi, vi)

    mu, new, settings = mix.mu, mix.new_effect, (level, interval)
    of_mu = moments if mu_prior.flat else 2
    return BayesFit(
        mu=describe(mu, mu.mean(), mu.sd(), of_mu, *settings),
        tau=describe(tau, *mix.tau_moments(), moments, *settings),
        new_effect=describe(new, new.mean(), new.sd(), moments, *settings),
        study_means=read_only(np.array([study.mean() for study in studies])),
        study_sds=read_only(np.array([study.sd() for study in studies])),
        level=level,
        interval=interval,
        log_marginal_likelihood=tau.log_total,
        quadrature_error=mix.distance(coarse, moments, flat=mu_prior.flat),
        mu_prior=mu_prior,
        tau_prior=tau_prior,
        mu_distribution=mu,
        tau_distribution=tau,
        new_effect_distribution=new,
        study_distributions=studies,
    )


# Bayes factors ---------------------------------------------------------------------------------


def log_bayes_factor_mu(
    yi: Array, vi: Array, tau_prior: TauPrior, mu_prior: NormalPrior, null: float = 0.0
) -> float:
    """Log Bayes factor for a mean with this prior against a mean of exactly `null`.

    Positive values speak for the prior, log 10 = 2.3 being ten to one; tau has the same prior
    on both sides.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances on the analysis scale.
    tau_prior : HalfNormal, HalfCauchy or Uniform
        Prior of tau.
    mu_prior : NormalPrior
        Prior of the mean, not flat.
    null : float
        The mean of the null hypothesis.

    Raises
    ------
    OptionError
        For a flat prior: the factor would depend on the height it is drawn at.

    References
    ----------
    Röver (2020); Jeffreys (1961).

    Examples
    --------
    One effect of 0 with variance 1, tau near 0: densities of N(0, 2) and N(0, 1) at 0.

    >>> from metaalliance.core.bayesian.priors import HalfNormal
    >>> one = np.zeros(1), np.ones(1)
    >>> value = log_bayes_factor_mu(*one, HalfNormal(1e-6), NormalPrior(0.0, 1.0))
    >>> round(value, 9) == round(-0.5 * math.log(2), 9)
    True
    """
    check_priors(tau_prior, mu_prior)
    if mu_prior.flat:
        raise OptionError("A Bayes factor for the mean needs a normal prior of it, not a flat one.")
    model = _Model(yi, vi, mu_prior)
    free = model.posterior_of_tau(tau_prior).log_total
    return free - model.posterior_of_tau(tau_prior, fixed_mean=null).log_total


def log_bayes_factor_tau(
    yi: Array, vi: Array, tau_prior: TauPrior, mu_prior: NormalPrior = FLAT
) -> float:
    """Log Bayes factor for a tau with this prior against tau = 0.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances on the analysis scale.
    tau_prior : HalfNormal, HalfCauchy or Uniform
        Prior of tau, not improper.
    mu_prior : NormalPrior
        Prior of the mean, the same on both sides; it may be flat.

    Raises
    ------
    OptionError
        For an unbounded uniform prior of tau.

    Examples
    --------
    One effect tells nothing of tau.

    >>> from metaalliance.core.bayesian.priors import HalfNormal
    >>> round(log_bayes_factor_tau(np.zeros(1), np.ones(1), HalfNormal(0.5)), 9) + 0.0
    0.0
    """
    check_priors(tau_prior, mu_prior)
    if isinstance(tau_prior, Uniform) and math.isinf(tau_prior.scale):
        raise OptionError("A Bayes factor for tau needs a proper prior: give Uniform a bound.")
    model = _Model(yi, vi, mu_prior)
    at_zero = float(model.log_likelihood(np.zeros(1))[0])
    return model.posterior_of_tau(tau_prior).log_total - at_zero
