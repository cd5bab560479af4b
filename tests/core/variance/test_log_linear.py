"""Log-linear variance components against a dense likelihood that is written down."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.stats import chi2

from metaalliance.core.variance.ascent import highest_maximum
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.levels import Crossed, Term
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    evaluate,
    nested_data,
    score_and_information,
)
from metaalliance.core.variance.scale.fit import fit_log_linear, vanishing
from metaalliance.core.variance.scale.log_linear import LogLinear
from metaalliance.core.variance.scale.profile import contrast_profile
from metaalliance.core.variance.structure import Levels

M = 24
RNG = np.random.default_rng(7)
STUDY = np.repeat(np.arange(M), RNG.integers(1, 5, M))
K = STUDY.size
VI = RNG.uniform(0.01, 0.05, K)
SIZE, DOSE = RNG.normal(size=M), RNG.normal(size=K)
X = np.column_stack([np.ones(K), SIZE[STUDY]])
TEAM, TOOL = STUDY // 4, RNG.integers(0, 4, K)
ALIKE = STUDY[:, None] == STUDY
#: Designs of the component between studies, and of effects.
BETWEEN = np.column_stack([np.ones(M), SIZE])
WITHIN = np.column_stack([np.ones(K), DOSE])


def made(rho: float, seed: int = 3) -> MultilevelData:
    """Effects of the model itself, sampling errors correlated by `rho`."""
    plain = nested_data(np.zeros(K), VI, X, StudyBlocks.from_sorted(STUDY), rho)
    true = LogLinear(plain.structure, (BETWEEN, WITHIN))
    rng = np.random.default_rng(seed)
    y = 0.3 + 0.1 * X[:, 1] + true.draw(np.array([-2.5, 0.7, -3.0, 0.6]), rng)
    return nested_data(y, VI, X, StudyBlocks.from_sorted(STUDY), rho)


def dense(rho: float, between: np.ndarray, within: np.ndarray) -> np.ndarray:
    """S by its definition, from the variances of studies and of effects."""
    errors = np.where(ALIKE, rho * np.sqrt(np.outer(VI, VI)), 0.0)
    np.fill_diagonal(errors, VI)
    return errors + ALIKE * between[STUDY][:, None] + np.diag(within)


def likelihood(S: np.ndarray, y: np.ndarray, X: np.ndarray, *, restricted: bool) -> float:
    """Log-likelihood of y ~ N(X beta, S), beta at its best."""
    W = np.linalg.inv(S)
    A = X.T @ W @ X
    r = y - X @ np.linalg.solve(A, X.T @ W @ y)
    k, p = X.shape
    value = k * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + r @ W @ r
    if restricted:
        value += np.linalg.slogdet(A)[1] - np.linalg.slogdet(X.T @ X)[1] - p * np.log(2 * np.pi)
    return float(-value / 2)


def fitted(data: MultilevelData, designs, *, restricted: bool):
    optimum = highest_maximum(data, restricted=restricted)
    return fit_log_linear(data, optimum, designs, restricted=restricted)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_likelihood_and_derivatives_are_those_of_the_dense_matrix(rho, restricted):
    data = made(rho)
    structure = LogLinear(data.structure, (BETWEEN, WITHIN))
    data = MultilevelData(data.yi, data.X, structure, data.order)
    theta = np.array([-2.0, 0.3, -3.5, -0.4])

    def brute(t: np.ndarray) -> float:
        S = dense(rho, np.exp(BETWEEN @ t[:2]), np.exp(WITHIN @ t[2:]))
        return likelihood(S, data.yi, X, restricted=restricted)

    def score(t: np.ndarray) -> np.ndarray:
        at = evaluate(data, t, restricted=restricted)
        return score_and_information(data, at, restricted=restricted)[0]

    point = evaluate(data, theta, restricted=restricted)
    assert_allclose(point.log_likelihood, brute(theta), rtol=1e-12)
    found, observed, expected = score_and_information(data, point, restricted=restricted)
    step = 1e-4 * np.eye(4)
    slope = [(brute(theta + h) - brute(theta - h)) / 2e-4 for h in step]
    assert_allclose(found, slope, atol=1e-6)
    bend = [-(score(theta + h) - score(theta - h)) / 2e-4 for h in step]
    assert_allclose(observed, bend, atol=1e-5)
    # the expected information by its definition, tr(P A P B) / 2
    S = dense(rho, np.exp(BETWEEN @ theta[:2]), np.exp(WITHIN @ theta[2:]))
    P = np.linalg.inv(S)
    if restricted:
        P = P - P @ X @ np.linalg.inv(X.T @ P @ X) @ X.T @ P
    parts = [
        (S * 0 + ALIKE) * (np.exp(BETWEEN @ theta[:2]) * c)[STUDY][:, None] for c in BETWEEN.T
    ] + [np.diag(np.exp(WITHIN @ theta[2:]) * c) for c in WITHIN.T]
    want = [[np.trace(P @ A @ P @ B) / 2 for B in parts] for A in parts]
    assert_allclose(expected, want, rtol=1e-8)


@pytest.mark.parametrize("restricted", [True, False])
def test_optimum_is_that_of_a_general_optimizer(restricted):
    data = made(0.6)
    _, point = fitted(data, [BETWEEN, WITHIN], restricted=restricted)

    def negative(t: np.ndarray) -> float:
        S = dense(0.6, np.exp(BETWEEN @ t[:2]), np.exp(WITHIN @ t[2:]))
        return -likelihood(S, data.yi, X, restricted=restricted)

    starts = [point.theta + 0.5, np.array([-3.0, 0.0, -3.0, 0.0])]
    options = {"xatol": 1e-8, "fatol": 1e-13, "maxiter": 8000, "maxfev": 8000}
    best = min(
        (minimize(negative, s, method="Nelder-Mead", options=options) for s in starts),
        key=lambda found: found.fun,
    )
    assert_allclose(point.log_likelihood, -best.fun, rtol=1e-11)
    assert_allclose(point.theta, best.x, atol=1e-5)


def test_profile_interval_is_where_the_dense_profile_drops():
    data = made(0.6)
    moved, point = fitted(data, [BETWEEN, WITHIN], restricted=True)
    found = contrast_profile(moved, point, 0, np.array([0.0, 1.0]), restricted=True)
    low, high = found.interval(0.9)
    assert found.drop(float(point.theta[1])) == pytest.approx(0.0, abs=1e-9)

    def profile(value: float) -> float:
        def negative(t: np.ndarray) -> float:
            variances = np.exp(BETWEEN @ [t[0], value]), np.exp(WITHIN @ t[1:])
            return -likelihood(dense(0.6, *variances), data.yi, X, restricted=True)

        options = {"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000}
        start = np.delete(point.theta, 1)
        return float(minimize(negative, start, method="Nelder-Mead", options=options).fun)

    for end in (low, high):
        assert 2 * (point.log_likelihood + profile(end)) == pytest.approx(
            chi2.isf(0.1, 1), abs=1e-6
        )


def test_profile_of_a_contrast_is_that_of_another_coding():
    data = made(0.6)
    group = np.array([0, 1, 2] * 8)
    coded = np.column_stack([np.ones(M), group == 1, group == 2]).astype(float)
    each = np.eye(3)[group]
    moved, point = fitted(data, [coded, None], restricted=True)
    apart, other = fitted(data, [each, None], restricted=True)
    assert_allclose(other.log_likelihood, point.log_likelihood, rtol=1e-12)
    first = contrast_profile(moved, point, 0, np.array([0.0, 1.0, -1.0]), restricted=True)
    second = contrast_profile(apart, other, 0, np.array([0.0, 1.0, -1.0]), restricted=True)
    for value in (-1.0, 0.0, 2.0):
        assert first.drop(value) == pytest.approx(second.drop(value), abs=1e-8)


@pytest.mark.parametrize("restricted", [True, False])
def test_an_intercept_alone_is_one_variance(restricted):
    data = made(0.6)
    optimum = highest_maximum(data, restricted=restricted)
    ones = [np.ones((M, 1)), np.ones((K, 1))]
    _, point = fit_log_linear(data, optimum, ones, restricted=restricted)
    assert_allclose(np.exp(point.theta), optimum.theta, rtol=1e-7)
    assert_allclose(point.log_likelihood, optimum.log_likelihood, rtol=1e-13)
    assert_allclose(point.beta, optimum.beta, rtol=1e-8)


def test_effects_in_other_units_have_the_same_slopes():
    data = made(0.6)
    scaled = nested_data(100 * data.yi, 1e4 * VI, X, data.blocks, 0.6)
    _, one = fitted(data, [BETWEEN, WITHIN], restricted=True)
    _, other = fitted(scaled, [BETWEEN, WITHIN], restricted=True)
    shift = np.array([np.log(1e4), 0.0, np.log(1e4), 0.0])
    assert_allclose(other.theta, one.theta + shift, atol=1e-7)


def test_parts_of_the_effects_keep_their_variances():
    data = made(0.6)
    moved, point = fitted(data, [BETWEEN, WITHIN], restricted=True)
    keep = np.arange(K) % 3 > 0
    part = moved.subset(keep)
    S = dense(0.6, np.exp(BETWEEN @ point.theta[:2]), np.exp(WITHIN @ point.theta[2:]))
    at = part.structure.at(point.theta)
    ours = np.column_stack([at.multiply(column) for column in np.eye(keep.sum())])
    assert_allclose(ours, S[np.ix_(keep, keep)], rtol=1e-12)


def deep() -> MultilevelData:
    """Effects in studies in teams, with instruments that studies share."""
    blocks = {"study": StudyBlocks.from_sorted(STUDY), "team": StudyBlocks.from_sorted(TEAM)}
    sampling = (Term(blocks["study"], np.sqrt(VI), np.full(M, 0.4)),)
    structure = Levels(
        VI, 0.6 * VI, sampling, tuple(blocks.items()), ("tool", Crossed(TOOL.astype(np.intp)))
    )
    y = made(0.4).yi + np.random.default_rng(9).normal(0, 0.2, 6)[TEAM]
    return MultilevelData(y, X, structure, np.arange(K))


@pytest.mark.parametrize("restricted", [True, False])
def test_further_levels_and_a_crossed_factor(restricted):
    data = deep()
    teams = np.column_stack([np.ones(6), np.arange(6) / 5])
    tools = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    structure = LogLinear(data.structure, (WITHIN, None, teams, tools))
    data = MultilevelData(data.yi, data.X, structure, data.order)
    theta = np.array([-3.0, 0.4, 0.05, -2.5, 0.6, -3.0, 0.8])

    def brute(t: np.ndarray) -> float:
        S = dense(0.4, np.full(M, t[2]), np.exp(WITHIN @ t[:2]))
        for codes, C, part in ((TEAM, teams, t[3:5]), (TOOL, tools, t[5:])):
            S += np.exp(C @ part)[codes][:, None] * (codes[:, None] == codes)
        return likelihood(S, data.yi, X, restricted=restricted)

    point = evaluate(data, theta, restricted=restricted)
    assert_allclose(point.log_likelihood, brute(theta), rtol=1e-11)
    score = score_and_information(data, point, restricted=restricted)[0]
    step = 1e-5 * np.eye(7)
    slope = [(brute(theta + h) - brute(theta - h)) / 2e-5 for h in step]
    assert_allclose(score, slope, atol=1e-5)
    # second derivatives of the dense likelihood, to the digits that differences have
    h = 1e-3 * np.eye(7)
    h[2] /= 20
    size = h.max(axis=1)
    bend = np.array(
        [
            [
                (brute(theta + a + b) - brute(theta + a - b) - brute(theta - a + b)
                 + brute(theta - a - b)) / (4 * p * q)
                for b, q in zip(h, size, strict=True)
            ]
            for a, p in zip(h, size, strict=True)
        ]
    )  # fmt: skip
    found = score_and_information(data, point, restricted=restricted)[1]
    scale = np.sqrt(np.outer(np.abs(np.diag(found)), np.abs(np.diag(found))))
    assert_allclose(found / scale, -bend / scale, atol=1e-4)


def test_further_levels_climb_to_the_optimum():
    data = deep()
    teams = np.column_stack([np.ones(6), np.arange(6) / 5])
    moved, point = fitted(data, [WITHIN, None, teams, None], restricted=True)
    score = score_and_information(moved, point, restricted=True)[0]
    free = np.isinf(moved.structure.lowest) | (point.theta > 0)
    assert_allclose(score[free], 0.0, atol=1e-6)
    assert (score[~free] <= 0).all()


def test_a_variance_that_vanishes_is_found_and_bounded_on_one_side():
    y = np.array([0.3, 0.3, 0.3, 0.3, 0.9, -0.4, 0.7, -0.2])
    ones, C = np.ones((8, 1)), np.column_stack([np.ones(8), np.arange(8) > 3]).astype(float)
    plain = nested_data(y, np.full(8, 0.02), ones, StudyBlocks.from_sorted(np.arange(8)), 0.0)
    optimum = evaluate(plain, np.array([0.0, 0.1]), restricted=True)
    data, point = fit_log_linear(plain, optimum, [None, C], restricted=True, absent=("study",))
    assert vanishing(data, point)[1].tolist() == [True] * 4 + [False] * 4
    # the likelihood there is that of no variance in the first group
    late = minimize(
        lambda t: -likelihood(
            np.diag(0.02 + np.r_[np.zeros(4), np.full(4, np.exp(t[0]))]), y, ones, restricted=True
        ),
        [-1.0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14},
    )  # fmt: skip
    assert_allclose(point.log_likelihood, -late.fun, atol=1e-9)
    ends = contrast_profile(data, point, 1, np.array([1.0, 0.0]), restricted=True).interval(0.95)
    assert np.isneginf(ends.low)
    assert np.isfinite(ends.high)
    ends = contrast_profile(data, point, 1, np.array([0.0, 1.0]), restricted=True).interval(0.95)
    assert np.isposinf(ends.high)
    assert np.isfinite(ends.low)


@pytest.mark.slow
@pytest.mark.parametrize("m", [30, 100])
def test_intervals_of_slopes_cover(m):
    """500 samples of m studies with 1 to 4 effects: the share of profile intervals that hold the
    slopes is 95% within 3.3 Monte-Carlo errors (of 1%); Wald's are printed beside them.
    """
    rng, n = np.random.default_rng(5), 500
    study = np.repeat(np.arange(m), np.resize([1, 2, 3, 4], m))
    k = study.size
    between = np.column_stack([np.ones(m), rng.normal(size=m)])
    within = np.column_stack([np.ones(k), rng.normal(size=k)])
    vi, blocks = rng.uniform(0.01, 0.04, k), StudyBlocks.from_sorted(study)
    true = np.array([-2.5, 0.5, -2.7, 0.4])
    ones = np.ones((k, 1))
    structure = LogLinear(nested_data(vi, vi, ones, blocks, 0.6).structure, (between, within))
    held = {"profile": np.zeros(2), "wald": np.zeros(2)}
    for _ in range(n):
        data = nested_data(0.3 + structure.draw(true, rng), vi, ones, blocks, 0.6)
        moved, point = fitted(data, [between, within], restricted=True)
        information = score_and_information(moved, point, restricted=True)[1]
        with np.errstate(invalid="ignore"):  # no error at a maximum at infinity: counted as missed
            se = np.sqrt(np.diag(np.linalg.inv(information)))[[1, 3]]
        held["wald"] += np.abs(point.theta - true)[[1, 3]] < 1.959963984540054 * se
        for place, level in enumerate((0, 1)):
            slope = np.array([0.0, 1.0])
            profile = contrast_profile(moved, point, level, slope, restricted=True)
            held["profile"][place] += profile.drop(true[2 * level + 1]) <= chi2.isf(0.05, 1)
    shares = {name: counts / n for name, counts in held.items()}
    print(m, shares)
    assert (np.abs(shares["profile"] - 0.95) < 3.3 * np.sqrt(0.95 * 0.05 / n)).all(), shares
