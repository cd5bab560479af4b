"""Two-level and common-effect models worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, effects, quiet_pool
from scipy import stats

from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError

# Two effects with weights 50 and 100/3: mean .26, Q = .4² / .05 = 3.2,
# C = 250/3 - (2500 + 10000/9) / (250/3) = 40.
TWO = Effects.from_arrays([0.1, 0.5], [0.02, 0.03])
# At tau² = .055 the weights are 1/.075 and 1/.085.
TAU2 = 0.055
MEAN = (0.1 / 0.075 + 0.5 / 0.085) / (1 / 0.075 + 1 / 0.085)
SE = math.sqrt(1 / (1 / 0.075 + 1 / 0.085))
# Three effects of one variance: mean .3, sum of squares .08.
EQUAL = Effects.from_arrays([0.1, 0.3, 0.5], [0.02] * 3)


def two(**options):
    return quiet_pool(TWO, model="two-level", **options)


def equal(**options):
    return quiet_pool(EQUAL, model="two-level", **options)


# Heterogeneity ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "tau2"),
    [
        ("DL", (3.2 - 1) / 40),
        ("HE", 0.08 - 0.025),  # variance of the effects less the mean sampling variance
        ("PM", TAU2),  # .16 / (.05 + 2 tau²) = 1
        ("EB", TAU2),
        ("REML", TAU2),  # one contrast: its likelihood is highest where Q is one
        ("HS", (3.2 - 2) / (250 / 3)),
        ("SJ", 0.04 * 0.16 / 0.13),
    ],
)
def test_tau2_of_two_effects(method, tau2):
    assert_close(two(tau2=method).tau2, tau2, ITERATED)


@pytest.mark.parametrize(
    ("method", "tau2"),
    [
        ("DL", 0.02),  # Q = .08 / .02 = 4, C = 100: (4 - 2) / 100
        ("HE", 0.02),
        ("PM", 0.02),
        ("EB", 0.02),
        ("REML", 0.02),  # .08 / 2 - .02
        ("ML", 0.02 / 3),  # .08 / 3 - .02
        ("HS", 1 / 150),  # (4 - 3) / 150
        ("SJ", 0.08 / 3 * (0.08 / (0.02 + 0.08 / 3)) / 2),
    ],
)
def test_tau2_of_equal_variances(method, tau2):
    assert_close(equal(tau2=method).tau2, tau2, ITERATED)


def test_q_and_its_p():
    found = two()
    assert_close([found.Q, found.Q_p_value], [3.2, math.erfc(math.sqrt(1.6))], CLOSED)
    assert found.Q_df == 1


def test_i2_and_h2():
    # typical variance 1 / 40: I² = .055 / .08, H² = .08 / .025
    found = two(tau2="DL")
    assert_close([found.I2, found.H2], [0.6875, 3.2], CLOSED)


def test_q_profile_interval():
    # .16 / (.05 + 2 tau²) equals the quantiles of chi² with one degree of freedom
    low, high = two().tau2_ci()
    assert low == 0.0  # Q = 3.2 is below 5.02
    assert_close(high, (0.16 / stats.chi2.ppf(0.025, 1) - 0.05) / 2, ITERATED)


def test_tau_is_the_root():
    assert_close(two(tau2="DL").tau, math.sqrt(TAU2), CLOSED)


# Mean ------------------------------------------------------------------------------------------


def test_common_effect_mean():
    found = quiet_pool(TWO, model="common-effect")
    assert_close([found.estimate, found.se], [0.26, math.sqrt(0.012)], CLOSED)


def test_common_effect_has_no_heterogeneity_variance():
    found = quiet_pool(TWO, model="common-effect")
    assert_close([found.tau2, found.I2, found.H2], [0.0, 2.2 / 3.2, 3.2], CLOSED)


def test_random_effects_mean():
    found = two(tau2="DL", test="wald")
    assert_close([found.estimate, found.se], [MEAN, SE], CLOSED)


def test_weights():
    assert_close(two(tau2="DL").weights, np.array([0.085, 0.075]) / 0.16, CLOSED)


def test_wald_interval():
    found = two(tau2="DL", test="wald")
    half = 1.959963984540054 * SE
    assert_close([found.ci_low, found.ci_high], [MEAN - half, MEAN + half], CLOSED)


def test_t_interval():
    found = two(tau2="DL", test="t")
    half = math.tan(0.475 * math.pi) * SE  # the quantile of one degree of freedom
    assert_close([found.ci_low, found.ci_high], [MEAN - half, MEAN + half], CLOSED)


def test_knapp_hartung_at_a_q_of_one_is_the_t_test():
    # .16 / (.075 + .085) = 1: the factor of the variance is one
    assert_close(two(tau2="DL", test="knapp-hartung").se, SE, CLOSED)


def test_knapp_hartung_factor():
    # HS: tau² = .0144, factor .16 / (.05 + .0288)
    plain, adjusted = (two(tau2="HS", test=t) for t in ("t", "knapp-hartung"))
    assert_close(adjusted.se, plain.se * math.sqrt(0.16 / 0.0788), CLOSED)


@pytest.mark.parametrize("test", ["t", "knapp-hartung", "knapp-hartung-adhoc"])
def test_degrees_of_freedom(test):
    assert two(test=test).df == 1.0


def test_guard_does_not_act_above_one():
    found = two(tau2="HS", test="knapp-hartung-adhoc")
    assert found.se == two(tau2="HS", test="knapp-hartung").se
    assert not found.guard_acted


NEAR = Effects.from_arrays([0.30, 0.31, 0.29, 0.30], [0.01] * 4)


def test_knapp_hartung_narrows_homogeneous_effects():
    # factor (.0002 / .01) / 3
    found = quiet_pool(NEAR, test="knapp-hartung")
    assert_close(found.se, 0.05 * math.sqrt(0.02 / 3), 1e-10)


def test_guard_keeps_the_wald_standard_error():
    found = quiet_pool(NEAR, test="knapp-hartung-adhoc")
    assert_close(found.se, 0.05, CLOSED)
    assert found.guard_acted


def test_cr2_of_one_effect_per_study():
    # equal variances: CR0 = .08 / 9, CR1 and CR2 = .08 / 6
    found = {t: equal(test=t).se ** 2 for t in ("cr0", "cr1", "cr2")}
    assert_close(list(found.values()), [0.08 / 9, 0.08 / 6, 0.08 / 6], CLOSED)


# Prediction --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "prediction", "df"),
    [
        ("wald", "normal", math.inf),
        ("wald", "t", 3),
        ("t", "t", 3),
        ("knapp-hartung", "t", 3),
        ("knapp-hartung", "normal", math.inf),
        ("wald", "riley", 2),
        ("knapp-hartung", "riley", 2),
    ],
)
def test_prediction_interval(test, prediction, df):
    four = Effects.from_arrays([0.1, 0.5, 0.2, 0.7], [0.02, 0.03, 0.01, 0.02])
    found = quiet_pool(four, test=test, prediction=prediction)
    quantile = stats.norm.ppf(0.975) if math.isinf(df) else stats.t.ppf(0.975, df)
    half = quantile * math.hypot(found.se, found.tau)
    ours = [found.pi_low, found.pi_high]
    assert_close(ours, [found.estimate - half, found.estimate + half], CLOSED)
    assert found.prediction_df == df


def test_riley_degrees_of_freedom_are_at_least_one():
    assert two(prediction="riley").prediction_df == 1.0


def test_probability_above_is_the_tail_of_the_predictive_distribution():
    found = equal(test="knapp-hartung")
    spread = math.hypot(found.se, found.tau)
    theirs = stats.t.sf((0.2 - 0.3) / spread, 2)
    assert_close(found.probability_above(0.2), theirs, CLOSED)


def test_probability_above_the_mean_is_a_half():
    found = equal()
    assert found.probability_above(found.estimate) == pytest.approx(0.5, abs=1e-15)


def test_probability_above_takes_a_correlation_as_threshold():
    found = quiet_pool(Effects.from_arrays(EQUAL.yi, EQUAL.vi, measure="z"))
    ours = found.probability_above(0.2)
    assert_close(ours, found.probability_above(math.atanh(0.2), scale="analysis"), CLOSED)


def test_level_sets_the_quantile_of_both_intervals():
    found = equal(test="wald", level=0.8, prediction="normal")
    quantile = stats.norm.ppf(0.9)
    halves = [quantile * found.se, quantile * math.hypot(found.se, found.tau)]
    ours = [found.ci_high - found.estimate, found.pi_high - found.estimate]
    assert_close(ours, halves, CLOSED)


def test_level_sets_the_interval_of_tau2():
    # .08 / (.02 + tau²) at the 10% quantile of chi² with two degrees of freedom, -2 log .9
    assert_close(equal(level=0.8).tau2_ci().high, -0.04 / math.log(0.9) - 0.02, ITERATED)


@pytest.mark.parametrize("tau2", ["DL", "HE", "HS", "SJ", "PM", "EB"])
def test_profile_interval_needs_a_likelihood(tau2):
    found = quiet_pool(effects("bcg"), tau2=tau2)
    with pytest.raises(EstimationError, match=f"{tau2} maximises no likelihood"):
        found.tau2_profile_ci()


@pytest.mark.parametrize(
    ("value", "probability"), [(1.0, 0.0), (1.2, 0.0), (-1.0, 1.0), (-1.2, 1.0)]
)
def test_probability_above_the_ends_of_a_correlation(value, probability):
    found = quiet_pool(Effects.from_arrays([0.1, 0.2, 0.3], [0.01] * 3, measure="z"))
    assert found.probability_above(value) == probability
