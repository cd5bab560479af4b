"""Profile-likelihood intervals against brute force on the other component."""

from __future__ import annotations

import numpy as np
import pytest
from effort import calls
from golden_data import assert_close, effects, fit, golden, quiet_pool
from scipy.optimize import minimize_scalar
from scipy.stats import chi2

from metaalliance.core.variance.ascent import highest_maximum, maximize, start_values
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import MultilevelData, evaluate, nested_data
from metaalliance.core.variance.profile import two_level_interval, variance_drop, variance_interval
from metaalliance.core.variance.tau2 import estimate_tau2, log_likelihood

CRITICAL = {level: chi2.isf(1 - level, 1) for level in (0.8, 0.95, 0.99)}
#: The drop of the likelihood at a bound: bounds are good to 1e-14, drops of 1e1 to about 1e-12.
DROP = 1e-9

likelihoods = pytest.mark.parametrize("restricted", [True, False], ids=["REML", "ML"])
levels = pytest.mark.parametrize("level", CRITICAL)


# Two-level ------------------------------------------------------------------------------------


@likelihoods
@levels
@pytest.mark.parametrize("name", ["bcg", "molloy2014"])
def test_drop_of_the_two_level_likelihood_at_both_bounds(name, level, restricted):
    chosen = effects(name)
    yi, vi, X = chosen.yi, chosen.vi, np.ones((chosen.n_effects, 1))
    tau2 = estimate_tau2(yi, vi, X, "REML" if restricted else "ML")
    bounds = two_level_interval(yi, vi, X, tau2, level, restricted=restricted)
    top, *ends = (log_likelihood(yi, vi, X, t, restricted=restricted) for t in (tau2, *bounds))
    assert_close(2 * (top - np.array(ends)), np.full(2, CRITICAL[level]), DROP)


def test_two_level_bound_of_homogeneous_effects_is_zero():
    yi, vi, X = np.array([0.30, 0.31, 0.29, 0.30]), np.full(4, 0.01), np.ones((4, 1))
    low, high = two_level_interval(yi, vi, X, 0.0, 0.95, restricted=True)
    assert low == 0.0
    assert high > 0.0


def test_three_equal_variances_by_equation():
    # s = v + tau², sum of squares .08, REML: 2 log s + .08 / s rises by the quantile from s = .04
    yi, vi, X = np.array([0.1, 0.3, 0.5]), np.full(3, 0.02), np.ones((3, 1))
    low, high = two_level_interval(yi, vi, X, 0.02, 0.95, restricted=True)
    assert low == 0.0  # 2 log .5 + 4 - 2 = .61 at s = .02 is below 3.84
    s = high + 0.02
    assert_close(2 * np.log(s / 0.04) + 0.08 / s - 2, CRITICAL[0.95], DROP)


# Nested ---------------------------------------------------------------------------------------

SIZES = (4, 1, 2, 3, 1, 2, 3, 2)
LABELS = np.repeat(np.arange(len(SIZES)), SIZES)
RNG = np.random.default_rng(31)
VI = RNG.uniform(0.01, 0.04, LABELS.size)
YI = (
    RNG.normal(0.3, 0.4, len(SIZES))[LABELS]
    + RNG.normal(0, 0.2, LABELS.size)
    + RNG.normal(0, np.sqrt(VI))
)
COMPONENTS = pytest.mark.parametrize("component", ["study", "effect", "total"])
correlations = pytest.mark.parametrize("rho", [0.0, 0.6])


def nested(rho: float) -> MultilevelData:
    return nested_data(YI, VI, np.ones((LABELS.size, 1)), StudyBlocks.from_sorted(LABELS), rho)


def highest(data: MultilevelData, component: str, value: float, restricted: bool) -> float:
    """Largest likelihood with one component, or their sum, held at `value`."""

    def at(other: float) -> float:
        theta = {
            "study": (value, other),
            "effect": (other, value),
            "total": (value * other, value * (1 - other)),
        }[component]
        return evaluate(data, np.array(theta), restricted=restricted).log_likelihood

    grid = np.linspace(0, 1, 101) if component == "total" else np.r_[0, np.geomspace(1e-5, 5, 100)]
    best = int(np.argmax([at(x) for x in grid]))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, 100)]
    found = minimize_scalar(
        lambda x: -at(x), bounds=ends, method="bounded", options={"xatol": 1e-12}
    )
    return max(at(grid[best]), -found.fun)


@COMPONENTS
@correlations
@likelihoods
@levels
def test_drop_at_both_bounds(component, rho, restricted, level):
    data = nested(rho)
    optimum = maximize(data, start_values(data)[0], restricted=restricted)
    bounds = variance_interval(data, optimum, component, level, restricted=restricted)
    for bound in bounds:
        drop = 2 * (optimum.log_likelihood - highest(data, component, bound, restricted))
        # minimize_scalar leaves the inner maximum good to the square of its 1e-8
        assert drop <= CRITICAL[level] + 1e-7
        assert bound == 0 or drop >= CRITICAL[level] - 1e-7


def many_studies(spread: float, residual: float, *, slope: bool = False) -> MultilevelData:
    """120 studies with one to three effects, and a moderator that varies within them."""
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(120), rng.integers(1, 4, 120))
    vi = rng.uniform(0.01, 0.03, labels.size)
    yi = rng.normal(0, spread, 120)[labels] + rng.normal(0, np.sqrt(vi + residual))
    X = np.column_stack([np.ones(labels.size), rng.normal(size=labels.size)])
    return nested_data(yi, vi, X[:, : 1 + slope], StudyBlocks.from_sorted(labels), 0.5)


@COMPONENTS
@likelihoods
@pytest.mark.parametrize("slope", [False, True])
@pytest.mark.parametrize("spread", [0.2, 0.1])
def test_drop_at_the_bounds_of_many_studies(component, restricted, slope, spread):
    data = many_studies(spread, 0.01, slope=slope)
    optimum = highest_maximum(data, restricted=restricted)
    low, high = variance_interval(data, optimum, component, 0.95, restricted=restricted)
    drop = variance_drop(data, optimum, component, restricted=restricted)
    assert drop(high) == pytest.approx(CRITICAL[0.95], abs=1e-8)
    assert drop(low) == pytest.approx(CRITICAL[0.95], abs=1e-8) if low else drop(0.0) < 3.8


@pytest.mark.parametrize("component", ["effect", "total"])
def test_a_bound_where_the_other_variance_is_zero_takes_no_more_steps(component):
    data = many_studies(0.1, 0.005)
    optimum = highest_maximum(data, restricted=True)
    assert (optimum.theta > 0).all()
    assert calls(lambda: variance_interval(data, optimum, component, 0.95, restricted=True)) < 6e4


@COMPONENTS
@likelihoods
def test_interval_holds_the_estimate(component, restricted):
    data = nested(0.6)
    optimum = maximize(data, start_values(data)[0], restricted=restricted)
    study, effect = optimum.theta
    estimate = {"study": study, "effect": effect, "total": study + effect}[component]
    low, high = variance_interval(data, optimum, component, 0.95, restricted=restricted)
    assert low <= estimate <= high


@COMPONENTS
def test_a_higher_level_is_wider(component):
    data = nested(0.6)
    optimum = maximize(data, start_values(data)[0], restricted=True)
    narrow, wide = (
        variance_interval(data, optimum, component, level, restricted=True) for level in (0.8, 0.99)
    )
    assert wide.low <= narrow.low < narrow.high < wide.high


@COMPONENTS
@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_interval_scales_with_the_effects(component, factor):
    data = nested(0.6)
    scaled = nested_data(YI * factor, VI * factor**2, data.X, data.blocks, 0.6)
    ends = []
    for chosen in (data, scaled):
        optimum = maximize(chosen, start_values(chosen)[0], restricted=True)
        ends.append(variance_interval(chosen, optimum, component, 0.95, restricted=True))
    assert_close(np.array(ends[1]) / factor**2, np.array(ends[0]), 1e-9)


@pytest.mark.parametrize("name", ["study_variance_zero", "craft2003"])
def test_lower_bound_of_a_component_at_zero_is_zero(name):
    assert golden(name)
    assert fit(name, dependent=True, model="three-level").sigma2_ci("study").low == 0.0


@pytest.mark.parametrize(
    ("name", "high"),
    [("one_big_study", 0.444924), ("study_variance_zero", 0.06491176507183846)],
)
def test_interval_of_the_sum_finds_the_higher_of_two_maxima(name, high):
    found = quiet_pool(effects(name, dependent=True), model="three-level", tau2="ML")
    assert_close(found.tau2_ci().high, high, 1e-5)


@COMPONENTS
@likelihoods
@pytest.mark.parametrize("seed", range(12))
def test_no_likelier_point_of_random_effects_has_the_value_of_a_bound(component, restricted, seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(6), rng.integers(1, 6, 6))
    vi = np.exp(rng.normal(-4, rng.choice([0.3, 1.5]), labels.size))
    yi = 0.3 * rng.normal(size=6)[labels] + rng.normal(0, np.sqrt(vi + 0.02))
    X, blocks = np.ones((labels.size, 1)), StudyBlocks.from_sorted(labels)
    data = nested_data(yi, vi, X, blocks, float(rng.choice([0.0, 0.6])))
    optimum = maximize(data, start_values(data)[0], restricted=restricted)
    high = variance_interval(data, optimum, component, 0.95, restricted=restricted).high
    drop = 2 * (optimum.log_likelihood - highest(data, component, high, restricted))
    assert_close(drop, CRITICAL[0.95], 1e-6)
