"""CHE on simulated reviews: the coverage of its interval and the mean of its estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import quiet_pool

from metaalliance.effects.effects import Effects

pytestmark = pytest.mark.slow

REPLICATIONS, STUDIES = 500, 30
MEAN, BETWEEN, WITHIN, RHO = 0.28, 0.03, 0.01, 0.6


def review(rng: np.random.Generator) -> Effects:
    """Draw 30 studies with one to six effects, whose sampling errors correlate by .6."""
    sizes = rng.integers(1, 7, STUDIES)
    study = np.repeat(np.arange(STUDIES), sizes)
    vi = (1 / (rng.integers(30, 200, STUDIES) - 3))[study]
    shared, own = rng.normal(size=STUDIES)[study], rng.normal(size=study.size)
    errors = np.sqrt(vi) * (math.sqrt(RHO) * shared + math.sqrt(1 - RHO) * own)
    true = MEAN + rng.normal(0, math.sqrt(BETWEEN), STUDIES)[study]
    true += rng.normal(0, math.sqrt(WITHIN), study.size)
    return Effects.from_arrays(true + errors, vi, study=study, measure="z")


@pytest.fixture(scope="module")
def fits() -> list:
    rng = np.random.default_rng(20240615)
    return [quiet_pool(review(rng), model="che", rho=RHO) for _ in range(REPLICATIONS)]


def assert_unbiased(values: list[float], truth: float, allowed: float = 0.0) -> None:
    """Mean within four Monte-Carlo standard errors of the truth, and a bias that is allowed."""
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    assert abs(float(np.mean(values)) - truth) < 4 * error + allowed


def test_coverage_of_the_cr2_interval(fits):
    # the standard error of 95% in 500 replications is 1%
    assert 0.92 < np.mean([f.ci_low < MEAN < f.ci_high for f in fits]) < 0.975


def test_mean_is_unbiased(fits):
    assert_unbiased([f.estimate for f in fits], MEAN)


def test_cr2_variance_is_unbiased(fits):
    assert_unbiased([f.se**2 for f in fits], float(np.var([f.estimate for f in fits])), 1e-4)


def test_tau2_is_unbiased(fits):
    assert_unbiased([f.tau2 for f in fits], BETWEEN + WITHIN)


@pytest.mark.parametrize(("component", "truth"), [("study", BETWEEN), ("effect", WITHIN)])
def test_component_is_unbiased(fits, component, truth):
    # components are not negative, which lifts their mean a little
    assert_unbiased([f.sigma2[component] for f in fits], truth, 0.05 * truth)


def test_prediction_interval_covers_new_effects(fits):
    rng = np.random.default_rng(7)
    new = rng.normal(MEAN, math.sqrt(BETWEEN + WITHIN), REPLICATIONS)
    covered = [f.pi_low < value < f.pi_high for f, value in zip(fits, new, strict=True)]
    assert 0.91 < np.mean(covered) < 0.98
