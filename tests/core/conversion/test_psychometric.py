"""Psychometric meta-analysis and attenuation: hand-sized cases, R, identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metaalliance.core.conversion.attenuation import (
    PERFECT,
    ArtifactDistribution,
    artifact_distribution,
    attenuation,
    correct_r,
    correct_z,
)
from metaalliance.core.conversion.psychometric import (
    bare_bones,
    correct_by_distribution,
    correct_individually,
)
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=60)
data_sets = pytest.mark.parametrize("name", ["molloy2014", "mcdaniel1994", "crede2010"])

# n 200, 100, 150, 80: sum of n r is 152, of n 530
RI, NI = np.array([0.2, 0.2, 0.4, 0.4]), np.array([200.0, 100.0, 150.0, 80.0])


def arrays(name):
    data = golden(name)["data"]
    return np.array(data["ri"]), np.array(data["ni"], float)


def theirs(name):
    return golden("extras")["data_sets"][name]["psychometric"]


def assert_fields(fit, expected):
    for field, value in expected.items():
        if hasattr(fit, field):
            assert_close(getattr(fit, field), value, CLOSED)


# Bare bones -----------------------------------------------------------------------------------


def test_bare_bones_by_hand():
    fit = bare_bones(RI, NI)
    mean = 152 / 530
    observed = (300 * (0.2 - mean) ** 2 + 230 * (0.4 - mean) ** 2) / 530
    error = (1 - mean**2) ** 2 / (132.5 - 1)
    assert_close(fit.mean_rho, mean, CLOSED)
    assert_close([fit.observed_variance, fit.sampling_variance], [observed, error], CLOSED)
    assert_close([fit.rho_variance, fit.explained], [observed - error, error / observed], CLOSED)
    assert_close(fit.ci_low, mean - stats.norm.isf(0.025) * math.sqrt(observed / 4), CLOSED)
    reach = stats.norm.isf(0.1) * math.sqrt(observed - error)
    assert_close([fit.credibility_low, fit.credibility_high], [mean - reach, mean + reach], CLOSED)
    assert (fit.k, fit.n, fit.correction) == (4, 530.0, "none")


def test_sampling_variance_of_each_n_by_hand():
    fit = bare_bones(RI, NI, sampling_error="each-n")
    each = [(1 - (152 / 530) ** 2) ** 2 / (n - 1) for n in NI]
    assert_close(fit.sampling_variance, np.average(each, weights=NI), CLOSED)


@data_sets
def test_bare_bones_agrees_with_r(name):
    ri, ni = arrays(name)
    fit, expected = bare_bones(ri, ni), theirs(name)["bare_bones"]
    assert_fields(fit, expected)
    each = bare_bones(ri, ni, sampling_error="each-n").sampling_variance
    assert_close(each, expected["sampling_variance_each"], CLOSED)


@data_sets
def test_metafors_hunter_schmidt_has_the_same_mean_and_nearly_the_same_variance(name):
    # rma(vtype="AV", weights=ni, method="HS"): its tau² is a Q with weights n - 1, less k
    ri, ni = arrays(name)
    fit, metafor = bare_bones(ri, ni), theirs(name)["metafor_HS_AV"]
    assert_close(fit.mean_rho, metafor["estimate"], CLOSED)
    assert_close((1 - fit.mean_rho**2) ** 2 / (ni - 1), metafor["vi"], CLOSED)
    wi = ni - 1
    mean = wi @ ri / wi.sum()
    q = wi @ (ri - mean) ** 2 / wi.sum()
    assert_close(q - ri.size * (1 - fit.mean_rho**2) ** 2 / wi.sum(), metafor["tau2"], CLOSED)
    assert_close(fit.rho_variance, metafor["tau2"], 0.01)


def test_equal_correlations_have_no_variance():
    fit = bare_bones(np.full(3, 0.3), np.array([50.0, 80.0, 100.0]))
    assert fit.rho_variance == 0.0
    assert fit.credibility_low == fit.credibility_high == fit.mean_rho
    assert fit.explained > 1e20 or fit.explained == math.inf


# Individual corrections -----------------------------------------------------------------------


def test_individual_corrections_by_hand():
    rxx, ryy = np.array([0.81, 0.64]), np.array([1.0, 0.25])
    fit = correct_individually(np.array([0.27, 0.2]), np.array([101.0, 51.0]), rxx, ryy)
    # A .9 and .4: corrected .3 and .5, weights 81.81 and 8.16
    mean = (81.81 * 0.3 + 8.16 * 0.5) / 89.97
    rbar = (101 * 0.27 + 51 * 0.2) / 152
    error = (1 - rbar**2) ** 2 * (81.81 / (100 * 0.81) + 8.16 / (50 * 0.16)) / 89.97
    assert_close(fit.mean_rho, mean, CLOSED)
    assert_close(fit.mean_r, rbar, CLOSED)
    assert_close(fit.sampling_variance, error, CLOSED)
    observed = (81.81 * (0.3 - mean) ** 2 + 8.16 * (0.5 - mean) ** 2) / 89.97
    assert_close(fit.observed_variance, observed, CLOSED)
    assert_close(fit.se, math.sqrt(observed / 2), CLOSED)


@data_sets
def test_individual_corrections_agree_with_r(name):
    expected = theirs(name)
    fit = correct_individually(
        *arrays(name), np.array(expected["rxx"]), np.array(expected["ryy"]), level=0.95
    )
    assert_fields(fit, expected["individual"])


@data_sets
def test_perfect_reliabilities_change_nothing(name):
    ri, ni = arrays(name)
    ones = np.ones(ri.size)
    plain = bare_bones(ri, ni, sampling_error="each-n")
    fit = correct_individually(ri, ni, ones, ones)
    for field in ("mean_rho", "se", "observed_variance", "sampling_variance", "rho_variance"):
        assert_close(getattr(fit, field), getattr(plain, field), CLOSED)
    fit = correct_by_distribution(ri, ni, PERFECT, sampling_error="each-n")
    for field in ("mean_rho", "se", "explained", "rho_variance", "credibility_low"):
        assert_close(getattr(fit, field), getattr(plain, field), CLOSED)


# Artifact distributions -----------------------------------------------------------------------


def test_artifact_distributions_by_hand():
    # factors .8 ± .1 and .7 ± .2: mean of the product .56, second moment .65 × .53
    x = artifact_distribution(np.array([0.49, np.nan, 0.81]))
    y = artifact_distribution(np.array([0.25, 0.81, np.nan]))
    assert_close([x.mean, x.variance, y.mean, y.variance], [0.8, 0.01, 0.7, 0.04], CLOSED)
    fit = correct_by_distribution(RI, NI, x, y)
    plain = bare_bones(RI, NI)
    rho = 152 / 530 / 0.56
    artifact = rho**2 * (0.65 * 0.53 - 0.56**2)
    assert_close([fit.mean_rho, fit.artifact_variance], [rho, artifact], CLOSED)
    assert fit.rho_variance == 0.0  # the reliabilities alone would explain more
    assert_close(
        fit.explained, (plain.sampling_variance + artifact) / plain.observed_variance, CLOSED
    )
    assert_close(fit.se, plain.se / 0.56, CLOSED)


@data_sets
def test_artifact_distributions_agree_with_all_combinations_in_r(name):
    expected = theirs(name)
    x, y = (np.full(len(expected["rxx"]), np.nan) for _ in range(2))
    for target, values, known in ((x, "rxx", "known_x"), (y, "ryy", "known_y")):
        index = np.array(expected[known]) - 1
        target[index] = np.array(expected[values])[index]
    fit = correct_by_distribution(*arrays(name), artifact_distribution(x), artifact_distribution(y))
    assert_fields(fit, expected["distribution"])


@data_sets
def test_same_reliability_everywhere_is_the_same_by_both_routes(name):
    ri, ni = arrays(name)
    same = np.full(ri.size, 0.8)
    one = correct_individually(ri, ni, same, np.ones(ri.size))
    other = correct_by_distribution(ri, ni, artifact_distribution(same), sampling_error="each-n")
    assert_close(one.mean_rho, other.mean_rho, CLOSED)
    assert_close(one.rho_variance, other.rho_variance, 1e-10)
    assert_close(one.se, other.se, CLOSED)
    assert_close(other.artifact_variance, 0.0, CLOSED, 1.0)


def test_weights_of_an_artifact_distribution():
    found = artifact_distribution(np.array([0.49, 0.81, np.nan]), np.array([3.0, 1.0, 50.0]))
    assert_close([found.mean, found.variance], [0.75, 0.0075], CLOSED)
    assert found.k == 2


# One correlation ------------------------------------------------------------------------------


def test_correction_of_r_is_spearmans():
    case = next(c for c in golden("conversions")["cases"] if c["id"] == "disattenuate")
    inputs = case["inputs"]
    ours = correct_r(inputs["r"], 0.01, inputs["rxx"], inputs["ryy"])
    assert_close(ours.estimate, case["outputs"]["r"], CLOSED)
    assert_close(ours.variance, 0.01 / (inputs["rxx"] * inputs["ryy"]), CLOSED)


@modest
@given(st.floats(-0.6, 0.6), st.floats(0.7, 1.0), st.floats(0.7, 1.0))
def test_correction_of_z_is_that_of_r(r, rxx, ryy):
    A, z, h = math.sqrt(rxx * ryy), math.atanh(r), 1e-6
    ours = correct_z(z, 0.02, rxx, ryy)
    assert_close(math.tanh(ours.estimate), correct_r(r, 0.02, rxx, ryy).estimate, 1e-12, 1e-3)
    slope = (math.atanh(math.tanh(z + h) / A) - math.atanh(math.tanh(z - h) / A)) / (2 * h)
    assert_close(ours.variance, 0.02 * slope**2, 1e-6)


def test_measures_without_error_need_no_correction():
    assert_close(correct_z(0.4, 0.02), [0.4, 0.02], CLOSED)
    assert correct_r(0.4, 0.02) == (0.4, 0.02)


def test_variance_of_corrected_z_by_simulation_of_the_delta_method():
    # in large samples the corrected r has variance ((1 - r²) / A)² / n on the scale of r
    r, n, A = 0.3, 1e8, 0.8
    ours = correct_z(math.atanh(r), 1 / n, 0.64, 1.0)
    on_r = ours.variance * (1 - (r / A) ** 2) ** 2
    assert_close(on_r, (1 - r**2) ** 2 / (A**2 * n), CLOSED)


def test_corrected_r_can_exceed_one_but_z_cannot():
    assert correct_r(0.9, 0.01, 0.7, 0.7).estimate > 1
    with pytest.raises(EstimationError, match="no Fisher z"):
        correct_z(math.atanh(0.9), 0.01, 0.7, 0.7)


# Properties and refusals ----------------------------------------------------------------------


@modest
@given(st.integers(2, 15), st.integers(0, 10_000))
def test_order_sign_and_duplication(k, seed):
    rng = np.random.default_rng(seed)
    ri, ni = rng.uniform(-0.5, 0.8, k), rng.integers(10, 300, k).astype(float)
    rxx = rng.uniform(0.5, 1, k)
    back = rng.permutation(k)
    for run in (
        lambda r, n, x: bare_bones(r, n),
        lambda r, n, x: correct_individually(r, n, x, np.ones(x.size)),
        lambda r, n, x: correct_by_distribution(r, n, artifact_distribution(x)),
    ):
        fit, other = run(ri, ni, rxx), run(-ri[back], ni[back], rxx[back])
        twice = run(np.tile(ri, 2), np.tile(ni, 2), np.tile(rxx, 2))
        assert_close(other.mean_rho, -fit.mean_rho, 1e-10, 1.0)
        assert_close([other.rho_variance, twice.rho_variance], [fit.rho_variance] * 2, 1e-9, 1.0)
        assert_close(twice.se, fit.se / math.sqrt(2), 1e-10)
        assert fit.ci_low <= fit.mean_rho <= fit.ci_high
        assert fit.rho_variance >= 0
        assert_close(fit.rho_sd**2, fit.rho_variance, CLOSED)


@pytest.mark.parametrize(("ri", "ni"), [([0.3], [50.0]), ([0.3, 0.4], [50.0, 1.0])])
def test_too_little_is_refused(ri, ni):
    ri, ni = np.array(ri), np.array(ni)
    for run in (
        lambda: bare_bones(ri, ni),
        lambda: correct_individually(ri, ni, np.ones(ri.size), np.ones(ri.size)),
        lambda: correct_by_distribution(ri, ni, PERFECT),
    ):
        with pytest.raises(EstimationError, match="two correlations"):
            run()


@pytest.mark.parametrize("value", [0.0, -0.5, 1.2, math.nan])
def test_impossible_reliabilities_are_refused(value):
    with pytest.raises(OptionError, match="reliability"):
        attenuation(value, 0.8)
    if not math.isnan(value):
        with pytest.raises(OptionError, match="above 0 and at most 1"):
            artifact_distribution(np.array([0.8, value]))


def test_no_known_reliability_is_refused():
    with pytest.raises(OptionError, match="has to be known"):
        artifact_distribution(np.full(3, np.nan))


def test_unknown_sampling_error_is_refused():
    with pytest.raises(OptionError, match="sampling_error"):
        bare_bones(RI, NI, sampling_error="mean-n")


@pytest.mark.slow
def test_recovers_true_mean_and_variance():
    rng, k = np.random.default_rng(9), 4000
    rho = rng.normal(0.4, 0.1, k)
    rxx, ryy = rng.uniform(0.6, 0.95, k), rng.uniform(0.7, 0.9, k)
    ni = rng.integers(60, 200, k).astype(float)
    true = rho * np.sqrt(rxx * ryy)
    ri = np.tanh(rng.normal(np.arctanh(true), 1 / np.sqrt(ni - 3)))
    both = (
        correct_individually(ri, ni, rxx, ryy),
        correct_by_distribution(ri, ni, artifact_distribution(rxx), artifact_distribution(ryy)),
    )
    for fit in both:
        assert abs(fit.mean_rho - 0.4) < 0.01
        assert abs(fit.rho_sd - 0.1) < 0.01
    assert isinstance(PERFECT, ArtifactDistribution)
