"""Where true effects lie: prediction intervals and the share of them beyond a value."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import ndtr

from metaalliance.core.inference.intervals import Interval, critical_value, interval


class Proportion(NamedTuple):
    """A share of true effects with its interval; the limits are NaN where tau² is zero."""

    estimate: float
    ci_low: float
    ci_high: float


def prediction_df(prediction: str, test_df: float, units: int, riley: int) -> float:
    """Degrees of freedom of a prediction interval.

    ``normal`` and ``simple``: infinite; ``riley``: units less 2 (Riley et al.
    2011), at least 1; ``t``: those of the test of the mean, or units less 1 when that test is
    normal.
    """
    if prediction in {"normal", "simple"}:
        return math.inf
    if prediction == "riley":
        return float(max(riley, 1))
    return float(units - 1) if math.isinf(test_df) else test_df


def prediction_interval(
    prediction: str,
    estimate: float,
    se: float,
    tau2: float,
    *,
    df: float,
    units: int,
    riley: int,
    level: float,
) -> Interval:
    """Interval of a true effect: estimate ± quantile × sqrt(se² + tau²).

    ``simple`` leaves the standard error of the mean out and shows the spread of true effects
    alone.
    """
    variance = tau2 if prediction == "simple" else se**2 + tau2
    return interval(
        estimate, math.sqrt(variance), prediction_df(prediction, df, units, riley), level
    )


def proportion_above(
    value: float, estimate: float, se: float, tau2: float, tau2_se: float, level: float
) -> Proportion:
    """Share of normal true effects above `value`, its interval by the delta method.

    On the scale of normal quantiles z = (mean - value) / tau has the variance
    ``se^2 / tau^2 + z^2 tau2_se^2 / (4 tau^4)``.

    Parameters
    ----------
    value : float
        Threshold, on the analysis scale.
    estimate, se, tau2, tau2_se : float
        Mean and variance of the true effects, with their standard errors.
    level : float
        Coverage.

    References
    ----------
    Mathur and VanderWeele (2019).
    """
    if tau2 == 0:
        return Proportion(float(estimate > value), math.nan, math.nan)
    z = (estimate - value) / math.sqrt(tau2)
    error = math.sqrt(se**2 / tau2 + (z * tau2_se / (2 * tau2)) ** 2)
    half = critical_value(level, math.inf) * error
    return Proportion(*(float(ndtr(x)) for x in (z, z - half, z + half)))
