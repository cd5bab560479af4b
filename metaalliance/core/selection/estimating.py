"""Augmented and reweighted Gaussian likelihood: estimating equations of a step-function model.

The mean and tau² solve the score equations of the normal likelihood in which each effect has the
inverse of its selection weight; the weights solve those of the composite likelihood.
"""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.selection.likelihood import Local, SelectionProblem, pairs

_ITERATIONS, _HALVINGS = 100, 25
_LONGEST, _CONVERGED = 2.0, 1e-10


def equations(
    problem: SelectionProblem, theta: Array, counts: Array | None = None
) -> tuple[Array, Array]:
    """Values (B, q) of the equations at theta (B, q), and their derivatives (B, q, q).

    Parameters
    ----------
    problem : SelectionProblem
        Effects and a model.
    theta : ndarray, shape (B, q)
        Where to evaluate.
    counts : ndarray, shape (B, k), optional
        How often each effect counts at each point; by default once.

    References
    ----------
    Pustejovsky et al. (2025).
    """
    with np.errstate(all="ignore"):
        own, bends = _by_parameters(problem, theta, problem.local(theta))
        if counts is not None:
            own, bends = own * counts, bends * counts
        places, designs = problem.places, problem.designs
        B, q = theta.shape
        F, J = np.empty((B, q)), np.empty((B, q, q))
        for a, place in enumerate(places):
            F[:, place] = own[a] @ designs[a]
            for b, other in enumerate(places):
                both = (designs[a][:, :, None] * designs[b][:, None, :]).reshape(
                    len(designs[a]), -1
                )
                J[:, place, other] = (bends[a, b] @ both).reshape(
                    B, designs[a].shape[1], designs[b].shape[1]
                )
        if problem.penalty is not None:
            _, slope, bend = problem.penalty.at(theta, places)
            F += slope
            J[:, np.arange(q), np.arange(q)] += bend
    return F, J


def equation_scores(problem: SelectionProblem, theta: Array) -> Array:
    """What each effect adds to the equations, shape (B, k, q)."""
    return problem.spread(_by_parameters(problem, theta, problem.local(theta))[0])


def _by_parameters(problem: SelectionProblem, theta: Array, local: Local) -> tuple[Array, Array]:
    """Equations of each effect (r, B, k) by its local parameters, and derivatives (r, r, B, k)."""
    r = 2 + problem.weights.n
    own, second = local.stack[1 : 1 + r].copy(), local.stack[1 + r :]
    bends = np.empty((r, r, *own.shape[1:]))
    for e, (a, b) in enumerate(pairs(r)):
        bends[a, b] = bends[b, a] = second[e]
    inverse = np.exp(-local.weighting.log_w)
    u, v, mm, mt, tt = (piece * inverse for piece in local.normal)
    own[0], own[1] = u, v
    bends[0, 0], bends[0, 1], bends[1, 0], bends[1, 1] = mm, mt, mt, tt
    for h, slope in enumerate(local.weighting.slopes):
        bends[0, 2 + h], bends[1, 2 + h] = -slope * u, -slope * v
    if problem.log_variance:
        t = problem.tau2(theta)
        own[1] *= t
        bends[1] *= t
        bends[:, 1] *= t
        bends[1, 1] += own[1]
    return own, bends


def solve(
    problem: SelectionProblem, starts: Array, counts: Array | None = None, furthest: float = 1e6
) -> tuple[Array, BoolArray]:
    """Newton's method for the root from each start (B, q), and whether it arrived there (B,).

    tau² stays at zero or above; at zero its equation may be negative.
    """
    theta, rows = starts.astype(float), np.arange(len(starts))
    arrived, far = np.zeros(len(starts), dtype=bool), np.log(furthest)
    ends = theta.copy()
    F, J = equations(problem, theta, counts)
    stuck = np.zeros(len(starts), dtype=bool)
    for _ in range(_ITERATIONS):
        step = _newton(theta, F, J, problem.bounded)
        away = (np.abs(theta[:, problem.selection]) > far).any(axis=1)
        lost = away | stuck | ~np.isfinite(step).all(axis=1) | ~np.isfinite(F).all(axis=1)
        done = (np.abs(step).max(axis=1) < _CONVERGED) & ~lost
        ends[rows] = theta
        arrived[rows] = done
        stays = ~(done | lost)
        rows, theta, step, F, J = rows[stays], theta[stays], step[stays], F[stays], J[stays]
        if not rows.size:
            break
        own = None if counts is None else counts[rows]
        theta, F, J, stuck = _nearer(problem, theta, F, step, own)
    return ends, arrived


def _nearer(
    problem: SelectionProblem, theta: Array, F: Array, step: Array, counts: Array | None
) -> tuple[Array, Array, Array, BoolArray]:
    """Halve steps until no equations are further from zero; and where they still are."""
    size = _size(theta, F, problem.bounded) * (1 + 1e-12)
    ahead = _moved(theta, step, problem.bounded)
    F, J = equations(problem, ahead, counts)
    worse = np.flatnonzero(~(_size(ahead, F, problem.bounded) <= size))
    for _ in range(_HALVINGS):
        if not worse.size:
            break
        step[worse] /= 2
        ahead[worse] = _moved(theta[worse], step[worse], problem.bounded)
        own = None if counts is None else counts[worse]
        F[worse], J[worse] = equations(problem, ahead[worse], own)
        worse = worse[~(_size(ahead[worse], F[worse], problem.bounded) <= size[worse])]
    stuck = np.zeros(len(theta), dtype=bool)
    stuck[worse] = True
    return ahead, F, J, stuck


def _newton(theta: Array, F: Array, J: Array, bounded: int | None) -> Array:
    """Steps to the root of the linear equations, no longer than allowed."""
    F, J = F.copy(), J.copy()
    if bounded is not None:
        held = (theta[:, bounded] <= 0) & (F[:, bounded] <= 0)
        F[held, bounded] = 0.0
        J[held, bounded, :] = J[held, :, bounded] = 0.0
        J[held, bounded, bounded] = -1.0
    bad = ~np.isfinite(J).all(axis=(1, 2))
    J[bad] = np.eye(J.shape[1])
    try:
        step = -np.linalg.solve(J, F[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        step = -(np.linalg.pinv(J) @ F[:, :, None])[:, :, 0]
    step[bad] = np.nan
    longest = np.abs(step).max(axis=1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST / np.maximum(longest, _LONGEST)))


def _size(theta: Array, F: Array, bounded: int | None) -> Array:
    """Sum of squares of the equations that are not met."""
    squares = F**2
    if bounded is not None:
        squares[(theta[:, bounded] <= 0) & (F[:, bounded] <= 0), bounded] = 0.0
    total: Array = squares.sum(axis=1)
    return total


def _moved(theta: Array, step: Array, bounded: int | None) -> Array:
    moved = theta + step
    if bounded is not None:
        np.maximum(moved[:, bounded], 0.0, out=moved[:, bounded])
    return moved
