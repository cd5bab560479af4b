"""The mean correlation behind a normal distribution of Fisher z."""

from __future__ import annotations

import math

import pytest
from golden_data import CLOSED, assert_close, golden
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metaalliance.core.conversion.transform import mean_correlation

modest = settings(derandomize=True, max_examples=60)
z_values = st.floats(-2, 2)
tau2_values = st.floats(1e-6, 0.5)

INTEGRALS = [c for c in golden("conversions")["cases"] if c["id"].startswith("ztor_")]


def test_there_are_four_integrals():
    assert len(INTEGRALS) == 4


@pytest.mark.parametrize("case", INTEGRALS, ids=lambda c: c["id"])
def test_integral_back_transformation(case):
    ours = mean_correlation(case["inputs"]["z"], case["inputs"]["tau2"])
    assert_close(ours, case["outputs"]["r_int_exact"], CLOSED)


@pytest.mark.parametrize("case", INTEGRALS, ids=lambda c: c["id"])
def test_median_is_tanh(case):
    assert_close(mean_correlation(case["inputs"]["z"], 0.0), case["outputs"]["r"], CLOSED)


def test_small_variance_by_series():
    # tanh'' = -2 tanh (1 - tanh²), so the mean is r - tau² r (1 - r²) + O(tau⁴)
    r = math.tanh(0.4)
    ours = mean_correlation(0.4, 1e-5)
    assert ours == pytest.approx(r - 1e-5 * r * (1 - r * r), abs=1e-9)


@modest
@given(z_values, tau2_values)
def test_mean_lies_between_zero_and_the_median(z, tau2):
    assert abs(mean_correlation(z, tau2)) <= abs(math.tanh(z)) + 1e-13


@modest
@given(z_values, tau2_values)
def test_mean_has_the_sign_of_the_median(z, tau2):
    assume(abs(z) > 1e-6)
    assert mean_correlation(z, tau2) * z > 0


@modest
@given(z_values, tau2_values)
def test_mean_is_odd_in_z(z, tau2):
    assert mean_correlation(-z, tau2) == pytest.approx(-mean_correlation(z, tau2), abs=1e-14)


@modest
@given(st.floats(0.05, 2), tau2_values)
def test_more_spread_means_a_smaller_mean(z, tau2):
    assert mean_correlation(z, 2 * tau2) < mean_correlation(z, tau2)


@modest
@given(z_values, tau2_values)
def test_mean_grows_with_z(z, tau2):
    assert mean_correlation(z + 0.1, tau2) > mean_correlation(z, tau2)
