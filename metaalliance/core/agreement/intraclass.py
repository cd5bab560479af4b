"""Agreement of coders about numbers: intraclass correlations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.agreement.categories import FEW_ROWS, PERFECT
from metaalliance.core.agreement.ratings import is_missing
from metaalliance.core.arrays import Array
from metaalliance.core.distributions import f_isf
from metaalliance.errors import OptionError

NO_VARIANCE = "all values are the same: without differences between rows there is no reliability"
OPPOSED = "two rows in which two coders say the opposite: the mean squares give no correlation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intraclass:
    """An intraclass correlation of single codes.

    Attributes
    ----------
    name : str
        "ICC(A,1)" or "ICC(C,1)".
    estimate, ci_low, ci_high : float
        The correlation and its interval; NaN where there is none, and `reason` says why.
    ms_rows, ms_coders, ms_error : float
        Mean squares of the two-way analysis of variance.
    n, coders : int
        Rows that every coder has coded, and coders.
    level : float
        Coverage of the interval.
    reason : str
        What a degenerate table means; "" for others.
    """

    name: str
    estimate: float
    ci_low: float
    ci_high: float
    ms_rows: float
    ms_coders: float
    ms_error: float
    n: int
    coders: int
    level: float
    reason: str = ""


def icc_agreement(values: ArrayLike, *, level: float = 0.95) -> Intraclass:
    """ICC(A,1): two-way model, absolute agreement, single codes.

    ``(MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n)`` for n rows and k coders; the
    interval is from F distributions with Satterthwaite degrees of freedom. Rows that some
    coder has not coded are left out.

    Parameters
    ----------
    values : array_like, shape (n, k)
        Numbers; NaN is missing.
    level : float
        Coverage of the interval.

    References
    ----------
    McGraw and Wong (1996); Shrout and Fleiss (1979): ICC(2,1).

    Examples
    --------
    >>> found = icc_agreement([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8],
    ...                        [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> round(found.estimate, 2), round(found.ci_low, 2), round(found.ci_high, 2)
    (0.29, 0.02, 0.76)
    """
    x = _complete(values)
    n, k = x.shape
    if n < 2:
        return _no_icc("ICC(A,1)", x, level, FEW_ROWS)
    msr, msc, mse = _mean_squares(x)
    if msr == 0 and mse == 0:
        return _no_icc("ICC(A,1)", x, level, NO_VARIANCE, (msr, msc, mse))
    if mse == 0 and msc == 0:
        return _icc("ICC(A,1)", 1.0, (math.nan, math.nan), (msr, msc, mse), x, level, PERFECT)
    total = msr + (k - 1) * mse + k * (msc - mse) / n
    if not total > 0:
        return _no_icc("ICC(A,1)", x, level, OPPOSED, (msr, msc, mse))
    icc = (msr - mse) / total
    return _icc("ICC(A,1)", icc, _agreement_limits(x, icc, level), (msr, msc, mse), x, level)


def icc_consistency(values: ArrayLike, *, level: float = 0.95) -> Intraclass:
    """ICC(C,1): two-way model, consistency, single codes; differences of level do not count.

    ``(MSR - MSE) / (MSR + (k - 1) MSE)`` with the exact F interval.

    Parameters
    ----------
    values : array_like, shape (n, k)
        Numbers; NaN is missing, and its row is left out.
    level : float
        Coverage of the interval.

    References
    ----------
    McGraw and Wong (1996); Shrout and Fleiss (1979): ICC(3,1).

    Examples
    --------
    >>> found = icc_consistency([[1, 2], [2, 3], [3, 4], [5, 6.5]])
    >>> round(found.estimate, 4)
    0.9906
    """
    x = _complete(values)
    n, k = x.shape
    if n < 2:
        return _no_icc("ICC(C,1)", x, level, FEW_ROWS)
    msr, msc, mse = _mean_squares(x)
    if msr == 0 and mse == 0:
        return _no_icc("ICC(C,1)", x, level, NO_VARIANCE, (msr, msc, mse))
    if mse == 0:
        return _icc("ICC(C,1)", 1.0, (math.nan, math.nan), (msr, msc, mse), x, level, PERFECT)
    ratio, tail = msr / mse, (1 - level) / 2
    low = ratio / float(f_isf(tail, n - 1, (n - 1) * (k - 1)))
    high = ratio * float(f_isf(tail, (n - 1) * (k - 1), n - 1))
    limits = ((low - 1) / (low + k - 1), (high - 1) / (high + k - 1))
    return _icc("ICC(C,1)", (ratio - 1) / (ratio + k - 1), limits, (msr, msc, mse), x, level)


def _complete(values: ArrayLike) -> Array:
    """Rows without a missing value."""
    if isinstance(values, list | tuple):
        values = [[math.nan if is_missing(v) else v for v in row] for row in values]
    x = np.asarray(values, dtype=float)
    if x.size == 0:
        x = x.reshape(0, x.shape[1] if x.ndim == 2 else 2)
    if x.ndim != 2 or x.shape[1] < 2:
        raise OptionError("values need one row per unit and at least two columns of coders.")
    complete: Array = x[np.isfinite(x).all(axis=1)]
    return complete


def _mean_squares(x: Array) -> tuple[float, float, float]:
    """Mean squares of rows, coders and error; zero where they are rounding."""
    n, k = x.shape
    grand = float(x.mean())
    centred = x - grand
    rows, coders = centred.mean(axis=1), centred.mean(axis=0)
    residual = centred - rows[:, None] - coders[None, :]
    sums = np.array([k * (rows**2).sum(), n * (coders**2).sum(), (residual**2).sum()])
    rounding = x.size * (64 * np.finfo(float).eps * float(np.abs(x).max())) ** 2
    sums[sums <= rounding] = 0.0
    msr, msc, mse = sums / np.array([n - 1, k - 1, (n - 1) * (k - 1)])
    return float(msr), float(msc), float(mse)


def _agreement_limits(x: Array, icc: float, level: float) -> tuple[float, float]:
    """Interval of ICC(A,1) of McGraw and Wong (1996)."""
    n, k = x.shape
    msr, msc, mse = _mean_squares(x)
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    parts = (a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1))
    if not parts > 0:
        return math.nan, math.nan
    df, tail = (a * msc + b * mse) ** 2 / parts, (1 - level) / 2
    if not df > 0:
        return math.nan, math.nan
    f_low = float(f_isf(tail, n - 1, df))
    f_high = float(f_isf(tail, df, n - 1))
    rest = k * msc + (k * n - k - n) * mse
    low = n * (msr - f_low * mse) / (f_low * rest + n * msr)
    high = n * (f_high * msr - mse) / (rest + n * f_high * msr)
    return low, high


def _icc(
    name: str,
    estimate: float,
    limits: tuple[float, float],
    squares: tuple[float, float, float],
    x: Array,
    level: float,
    reason: str = "",
) -> Intraclass:
    return Intraclass(
        name=name,
        estimate=estimate,
        ci_low=limits[0],
        ci_high=limits[1],
        ms_rows=squares[0],
        ms_coders=squares[1],
        ms_error=squares[2],
        n=len(x),
        coders=x.shape[1],
        level=level,
        reason=reason,
    )


def _no_icc(
    name: str,
    x: Array,
    level: float,
    reason: str,
    squares: tuple[float, float, float] = (math.nan, math.nan, math.nan),
) -> Intraclass:
    return _icc(name, math.nan, (math.nan, math.nan), squares, x, level, reason)
