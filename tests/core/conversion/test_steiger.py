"""Sampling covariance of correlations: metafor's rcalc, simple cases, a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden

from metaalliance.core.conversion.steiger import correlation_vector, upper_pairs

MADE_UP = golden("correlated")["made_up"]
R = np.array(MADE_UP["R"])
scales = pytest.mark.parametrize(("scale", "fisher"), [("z", True), ("r", False)])


def test_pairs_go_column_by_column():
    assert upper_pairs(4).tolist() == [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]]


@scales
def test_all_correlations_of_five_variables_as_rcalc_has_them(scale, fisher):
    found, theirs = correlation_vector(R, MADE_UP["n"], fisher=fisher), MADE_UP[scale]
    names = np.array(MADE_UP["names"])[found.pairs]
    assert names.tolist() == [list(p) for p in zip(theirs["var1"], theirs["var2"], strict=True)]
    assert_close(found.yi, theirs["yi"], CLOSED)
    assert_close(found.V, theirs["V"], CLOSED, scale=1e-3)


def test_variances_of_fisher_z():
    assert_close(np.diag(correlation_vector(R, 47).V), np.full(10, 1 / 44), CLOSED)


def test_variances_of_r():
    found = correlation_vector(R, 47, fisher=False)
    assert_close(np.diag(found.V), (1 - found.yi**2) ** 2 / 46, CLOSED)


def test_covariance_of_two_correlations_that_share_a_variable():
    # Olkin & Siotani by hand: r_st = .3, r_sv = .2 with s in common, r_tv = .6
    S = np.array([[1, 0.3, 0.2], [0.3, 1, 0.6], [0.2, 0.6, 1]])
    found = correlation_vector(S, 101, np.array([[0, 1], [0, 2]]), fisher=False)
    by_hand = 0.6 * (1 - 0.09 - 0.04) - 0.3 * 0.2 * (1 - 0.09 - 0.04 - 0.36) / 2
    assert_close(found.V[0, 1], by_hand / 100, CLOSED)


def test_independent_variables_have_independent_correlations():
    V = correlation_vector(np.eye(4), 50, fisher=False).V
    assert_close(V, np.eye(6) / 49, CLOSED, scale=1.0)


@scales
def test_order_and_direction_of_pairs(scale, fisher):
    pairs = np.array([[4, 1], [2, 0], [1, 0]])
    found = correlation_vector(R, 47, pairs, fisher=fisher)
    all_pairs = [tuple(p) for p in upper_pairs(5)]
    index = [all_pairs.index(p) for p in [(1, 4), (0, 2), (0, 1)]]
    whole = correlation_vector(R, 47, fisher=fisher)
    assert_close(found.V, whole.V[np.ix_(index, index)], CLOSED, scale=1e-3)


@scales
def test_positive_definite(scale, fisher):
    assert np.linalg.eigvalsh(correlation_vector(R, 47, fisher=fisher).V)[0] > 0


@pytest.mark.slow
def test_simulated_correlations():
    rng, n = np.random.default_rng(5), 400
    S = R[:3, :3]
    draws = rng.multivariate_normal(np.zeros(3), S, (4000, n))
    made = np.array([np.corrcoef(d.T)[tuple(upper_pairs(3).T)] for d in draws])
    expected = correlation_vector(S, n).V
    assert np.abs(np.cov(np.arctanh(made).T) / expected - 1).max() < 0.12
