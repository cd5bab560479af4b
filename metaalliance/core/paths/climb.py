"""The climb to the maximum over paths and variances, many at once, free or held to a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.paths.likelihood import Point, Problem

MAX_ITERATIONS = 200
#: Relative steps after which nothing is gained: a Newton step squares the error before it.
ROUNDING, NEWTON_ROUNDING = 1e-9, 1e-6
#: Gain, relative to the likelihood, that may be its rounding.
NO_GAIN = 1e-13
_HALVINGS = 40
#: Value, gradient and second derivatives of what is held, from parameters and rows.
Held = Callable[[Array, IntArray], tuple[Array, Array, Array]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maximum:
    """Where climbs ended.

    Attributes
    ----------
    x : ndarray, shape (b, Q + p)
        Parameters of the means and variances.
    log_likelihood : ndarray, shape (b,)
        There.
    multiplier : ndarray, shape (b,)
        By how much the likelihood rises with what is held; zero where nothing is.
    converged : ndarray of bool, shape (b,)
        Whether nothing was to be gained.
    """

    x: Array
    log_likelihood: Array
    multiplier: Array
    converged: BoolArray


def climb(
    problem: Problem,
    start: Array,
    rows: IntArray,
    *,
    held: Held | None = None,
    target: Array | None = None,
    fixed: BoolArray | None = None,
) -> Maximum:
    """Climb to maxima of the likelihood.

    Newton steps where the observed information of what is free is positive definite, scoring steps
    elsewhere. A variance that a step would take below zero ends at zero, and the step of the
    others is solved anew; a variance at zero whose score points outwards stays there. Steps are
    halved until the likelihood (less the distance from what is held) does not fall.

    Parameters
    ----------
    start : ndarray, shape (b, Q + p)
        Where to begin.
    rows : ndarray of int, shape (b,)
        The data set of each climb, where there are many.
    held : callable, optional
        A function of the parameters that has to have the value `target`; with its derivatives.
    target : ndarray, shape (b,), optional
        That value.
    fixed : ndarray of bool, shape (Q + p,), optional
        Parameters that stay at their start.
    """
    x, count = np.array(start, dtype=float), start.shape[0]
    value, multiplier = np.full(count, -np.inf), np.zeros(count)
    done = np.zeros(count, dtype=bool)
    still = np.zeros(x.shape[1], dtype=bool) if fixed is None else fixed
    live, point = np.arange(count), problem.at(x, rows)
    for _ in range(MAX_ITERATIONS):
        step = _Step.at(point, live, held, target, multiplier[live], still)
        multiplier[live] = step.multiplier
        point, moved = step.taken(rows[live], live, held, target)
        x[live], value[live] = point.x, point.log_likelihood
        done[live] = moved <= np.where(step.newton, NEWTON_ROUNDING, ROUNDING)
        live, point = live[~done[live]], point.some(np.flatnonzero(~done[live]))
        if not live.size:
            break
    if held is not None and target is not None:
        done &= np.abs(held(x, np.arange(count))[0] - target) <= ROUNDING * (1 + np.abs(target))
    return Maximum(x=x, log_likelihood=value, multiplier=multiplier, converged=done)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Step:
    """A step from x, and the merit by which its length is judged."""

    point: Point
    step: Array
    multiplier: Array
    price: Array
    off: Array
    newton: BoolArray

    @classmethod
    def at(
        cls,
        point: Point,
        which: IntArray,
        held: Held | None,
        target: Array | None,
        multiplier: Array,
        still: BoolArray,
    ) -> _Step:
        x, Q = point.x, point.problem.Q
        score, observed, expected = point.slope()
        away = (x[:, Q:] <= 0) & (score[:, Q:] <= 0)
        stays = np.concatenate([np.zeros((len(x), Q), dtype=bool), away], axis=1) | still
        gradient, off = None, np.zeros(len(x))
        if held is not None and target is not None:
            reached, gradient, bend = held(x, which)
            observed = observed + multiplier[:, None, None] * bend
            off = target[which] - reached
            gradient = np.where(stays, 0.0, gradient)
        H, newton = _definite(observed, expected, stays, gradient)
        step, rise = _bounded(x, score, H, stays, gradient, off, Q)
        gain = (step * score).sum(-1) - (step * (H @ step[..., None])[..., 0]).sum(-1) / 2
        for i in np.flatnonzero((off == 0) & (gain <= 0) & (step != 0).any(axis=1)):
            room = np.where(np.arange(x.shape[1]) < Q, np.inf, x[i])
            border = None if gradient is None else gradient[i]
            step[i], rise[i] = _best_step(room, score[i], H[i], stays[i], border, off[i])
        return cls(
            point=point,
            step=step,
            multiplier=rise,
            price=_price(rise, gain, off),
            off=off,
            newton=newton,
        )

    def taken(
        self, rows: IntArray, which: IntArray, held: Held | None, target: Array | None
    ) -> tuple[Point, Array]:
        """Return where the step ends, and how far it went."""
        problem, start = self.point.problem, self.point.x
        Q, value = problem.Q, self.point.log_likelihood
        merit = value - self.price * np.abs(self.off)
        least = merit - NO_GAIN * (problem.cells.y.shape[-2] + np.abs(value))
        length, reached, ended = np.ones(len(start)), start.copy(), None
        open_ = np.arange(len(start))
        for halving in range(_HALVINGS):
            tried = start[open_] + length[open_, None] * self.step[open_]
            tried[:, Q:] = np.maximum(tried[:, Q:], 0.0)
            there = problem.at(tried, rows[open_])
            off = np.zeros(open_.size)
            if held is not None and target is not None:
                off = target[which[open_]] - held(tried, which[open_])[0]
            with np.errstate(invalid="ignore"):
                good = there.log_likelihood - self.price[open_] * np.abs(off) >= least[open_]
            reached[open_[good]] = tried[good]
            open_ = open_[~good]
            if not open_.size:
                ended = None if halving else there
                break
            length[open_] /= 2
        scale = np.ones_like(start)
        scale[:, Q:] = start[:, Q:].max(axis=1, keepdims=True) + 1e-3
        moved = (np.abs(reached - start) / scale / length[:, None]).max(axis=1)
        return ended or problem.at(reached, rows), moved


def _price(rise: Array, gain: Array, off: Array) -> Array:
    """What distance from what is held costs: more than the likelihood that a step gives up."""
    with np.errstate(divide="ignore", invalid="ignore"):
        given_up = np.where(off == 0, 0.0, -gain / np.abs(off))
    return np.asarray(2 * np.maximum(np.abs(rise), given_up) + 1e-3, dtype=np.float64)


def _definite(
    observed: Array, expected: Array, stays: BoolArray, gradient: Array | None
) -> tuple[Array, BoolArray]:
    """The observed information where it is positive definite on what may move, else the expected.

    And whether it is the observed one.

    Along the gradient of what is held nothing moves, so that only the other directions count.
    """
    n = observed.shape[-1]
    free = ~stays[:, :, None] & ~stays[:, None, :]
    H = np.where(free, observed, np.eye(n))
    E = np.where(free, expected, np.eye(n))
    root = 1 / np.sqrt(np.maximum(np.diagonal(E, axis1=-2, axis2=-1), 1e-300))
    scaled = root[:, :, None] * H * root[:, None, :]
    if gradient is not None:
        along = root * gradient
        length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-300)
        unit = along / length
        across = np.eye(n) - unit[:, :, None] * unit[:, None, :]
        scaled = across @ scaled @ across + unit[:, :, None] * unit[:, None, :]
    newton = np.linalg.eigvalsh(scaled)[:, 0] > 1e-6
    return np.where(newton[:, None, None], observed, expected), newton


def _bounded(
    x: Array,
    score: Array,
    H: Array,
    stays: BoolArray,
    gradient: Array | None,
    off: Array,
    Q: int,
) -> tuple[Array, Array]:
    """The step, no variance below zero, and the multiplier of what is held."""
    b, n = x.shape
    ends, known = stays.copy(), np.zeros_like(x)
    for _ in range(n - Q + 1):
        free = ~ends[:, :, None] & ~ends[:, None, :]
        right = np.where(ends, known, score - np.einsum("bij,bj->bi", H, known))
        matrix = np.where(free, H, np.eye(n))
        if gradient is not None:
            border = np.where(ends, 0.0, gradient)
            whole = np.zeros((b, n + 1, n + 1))
            whole[:, :n, :n] = matrix
            whole[:, :n, n] = whole[:, n, :n] = border
            beyond = off - np.einsum("bi,bi->b", gradient, np.where(ends, known, 0.0))
            solved = _solve(whole, np.concatenate([right, beyond[:, None]], axis=1))
            step, rise = solved[:, :n], solved[:, n]
        else:
            step, rise = _solve(matrix, right), np.zeros(b)
        below = (x + step < 0) & ~ends
        below[:, :Q] = False
        if not below.any():
            break
        ends |= below
        known = np.where(below, -x, known)
    return step, rise


def _best_step(
    room: Array, score: Array, H: Array, stays: BoolArray, gradient: Array | None, off: float
) -> tuple[Array, float]:
    """The step that maximises ``score'd - d'H d / 2`` where no variance falls below zero.

    What ends at zero at once can leave the others with a step that points downhill; here one
    variance after the other comes to its end, and leaves it where that gains.
    """
    n, step, ends = score.size, np.zeros(score.size), stays.copy()
    rise = 0.0
    for _ in range(10 * n):
        free = np.flatnonzero(~ends)
        right = score[free] - H[np.ix_(free, np.flatnonzero(ends))] @ step[ends]
        matrix = H[np.ix_(free, free)]
        if gradient is not None:
            border = gradient[free]
            matrix = np.block([[matrix, border[:, None]], [border[None], np.zeros((1, 1))]])
            right = np.append(right, off - gradient[ends] @ step[ends])
        solved = np.linalg.lstsq(matrix, right, rcond=None)[0]
        rise = 0.0 if gradient is None else float(solved[-1])
        toward = np.zeros(n)
        toward[free] = solved[: free.size] - step[free]
        falling = toward < 0
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(falling, (-room - step) / toward, np.inf)
        part = min(1.0, float(share.min()))
        step = step + part * toward
        if part < 1:
            ends[int(np.argmin(share))] = True
            continue
        held = H @ step - score + (0.0 if gradient is None else rise * gradient)
        held[~ends | stays] = 0.0
        if held.min() >= -1e-12 * np.abs(score).max():
            break
        ends[int(np.argmin(held))] = False
    return step, rise


def _solve(matrix: Array, right: Array) -> Array:
    """Solve many systems; those that are singular by least squares."""
    try:
        return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.asarray((np.linalg.pinv(matrix) @ right[..., None])[..., 0], dtype=np.float64)
