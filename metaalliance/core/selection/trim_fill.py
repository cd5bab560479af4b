"""Trim and fill: how many effects are missing on one side of the funnel, and where."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.errors import ConvergenceError, EstimationError

FillEstimator = Literal["L0", "R0", "Q0"]
_ITERATIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trimmed:
    """Missing effects on the left of the funnel.

    Attributes
    ----------
    k0, k0_se : int and float
        Number of missing effects and its standard error under symmetry.
    p_value : float
        Test that none is missing; R0 only, else NaN.
    center : float
        Mean of the effects that are left when the k0 largest are trimmed.
    filled_yi, filled_vi : ndarray, shape (k0,)
        Mirror images of the trimmed effects, from the smallest effect trimmed on.
    """

    k0: int
    k0_se: float
    p_value: float
    center: float
    filled_yi: Array
    filled_vi: Array


def trim(
    yi: Array, vi: Array, center: Callable[[Array, Array], float], estimator: FillEstimator
) -> Trimmed:
    """Estimate how many effects are missing on the left, by trimming on the right.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances; k at least 3.
    center : callable
        Mean of some of them.
    estimator : {"L0", "R0", "Q0"}
        Duval and Tweedie's estimators.

    Raises
    ------
    ConvergenceError
        When the number does not settle.
    EstimationError
        When the estimator is not defined for these ranks.

    References
    ----------
    Duval and Tweedie (2000).
    """
    order = np.argsort(yi, kind="stable")
    y, v = yi[order], vi[order]
    k, k0 = y.size, 0
    for _ in range(_ITERATIONS):
        kept = k - k0
        middle = center(y[:kept], v[:kept])
        raw = _missing(y - middle, estimator)
        found = max(0, round(raw))
        if found >= k - 1:
            raise EstimationError(f"{estimator} would trim {found} of {k} effects: use L0.")
        if found == k0:
            break
        k0 = found
    else:
        raise ConvergenceError("Trim and fill did not settle on a number of missing effects.")
    return Trimmed(
        k0=k0,
        k0_se=_standard_error(k, max(0.0, raw), estimator),
        p_value=0.5 ** (k0 + 1) if estimator == "R0" else math.nan,
        center=middle,
        filled_yi=2 * middle - y[k - k0 :],
        filled_vi=v[k - k0 :].copy(),
    )


def _missing(centred: Array, estimator: FillEstimator) -> float:
    """The unrounded number of missing effects from signed ranks; ties share their mean rank."""
    k = centred.size
    size = np.abs(centred)
    size = np.round(size / max(float(size.max()), np.finfo(float).tiny), 12)  # ties to rounding
    if estimator == "R0":
        below = size[centred < 0]
        return float((size > (below.max() if below.size else 0)).sum()) - 1
    from scipy.stats import rankdata

    T = float(rankdata(size)[centred > 0].sum())
    if estimator == "L0":
        return (4 * T - k * (k + 1)) / (2 * k - 1)
    inside = 2 * k**2 - 4 * T + 0.25
    if inside < 0:
        raise EstimationError("Q0 is not defined for these ranks: use L0.")
    return k - 0.5 - math.sqrt(inside)


def _standard_error(k: int, k0: float, estimator: FillEstimator) -> float:
    """Standard error of the unrounded number, from the variance of the signed-rank statistic."""
    if estimator == "R0":
        return math.sqrt(2 * k0 + 2)
    variance = (
        k * (k + 1) * (2 * k + 1) + 10 * k0**3 + 27 * k0**2 + 17 * k0
        - 18 * k * k0**2 - 18 * k * k0 + 6 * k**2 * k0
    ) / 24  # fmt: skip
    if estimator == "L0":
        return 4 * math.sqrt(variance) / (2 * k - 1)
    return 2 * math.sqrt(variance / ((k - 0.5) ** 2 - k0 * (2 * k - k0 - 1)))
