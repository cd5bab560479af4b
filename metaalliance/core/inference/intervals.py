"""Reference distributions and intervals of a mean."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import special


class Interval(NamedTuple):
    """A confidence or prediction interval on the analysis scale."""

    low: float
    high: float


def two_sided_p(statistic: float, df: float) -> float:
    """Two-sided p-value of a t statistic; normal when `df` is infinite."""
    if math.isnan(statistic) or math.isnan(df):
        return math.nan
    return 2 * upper_tail(abs(statistic), df)


def critical_value(level: float, df: float) -> float:
    """Quantile that leaves (1 - level) / 2 above it; normal when `df` is infinite."""
    tail = (1 - level) / 2
    if math.isnan(df):
        return math.nan
    return -float(special.ndtri(tail) if math.isinf(df) else special.stdtrit(df, tail))


def upper_tail(statistic: float, df: float) -> float:
    """Probability above a t statistic; normal when `df` is infinite."""
    return float(special.ndtr(-statistic) if math.isinf(df) else special.stdtr(df, -statistic))


def interval(estimate: float, se: float, df: float, level: float) -> Interval:
    """Return estimate ± critical value × se."""
    half = critical_value(level, df) * se
    return Interval(estimate - half, estimate + half)


def boundary_p(statistic: float) -> float:
    """P-value of a likelihood ratio whose null value, such as tau² = 0, is the end of its range.

    The ratio is zero in half of the samples and chi-squared with one degree of freedom in the
    others.
    """
    return 0.5 * chi2_p(statistic, 1) if statistic > 0 else 1.0


def chi2_p(statistic: float, df: float) -> float:
    """Upper tail of a chi-squared statistic; 1 when it has no degrees of freedom."""
    return float(special.chdtrc(df, statistic)) if df > 0 else 1.0
