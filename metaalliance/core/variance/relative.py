"""Heterogeneity set against the mean: coefficients of variation and their bounded forms."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from metaalliance.core.inference.intervals import Interval


@dataclass(frozen=True, slots=True)
class Relative:
    """A variance of true effects relative to their mean.

    Attributes
    ----------
    CVH1, CVH2 : float
        tau / |mean| and tau² / mean²; infinite for a mean of zero.
    M1, M2 : float
        tau / (|mean| + tau) and tau² / (mean² + tau²), between 0 and 1.
    """

    CVH1: float
    CVH2: float
    M1: float
    M2: float


def relative(mean: float, tau2: float, total: float | None = None) -> Relative:
    """Set the variance of a level against the mean.

    Parameters
    ----------
    mean : float
        Mean of the true effects, on the analysis scale.
    tau2 : float
        Variance of the level, or the total variance.
    total : float, optional
        Total variance, which stands in the denominators of M; by default `tau2`.

    References
    ----------
    Yang et al. (2025).

    Examples
    --------
    >>> relative(0.3, 0.04).M2.__round__(4), relative(-0.3, 0.04).CVH1.__round__(4)
    (0.3077, 0.6667)
    """
    whole = tau2 if total is None else total
    size, tau = abs(mean), math.sqrt(tau2)
    return Relative(
        _ratio(tau, size),
        _ratio(tau2, size**2),
        _ratio(tau, size + math.sqrt(whole)),
        _ratio(tau2, size**2 + whole),
    )


def relative_record(mean: float, tau2: float, total: float, ci: Interval) -> dict[str, float]:
    """Return the measures of a level with the limits that an interval of its variance gives.

    The mean, and for a level the variance of the others, stay at their estimates: the limits say
    how well the variance is known, not the mean.

    Parameters
    ----------
    ci : Interval
        Interval of `tau2`; NaN where there is none.
    """
    found: dict[str, float] = asdict(relative(mean, tau2, total))
    for end, limit in zip(("ci_low", "ci_high"), ci, strict=True):
        values = dict.fromkeys(found, math.nan)
        if math.isfinite(limit):
            values = asdict(relative(mean, limit, total - tau2 + limit))
        found |= {f"{name}_{end}": values[name] for name in ("CVH1", "CVH2", "M1", "M2")}
    return found


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return math.inf if part > 0 else math.nan
