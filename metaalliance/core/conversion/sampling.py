"""Sampling variances of correlations from groups and counts: the delta method.

All hold for a cross-sectional sample: n people are drawn, and how many of them fall into each
group is chance, too. Where a design fixes the group sizes the variance is another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from scipy.special import ndtr, ndtri

from metaalliance.core.conversion import formulas as cv
from metaalliance.core.conversion.spread import Inputs, of_log_odds
from metaalliance.core.distributions import normal_isf, normal_pdf


class Sampling(NamedTuple):
    """A sampling variance of Fisher z, and its rule for the ledger."""

    variance: float
    rule: str


#: From the correlation and the inputs of a row to its variance; None where these do not say it.
BySize = Callable[[float, Inputs], Sampling | None]


def point_biserial_z_variance(r: float, n1: float, n2: float) -> float:
    """Variance of Fisher z of a point-biserial correlation in a cross-sectional sample.

    ``(1 - 3 r² / 2 + n² r² / (4 n1 n2)) / n``: the group is drawn, and the outcome is normal with
    one variance in both groups.

    Parameters
    ----------
    r : float
        Point-biserial correlation.
    n1, n2 : float
        Group sizes.

    References
    ----------
    Tate (1954).

    Examples
    --------
    With groups of equal size it is (1 - r² / 2) / n.

    >>> round(point_biserial_z_variance(0.4, 50, 50), 12)
    0.0092
    """
    n = n1 + n2
    return (1 + (n * n / (4 * n1 * n2) - 1.5) * r * r) / n


def phi_z_variance(a: float, b: float, c: float, d: float) -> float:
    """Variance of Fisher z of phi of the table [[a, b], [c, d]] with multinomial counts.

    The mean square of ``u v - phi (u² + v²) / 2``, with u and v the standardised row and column
    of a person, divided by ``n (1 - phi²)²``.

    References
    ----------
    Yule (1912).

    Examples
    --------
    With all margins equal it is 1 / (n (1 - phi²)).

    >>> round(phi_z_variance(8, 2, 2, 8) * 20 * (1 - 0.6**2), 12)
    1.0
    """
    n, phi = a + b + c + d, cv.phi_from_counts(a, b, c, d)
    u = math.sqrt((c + d) / (a + b)), -math.sqrt((a + b) / (c + d))
    v = math.sqrt((b + d) / (a + c)), -math.sqrt((a + c) / (b + d))
    cells = (a, u[0], v[0]), (b, u[0], v[1]), (c, u[1], v[0]), (d, u[1], v[1])
    square = sum(k * (x * y - phi * (x * x + y * y) / 2) ** 2 for k, x, y in cells)
    return square / (n * (1 - phi * phi)) ** 2


def biserial_variance(r: float, n1: float, n2: float) -> float:
    """Variance of a biserial correlation, on its own scale, in a cross-sectional sample.

    ``(p q / f² - (3/2 + (1 - p z / f)(1 + q z / f)) r² + r⁴) / (n - 1)`` with p the share above
    the cut z of a standard normal variable, whose density is f there. An r beyond 1, which
    sampling error can give, counts as 1.

    References
    ----------
    Jacobs and Viechtbauer (2017).

    Examples
    --------
    >>> round(biserial_variance(0.0, 50, 50) * 99, 9) == round(math.pi / 2, 9)
    True
    """
    n, r = n1 + n2, max(-1.0, min(1.0, r))
    p, q = n1 / n, n2 / n
    z = float(normal_isf(p))
    f = float(normal_pdf(z))
    return (p * q / f**2 - (1.5 + (1 - p * z / f) * (1 + q * z / f)) * r**2 + r**4) / (n - 1)


def tetrachoric_variance(a: float, b: float, c: float, d: float) -> float:
    """Variance of the tetrachoric r of the table [[a, b], [c, d]], on its own scale.

    The delta method for multinomial counts, thresholds estimated: a person moves r by the excess
    of its cell over what its margins explain, divided by the bivariate normal density at the
    thresholds.

    Examples
    --------
    For r = 0 and both thresholds at zero it is (pi / 2)² / n.

    >>> round(tetrachoric_variance(25, 25, 25, 25) * 100, 9) == round(math.pi**2 / 4, 9)
    True
    """
    n, r = a + b + c + d, cv.tetrachoric_from_counts(a, b, c, d)
    h, k = float(ndtri((a + b) / n)), float(ndtri((a + c) / n))
    rest = math.sqrt(1 - r * r)
    row, column = (float(ndtr((y - r * x) / rest)) for x, y in ((h, k), (k, h)))
    density = math.exp(-(h * h - 2 * r * h * k + k * k) / (2 * rest**2)) / (2 * math.pi * rest)
    centre = a / n - row * (a + b) / n - column * (a + c) / n
    moves = (a, 1 - row - column), (b, -row), (c, -column), (d, 0.0)
    return sum(m * (move - centre) ** 2 for m, move in moves) / (n * density) ** 2


# Of rows ------------------------------------------------------------------------------

_DRAWN = "cross-sectional sample, delta method"


def of_groups(r: float, x: Inputs) -> Sampling | None:
    """A difference of two groups; of equal size where only n is known."""
    if "n1" in x and "n2" in x:
        rule = f"(1 − 3 r² / 2 + n² r² / (4 n1 n2)) / n, {_DRAWN}"
        return Sampling(point_biserial_z_variance(r, x["n1"], x["n2"]), rule)
    if "n" not in x:
        return None
    half = x["n"] / 2
    return Sampling(point_biserial_z_variance(r, half, half), f"(1 − r² / 2) / n, {_DRAWN}")


def of_test(r: float, x: Inputs) -> Sampling | None:
    """A test of two groups of known sizes, without covariates."""
    if "n1" not in x or "n2" not in x or x.get("n_predictors", 1) > 1:
        return None
    full = x["n1"] + x["n2"] - 2
    return of_groups(r, x) if x.get("df2", x.get("df", full)) == full else None


def of_explained(r: float, x: Inputs) -> Sampling | None:
    """A share of variance that two groups of known sizes explain; its df stands for n only."""
    return of_groups(r, x) if "n1" in x and "n2" in x else None


def of_counts(_: float, x: Inputs) -> Sampling | None:
    """Phi of the counts of a 2×2 table."""
    rule = f"that of φ with multinomial counts, {_DRAWN}"
    return Sampling(phi_z_variance(*(x[f"cell_{k}"] for k in "abcd")), rule)


def of_events(r: float, x: Inputs) -> Sampling | None:
    """Phi of events and totals of two groups."""
    (a, n1), (c, n2) = ((x[f"events{g}"], x[f"total{g}"]) for g in "12")
    return of_counts(r, {"cell_a": a, "cell_b": n1 - a, "cell_c": c, "cell_d": n2 - c})


def of_odds(column: str) -> BySize:
    """Return the variance of an odds ratio beside which the counts of its table stand."""

    def by_counts(_: float, x: Inputs) -> Sampling | None:
        counts = [x.get(f"cell_{k}", 0.0) for k in "abcd"]
        if min(counts) <= 0:
            return None
        log_or = math.log(x[column]) if column == "odds_ratio" else x[column]
        variance = sum(1 / count for count in counts) * of_log_odds(log_or) ** 2
        return Sampling(variance, "1/a + 1/b + 1/c + 1/d of ln(OR), delta method")

    return by_counts
