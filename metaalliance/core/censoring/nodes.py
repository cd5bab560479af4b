"""Where the likelihood is summed: nodes of the random effects of a study and its samples.

Given the values that are known, the effect of a study and the common error of each of its samples
are normal; the nodes are placed on this distribution. Dimensions that no interval depends on have
polynomials as integrands, for which three nodes of Gauss and Hermite are exact. The others have
the trapezoidal rule, whose error for a product of normal densities and normal probabilities falls
like exp(-2 pi² s² / h²), with h the step and s the standard deviation that the random effect would
have if the values behind the intervals were known: the integrand is a mixture of normal densities
with this standard deviation, whose means the limits bound, and the nodes adapt to both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from metaalliance.core.arrays import Array, IntArray

#: Step in standard deviations s, and how many of them beyond its most distant mean are summed.
STEP, REACH = 0.8, 8.6
#: Standard deviations of a value beyond which an interval is as good as open.
_OPEN = 10.0
_LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Nodes of a standard normal variable with the logarithms of their weights.

    Attributes
    ----------
    nodes, log_weights : ndarray, shape (..., n)
        Such that the integral of f is the sum of exp(log_weights) f(nodes).
    """

    nodes: Array
    log_weights: Array


@cache
def gauss(n: int) -> Grid:
    """Return the nodes of Gauss and Hermite, exact for polynomials times the normal density."""
    nodes, weights = hermegauss(n)
    return Grid(nodes, np.log(weights) + 0.5 * nodes**2)


def trapezoid(
    pull: Array,
    precision: Array,
    mean: Array,
    limits: tuple[Array, Array],
    sd: Array,
    starts: IntArray,
) -> Grid:
    """Return equidistant nodes of the variable t of each group of effects.

    Were the values y behind the intervals known, t would be normal with a precision and the mean
    ``sum(pull (y - mean)) / precision``; this mean lies between those that the limits give.

    Parameters
    ----------
    pull : ndarray, shape (k, ...)
        What the deviation of an effect does to the mean of t, zero for effects with a value.
    precision : ndarray, shape (groups, ...)
        Inverse of s².
    mean : ndarray, shape (k, ...)
        Means of the effects at t = 0.
    limits : tuple of ndarray, shape (k, ...)
        Lower and upper limits.
    sd : ndarray, shape (k, ...)
        Standard deviations of the effects around these means.
    starts : ndarray of int, shape (groups,)
        First effect of each group.

    Returns
    -------
    Grid
        Of shape (groups, ..., n), n being what the group with the widest range needs.
    """
    near = np.clip(mean, *limits)  # the value nearest to the mean
    ends = (
        np.maximum(limits[0], near - _OPEN * sd) - mean,
        np.minimum(limits[1], near + _OPEN * sd) - mean,
    )
    sides = [pull * end for end in ends]
    low, high = (np.add.reduceat(side(*sides), starts, axis=0) for side in (np.minimum, np.maximum))
    s = np.sqrt(1 / precision)
    low, high = low / precision - REACH * s, high / precision + REACH * s
    n = math.ceil(float(np.max((high - low) / (STEP * s)))) + 1
    step = (high - low) / (n - 1)
    nodes = low[..., None] + step[..., None] * np.arange(n)
    return Grid(nodes, np.broadcast_to(np.log(step)[..., None], nodes.shape))


def log_normal(x: Array) -> Array:
    """Return the logarithm of the standard normal density."""
    return np.asarray(-0.5 * (x * x + _LOG_2PI))
