"""Permutation test: R's count, a plain loop, ties, and what must not change the p-value."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.inference.permutation import (
    _half_of_all_signs,
    _random_signs,
    permutation_test,
)
from metaalliance.core.variance.batch_tau2 import Rows
from metaalliance.core.variance.tau2 import estimate_tau2, log_likelihood, many_tau2
from metaalliance.core.variance.wls import trace_of_projection, weighted_fit
from metaalliance.errors import EstimationError, OptionError
from metaalliance.options import Tau2OrFE, option_values

modest = settings(derandomize=True, max_examples=40)
estimators = pytest.mark.parametrize("estimator", option_values(Tau2OrFE))
both_tests = pytest.mark.parametrize(
    ("test", "in_r"), [("wald", "z"), ("knapp-hartung", "knha")], ids=["wald", "knapp-hartung"]
)
data_sets = pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "bcg", "crede2010"])


def arrays(name):
    data = golden(name)["data"]
    return np.array(data["yi"]), np.array(data["vi"])


def one_by_one(estimator, yi, vi):
    """tau² of one data set by the functions for a single one."""
    X = np.ones((yi.size, 1))
    fit = weighted_fit(yi, X, 1 / vi)
    dl = max(0.0, (fit.rss - yi.size + 1) / trace_of_projection(X, 1 / vi, fit.bread))
    if estimator in {"FE", "DL", "HE"}:
        return {"FE": 0.0, "DL": dl, "HE": max(0.0, np.var(yi, ddof=1) - vi.mean())}[estimator]
    return estimate_tau2(yi, vi, X, estimator)


def statistic(yi, vi, tau2, test):
    wi = 1 / (vi + tau2)
    mean = wi @ yi / wi.sum()
    scale = wi @ (yi - mean) ** 2 / (yi.size - 1) if test == "knapp-hartung" else 1.0
    return mean / math.sqrt(scale / wi.sum())


# Agreement ------------------------------------------------------------------------------------


@data_sets
@pytest.mark.parametrize("estimator", ["FE", "DL", "HE", "HS", "SJ", "PM", "ML", "REML"])
@both_tests
def test_exact_test_counts_as_metafor(name, estimator, test, in_r):
    yi, vi = (values[:10] for values in arrays(name))
    theirs = golden("extras")["data_sets"][name]["permutation_first_10"][estimator][in_r]
    ours = permutation_test(yi, vi, estimator, test)
    assert ours.exact
    assert ours.replications == theirs["replications"] == 1024
    assert ours.p_value == theirs["p_value"]
    # metafor's REML and ML stop at a step of 1e-12
    assert_close(ours.statistic, theirs["statistic"], 1e-9 if "ML" in estimator else 1e-10)


@pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "bcg", "crede2010"])
@pytest.mark.parametrize("estimator", ["DL", "HE", "HS", "SJ", "PM", "ML", "REML"])
@both_tests
def test_observed_statistic_is_that_of_the_two_level_model(name, estimator, test, in_r):
    ours = permutation_test(*arrays(name), estimator, test, replications=2, seed=1)
    assert_close(ours.statistic, golden(name)["two_level"][estimator][in_r]["statistic"], 1e-9)


@estimators
@both_tests
def test_a_plain_loop_counts_the_same(estimator, test, in_r):
    rng = np.random.default_rng(6)
    vi = rng.uniform(0.01, 0.1, 6)
    yi = rng.normal(0.2, np.sqrt(vi + 0.02))
    all_t = [
        abs(statistic(signed, vi, one_by_one(estimator, signed, vi), test))
        for signed in (np.array(s) * yi for s in itertools.product([1, -1], repeat=6))
    ]
    ours = permutation_test(yi, vi, estimator, test)
    assert_close(abs(ours.statistic), all_t[0], CLOSED)
    assert ours.p_value == np.mean(np.array(all_t) >= all_t[0] - 1e-8)


@modest
@given(st.integers(2, 25), st.integers(0, 10_000), st.sampled_from([0.0, 1.0, 5.0]))
def test_batched_estimators_are_the_single_ones(k, seed, spread):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(0, 1, k))
    vi /= k / np.sum(1 / vi)
    yi = rng.normal(0, np.sqrt(vi + spread))
    signs = next(_random_signs(k, 6, seed))
    for estimator in option_values(Tau2OrFE):
        ours = many_tau2(Rows.of_signs(yi, vi, signs), estimator)
        theirs = np.array([one_by_one(estimator, s * yi, vi) for s in signs])
        assert_close(ours, theirs, 1e-9, 1.0)


def test_the_higher_of_two_maxima_is_taken():
    # the restricted likelihood falls at 0, rises again, and is highest near 19.6
    yi = np.array([-1.851, -0.189, -14.2, 1.806, 0.598])
    vi = np.array([12.9062, 0.2378, 17.5451, 22.8915, 1.6224])
    ours = float(many_tau2(Rows.of_signs(yi, vi, np.ones((1, 5))), "REML")[0])
    at = [
        log_likelihood(yi, vi, np.ones((5, 1)), t, restricted=True)
        for t in (0.0, 0.01, 0.99 * ours, ours, 1.01 * ours)
    ]
    assert at[1] < at[0] < at[3]
    assert at[3] == max(at)
    assert 19 < ours < 20


def test_no_point_of_a_grid_is_likelier_than_zero_when_zero_is_taken():
    rng, zeros, X = np.random.default_rng(1), 0, np.ones((4, 1))
    for _ in range(100):
        vi = np.exp(rng.normal(0, 3, 4))
        vi /= 4 / np.sum(1 / vi)
        yi = rng.normal(0, 2 * np.sqrt(vi))
        if many_tau2(Rows.of_signs(yi, vi, np.ones((1, 4))), "REML")[0] > 0:
            continue
        zeros += 1
        grid = np.r_[0.0, np.geomspace(1e-4, 1e3, 60)]
        values = [log_likelihood(yi, vi, X, t, restricted=True) for t in grid]
        assert values[0] >= max(values) - 1e-9
    assert zeros > 20


# Ties and edges -------------------------------------------------------------------------------


def test_effects_of_one_sign_by_hand():
    result = permutation_test(np.array([0.2, 0.3, 0.1]), np.full(3, 0.02), "DL", "wald")
    assert result.as_extreme == 2
    assert result.p_value == result.smallest_p_value == 0.25


def test_three_effects_by_hand():
    # equal variances, tau² = 0: the statistic orders by |sum|, .4 for .5 + .2 - .3;
    # the sums of all patterns are ±1, ±.6, ±.4, ±0
    yi = np.array([0.5, 0.2, -0.3])
    assert permutation_test(yi, np.full(3, 1.0), "FE", "wald").p_value == 0.75


@both_tests
def test_effect_of_zero_ties_in_pairs(test, in_r):
    yi, vi = np.array([0.3, 0.0, 0.5, 0.4]), np.array([0.02, 0.01, 0.03, 0.02])
    assert permutation_test(yi, vi, "REML", test).as_extreme == 4


@estimators
def test_identical_effects_are_as_extreme_as_can_be(estimator):
    result = permutation_test(np.full(6, 0.3), np.linspace(0.01, 0.06, 6), estimator)
    assert result.statistic == math.inf
    assert result.p_value == 2 / 64


@estimators
@both_tests
def test_effects_of_zero_have_p_one(estimator, test, in_r):
    result = permutation_test(np.zeros(4), np.full(4, 0.1), estimator, test)
    assert (result.statistic, result.p_value) == (0.0, 1.0)


def test_all_patterns_are_there_once():
    patterns = np.vstack(list(_half_of_all_signs(5)))
    assert patterns.shape == (16, 5)
    assert len({tuple(p) for p in patterns}) == 16
    assert (patterns[:, 0] == 1).all()
    assert set(np.unique(patterns)) == {-1.0, 1.0}


# Monte Carlo ----------------------------------------------------------------------------------


def test_more_effects_are_sampled():
    yi, vi = arrays("molloy2014")
    result = permutation_test(yi, vi, "DL", seed=1)
    assert (result.exact, result.replications) == (False, 1000)
    assert result.p_value == result.as_extreme / 1000 >= result.smallest_p_value == 0.001
    p = result.p_value
    assert_close(result.monte_carlo_se, math.sqrt(p * (1 - p) / 1000), CLOSED)


def test_sample_agrees_with_all_patterns():
    yi, vi = (values[:12] for values in arrays("mcdaniel1994"))
    yi = yi - 0.15
    exact = permutation_test(yi, vi, "REML")
    sampled = permutation_test(yi, vi, "REML", exact_up_to=0, replications=4000, seed=3)
    assert exact.exact
    assert exact.monte_carlo_se == 0.0
    assert not sampled.exact
    assert abs(sampled.p_value - exact.p_value) < 4 * sampled.monte_carlo_se


def test_seed_repeats_the_result_and_another_changes_it():
    yi, vi = arrays("crede2010")
    args = (yi - 0.4, vi, "DL", "wald")
    first, again, other = (permutation_test(*args, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.as_extreme != other.as_extreme


def test_unseeded_test_leaves_the_global_generator_alone():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    permutation_test(*arrays("crede2010"), "DL", replications=50)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


@modest
@given(st.integers(2, 9), st.integers(0, 10_000))
def test_order_scale_and_sign_do_not_matter(k, seed):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1, k))
    yi = rng.normal(0.1, np.sqrt(vi + 0.02))
    back = rng.permutation(k)
    for estimator in ("DL", "REML"):
        ours = permutation_test(yi, vi, estimator)
        other = permutation_test(-1e3 * yi[back], 1e6 * vi[back], estimator)
        assert other.p_value == ours.p_value
        assert_close(other.statistic, -ours.statistic, 1e-8)
        assert ours.p_value >= ours.smallest_p_value


# Refusals -------------------------------------------------------------------------------------


def test_one_effect_is_refused():
    with pytest.raises(EstimationError, match="two effects"):
        permutation_test(np.array([0.3]), np.array([0.01]))


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"tau2_estimator": "reml"}, "Did you mean 'REML'"),
        ({"statistic": "t"}, "statistic"),
        ({"replications": 1}, "replications"),
    ],
)
def test_unknown_settings_are_refused(settings_, message):
    with pytest.raises(OptionError, match=message):
        permutation_test(np.array([0.3, 0.1]), np.full(2, 0.01), **settings_)


@pytest.mark.slow
def test_p_values_without_an_effect_are_uniform():
    # symmetric but far from normal effects, where Knapp-Hartung has no claim
    rng = np.random.default_rng(8)
    vi, p = rng.uniform(0.01, 0.1, 9), []
    for _ in range(600):
        yi = rng.normal(0, np.sqrt(vi)) + rng.choice([-1, 1], 9) * rng.exponential(0.2, 9)
        p.append(permutation_test(yi, vi, "DL").p_value)
    for level in (0.05, 0.2, 0.5):
        share = np.mean(np.array(p) <= level)
        assert abs(share - level) < 4 * math.sqrt(level * (1 - level) / 600)
