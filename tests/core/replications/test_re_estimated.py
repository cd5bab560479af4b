"""Bootstrap and permutations with the variance components estimated in every replication."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from golden_data import assert_close

from metaalliance.core.inference.monte_carlo import monte_carlo_se
from metaalliance.core.inference.permuted_moderator import permutation_test_of_moderator
from metaalliance.core.inference.permuted_studies import permutation_test_of_studies
from metaalliance.core.inference.replications import null_residuals, refitted_statistics
from metaalliance.core.inference.wild_bootstrap import _draw, wild_bootstrap_test
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.estimator import Estimator
from metaalliance.core.variance.multilevel import MultilevelData, nested_data
from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.errors import OptionError

REML = Estimator(name="REML", multilevel=True)
TAU2 = Estimator(name="DL", multilevel=False)
M = 11
STUDY = np.repeat(np.arange(M), [3, 1, 2, 4, 1, 2, 3, 2, 1, 2, 3])
K = STUDY.size
RNG = np.random.default_rng(37)
YI = RNG.normal(0.3, 0.25, M)[STUDY] + RNG.normal(0, 0.2, K)
VI = RNG.uniform(0.01, 0.06, K)
X = np.column_stack([np.ones(K), STUDY % 2, RNG.normal(size=K)])
BOTH = np.eye(3)[1:]


def case(yi: np.ndarray = YI, vi: np.ndarray = VI, design: np.ndarray = X) -> MultilevelData:
    return nested_data(yi, vi, design, StudyBlocks.from_sorted(STUDY), 0.6)


def boot(data: MultilevelData, C: np.ndarray, estimator: Estimator = REML, **settings):
    settings = {"replications": 99, **settings}
    return wild_bootstrap_test(data, estimator.fit(data), C, estimator=estimator, **settings)


def test_weights_of_one_give_the_observed_statistic():
    # y - fitted of the null model is y less something in the column space: the same fit
    data = case()
    point = REML.fit(data)
    settings = {"adjust": "cr0", "test": "wald"}
    for kind in ("cr0", "cr1", "cr2"):
        found = refitted_statistics(data, point, BOTH, np.ones((1, M)), REML, kind=kind, **settings)
        expected = wild_bootstrap_test(data, point, BOTH, estimator=REML, kind=kind, replications=1)
        assert_close(found, [expected.statistic], 1e-7)


def test_opposite_weights_have_the_same_statistic():
    data, eta = case(), _draw("webb", (12, M), 4)
    point = REML.fit(data)
    settings = {"adjust": "cr0", "kind": "cr0", "test": "wald"}
    once, again = (
        refitted_statistics(data, point, BOTH, s * eta, REML, **settings) for s in (1, -1)
    )
    assert_close(again, once, 1e-7)


def test_a_mean_has_no_null_model_to_estimate():
    data = case(design=X[:, :1])
    assert (null_residuals(data, np.ones((1, 1)), REML, "cr2") == YI).all()


@pytest.mark.parametrize("estimator", [REML, TAU2])
def test_contrast_coding_does_not_matter(estimator):
    T = np.array([[1.0, 0, 0], [0.5, 2, 1], [0, 0, 100]])
    one, other = boot(case(), BOTH, estimator), boot(case(design=X @ T), BOTH @ T, estimator)
    assert_close(other.statistic, one.statistic, 1e-7)
    assert other.p_value == one.p_value


def test_scale_and_shift_do_not_matter():
    one = boot(case(), BOTH)
    other = boot(case(yi=YI * 1e-4 + X @ [5.0, 0, 0], vi=VI * 1e-8), BOTH)
    assert_close(other.statistic, one.statistic, 1e-6)
    assert other.p_value == one.p_value


def test_without_heterogeneity_to_estimate_nothing_is_re_estimated():
    fixed = Estimator(name="FE", multilevel=False)
    data = case()
    held = wild_bootstrap_test(data, fixed.fit(data), BOTH, estimator=None, replications=99)
    again = boot(data, BOTH, fixed)
    assert again.p_value == held.p_value
    assert (again.components, held.components) == ("re-estimated", "held")


def test_same_seed_same_result_and_monte_carlo_error():
    one, other = (boot(case(), BOTH, seed=3) for _ in range(2))
    assert one == other
    p = one.p_value_corrected
    assert one.monte_carlo_se == monte_carlo_se(p, 99) == math.sqrt(p * (1 - p) / 99)
    exact = boot(case(), BOTH, replications=2**M)
    assert exact.exact
    assert exact.monte_carlo_se == 0


@pytest.mark.parametrize("test", ["wald", "htz"])
@pytest.mark.parametrize("adjust", ["cr0", "cr2"])
@pytest.mark.parametrize("weights", ["rademacher", "webb", "mammen"])
def test_every_choice_gives_a_p_value(test, adjust, weights):
    found = boot(case(), BOTH, test=test, adjust=adjust, weights=weights, kind="cr2")
    assert 0 < found.p_value_corrected <= 1
    assert found.failed == 0
    assert (found.test, found.adjust, found.weights) == (test, adjust, weights)


def test_mammen_has_the_moments_0_1_1():
    drawn = _draw("mammen", (2000, 100), 5)
    for power, moment in ((1, 0), (2, 1), (3, 1)):
        spread = float(np.std(drawn**power))
        assert abs(float(np.mean(drawn**power)) - moment) < 5 * spread / math.sqrt(drawn.size)


def test_held_htz_has_the_p_value_of_held_wald():
    data = case()
    point = REML.fit(data)
    wald, htz = (
        wild_bootstrap_test(data, point, BOTH, estimator=None, test=t, kind="cr2", replications=99)
        for t in ("wald", "htz")
    )
    assert htz.p_value == wald.p_value
    assert htz.statistic != wald.statistic


# Permutations ------------------------------------------------------------------------------------

LEVELS = np.column_stack([np.ones(M), np.arange(M) < 2])[STUDY]
SECOND = np.array([[0.0, 1.0]])


def test_studies_dealt_anew_are_refitted_one_by_one():
    """All 55 ways to give two of 11 studies the level, each fitted by itself."""
    data = case(design=LEVELS)
    found = permutation_test_of_studies(data, SECOND, estimator=REML)
    statistics = []
    for a in range(M):
        for b in range(a + 1, M):
            own = np.column_stack([np.ones(K), np.isin(STUDY, [a, b])])
            point = REML.fit(replace(data, X=own))
            statistics.append(float(point.beta[1] ** 2 / point.bread[1, 1]))
    assert found.exact
    assert found.replications == 55
    assert_close(found.statistic, statistics[0], 1e-7)
    assert found.p_value == np.mean(np.array(statistics) >= statistics[0] - 1e-7)


def test_held_studies_have_the_components_without_moderators():
    data = case(design=LEVELS)
    null = REML.fit(replace(data, X=np.ones((K, 1))))
    found = permutation_test_of_studies(data, SECOND, estimator=REML, components="held")
    W = np.column_stack([null.covariance.solve(row) for row in np.eye(K)])
    bread = np.linalg.inv(LEVELS.T @ W @ LEVELS)
    beta = bread @ LEVELS.T @ W @ YI
    assert_close(found.statistic, beta[1] ** 2 / bread[1, 1], 1e-8)
    assert found.components == "held"


def test_with_one_effect_per_study_studies_are_effects():
    rows = np.flatnonzero(np.r_[True, STUDY[1:] != STUDY[:-1]])
    y, v, design = YI[rows], VI[rows], LEVELS[rows]
    one = nested_data(y, v, design, StudyBlocks.from_sorted(np.arange(M)), 0.0)
    ours = permutation_test_of_studies(one, SECOND, estimator=TAU2)
    other = permutation_test_of_moderator(y, v, design, SECOND, estimator="DL", scale="wald")
    assert_close(ours.statistic, other.statistic, 1e-9)
    assert (ours.p_value, ours.replications) == (other.p_value, other.replications)


def test_held_effects_have_tau2_without_moderators():
    rows = np.flatnonzero(np.r_[True, STUDY[1:] != STUDY[:-1]])
    y, v, design = YI[rows], VI[rows], LEVELS[rows]
    held = permutation_test_of_moderator(
        y, v, design, SECOND, estimator="REML", scale="wald", components="held"
    )
    w = 1 / (v + estimate_tau2(y, v, np.ones((M, 1)), "REML"))
    bread = np.linalg.inv((design.T * w) @ design)
    b = (bread @ (design.T * w) @ y)[1]
    assert_close(held.statistic, b**2 / bread[1, 1], 1e-9)


def test_other_components_are_refused():
    with pytest.raises(OptionError, match="components"):
        permutation_test_of_studies(case(design=LEVELS), SECOND, estimator=REML, components="no")


# Size --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_bootstrap_keeps_its_level_with_few_studies():
    """Three constraints, 15 studies: .05 within three Monte-Carlo errors of 400 reviews."""
    rng, rejected, m, reviews = np.random.default_rng(8), 0, 15, 400
    for seed in range(reviews):
        study = np.repeat(np.arange(m), rng.integers(1, 6, m))
        group = rng.permutation(np.arange(m) % 4)[study]
        design = np.column_stack([np.ones(study.size), *(group == g for g in (1, 2, 3))])
        v = rng.uniform(0.01, 0.03, m)[study]
        y = rng.normal(0, 0.15, m)[study] + rng.normal(0, 0.1, study.size)
        y = y + np.sqrt(v) * rng.normal(size=study.size)
        data = nested_data(y, v, design, StudyBlocks.from_sorted(study), 0.0)
        found = boot(data, np.eye(4)[1:], replications=199, seed=seed)
        rejected += found.p_value_corrected <= 0.05
    assert abs(rejected / reviews - 0.05) < 3 * math.sqrt(0.05 * 0.95 / reviews)
