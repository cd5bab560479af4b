"""Reference distributions and intervals of a mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from metaalliance.core.arrays import Array


class Interval(NamedTuple):
    """A confidence or prediction interval on the analysis scale."""

    low: float
    high: float


def two_sided_p(statistic: float, df: float) -> float:
    """Two-sided p-value of a t statistic; normal when `df` is infinite."""
    if np.isnan(statistic) or np.isnan(df):
        return float("nan")
    tail = stats.norm.sf(abs(statistic)) if np.isinf(df) else stats.t.sf(abs(statistic), df)
    return float(2 * tail)


def critical_value(level: float, df: float) -> float:
    """Quantile that leaves (1 - level) / 2 above it; normal when `df` is infinite."""
    tail = (1 - level) / 2
    if np.isnan(df):
        return float("nan")
    return float(stats.norm.isf(tail) if np.isinf(df) else stats.t.isf(tail, df))


def two_sided_ps(statistic: Array, df: Array) -> Array:
    """Two-sided p-values of t statistics, shape (n,); see `two_sided_p`."""
    tail, normal = np.full(statistic.shape, np.nan), np.isinf(df)
    own = ~normal & ~np.isnan(df)
    tail[normal] = stats.norm.sf(np.abs(statistic[normal]))
    tail[own] = stats.t.sf(np.abs(statistic[own]), df[own])
    return 2 * tail


def critical_values(level: float, df: Array) -> Array:
    """Quantiles that leave (1 - level) / 2 above them, shape (n,); see `critical_value`."""
    found, normal, tail = np.full(df.shape, np.nan), np.isinf(df), (1 - level) / 2
    own = ~normal & ~np.isnan(df)
    found[normal] = stats.norm.isf(tail)
    found[own] = stats.t.isf(tail, df[own])
    return found


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
    return float(stats.chi2.sf(statistic, df)) if df > 0 else 1.0
