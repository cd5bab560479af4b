"""Comparison of independent means whose variances are estimated, each with its own df."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import f_sf
from metaalliance.core.inference.wald import WaldTest


def welch_test(means: Array, variances: Array, df: Array) -> WaldTest:
    """Test that independent means are equal.

    F = [sum w (b - b̄)² / (g - 1)] / [1 + 2 (g - 2) L / (g² - 1)], w the inverse variances,
    L = sum (1 - w / W)² / df, with g - 1 and (g² - 1) / (3 L) degrees of freedom. Two means
    give the square of Welch's t test with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    means, variances, df : ndarray, shape (g,)
        Means, the estimates of their variances, and the degrees of freedom of these.

    References
    ----------
    Welch (1951).

    Examples
    --------
    >>> test = welch_test(np.array([0.1, 0.4]), np.array([0.01, 0.02]), np.array([9.0, 4.0]))
    >>> round(test.statistic, 4), round(test.df2, 4)
    (3.0, 8.1)
    """
    g = means.size
    w = 1 / variances
    Q = between(means, variances)
    L = float(np.sum((1 - w / w.sum()) ** 2 / df))
    F = Q / (g - 1) / (1 + 2 * (g - 2) * L / (g**2 - 1))
    df2 = (g**2 - 1) / (3 * L)
    p_value = float(f_sf(F, g - 1, df2))
    return WaldTest(
        test="welch", kind="model", statistic=F, df1=g - 1, df2=df2, p_value=p_value, Q=Q
    )


def between(means: Array, variances: Array) -> float:
    """Return Q between groups, sum w (b - b̄)² with w the inverse variances."""
    w = 1 / variances
    centre = float(w @ means) / float(w.sum())
    return float(w @ (means - centre) ** 2)


def welch_satterthwaite(C: Array, variances: Array, df: Array) -> Array:
    """Degrees of freedom of combinations `C` (q, g) of independent means, shape (q,)."""
    part = C**2 * variances
    with np.errstate(divide="ignore"):
        degrees: Array = part.sum(axis=1) ** 2 / np.sum(part**2 / df, axis=1)
    return degrees
