"""Power of a test from its noncentral distribution."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from metaalliance.core.distributions import chi2_isf, f_isf, normal_isf, normal_sf


def power_of_test(noncentrality: float, q: float, df: float, level: float) -> float:
    """Probability that an F test rejects; chi-squared when `df` is infinite.

    With q = 1 this is the two-sided t or normal test with noncentrality
    ``sqrt(noncentrality)``.

    Parameters
    ----------
    noncentrality : float
        (C beta)' Var(C b)^-1 (C beta).
    q, df : float
        Degrees of freedom of numerator and denominator.
    level : float
        One less the size of the test.

    Returns
    -------
    float
        NaN where there are no degrees of freedom.

    References
    ----------
    Hedges and Pigott (2001): normal test; Hedges and Pigott (2004): chi-squared.

    Examples
    --------
    >>> round(power_of_test(0.0, 1, 20.0, 0.95), 12)
    0.05
    >>> round(power_of_test(2.8**2, 1, math.inf, 0.95), 4)
    0.7996
    """
    if not (df > 0 and noncentrality >= 0):
        return math.nan
    from scipy import stats

    tail = 1 - level
    if math.isinf(df):
        critical = chi2_isf(tail, q)
        if q == 1:  # exact at any noncentrality, unlike the series
            c, shift = math.sqrt(critical), math.sqrt(noncentrality)
            return float(normal_sf(c - shift) + normal_sf(c + shift))
        return float(stats.ncx2.sf(critical, q, noncentrality) if noncentrality else tail)
    critical = f_isf(tail, q, df)
    return float(stats.ncf.sf(critical, q, df, noncentrality) if noncentrality else tail)


def realised_power(mu: float, v: float, tau2: float, k: int, level: float) -> float:
    """Power of the normal (wald) test of a random-effects mean when tau² is estimated.

    With k equal sampling variances the estimates of mean and tau² are independent, and the
    squared standard error is max(S², v) / k with S² the variance of the effects, so that the
    power is an integral over the distribution of S². With few studies the test rejects too
    often, and this counts it in.

    Parameters
    ----------
    mu, v, tau2 : float
        Mean, sampling variance of each study, variance between studies.
    k : int
        Studies, at least 2.
    level : float
        One less the nominal size of the test.

    References
    ----------
    Jackson and Turner (2017).

    Examples
    --------
    >>> round(realised_power(0.0, 0.01, 0.01, 5, 0.95), 4) > 0.05
    True
    """
    from scipy import integrate

    total, df = v + tau2, k - 1
    c, sd = float(normal_isf((1 - level) / 2)), math.sqrt((v + tau2) / k)

    def rejects(variance: float) -> float:
        limit = c * math.sqrt(variance / k)
        return float(special.ndtr((mu - limit) / sd) + special.ndtr(-(mu + limit) / sd))

    floor = df * v / total  # the chi-squared value below which tau² is estimated as zero
    # Integrated over the upper tail probability, since the density can be unbounded.
    upper = float(special.chdtrc(df, floor))
    rest, _ = integrate.quad(
        lambda u: rejects(total * float(special.chdtri(df, u)) / df),
        0.0,
        upper,
        epsabs=1e-12,
        epsrel=1e-10,
        limit=200,
    )
    return float(np.clip(float(special.chdtr(df, floor)) * rejects(v) + rest, 0.0, 1.0))
