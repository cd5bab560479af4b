"""Power of studies, and the distribution of how many of them are significant."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from metaalliance.core.arrays import Array, BoolArray

Alternative = Literal["two-sided", "greater", "less"]


def significant(yi: Array, vi: Array, p: float, alternative: Alternative) -> BoolArray:
    """Whether each effect is significant at `p` by its own normal test."""
    z = yi / np.sqrt(vi)
    if alternative == "two-sided":
        return np.asarray(2 * ndtr(-np.abs(z)) <= p)
    return np.asarray(ndtr(-z if alternative == "greater" else z) <= p)


def power(vi: Array, mean: float, tau2: float, p: float, alternative: Alternative) -> Array:
    """Probability that each study is significant when true effects are N(mean, tau²).

    The integral of the power over true effects is closed: the effect of a study is normal
    with variance ``vi + tau²``.

    Parameters
    ----------
    vi : ndarray, shape (k,)
        Sampling variances.
    mean, tau2 : float
        Distribution of the true effects.
    p : float
        Level of the test in the studies.
    alternative : {"two-sided", "greater", "less"}
        Its direction.
    """
    sei, s = np.sqrt(vi), np.sqrt(vi + tau2)
    critical = -float(ndtri(p / 2 if alternative == "two-sided" else p))
    above: Array = np.asarray(ndtr((mean - critical * sei) / s))
    below: Array = np.asarray(ndtr((-critical * sei - mean) / s))
    if alternative == "two-sided":
        return above + below
    return above if alternative == "greater" else below


def count_distribution(chances: Array) -> Array:
    """Distribution of the number of successes in independent trials, shape (k + 1,).

    Examples
    --------
    >>> import numpy as np
    >>> count_distribution(np.array([0.5, 0.2])).round(12).tolist()
    [0.4, 0.5, 0.1]
    """
    distribution = np.ones(1)
    for chance in chances:
        padded = np.append(distribution, 0.0) * (1 - chance)
        padded[1:] += distribution * chance
        distribution = padded
    return distribution


def excess_chi2(observed: int, expected: float, k: int) -> float:
    """Signed root of Ioannidis and Trikalinos's chi-squared: above zero for an excess.

    References
    ----------
    Ioannidis and Trikalinos (2007).
    """
    difference = observed - expected
    X2 = difference**2 / expected + difference**2 / (k - expected)
    return math.copysign(math.sqrt(X2), difference)
