"""The likelihood of nested effects: its value, derivatives and optimum, by independent means."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from metaalliance.core.variance.ascent import maximize, start_values
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    evaluate,
    nested_data,
    score_and_information,
)
from metaalliance.core.variance.tau2 import log_likelihood
from metaalliance.core.variance.wls import weighted_fit

modest = settings(derandomize=True, max_examples=40)

SIZES = (4, 1, 2, 3, 1, 2)
LABELS = np.repeat(np.arange(len(SIZES)), SIZES)
K = LABELS.size
RNG = np.random.default_rng(11)
VI = RNG.uniform(0.01, 0.08, K)
YI = 0.3 + RNG.normal(0, 0.3, len(SIZES))[LABELS] + RNG.normal(0, np.sqrt(0.02 + VI))
MEAN = np.ones((K, 1))
SLOPE = np.column_stack([np.ones(K), RNG.normal(size=K)])
THETA = np.array([0.05, 0.03])

likelihoods = pytest.mark.parametrize("restricted", [True, False], ids=["REML", "ML"])
designs = pytest.mark.parametrize("X", [MEAN, SLOPE], ids=["mean", "moderator"])
correlations = pytest.mark.parametrize("rho", [0.0, 0.6])
inside = pytest.mark.parametrize("theta", [(0.05, 0.03), (0.2, 0.001), (0.003, 0.09)])


def nested(rho: float, X: np.ndarray = MEAN) -> MultilevelData:
    return nested_data(YI, VI, X, StudyBlocks.from_sorted(LABELS), rho)


def dense(rho: float, theta: np.ndarray) -> np.ndarray:
    same = (LABELS[:, None] == LABELS).astype(float)
    S = rho * np.outer(np.sqrt(VI), np.sqrt(VI)) * same + theta[0] * same
    np.fill_diagonal(S, VI + sum(theta))
    return S


def value(data: MultilevelData, theta: np.ndarray, restricted: bool) -> float:
    return evaluate(data, theta, restricted=restricted).log_likelihood


def gradient(data: MultilevelData, theta: np.ndarray, restricted: bool) -> np.ndarray:
    point = evaluate(data, theta, restricted=restricted)
    return score_and_information(data, point, restricted=restricted)[0]


def central_difference(function, theta: np.ndarray) -> np.ndarray:
    """Fourth-order differences in each component, good to about 1e-9 here."""
    found = []
    for step in np.eye(2) * 1e-3 * theta:
        far, near = (function(theta + c * step) - function(theta - c * step) for c in (2, 1))
        found.append((8 * near - far) / (12 * step.max()))
    return np.array(found)


# Value ----------------------------------------------------------------------------------------


@correlations
@designs
def test_full_likelihood_is_that_of_the_multivariate_normal(rho, X):
    point = evaluate(nested(rho, X), THETA, restricted=False)
    theirs = multivariate_normal.logpdf(YI, X @ point.beta, dense(rho, THETA))
    assert_close(point.log_likelihood, theirs, CLOSED)


@correlations
@designs
def test_restricted_likelihood_is_that_of_the_contrasts(rho, X):
    # K'y with orthonormal K and K'X = 0 is normal with covariance K'SK [Harville 1974]
    basis = np.linalg.svd(X)[0][:, X.shape[1] :]
    cov = basis.T @ dense(rho, THETA) @ basis
    theirs = multivariate_normal.logpdf(basis.T @ YI, cov=cov)
    assert_close(value(nested(rho, X), THETA, restricted=True), theirs, CLOSED)


@correlations
@designs
def test_coefficients_are_generalised_least_squares(rho, X):
    W = np.linalg.inv(dense(rho, THETA))
    theirs = np.linalg.solve(X.T @ W @ X, X.T @ W @ YI)
    assert_close(evaluate(nested(rho, X), THETA, restricted=True).beta, theirs, CLOSED)


@correlations
@designs
def test_covariance_of_coefficients(rho, X):
    theirs = np.linalg.inv(X.T @ np.linalg.inv(dense(rho, THETA)) @ X)
    ours = evaluate(nested(rho, X), THETA, restricted=True).bread
    assert_close(ours, theirs, CLOSED, scale=np.abs(theirs).max())


def test_three_effects_by_hand():
    # Study A has y = (.2, .4), v = .04 each, rho = .5, components (.01, .02):
    # S_A = [[.07, .03], [.03, .07]], S_A^-1 1 = 1 / .1, weights 10, 10. Study B has .5, .05:
    # S_B = .08, weight 12.5. Mean (2 + 4 + 6.25) / 32.5.
    blocks = StudyBlocks.from_sorted(np.array([0, 0, 1]))
    data = nested_data(
        np.array([0.2, 0.4, 0.5]), np.array([0.04, 0.04, 0.05]), np.ones((3, 1)), blocks, 0.5
    )
    point = evaluate(data, np.array([0.01, 0.02]), restricted=True)
    assert_close([point.beta[0], point.bread[0, 0]], [12.25 / 32.5, 1 / 32.5], CLOSED)


# Limits where the model is a simpler one ------------------------------------------------------


@likelihoods
def test_without_study_variance_and_rho_it_is_the_two_level_likelihood(restricted):
    ours = value(nested(0.0), np.array([0.0, 0.04]), restricted)
    assert_close(ours, log_likelihood(YI, VI, MEAN, 0.04, restricted=restricted), CLOSED)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9])
def test_without_effect_variance_it_is_the_two_level_mean_of_merged_studies(rho):
    # generalised least squares within studies first, then weights 1 / (variance + s_study)
    blocks = StudyBlocks.from_sorted(LABELS)
    data = nested_data(YI, VI, MEAN, blocks, rho)
    within = evaluate(data, np.zeros(2), restricted=True).covariance
    wi = blocks.sums(within.solve(np.ones(K)))
    merged = blocks.sums(within.solve(YI)) / wi
    fit = weighted_fit(merged, np.ones((blocks.m, 1)), 1 / (1 / wi + 0.07))
    point = evaluate(data, np.array([0.07, 0.0]), restricted=True)
    assert_close([point.beta[0], point.bread[0, 0]], [fit.beta[0], fit.bread[0, 0]], CLOSED)


@likelihoods
def test_one_effect_per_study_knows_only_the_sum_of_the_components(restricted):
    blocks = StudyBlocks.from_sorted(np.arange(K))
    data = nested_data(YI, VI, MEAN, blocks, 0.6)
    ours = [value(data, np.array(t), restricted) for t in ((0.05, 0.0), (0.02, 0.03))]
    assert_close(ours[0], ours[1], CLOSED)


# Derivatives ----------------------------------------------------------------------------------


@likelihoods
@designs
@correlations
@inside
def test_score_against_numerical_differentiation(restricted, X, rho, theta):
    data, theta = nested(rho, X), np.array(theta)
    theirs = central_difference(lambda t: value(data, t, restricted), theta)
    # differences of a likelihood of size 1e1 with steps of 1e-3: about nine digits
    assert_close(gradient(data, theta, restricted), theirs, 1e-7, scale=np.abs(theirs).max())


@likelihoods
@designs
@correlations
@inside
def test_information_against_numerical_differentiation(restricted, X, rho, theta):
    data, theta = nested(rho, X), np.array(theta)
    point = evaluate(data, theta, restricted=restricted)
    observed = score_and_information(data, point, restricted=restricted)[1]
    theirs = -central_difference(lambda t: gradient(data, t, restricted), theta)
    assert_close(observed, theirs, 1e-7, scale=np.abs(theirs).max())


@likelihoods
@correlations
def test_expected_information_is_half_the_trace(restricted, rho):
    # tr(P A_a P A_b) / 2 with P the projection of REML, S^-1 for ML
    W = np.linalg.inv(dense(rho, THETA))
    P = W - W @ SLOPE @ np.linalg.inv(SLOPE.T @ W @ SLOPE) @ SLOPE.T @ W if restricted else W
    A = [(LABELS[:, None] == LABELS).astype(float), np.eye(K)]
    theirs = [[np.trace(P @ a @ P @ b) / 2 for b in A] for a in A]
    point = evaluate(nested(rho, SLOPE), THETA, restricted=restricted)
    ours = score_and_information(nested(rho, SLOPE), point, restricted=restricted)[2]
    assert_close(ours, theirs, CLOSED)


# Optimum --------------------------------------------------------------------------------------


@likelihoods
@designs
@correlations
def test_score_at_the_optimum_is_zero(restricted, X, rho):
    data = nested(rho, X)
    point = maximize(data, start_values(data)[0], restricted=restricted)
    score, _, expected = score_and_information(data, point, restricted=restricted)
    # in standard errors of the component
    assert (np.abs(score[point.theta > 0]) < 1e-10 * np.sqrt(np.diag(expected)).min()).all()


@likelihoods
@correlations
@pytest.mark.parametrize("start", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1e-6, 1e-6), (5.0, 5.0)])
def test_optimum_does_not_depend_on_the_start(restricted, rho, start):
    data = nested(rho)
    theirs = maximize(data, start_values(data)[0], restricted=restricted).theta
    ours = maximize(data, np.array(start), restricted=restricted).theta
    assert_close(ours, theirs, ITERATED, scale=theirs.max())


@likelihoods
def test_score_at_a_component_of_zero_points_outwards(restricted):
    # no spread between studies beyond that within
    yi = np.array([0.0, 0.6, 0.1, 0.5, 0.05, 0.55])
    blocks = StudyBlocks.from_sorted(np.array([0, 0, 1, 1, 2, 2]))
    data = nested_data(yi, np.full(6, 0.01), np.ones((6, 1)), blocks, 0.0)
    point = maximize(data, np.array([0.1, 0.1]), restricted=restricted)
    assert point.theta[0] == 0.0
    assert score_and_information(data, point, restricted=restricted)[0][0] < 0


def test_reml_of_a_balanced_design_is_the_analysis_of_variance():
    # 4 studies of 3 effects, v = .02, s_e² = MSW - v, s_s² = (MSB - MSW) / 3
    m, n = 4, 3
    labels = np.repeat(np.arange(m), n)
    rng = np.random.default_rng(5)
    yi = rng.normal(0, 0.4, m)[labels] + rng.normal(0, 0.3, m * n)
    means = yi.reshape(m, n).mean(axis=1)
    msw = float(np.sum((yi - means[labels]) ** 2)) / (m * (n - 1))
    msb = n * float(np.var(means, ddof=1))
    blocks = StudyBlocks.from_sorted(labels)
    data = nested_data(yi, np.full(m * n, 0.02), np.ones((m * n, 1)), blocks, 0.0)
    ours = maximize(data, start_values(data)[0], restricted=True).theta
    assert_close(ours, [(msb - msw) / n, msw - 0.02], ITERATED)


def test_rho_of_a_balanced_design_moves_variance_from_one_component_to_the_other():
    # rho v is a variance between studies, (1 - rho) v one within: only their sums are seen
    labels = np.repeat(np.arange(4), 3)
    yi = np.array([-0.4, 0.2, 0.3, 0.5])[labels] + np.tile([-0.2, 0.25, 0.1], 4)
    blocks = StudyBlocks.from_sorted(labels)
    theta = []
    for rho in (0.0, 0.5):
        data = nested_data(yi, np.full(12, 0.01), np.ones((12, 1)), blocks, rho)
        theta.append(maximize(data, start_values(data)[0], restricted=True).theta)
    assert_close(theta[1] - theta[0], [-0.005, 0.005], 1e-9)


@modest
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.6]), st.booleans())
def test_no_point_of_a_grid_is_likelier(seed, rho, restricted):
    rng = np.random.default_rng(seed)
    sizes = np.r_[2, rng.integers(1, 5, rng.integers(2, 8))]
    labels = np.repeat(np.arange(sizes.size), sizes)
    vi = np.exp(rng.normal(-4, 1, labels.size))
    yi = rng.normal(0, 0.3, sizes.size)[labels] + rng.normal(0, np.sqrt(vi + 0.02))
    blocks = StudyBlocks.from_sorted(labels)
    data = nested_data(yi, vi, np.ones((labels.size, 1)), blocks, rho)
    ours = maximize(data, start_values(data)[0], restricted=restricted).log_likelihood
    grid = np.r_[0.0, np.geomspace(1e-4, 2.0, 10)]
    best = max(value(data, np.array([a, b]), restricted) for a in grid for b in grid)
    assert best <= ours + 1e-9 * (1 + abs(ours))
