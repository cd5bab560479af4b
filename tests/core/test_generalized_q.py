"""Generalised Q: the distribution behind it, its estimators of tau², its interval."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from metaalliance.core.variance.generalized_q import (
    generalized_q,
    generalized_q_interval,
    generalized_q_median,
    mixture_tails,
)
from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.core.variance.wls import weighted_fit
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=50)
data_sets = pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "bcg", "crede2010"])
weightings = pytest.mark.parametrize("weights", ["inverse_variance", "inverse_se", "equal"])

YI, VI, ONE = np.array([0.1, 0.5]), np.array([0.02, 0.03]), np.ones((2, 1))
RNG = np.random.default_rng(11)
MANY_VI = RNG.uniform(0.01, 0.1, 12)
MANY_YI = RNG.normal(0.3, np.sqrt(0.1 + MANY_VI))
MANY = np.ones((12, 1))
SLOPE = np.column_stack([np.ones(12), np.arange(12.0)])


def arrays(name):
    data = golden(name)["data"]
    yi, vi = np.array(data["yi"]), np.array(data["vi"])
    return yi, vi, np.ones((yi.size, 1))


def weights_of(vi, kind):
    return {"inverse_variance": 1 / vi, "inverse_se": vi**-0.5, "equal": np.ones(vi.size)}[kind]


def extras(name):
    return golden("extras")["data_sets"][name]


# Distribution of a weighted sum of chi-squared variables ----------------------------------------


@pytest.mark.parametrize(("q", "published"), [(0.1, 0.9458), (0.7, 0.5064), (2.0, 0.1240)])
def test_imhofs_table(q, published):
    # Imhof (1961), Q1 = .6 X1 + .3 X2 + .1 X3
    assert round(mixture_tails(q, np.array([0.6, 0.3, 0.1])).upper, 4) == published


@pytest.mark.parametrize(
    ("coefficients", "q", "exact"),
    [  # the inversion integral by mpmath with 40 digits
        ([0.6, 0.3, 0.1], 0.1, 0.9457861539329535353213935),
        ([0.6, 0.3, 0.1], 2.0, 0.1239590741623262943235332),
        ([5, 1, 0.2, 0.01, 0.001], 3.0, 0.5697615763218286919694899),
        ([5, 1, 0.2, 0.01, 0.001], 60.0, 0.0006145562875068072397290745),
        ([1, 0.5], 1e-4, 0.9999292919734618020352663),
    ],
)
def test_against_forty_digits(coefficients, q, exact):
    tails = mixture_tails(q, np.array(coefficients, float))
    assert_close([tails.upper, tails.lower], [exact, 1 - exact], 1e-12)


@pytest.mark.parametrize("df", [1, 2, 3, 10, 159, 1000])
@pytest.mark.parametrize("p", [1e-200, 1e-12, 0.025, 0.5, 0.975, 1 - 1e-7])
def test_equal_coefficients_are_chi_squared(df, p):
    q = 2.5 * stats.chi2.isf(p, df)
    tails = mixture_tails(q, np.full(df, 2.5))
    assert_close(tails.upper, stats.chi2.sf(q / 2.5, df), 5e-12)
    assert_close(tails.lower, stats.chi2.cdf(q / 2.5, df), 5e-12)


def test_pairs_are_a_mixture_of_exponentials():
    # twice each c: P(> q) = sum of exp(-q / 2c) times prod of c / (c - other)
    c = np.array([4.0, 2.0, 1.0, 0.5])
    for q in (0.5, 8.0, 30.0, 400.0):
        theirs = sum(
            math.exp(-q / (2 * a)) * math.prod(a / (a - b) for b in c if b != a) for a in c
        )
        assert_close(mixture_tails(q, np.repeat(c, 2)).upper, theirs, 1e-12)


@pytest.mark.parametrize("small", [1e-1, 1e-2, 1e-4])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99, 1.01, 2.0, 10.0])
def test_one_large_coefficient_among_many_small_ones(small, share):
    # conditionally on the large one, the small ones are chi-squared with 300 df
    q = share * (1 + 300 * small)

    def given_large(x):
        return 2 * stats.norm.pdf(x) * stats.chi2.sf(max(0.0, q - x**2) / small, 300)

    edge = math.sqrt(q)
    cuts = np.sort(edge * (1 - np.r_[0, np.geomspace(1e-6, 1, 25)]))
    inside = sum(
        integrate.quad(given_large, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in pairwise(cuts)
    )
    theirs = inside + 2 * stats.norm.sf(edge)
    assert_close(mixture_tails(q, np.r_[1.0, np.full(300, small)]).upper, theirs, 1e-10)


@modest
@given(st.integers(1, 40), st.integers(0, 10_000), st.floats(-3, 3))
def test_tails_are_a_distribution(k, seed, where):
    rng = np.random.default_rng(seed)
    c = np.exp(rng.normal(0, 2, k))
    q = c.sum() * math.exp(where)
    tails = mixture_tails(q, c)
    assert 0 <= min(tails) <= max(tails) <= 1
    assert_close(sum(tails), 1.0, CLOSED)
    assert mixture_tails(1.01 * q, c).upper <= tails.upper + 1e-14
    assert_close(mixture_tails(7 * q, 7 * rng.permutation(c)).upper, tails.upper, 1e-11, 1e-290)


def test_ends_of_the_range():
    c = np.array([1.0, 2.0])
    assert mixture_tails(0.0, c) == (0.0, 1.0)
    assert mixture_tails(math.inf, c) == (1.0, 0.0)
    assert mixture_tails(1e9, c).upper == 0.0


# Median-unbiased Paule-Mandel -------------------------------------------------------------------


def test_paule_mandel_median_by_hand():
    # .16 / (.05 + 2 tau²) is the median of chi-squared with one df
    assert_close(
        estimate_tau2(YI, VI, ONE, "PMM"), (0.16 / stats.chi2.median(1) - 0.05) / 2, CLOSED
    )


def test_paule_mandel_median_with_two_residual_df_by_hand():
    # .08 / (.02 + tau²) = 2 ln 2
    yi, vi = np.array([0.1, 0.3, 0.5]), np.full(3, 0.02)
    theirs = 0.08 / (2 * math.log(2)) - 0.02
    assert_close(estimate_tau2(yi, vi, np.ones((3, 1)), "PMM"), theirs, CLOSED)


@data_sets
def test_paule_mandel_median_is_metafors(name):
    ours = estimate_tau2(*arrays(name), "PMM")
    assert_close(ours, extras(name)["median_unbiased"]["PMM"], CLOSED)


def test_paule_mandel_median_of_homogeneous_effects_is_zero():
    assert estimate_tau2(np.array([0.30, 0.31]), VI, ONE, "PMM") == 0.0


@modest
@given(st.integers(3, 12), st.integers(0, 10_000))
def test_paule_mandel_median_is_above_paule_mandel(k, seed):
    # the median of chi-squared is below its mean
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1, k))
    yi, X = rng.normal(0, np.sqrt(vi + 0.02)), np.ones((k, 1))
    ours = estimate_tau2(yi, vi, X, "PMM")
    assert ours >= estimate_tau2(yi, vi, X, "PM")
    if ours > 0:
        q = weighted_fit(yi, X, 1 / (vi + ours)).rss
        assert_close(stats.chi2.cdf(q, k - 1), 0.5, 1e-9)
    assert_close(estimate_tau2(1e3 * yi[::-1], 1e6 * vi[::-1], X, "PMM"), 1e6 * ours, ITERATED, 1)


# Estimators with fixed weights ------------------------------------------------------------------


@data_sets
@weightings
def test_estimators_are_those_of_r(name, weights):
    yi, vi, X = arrays(name)
    theirs, ai = extras(name)["generalized_q"][weights], weights_of(vi, weights)
    assert_close(generalized_q(yi, vi, X, ai), theirs["GENQ"], CLOSED)
    # the root of Imhof's integral in R is good to some 1e-15, which is relative to tau²
    assert_close(generalized_q_median(yi, vi, X, ai), theirs["GENQM"], 1e-10)


@data_sets
@pytest.mark.parametrize(("weights", "method"), [("inverse_variance", "DL"), ("equal", "HE")])
def test_special_weights_are_known_estimators(name, weights, method):
    yi, vi, X = arrays(name)
    theirs = golden(name)["two_level"][method]["z"]["tau2"]
    assert_close(generalized_q(yi, vi, X, weights_of(vi, weights)), theirs, CLOSED)


def test_estimator_with_a_moderator_from_matrices():
    ai = np.linspace(1, 3, 12)
    A, V = np.diag(ai), np.diag(MANY_VI)
    P = A - A @ SLOPE @ np.linalg.inv(SLOPE.T @ A @ SLOPE) @ SLOPE.T @ A
    theirs = (MANY_YI @ P @ MANY_YI - np.trace(P @ V)) / np.trace(P)
    assert theirs > 0
    assert_close(generalized_q(MANY_YI, MANY_VI, SLOPE, ai), theirs, CLOSED)


@modest
@given(st.integers(3, 15), st.integers(0, 10_000))
def test_only_ratios_of_weights_matter_and_scale_carries_over(k, seed):
    rng = np.random.default_rng(seed)
    vi, ai, X = np.exp(rng.normal(-4, 1, k)), np.exp(rng.normal(0, 1, k)), np.ones((k, 1))
    yi = rng.normal(0, np.sqrt(vi + 0.03))
    back = rng.permutation(k)
    for estimator in (generalized_q, generalized_q_median):
        ours = estimator(yi, vi, X, ai)
        again = estimator(100 * yi[back] + 7, 1e4 * vi[back], X, 3.7 * ai[back])
        assert_close(again, 1e4 * ours, 1e-9, 1e-3)


def test_median_estimator_of_equal_variances_is_paule_mandels():
    yi, vi, X = MANY_YI, np.full(12, 0.02), MANY
    ours = generalized_q_median(yi, vi, X, np.ones(12))
    assert_close(ours, estimate_tau2(yi, vi, X, "PMM"), ITERATED)


def test_estimators_of_homogeneous_effects_are_zero():
    yi, vi, X = np.array([0.30, 0.31, 0.29]), np.full(3, 0.01), np.ones((3, 1))
    assert generalized_q(yi, vi, X, np.ones(3)) == 0.0
    assert generalized_q_median(yi, vi, X, np.ones(3)) == 0.0


# Interval ---------------------------------------------------------------------------------------


def test_interval_of_two_effects_by_hand():
    # .16 / (.05 + 2 tau²) between the quantiles of chi-squared with one df
    low, high = generalized_q_interval(YI, VI, ONE, np.array([1.0, 5.0]), 0.8)
    assert_close(low, max(0.0, (0.16 / stats.chi2.isf(0.1, 1) - 0.05) / 2), ITERATED)
    assert_close(high, (0.16 / stats.chi2.ppf(0.1, 1) - 0.05) / 2, ITERATED)


@data_sets
@weightings
def test_interval_is_that_of_imhofs_integral_in_r(name, weights):
    yi, vi, X = arrays(name)
    theirs = extras(name)["generalized_q"][weights]
    low, high = generalized_q_interval(yi, vi, X, weights_of(vi, weights), 0.95)
    assert_close([low, high], [theirs["ci_low"], theirs["ci_high"]], 1e-10)


@data_sets
def test_interval_holds_both_estimates_and_widens_with_the_level(name):
    yi, vi, X = arrays(name)
    ai = weights_of(vi, "inverse_se")
    narrow, wide = (generalized_q_interval(yi, vi, X, ai, level) for level in (0.5, 0.9))
    assert wide.low <= narrow.low <= generalized_q_median(yi, vi, X, ai) <= narrow.high < wide.high


def test_interval_with_a_moderator_puts_q_on_its_quantiles():
    ai = np.linspace(1, 3, 12)
    A = np.diag(ai)
    P = A - A @ SLOPE @ np.linalg.inv(SLOPE.T @ A @ SLOPE) @ SLOPE.T @ A
    q = MANY_YI @ P @ MANY_YI
    for limit, p in zip(
        generalized_q_interval(MANY_YI, MANY_VI, SLOPE, ai, 0.2), (0.4, 0.6), strict=True
    ):
        root = np.diag(np.sqrt(MANY_VI + limit))
        values = np.linalg.eigvalsh(root @ P @ root)[2:]
        assert_close(mixture_tails(q, values).upper, p, 1e-9)


def test_interval_is_zero_when_effects_are_too_alike():
    yi, vi, X = np.full(8, 0.3) + 1e-4 * np.arange(8), np.full(8, 0.05), np.ones((8, 1))
    assert generalized_q_interval(yi, vi, X, np.ones(8), 0.95) == (0.0, 0.0)
    assert generalized_q_interval(np.full(8, 0.3), vi, X, np.ones(8), 0.95) == (0.0, 0.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: estimate_tau2(YI, VI, np.eye(2), "PMM"),
        lambda: generalized_q(YI, VI, np.eye(2), np.ones(2)),
        lambda: generalized_q_median(YI, VI, np.eye(2), np.ones(2)),
        lambda: generalized_q_interval(YI[:1], VI[:1], ONE[:1], np.ones(1), 0.95),
    ],
)
def test_nothing_left_for_tau2_is_refused(call):
    with pytest.raises(EstimationError, match="nothing is left"):
        call()


def test_level_in_percent_is_refused():
    with pytest.raises(OptionError, match="level"):
        generalized_q_interval(YI, VI, ONE, np.ones(2), 95)


@pytest.mark.slow
def test_tail_probability_at_the_true_tau2_is_uniform():
    rng = np.random.default_rng(2)
    vi, tau2 = rng.uniform(0.005, 0.1, 6), 0.03
    ai, X = vi**-0.5, np.ones((6, 1))
    P = np.diag(ai) - np.outer(ai, ai) / ai.sum()
    root = np.sqrt(vi + tau2)
    values = np.linalg.eigvalsh(P * np.outer(root, root))[1:]
    tails = [
        mixture_tails(weighted_fit(rng.normal(0.2, root), X, ai).rss, values).upper
        for _ in range(4000)
    ]
    assert stats.kstest(tails, "uniform").pvalue > 0.001


@pytest.mark.slow
def test_median_unbiased_estimators_are_too_large_half_of_the_time():
    rng = np.random.default_rng(3)
    vi, tau2, X = rng.uniform(0.005, 0.1, 8), 0.05, np.ones((8, 1))
    above = np.zeros(2)
    for _ in range(1500):
        yi = rng.normal(0.2, np.sqrt(vi + tau2))
        above += [
            estimate_tau2(yi, vi, X, "PMM") > tau2,
            generalized_q_median(yi, vi, X, 1 / vi) > tau2,
        ]
    assert (np.abs(above / 1500 - 0.5) < 4 * 0.5 / math.sqrt(1500)).all()
