"""Henmi and Copas's interval: moments from matrices, integrals, R, and what must not change it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from metaalliance.core.inference.henmi_copas import _Moments, henmi_copas
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=40)
data_sets = pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "bcg", "crede2010"])


def arrays(name):
    data = golden(name)["data"]
    return np.array(data["yi"]), np.array(data["vi"])


def theirs(name):
    return golden("extras")["data_sets"][name]["henmi_copas"]


@data_sets
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_agrees_with_matrices_and_integrate_in_r(name, level):
    fit = henmi_copas(*arrays(name), level)
    golden_fit = theirs(name)[f"level_{round(100 * level)}"]
    for field in ("estimate", "se", "tau2", "critical_value", "ci_low", "ci_high", "p_value"):
        assert_close(getattr(fit, field), golden_fit[field], 1e-10, fit.se)


@data_sets
def test_agrees_with_metafor(name):
    # metafor integrates with R's default tolerance of 1e-4; seen: 2e-10
    fit = henmi_copas(*arrays(name))
    for field in ("estimate", "se", "tau2", "ci_low", "ci_high"):
        assert_close(getattr(fit, field), theirs(name)["metafor"][field], 1e-8, fit.se)


@data_sets
def test_mean_and_tau2_are_those_of_the_common_effect_and_dersimonian_laird(name):
    fit = henmi_copas(*arrays(name))
    assert_close(fit.estimate, golden(name)["two_level"]["FE"]["z"]["estimate"], CLOSED)
    assert_close(fit.tau2, golden(name)["two_level"]["DL"]["z"]["tau2"], CLOSED)
    assert_close(fit.Q, golden(name)["two_level"]["DL"]["z"]["Q"], CLOSED)


def test_two_effects_by_hand():
    # weights 50 and 100/3: mean .26, Q 3.2, tau² 2.2 / 40, weights² / sum over sum 130/3
    fit = henmi_copas(np.array([0.1, 0.5]), np.array([0.02, 0.03]))
    assert_close([fit.estimate, fit.Q, fit.tau2], [0.26, 3.2, 0.055], CLOSED)
    assert_close(fit.se, math.sqrt((1 + 0.055 * 130 / 3) * 3 / 250), CLOSED)


def test_moments_of_q_from_matrices():
    rng = np.random.default_rng(5)
    wi, tau2 = rng.uniform(1, 30, 7), 0.08
    b = np.sqrt(wi / wi.sum())
    S, M = np.diag(1 + tau2 * wi), np.eye(7) - np.outer(b, b)
    VR = b @ S @ b
    C = S - S @ np.outer(b, b) @ S / VR
    z = np.array([0.0, 0.7, -1.3, 4.0])
    means = np.outer(z, S @ b / math.sqrt(VR))
    moments = _Moments.of(wi, tau2)
    mean, variance = moments.given(z)
    assert_close(moments.VR, VR, CLOSED)
    assert_close(mean, np.trace(M @ C) + np.einsum("ri,ij,rj->r", means, M, means), CLOSED)
    dense = 2 * np.trace(M @ C @ M @ C) + 4 * np.einsum("ri,ij,rj->r", means, M @ C @ M, means)
    assert_close(variance, dense, CLOSED)


def test_without_heterogeneity_q_is_chi_squared():
    fit = henmi_copas(np.array([0.30, 0.31, 0.29, 0.30]), np.array([0.01, 0.02, 0.03, 0.04]))
    assert fit.tau2 == 0.0
    assert_close([fit.shape, fit.scale], [1.5, 2.0], CLOSED)
    assert fit.critical_value < stats.norm.isf(0.025)  # tau² estimated above zero is allowed for


@pytest.mark.parametrize("tau2", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("u", [0.3, 1.9, 5.0])
def test_tail_probability_by_adaptive_quadrature(tau2, u):
    moments = _Moments.of(np.array([5.0, 20.0, 60.0, 11.0]), tau2)
    root = math.sqrt(moments.VR)

    def integrand(r):
        mean, variance = (float(v[0]) for v in moments.given(np.array([r / root])))
        bound = (moments.W1 / moments.W2 - 1) * (r**2 / u**2 - 1) + 3
        below = stats.gamma.cdf(bound, mean**2 / variance, scale=variance / mean)
        return below * stats.norm.pdf(r, scale=root)

    theirs, _ = integrate.quad(integrand, u, u + 14 * root, epsabs=0, epsrel=1e-11, limit=500)
    assert_close(moments.two_sided(u), 2 * theirs, 1e-10)


@modest
@given(st.integers(2, 30), st.integers(0, 10_000), st.sampled_from([0.0, 1.0, 10.0]))
def test_order_scale_and_sign(k, seed, spread):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1, k))
    yi = rng.normal(0.2, np.sqrt(vi + spread * np.median(vi)))
    fit, back = henmi_copas(yi, vi), rng.permutation(k)
    other = henmi_copas(-1e4 * yi[back], 1e8 * vi[back])
    assert_close(other.critical_value, fit.critical_value, 1e-9)
    assert_close([-other.ci_high, -other.ci_low], 1e4 * np.array([fit.ci_low, fit.ci_high]), 1e-9)
    assert_close(other.p_value, fit.p_value, 1e-8)


@modest
@given(st.integers(2, 30), st.integers(0, 10_000), st.floats(0.5, 0.99))
def test_interval_excludes_zero_exactly_when_p_is_small(k, seed, level):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1, k))
    fit = henmi_copas(rng.normal(0.1, np.sqrt(vi + 0.02)), vi, level)
    assert 0 <= fit.p_value <= 1
    assert (fit.p_value < 1 - level) == (fit.ci_low > 0 or fit.ci_high < 0)


def test_level_widens_the_interval():
    yi, vi = arrays("bcg")
    widths = [f.ci_high - f.ci_low for f in (henmi_copas(yi, vi, p) for p in (0.5, 0.9, 0.999))]
    assert widths == sorted(widths)


def test_identical_effects_leave_the_common_effect_mean():
    fit = henmi_copas(np.full(5, 0.3), np.full(5, 0.02))
    assert_close([fit.estimate, fit.se, fit.tau2], [0.3, math.sqrt(0.004), 0.0], CLOSED)


def test_estimate_of_zero_has_p_one():
    assert henmi_copas(np.array([-0.2, 0.2]), np.full(2, 0.02)).p_value == pytest.approx(1.0)


def test_one_effect_is_refused():
    with pytest.raises(EstimationError, match="two effects"):
        henmi_copas(np.array([0.3]), np.array([0.01]))


def test_level_in_percent_is_refused():
    with pytest.raises(OptionError, match="level"):
        henmi_copas(*arrays("bcg"), 95)


def test_result_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        henmi_copas(*arrays("bcg")).se = 1.0


@pytest.mark.slow
def test_coverage_under_heterogeneity():
    # the approximation is good to about a percentage point for ten studies
    rng = np.random.default_rng(4)
    vi, tau2, hits = rng.uniform(0.005, 0.05, 10), 0.02, 0
    for _ in range(2000):
        fit = henmi_copas(rng.normal(0.3, np.sqrt(vi + tau2)), vi)
        hits += fit.ci_low < 0.3 < fit.ci_high
    assert abs(hits / 2000 - 0.95) < 0.015 + 3 * math.sqrt(0.95 * 0.05 / 2000)
