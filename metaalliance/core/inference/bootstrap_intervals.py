"""Intervals from the replicates of a bootstrap."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from metaalliance.core.arrays import Array

BootstrapInterval = Literal["percentile", "basic", "studentised", "bca"]


def percentile_limits(replicates: Array, tails: Array) -> Array:
    """Quantiles (2, n) of each column of replicates (R, n) at tails (2, n), NaN left out."""
    limits = np.full(tails.shape, np.nan)
    for j, column in enumerate(replicates.T):
        seen = column[~np.isnan(column)]
        if seen.size and np.isfinite(tails[:, j]).all():
            limits[:, j] = np.quantile(seen, tails[:, j])
    return limits


def bootstrap_limits(
    kind: BootstrapInterval,
    estimates: Array,
    replicates: Array,
    level: float,
    *,
    errors: Array | None = None,
    replicate_errors: Array | None = None,
    left_out: Array | None = None,
) -> Array:
    """Return the limits of each of n quantities, shape (2, n); NaN where there are none.

    Parameters
    ----------
    kind : {"percentile", "basic", "studentised", "bca"}
        Quantiles of the replicates; the same reflected at the estimate; the estimate less its
        error times quantiles of the replicates' t; quantiles moved for bias and acceleration.
    estimates : ndarray, shape (n,)
    replicates : ndarray, shape (R, n)
        NaN where a replicate has none.
    level : float
        Coverage.
    errors, replicate_errors : ndarray, shape (n,) and (R, n)
        Standard errors, for "studentised".
    left_out : ndarray, shape (m, n)
        Estimates without one study after the other, for "bca".

    References
    ----------
    Efron and Tibshirani (1993).
    """
    tail = (1 - level) / 2
    tails = np.broadcast_to(np.array([[tail], [1 - tail]]), (2, estimates.size))
    if kind == "basic":
        return np.asarray(2 * estimates - percentile_limits(replicates, tails)[::-1])
    if kind == "studentised":
        if errors is None or replicate_errors is None:
            raise ValueError("studentised intervals need standard errors")
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (replicates - estimates) / replicate_errors
        t[~np.isfinite(t)] = np.nan
        return np.asarray(estimates - errors * percentile_limits(t, tails)[::-1])
    if kind == "bca":
        if left_out is None:
            raise ValueError("BCa intervals need estimates without each study")
        tails = _moved(estimates, replicates, left_out, tails)
    return percentile_limits(replicates, tails)


def _moved(estimates: Array, replicates: Array, left_out: Array, tails: Array) -> Array:
    """Tails moved for the bias of the median and for the acceleration."""
    seen = ~np.isnan(replicates)
    below = np.sum((replicates < estimates) & seen, axis=0)
    equal = np.sum((replicates == estimates) & seen, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = ndtri((below + equal / 2) / seen.sum(axis=0))
        apart = np.nanmean(left_out, axis=0) - left_out
        cubes, squares = np.nansum(apart**3, axis=0), np.nansum(apart**2, axis=0)
        z = bias + ndtri(tails)
        moved: Array = ndtr(bias + z / (1 - cubes / (6 * squares**1.5) * z))
    return moved
