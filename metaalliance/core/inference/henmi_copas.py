"""Henmi and Copas's interval: the common-effect mean with honest uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammainc

from metaalliance.core.arrays import Array
from metaalliance.errors import ConvergenceError, EstimationError
from metaalliance.options import check_level

#: Gauss-Legendre rule for the panels of an integral over a normal variable, from -1 to 1.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
#: The integrals end this many standard deviations above their start.
_REACH = 12.0
_PANELS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class HenmiCopas:
    """A mean with inverse-variance weights and an interval that allows for heterogeneity.

    Attributes
    ----------
    estimate, se : float
        Common-effect mean, and its standard error with tau² in it.
    tau2 : float
        DerSimonian and Laird's estimate.
    Q, Q_df : float, int
        Cochran's Q and its degrees of freedom, k - 1.
    ci_low, ci_high, level : float
        Confidence interval, estimate ± critical_value × se.
    critical_value : float
        Takes the place of 1.96; it depends on k, the weights and tau².
    p_value : float
        Two-sided test of mean zero by the same distribution.
    shape, scale : float
        Gamma distribution that stands for the one of Q when the mean is estimated without
        error; at tau² = 0 they are (k - 1) / 2 and 2.
    """

    estimate: float
    se: float
    tau2: float
    Q: float
    Q_df: int
    ci_low: float
    ci_high: float
    level: float
    critical_value: float
    p_value: float
    shape: float
    scale: float


@dataclass(frozen=True, slots=True)
class _Moments:
    """What the joint distribution of the mean's error and Q needs, at one tau².

    W1 to W4 are sum(w), sum(w²) / W1, sum(w³) / W1, sum(w⁴) / W1. R is the error of the mean
    times sqrt(W1), normal with variance VR = 1 + tau² W2.
    """

    k: int
    tau2: float
    W1: float
    W2: float
    W3: float
    W4: float

    @classmethod
    def of(cls, wi: Array, tau2: float) -> _Moments:
        W1 = float(wi.sum())
        higher = (float(np.sum(wi**power)) / W1 for power in (2, 3, 4))
        return cls(wi.size, tau2, W1, *higher)

    @property
    def VR(self) -> float:
        return 1 + self.tau2 * self.W2

    def given(self, z: Array) -> tuple[Array, Array]:
        """Mean and variance of Q when R is `z` of its standard deviations.

        Q is (x - bR)'(x - bR) for x = sqrt(w)(y - mean), b = sqrt(w / W1); x given R is
        normal with mean S b R / VR and covariance S - S b b'S / VR, S = 1 + tau² diag(w).
        The moments of this quadratic form are below, with ``s = R² / VR = z²``.
        """
        t, W1, W2, W3, W4, VR = self.tau2, self.W1, self.W2, self.W3, self.W4, self.VR
        s = z**2
        m2 = W3 - W2**2  # b'w²b less the square of b'wb: the variance of w under weights w
        m3 = W4 - 2 * W2 * W3 + W2**3
        mean = (self.k - 1) + t * (W1 - W2) + t**2 * (s - 1) / VR * m2
        spread = 2 * (self.k - 1) + 4 * t * (W1 - W2) + 2 * t**2 * (W1 * W2 - 2 * W3 + W2**2)
        linear = 4 * t**2 * (s - 1) / VR * (m2 + t * m3)
        return mean, spread + linear + 2 * t**4 * (1 - 2 * s) / VR**2 * m2**2

    def two_sided(self, u: float) -> float:
        """Probability that |mean error| / se is above `u`, se with the estimated tau².

        R / sqrt(1 + T W2), T the estimate from Q, is above u when Q is below
        ``(W1 / W2 - 1)(R² / u² - 1) + k - 1``. Q is taken as gamma with its moments given R.
        """
        start = u / math.sqrt(self.VR)
        edges = start + np.linspace(0.0, _REACH, _PANELS + 1)
        half = _REACH / _PANELS / 2
        z = (edges[:-1, None] + half * (1 + _NODES)).ravel()
        mean, variance = self.given(z)
        ratio = 1.0 if start == 0 else (z / start) ** 2
        bound = (self.W1 / self.W2 - 1) * (ratio - 1) + self.k - 1
        below = 1.0 if start == 0 else gammainc(mean**2 / variance, bound * mean / variance)
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        weights = np.tile(_WEIGHTS, _PANELS)
        return float(2 * half * np.sum(weights * below * density))


def henmi_copas(yi: Array, vi: Array, level: float = 0.95) -> HenmiCopas:
    """Confidence interval around the common-effect mean under a random-effects model.

    Small studies, which publication bias inflates, get little weight in the common-effect
    mean; its uncertainty is that of the random-effects model, with the sampling error of
    tau² allowed for by the approximate joint distribution of the mean and Q.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances on the analysis scale, k at least 2.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    HenmiCopas
        Mean, interval and what they rest on.

    Raises
    ------
    EstimationError
        For one effect.

    References
    ----------
    Henmi and Copas (2010).

    Examples
    --------
    >>> result = henmi_copas(np.array([0.1, 0.3, 0.6]), np.array([0.01, 0.02, 0.04]))
    >>> round(result.estimate, 6), round(result.critical_value, 6)
    (0.228571, 2.821252)
    """
    check_level(level)
    if yi.size < 2:
        raise EstimationError("Henmi and Copas's interval needs two effects.")
    wi = 1 / vi
    typical = float(vi.size / wi.sum())
    estimate = float(wi @ yi / wi.sum())
    Q = float(wi @ (yi - estimate) ** 2)
    first = _Moments.of(wi * typical, 0.0)  # on effects with a typical variance of one
    scaled = max(0.0, (Q - (yi.size - 1)) / (first.W1 - first.W2))
    moments = _Moments.of(wi * typical, scaled)
    se = math.sqrt(moments.VR / first.W1 * typical)
    critical = _critical(moments, level)
    mean, variance = (float(v[0]) for v in moments.given(np.zeros(1)))
    return HenmiCopas(
        estimate=estimate,
        se=se,
        tau2=scaled * typical,
        Q=Q,
        Q_df=yi.size - 1,
        ci_low=estimate - critical * se,
        ci_high=estimate + critical * se,
        level=level,
        critical_value=critical,
        p_value=min(1.0, moments.two_sided(abs(estimate) / se)),
        shape=mean**2 / variance,
        scale=variance / mean,
    )


def _critical(moments: _Moments, level: float) -> float:
    """Value that the standardised error exceeds with probability 1 - level."""
    high = 2.0
    for _ in range(60):
        if moments.two_sided(high) < 1 - level:
            break
        high *= 2
    else:
        raise ConvergenceError("Henmi and Copas's critical value was not found.")

    def excess(u: float) -> float:
        return moments.two_sided(u) - (1 - level)

    return float(brentq(excess, 0.0, high, xtol=1e-14, rtol=1e-14))
