"""Maxima of the likelihood of tau² in the two-level model, for many data sets at once."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.data_sets import DataSets, WeightedFits

MAX_ITERATIONS = 500
#: Newton's last step, relative to tau² plus a typical variance of one; what is left is its square.
LAST_STEP = 1e-11
#: Where further maxima are looked for, in shares of the largest squared residual.
_GRID = (1e-3, 0.02, 0.1, 0.3)


def highest_maximum(data: DataSets, start: Array, *, restricted: bool) -> Array:
    """Highest of the maxima that are found from `start` (rows,), from above and at zero.

    The likelihood can have several; nearly always they are one, and nothing is compared. On a
    coarse grid a slope that does not lead to what was found leads to another maximum.
    """
    rows, top = np.arange(len(data)), data.furthest()
    both = climb(data.take(np.tile(rows, 2)), np.r_[start, top], restricted=restricted)
    best = _higher(data, both[: rows.size], both[rows.size :], rows, restricted)
    there = np.concatenate([share * top for share in (*_GRID, 0.0)])
    rising = slope(data.take(np.tile(rows, len(_GRID) + 1)).at(there), restricted=restricted) > 0
    for tau2, rises in zip(*(np.split(x, len(_GRID) + 1) for x in (there, rising)), strict=True):
        lowest = not tau2.any()
        towards = (best == 0) | rises if lowest else rises == (tau2 < best)
        some = np.flatnonzero(~towards)  # not on the slope to what was found
        if some.size:
            other = best.copy()
            other[some] = 0.0
            if not lowest:
                other[some] = climb(data.take(some), tau2[some], restricted=restricted)
            best = _higher(data, best, other, some, restricted)
    return best


def _higher(data: DataSets, best: Array, other: Array, some: IntArray, restricted: bool) -> Array:
    """`best` (rows,), and in its place `other` where that is higher, for some of the data sets."""
    best = np.where(np.isnan(best), other, best)
    some = some[np.abs(other - best)[some] > 1e-6 * (1 + best[some])]
    if some.size:
        chosen = data.take(some)
        gain = height(chosen, other[some], restricted) - height(chosen, best[some], restricted)
        best[some[gain > 0]] = other[some[gain > 0]]
    return best


def height(data: DataSets, tau2: Array, restricted: bool) -> Array:
    """(Restricted) log-likelihood without its constants."""
    fits = data.at(tau2)
    value = -data.log_variances(tau2) - fits.squares(1)
    return (value + fits.log_bread() if restricted else value) / 2


def climb(data: DataSets, start: Array, *, restricted: bool) -> Array:
    """Newton's steps on the score of tau², kept in a bracket; NaN where they do not arrive.

    A bracket's lower end has a positive score and its upper end a negative one; -1 stands
    for a lower end that has not been found. Rows that are slow get a bisection between two
    steps: where the score nearly touches zero, Newton's steps are short.
    """
    tau2, active = start.copy(), np.arange(start.size)
    low, high = np.full(tau2.size, -1.0), np.full(tau2.size, np.inf)
    for iteration in range(MAX_ITERATIONS):
        t = tau2[active]
        fits = data.take(active).at(t)
        score = slope(fits, restricted=restricted)
        rises = score > 0
        low[active] = np.where(rises, t, low[active])
        high[active] = np.where(rises, high[active], t)
        lo, hi = low[active], np.minimum(high[active], 2 * t + 1)
        step = score / _information(fits, restricted=restricted)
        middle = np.where(rises, t + hi, t + lo) / 2
        new, last = t + step, np.abs(step) <= LAST_STEP * (1 + t)
        outside = (new >= high[active]) | (new <= lo) | (iteration > 20 and iteration % 2 == 1)
        outside &= ~last
        new = np.maximum(0.0, np.where(outside, middle, new))
        new = np.where((t == 0) & ~rises, 0.0, new)
        tau2[active] = new
        active = active[np.abs(new - t) > LAST_STEP * (1 + t)]
        if active.size == 0:
            return tau2
    tau2[active] = np.nan
    return tau2


def slope(fits: WeightedFits, *, restricted: bool) -> Array:
    """Derivative of the likelihood by tau²."""
    return (fits.squares(2) - (fits.trace() if restricted else fits.total(1))) / 2


def _information(fits: WeightedFits, *, restricted: bool) -> Array:
    """Information of tau²: the observed one where that is not small, else the expected one."""
    trace2 = fits.trace_of_square() if restricted else fits.total(2)
    observed = fits.cubic() - trace2 / 2
    return np.asarray(np.where(observed > 0.05 * trace2, observed, trace2 / 2))
