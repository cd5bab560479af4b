"""Reference distributions and intervals of a mean."""

from __future__ import annotations

import math
from typing import NamedTuple

from metaalliance.core.distributions import chi2_sf, t_isf, t_sf


class Interval(NamedTuple):
    """A confidence or prediction interval on the analysis scale."""

    low: float
    high: float


def two_sided_p(statistic: float, df: float) -> float:
    """Two-sided p-value of a t statistic; normal when `df` is infinite."""
    if math.isnan(statistic) or math.isnan(df):
        return math.nan
    return float(2 * t_sf(abs(statistic), df))


def critical_value(level: float, df: float) -> float:
    """Quantile that leaves (1 - level) / 2 above it; normal when `df` is infinite."""
    return float(t_isf((1 - level) / 2, df))


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
    return float(chi2_sf(statistic, df)) if df > 0 else 1.0
