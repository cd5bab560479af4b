"""tau² of many related data sets at once: random signs of the effects, or subsets of them.

Each data set is a row of a matrix. Sums that do not depend on the row are shared, and the
iterated estimators take their Newton steps for all rows that have not arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import chi2

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.tau2 import MAX_ITERATIONS

BatchEstimator = Literal["FE", "DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML", "REML"]

#: Elements of a matrix that are worked on at a time.
CHUNK = 2**15
#: Newton's last step, relative to tau² plus a typical variance of one.
_LAST_STEP = 1e-11
#: Sums over the effects of each row: of w, w y and w y².
_Triple = tuple[Array, Array, Array]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Data sets that are variants of one, with a typical sampling variance of one.

    Attributes
    ----------
    columns : ndarray, shape (k, 3)
        1, y and y² of the effects.
    vi : ndarray, shape (k,)
        Sampling variances.
    signed : ndarray, shape (rows, k), or None
        Effects with the signs of each row, where the rows differ in signs.
    present : ndarray of 0 and 1, shape (rows, k), or None
        Which effects each row holds, where the rows are subsets.
    counts : ndarray, shape (rows,)
        Effects of each row.
    """

    columns: Array
    vi: Array
    signed: Array | None
    present: Array | None
    counts: Array

    @classmethod
    def of_signs(cls, yi: Array, vi: Array, signs: Array) -> Rows:
        """Rows with the effects `yi` (k,) times `signs` (rows, k)."""
        counts = np.full(signs.shape[0], float(yi.size))
        return cls(_columns(yi), vi, signs * yi, None, counts)

    @classmethod
    def of_subsets(cls, yi: Array, vi: Array, present: Array) -> Rows:
        """Rows with the effects where `present` (rows, k) is one."""
        return cls(_columns(yi), vi, None, present, present.sum(axis=1))

    def __len__(self) -> int:
        return int(self.counts.size)

    def take(self, rows: IntArray) -> Rows:
        """Return some of the rows."""
        signed = None if self.signed is None else self.signed[rows]
        present = None if self.present is None else self.present[rows]
        return Rows(self.columns, self.vi, signed, present, self.counts[rows])

    def weights(self, tau2: Array) -> Array:
        """1 / (v + tau²), and zero where an effect is absent, for tau² (rows,)."""
        wi = self.vi + tau2[:, None]
        np.reciprocal(wi, out=wi)
        if self.present is not None:
            wi *= self.present
        return wi

    def sums(self, wi: Array) -> _Triple:
        """Sums of w, w y and w y² for weights (rows, k), each (rows,)."""
        if self.signed is None:
            a, b, c = (wi @ self.columns).T
            return a, b, c
        a, c = (wi @ self.columns[:, ::2]).T
        return a, np.einsum("rk,rk->r", wi, self.signed), c

    def fixed_sums(self, wi: Array) -> _Triple:
        """Sums of w, w y and w y² for weights (k,) that all rows share."""
        if self.signed is None:
            a, b, c = (self._present() @ (self.columns * wi[:, None])).T
            return a, b, c
        same = np.ones(len(self))
        return wi.sum() * same, self.signed @ wi, float(wi @ self.columns[:, 2]) * same

    def fixed_sum(self, values: Array) -> Array:
        """Sum `values` (k,) over the effects of each row."""
        if self.signed is None:
            return self._present() @ values
        return np.full(len(self), values.sum())

    def log_variances(self, tau2: Array) -> Array:
        """Sum of log(v + tau²) over the effects of each row."""
        logs = np.log(self.vi + tau2[:, None])
        return np.asarray((logs if self.present is None else logs * self.present).sum(axis=1))

    def _present(self) -> Array:
        assert self.present is not None
        return self.present


def _columns(yi: Array) -> Array:
    return np.column_stack([np.ones(yi.size), yi, yi**2])


def q_statistic(rows: Rows, wi: Array) -> Array:
    """Cochran's Q of each row for weights (k,), at least zero."""
    a, b, c = rows.fixed_sums(wi)
    return _floored(c - b**2 / a)


def _floored(values: Array) -> Array:
    return np.asarray(np.maximum(0.0, values), dtype=np.float64)


# Estimators ------------------------------------------------------------------------------------


def _zero(rows: Rows) -> Array:
    return np.zeros(len(rows))


def _dersimonian_laird(rows: Rows) -> Array:
    wi = 1 / rows.vi
    a = rows.fixed_sum(wi)
    excess = q_statistic(rows, wi) - (rows.counts - 1)
    return _floored(excess / (a - rows.fixed_sum(wi**2) / a))


def _hedges(rows: Rows) -> Array:
    variance = q_statistic(rows, np.ones(rows.vi.size)) / (rows.counts - 1)
    return _floored(variance - rows.fixed_sum(rows.vi) / rows.counts)


def _hunter_schmidt(rows: Rows) -> Array:
    wi = 1 / rows.vi
    return _floored((q_statistic(rows, wi) - rows.counts) / rows.fixed_sum(wi))


def _sidik_jonkman(rows: Rows) -> Array:
    start = q_statistic(rows, np.ones(rows.vi.size)) / rows.counts
    a, b, c = rows.sums(rows.weights(start))
    return np.asarray(start * (c - b**2 / a) / (rows.counts - 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Row sums a = sum(w^j), b = sum(w^j y), c = sum(w^j y²) for j = 1 up to some power."""

    a: list[Array]
    b: list[Array]
    c: list[Array]

    @classmethod
    def of(cls, rows: Rows, tau2: Array, powers: int) -> _Sums:
        wi = rows.weights(tau2)
        sums, power = cls([], [], []), wi
        for j in range(powers):
            power = power * wi if j else wi
            for found, total in zip((sums.a, sums.b, sums.c), rows.sums(power), strict=True):
                found.append(total)
        return sums

    def residual(self, j: int) -> Array:
        """Sum of w^j times squared residuals."""
        mean = self.b[0] / self.a[0]
        return self.c[j - 1] - 2 * mean * self.b[j - 1] + mean**2 * self.a[j - 1]


def _paule_mandel(rows: Rows, target: Array) -> Array:
    """Newton's steps on the convex, falling Q, from zero up to Q = `target`."""
    tau2, active = np.zeros(len(rows)), np.arange(len(rows))
    for _ in range(MAX_ITERATIONS):
        sums = _Sums.of(rows.take(active), tau2[active], 2)
        excess = sums.c[0] - sums.b[0] ** 2 / sums.a[0] - target[active]
        step = np.maximum(0.0, excess) / np.maximum(sums.residual(2), np.finfo(float).tiny)
        tau2[active] += step
        active = active[step > _LAST_STEP * (1 + tau2[active])]
        if active.size == 0:
            return tau2
    tau2[active] = np.nan
    return tau2


def _maximum_likelihood(rows: Rows, *, restricted: bool) -> Array:
    """Highest of the maxima that are found from below, from above and at zero.

    The likelihood can have several; nearly always they are one, and nothing is compared.
    """

    def value(tau2: Array, some: IntArray) -> Array:
        chosen = rows.take(some)
        sums = _Sums.of(chosen, tau2, 1)
        logs = chosen.log_variances(tau2) + restricted * np.log(sums.a[0])
        return np.asarray(-(logs + sums.residual(1)) / 2)

    best = _climb(_dersimonian_laird(rows), rows, restricted=restricted)
    top = np.full(best.size, float(rows.columns[:, 2].max()))
    for other in (_climb(top, rows, restricted=restricted), np.zeros(best.size)):
        lost = np.isnan(best) & ~np.isnan(other)
        best[lost] = other[lost]
        some = np.flatnonzero(np.abs(other - best) > 1e-6 * (1 + best))
        if not other.any():
            sums = _Sums.of(rows.take(some), other[some], 3)
            some = some[_score(sums, restricted=restricted)[0] <= 0]
        some = some[value(other[some], some) > value(best[some], some)]
        best[some] = other[some]
    return best


def _climb(start: Array, rows: Rows, *, restricted: bool) -> Array:
    """Newton's steps on the score of tau², kept in a bracket; NaN where they do not arrive.

    A bracket's lower end has a positive score and its upper end a negative one; -1 stands
    for a lower end that has not been found. Rows that are slow get a bisection between two
    steps: where the score nearly touches zero, Newton's steps are short.
    """
    tau2, active = start.copy(), np.arange(start.size)
    low, high = np.full(tau2.size, -1.0), np.full(tau2.size, np.inf)
    for iteration in range(MAX_ITERATIONS):
        t = tau2[active]
        score, slope = _score(_Sums.of(rows.take(active), t, 3), restricted=restricted)
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
    tau2[active] = np.nan
    return tau2


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


#: Estimators by their published abbreviation; a row that does not converge is NaN, and so may be
#: a row of one effect.
BATCH_ESTIMATORS: dict[BatchEstimator, Callable[[Rows], Array]] = {
    "FE": _zero,
    "DL": _dersimonian_laird,
    "HE": _hedges,
    "HS": _hunter_schmidt,
    "SJ": _sidik_jonkman,
    "EB": lambda rows: _paule_mandel(rows, rows.counts - 1),
    "PM": lambda rows: _paule_mandel(rows, rows.counts - 1),
    "PMM": lambda rows: _paule_mandel(rows, np.asarray(chi2.median(rows.counts - 1))),
    "ML": lambda rows: _maximum_likelihood(rows, restricted=False),
    "REML": lambda rows: _maximum_likelihood(rows, restricted=True),
}
