"""tau² of the two-level model: cases worked by hand, the likelihood, and its optimum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, effects, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metaalliance.core.variance.data_sets import Regressions
from metaalliance.core.variance.tau2 import ESTIMATORS, estimate_tau2, log_likelihood
from metaalliance.core.variance.tau2_likelihood import climb, highest_maximum
from metaalliance.core.variance.wls import trace_of_projection, weighted_fit
from metaalliance.options import Tau2Estimator, option_values

modest = settings(derandomize=True, max_examples=60)

# Two effects: weights 50 and 100/3, mean .26, Q = .4² / .05 = 3.2.
YI, VI, ONE = np.array([0.1, 0.5]), np.array([0.02, 0.03]), np.ones((2, 1))
# Three effects of one variance, with mean .3 and sum of squares .08.
EQUAL, SAME, THREE = np.array([0.1, 0.3, 0.5]), np.full(3, 0.02), np.ones((3, 1))

RNG = np.random.default_rng(3)
MANY_VI = RNG.uniform(0.01, 0.1, 12)
MANY_YI = RNG.normal(0.3, np.sqrt(0.15 + MANY_VI))
MANY = np.ones((12, 1))
SLOPE = np.column_stack([np.ones(12), np.arange(12.0)])

likelihoods = pytest.mark.parametrize("restricted", [True, False], ids=["REML", "ML"])
designs = pytest.mark.parametrize("X", [MANY, SLOPE], ids=["mean", "moderator"])


def climbed(yi, vi, X, start, *, restricted):
    """tau² of one data set by a climb from `start`."""
    data = Regressions.of(yi[None], vi[None], X)
    return float(climb(data, np.array([start]), restricted=restricted)[0])


def test_the_table_has_the_names_that_the_options_have():
    assert tuple(ESTIMATORS) == option_values(Tau2Estimator)


def test_the_docs_have_a_line_for_each():
    page = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")
    table = page.split("### tau² of the two-level model")[1].split("\n\n")[1]
    names = [line.split("|")[1].split(",") for line in table.splitlines()[2:]]
    assert {name.strip() for line in names for name in line} == set(ESTIMATORS)


# Moment estimators by hand --------------------------------------------------------------------


def test_hunter_schmidt_by_hand():
    # (3.2 - 2) / (250 / 3)
    assert_close(estimate_tau2(YI, VI, ONE, "HS"), 0.0144, CLOSED)


def test_hunter_schmidt_is_not_negative():
    assert estimate_tau2(np.array([0.3, 0.31]), VI, ONE, "HS") == 0.0


def test_sidik_jonkman_by_hand():
    # start .2² = .04; Q at v + .04 is .16 / (.06 + .07); tau² = .04 * .16 / .13
    assert_close(estimate_tau2(YI, VI, ONE, "SJ"), 0.04 * 0.16 / 0.13, CLOSED)


def test_sidik_jonkman_of_equal_effects_is_zero():
    assert estimate_tau2(np.full(2, 0.3), VI, ONE, "SJ") == 0.0


def test_paule_mandel_by_hand():
    # .16 / (.05 + 2 tau²) = 1
    assert_close(estimate_tau2(YI, VI, ONE, "PM"), 0.055, CLOSED)


def test_paule_mandel_of_equal_variances_is_the_excess_variance():
    # .08 / (.02 + tau²) = 2
    assert_close(estimate_tau2(EQUAL, SAME, THREE, "PM"), 0.02, CLOSED)


def test_paule_mandel_at_its_root_makes_q_its_expectation():
    tau2 = estimate_tau2(MANY_YI, MANY_VI, SLOPE, "PM")
    assert_close(weighted_fit(MANY_YI, SLOPE, 1 / (MANY_VI + tau2)).rss, 10.0, CLOSED)


@modest
@given(st.integers(3, 12), st.integers(0, 10_000))
def test_paule_mandel_solves_its_equation_or_is_zero(k, seed):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 2, k))
    yi = rng.normal(0, np.sqrt(vi))
    tau2 = estimate_tau2(yi, vi, np.ones((k, 1)), "PM")
    q = weighted_fit(yi, np.ones((k, 1)), 1 / (vi + tau2)).rss
    assert q == pytest.approx(k - 1, rel=1e-9) if tau2 > 0 else q <= k - 1


# Likelihoods ----------------------------------------------------------------------------------


@designs
def test_full_likelihood_is_that_of_the_normal_distribution(X):
    # independent effects with the generalised least squares coefficients put in
    fit = weighted_fit(MANY_YI, X, 1 / (MANY_VI + 0.04))
    theirs = stats.norm.logpdf(MANY_YI, X @ fit.beta, np.sqrt(MANY_VI + 0.04)).sum()
    assert_close(log_likelihood(MANY_YI, MANY_VI, X, 0.04, restricted=False), theirs, CLOSED)


def test_restricted_likelihood_is_that_of_the_contrasts():
    # K'y with orthonormal K and K'X = 0 is normal with covariance K'SK [Harville 1974]
    basis = np.linalg.svd(SLOPE)[0][:, 2:]
    S = np.diag(MANY_VI + 0.04)
    theirs = stats.multivariate_normal.logpdf(basis.T @ MANY_YI, cov=basis.T @ S @ basis)
    ours = log_likelihood(MANY_YI, MANY_VI, SLOPE, 0.04, restricted=True)
    assert_close(ours, theirs, CLOSED)


@likelihoods
@pytest.mark.parametrize("name", ["bcg", "molloy2014"])
def test_likelihood_falls_on_both_sides_of_rs_estimate(name, restricted):
    tau2 = golden(name)["two_level"]["REML" if restricted else "ML"]["z"]["tau2"]
    chosen = effects(name)
    X = np.ones((chosen.n_effects, 1))
    top, *sides = (
        log_likelihood(chosen.yi, chosen.vi, X, tau2 * c, restricted=restricted)
        for c in (1, 0.999, 1.001)
    )
    assert top > max(sides)


# Their optimum --------------------------------------------------------------------------------


def test_ml_of_equal_variances_by_hand():
    # tau² + .02 = .08 / 3
    assert_close(climbed(EQUAL, SAME, THREE, 0.0, restricted=False), 0.02 / 3, ITERATED)


def test_reml_of_equal_variances_by_hand():
    # tau² + .02 = .08 / 2
    assert_close(climbed(EQUAL, SAME, THREE, 0.0, restricted=True), 0.02, ITERATED)


def score(yi: np.ndarray, vi: np.ndarray, X: np.ndarray, tau2: float, restricted: bool) -> float:
    """Derivative of the likelihood by tau², relative to the size of its terms."""
    wi = 1 / (vi + tau2)
    fit = weighted_fit(yi, X, wi)
    trace = trace_of_projection(X, wi, fit.bread) if restricted else wi.sum()
    return float(np.sum((wi * fit.residuals) ** 2) / trace - 1)


@likelihoods
@designs
@pytest.mark.parametrize("start", [0.0, 0.003, 0.05, 2.0])
def test_score_at_the_optimum_is_zero(restricted, X, start):
    tau2 = climbed(MANY_YI, MANY_VI, X, start, restricted=restricted)
    assert tau2 > 0
    assert abs(score(MANY_YI, MANY_VI, X, tau2, restricted)) < 1e-12


@likelihoods
def test_homogeneous_effects_give_zero(restricted):
    yi = np.array([0.30, 0.31, 0.29, 0.30])
    ours = climbed(yi, np.full(4, 0.01), np.ones((4, 1)), 0.05, restricted=restricted)
    assert ours == 0.0


@modest
@given(st.integers(3, 15), st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 1.0, 10.0]))
def test_no_point_of_a_grid_is_likelier(k, seed, spread):
    # the likelihood can have two maxima, so that the climb begins at the best of the grid
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(-4, 1.5, k))
    yi = rng.normal(0, np.sqrt(vi + spread * np.median(vi)))
    X, grid = np.ones((k, 1)), np.r_[0.0, np.geomspace(1e-6 * vi.min(), 1e3 * vi.max(), 200)]
    values = [log_likelihood(yi, vi, X, t, restricted=True) for t in grid]
    start, best = float(grid[np.argmax(values)]), max(values)
    ours = climbed(yi, vi, X, start, restricted=True)
    assert best <= log_likelihood(yi, vi, X, ours, restricted=True) + 1e-9 * (1 + abs(best))


def two_maxima() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects whose restricted likelihood falls at zero and rises to a higher top beyond."""
    rng = np.random.default_rng(1860)
    k = int(rng.integers(3, 15))
    vi = np.exp(rng.normal(-4, rng.choice([0.5, 1, 1.5, 2.5]), k))
    yi = rng.normal(0, np.sqrt(vi + rng.choice([0, 0.1, 1.0, 10]) * np.median(vi)))
    return yi, vi, np.ones((k, 1))


def test_higher_of_two_maxima():
    yi, vi, X = two_maxima()
    ours = log_likelihood(yi, vi, X, estimate_tau2(yi, vi, X, "REML"), restricted=True)
    assert ours >= log_likelihood(yi, vi, X, 0.00974, restricted=True)


@pytest.mark.parametrize("start", [0.0, 0.01, 1.0])
def test_higher_of_two_maxima_from_any_start(start):
    yi, vi, X = two_maxima()
    data = Regressions.of(yi[None], vi[None], X)
    found = float(highest_maximum(data, np.array([start]), restricted=True)[0])
    at = [log_likelihood(yi, vi, X, t, restricted=True) for t in np.geomspace(1e-5, 1, 2000)]
    assert found > 0
    assert log_likelihood(yi, vi, X, found, restricted=True) >= max(at)
