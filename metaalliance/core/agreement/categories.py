"""Agreement of coders about categories, corrected for chance.

Ratings are a table of labels or numbers, one row per coded unit and one column per coder;
None and NaN are missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from metaalliance.core.agreement.ratings import Ratings, encode
from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value
from metaalliance.errors import OptionError
from metaalliance.options import check_option

KappaWeights = Literal["none", "linear", "quadratic"]

FEW_ROWS = "fewer than two rows were coded by two coders"
ONE_CATEGORY = "one category only: agreement by chance is 1 and cannot be corrected for"
PERFECT = "agreement is perfect: the large-sample standard error is zero and gives no interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """A coefficient of agreement.

    Attributes
    ----------
    name : str
        Which one.
    estimate, se, ci_low, ci_high : float
        The coefficient, its large-sample standard error and its interval, cut at ±1; NaN
        where there is none, and `reason` says why.
    observed, expected : float
        Agreement that was observed, and that chance alone would give.
    n, coders : int
        Units that were used, and coders.
    level : float
        Coverage of the interval.
    reason : str
        What a degenerate table means; "" for others.
    """

    name: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    observed: float
    expected: float
    n: int
    coders: int
    level: float
    reason: str = ""


def percent_agreement(ratings: Ratings, *, level: float = 0.95) -> Coefficient:
    """Share of pairs of coders that agree, averaged over units.

    Units with fewer than two codes are left out. The standard error is that of a mean over
    units.

    Examples
    --------
    >>> percent_agreement([["CBT", "CBT"], ["IPT", "CBT"], ["IPT", "IPT"], ["CBT", None]]).estimate
    0.6666666666666666
    """
    counts, coders = _counts(ratings)
    size = counts.sum(axis=1)
    return _linearised("percent", counts, coders, 0.0, np.zeros(size.size), level)


def cohen_kappa(
    first: Sequence[Any] | np.ndarray[Any, Any],
    second: Sequence[Any] | np.ndarray[Any, Any],
    *,
    weights: KappaWeights | Array = "none",
    categories: Sequence[Any] | None = None,
    level: float = 0.95,
) -> Coefficient:
    """Cohen's kappa of two coders, plain or weighted.

    ``kappa = (po - pe) / (1 - pe)`` with ``po = sum w_ij p_ij`` and ``pe = sum w_ij p_i. p_.j``.
    The standard error does not assume that kappa is zero.

    Parameters
    ----------
    first, second : sequence, length n
        Codes; units that either coder has not coded are left out.
    weights : {"none", "linear", "quadratic"} or ndarray, shape (q, q)
        Agreement weights: 1 on the diagonal only; ``1 - |i - j| / (q - 1)``;
        ``1 - (i - j)² / (q - 1)²``; or weights of your own.
    categories : sequence, optional
        Every category in its order; by default those that were used, sorted.
    level : float
        Coverage of the interval, ``kappa ± z se``.

    Returns
    -------
    Coefficient
        NaN with a reason when fewer than two units are left or one category was used; with
        perfect agreement kappa is 1 without an interval.

    References
    ----------
    Cohen (1960); Cohen (1968); Fleiss et al. (1969).

    Examples
    --------
    >>> a, b = ["CBT"] * 8 + ["IPT"] * 4, ["CBT"] * 6 + ["IPT"] * 6
    >>> found = cohen_kappa(a, b)
    >>> round(found.estimate, 4), round(found.se, 4)
    (0.6667, 0.2029)
    """
    pairs = np.empty((len(first), 2), dtype=object)
    pairs[:, 0], pairs[:, 1] = list(first), list(second)
    codes, labels = encode(pairs, categories)
    both = codes[(codes >= 0).all(axis=1)]
    n = len(both)
    name = "kappa" if isinstance(weights, str) and weights == "none" else "weighted kappa"
    if n < 2:
        return _undefined(name, n, 2, level, FEW_ROWS)
    p = np.zeros((len(labels), len(labels)))
    np.add.at(p, (both[:, 0], both[:, 1]), 1.0)
    return _cohen(name, p / n, _weight_matrix(weights, len(labels)), n, level)


def _cohen(name: str, p: Array, W: Array, n: int, level: float) -> Coefficient:
    """Kappa from a table of proportions and agreement weights."""
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    po, pe = float((W * p).sum()), float(rows @ W @ columns)
    if 1 - pe <= 1e-12:
        return _undefined(name, n, 2, level, ONE_CATEGORY, po)
    kappa = (po - pe) / (1 - pe)
    if 1 - po <= 1e-12:
        return _coefficient(name, 1.0, 0.0, math.nan, po, pe, n, 2, level, PERFECT)
    marginal = (W @ columns)[:, None] + (rows @ W)[None, :]
    spread = float((p * (W - marginal * (1 - kappa)) ** 2).sum())
    mean = (kappa - pe * (1 - kappa)) ** 2
    rest = spread - mean
    if rest <= 64 * math.ulp(1.0) * mean:  # a difference of equal numbers: rounding alone
        rest = 0.0
    se = math.sqrt(rest / n) / (1 - pe)
    return _coefficient(name, kappa, se, math.inf, po, pe, n, 2, level)


def fleiss_kappa(
    ratings: Ratings, *, categories: Sequence[Any] | None = None, level: float = 0.95
) -> Coefficient:
    """Fleiss's kappa of two or more coders.

    ``pe = sum π_k²`` with the mean share π_k of category k. Units may have different numbers
    of codes; those with one enter π_k only. The standard error is Gwet's, which does not
    assume that kappa is zero; the interval has n - 1 degrees of freedom.

    References
    ----------
    Fleiss (1971); Gwet (2008).

    Examples
    --------
    >>> round(fleiss_kappa([[1, 1, 1], [2, 2, 1], [2, 2, 2], [1, 1, 2]]).estimate, 4)
    0.3333
    """
    counts, coders = _counts(ratings, categories)
    share, mean = _shares(counts)
    return _linearised("Fleiss kappa", counts, coders, float(mean @ mean), share @ mean, level)


def gwet_ac1(
    ratings: Ratings, *, categories: Sequence[Any] | None = None, level: float = 0.95
) -> Coefficient:
    """Gwet's AC1, which does not fall when one category prevails.

    ``pe = sum π_k (1 - π_k) / (q - 1)`` with q categories, by default those that were used. With
    one category AC1 is 1.

    References
    ----------
    Gwet (2008).

    Examples
    --------
    >>> both_yes = [["yes", "yes"]] * 18
    >>> ratings = [*both_yes, ["yes", "no"], ["no", "yes"]]
    >>> found = gwet_ac1(ratings)
    >>> round(found.estimate, 3), round(fleiss_kappa(ratings).estimate, 3)
    (0.89, -0.053)
    """
    counts, coders = _counts(ratings, categories)
    share, mean = _shares(counts)
    q = max(counts.shape[1], 2)
    expected = float((mean * (1 - mean)).sum()) / (q - 1)
    return _linearised("AC1", counts, coders, expected, share @ (1 - mean) / (q - 1), level)


def pabak(
    ratings: Ratings, *, categories: Sequence[Any] | None = None, level: float = 0.95
) -> Coefficient:
    """Prevalence-adjusted bias-adjusted kappa, for q categories Brennan and Prediger's.

    ``pe = 1 / q``; with two categories ``2 po - 1``.

    References
    ----------
    Byrt et al. (1993); Brennan and Prediger (1981).

    Examples
    --------
    >>> round(pabak([["yes", "yes"]] * 9 + [["yes", "no"]]).estimate, 3)
    0.8
    """
    counts, coders = _counts(ratings, categories)
    expected = 1 / max(counts.shape[1], 2)
    return _linearised(
        "PABAK", counts, coders, expected, np.full(len(counts), expected), level, turn=0.0
    )


def _weight_matrix(weights: KappaWeights | Array, q: int) -> Array:
    """Agreement weights, 1 on the diagonal."""
    if not isinstance(weights, str):
        W = np.asarray(weights, dtype=float)
        if W.shape != (q, q):
            raise OptionError(f"weights have shape {W.shape}; {q} categories need ({q}, {q}).")
        return W
    check_option("weights", weights, KappaWeights)
    if weights == "none" or q < 2:
        return np.eye(q)
    distance = np.abs(np.subtract.outer(np.arange(q), np.arange(q))) / (q - 1)
    return 1 - (distance if weights == "linear" else distance**2)


def _counts(ratings: Ratings, categories: Sequence[Any] | None = None) -> tuple[Array, int]:
    """Codes of each unit in each category (n, q), without units that nobody coded."""
    codes, labels = encode(ratings, categories)
    counts = np.zeros((len(codes), len(labels)))
    unit, coder = np.nonzero(codes >= 0)
    np.add.at(counts, (unit, codes[unit, coder]), 1.0)
    return counts[counts.sum(axis=1) > 0], codes.shape[1]


def _shares(counts: Array) -> tuple[Array, Array]:
    """Share of each category in each unit (n, q), and its mean over units (q,)."""
    share = counts / counts.sum(axis=1, keepdims=True)
    return share, share.mean(axis=0) if len(share) else np.zeros(counts.shape[1])


def _linearised(
    name: str,
    counts: Array,
    coders: int,
    expected: float,
    expected_by_unit: Array,
    level: float,
    *,
    turn: float = 2.0,
) -> Coefficient:
    """Coefficient ``(pa - pe) / (1 - pe)`` with Gwet's linearised variance over units.

    `expected_by_unit` averages to `expected`; the derivative of pe is twice their difference,
    as pe is quadratic in the shares.
    """
    size = counts.sum(axis=1)
    paired, n = size >= 2, len(counts)
    used = int(paired.sum())
    if used < 2:
        return _undefined(name, used, coders, level, FEW_ROWS)
    pairs = np.where(paired, size * (size - 1), 1.0)
    by_unit = np.where(paired, (counts * (counts - 1)).sum(axis=1) / pairs, 0.0)
    observed = float(by_unit.sum()) / used
    if 1 - expected <= 1e-12:
        return _undefined(name, used, coders, level, ONE_CATEGORY, observed)
    estimate = (observed - expected) / (1 - expected)
    if 1 - observed <= 1e-12:
        return _coefficient(
            name, 1.0, 0.0, math.nan, observed, expected, used, coders, level, PERFECT
        )
    corrected = (n / used) * (by_unit - expected * paired) / (1 - expected)
    drift = turn * (1 - estimate) * (expected_by_unit - expected) / (1 - expected)
    variance = float(((corrected - drift - estimate) ** 2).sum()) / (n * (n - 1))
    return _coefficient(
        name, estimate, math.sqrt(variance), n - 1, observed, expected, used, coders, level
    )


def _coefficient(
    name: str,
    estimate: float,
    se: float,
    df: float,
    observed: float,
    expected: float,
    n: int,
    coders: int,
    level: float,
    reason: str = "",
) -> Coefficient:
    """Add the interval; a degenerate table, which has a reason, has none."""
    half = math.nan if reason else critical_value(level, df) * se
    return Coefficient(
        name=name,
        estimate=estimate,
        se=se,
        ci_low=float(np.maximum(-1.0, estimate - half)),
        ci_high=float(np.minimum(1.0, estimate + half)),
        observed=observed,
        expected=expected,
        n=n,
        coders=coders,
        level=level,
        reason=reason,
    )


def _undefined(
    name: str, n: int, coders: int, level: float, reason: str, observed: float = math.nan
) -> Coefficient:
    """The answer where the coefficient does not exist."""
    nan = math.nan
    return _coefficient(name, nan, nan, nan, observed, nan, n, coders, level, reason)
