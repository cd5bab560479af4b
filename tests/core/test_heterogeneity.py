"""Q, its test, and the typical variance behind I² and H²."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close

from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.heterogeneity import QTest, q_test
from metaalliance.core.variance.multilevel import nested_data

LABELS = np.array([0, 0, 0, 1, 2, 2])
BLOCKS = StudyBlocks.from_sorted(LABELS)
APART = StudyBlocks.from_sorted(np.arange(6))
YI = np.array([0.1, 0.3, 0.2, 0.5, -0.1, 0.4])
VI = np.array([0.02, 0.03, 0.01, 0.05, 0.04, 0.02])
ONES = np.ones((6, 1))
TWO = np.column_stack([np.ones(6), [0, 1, 0, 1, 1, 0]])


def q_of(yi, vi, X, blocks, rho=0.0) -> QTest:
    return q_test(nested_data(yi, vi, X, blocks, rho))


def dense_q(rho: float, X: np.ndarray) -> tuple[float, float]:
    """Q and the trace of P from whole matrices."""
    root = np.sqrt(VI)
    V = np.where(LABELS[:, None] == LABELS, rho * np.outer(root, root), 0.0)
    np.fill_diagonal(V, VI)
    W = np.linalg.inv(V)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    return float(YI @ P @ YI), float(np.trace(P))


def test_q_of_two_effects_by_hand():
    # (.5 - .1)² / (.02 + .03) = 3.2, and H² of the common effect is Q / 1
    two = StudyBlocks.from_sorted(np.arange(2))
    found = q_of(np.array([0.1, 0.5]), np.array([0.02, 0.03]), np.ones((2, 1)), two)
    assert_close(found.Q, 3.2, CLOSED)
    assert found.df == 1


def test_typical_variance_by_hand():
    # weights 50 and 100/3: tr P = 250/3 - (2500 + 10000/9) / (250/3) = 40, so 1 / 40
    two = StudyBlocks.from_sorted(np.arange(2))
    found = q_of(np.array([0.1, 0.5]), np.array([0.02, 0.03]), np.ones((2, 1)), two)
    assert_close(found.typical_variance, 0.025, CLOSED)


def test_equal_variances_are_typical():
    found = q_of(YI, np.full(6, 0.03), ONES, APART)
    assert_close(found.typical_variance, 0.03, CLOSED)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("X", [ONES, TWO], ids=["mean", "moderator"])
def test_q_against_dense_matrices(rho, X):
    assert_close(q_of(YI, VI, X, BLOCKS, rho).Q, dense_q(rho, X)[0], CLOSED)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("X", [ONES, TWO], ids=["mean", "moderator"])
def test_typical_variance_against_dense_matrices(rho, X):
    ours = q_of(YI, VI, X, BLOCKS, rho)
    assert_close(ours.typical_variance, ours.df / dense_q(rho, X)[1], CLOSED)


def test_without_rho_the_studies_do_not_matter():
    assert_close(q_of(YI, VI, ONES, BLOCKS).Q, q_of(YI, VI, ONES, APART).Q, CLOSED)


def test_q_of_equal_effects_is_zero():
    found = q_of(np.full(6, 0.3), VI, ONES, APART)
    assert 0 <= found.Q < 1e-25


def test_one_effect_has_no_q():
    one = StudyBlocks.from_sorted(np.arange(1))
    found = q_of(YI[:1], VI[:1], ONES[:1], one)
    assert (found.df, found.p_value) == (0, 1.0)
    assert math.isnan(found.typical_variance)


def test_i2_is_the_share_of_tau2():
    found = QTest(Q=10.0, df=5, p_value=0.07, typical_variance=0.03)
    assert_close(found.I2(0.01), 0.25, CLOSED)


def test_h2_is_the_ratio_of_variances():
    found = QTest(Q=10.0, df=5, p_value=0.07, typical_variance=0.03)
    assert_close(found.H2(0.06), 3.0, CLOSED)


def test_without_heterogeneity_i2_is_zero_and_h2_one():
    found = QTest(Q=1.0, df=5, p_value=0.9, typical_variance=0.03)
    assert (found.I2(0.0), found.H2(0.0)) == (0.0, 1.0)
