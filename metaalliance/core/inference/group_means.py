"""Inference on the means of disjoint groups of studies, in linear time.

Where no study lies in two groups the covariance of the means is diagonal, and so is its expectation
under the working model. With V_l the robust variance of mean l, w_l its expectation and d_l its
degrees of freedom, a combination c has those of Satterthwaite, (sum c² w)² / sum (c² w)² / d, and
the Wishart distribution nearest to C V C' has eta = q (q + 1) / (2 sum (t_l w_l)² / d_l),
t_l = c_l'(C diag(w) C')^-1 c_l with the columns c_l of C. Where C says that all are equal,
t_l w_l = 1 - (1 / w_l) / sum (1 / w).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.inference.forms import RANK_TOLERANCE, inverse_root, quadratic_forms
from metaalliance.core.variance.designs.disjoint import DisjointPoint, earlier
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint


class Differences(NamedTuple):
    """Differences of two coefficients each.

    Attributes
    ----------
    first, second : ndarray of int, shape (q,)
        The coefficients; the second is taken from the first.
    """

    first: IntArray
    second: IntArray

    def of(self, beta: Array) -> Array:
        """Return the differences of coefficients (p,), shape (q,)."""
        return np.asarray(beta[self.first] - beta[self.second], dtype=np.float64)

    def both(self, values: Array) -> Array:
        """Add up what two coefficients have, shape (q,)."""
        return np.asarray(values[self.first] + values[self.second], dtype=np.float64)

    def dense(self, p: int) -> Array:
        """Return the constraints, shape (q, p)."""
        rows, found = np.arange(self.first.size), np.zeros((self.first.size, p))
        found[rows, self.first], found[rows, self.second] = 1.0, -1.0
        return found


def first_with_others(p: int) -> Differences:
    """Return the first of p coefficients less each other one: constraints that all are equal."""
    return Differences(np.zeros(p - 1, dtype=np.intp), np.arange(1, p))


def squares(C: Array | Differences, values: Array) -> Array:
    """Sum of squared weights of combinations times values (p,), shape (q,)."""
    return C.both(values) if isinstance(C, Differences) else C**2 @ values


class VarianceMoments(NamedTuple):
    """What the working model lets expect of the robust variances of means, shape (p,) each.

    Attributes
    ----------
    expected : ndarray
        Their expectations.
    spread : ndarray
        Half their variances.
    """

    expected: Array
    spread: Array

    @classmethod
    def of(
        cls, data: MultilevelData, point: MultilevelPoint, at: DisjointPoint, h: Array
    ) -> VarianceMoments:
        """Moments for the values `h` (k,) of A W X (X'WX)^-1; see `robust.satterthwaite`."""
        codes = at.design.codes[data.blocks.starts]
        b = data.blocks.sums(at.design.x * h) ** 2
        bread = at.bread[codes]
        own = data.blocks.sums(h * point.covariance.multiply(h)) - bread * b
        pairs = bread**2 * b * earlier(b, codes)
        sums = at.design.sums
        return cls(sums(own, codes), sums(own**2 + 2 * pairs, codes))

    def df(self, C: Array | Differences) -> Array:
        """Satterthwaite degrees of freedom of combinations, shape (q,)."""
        total = squares(C, self.expected)
        spread = squares(C if isinstance(C, Differences) else C**2, self.spread)
        found = np.full(total.shape, np.nan)
        np.divide(total**2, spread, out=found, where=spread > 0)
        return found

    def eta(self, C: Array) -> float:
        """Degrees of freedom of the Wishart distribution nearest to C V C', C (q, p)."""
        root = inverse_root((C * self.expected) @ C.T)
        if root is None:
            return float("nan")
        return self._eta(C.shape[0], np.sum((root.T @ C) ** 2, axis=0))

    def eta_of_equality(self) -> float:
        """The same for the constraints that all means are equal."""
        p = self.expected.size
        if not determined(self.expected).all():
            return self.eta(first_with_others(p).dense(p))
        weights = 1 / self.expected
        return self._eta(p - 1, weights * (1 - weights / weights.sum()))

    def _eta(self, q: int, t: Array) -> float:
        spread = 2 * float(t**2 @ self.spread)
        return q * (q + 1) / spread if spread > 0 else float("nan")


def determined(variances: Array) -> BoolArray:
    """Whether variances keep the covariance of differences from the first far from singular."""
    least = variances.size * RANK_TOLERANCE
    return np.asarray((variances > 0) & (variances > least * (variances[0] + variances)))


def equality_form(means: Array, variances: Array, floor: Array | float = 0.0) -> float:
    """(C b)'(C V C')^-1 C b for means (p,) with variances (p,), C saying that all are equal.

    NaN where the covariance of the differences from the first is singular, or the variance of one
    of them is not above the sum of the floors (p,) of its two means.
    """
    pairs, p = first_with_others(means.size), means.size
    floors = pairs.both(np.broadcast_to(floor, p))
    if not determined(variances).all():
        C = pairs.dense(p)
        V = (C * variances) @ C.T
        return float(quadratic_forms(pairs.of(means)[None], V[None], floors)[0])
    if not (pairs.both(variances) > floors).all():
        return float("nan")
    weights = 1 / variances
    apart = means - weights @ means / weights.sum()
    return float(weights @ apart**2)
