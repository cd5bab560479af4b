"""Normal densities of values, and normal probabilities of intervals, with their derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from metaalliance.core.arrays import Array, BoolArray

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Derivatives:
    """Logarithms of f and their derivatives by the mean m and the variance d, by effect and node.

    f is the density of a value or the probability of an interval. Both solve the heat equation
    df/dd = ½ d²f/dm², so that derivatives by the mean give those by the variance.

    Attributes
    ----------
    value : ndarray, shape (k, ...)
        log f.
    m, d, mm, md, dd : ndarray, shape (k, ...)
        First and second derivatives of log f.
    """

    value: Array
    m: Array
    d: Array
    mm: Array
    md: Array
    dd: Array


def derivatives(
    limits: tuple[Array, Array], observed: BoolArray, mean: Array, variance: Array
) -> Derivatives:
    """Return log f of each effect at the nodes of its mean.

    Parameters
    ----------
    limits : tuple of ndarray, shape (k,)
        Lower and upper limit of each effect; of an observed one both are its value.
    observed : ndarray of bool, shape (k,)
        Whether an effect has a value.
    mean : ndarray, shape (k, ...)
        Mean of each effect given the random effects of a node.
    variance : ndarray, shape (k,)
        Its variance given them.
    """
    shape = (-1,) + (1,) * (mean.ndim - 1)
    scale = np.sqrt(variance).reshape(shape)
    low, high = ((limit.reshape(shape) - mean) / scale for limit in limits)
    value, ratios = np.empty_like(mean), np.empty((4, *mean.shape))
    standard = low[observed]
    value[observed] = -0.5 * (standard**2) - _HALF_LOG_2PI - np.log(scale[observed])
    ratios[:, observed] = _hermite(standard)
    if not observed.all():
        value[~observed], ratios[:, ~observed] = _interval(low[~observed], high[~observed])
    one, two, three, four = (ratio / scale**power for power, ratio in enumerate(ratios, start=1))
    return Derivatives(
        value=value,
        m=one,
        d=two / 2,
        mm=two - one**2,
        md=(three - one * two) / 2,
        dd=(four - two**2) / 4,
    )


def _hermite(x: Array) -> tuple[Array, Array, Array, Array]:
    """He_1 to He_4: derivatives of a normal density by its mean, over the density."""
    square = x * x
    return x, square - 1, x * (square - 3), square * (square - 6) + 3


def _interval(low: Array, high: Array) -> tuple[Array, Array]:
    """Log-probability of standardised limits, and its derivatives by the mean over itself.

    Both limits are taken to the lower tail, where a difference of two probabilities near one does
    not lose its digits.
    """
    turned = low > -high
    first, second = np.where(turned, -high, low), np.where(turned, -low, high)
    top = log_ndtr(second)
    value: Array = top + np.log1p(-np.exp(log_ndtr(first) - top))
    ratios = np.zeros((4, *value.shape))
    for limit, sign in ((low, 1.0), (high, -1.0)):
        x = np.where(np.isfinite(limit), limit, 0.0)
        height = np.where(np.isfinite(limit), np.exp(-0.5 * x * x - _HALF_LOG_2PI - value), 0.0)
        ratios[0] += sign * height
        for order, polynomial in enumerate(_hermite(x)[:3], start=1):
            ratios[order] += sign * polynomial * height
    return value, ratios
