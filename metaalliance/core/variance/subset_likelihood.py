"""The multilevel likelihood of many subsets of the same effects.

Effects in studies climb all at once: the steps of `multilevel.maximize`, with a column of matrices
(k, subsets) for each subset. Other structures climb one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.ascent import (
    MAX_ITERATIONS,
    NEWTON_ROUNDING,
    ROUNDING,
    bounded_step,
    highest,
    maximize,
)
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.core.variance.structure import Nested
from metaalliance.core.variance.subset_covariance import SubsetCovariance, column_products
from metaalliance.errors import ConvergenceError

#: Elements of a matrix that are worked on at a time.
CELLS = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class SubsetOptima:
    """Optima of the likelihood of subsets.

    Attributes
    ----------
    theta : ndarray, shape (subsets, c)
        Variance components; NaN where the climb did not arrive.
    beta : ndarray, shape (subsets, p)
        Coefficients.
    value : ndarray, shape (subsets,)
        Log-likelihood without its constants.
    """

    theta: Array
    beta: Array
    value: Array


@dataclass(frozen=True, slots=True, eq=False)
class SubsetQ:
    """Residual heterogeneity of subsets, from the sampling covariance alone.

    Attributes
    ----------
    Q : ndarray, shape (subsets,)
        Cochran's Q.
    df : ndarray, shape (subsets,)
        Its degrees of freedom.
    typical_variance : ndarray, shape (subsets,)
        (k - p) / tr(P), as in `heterogeneity.QTest`; NaN without degrees of freedom.
    """

    Q: Array
    df: Array
    typical_variance: Array


def maximize_subsets(
    data: MultilevelData, present: BoolArray, starts: Sequence[Array], *, restricted: bool
) -> SubsetOptima:
    """Climb to the optimum of every subset of the effects.

    Newton steps with the safeguards of `multilevel.maximize`, for all subsets that have not
    arrived. Where several starts are given, the highest of their maxima counts, the first of
    those equal to rounding.

    Parameters
    ----------
    data : MultilevelData
        All effects.
    present : ndarray of bool, shape (subsets, k)
        The effects of each subset; the design has to keep its rank in each, and each needs two
        studies and a study with two effects.
    starts : sequence of ndarray, shape (c,)
        Variance components to begin with.
    restricted : bool
        REML if true, else ML.
    """
    k, p = data.X.shape
    if not isinstance(data.structure, Nested):
        return _one_by_one(data, present, starts, restricted)
    width = max(1, CELLS // k)
    parts = [
        _highest_of_starts(_Batch.of(data, present[first : first + width]), starts, restricted)
        for first in range(0, present.shape[0], width)
    ]
    if not parts:
        return SubsetOptima(np.empty((0, 2)), np.empty((0, p)), np.empty(0))
    return SubsetOptima(
        np.concatenate([part.theta for part in parts]),
        np.concatenate([part.beta for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def _one_by_one(
    data: MultilevelData, present: BoolArray, starts: Sequence[Array], restricted: bool
) -> SubsetOptima:
    """Climb to the optimum of one subset after the other."""
    size, p = present.shape[0], data.X.shape[1]
    found = SubsetOptima(
        np.full((size, len(data.names)), np.nan), np.full((size, p), np.nan), np.full(size, np.nan)
    )
    for row, keep in enumerate(present):
        some = data.subset(keep)
        try:
            point = highest([maximize(some, start, restricted=restricted) for start in starts])
        except ConvergenceError:
            continue
        found.theta[row], found.beta[row] = point.theta, point.beta
        found.value[row] = point.log_likelihood
    return found


def q_subsets(data: MultilevelData, present: BoolArray) -> SubsetQ:
    """Cochran's Q of every subset; parameters as in `maximize_subsets`."""
    k, p = data.X.shape
    if not isinstance(data.structure, Nested):
        tests = [q_test(data.subset(keep)) for keep in present]
        rows = [(q.Q, float(q.df), q.typical_variance) for q in tests]
        return SubsetQ(*np.array(rows).reshape(-1, 3).T)
    width, found = max(1, CELLS // k), []
    for first in range(0, present.shape[0], width):
        batch = _Batch.of(data, present[first : first + width])
        state = batch.at(np.zeros((batch.size, 2)), restricted=False)
        trace_P = state.covariance.traces()[0] - np.einsum(
            "rab,abr->r", state.bread, _cross(state.WX, state.WX)
        )
        df = batch.counts - p
        typical = np.divide(df, trace_P, out=np.full(df.size, np.nan), where=df > 0)
        found.append(np.vstack([np.maximum(0.0, state.rss), df, typical]))
    Q, df, typical = np.hstack(found) if found else np.empty((3, 0))
    return SubsetQ(Q, df, typical)


def _highest_of_starts(batch: _Batch, starts: Sequence[Array], restricted: bool) -> SubsetOptima:
    """Climb from each start; keep the highest maximum of each subset."""
    best = _climb(batch, starts[0], restricted)
    for start in starts[1:]:
        other = _climb(batch, start, restricted)
        slack = 1e-12 * (batch.counts + np.abs(best.value))
        better = (other.value > best.value + slack) | np.isnan(best.value)
        best.theta[better] = other.theta[better]
        best.beta[better] = other.beta[better]
        best.value[better] = other.value[better]
    return best


def _climb(batch: _Batch, start: Array, restricted: bool) -> SubsetOptima:
    """Climb from one start; a subset that does not arrive is NaN."""
    theta = np.tile(np.asarray(start, dtype=np.float64), (batch.size, 1))
    beta, value = np.full((batch.size, batch.data.X.shape[1]), np.nan), np.full(batch.size, np.nan)
    active, state = np.arange(batch.size), batch.at(theta, restricted=restricted)
    some = batch
    for _ in range(MAX_ITERATIONS):
        step, newton = _steps(state, restricted=restricted)
        reached = _halved(some, state, step, restricted=restricted)
        moved = np.abs(reached.theta - state.theta).max(axis=1)
        tolerance = np.where(newton, NEWTON_ROUNDING, ROUNDING)
        done = moved <= tolerance * (reached.theta.max(axis=1) + batch.scale)
        theta[active], beta[active], value[active] = reached.theta, reached.beta, reached.value
        if done.all():
            return SubsetOptima(theta, beta, value)
        keep = np.flatnonzero(~done)
        if done.any():
            active, some = active[keep], some.take(keep)
            reached = some.at(reached.theta[keep], restricted=restricted)
        state = reached
    theta[active], beta[active], value[active] = np.nan, np.nan, np.nan
    return SubsetOptima(theta, beta, value)


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Some subsets, one to a column."""

    data: MultilevelData
    present: Array  # (k, r)
    log_xtx: Array  # (r,)

    @classmethod
    def of(cls, data: MultilevelData, present: BoolArray) -> _Batch:
        columns = np.ascontiguousarray(present.T, dtype=np.float64)
        xtx = np.einsum("ka,kb,kr->rab", data.X, data.X, columns, optimize=True)
        return cls(data, columns, np.linalg.slogdet(xtx)[1])

    @property
    def size(self) -> int:
        return int(self.present.shape[1])

    @property
    def counts(self) -> Array:
        return np.asarray(self.present.sum(axis=0))

    @property
    def scale(self) -> float:
        return float(self.data.yi.size / np.sum(1 / self.data.vi))

    def take(self, columns: IntArray) -> _Batch:
        return _Batch(self.data, self.present[:, columns], self.log_xtx[columns])

    def at(self, theta: Array, *, restricted: bool) -> _State:
        """Solve the least squares problems at `theta` (r, 2)."""
        data = self.data
        assert isinstance(data.structure, Nested)
        covariance = SubsetCovariance.build(data.structure, self.present, theta)
        w1 = covariance.solve(np.ones((data.yi.size, 1)))
        WX = [w1 if (x == 1).all() else covariance.solve(x[:, None]) for x in data.X.T]
        xtwx = np.stack([data.X.T @ column for column in WX], axis=1)  # (p, p, r)
        bread = np.asarray(np.linalg.inv(xtwx.transpose(2, 0, 1)), dtype=np.float64)
        beta = np.einsum("rab,br->ra", bread, np.vstack([data.yi @ column for column in WX]))
        fitted = [column * beta[:, a] for a, column in enumerate(WX)]
        u = covariance.solve(data.yi[:, None]) - np.sum(fitted, axis=0)
        rss = column_products(data.yi[:, None] - data.X @ beta.T, u)
        value = -0.5 * (covariance.log_determinant + rss)
        if restricted:
            value = value + 0.5 * (np.linalg.slogdet(bread)[1] + self.log_xtx)
        return _State(theta, covariance, w1, WX, bread, beta, u, rss, value)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The model of every subset at its variance components; matrices are (k, r)."""

    theta: Array
    covariance: SubsetCovariance
    w1: Array
    WX: list[Array]
    bread: Array
    beta: Array
    u: Array
    rss: Array
    value: Array


def _cross(left: Sequence[Array], right: Sequence[Array]) -> Array:
    """Inner products of columns, shape (p, p, r)."""
    return np.stack([np.stack([column_products(a, b) for b in right]) for a in left])


def _score(state: _State, *, restricted: bool) -> tuple[Array, Array, Array]:
    """Score (r, 2), observed and expected information (r, 2, 2) of `score_and_information`."""
    sums = state.covariance.blocks.sums
    u, w1, WX = state.u, state.w1, state.WX
    q, su, Wu = sums(w1), sums(u), state.covariance.solve(u)
    xw = [sums(column) for column in WX]
    quadratic = _symmetric(
        column_products(su * su, q), column_products(su, sums(w1 * u)), column_products(u, Wu)
    )
    xwq = np.stack(
        [[column_products(x, su), column_products(c, u)] for x, c in zip(xw, WX, strict=True)]
    )  # (p, 2, r)
    quadratic -= np.einsum("axr,rab,byr->rxy", xwq, state.bread, xwq)
    trace, trace2 = state.covariance.traces()
    traces1 = np.stack([q.sum(axis=0), trace], axis=1)
    traces2 = _symmetric(column_products(q, q), column_products(w1, w1), trace2)
    if restricted:
        traces1, traces2 = _restrict(state, xw, q, traces1, traces2)
    score = 0.5 * (np.stack([column_products(su, su), column_products(u, u)], axis=1) - traces1)
    return score, quadratic - 0.5 * traces2, 0.5 * traces2


def _symmetric(first: Array, cross: Array, second: Array) -> Array:
    """Stack the entries of symmetric 2 x 2 matrices, shape (r, 2, 2)."""
    return np.stack([np.stack([first, cross], axis=1), np.stack([cross, second], axis=1)], axis=1)


def _restrict(
    state: _State, xw: list[Array], q: Array, traces1: Array, traces2: Array
) -> tuple[Array, Array]:
    """Turn traces of S^-1 A into traces of P A."""
    G, WX, sums = state.bread, state.WX, state.covariance.blocks.sums
    WWX = [state.covariance.solve(column) for column in WX]
    M = [_cross(xw, xw).transpose(2, 0, 1), _cross(WX, WX).transpose(2, 0, 1)]
    GM = [G @ M[0], G @ M[1]]
    N = _symmetric(
        np.einsum("rab,abr->r", G, _cross([x * q for x in xw], xw)),
        np.einsum("rab,abr->r", G, _cross(xw, [sums(column) for column in WWX])),
        np.einsum("rab,abr->r", G, _cross(WX, WWX)),
    )
    squares = np.stack(
        [np.stack([np.einsum("rab,rba->r", a, b) for b in GM], axis=1) for a in GM], axis=1
    )
    first = np.stack([np.einsum("raa->r", gm) for gm in GM], axis=1)
    return traces1 - first, traces2 - 2 * N + squares


def _steps(state: _State, *, restricted: bool) -> tuple[Array, BoolArray]:
    """The next step of every subset (r, 2), and whether it is Newton's."""
    score, observed, expected = _score(state, restricted=restricted)
    theta = state.theta
    free = ~((theta <= 0) & (score < 0))
    both = free.all(axis=1)
    smallest = np.where(both, _smallest_root(observed), _diagonal(observed, free))
    reference = np.where(both, _smallest_root(expected), _diagonal(expected, free))
    newton = smallest > 1e-3 * reference
    chosen = np.where(newton[:, None, None], observed, expected)
    diagonal = np.stack([chosen[:, 0, 0], chosen[:, 1, 1]], axis=1)
    step = np.where(free, score / np.where(free, diagonal, 1.0), 0.0)
    step[both] = np.linalg.solve(chosen[both], score[both][:, :, None])[:, :, 0]
    for row in np.flatnonzero(both & (theta + step < 0).any(axis=1)):
        step[row] = bounded_step(theta[row], score[row], chosen[row])
    return step, newton | ~free.any(axis=1)


def _smallest_root(matrices: Array) -> Array:
    """Smaller eigenvalue of symmetric 2 x 2 matrices."""
    a, b, c = matrices[:, 0, 0], matrices[:, 0, 1], matrices[:, 1, 1]
    return (a + c) / 2 - np.hypot((a - c) / 2, b)


def _diagonal(matrices: Array, free: BoolArray) -> Array:
    """The diagonal element of the component that is free."""
    return np.where(free[:, 0], matrices[:, 0, 0], matrices[:, 1, 1])


def _halved(batch: _Batch, state: _State, step: Array, *, restricted: bool) -> _State:
    """Move along the steps, each halved until its likelihood falls by no more than rounding."""
    slack = 1e-13 * (batch.counts + np.abs(state.value))
    reached = batch.at(np.maximum(0.0, state.theta + step), restricted=restricted)
    fallen = ~(reached.value >= state.value - slack)
    if not fallen.any():
        return reached
    target = reached.theta.copy()
    for _ in range(60):
        step = np.where(fallen[:, None], step / 2, step)
        target[fallen] = np.maximum(0.0, state.theta + step)[fallen]
        reached = batch.at(target, restricted=restricted)
        fallen &= ~(reached.value >= state.value - slack)
        if not fallen.any():
            return reached
    target[fallen] = state.theta[fallen]
    return batch.at(target, restricted=restricted)
