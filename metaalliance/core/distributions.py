"""Tails and quantiles of the distributions that tests refer to, for numbers and arrays.

They come from `scipy.special`: `scipy.stats` holds the same values and takes longer to import
than a review takes to be pooled. Every upper tail is computed as such, never as 1 minus the lower.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special


def normal_sf(z: Any) -> Any:
    """Upper tail of the standard normal distribution."""
    return special.ndtr(np.negative(z))


def normal_isf(p: Any) -> Any:
    """Standard normal quantile with the upper tail `p`."""
    return -special.ndtri(p)


def normal_pdf(z: Any) -> Any:
    """Density of the standard normal distribution."""
    return np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)


def t_sf(t: Any, df: Any) -> Any:
    """Upper tail of Student's t; normal where `df` is infinite, NaN where it is not positive."""
    return special.stdtr(df, np.negative(t))


def t_isf(p: Any, df: Any) -> Any:
    """Quantile of Student's t with the upper tail `p`; normal where `df` is infinite."""
    return np.where(np.equal(p, 0), np.inf, -special.stdtrit(df, p))[()]


def relative_t_density(t: Any, df: float) -> Any:
    """Density of Student's t as a share of its peak; normal where `df` is infinite."""
    if np.isinf(df):
        return np.exp(-np.square(t) / 2)
    return (1 + np.square(t) / df) ** (-(df + 1) / 2)


def chi2_sf(q: Any, df: Any) -> Any:
    """Upper tail of chi-squared; NaN without degrees of freedom."""
    return np.where(np.greater(df, 0), special.chdtrc(df, np.maximum(q, 0)), np.nan)[()]


def chi2_isf(p: Any, df: Any) -> Any:
    """Quantile of chi-squared with the upper tail `p`."""
    return special.chdtri(df, p)


def f_sf(F: Any, df1: Any, df2: Any) -> Any:
    """Upper tail of F; NaN where the degrees of freedom are not positive and finite."""
    return special.fdtrc(df1, df2, np.maximum(F, 0))


def f_isf(p: Any, df1: Any, df2: Any) -> Any:
    """Quantile of F with the upper tail `p`."""
    share = special.betaincinv(np.divide(df2, 2), np.divide(df1, 2), p)
    with np.errstate(divide="ignore"):
        return np.divide(df2 * (1 - share), df1 * share)


def binomial_sf(count: Any, trials: Any, chance: Any) -> Any:
    """Probability of more than `count` successes."""
    return special.bdtrc(count, trials, chance)
