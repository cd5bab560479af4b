"""Bayesian model: brute force, R, published posteriors, and what must hold of any posterior."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from metaalliance.core.bayesian.posterior import NormalMixture, credible_interval
from metaalliance.core.bayesian.priors import (
    FLAT,
    HalfCauchy,
    HalfNormal,
    NormalPrior,
    Uniform,
)
from metaalliance.core.bayesian.quadrature import (
    fit_bayes,
    log_bayes_factor_mu,
    log_bayes_factor_tau,
)
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=25)
PRIORS = {
    "half_normal_0.3": HalfNormal(0.3),
    "half_cauchy_0.3": HalfCauchy(0.3),
    "uniform_2": Uniform(2.0),
    "uniform": Uniform(),
}
MEANS = {"flat": FLAT, "normal": NormalPrior(0.1, 0.5)}
priors = pytest.mark.parametrize("prior", PRIORS)
means = pytest.mark.parametrize("mean", MEANS)
data_sets = pytest.mark.parametrize("name", ["molloy2014", "bcg", "crede2010"])

YI, VI = np.array([0.1, 0.35, 0.6]), np.array([0.02, 0.01, 0.04])
# Rubin (1981), Journal of Educational Statistics 6, 377-400
SCHOOLS = np.array([28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16])
SCHOOLS_VI = np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6]) ** 2


def arrays(name):
    data = golden(name)["data"]
    return np.array(data["yi"]), np.array(data["vi"])


# Agreement ------------------------------------------------------------------------------------


def test_eight_schools_as_bayesmeta_prints_them():
    # vignette of bayesmeta, first example, seven digits; its grid for the mean has a
    # tolerance of its own, the values for tau come from adaptive integration
    fit = fit_bayes(SCHOOLS, SCHOOLS_VI, HalfCauchy(25.0), NormalPrior(0.0, 50.0))
    tau = fit.tau
    assert_close(
        [tau.mean, tau.median, tau.sd, tau.high], [5.884511, 4.758539, 4.869904, 15.165894], 2e-7
    )
    assert tau.low == 0.0
    mu = fit.mu
    assert_close(
        [mu.mean, mu.median, mu.sd, mu.low, mu.high],
        [7.985729, 7.962961, 4.995762, -1.823353, 17.824562],
        2e-3,
    )


def test_eight_schools_to_twenty_digits():
    # mpmath, 30 digits, the effects as one multivariate normal with a common covariance
    fit = fit_bayes(SCHOOLS, SCHOOLS_VI, HalfCauchy(25.0), NormalPrior(0.0, 50.0))
    assert_close(fit.log_marginal_likelihood, -33.726983103167610224, 1e-14)


@data_sets
@priors
@means
def test_agrees_with_integrate_in_r(name, prior, mean):
    expected = golden("extras")["data_sets"][name]["bayes"][prior][mean]
    yi, vi = arrays(name)
    fit = fit_bayes(yi, vi, PRIORS[prior], MEANS[mean], interval="central")
    assert_close(fit.log_marginal_likelihood, expected["log_marginal_likelihood"], 1e-11)
    # R's quantiles come from uniroot with tol 1e-12
    for which in ("mu", "tau"):
        for field in ("mean", "sd", "median", "low", "high"):
            ours, theirs = getattr(getattr(fit, which), field), expected[which][field]
            assert_close(ours, theirs, 1e-10, expected[which]["sd"])
    assert_close(fit.probability_above(0.1), expected["mu"]["above_0.1"], 1e-10)
    for field in ("sd", "low", "high"):
        theirs = expected["new_effect"]
        assert_close(getattr(fit.new_effect, field), theirs[field], 1e-10, theirs["sd"])
    ends = [0, -1]
    assert_close(fit.study_means[ends], expected["study_means"], 1e-10)
    assert_close(fit.study_sds[ends], expected["study_sds"], 1e-10)


@data_sets
@pytest.mark.parametrize("prior", ["half_normal_0.3", "half_cauchy_0.3", "uniform_2"])
def test_bayes_factors_agree_with_integrate_in_r(name, prior):
    yi, vi = arrays(name)
    expected = golden("extras")["data_sets"][name]["bayes"][prior]
    for mean, mu_prior in MEANS.items():
        ours = log_bayes_factor_tau(yi, vi, PRIORS[prior], mu_prior)
        assert_close(ours, expected[mean]["log_bayes_factor_tau"], 1e-10, 1.0)
    ours = log_bayes_factor_mu(yi, vi, PRIORS[prior], MEANS["normal"])
    assert_close(ours, expected["normal"]["log_bayes_factor_mu"], 1e-10, 1.0)


def test_brute_force_over_the_mean_and_tau():
    # a product of Gauss-Legendre rules in panels, on the density as it is written down
    def rule(cuts):
        nodes, weights = np.polynomial.legendre.leggauss(20)
        half = np.diff(cuts)[:, None] / 2
        return (cuts[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()

    mu, mu_weights = rule(np.linspace(-2.4, 3.0, 28))
    tau, tau_weights = rule(np.r_[np.linspace(0, 1, 11), 1.5, 2, 2.6])
    sd = np.sqrt(VI + tau[:, None] ** 2)
    density = np.prod(stats.norm.pdf(YI, mu[:, None, None], sd), axis=2)  # (mu, tau)
    density *= stats.norm.pdf(mu, 0.1, 0.5)[:, None] * stats.halfnorm.pdf(tau, scale=0.3)
    weights = density * mu_weights[:, None] * tau_weights
    total, of_mu, of_tau = weights.sum(), weights.sum(axis=1), weights.sum(axis=0)

    fit = fit_bayes(YI, VI, HalfNormal(0.3), NormalPrior(0.1, 0.5))
    assert_close(math.exp(fit.log_marginal_likelihood), total, 1e-10)
    assert_close(fit.mu.mean, of_mu @ mu / total, 1e-10)
    assert_close(fit.mu.sd, math.sqrt(of_mu @ (mu - fit.mu.mean) ** 2 / total), 1e-10)
    assert_close(fit.tau.mean, of_tau @ tau / total, 1e-10)
    assert_close(fit.tau.sd, math.sqrt(of_tau @ (tau - fit.tau.mean) ** 2 / total), 1e-10)
    # the first true effect given the mean and tau, then averaged
    pull = VI[0] / (VI[0] + tau**2)
    theta = pull * mu[:, None] + (1 - pull) * YI[0]
    assert_close(fit.study_means[0], np.sum(weights * theta) / total, 1e-10)


# Limits ---------------------------------------------------------------------------------------


def test_tau_near_zero_is_the_common_effect_model():
    fit = fit_bayes(YI, VI, HalfNormal(1e-7))
    wi = 1 / VI
    assert_close(fit.mu.mean, wi @ YI / wi.sum(), 1e-10)
    assert_close(fit.mu.sd, wi.sum() ** -0.5, 1e-10)
    half = stats.norm.isf(0.025) * fit.mu.sd
    assert_close([fit.mu.low, fit.mu.high], [fit.mu.mean - half, fit.mu.mean + half], 1e-7)
    assert_close(fit.study_means, np.full(3, fit.mu.mean), 1e-10)


def test_wide_normal_prior_is_nearly_flat():
    wide = fit_bayes(YI, VI, HalfNormal(0.3), NormalPrior(0.0, 1e5))
    flat = fit_bayes(YI, VI, HalfNormal(0.3))
    assert_close(wide.mu.mean, flat.mu.mean, 1e-8)
    assert_close(wide.mu.sd, flat.mu.sd, 1e-8)
    # the flat prior has density 1, the wide one 1 / (sd sqrt(2 pi))
    height = -math.log(1e5 * math.sqrt(2 * math.pi))
    assert_close(wide.log_marginal_likelihood, flat.log_marginal_likelihood + height, 1e-8)


def test_sharp_prior_overrules_the_effects():
    fit = fit_bayes(YI, VI, HalfNormal(0.3), NormalPrior(-1.0, 1e-6))
    assert_close([fit.mu.mean, fit.mu.sd], [-1.0, 1e-6], 1e-6)


def test_wide_uniform_prior_is_nearly_improper():
    wide, improper = (fit_bayes(*arrays("bcg"), prior) for prior in (Uniform(1e4), Uniform()))
    assert_close(wide.mu.sd, improper.mu.sd, 1e-9)
    assert_close(
        wide.log_marginal_likelihood, improper.log_marginal_likelihood - math.log(1e4), 1e-9
    )


def test_one_effect_leaves_the_prior_of_tau():
    fit = fit_bayes(np.array([0.4]), np.array([0.02]), HalfNormal(0.3))
    assert_close(fit.tau.mean, 0.3 * math.sqrt(2 / math.pi), 1e-12)
    assert_close(fit.tau.high, stats.halfnorm.ppf(0.95, scale=0.3), 1e-10)
    assert_close(fit.mu.sd, math.sqrt(0.02 + 0.09), 1e-12)
    assert_close(fit.study_means, [0.4], 1e-12)


def test_two_conflicting_precise_effects_among_others():
    # the likelihood of tau has structure at three orders of magnitude
    vi, prior = np.array([1e-9, 1e-9, 0.01, 0.02]), HalfNormal(0.3)
    for yi in (np.array([0.1, 0.1, 0.5, 0.2]), np.array([0.1, 0.1001, 0.5, 0.2])):
        fit = fit_bayes(yi, vi, prior)

        def density(tau, yi=yi):
            wi = 1 / (vi + tau**2)
            mean = wi @ yi / wi.sum()
            log = 0.5 * np.log(wi).sum() - 0.5 * wi @ (yi - mean) ** 2 - 0.5 * math.log(wi.sum())
            constant = 1.5 * math.log(2 * math.pi)
            return math.exp(log - constant) * stats.halfnorm.pdf(tau, scale=0.3)

        cuts = np.r_[0.0, np.geomspace(1e-8, 4, 200)]
        theirs = sum(
            integrate.quad(density, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pairwise(cuts)
        )
        assert_close(fit.log_marginal_likelihood, math.log(theirs), 1e-11)
        assert fit.quadrature_error < 1e-10


# Moments that do not exist --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "prior", "mean", "exist"),
    [  # tails of the posterior of tau: prior, and k for a normal or k - 1 for a flat prior
        (2, HalfCauchy(0.3), FLAT, (True, False)),
        (2, HalfCauchy(0.3), NormalPrior(0.0, 1.0), (True, True)),
        (1, HalfCauchy(0.3), FLAT, (False, False)),
        (3, Uniform(), FLAT, (False, False)),
        (4, Uniform(), FLAT, (True, False)),
        (5, Uniform(), FLAT, (True, True)),
        (1, HalfNormal(0.3), FLAT, (True, True)),
        (2, Uniform(1.0), FLAT, (True, True)),
    ],
)
def test_moments_that_diverge_are_said_to(k, prior, mean, exist):
    fit = fit_bayes(np.linspace(0, 0.4, k), np.full(k, 0.02), prior, mean)
    assert (math.isfinite(fit.tau.mean), math.isfinite(fit.tau.sd)) == exist
    assert math.isfinite(fit.new_effect.sd) == exist[1]
    assert math.isnan(fit.new_effect.mean) == (not exist[0])
    assert math.isfinite(fit.mu.sd) == (exist[1] or not mean.flat)
    assert np.isfinite([fit.tau.high, fit.mu.low, fit.mu.median, fit.new_effect.high]).all()
    assert fit.quadrature_error < 1e-10


@pytest.mark.parametrize(("k", "mean"), [(2, FLAT), (1, FLAT), (1, NormalPrior(0.0, 1.0))])
def test_posterior_without_an_integral_is_refused(k, mean):
    with pytest.raises(EstimationError, match="without a finite integral"):
        fit_bayes(np.full(k, 0.3), np.full(k, 0.02), Uniform(), mean)


# Intervals and distributions ------------------------------------------------------------------


@pytest.mark.parametrize("prior", ["half_normal_0.3", "half_cauchy_0.3", "uniform_2"])
def test_shortest_interval_has_ends_of_equal_density(prior):
    shortest, central = (
        fit_bayes(*arrays("bcg"), PRIORS[prior], interval=kind) for kind in ("shortest", "central")
    )
    for name in ("mu", "tau", "new_effect"):
        distribution = getattr(shortest, f"{name}_distribution")
        a, b = getattr(shortest, name), getattr(central, name)
        assert_close(distribution.cdf(a.high) - distribution.cdf(a.low), 0.95, 1e-10)
        assert_close([distribution.cdf(b.low), distribution.cdf(b.high)], [0.025, 0.975], 1e-10)
        assert a.high - a.low < b.high - b.low
        assert_close(distribution.pdf(a.low), distribution.pdf(a.high), 1e-6)


def test_interval_of_tau_starts_at_zero_when_its_density_falls():
    fit = fit_bayes(np.array([0.30, 0.31, 0.29]), np.full(3, 0.02), HalfNormal(0.2))
    assert fit.tau.low == 0.0
    assert_close(fit.tau_distribution.cdf(fit.tau.high), 0.95, 1e-10)


def test_interval_of_tau_ends_at_a_bound_that_the_data_contradict():
    fit = fit_bayes(np.array([-3.0, 0.0, 3.0, 5.0]), np.full(4, 0.01), Uniform(0.5))
    assert_close(fit.tau.high, 0.5, 1e-9)
    assert_close(fit.tau_distribution.cdf(fit.tau.low), 0.05, 1e-9)
    assert fit.tau_distribution.cdf(0.6) == pytest.approx(1.0)
    assert fit.tau_distribution.pdf(0.6) == 0.0


@priors
def test_density_of_tau_is_the_derivative_of_its_distribution(prior):
    tau = fit_bayes(*arrays("bcg"), PRIORS[prior]).tau_distribution
    for value in (0.25, 0.5, 1.1):
        slope = (tau.cdf(value + 1e-5) - tau.cdf(value - 1e-5)) / 2e-5
        assert_close(tau.pdf(value), slope, 1e-6)
    for p in (1e-6, 0.2, 0.5, 0.99):
        assert_close(tau.cdf(tau.quantile(p)), p, 1e-9)
    assert tau.quantile(0.0) == tau.cdf(-1.0) == 0.0
    assert tau.cdf(1e300) == pytest.approx(1.0)
    assert tau.quantile(1.0) == (2.0 if prior == "uniform_2" else math.inf)


def test_normal_mixture_by_hand():
    mixture = NormalMixture(np.array([0.25, 0.75]), np.array([0.0, 4.0]), np.array([1.0, 4.0]))
    assert_close(mixture.mean(), 3.0, CLOSED)
    assert_close(mixture.sd(), math.sqrt(0.25 * (1 + 9) + 0.75 * (4 + 1)), CLOSED)
    assert_close(mixture.cdf(4.0), 0.25 * stats.norm.cdf(4) + 0.375, CLOSED)
    assert_close(mixture.cdf(1.0) + mixture.sf(1.0), 1.0, CLOSED)
    for p in (1e-12, 0.3, 0.9, 1 - 1e-9):
        assert_close(mixture.cdf(mixture.quantile(p)), p, 1e-9)
    assert mixture.quantile(0.0) == -math.inf
    assert mixture.quantile(1.0) == math.inf


def test_far_tail_of_a_mixture_is_not_lost():
    mixture = NormalMixture(np.ones(1), np.zeros(1), np.ones(1))
    assert_close(mixture.sf(30.0), stats.norm.sf(30.0), CLOSED)


# Bayes factors --------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", ["half_normal_0.3", "half_cauchy_0.3", "uniform_2"])
def test_savage_dickey_ratio(prior):
    # posterior over prior density of the mean at the null [Dickey 1971]
    normal = NormalPrior(0.1, 0.5)
    fit = fit_bayes(YI, VI, PRIORS[prior], normal)
    ratio = math.log(fit.mu_distribution.pdf(0.05) / stats.norm.pdf(0.05, 0.1, 0.5))
    assert_close(log_bayes_factor_mu(YI, VI, PRIORS[prior], normal, null=0.05), -ratio, 1e-10)


@pytest.mark.parametrize("mean", MEANS)
def test_savage_dickey_ratio_of_tau(mean):
    fit = fit_bayes(YI, VI, HalfNormal(0.3), MEANS[mean])
    ratio = math.log(fit.tau_distribution.pdf(0.0) / stats.halfnorm.pdf(0.0, scale=0.3))
    assert_close(log_bayes_factor_tau(YI, VI, HalfNormal(0.3), MEANS[mean]), -ratio, 1e-10)


def test_strong_evidence_does_not_overflow():
    yi, vi = np.full(40, 5.0) + 0.1 * np.arange(40), np.full(40, 1e-4)
    assert log_bayes_factor_tau(yi, vi, HalfNormal(1.0)) > 1e5
    value = log_bayes_factor_mu(yi, vi, HalfNormal(1.0), NormalPrior(0.0, 10.0))
    assert 20 < value < 1000


def test_improper_priors_have_no_bayes_factor():
    with pytest.raises(OptionError, match="not a flat one"):
        log_bayes_factor_mu(YI, VI, HalfNormal(0.3), FLAT)
    with pytest.raises(OptionError, match="proper prior"):
        log_bayes_factor_tau(YI, VI, Uniform())


# Properties -----------------------------------------------------------------------------------


@modest
@given(st.integers(3, 40), st.integers(0, 10_000), st.sampled_from(sorted(PRIORS)))
def test_order_and_scale_do_not_matter(k, seed, prior):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1, k))
    yi, back, c = rng.normal(0.2, np.sqrt(vi + 0.02)), rng.permutation(k), 1e4
    scaled = type(PRIORS[prior])(c * PRIORS[prior].scale)
    fit = fit_bayes(yi, vi, PRIORS[prior], NormalPrior(0.1, 0.5))
    other = fit_bayes(c * yi[back], c**2 * vi[back], scaled, NormalPrior(0.1 * c, 0.5 * c))
    for which in ("mu", "tau", "new_effect"):
        for field in ("sd", "median", "low", "high"):
            ours, theirs = (
                getattr(getattr(fit, which), field),
                getattr(getattr(other, which), field),
            )
            assert_close(theirs / c, ours, 1e-7, fit.mu.sd)
    assert_close(other.study_means, c * fit.study_means[back], 1e-9)
    assert max(fit.quadrature_error, other.quadrature_error) < 1e-10


@modest
@given(st.integers(3, 40), st.integers(0, 10_000), st.sampled_from(sorted(PRIORS)))
def test_studies_shrink_towards_the_mean(k, seed, prior):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1, k))
    yi = rng.normal(0.2, np.sqrt(vi + 0.02))
    fit = fit_bayes(yi, vi, PRIORS[prior])
    span = np.array([yi.min(), yi.max()])
    assert (fit.study_means >= span[0]).all()
    assert (fit.study_means <= span[1]).all()
    assert (fit.study_sds > 0).all()
    assert (fit.study_sds < np.sqrt(vi) + 2 * fit.mu.sd).all()
    assert fit.mu.low < fit.mu.median < fit.mu.high
    assert fit.new_effect.high - fit.new_effect.low > fit.mu.high - fit.mu.low
    assert_close(fit.probability_above(fit.mu.median), 0.5, 1e-9)


def test_identical_effects_are_no_trouble():
    fit = fit_bayes(np.full(5, 0.3), np.full(5, 0.02), HalfCauchy(0.3))
    assert_close([fit.mu.mean, *fit.study_means], np.full(6, 0.3), 1e-10)
    assert fit.tau.low == 0.0


def test_arrays_of_the_result_are_read_only():
    fit = fit_bayes(YI, VI, HalfNormal(0.3))
    with pytest.raises(ValueError, match="read-only"):
        fit.study_means[0] = 1.0


@pytest.mark.parametrize(
    ("prior", "mean"),
    [
        (HalfNormal(0.0), FLAT),
        (HalfCauchy(-1.0), FLAT),
        (HalfNormal(math.inf), FLAT),
        (Uniform(math.nan), FLAT),
        (HalfNormal(0.3), NormalPrior(0.0, 0.0)),
        (HalfNormal(0.3), NormalPrior(math.nan, 1.0)),
    ],
)
def test_impossible_priors_are_refused(prior, mean):
    with pytest.raises(OptionError, match=r"number|positive"):
        fit_bayes(YI, VI, prior, mean)


def test_unknown_settings_are_refused():
    with pytest.raises(OptionError, match="interval"):
        fit_bayes(YI, VI, HalfNormal(0.3), interval="hpd")
    with pytest.raises(OptionError, match="level"):
        fit_bayes(YI, VI, HalfNormal(0.3), level=95)
    with pytest.raises(OptionError, match="kind"):
        credible_interval(NormalMixture(np.ones(1), np.zeros(1), np.ones(1)), kind="hpd")


@pytest.mark.slow
def test_intervals_cover_when_the_truth_is_drawn_from_the_prior():
    rng, hits, runs = np.random.default_rng(10), np.zeros(3), 500
    vi = rng.uniform(0.01, 0.1, 6)
    for _ in range(runs):
        mu, tau = rng.normal(0.1, 0.5), abs(rng.normal(0, 0.3))
        yi = rng.normal(rng.normal(mu, tau, 6), np.sqrt(vi))
        fit = fit_bayes(yi, vi, HalfNormal(0.3), NormalPrior(0.1, 0.5), level=0.8)
        new = rng.normal(mu, tau)
        hits += [
            fit.mu.low < mu < fit.mu.high,
            fit.tau.low <= tau < fit.tau.high,
            fit.new_effect.low < new < fit.new_effect.high,
        ]
    assert (np.abs(hits / runs - 0.8) < 4 * math.sqrt(0.16 / runs)).all()
