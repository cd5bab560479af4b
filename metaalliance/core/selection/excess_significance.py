"""Power of studies, and the distribution of how many of them are significant."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy.special import ndtr

from metaalliance.core.arrays import Array, BoolArray

Alternative = Literal["two-sided", "greater", "less"]


def significant(yi: Array, vi: Array, critical: Array, alternative: Alternative) -> BoolArray:
    """Whether each effect is `critical` standard errors or more from zero, in the direction."""
    z = yi / np.sqrt(vi)
    if alternative == "two-sided":
        return np.asarray(np.abs(z) >= critical)
    return np.asarray((z if alternative == "greater" else -z) >= critical)


def power(
    vi: Array, mean: float, tau2: float, critical: Array | float, alternative: Alternative
) -> Array:
    """Probability that each study is significant when true effects are N(mean, tau²).

    The integral of the power over true effects is closed: the effect of a study is normal
    with variance ``vi + tau²``.

    Parameters
    ----------
    vi : ndarray, shape (k,)
        Sampling variances.
    mean, tau2 : float
        Distribution of the true effects.
    critical : ndarray, shape (k,), or float
        Critical value of the test in each study, in standard errors.
    alternative : {"two-sided", "greater", "less"}
        Its direction.
    """
    sei, s = np.sqrt(vi), np.sqrt(vi + tau2)
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
