"""Heterogeneity set against the mean: coefficients of variation and their bounded forms."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from metaalliance.core.inference.intervals import Interval
from metaalliance.core.roots import bracketed_root


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


def relative_record(
    mean: float, around: Interval, tau2: float, total: float, ci: Interval
) -> dict[str, float]:
    """Return the measures of a level with limits from the intervals of its variance and the mean.

    A limit is the extreme of the measure over the quarter of an ellipse that has the limits of tau
    and of the mean at its ends, their estimates taken as independent; for a ratio of the two
    these are the limits of the MOVER [1]_, a generalisation of Fieller's. Where the interval of
    the mean holds zero nothing bounds CVH from above. The variance of the other levels stays at
    its estimate.

    Parameters
    ----------
    around : Interval
        Interval of the mean.
    ci : Interval
        Interval of `tau2`; NaN where there is none.

    References
    ----------
    .. [1] Zou et al. (2009).

    Examples
    --------
    >>> found = relative_record(0.3, Interval(0.2, 0.4), 0.04, 0.04, Interval(0.02, 0.09))
    >>> [round(found[name], 3) for name in ("CVH1_ci_low", "CVH1", "CVH1_ci_high")]
    [0.425, 0.667, 1.183]
    """
    found: dict[str, float] = asdict(relative(mean, tau2, total))
    names, rest = tuple(found), max(0.0, total - tau2)
    if not all(map(math.isfinite, (*around, *ci))):
        unknown = [f"{name}_{end}" for end in ("ci_low", "ci_high") for name in names]
        return found | dict.fromkeys(unknown, math.nan)
    tau_low, tau_high = (math.sqrt(limit) for limit in ci)
    tau = min(max(math.sqrt(tau2), tau_low), tau_high)  # some intervals leave the estimate out
    near, far = sorted(end if mean >= 0 else -end for end in around)
    center = (tau, abs(mean))
    for name in names:
        low, high = (tau_low, far), (tau_high, max(near, 0.0))
        found[f"{name}_ci_low"] = -_highest(name, center, low, rest, -1.0)
        found[f"{name}_ci_high"] = _highest(name, center, high, rest, 1.0)
    if near <= 0 < tau_high:
        found |= {"CVH1_ci_high": math.inf, "CVH2_ci_high": math.inf}
        found |= {} if rest else {"M1_ci_high": 1.0, "M2_ci_high": 1.0}
    return found


def _highest(
    name: str, center: tuple[float, float], to: tuple[float, float], rest: float, sign: float
) -> float:
    """Highest value of sign times a measure of (tau, size of the mean) on a quarter ellipse."""
    wide, long = to[0] - center[0], to[1] - center[1]

    def point(angle: float) -> tuple[float, float]:
        return center[0] + wide * math.cos(angle), center[1] + long * math.sin(angle)

    def slope(angle: float) -> float:
        """Derivative of the measure, up to a positive factor."""
        tau, size = point(angle)
        of_tau, of_size = size, tau
        if name == "M1" and rest:
            of_tau = size + rest / math.sqrt(tau**2 + rest)
        if name == "M2" and rest:
            of_tau, of_size = size**2 + rest, tau * size
        return -of_tau * wide * math.sin(angle) - of_size * long * math.cos(angle)

    angles = [0.0, math.pi / 2]
    if slope(angles[0]) * slope(angles[1]) < 0:
        angles.append(bracketed_root(slope, *angles, xtol=1e-14))
    measured = (
        sign * float(getattr(relative(size, tau**2, tau**2 + rest), name))
        for tau, size in map(point, angles)
    )
    return max((v for v in measured if not math.isnan(v)), default=math.nan)


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return math.inf if part > 0 else math.nan
