"""Permutation test of a mean: how often random signs give as large a statistic.

All sign-flipped data sets are fitted at once, as rows of matrices. The sums that do not
depend on the signs are shared, and the iterated estimators take their Newton steps for all
rows that have not arrived.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import chi2

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.tau2 import MAX_ITERATIONS
from metaalliance.errors import ConvergenceError, EstimationError, OptionError
from metaalliance.options import check_option

BatchEstimator = Literal["FE", "DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML", "REML"]
PermutedStatistic = Literal["knapp-hartung", "wald"]

#: Statistics closer than this count as tied, relative to the observed one when it is above 1.
TIE = math.sqrt(np.finfo(float).eps)
#: Elements of a matrix that are worked on at a time; the stream of random signs depends on it.
_CHUNK = 2**15
#: Newton's last step, relative to tau² plus a typical variance.
_LAST_STEP = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest:
    """Test of a mean of zero by flipping the signs of the effects.

    Attributes
    ----------
    statistic : float
        The observed t or z.
    p_value : float
        Two-sided: the share of sign patterns whose absolute statistic is at least as large,
        the observed pattern among them.
    exact : bool
        Whether all sign patterns were taken, in place of a random sample of them.
    replications, as_extreme : int
        Sign patterns, and how many of them were at least as extreme.
    monte_carlo_se : float
        Standard error of `p_value` from the sampling of patterns; 0 when exact.
    smallest_p_value : float
        What the test can give at best: 2^(1 - k) when exact, 1 / replications otherwise.
    tau2_estimator, test : str
        The settings.
    """

    statistic: float
    p_value: float
    exact: bool
    replications: int
    as_extreme: int
    monte_carlo_se: float
    smallest_p_value: float
    tau2_estimator: BatchEstimator
    test: PermutedStatistic


def permutation_test(
    yi: Array,
    vi: Array,
    tau2_estimator: BatchEstimator = "REML",
    statistic: PermutedStatistic = "knapp-hartung",
    *,
    replications: int = 1000,
    exact_up_to: int = 2**14,
    seed: int | None = None,
) -> PermutationTest:
    """Test a mean of zero without assuming normal effects or a known tau².

    If the true effects are symmetric around zero, each effect is as likely as its negative,
    and the statistic of the data is one draw from those of all sign patterns. tau² is
    estimated anew for each.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances on the analysis scale, k at least 2.
    tau2_estimator : {"FE", "DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML", "REML"}
        Estimator of tau²; FE sets it to zero.
    statistic : {"knapp-hartung", "wald"}
        Mean over its standard error. The two order the sign patterns differently.
    replications : int
        Sign patterns when not all of them are taken, the observed one included.
    exact_up_to : int
        All 2^k patterns are taken when there are at most this many.
    seed : int, optional
        Seed of the random patterns; the result is then the same on every run.

    Returns
    -------
    PermutationTest
        The p-value and how it came about.

    Raises
    ------
    EstimationError
        For one effect.
    OptionError
        For a setting that does not exist, or fewer than two replications.

    References
    ----------
    Follmann DA, Proschan MA (1999). Biometrics 55, 732-737. Higgins JPT, Thompson SG
    (2004). Statistics in Medicine 23, 1663-1682.

    Examples
    --------
    Four effects of one sign: no other pattern but the opposite one is as extreme.

    >>> yi, vi = np.array([0.2, 0.3, 0.1, 0.4]), np.full(4, 0.02)
    >>> result = permutation_test(yi, vi, "DL", "wald")
    >>> result.p_value, result.exact, result.replications
    (0.125, True, 16)
    """
    check_option("tau2_estimator", tau2_estimator, BatchEstimator)
    check_option("statistic", statistic, PermutedStatistic)
    if yi.size < 2:
        raise EstimationError("A permutation test needs two effects.")
    if replications < 2:
        raise OptionError(f"replications={replications!r} is too few; take 1000 or more.")
    exact = 2**yi.size <= exact_up_to
    blocks = _half_of_all_signs(yi.size) if exact else _random_signs(yi.size, replications, seed)
    scale = math.sqrt(yi.size / float(np.sum(1 / vi)))  # a typical variance of one
    problem = _Problem(yi / scale, vi / scale**2, tau2_estimator, statistic)
    observed = float(problem.statistics(np.ones((1, yi.size)))[0])
    size = abs(observed)
    threshold = size * (1 - TIE) if size > 1 else size - TIE
    found = sum(int(np.sum(np.abs(problem.statistics(s)) >= threshold)) for s in blocks)
    total = 2**yi.size if exact else replications
    as_extreme = 2 * found if exact else found + 1
    p = as_extreme / total
    return PermutationTest(
        statistic=observed,
        p_value=p,
        exact=exact,
        replications=total,
        as_extreme=as_extreme,
        monte_carlo_se=0.0 if exact else math.sqrt(p * (1 - p) / total),
        smallest_p_value=(2 if exact else 1) / total,
        tau2_estimator=tau2_estimator,
        test=statistic,
    )


def _half_of_all_signs(k: int) -> Iterator[Array]:
    """Sign patterns whose first sign is +; the others are their opposites."""
    rows = max(1, _CHUNK // k)
    bits = np.arange(k - 1)
    for start in range(0, 2 ** (k - 1), rows):
        codes = np.arange(start, min(start + rows, 2 ** (k - 1)))[:, None]
        yield np.hstack([np.ones((codes.size, 1)), 1.0 - 2.0 * ((codes >> bits) & 1)])


def _random_signs(k: int, replications: int, seed: int | None) -> Iterator[Array]:
    """Random sign patterns, one fewer than `replications`: the observed one is the first."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // k)
    for start in range(1, replications, rows):
        shape = (min(rows, replications - start), k)
        yield 1.0 - 2.0 * rng.integers(0, 2, shape, dtype=np.int8).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Effects with a typical variance of one, and what is to be computed from them."""

    yi: Array
    vi: Array
    estimator: BatchEstimator
    test: PermutedStatistic

    def statistics(self, signs: Array) -> Array:
        """Mean over standard error for each row of `signs` (rows, k)."""
        signed = signs * self.yi
        tau2 = _ESTIMATORS[self.estimator](signed, self.yi**2, self.vi)
        wi = 1 / (self.vi + tau2[:, None])
        weight = wi.sum(axis=1)
        mean = np.einsum("rk,rk->r", wi, signed) / weight
        if self.test == "wald":
            return np.asarray(mean * np.sqrt(weight))
        rss = np.einsum("rk,rk->r", wi, (signed - mean[:, None]) ** 2)
        rss[rss <= 64 * np.finfo(float).eps ** 1.5 * (wi @ self.yi**2)] = 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            t = mean * np.sqrt(weight * (self.yi.size - 1) / rss)
        return np.asarray(np.where(mean == 0, 0.0, t), dtype=np.float64)


# Estimators of tau², all rows at once: (signed effects (rows, k), yi² (k,), vi (k,)) -> (rows,) ---


def _q(signed: Array, y2: Array, wi: Array) -> Array:
    """Cochran's Q of every row for the same weights."""
    return np.asarray(wi @ y2 - (signed @ wi) ** 2 / wi.sum())


def _floored(values: Array) -> Array:
    return np.asarray(np.maximum(0.0, values), dtype=np.float64)


def _zero(signed: Array, y2: Array, vi: Array) -> Array:  # noqa: ARG001
    return np.zeros(signed.shape[0])


def _dersimonian_laird(signed: Array, y2: Array, vi: Array) -> Array:
    wi = 1 / vi
    excess = _q(signed, y2, wi) - (vi.size - 1)
    return _floored(excess / (wi.sum() - np.sum(wi**2) / wi.sum()))


def _hedges(signed: Array, y2: Array, vi: Array) -> Array:
    variance = _q(signed, y2, np.ones(vi.size)) / (vi.size - 1)
    return _floored(variance - vi.mean())


def _hunter_schmidt(signed: Array, y2: Array, vi: Array) -> Array:
    return _floored((_q(signed, y2, 1 / vi) - vi.size) / np.sum(1 / vi))


def _sidik_jonkman(signed: Array, y2: Array, vi: Array) -> Array:
    start = np.maximum(0.0, _q(signed, y2, np.ones(vi.size)) / vi.size)
    sums = _Sums.of(signed, y2, vi, start, 1)
    return np.asarray(start * (sums.c[0] - sums.b[0] ** 2 / sums.a[0]) / (vi.size - 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Row sums a = sum(w^j), b = sum(w^j y), c = sum(w^j y²) for j = 1 up to some power."""

    a: list[Array]
    b: list[Array]
    c: list[Array]

    @classmethod
    def of(cls, signed: Array, y2: Array, vi: Array, tau2: Array, powers: int) -> _Sums:
        wi = 1 / (vi + tau2[:, None])
        columns = np.column_stack([np.ones(vi.size), y2])
        sums, power = cls([], [], []), wi
        for j in range(powers):
            power = power * wi if j else wi
            a, c = (power @ columns).T
            sums.a.append(a)
            sums.c.append(c)
            sums.b.append(np.einsum("rk,rk->r", power, signed))
        return sums

    def residual(self, j: int) -> Array:
        """Sum of w^j times squared residuals."""
        mean = self.b[0] / self.a[0]
        return self.c[j - 1] - 2 * mean * self.b[j - 1] + mean**2 * self.a[j - 1]


def _paule_mandel(signed: Array, y2: Array, vi: Array, target: float) -> Array:
    """Newton's steps on the convex, falling Q, from zero up to Q = `target`."""
    tau2, active = np.zeros(signed.shape[0]), np.arange(signed.shape[0])
    for _ in range(MAX_ITERATIONS):
        sums = _Sums.of(signed[active], y2, vi, tau2[active], 2)
        excess = sums.c[0] - sums.b[0] ** 2 / sums.a[0] - target
        step = np.maximum(0.0, excess) / np.maximum(sums.residual(2), np.finfo(float).tiny)
        tau2[active] += step
        active = active[step > _LAST_STEP * (1 + tau2[active])]
        if active.size == 0:
            return tau2
    raise ConvergenceError("Paule-Mandel did not reach its root for some sign pattern.")


def _maximum_likelihood(signed: Array, y2: Array, vi: Array, *, restricted: bool) -> Array:
    """Highest of the maxima that are found from below, from above and at zero.

    The likelihood can have several; nearly always they are one, and nothing is compared.
    """

    def value(tau2: Array, rows: IntArray) -> Array:
        sums = _Sums.of(signed[rows], y2, vi, tau2, 1)
        logs = np.log(vi + tau2[:, None]).sum(axis=1) + restricted * np.log(sums.a[0])
        return np.asarray(-(logs + sums.residual(1)) / 2)

    best = _climb(_dersimonian_laird(signed, y2, vi), signed, y2, vi, restricted=restricted)
    top = np.full(best.size, float(y2.max()))
    for other in (_climb(top, signed, y2, vi, restricted=restricted), np.zeros(best.size)):
        rows = np.flatnonzero(np.abs(other - best) > 1e-6 * (1 + best))
        if not other.any():
            sums = _Sums.of(signed[rows], y2, vi, other[rows], 3)
            rows = rows[_score(sums, restricted=restricted)[0] <= 0]
        rows = rows[value(other[rows], rows) > value(best[rows], rows)]
        best[rows] = other[rows]
    return best


def _climb(tau2: Array, signed: Array, y2: Array, vi: Array, *, restricted: bool) -> Array:
    """Newton's steps on the score of tau², kept in a bracket.

    A bracket's lower end has a positive score and its upper end a negative one; -1 stands
    for a lower end that has not been found. Rows that are slow get a bisection between two
    steps: where the score nearly touches zero, Newton's steps are short.
    """
    active = np.arange(tau2.size)
    low, high = np.full(tau2.size, -1.0), np.full(tau2.size, np.inf)
    for iteration in range(MAX_ITERATIONS):
        t = tau2[active]
        score, slope = _score(_Sums.of(signed[active], y2, vi, t, 3), restricted=restricted)
        rises = score > 0
        low[active] = np.where(rises, t, low[active])
        high[active] = np.where(rises, high[active], t)
        lo, hi = low[active], np.minimum(high[active], 2 * t + 1)
        new, middle = t + score / slope, np.where(rises, t + hi, t + lo) / 2
        outside = (new >= high[active]) | (new <= lo) | (iteration > 20 and iteration % 2 == 1)
        new = np.maximum(0.0, np.where(outside, middle, new))
        new = np.where((t == 0) & ~rises, 0.0, new)
        tau2[active] = new
        active = active[np.abs(new - t) > _LAST_STEP * (1 + t)]
        if active.size == 0:
            return tau2
    raise ConvergenceError("The likelihood of tau² did not converge for some sign pattern.")


def _score(sums: _Sums, *, restricted: bool) -> tuple[Array, Array]:
    """Score of tau², and its information: observed where that is not small, else expected."""
    a1, a2, a3 = sums.a
    cross = sums.b[1] - sums.b[0] / a1 * a2
    trace, trace2 = a1, a2
    if restricted:
        trace, trace2 = a1 - a2 / a1, a2 - 2 * a3 / a1 + (a2 / a1) ** 2
    observed = sums.residual(3) - cross**2 / a1 - trace2 / 2
    slope = np.where(observed > 0.05 * trace2, observed, trace2 / 2)
    return (sums.residual(2) - trace) / 2, slope


_ESTIMATORS: dict[BatchEstimator, Callable[[Array, Array, Array], Array]] = {
    "FE": _zero,
    "DL": _dersimonian_laird,
    "HE": _hedges,
    "HS": _hunter_schmidt,
    "SJ": _sidik_jonkman,
    "EB": lambda s, y2, vi: _paule_mandel(s, y2, vi, vi.size - 1),
    "PM": lambda s, y2, vi: _paule_mandel(s, y2, vi, vi.size - 1),
    "PMM": lambda s, y2, vi: _paule_mandel(s, y2, vi, float(chi2.median(vi.size - 1))),
    "ML": lambda s, y2, vi: _maximum_likelihood(s, y2, vi, restricted=False),
    "REML": lambda s, y2, vi: _maximum_likelihood(s, y2, vi, restricted=True),
}
