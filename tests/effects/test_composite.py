"""Composites of measures: the formula, correlation matrices, what differs from a mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.core.conversion.formulas import unbiased_r
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=40)


def correlations(r, n, study, measure="r"):
    r, n = np.asarray(r, float), np.asarray(n, float)
    if measure == "z":
        return ma.Effects.from_arrays(np.arctanh(r), 1 / (n - 3), study, measure="z", n=n)
    return ma.Effects.from_arrays(r, (1 - r**2) ** 2 / (n - 1), study, measure=measure, n=n)


def composite(effects, rho=0.5):
    return ma.aggregate(effects, rho, method="composite")


def test_two_correlations_by_hand():
    # .6 / sqrt(2 + 2 * .5) = .3464
    found = composite(correlations([0.3, 0.3], [50, 50], list("AA")))
    r = 0.6 / math.sqrt(3)
    assert_close([found.yi[0], found.vi[0]], [r, (1 - r**2) ** 2 / 49], CLOSED)


def test_fisher_z_of_a_composite():
    found = composite(correlations([0.3, 0.2, 0.4], [50] * 3, list("AAA"), "z"))
    r = 0.9 / math.sqrt(3 + 6 * 0.5)
    assert_close([found.yi[0], found.vi[0]], [math.atanh(r), 1 / 47], CLOSED)


def test_unbiased_r_of_a_composite():
    found = composite(correlations([0.3, 0.3], [50, 50], list("AA"), "r-unbiased"))
    r = unbiased_r(0.6 / math.sqrt(3), 48)
    assert_close([found.yi[0], found.vi[0]], [r, (1 - r**2) ** 2 / 49], CLOSED)


@modest
@given(st.integers(2, 6), st.floats(0, 0.9), st.integers(0, 10**6))
def test_it_is_the_correlation_with_the_sum_of_the_measures(k, rho, seed):
    """Cor(x, sum of y) of standard variables whose y correlate rho."""
    r = np.random.default_rng(seed).uniform(-0.2, 0.3, k)
    R = np.full((k, k), rho) + (1 - rho) * np.eye(k)
    found = composite(correlations(r, [80] * k, ["A"] * k), rho)
    assert_close(found.yi[0], r.sum() / math.sqrt(np.ones(k) @ R @ np.ones(k)), CLOSED, scale=0.01)


def test_n_is_the_mean_to_the_whole_person():
    found = composite(correlations([0.3, 0.3, 0.1], [50, 63, 40], list("AAB")))
    assert found.frame["n"].tolist() == [56, 40]  # 56.5, as R rounds


def test_one_effect_keeps_its_own_variance():
    one = ma.Effects.from_arrays([0.3], [0.0123], ["A"], measure="r", n=[50])
    found = composite(one)
    assert [found.yi[0], found.vi[0]] == [0.3, 0.0123]


@modest
@given(st.integers(2, 5), st.floats(0, 0.95), st.floats(0.05, 0.3))
def test_equal_correlations_give_more_than_their_mean(k, rho, r):
    found = composite(correlations([r] * k, [80] * k, ["A"] * k), rho)
    assert found.yi[0] >= r * (1 - 1e-12)


def test_measures_that_are_one_measure_give_their_mean():
    found = composite(correlations([0.3, 0.2], [80, 80], ["A", "A"]), 1 - 1e-12)
    assert_close(found.yi[0], 0.25, 1e-10)


def test_composite_beyond_one():
    high = correlations([0.8, 0.9], [80, 80], ["A", "A"])
    with pytest.raises(EstimationError, match=r"composite correlation of A is 1\.2"):
        composite(high, 0.0)


@pytest.mark.parametrize("kind", ["no n", "generic"])
def test_composite_needs_correlations_with_n(kind):
    measure = "generic" if kind == "generic" else "r"
    n = None if kind == "no n" else [50, 50]
    effects = ma.Effects.from_arrays([0.3, 0.2], [0.01, 0.01], ["A", "A"], measure=measure, n=n)
    with pytest.raises(EstimationError, match="needs correlations with their n"):
        composite(effects)


@pytest.mark.parametrize("options", [{"weighted": True}, {"covariance": {}}])
def test_composite_has_no_weights(options):
    with pytest.raises(OptionError, match="no weights"):
        ma.aggregate(correlations([0.3, 0.2], [50, 50], list("AA")), method="composite", **options)


def test_unknown_method():
    with pytest.raises(OptionError, match="method='sum'"):
        ma.aggregate(correlations([0.3], [50], ["A"]), method="sum")
