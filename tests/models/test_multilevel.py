"""Three-level and CHE models worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, quiet_pool
from scipy import stats

from metaalliance.effects.effects import Effects

# Four studies of three effects with one variance: the analysis of variance gives REML.
M, N, V = 4, 3, 0.02
STUDY = np.repeat(["A", "B", "C", "D"], N)
MEANS = np.array([-0.1, 0.3, 0.5, 0.9])
YI = np.repeat(MEANS, N) + np.tile([-0.25, 0.05, 0.2], M)
BALANCED = Effects.from_arrays(YI, np.full(M * N, V), study=STUDY)
MSB = N * float(np.var(MEANS, ddof=1))
MSW = float(0.25**2 + 0.05**2 + 0.2**2) / (N - 1)

models = pytest.mark.parametrize("options", [{"model": "three-level"}, {"model": "che"}], ids=str)


def balanced(**options):
    return quiet_pool(BALANCED, **options)


def test_components_of_a_balanced_design():
    # MSW = s_effect² + v, MSB = MSW + 3 s_study²
    found = balanced(model="three-level").sigma2
    assert_close([found["study"], found["effect"]], [(MSB - MSW) / N, MSW - V], ITERATED)


@pytest.mark.parametrize("rho", [0.2, 0.6])
def test_rho_is_variance_between_studies_that_is_not_heterogeneity(rho):
    found = balanced(model="che", rho=rho).sigma2
    expected = [(MSB - MSW) / N - rho * V, MSW - (1 - rho) * V]
    assert_close([found["study"], found["effect"]], expected, ITERATED)


@models
def test_mean_of_a_balanced_design(options):
    assert_close(balanced(**options).estimate, MEANS.mean(), CLOSED)


@models
def test_model_based_standard_error_of_a_balanced_design(options):
    # the variance of study means over their number
    found = balanced(**options, test="wald")
    assert_close(found.se, math.sqrt(np.var(MEANS, ddof=1) / M), ITERATED)


@models
@pytest.mark.parametrize(("test", "factor"), [("cr0", 3 / 4), ("cr1", 1), ("cr2", 1)])
def test_robust_standard_error_of_a_balanced_design(options, test, factor):
    found = balanced(**options, test=test)
    assert_close(found.se**2, factor * np.var(MEANS, ddof=1) / M, ITERATED)


@models
@pytest.mark.parametrize("test", ["cr0", "cr1", "cr2"])
def test_satterthwaite_degrees_of_freedom_of_a_balanced_design(options, test):
    assert_close(balanced(**options, test=test).df, M - 1, ITERATED)


@models
@pytest.mark.parametrize("df", ["satterthwaite", "contain"])
def test_t_test_of_a_balanced_design_counts_studies(options, df):
    assert_close(balanced(**options, test="t", df=df).df, M - 1, ITERATED)


@models
def test_cr2_p_value_is_that_of_a_t_test_on_study_means(options):
    theirs = stats.ttest_1samp(MEANS, 0).pvalue
    assert_close(balanced(**options).p_value, theirs, ITERATED)


def test_q_of_the_three_level_model_knows_no_studies():
    found = balanced(model="three-level")
    assert_close(found.Q, np.sum((YI - YI.mean()) ** 2) / V, CLOSED)
    assert found.Q_df == M * N - 1


def test_q_of_che_takes_correlated_errors_into_account():
    # eigenvalues of V: v (1 + 2 rho) between and v (1 - rho) within
    between, within = (M - 1) * MSB, M * (N - 1) * MSW
    ours = balanced(model="che", rho=0.5).Q
    assert_close(ours, between / (V * 2.0) + within / (V * 0.5), CLOSED)


def test_i2_adds_up():
    found = balanced(model="che")
    assert_close(sum(found.I2_levels.values()), found.I2, CLOSED)


def test_i2_of_three_levels_by_hand():
    # equal variances: the typical one is v
    found = balanced(model="three-level")
    s = found.sigma2
    assert_close(found.I2_levels["study"], s["study"] / (s["study"] + s["effect"] + V), CLOSED)


@models
def test_weights_of_a_balanced_design_are_equal(options):
    assert_close(balanced(**options).weights, np.full(M * N, 1 / (M * N)), CLOSED)


def test_weights_are_in_the_order_of_the_rows():
    mixed = Effects.from_arrays(
        [0.1, 0.5, 0.3, 0.6, 0.2], [0.01, 0.05, 0.01, 0.05, 0.02], study=list("ABABC")
    )
    found = quiet_pool(mixed, model="che")
    assert_close(found.weights @ mixed.yi, found.estimate, CLOSED)


@pytest.mark.parametrize(
    ("test", "prediction", "df"),
    [
        ("cr2", "t", 3),
        ("cr2", "riley", 2),
        ("cr2", "normal", math.inf),
        ("wald", "t", 3),  # studies less one
        ("t", "t", 3),
    ],
)
def test_prediction_degrees_of_freedom(test, prediction, df):
    found = balanced(model="che", test=test, prediction=prediction)
    assert found.prediction_df == pytest.approx(df, rel=1e-10)


def test_prediction_interval_is_of_one_effect_of_a_new_study():
    found = balanced(model="che", test="wald", prediction="normal")
    half = 1.959963984540054 * math.sqrt(found.se**2 + sum(found.sigma2.values()))
    assert_close(found.pi_high - found.estimate, half, CLOSED)


def test_auto_takes_che_with_cr2():
    found = balanced()
    assert (found.model, found.test, found.rho) == ("che", "cr2", 0.6)


def test_three_level_model_has_no_rho():
    assert balanced(model="three-level", rho=0.9).rho == 0.0


def test_che_without_correlation_is_the_three_level_model():
    one, other = balanced(model="che", rho=0.0), balanced(model="three-level")
    assert (one.estimate, one.se, one.tau2) == (other.estimate, other.se, other.tau2)


def test_interval_is_computed_once():
    found = balanced()
    assert found.sigma2_ci("study") is found.sigma2_ci("study")


def test_interval_of_tau2_is_that_of_the_sum():
    found = balanced()
    assert found.tau2_ci() == found.sigma2_ci("total")
