"""Likelihood intervals of functions of the parameters of path models, all bounds at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.paths.climb import climb
from metaalliance.core.paths.likelihood import Problem

#: Value (b,), gradient (b, n) and second derivatives (b, n, n) of a function of parameters (b, n).
Function = Callable[[Array], tuple[Array, Array, Array]]
MAX_STEPS = 60
#: How far the root of the likelihood ratio may be from that of the level before a last step, which
#: squares it.
NEAR = 1e-5
#: Width of a bracket, in standard errors, in which the maximum leaps to another one: no bound.
LEAP = 1e-9
#: Longest step, in standard errors.
_LONGEST = 1.0


def likelihood_bounds(
    problem: Problem,
    best: Array,
    information: Array,
    functions: Sequence[Function],
    z: float,
    rows: IntArray | None = None,
) -> Array:
    """Return the least and the largest value of functions that the likelihood admits.

    A bound is where the likelihood, maximised with the function held there, has fallen by
    ``z**2 / 2``. The root of the likelihood ratio is almost linear in the value of the function,
    and its slope is known from the multiplier, so that few steps of Newton reach it.

    Parameters
    ----------
    best : ndarray, shape (b, n)
        Maxima of the likelihood.
    information : ndarray, shape (b, n, n)
        Observed information there, zero in rows and columns of variances at zero.
    functions : sequence of callable
        What the bounds are of.
    z : float
        Normal quantile of the level.
    rows : ndarray of int, shape (b,), optional
        The data set of each maximum.

    Returns
    -------
    ndarray, shape (b, f, 2)
        NaN where the likelihood has no such bound.

    References
    ----------
    Pritikin et al. (2017).
    """
    b, f = best.shape[0], len(functions)
    own = np.zeros(b, dtype=np.intp) if rows is None else rows
    top = problem.at(best, own).log_likelihood
    covariance = np.linalg.pinv(information, hermitian=True)
    which = np.tile(np.repeat(np.arange(f), 2), b)
    data = np.repeat(np.arange(b), 2 * f)
    side = np.tile([-1.0, 1.0], b * f)
    search = _Search(problem, functions, which, own[data], top[data], z)
    value, gradient, _ = search.held(best[data], np.arange(which.size))
    toward = np.einsum("bij,bj->bi", covariance[data], gradient)
    se = np.sqrt(np.maximum(np.einsum("bi,bi->b", gradient, toward), 1e-300))
    x = best[data] + toward * (side * z / se)[:, None]
    x[:, problem.Q :] = np.maximum(x[:, problem.Q :], 0.0)
    found = search.bounds(x, value, side, se)
    return found.reshape(b, f, 2)


class _Search:
    """Of many bounds at once."""

    def __init__(
        self,
        problem: Problem,
        functions: Sequence[Function],
        which: IntArray,
        rows: IntArray,
        top: Array,
        z: float,
    ) -> None:
        self.problem, self.functions, self.which = problem, functions, which
        self.rows, self.top, self.z = rows, top, z

    def held(self, x: Array, index: IntArray) -> tuple[Array, Array, Array]:
        """The functions of some bounds at their parameters."""
        n = x.shape[1]
        value, gradient, bend = np.zeros(len(x)), np.zeros(x.shape), np.zeros((len(x), n, n))
        asked = self.which[index]
        for j in np.unique(asked):
            at = asked == j
            value[at], gradient[at], bend[at] = self.functions[j](x[at])
        return value, gradient, bend

    def bounds(self, x: Array, value: Array, side: Array, se: Array) -> Array:
        """Step by Newton on the root of the likelihood ratio, kept between what is known."""
        target, found = value + side * self.z * se, np.full(value.size, np.nan)
        inner, outer = value.copy(), np.full(value.size, np.nan)
        open_ = np.arange(value.size)
        for _ in range(MAX_STEPS):
            ends, converged, multiplier, fall = self._at(x, open_, target)
            root = np.sqrt(2 * np.maximum(fall, 0.0))
            good = converged & np.isfinite(root)
            near = good & (np.abs(root - self.z) <= NEAR * self.z)
            near_side, far = good & (root <= self.z), good & (root > self.z)
            x[open_[near_side]] = ends[near_side]  # the next climb begins inside
            now, toward = target[open_], side[open_]
            inner[open_[near_side]], outer[open_[far]] = now[near_side], now[far]
            with np.errstate(divide="ignore", invalid="ignore"):
                new = now + (self.z - root) * root / -multiplier
            found[open_[near]] = new[near]
            longest = _LONGEST * se[open_]
            new = np.where(good, np.clip(new, now - longest, now + longest), np.nan)
            kept = _kept(new, now, inner[open_], outer[open_], toward, longest)
            target[open_] = np.where(good, kept, (now + inner[open_]) / 2)
            leaps = np.abs(outer - inner)[open_] <= LEAP * se[open_]
            open_ = open_[~near & ~leaps]
            if not open_.size:
                break
        return found

    def _at(
        self, x: Array, open_: IntArray, target: Array
    ) -> tuple[Array, BoolArray, Array, Array]:
        """Maxima with the functions held at their targets."""

        def held(z: Array, index: IntArray) -> tuple[Array, Array, Array]:
            return self.held(z, open_[index])

        reached = climb(self.problem, x[open_], self.rows[open_], held=held, target=target[open_])
        fall = self.top[open_] - reached.log_likelihood
        return reached.x, reached.converged, reached.multiplier, fall


def _kept(new: Array, now: Array, inner: Array, outer: Array, side: Array, longest: Array) -> Array:
    """A step that leaves the bracket, or goes nowhere, halves it or goes on outwards."""
    low, high = np.fmin(inner, outer), np.fmax(inner, outer)
    closed = np.isfinite(outer)
    middle = np.where(closed, (inner + outer) / 2, now + side * longest)
    inside = np.where(closed, (new > low) & (new < high), side * (new - inner) > 0)
    return np.asarray(np.where(inside & np.isfinite(new), new, middle), dtype=np.float64)
