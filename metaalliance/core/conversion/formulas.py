"""From reported statistics to a correlation: one small function each.

All return r with the sign of the statistic; statistics without a sign give r >= 0 and the
caller supplies the sign. Functions that return ``df`` beside r are explained where they
differ from the zero-order case, in which df = n - 2.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from metaalliance.core.distributions import normal_isf, normal_pdf, t_isf

#: Degrees of freedom above which series replace functions that lose digits there.
LARGE_DF = 100
#: Coefficients of (2 / df)^m in log J(df), m = 1 to 6: differences of Bernoulli polynomials.
_LOG_J = (-3 / 8, -1 / 8, -3 / 64, -1 / 64, -3 / 640, -1 / 384)


def r_from_z(z: float) -> float:
    """Return tanh(z), the correlation of a Fisher z."""
    return math.tanh(z)


def r_from_t(t: float, df: float) -> float:
    """Return t / sqrt(t² + df): exact, and the partial r for a regression's residual df.

    Examples
    --------
    >>> round(r_from_t(2.3, 48), 12)
    0.315068493151
    """
    return t / math.hypot(t, math.sqrt(df))


def r_from_f(f: float, df2: float) -> float:
    """Return sqrt(F / (F + df2)) for F with one numerator degree of freedom: exact, unsigned."""
    return math.sqrt(f / (f + df2))


def r_from_chi2(chi2: float, n: float) -> float:
    """Return phi = sqrt(chi² / n) for chi² with one degree of freedom: exact, unsigned."""
    return math.sqrt(chi2 / n)


def r_from_normal(z: float, n: float) -> float:
    """Return z / sqrt(n) for a standard normal test statistic [Rosenthal 1991]."""
    return z / math.sqrt(n)


def r_from_p(p: float, df: float, tails: int = 2) -> float:
    """Return the unsigned r behind a p-value of a t test with `df` degrees of freedom.

    Parameters
    ----------
    p : float
        Above 0 and at most 1, or at most .5 with one tail: a larger one belongs to an effect
        against the tested direction, whose sign and size its report has to give otherwise.
    df : float
        Degrees of freedom of the t test.
    tails : {1, 2}
        Tails of the test.

    Raises
    ------
    ValueError
        For a p-value outside these limits.

    Examples
    --------
    >>> round(r_from_p(0.02, 58), 12)
    0.299695344369
    """
    if not 0 < p / tails <= 0.5:
        limit = "0.5 (one-tailed)" if tails == 1 else "1"
        raise ValueError(f"p = {p:g}: an effect size needs a p-value above 0 and at most {limit}.")
    # at p = 1 rounding may give a minus sign, and some quantiles of the smallest p are -inf
    return r_from_t(abs(float(t_isf(p / tails, df))), df)


def critical_r(df: float, tails: int = 2, alpha: float = 0.05) -> float:
    """Return the smallest r that a t test with `df` degrees of freedom calls significant.

    Examples
    --------
    >>> round(critical_r(48), 12)
    0.278710593231
    """
    return r_from_p(alpha, df, tails)


def critical_r_normal(n: float, tails: int = 2, alpha: float = 0.05) -> float:
    """Return the same for a normal test, or chi² with one degree of freedom."""
    return r_from_normal(float(normal_isf(alpha / tails)), n)


def d_from_means(mean1: float, sd1: float, n1: float, mean2: float, sd2: float, n2: float) -> float:
    """Return Cohen's d with the pooled standard deviation, group 1 less group 2."""
    pooled = ((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2)
    return (mean1 - mean2) / math.sqrt(pooled)


def hedges_factor(df: float) -> float:
    """Return J(df), the factor of Hedges's g = J d, exactly (gamma functions).

    Above 100 degrees of freedom by Stirling's series, since log-gammas of large numbers cancel.
    """
    if df > LARGE_DF:
        x = 2 / df
        return math.exp(sum(c * x**m for m, c in enumerate(_LOG_J, start=1)))
    log_j = special.gammaln(df / 2) - special.gammaln((df - 1) / 2)
    return float(math.exp(log_j) / math.sqrt(df / 2))


def d_from_g(g: float, df: float) -> float:
    """Return d from Hedges's g with df = n1 + n2 - 2."""
    return g / hedges_factor(df)


def r_from_d(d: float, n1: float | None = None, n2: float | None = None) -> float:
    """Return the point-biserial correlation behind Cohen's d.

    With the group sizes the result is the Pearson correlation of the data:
    ``d / sqrt(d² + (n1 + n2 - 2)(1/n1 + 1/n2))`` [Jacobs & Viechtbauer 2017]. Without
    them the groups are taken as equal: ``d / sqrt(d² + 4)``.

    Examples
    --------
    >>> round(r_from_d(0.5, 20, 20), 12), round(r_from_d(0.5), 12)
    (0.2484519975, 0.242535625036)
    """
    if n1 is None or n2 is None:
        return d / math.sqrt(d * d + 4)
    h = (n1 + n2 - 2) * (1 / n1 + 1 / n2)
    return d / math.sqrt(d * d + h)


def biserial_from_point_biserial(r: float, p: float) -> float:
    """Return the biserial r when a share `p` is above the cut of a normal variable."""
    return r * math.sqrt(p * (1 - p)) / float(normal_pdf(special.ndtri(p)))


def d_from_log_odds_ratio(log_or: float) -> float:
    """Return d = ln(OR) sqrt(3) / pi [Hasselblad & Hedges 1995]: logistic, approximate."""
    return log_or * math.sqrt(3) / math.pi


def phi_from_counts(a: float, b: float, c: float, d: float) -> float:
    """Return phi of the table [[a, b], [c, d]]: exact.

    Examples
    --------
    >>> round(phi_from_counts(20, 10, 8, 22), 12)
    0.400891862869
    """
    return (a * d - b * c) / math.sqrt((a + b) * (c + d) * (a + c) * (b + d))


def tetrachoric_from_counts(a: float, b: float, c: float, d: float) -> float:
    """Return the tetrachoric r of the table [[a, b], [c, d]] by its likelihood equation.

    Examples
    --------
    >>> round(tetrachoric_from_counts(20, 10, 8, 22), 6)
    0.589847
    """
    from scipy import integrate, optimize

    n = a + b + c + d
    h, k = float(special.ndtri((a + b) / n)), float(special.ndtri((a + c) / n))

    def density(angle: float) -> float:
        exponent = (h * h + k * k - 2 * h * k * math.sin(angle)) / (2 * math.cos(angle) ** 2)
        return math.exp(-exponent) / (2 * math.pi)

    independent = (a + b) * (a + c) / n**2

    def excess(angle: float) -> float:  # P(both below) less the observed share
        area, _ = integrate.quad(density, 0.0, angle, epsabs=1e-14, epsrel=1e-13)
        return independent + float(area) - a / n

    edge = math.pi / 2 - 1e-9
    return math.sin(float(optimize.brentq(excess, -edge, edge, xtol=1e-15)))


def r_from_spearman(rs: float) -> float:
    """Return 2 sin(pi rs / 6), Pearson's r of a bivariate normal."""
    return 2 * math.sin(math.pi * rs / 6)


def r_from_kendall(tau: float) -> float:
    """Return sin(pi tau / 2), Pearson's r of a bivariate normal."""
    return math.sin(math.pi * tau / 2)


def r_from_beta(beta: float) -> float:
    """Return beta + .05 lambda, lambda = 1 for beta >= 0 [Peterson & Brown 2005].

    Fitted to |beta| <= .5; approximate.
    """
    return beta + (0.05 if beta >= 0 else 0.0)


def standardized_b(b: float, sd_x: float, sd_y: float) -> float:
    """Return the standardised coefficient b sd_x / sd_y."""
    return b * sd_x / sd_y


# Sampling variances -------------------------------------------------------------------


def z_variance(df: float) -> float:
    """Variance of Fisher z: 1 / (df - 1), that is 1 / (n - 3) for df = n - 2.

    A partial correlation with m predictors has df = n - m - 1 and variance
    1 / (n - m - 2); infinite for df = 1, where r has a variance and z has none.
    """
    return math.inf if df == 1 else 1 / (df - 1)


def r_variance(r: float, df: float) -> float:
    """Large-sample variance of r: (1 - r²)² / (n - 1), with df + 1 in place of n - 1."""
    return (1 - r * r) ** 2 / (df + 1)


def spearman_z_variance(rs: float, n: float) -> float:
    """Variance of atanh(r) with r from Spearman's rho.

    (1 + rs² / 2) / (n - 3) for atanh(rs) [Bonett & Wright 2000], carried through
    r = 2 sin(pi rs / 6) by the delta method.
    """
    r = r_from_spearman(rs)
    slope = math.pi / 3 * math.cos(math.pi * rs / 6) * (1 - rs * rs) / (1 - r * r)
    return (1 + rs * rs / 2) / (n - 3) * slope**2


def kendall_z_variance(tau: float, n: float) -> float:
    """Variance of atanh(r) with r from Kendall's tau.

    .437 / (n - 4) for atanh(tau) [Fieller et al. 1957], carried through
    r = sin(pi tau / 2) by the delta method.
    """
    r = r_from_kendall(tau)
    slope = math.pi / 2 * math.cos(math.pi * tau / 2) * (1 - tau * tau) / (1 - r * r)
    return 0.437 / (n - 4) * slope**2


def semipartial_z_variance(r: float, r2: float, n: float) -> float:
    """Variance of atanh(r) of a semi-partial r in a model with R² = `r2`.

    (R⁴ - 2 R² + Rf² + 1 - Rf⁴) / n with Rf² = R² - r² [Aloe & Becker 2012], by the
    delta method on the scale of Fisher z.
    """
    reduced = r2 - r * r
    variance = (r2 * r2 - 2 * r2 + reduced + 1 - reduced * reduced) / n
    return variance / (1 - r * r) ** 2


def unbiased_r(r: float, df: float) -> float:
    """Return the unbiased estimate of Olkin and Pratt (1958), exact by the hypergeometric function.

    Above 100 degrees of freedom by its series, which converges fast there.

    Examples
    --------
    >>> round(unbiased_r(0.5, 28), 12)
    0.507115913814
    """
    if df > LARGE_DF:
        k = np.arange(60.0)
        ratios = (k + 0.5) ** 2 / ((df / 2 + k) * (k + 1)) * (1 - r * r)
        return r * (1 + float(np.cumprod(ratios).sum()))
    return float(r * special.hyp2f1(0.5, 0.5, df / 2, 1 - r * r))
