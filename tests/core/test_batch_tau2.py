"""tau² of many subsets at once: each is what the single estimator gives."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from golden_data import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.variance.batch_tau2 import (
    BATCH_ESTIMATORS,
    BatchEstimator,
    Rows,
    q_statistic,
)
from metaalliance.core.variance.tau2 import log_likelihood
from metaalliance.models.tau2_engine import estimate_tau2

modest = settings(derandomize=True, max_examples=8)


def batch(yi, vi, present, method):
    return BATCH_ESTIMATORS[method](Rows.of_subsets(yi, vi, present.astype(float)))


@pytest.mark.parametrize("method", [m for m in get_args(BatchEstimator) if m != "FE"])
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
    assert_close(q_statistic(rows, 1 / vi), [first, second], 1e-12)


def test_signs_and_subsets_agree_where_both_are_trivial():
    rng = np.random.default_rng(3)
    yi, vi = rng.normal(0, 1.5, 9), rng.uniform(0.5, 2, 9)
    for method, estimator in BATCH_ESTIMATORS.items():
        signs = estimator(Rows.of_signs(yi, vi, np.ones((1, 9))))
        subsets = estimator(Rows.of_subsets(yi, vi, np.ones((1, 9))))
        assert_close(signs, subsets, 1e-9, 1e-3), method
