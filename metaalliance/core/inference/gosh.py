"""Subsets of studies, drawn at random or all of them, and their means: GOSH."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.variance.batch_tau2 import Rows
from metaalliance.core.variance.tau2 import many_tau2
from metaalliance.options import check_seed

Bits = NDArray[np.uint8]
#: Sets of at most this many studies are drawn by number, so that none is drawn twice.
_NUMBERED = 62


@dataclass(frozen=True, slots=True, eq=False)
class SubsetMeans:
    """Pooled means of subsets, each array of shape (subsets,).

    Attributes
    ----------
    estimate : ndarray
        The mean.
    tau2, I2 : ndarray
        Heterogeneity; NaN where a subset is one effect, or its estimate did not converge.
    Q : ndarray
        Cochran's Q.
    """

    estimate: Array
    tau2: Array
    I2: Array
    Q: Array


def draw_subsets(m: int, count: int, seed: int | None = None) -> tuple[Bits, bool]:
    """Draw distinct subsets of `m` studies, none of them empty, all equally likely.

    Parameters
    ----------
    m : int
        Number of studies.
    count : int
        Subsets wanted; all 2^m - 1 are taken when there are no more.
    seed : int, optional
        Seed of the draw.

    Returns
    -------
    bits : ndarray of uint8, shape (subsets, ceil(m / 8))
        Membership, eight studies to a byte, the first study in the lowest bit.
    exhaustive : bool
        Whether these are all subsets.

    References
    ----------
    Olkin et al. (2012).

    Examples
    --------
    >>> bits, exhaustive = draw_subsets(3, 100)
    >>> membership(bits, 3).astype(int).tolist()[:4], exhaustive
    ([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], True)
    """
    rng = np.random.default_rng(check_seed(seed))
    if m <= _NUMBERED:
        everything = 2**m - 1
        if everything <= count:
            return _bits_of(np.arange(1, everything + 1, dtype=np.uint64), m), True
        return _bits_of(_distinct(rng, everything, count), m), False
    bits = rng.integers(0, 256, (count, (m + 7) // 8), dtype=np.uint8)
    bits[:, -1] &= (1 << ((m - 1) % 8 + 1)) - 1
    return bits, False  # an empty or repeated one has a chance below count² / 2^63


def _distinct(rng: np.random.Generator, everything: int, count: int) -> NDArray[np.uint64]:
    """Return `count` distinct numbers from 1 to `everything`."""
    if everything <= 4 * count:
        return rng.permutation(everything)[:count].astype(np.uint64) + np.uint64(1)
    found = np.unique(rng.integers(1, everything, count, dtype=np.uint64, endpoint=True))
    while found.size < count:
        more = rng.integers(1, everything, count - found.size, dtype=np.uint64, endpoint=True)
        found = np.unique(np.concatenate([found, more]))
    return rng.permutation(found)


def _bits_of(numbers: NDArray[np.uint64], m: int) -> Bits:
    content = numbers.astype("<u8").view(np.uint8).reshape(-1, 8)
    return np.ascontiguousarray(content[:, : (m + 7) // 8])


def membership(bits: Bits, m: int) -> BoolArray:
    """Return which of `m` studies each subset holds, shape (subsets, m)."""
    return np.unpackbits(bits, axis=1, count=m, bitorder="little").astype(bool)


def subset_means(yi: Array, vi: Array, present: BoolArray, method: str) -> SubsetMeans:
    """Pool subsets of independent effects by the two-level model, all at once.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    present : ndarray of bool, shape (subsets, k)
        The effects of each subset, at least one.
    method : str
        Estimator of tau²; "FE" is the common-effect model, whose I² is that of Q.
    """
    scale = float(vi.size / np.sum(1 / vi))
    centre = float(yi @ (1 / vi) / np.sum(1 / vi))  # so that sums of squares cancel less
    v = vi / scale
    rows = Rows.of_subsets((yi - centre) / np.sqrt(scale), v, present.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        tau2 = np.zeros(len(rows))
        several = np.flatnonzero(rows.counts > 1)
        tau2[several] = many_tau2(rows.take(several), method)
        a, b, _ = rows.sums(rows.weights(tau2))
        fixed, df = rows.weighted(np.reciprocal), rows.df
        Q, typical = fixed.squares(1), df / fixed.trace()
        I2 = tau2 / (tau2 + typical)
        if method == "FE":
            I2 = np.where(Q > 0, np.maximum(0.0, (Q - df) / Q), 0.0)
    single = rows.counts == 1
    I2[single] = np.nan
    if method != "FE":
        tau2[single] = np.nan
    return SubsetMeans(centre + b / a * np.sqrt(scale), tau2 * scale, I2, Q)
