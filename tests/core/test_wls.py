"""Weighted least squares and the trace of its projection."""

from __future__ import annotations

import numpy as np
from golden_data import CLOSED, assert_close

from metaalliance.core.variance.wls import trace_of_projection, weighted_fit

RNG = np.random.default_rng(7)
K = 9
X = np.column_stack([np.ones(K), RNG.normal(size=K), RNG.integers(0, 2, K)])
YI, WI = RNG.normal(size=K), RNG.uniform(5, 50, K)
ROOT = np.sqrt(WI)


def test_weighted_mean_by_hand():
    # weights 50 and 100/3: (5 + 50/3) / (250/3) = .26, variance 3/250, Q = .4² / .05 = 3.2
    found = weighted_fit(np.array([0.1, 0.5]), np.ones((2, 1)), 1 / np.array([0.02, 0.03]))
    assert_close([found.beta[0], found.bread[0, 0], found.rss], [0.26, 0.012, 3.2], CLOSED)


def test_coefficients_are_those_of_least_squares_on_weighted_rows():
    theirs = np.linalg.lstsq(X * ROOT[:, None], YI * ROOT, rcond=None)[0]
    assert_close(weighted_fit(YI, X, WI).beta, theirs, CLOSED)


def test_bread_is_the_inverse_of_the_weighted_cross_product():
    theirs = np.linalg.inv(X.T @ np.diag(WI) @ X)
    assert_close(weighted_fit(YI, X, WI).bread, theirs, CLOSED, scale=np.abs(theirs).max())


def test_residuals_are_orthogonal_to_the_design():
    found = weighted_fit(YI, X, WI)
    assert np.abs(X.T @ (WI * found.residuals)).max() < 1e-12 * np.abs(X.T @ (WI * YI)).max()


def test_rss_weighs_the_residuals():
    found = weighted_fit(YI, X, WI)
    assert_close(found.rss, np.sum(WI * (YI - X @ found.beta) ** 2), CLOSED)


def test_trace_of_the_projection():
    W = np.diag(WI)
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    ours = trace_of_projection(X, WI, weighted_fit(YI, X, WI).bread)
    assert_close(ours, np.trace(P), CLOSED)
