"""Shares of variance and pairs that differ in one decision, against definitions and by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.robustness.decomposition import combine, switches, variance_shares


def r_squared(values, codes, used):
    """R² of the decisions `used` from an ordinary regression on indicators."""
    columns = [np.ones(values.size)]
    for j in used:
        columns += [(codes[:, j] == option).astype(float) for option in np.unique(codes[:, j])]
    X = np.column_stack(columns)
    residuals = values - X @ np.linalg.lstsq(X, values, rcond=None)[0]
    return 1 - np.sum(residuals**2) / np.sum((values - values.mean()) ** 2)


def shapley(values, codes):
    """Average gain in R² over all orders of entry, from the definition."""
    d = codes.shape[1]
    shares = np.zeros(d)
    orders = list(itertools.permutations(range(d)))
    for order in orders:
        before = 0.0
        for place, j in enumerate(order):
            after = r_squared(values, codes, order[: place + 1])
            shares[j] += (after - before) / len(orders)
            before = after
    return shares, before


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_shares_are_the_average_gain_over_all_orders(seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(8, 60))
    codes = np.column_stack([random.integers(0, m, n) for m in (2, 3, 2, 4)]).astype(np.intp)
    values = random.standard_normal(n) + codes @ np.array([1.0, 0.3, 0.0, -0.5])
    found = variance_shares(values, codes)
    theirs, explained = shapley(values, codes)
    np.testing.assert_allclose(found.shares, theirs, atol=1e-9)
    assert found.explained == pytest.approx(explained, abs=1e-9)
    assert found.shares.sum() == pytest.approx(found.explained, abs=1e-12)


def test_a_balanced_grid_gives_the_sums_of_squares_of_anova():
    codes = np.array(list(itertools.product(range(2), range(3))), dtype=np.intp)
    values = codes @ np.array([2.0, 1.0])  # variances 1 and 2/3
    found = variance_shares(values, codes)
    np.testing.assert_allclose(found.shares, [0.6, 0.4], rtol=1e-12)
    np.testing.assert_allclose(found.alone, [0.6, 0.4], rtol=1e-12)
    assert found.variance == pytest.approx(5 / 3)


def test_interaction_is_what_the_decisions_leave():
    codes = np.array(list(itertools.product(range(2), range(2))), dtype=np.intp)
    found = variance_shares(np.array([1.0, -1.0, -1.0, 1.0]), codes)
    assert found.explained == pytest.approx(0, abs=1e-12)


def test_results_that_do_not_differ_have_no_shares():
    codes = np.array([[0], [1]], dtype=np.intp)
    for value in (0.0, 0.3, 1e9):
        assert np.isnan(variance_shares(np.array([value, value]), codes).shares).all()


def test_pairs_differ_in_one_decision_only():
    """Two decisions with 2 and 3 options; one combination is impossible, one is another's twin."""
    ids = np.array([[0, 1, 2], [3, -1, 2]])
    estimates, verdicts = np.array([0.1, 0.2, 0.4, 0.3]), np.array([0, 1, 1, 1])
    (first,) = switches(ids, 0, estimates, verdicts)
    assert (first.pairs, first.mean, first.flips) == (1, pytest.approx(0.2), 1.0)
    second = switches(ids, 1, estimates, verdicts)
    by_options = {(s.first, s.second): s for s in second}
    assert by_options[0, 1].pairs == 1
    assert by_options[0, 2].pairs == 2
    assert by_options[0, 2].mean == pytest.approx((0.3 + 0.1) / 2)
    together = combine(second)
    assert together.pairs == 4
    assert together.largest == pytest.approx(0.3)
    assert together.mean_absolute == pytest.approx((0.1 + 0.3 + 0.1 + 0.2) / 4)
    assert together.flips == pytest.approx(2 / 4)


def test_without_a_result_there_is_no_pair():
    ids = np.array([0, 1])
    (found,) = switches(ids, 0, np.array([0.1, math.nan]), np.array([0, 0]))
    assert found.pairs == 0
    assert math.isnan(found.flips)
    assert combine([found]).pairs == 0
