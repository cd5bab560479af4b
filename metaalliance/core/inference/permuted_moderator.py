"""Permutation test of moderators: the same effects, their moderators dealt anew.

Every rearrangement is a row of a matrix: effects are permuted against a fixed design, and all
rows are fitted at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.inference.monte_carlo import monte_carlo_se
from metaalliance.core.inference.wald import constraint_matrix
from metaalliance.core.variance.data_sets import Regressions
from metaalliance.core.variance.tau2 import estimate_tau2, many_tau2
from metaalliance.errors import ConvergenceError, EstimationError, OptionError
from metaalliance.options import Components, Tau2OrFE, check_option, check_seed

SCALES = ("wald", "knapp-hartung", "knapp-hartung-adhoc")
#: Statistics closer than this count as tied, relative to the observed one when it is above 1.
TIE = math.sqrt(np.finfo(float).eps)
#: Elements of a matrix that are worked on at a time.
CHUNK = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutedModerator:
    """Test of C beta = 0 by permuting the rows of the design.

    Attributes
    ----------
    statistic : float
        The observed Q, or F with Knapp and Hartung's factor.
    df1 : int
        Number of constraints.
    p_value : float
        Share of rearrangements whose statistic is at least as large, the observed one among
        them.
    components : {"re-estimated", "held"}
        Whether the variance components were estimated for each rearrangement, or held at those of
        the effects without moderators.
    exact : bool
        Whether all different rearrangements were taken.
    replications, as_extreme : int
        Rearrangements, and how many were at least as extreme.
    monte_carlo_se : float
        Standard error of `p_value` from the sampling; 0 when exact.
    """

    statistic: float
    df1: int
    p_value: float
    components: Components
    exact: bool
    replications: int
    as_extreme: int
    monte_carlo_se: float


def permutation_test_of_moderator(
    yi: Array,
    vi: Array,
    X: Array,
    C: Array,
    *,
    estimator: str = "REML",
    scale: str = "knapp-hartung",
    components: Components = "re-estimated",
    replications: int = 1000,
    exact_up_to: int = 5000,
    seed: int = 1,
) -> PermutedModerator:
    """Test C beta = 0 by giving the effects each other's moderators.

    If the moderators have nothing to do with the effects, every assignment of the rows of the
    design is equally likely (beside unequal variances, approximately).

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Independent effects and their sampling variances.
    X : ndarray, shape (k, p)
        Design matrix, p < k.
    C : ndarray, shape (q, p)
        Constraints.
    estimator : str
        Estimator of tau²; FE sets it to zero.
    scale : {"knapp-hartung", "knapp-hartung-adhoc", "wald"}
        F with the factor of Knapp and Hartung, or Q.
    components : {"re-estimated", "held"}
        tau² estimated anew for each assignment, or held at that of the effects without
        moderators, which does not depend on the assignment.
    replications : int
        Rearrangements when not all are taken, the observed one included.
    exact_up_to : int
        All different rearrangements are taken when there are at most this many.
    seed : int
        Seed of the random ones.

    References
    ----------
    Higgins and Thompson (2004); Viechtbauer et al. (2015).

    Examples
    --------
    >>> y, v = np.array([0.1, 0.2, 0.15, 0.5, 0.6, 0.55]), np.full(6, 0.01)
    >>> X = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]])
    >>> test = permutation_test_of_moderator(y, v, X, np.array([[0, 1.0]]), estimator="DL")
    >>> test.p_value, test.exact, test.replications
    (0.1, True, 20)
    """
    check_option("estimator", estimator, Tau2OrFE)
    check_option("components", components, Components)
    if scale not in SCALES:
        raise OptionError(f"scale={scale!r} is not one of {', '.join(SCALES)}.")
    refuse_few(yi.size, X)
    C = constraint_matrix(C, X.shape[1])
    typical = yi.size / float(np.sum(1 / vi))
    y, v = yi / math.sqrt(typical), vi / typical
    if components == "held" and estimator != "FE":
        v, estimator = v + estimate_tau2(y, v, np.ones((y.size, 1)), estimator), "FE"

    def statistics(design: Array, orders: IntArray) -> Array:
        return _Problem(design, C, estimator, scale).statistics(y[orders], v[orders])

    found = permuted(X, statistics, replications, exact_up_to, seed, CHUNK // yi.size)
    return replace(found, df1=C.shape[0], components=components)


def permuted(
    X: Array,
    statistics: Callable[[Array, IntArray], Array],
    replications: int,
    exact_up_to: int,
    seed: int,
    rows: int,
) -> PermutedModerator:
    """Count the assignments of the rows of a design whose statistic is as large as the observed.

    Parameters
    ----------
    X : ndarray, shape (units, p)
        The design as observed.
    statistics : callable
        Statistics (n,) from the design, its rows sorted, and from the units (n, units) that
        they are given to.
    replications, exact_up_to, seed
        As in `permutation_test_of_moderator`.
    rows : int
        Assignments at a time.
    """
    if replications < 2:
        raise OptionError(f"replications={replications!r} is too few; take 1000 or more.")
    codes, counts = _row_codes(X)
    exact = _arrangements(counts) <= exact_up_to
    order = np.argsort(codes, kind="stable")
    observed = float(statistics(X[order], order[None])[0])
    if math.isnan(observed):
        raise ConvergenceError("The variance components did not converge.")
    threshold = observed * (1 - TIE) if observed > 1 else observed - TIE
    rows = max(1, rows)
    orders = _all(codes, rows) if exact else _random(order, replications, rows, seed)
    total, extreme = (0, 0) if exact else (1, 1)
    for some in orders:
        found = statistics(X[order], some)
        if np.isnan(found).any():
            raise ConvergenceError(
                "The variance components did not converge for some rearrangement."
            )
        total, extreme = total + found.size, extreme + int(np.sum(found >= threshold))
    p = extreme / total
    return PermutedModerator(
        statistic=observed,
        df1=X.shape[1],
        p_value=p,
        components="re-estimated",
        exact=exact,
        replications=total,
        as_extreme=extreme,
        monte_carlo_se=0.0 if exact else monte_carlo_se(p, total),
    )


def refuse_few(units: int, X: Array) -> None:
    """Refuse a design with as many columns as there are units to deal it to."""
    if X.shape[0] != units or X.shape[1] >= units:
        raise EstimationError(
            f"{units} effects cannot be permuted over a design of shape {X.shape}.", code="MA641"
        )


def _row_codes(X: Array) -> tuple[IntArray, IntArray]:
    """Number the different rows of the design, and count each."""
    _, codes, counts = np.unique(X, axis=0, return_inverse=True, return_counts=True)
    return codes.reshape(-1).astype(np.intp), counts.astype(np.intp)


def _arrangements(counts: IntArray) -> float:
    """Number of different rearrangements, the multinomial coefficient."""
    log = math.lgamma(int(counts.sum()) + 1) - sum(math.lgamma(int(n) + 1) for n in counts)
    return round(math.exp(log)) if log < 40 else math.inf


def _all(codes: IntArray, rows: int) -> Iterator[IntArray]:
    """Every different assignment of the codes, as orders of the effects."""
    batch: list[IntArray] = []
    current = sorted(int(c) for c in codes)
    while True:
        batch.append(np.argsort(current, kind="stable"))
        if len(batch) == rows:
            yield np.array(batch)
            batch = []
        if not _advance(current):
            break
    if batch:
        yield np.array(batch)


def _advance(values: list[int]) -> bool:
    """Turn `values` into its next permutation in lexicographic order; False at the last."""
    i = len(values) - 2
    while i >= 0 and values[i] >= values[i + 1]:
        i -= 1
    if i < 0:
        return False
    j = len(values) - 1
    while values[j] <= values[i]:
        j -= 1
    values[i], values[j] = values[j], values[i]
    values[i + 1 :] = reversed(values[i + 1 :])
    return True


def _random(order: IntArray, replications: int, rows: int, seed: int) -> Iterator[IntArray]:
    """Random orders, one fewer than `replications`: the observed one is the first."""
    rng = np.random.default_rng(check_seed(seed))
    for start in range(1, replications, rows):
        count = min(rows, replications - start)
        yield rng.permuted(np.tile(order, (count, 1)), axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The design, and what is computed from effects in some order."""

    X: Array
    C: Array
    estimator: str
    scale: str

    def statistics(self, Y: Array, V: Array) -> Array:
        """Q or F of each row of effects `Y` and variances `V`, both (rows, k)."""
        data = Regressions.of(Y, V, self.X)
        fits = data.at(many_tau2(data, self.estimator))
        b = fits.beta @ self.C.T
        covariance = self.C @ fits.bread @ self.C.T
        Q = np.einsum("rq,rq->r", b, np.linalg.solve(covariance, b[:, :, None])[:, :, 0])
        if self.scale == "wald":
            return np.asarray(Q)
        factor = fits.squares(1) / data.df
        if self.scale == "knapp-hartung-adhoc":
            factor = np.maximum(1.0, factor)
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(factor > 0, Q / (self.C.shape[0] * factor), np.inf))
