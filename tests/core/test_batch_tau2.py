"""tau² of many subsets at once: each is what the single estimator gives."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.variance.batch_tau2 import Rows
from metaalliance.core.variance.data_sets import Regressions
from metaalliance.core.variance.tau2 import ESTIMATORS, estimate_tau2, log_likelihood, many_tau2

modest = settings(derandomize=True, max_examples=8)


def batch(yi, vi, present, method):
    return many_tau2(Rows.of_subsets(yi, vi, present.astype(float)), method)


@pytest.mark.parametrize("method", ESTIMATORS)
@modest
@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0.0, 1.0, 5.0]))
def test_subsets_have_the_estimates_of_their_effects(method, seed, spread):
    rng = np.random.default_rng(seed)
    vi = np.exp(rng.normal(0, 0.7, 12))
    vi /= 12 / np.sum(1 / vi)
    yi = rng.normal(0, np.sqrt(vi + spread))
    present = rng.random((6, 12)) < 0.6
    present[:, :2] = True
    ours = batch(yi, vi, present, method)
    for found, keep in zip(ours, present, strict=True):
        X = np.ones((int(keep.sum()), 1))
        theirs = estimate_tau2(yi[keep], vi[keep], X, method)
        if method not in {"ML", "REML"}:
            assert_close(found, theirs, 1e-8, 1e-2)
            continue
        values = [
            log_likelihood(yi[keep], vi[keep], X, t, restricted=method == "REML")
            for t in (found, theirs)
        ]
        assert abs(found - theirs) < 1e-7 * (1 + theirs) or values[0] > values[1] - 1e-12


def test_the_common_effect_has_none():
    present = np.ones((3, 4))
    assert batch(np.arange(4.0), np.ones(4), present, "FE").tolist() == [0, 0, 0]


def test_q_of_subsets():
    yi, vi = np.array([0.1, 0.5, 0.9]), np.array([1.0, 2.0, 1.0])
    rows = Rows.of_subsets(yi, vi, np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))
    first = (0.4**2) / 3  # two effects: squared difference over the sum of their variances
    mean = (0.1 + 0.25 + 0.9) / 2.5
    second = (0.1 - mean) ** 2 + (0.5 - mean) ** 2 / 2 + (0.9 - mean) ** 2
    assert_close(rows.weighted(np.reciprocal).squares(1), [first, second], 1e-12)


def test_signs_and_subsets_agree_where_both_are_trivial():
    rng = np.random.default_rng(3)
    yi, vi = rng.normal(0, 1.5, 9), rng.uniform(0.5, 2, 9)
    ones = np.ones((1, 9))
    for method in ESTIMATORS:
        signs = many_tau2(Rows.of_signs(yi, vi, ones), method)
        subsets = many_tau2(Rows.of_subsets(yi, vi, ones), method)
        assert_close(signs, subsets, 1e-9, 1e-3), method


@pytest.mark.parametrize("p", [1, 3])
def test_what_fits_give_are_the_dense_matrices(p):
    rng = np.random.default_rng(5)
    yi, vi = rng.normal(0, 1.5, 9), rng.uniform(0.5, 2, 9)
    X = np.column_stack([np.ones(9), rng.normal(size=(9, p - 1))])
    W = np.diag(1 / (vi + 0.4))
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W
    residuals = np.linalg.solve(W, P @ yi)
    batches = [Regressions.of(yi[None], vi[None], X).at(np.array([0.4]))]
    if p == 1:
        batches += [
            Rows.of_subsets(yi, vi, np.ones((1, 9))).at(np.array([0.4])),
            Rows.of_signs(yi, vi, np.ones((1, 9))).weighted(lambda v: 1 / (v + 0.4)),
        ]
    for fits in batches:
        assert_close(fits.squares(1)[0], yi @ P @ yi, 1e-12)
        assert_close(fits.squares(3)[0], np.diag(W) ** 3 @ residuals**2, 1e-12)
        assert_close(fits.total(2)[0], np.trace(W @ W), 1e-12)
        assert_close(fits.trace()[0], np.trace(P), 1e-12)
        assert_close(fits.trace_of_square()[0], np.trace(P @ P), 1e-12)
        assert_close(fits.cubic()[0], yi @ P @ P @ P @ yi, 1e-11)
        assert_close(fits.log_bread()[0], -np.linalg.slogdet(X.T @ W @ X)[1], 1e-12, 1.0)
        assert_close(fits.expected()[0], np.trace(P @ np.diag(vi)), 1e-12)
