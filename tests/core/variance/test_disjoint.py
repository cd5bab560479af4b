"""Designs of disjoint groups: what is summed by group is what the matrices of any design give."""

from __future__ import annotations

import numpy as np
import pytest

from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.designs.disjoint import (
    Disjoint,
    GroupMeans,
    columns_of_rows,
    earlier,
)
from metaalliance.core.variance.heterogeneity import q_test, q_tests
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    evaluate,
    expected_information,
    nested_data,
    score_and_information,
)
from metaalliance.core.variance.tau2 import ESTIMATORS, estimate_tau2, log_likelihood, q_profile

every_seed = pytest.mark.parametrize("seed", range(6))


def groups_of(seed: int, studies: int = 24, groups: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Return the study and the group of each effect, every study in one group, none empty."""
    rng = np.random.default_rng(seed)
    of_study = rng.permutation(np.r_[np.arange(groups), rng.integers(0, groups, studies - groups)])
    study = np.repeat(np.arange(studies), rng.integers(1, 5, studies))
    return study, of_study[study]


def data_of(seed: int, rho: float = 0.6) -> tuple[MultilevelData, MultilevelData]:
    """Return a design of a mean for each group, and the same model with other coefficients."""
    study, group = groups_of(seed)
    rng = np.random.default_rng(100 + seed)
    X = (group[:, None] == np.arange(7)).astype(float)
    vi = rng.uniform(0.005, 0.1, study.size)
    yi = 0.1 * group + rng.normal(0, 0.3, study.size)
    T = rng.normal(size=(7, 7)) + 3 * np.eye(7)
    blocks = StudyBlocks.from_sorted(study)
    return nested_data(yi, vi, X, blocks, rho), nested_data(yi, vi, X @ T, blocks, rho)


@every_seed
def test_likelihood_score_and_information_are_those_of_any_design(seed):
    own, other = data_of(seed)
    assert own.disjoint is not None
    assert other.disjoint is None
    for theta in ([0.02, 0.03], [0.0, 0.05], [0.1, 0.0]):
        for restricted in (True, False):
            a = evaluate(own, np.array(theta), restricted=restricted)
            b = evaluate(other, np.array(theta), restricted=restricted)
            assert a.log_likelihood == pytest.approx(b.log_likelihood, abs=1e-9)
            np.testing.assert_allclose(a.u, b.u, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(own.X @ a.beta, other.X @ b.beta, rtol=1e-10)
            for mine, theirs in zip(
                score_and_information(own, a, restricted=restricted),
                score_and_information(other, b, restricted=restricted),
                strict=True,
            ):
                np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(
                expected_information(own, a, restricted=restricted),
                expected_information(other, b, restricted=restricted),
                rtol=1e-10,
            )


@every_seed
def test_what_is_made_when_asked_for_is_what_it_would_have_been(seed):
    own, _ = data_of(seed)
    point = evaluate(own, np.array([0.02, 0.03]), restricted=True)
    WX = point.covariance.solve(own.X)
    np.testing.assert_allclose(point.WX, WX, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(point.bread, np.linalg.inv(WX.T @ own.X), rtol=1e-11, atol=1e-15)


@every_seed
def test_heterogeneity_of_each_group_is_that_of_its_effects_alone(seed):
    own, other = data_of(seed)
    whole, same = q_test(own), q_test(other)
    assert pytest.approx(same.Q, rel=1e-10) == whole.Q
    assert whole.typical_variance == pytest.approx(same.typical_variance, rel=1e-10)
    group = columns_of_rows(own.X)
    for index, found in enumerate(q_tests(own)):
        rows = group == index
        alone = MultilevelData(
            own.yi[rows], np.ones((rows.sum(), 1)), own.structure.take(np.flatnonzero(rows)),
            np.arange(rows.sum()),
        )  # fmt: skip
        expected = q_test(alone)
        assert found.df == expected.df
        assert pytest.approx(expected.Q, rel=1e-10, abs=1e-12) == found.Q
        if found.df:
            assert found.typical_variance == pytest.approx(expected.typical_variance, rel=1e-10)


@every_seed
@pytest.mark.parametrize("method", ESTIMATORS)
def test_every_estimator_of_tau2_is_that_of_any_design(seed, method):
    own, other = data_of(seed)
    ours = estimate_tau2(own.yi, own.vi, own.X, method)
    assert ours == pytest.approx(estimate_tau2(other.yi, other.vi, other.X, method), abs=1e-11)


@every_seed
def test_interval_and_likelihood_of_tau2_are_those_of_any_design(seed):
    own, other = data_of(seed)
    ours = q_profile(own.yi, own.vi, own.X, 0.95)
    np.testing.assert_allclose(ours, q_profile(other.yi, other.vi, other.X, 0.95), atol=1e-11)
    heights = [log_likelihood(d.yi, d.vi, d.X, 0.04, restricted=True) for d in (own, other)]
    assert heights[0] == pytest.approx(heights[1], abs=1e-9)


def test_a_study_of_two_groups_leaves_the_design_to_the_matrices():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    crossing = StudyBlocks.from_sorted(np.array([0, 0, 1, 2]))
    assert nested_data(np.arange(4.0), np.ones(4), X, crossing, 0.0).disjoint is None
    whole = StudyBlocks.from_sorted(np.arange(4))
    assert nested_data(np.arange(4.0), np.ones(4), X, whole, 0.0).disjoint is not None


def test_columns_of_any_value_do():
    X = np.array([[2.0, 0.0], [4.0, 0.0], [0.0, 0.5], [0.0, 1.0], [0.0, -1.0]])
    design = Disjoint.of(X)
    assert design is not None
    yi, vi = np.array([1.0, 2.5, 0.1, 0.3, -0.2]), np.full(5, 0.1)
    fits = GroupMeans(yi, vi, design).weighted(np.reciprocal)
    beta = np.linalg.lstsq(X, yi, rcond=None)[0]
    np.testing.assert_allclose(fits.residuals[0], yi - X @ beta, atol=1e-14)


def test_sums_of_what_came_before_keep_small_groups_apart_from_large_ones():
    values, groups = np.array([1e20, 1e-8, 1e20, 1e-8, 1e-8]), np.array([0, 1, 0, 1, 1])
    assert earlier(values, groups).tolist() == [0.0, 0.0, 1e20, 1e-8, 2e-8]
