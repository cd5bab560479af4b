"""Fail-safe N, excess significance and p-uniform*: R, hand-sized cases, integrals."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from bias_data import INDEPENDENT, dependent, independent, quiet, theirs
from golden_data import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import metaalliance as ma
from metaalliance.core.selection.excess_significance import count_distribution, power
from metaalliance.core.selection.p_uniform import Conditional
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=40)
everywhere = pytest.mark.parametrize("name", INDEPENDENT)


# --- fail-safe N ---


@everywhere
def test_fail_safe_n_agrees_with_metafor(name):
    effects, golden_fit = independent(name), theirs(name)["counts"]
    found = ma.fail_safe_n(effects)
    assert found.rosenthal == golden_fit["rosenthal"]
    assert found.orwin == golden_fit["orwin"]
    assert found.rosenberg == golden_fit["rosenberg"]
    assert_close(found.rosenberg_p_value, golden_fit["rosenberg_p"], 1e-9, 1e-300)
    strict = ma.fail_safe_n(effects, p=0.01, target=golden_fit["orwin_target"])
    assert strict.rosenthal == golden_fit["rosenthal_01"]
    assert strict.rosenberg == golden_fit["rosenberg_01"]
    assert strict.orwin == golden_fit["orwin_to_target"]


def test_fail_safe_n_by_hand():
    # z of 3, 4 and 1: (8 / 1.6449)² = 23.65, less 3 is 20.65
    effects = ma.Effects.from_arrays([0.3, 0.4, 0.1], [0.01, 0.01, 0.01])
    found = ma.fail_safe_n(effects)
    assert found.rosenthal == 21
    assert found.orwin == 3
    assert "Do not lean on" in found.summary()


def test_no_fail_safe_n_is_below_zero():
    found = ma.fail_safe_n(ma.Effects.from_arrays([0.01, -0.02, 0.03], [0.1, 0.1, 0.1]))
    assert (found.rosenthal, found.rosenberg) == (0, 0)


def test_a_mean_of_zero_needs_no_null_results():
    assert ma.fail_safe_n(ma.Effects.from_arrays([0.2, -0.2], [0.1, 0.1])).orwin == 0


@pytest.mark.parametrize("options", [{"p": 0}, {"p": 0.6}, {"target": 0.5}, {"target": -0.1}])
def test_fail_safe_options(options):
    with pytest.raises(OptionError):
        ma.fail_safe_n(ma.Effects.from_arrays([0.3, 0.4], [0.01, 0.01]), **options)


# --- excess significance ---


@pytest.mark.parametrize("tau2", ["FE", "REML"])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@everywhere
def test_excess_significance_agrees_with_metafor(name, alternative, tau2):
    golden_fit = theirs(name)["excess"][f"{tau2}_{alternative.replace('-', '.')}"]
    # metafor integrates the power over true effects within five standard deviations, which
    # leaves out 5.7e-7 of them, at a tolerance of its own
    rtol = 1e-9 if tau2 == "FE" else 2e-6
    options = {"alternative": alternative, "tau2": tau2}
    found = quiet(ma.excess_significance, independent(name), **options)
    assert found.observed == golden_fit["observed"]
    assert_close(found.expected, golden_fit["expected"], rtol, found.n_effects)
    assert_close(found.power, golden_fit["power"], rtol, 1.0)
    for test in ("chi2", "binomial", "exact"):
        if golden_fit[test] is not None:
            other = quiet(ma.excess_significance, independent(name), test=test, **options)
            assert_close(other.p_value, golden_fit[test], 100 * rtol, 0.1)


def test_the_closed_power_is_the_integral():
    vi, mean, tau2 = np.array([0.02, 0.1]), 0.25, 0.03
    for alternative in ("two-sided", "greater", "less"):
        critical = stats.norm.isf(0.05 / (2 if alternative == "two-sided" else 1))
        found = power(vi, mean, tau2, critical, alternative)
        for v, ours in zip(vi, found, strict=True):

            def chance(theta, v=v, alternative=alternative, critical=critical):
                at = power(np.array([v]), theta, 0.0, critical, alternative)[0]
                return at * stats.norm.pdf(theta, mean, math.sqrt(tau2))

            expected = integrate.quad(chance, -2, 2.5, epsabs=1e-13, points=[0, mean])[0]
            assert_close(ours, expected, 1e-9)


@modest
@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_the_distribution_of_the_count_is_that_of_all_outcomes(chances):
    expected = np.zeros(len(chances) + 1)
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        expected[sum(outcome)] += math.prod(
            c if hit else 1 - c for c, hit in zip(chances, outcome, strict=True)
        )
    assert_close(count_distribution(np.array(chances)), expected, 1e-9, 1e-3)


def test_excess_options():
    with pytest.raises(OptionError):
        ma.excess_significance(independent("bcg"), p=1.5)
    with pytest.raises(OptionError):
        ma.excess_significance(independent("bcg"), test="fisher")


# --- p-uniform* ---


@everywhere
def test_p_uniform_agrees_with_the_conditional_likelihood_in_r(name):
    golden_fit = theirs(name)["p_uniform"]
    found = ma.p_uniform(independent(name))
    assert found.n_significant == golden_fit["n_significant"]
    assert found.alternative == ("greater" if golden_fit["sign"] > 0 else "less")
    width = found.ci_high - found.ci_low
    assert_close(found.estimate, golden_fit["estimate"], 1e-6, width)
    assert_close([found.ci_low, found.ci_high], golden_fit["ci"], 1e-6, width)
    assert_close(found.tau2, golden_fit["tau2"], 1e-6)
    assert_close([found.tau2_low, found.tau2_high], golden_fit["tau2_ci"], 1e-6, found.tau2)
    assert_close(found.statistic, golden_fit["L_0"], 1e-6, 1.0)
    assert_close(found.tau2_statistic, golden_fit["L_het"], 1e-6, 1.0)
    # half of the tail: tau² = 0 is the end of its range
    assert_close(found.tau2_p_value, 0.5 * stats.chi2.sf(golden_fit["L_het"], 1), 1e-4, 1e-12)
    assert_close(found.p_value, stats.chi2.sf(golden_fit["L_0"], 1), 1e-4, 1e-12)


def test_conditional_derivatives():
    effects = independent("molloy2014")
    data = Conditional.build(effects.yi, effects.vi, 1.96)
    at, h = np.array([[1.3, 0.8]]), 1e-5 * np.eye(2)
    point, ahead, behind = (data.problem.at(t) for t in (at, at + h, at - h))
    assert_close((ahead.value - behind.value) / 2e-5, point.gradient[0], 1e-7, 1.0)
    assert_close((ahead.gradient - behind.gradient) / 2e-5, point.hessian[0], 1e-7, 1.0)


def test_p_uniform_flips_with_the_effects():
    effects = independent("molloy2014")
    other = ma.Effects.from_arrays(-effects.yi, effects.vi)
    found, flipped = ma.p_uniform(effects), ma.p_uniform(other)
    assert_close([flipped.ci_low, flipped.ci_high], [-found.ci_high, -found.ci_low], 1e-8)
    assert_close(flipped.estimate, -found.estimate, 1e-8)


def test_p_uniform_without_significant_studies_is_refused():
    effects = ma.Effects.from_arrays(np.linspace(0.01, 0.1, 12), [0.1] * 12)
    with pytest.raises(EstimationError, match="no study is significant") as refused:
        ma.p_uniform(effects)
    assert refused.value.code == "MA653"


def test_p_uniform_of_barely_significant_studies_is_refused():
    # all just above their critical value: the likelihood rises towards minus infinity
    vi = np.linspace(0.01, 0.05, 12)
    effects = ma.Effects.from_arrays(1.961 * np.sqrt(vi), vi)
    with pytest.raises(EstimationError) as refused:
        ma.p_uniform(effects)
    assert refused.value.code == "MA654"


def test_p_uniform_averages_dependent_effects():
    found = ma.p_uniform(dependent("crede2010"))
    assert found.n_effects == 68
    assert_close(found.estimate, theirs("crede2010_aggregated")["p_uniform"]["estimate"], 1e-5)
