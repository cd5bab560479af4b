"""Reference distributions: tails that do not lose their digits, and limits of intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import CLOSED, assert_close
from scipy import stats

from metaalliance.core.inference.intervals import chi2_p, critical_value, interval, two_sided_p


def test_normal_p_by_table():
    assert two_sided_p(1.959963984540054, math.inf) == pytest.approx(0.05, rel=1e-14)


def test_t_p_with_one_degree_of_freedom_is_cauchy():
    # 2 (1/2 - atan(x) / pi)
    assert_close(two_sided_p(3.0, 1.0), 1 - 2 * math.atan(3.0) / math.pi, CLOSED)


def test_p_ignores_the_sign():
    assert two_sided_p(-2.1, 7.0) == two_sided_p(2.1, 7.0)


def test_p_of_zero_is_one():
    assert two_sided_p(0.0, 5.0) == 1.0


def test_far_tail_is_not_lost():
    # erfc(x / sqrt 2) at x = 30 is 9.8e-198; one minus the distribution function would be 0
    assert_close(two_sided_p(30.0, math.inf), math.erfc(30 / math.sqrt(2)), 1e-11)


@pytest.mark.parametrize(("statistic", "df"), [(math.nan, 5.0), (2.0, math.nan)])
def test_p_of_nothing_is_nan(statistic, df):
    assert math.isnan(two_sided_p(statistic, df))


@pytest.mark.parametrize(
    ("level", "df", "value"),
    [
        (0.95, math.inf, 1.959963984540054),
        (0.99, math.inf, 2.5758293035489),
        (0.95, 1.0, 12.706204736174694),  # tan(.475 pi)
        (0.90, 10.0, 1.8124611228107335),
        (0.95, 4.5, None),
    ],
)
def test_critical_value(level, df, value):
    theirs = stats.t.ppf((1 + level) / 2, df) if value is None else value
    assert_close(critical_value(level, df), theirs, 1e-12)


def test_critical_value_without_df_is_nan():
    assert math.isnan(critical_value(0.95, math.nan))


def test_interval_is_symmetric_around_the_estimate():
    low, high = interval(0.3, 0.1, math.inf, 0.95)
    assert_close([low, high], [0.3 - 0.1959963984540054, 0.3 + 0.1959963984540054], CLOSED)


def test_interval_without_standard_error_is_nan():
    assert np.isnan(interval(0.3, math.nan, 5.0, 0.95)).all()


def test_chi2_p_with_two_df_is_exponential():
    assert_close(chi2_p(7.4, 2), math.exp(-3.7), CLOSED)


def test_chi2_p_without_df_is_one():
    assert chi2_p(0.0, 0) == 1.0
