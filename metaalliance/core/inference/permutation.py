"""Permutation test of a mean: how often random signs give as large a statistic.

All sign-flipped data sets are fitted at once, as rows of matrices (`batch_tau2`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.monte_carlo import monte_carlo_se
from metaalliance.core.variance.batch_tau2 import CHUNK, Rows
from metaalliance.core.variance.tau2 import estimate_tau2, many_tau2
from metaalliance.errors import ConvergenceError, EstimationError, OptionError
from metaalliance.options import Components, Tau2OrFE, check_option, check_seed

PermutedStatistic = Literal["knapp-hartung", "wald"]

#: Statistics closer than this count as tied, relative to the observed one when it is above 1.
TIE = math.sqrt(np.finfo(float).eps)


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
    components : {"re-estimated", "held"}
        Whether tau² was estimated for each pattern, or held at that of the observed effects.
    exact : bool
        Whether all sign patterns were taken, in place of a random sample of them.
    replications, as_extreme : int
        Sign patterns, and how many of them were at least as extreme.
    monte_carlo_se : float
        Standard error of `p_value` from the sampling of patterns; 0 when exact.
    smallest_p_value : float
        What the test can give at best: 2^(1 - k) when exact, 1 / replications otherwise.
    tau2_method, test : str
        Estimator of tau², and the statistic.
    """

    statistic: float
    p_value: float
    components: Components
    exact: bool
    replications: int
    as_extreme: int
    monte_carlo_se: float
    smallest_p_value: float
    tau2_method: Tau2OrFE
    test: PermutedStatistic


def permutation_test(
    yi: Array,
    vi: Array,
    tau2_estimator: Tau2OrFE = "REML",
    statistic: PermutedStatistic = "knapp-hartung",
    *,
    components: Components = "re-estimated",
    replications: int = 1000,
    exact_up_to: int = 2**14,
    seed: int | None = None,
) -> PermutationTest:
    """Test a mean of zero without assuming normal effects or a known tau².

    If the true effects are symmetric around zero, each effect is as likely as its negative,
    and the statistic of the data is one draw from those of all sign patterns.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances on the analysis scale, k at least 2.
    tau2_estimator : str
        Estimator of tau²; "FE" sets it to zero.
    statistic : {"knapp-hartung", "wald"}
        Mean over its standard error. The two order the sign patterns differently.
    components : {"re-estimated", "held"}
        tau² estimated anew for each pattern, or held at that of the observed effects.
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
    Follmann and Proschan (1999); Higgins and Thompson (2004).

    Examples
    --------
    Four effects of one sign: no other pattern but the opposite one is as extreme.

    >>> yi, vi = np.array([0.2, 0.3, 0.1, 0.4]), np.full(4, 0.02)
    >>> result = permutation_test(yi, vi, "DL", "wald")
    >>> result.p_value, result.exact, result.replications
    (0.125, True, 16)
    """
    check_option("tau2_estimator", tau2_estimator, Tau2OrFE)
    check_option("statistic", statistic, PermutedStatistic)
    check_option("components", components, Components)
    if yi.size < 2:
        raise EstimationError("A permutation test needs two effects.")
    if replications < 2:
        raise OptionError(f"replications={replications!r} is too few; take 1000 or more.")
    exact = 2**yi.size <= exact_up_to
    blocks = _half_of_all_signs(yi.size) if exact else _random_signs(yi.size, replications, seed)
    scale = math.sqrt(yi.size / float(np.sum(1 / vi)))  # a typical variance of one
    y, v, estimator = yi / scale, vi / scale**2, tau2_estimator
    if components == "held" and estimator != "FE":
        v = v + estimate_tau2(y, v, np.ones((y.size, 1)), estimator)
        estimator = "FE"
    problem = _Problem(y, v, estimator, statistic)
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
        components=components,
        exact=exact,
        replications=total,
        as_extreme=as_extreme,
        monte_carlo_se=0.0 if exact else monte_carlo_se(p, total),
        smallest_p_value=(2 if exact else 1) / total,
        tau2_method=tau2_estimator,
        test=statistic,
    )


def _half_of_all_signs(k: int) -> Iterator[Array]:
    """Sign patterns whose first sign is +; the others are their opposites."""
    rows = max(1, CHUNK // k)
    bits = np.arange(k - 1)
    for start in range(0, 2 ** (k - 1), rows):
        codes = np.arange(start, min(start + rows, 2 ** (k - 1)))[:, None]
        yield np.hstack([np.ones((codes.size, 1)), 1.0 - 2.0 * ((codes >> bits) & 1)])


def _random_signs(k: int, replications: int, seed: int | None) -> Iterator[Array]:
    """Random sign patterns, one fewer than `replications`: the observed one is the first."""
    rng = np.random.default_rng(check_seed(seed))
    rows = max(1, CHUNK // k)
    for start in range(1, replications, rows):
        shape = (min(rows, replications - start), k)
        yield 1.0 - 2.0 * rng.integers(0, 2, shape, dtype=np.int8).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Effects with a typical variance of one, and what is to be computed from them."""

    yi: Array
    vi: Array
    estimator: Tau2OrFE
    test: PermutedStatistic

    def statistics(self, signs: Array) -> Array:
        """Mean over standard error for each row of `signs` (rows, k)."""
        rows = Rows.of_signs(self.yi, self.vi, signs)
        tau2 = many_tau2(rows, self.estimator)
        if np.isnan(tau2).any():
            raise ConvergenceError(f"{self.estimator} did not converge for some sign pattern.")
        signed, wi = signs * self.yi, rows.weights(tau2)
        weight = wi.sum(axis=1)
        mean = np.einsum("rk,rk->r", wi, signed) / weight
        if self.test == "wald":
            return np.asarray(mean * np.sqrt(weight))
        rss = np.einsum("rk,rk->r", wi, (signed - mean[:, None]) ** 2)
        rss[rss <= 64 * np.finfo(float).eps ** 1.5 * (wi @ self.yi**2)] = 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            t = mean * np.sqrt(weight * (self.yi.size - 1) / rss)
        return np.asarray(np.where(mean == 0, 0.0, t), dtype=np.float64)
