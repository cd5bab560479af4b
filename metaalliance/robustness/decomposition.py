"""Which decision moves the result: shares of variance, and pairs that differ in one decision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class VarianceShares:
    """How much of the variance over specifications the decisions account for.

    Attributes
    ----------
    shares : ndarray, shape (d,)
        Share of each decision: its average contribution to R² over all orders of entry
        (Shapley value); they sum to `explained`.
    alone : ndarray, shape (d,)
        R² of each decision by itself.
    explained : float
        R² of all decisions without their interactions.
    variance : float
        Variance over specifications.
    """

    shares: Array
    alone: Array
    explained: float
    variance: float


def variance_shares(values: Array, codes: IntArray) -> VarianceShares:
    """Decompose the variance of results over the decisions that made them.

    The results are regressed on indicators of the options, without interactions. Since impossible
    combinations leave the grid unbalanced, R² is shared by the Shapley value [1]_, which is the
    average gain in R² when the decision enters, over all orders of entry.

    Parameters
    ----------
    values : ndarray, shape (n,)
        One result per combination of options.
    codes : ndarray of int, shape (n, d)
        Option of each decision, counted from 0.

    Returns
    -------
    VarianceShares
        NaN when the results do not differ.

    References
    ----------
    .. [1] Lipovetsky and Conklin (2001).

    Examples
    --------
    >>> values, codes = np.array([0.0, 0.0, 1.0, 1.0]), np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> variance_shares(values, codes).shares.round(12).tolist()
    [1.0, 0.0]
    """
    d = codes.shape[1]
    centred = values - values.mean() if values.size else values
    variance = float(np.mean(centred**2)) if values.size else math.nan
    scale = float(np.max(np.abs(values))) if values.size else 0.0
    if not variance > (1e-14 * max(scale, 1e-300)) ** 2:
        none = np.full(d, math.nan)
        return VarianceShares(none, none, math.nan, variance)
    gains = _explained_by_subsets(centred, codes, variance)
    shares = np.zeros(d)
    for decision in range(d):
        bit = 1 << decision
        for subset in range(1 << d):
            if not subset & bit:
                size = subset.bit_count()
                weight = math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d)
                shares[decision] += weight * (gains[subset | bit] - gains[subset])
    alone = np.array([gains[1 << decision] for decision in range(d)])
    return VarianceShares(shares, alone, float(gains[-1]), variance)


def _explained_by_subsets(centred: Array, codes: IntArray, variance: float) -> Array:
    """R² of every subset of decisions, shape (2^d,), in the order of its bits."""
    d = codes.shape[1]
    G, g, owners = _moments(centred, codes)
    gains = np.zeros(1 << d)
    for subset in range(1, 1 << d):
        used = ((subset >> owners) & 1).astype(bool)
        if used.any():
            gains[subset] = _quadratic(G[np.ix_(used, used)], g[used]) / variance
    return gains


def _moments(centred: Array, codes: IntArray) -> tuple[Array, Array, IntArray]:
    """Covariances of the indicators of options, with each other and with the results.

    They are counted, so that no indicator matrix is formed. The decision of each indicator is
    returned too.
    """
    n, d = codes.shape
    sizes = codes.max(axis=0) + 1
    shares = [np.bincount(codes[:, i], minlength=sizes[i]) / n for i in range(d)]
    rows = []
    for i in range(d):
        row = []
        for j in range(d):
            pairs = codes[:, i] * sizes[j] + codes[:, j]
            joint = np.bincount(pairs, minlength=sizes[i] * sizes[j]) / n
            row.append(joint.reshape(sizes[i], sizes[j]) - np.outer(shares[i], shares[j]))
        rows.append(row)
    with_results = [
        np.bincount(codes[:, i], weights=centred, minlength=sizes[i]) / n for i in range(d)
    ]
    owners = np.repeat(np.arange(d), sizes)
    return np.block(rows), np.concatenate(with_results), owners.astype(np.intp)


def _quadratic(G: Array, g: Array) -> float:
    """g'G^+ g for a covariance matrix that may be singular."""
    values, vectors = np.linalg.eigh(G)
    kept = values > 1e-10 * max(float(values[-1]), 1e-300)
    return float(np.sum((vectors[:, kept].T @ g) ** 2 / values[kept]))


@dataclass(frozen=True, slots=True)
class Switch:
    """Pairs of specifications that differ in one decision only.

    Attributes
    ----------
    first, second : int
        The two options of the decision.
    pairs : int
        Pairs that both have a result.
    mean, mean_absolute, largest : float
        Mean of second less first, mean and largest of its size.
    flips : float
        Share of the pairs whose verdicts differ.
    """

    first: int
    second: int
    pairs: int
    mean: float
    mean_absolute: float
    largest: float
    flips: float


def switches(ids: IntArray, axis: int, estimates: Array, verdicts: IntArray) -> list[Switch]:
    """Compare specifications that differ in one decision only.

    Parameters
    ----------
    ids : ndarray of int, one axis per decision
        Specification of each combination, or -1.
    axis : int
        The decision.
    estimates, verdicts : ndarray, shape (n,)
        Of the specifications; NaN where there is no result.
    """
    along = np.moveaxis(ids, axis, 0).reshape(ids.shape[axis], -1)
    found = []
    for second in range(1, along.shape[0]):
        for first in range(second):
            a, b = along[first], along[second]
            pairs = np.unique(np.column_stack([a, b])[_usable(a, b, estimates)], axis=0)
            found.append(_switch(first, second, pairs, estimates, verdicts))
    return found


def _usable(a: IntArray, b: IntArray, estimates: Array) -> BoolArray:
    """Pairs of two specifications that have a result."""
    possible = (a >= 0) & (b >= 0) & (a != b)
    known = np.isfinite(np.append(estimates, np.nan))  # -1 is the last, and unknown
    return np.asarray(possible & known[a] & known[b])


def _switch(
    first: int, second: int, pairs: IntArray, estimates: Array, verdicts: IntArray
) -> Switch:
    if not len(pairs):
        return Switch(first, second, 0, math.nan, math.nan, math.nan, math.nan)
    moves = estimates[pairs[:, 1]] - estimates[pairs[:, 0]]
    flips = verdicts[pairs[:, 1]] != verdicts[pairs[:, 0]]
    return Switch(
        first,
        second,
        len(pairs),
        float(moves.mean()),
        float(np.abs(moves).mean()),
        float(np.abs(moves).max()),
        float(flips.mean()),
    )


def combine(parts: Sequence[Switch]) -> Switch:
    """All pairs of a decision together."""
    used = [p for p in parts if p.pairs]
    if not used:
        return Switch(-1, -1, 0, math.nan, math.nan, math.nan, math.nan)
    n = np.array([p.pairs for p in used], dtype=float)
    total = float(n.sum())
    return Switch(
        -1,
        -1,
        int(total),
        math.nan,
        float(n @ [p.mean_absolute for p in used]) / total,
        max(p.largest for p in used),
        float(n @ [p.flips for p in used]) / total,
    )
