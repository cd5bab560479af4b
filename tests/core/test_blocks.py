"""The block-diagonal covariance against a dense matrix and numpy's own linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import CLOSED, assert_close

from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.marginal import MarginalCovariance

SIZES = (3, 1, 2, 5, 1)
LABELS = np.repeat(np.arange(len(SIZES)), SIZES)
BLOCKS = StudyBlocks.from_sorted(LABELS)
K = LABELS.size
RNG = np.random.default_rng(20240501)
VI = RNG.uniform(0.01, 0.2, K)
Z = RNG.normal(size=(K, 3))

#: rho, variance between studies, variance between effects of a study.
SETTINGS = [
    (rho, study, effect)
    for rho in (0.0, 0.6, 0.99)
    for study in (0.0, 0.05)
    for effect in (0.0, 0.03)
]
settings = pytest.mark.parametrize(("rho", "study", "effect"), SETTINGS)


def dense(rho: float, study: float, effect: float) -> np.ndarray:
    """S as it is written down: sampling covariance, then the two components."""
    root = np.sqrt(VI)
    same = LABELS[:, None] == LABELS[None, :]
    S = np.where(same, rho * np.outer(root, root) + study, 0.0)
    np.fill_diagonal(S, VI + study + effect)
    return S


def built(rho: float, study: float, effect: float) -> MarginalCovariance:
    return MarginalCovariance.build(BLOCKS, VI, rho, study, effect)


@pytest.mark.parametrize("columns", [1, 7, 8, 40])
def test_sums_of_many_columns_are_those_of_each(columns):
    values = RNG.normal(size=(K, columns))
    one = [[values[j == LABELS, c].sum() for c in range(columns)] for j in range(len(SIZES))]
    assert_close(BLOCKS.sums(values), one, 1e-14, 1.0)
    assert_close(BLOCKS.sums(values[:, 0]), np.array(one)[:, 0], 1e-14, 1.0)
    deep = np.stack([values, 2 * values], axis=-1)
    assert_close(BLOCKS.sums(deep), np.stack([one, 2 * np.array(one)], axis=-1), 1e-14, 1.0)


@settings
def test_solve_is_the_dense_inverse(rho, study, effect):
    theirs = np.linalg.solve(dense(rho, study, effect), Z)
    # at rho = .99 the blocks have a condition number of about 1e3
    assert_close(built(rho, study, effect).solve(Z), theirs, CLOSED, scale=np.abs(theirs).max())


@settings
def test_solve_takes_a_vector(rho, study, effect):
    cov = built(rho, study, effect)
    assert_close(cov.solve(Z[:, 0]), cov.solve(Z)[:, 0], CLOSED)


@settings
def test_log_determinant(rho, study, effect):
    theirs = np.linalg.slogdet(dense(rho, study, effect))[1]
    assert_close(built(rho, study, effect).log_determinant, theirs, CLOSED)


@settings
def test_traces_of_the_derivatives_by_each_component(rho, study, effect):
    W = np.linalg.inv(dense(rho, study, effect))
    parts = [(LABELS[:, None] == LABELS).astype(float), np.eye(LABELS.size)]
    cov, ones = built(rho, study, effect), [np.ones(BLOCKS.m), np.ones(LABELS.size)]
    first = [cov.diagonal(level).sum() for level in (0, 1)]
    second = cov.products([Slope(level, one) for level, one in enumerate(ones)])
    assert_close(first, [np.trace(W @ A) for A in parts], CLOSED)
    assert_close(second, [[np.trace(W @ A @ W @ B) for B in parts] for A in parts], CLOSED)


@settings
def test_dense_blocks(rho, study, effect):
    rows = np.array([[0, 1, 2]])
    ours = built(rho, study, effect).dense_blocks(rows)
    assert_close(ours[0], dense(rho, study, effect)[:3, :3], CLOSED)


def test_two_effects_by_hand():
    # v = (.04, .09), rho = .5: covariance .5 * .2 * .3 = .03; add .01 between studies and
    # .02 between effects: S = [[.07, .04], [.04, .12]], det = .0068,
    # S^-1 = [[.12, -.04], [-.04, .07]] / .0068
    blocks = StudyBlocks.from_sorted(np.array([0, 0]))
    cov = MarginalCovariance.build(blocks, np.array([0.04, 0.09]), 0.5, 0.01, 0.02)
    assert_close(cov.solve(np.eye(2)), np.array([[0.12, -0.04], [-0.04, 0.07]]) / 0.0068, CLOSED)
    assert_close(cov.log_determinant, np.log(0.0068), CLOSED)


def test_blocks_know_their_studies():
    assert BLOCKS.m == len(SIZES)
    assert BLOCKS.sizes.tolist() == list(SIZES)
    assert BLOCKS.starts.tolist() == [0, 3, 4, 6, 11]
    assert BLOCKS.study.tolist() == LABELS.tolist()


def test_sums_within_studies():
    ours = BLOCKS.sums(np.arange(K, dtype=float))
    assert ours.tolist() == [3.0, 3.0, 9.0, 40.0, 11.0]


def test_spread_gives_each_row_its_study():
    assert BLOCKS.spread(np.arange(5.0)).tolist() == LABELS.tolist()


def test_equal_labels_that_are_apart_are_different_blocks():
    # rows have to be sorted by study before
    assert StudyBlocks.from_sorted(np.array([0, 1, 0])).m == 3
