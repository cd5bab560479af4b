"""Maximum likelihood of a selection model, from several starts at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.selection.climb import Climbed, climb
from metaalliance.core.selection.estimating import solve
from metaalliance.core.selection.likelihood import NoSelection, SelectionProblem, Weights
from metaalliance.core.selection.optimum import RISE, Estimator, Scaling, SelectionOptimum
from metaalliance.core.selection.penalty import Penalty
from metaalliance.errors import ConvergenceError

#: Factors of the unselected coefficients, and weights, where climbs begin.
_STARTS = ((1.0, 1.0), (0.8, 0.3), (0.3, 0.1), (1.2, 3.0))
#: tau² at which the likelihood without selection is looked at, in shares of the largest squared
#: residual; and the least log tau², in typical variances, where a climb begins.
_GRID = 2.0 ** np.arange(-14, 1)
_LEAST_LOG = -4.6
#: Share of the variance of effects that the unit of all climbs is at least: where studies are so
#: large that errors are next to nothing, steps in errors would not arrive.
_SPREAD = 1 / 16


def maximise_selection(
    yi: Array,
    vi: Array,
    X: Array,
    weights: Callable[[Array, Array], Weights],
    *,
    U: Array | None = None,
    Z: Array | None = None,
    penalty: Penalty | None = None,
    estimator: Estimator = "cml",
    furthest: float = 1e6,
) -> SelectionOptimum:
    """Find the maximum over coefficients, tau² and weights, from several starts.

    Effects are scaled to a typical variance of one, so that tolerances mean the same on every
    scale. The likelihood can have several maxima; the highest is returned.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances, the favoured direction upwards.
    X : ndarray, shape (k, p)
        Design matrix of full rank; its first column is the intercept.
    weights : callable
        Scaled effects and variances to the selection model.
    U, Z : ndarray, shape (k, g) and (k, z), optional
        Designs of log tau² and of the logarithms of the selection parameters, as `X`.
    penalty : Penalty, optional
        Added to the log-likelihood; of moderators it sees the intercept at their means and
        coefficients for one standard deviation.
    estimator : {"cml", "argl"}
        The maximum of the (composite) likelihood, or the root of the estimating equations of
        `core.selection.estimating` that is reached from there.
    furthest : float
        Selection parameters further from one than this factor have run away: there is no maximum
        there.

    Raises
    ------
    ConvergenceError
        When no start reaches a maximum with finite weights, or none a root.
    """
    problem, scaling = _scaled(yi, vi, X, weights, U, Z, penalty)
    unselected, without = _unselected(problem)
    starts = _starts(problem, unselected)
    found = climb(
        lambda theta, _: problem.at(theta),
        starts,
        bounded=problem.bounded,
        logarithms=problem.selection,
        furthest=furthest,
        together=True,
    )
    if not found.arrived.any():
        raise ConvergenceError("The likelihood of the selection model has no maximum.")
    tops = _distinct(found)
    top, lower = found.theta[tops[0]], tops[1:]
    rise = float(np.max(found.value[found.lost], initial=-np.inf) - found.value[tops[0]])
    further = _further(problem, top, starts[-1])
    if estimator == "argl":
        top, lower, rise = (
            _root(problem, np.vstack([found.theta[tops], further]), furthest),
            [],
            0.0,
        )
    shift = yi.size * np.log(scaling.unit)
    own = float(found.value[tops[0]])
    if penalty is not None or estimator == "argl":
        own = replace(problem, penalty=None).log_likelihood(top)
    return SelectionOptimum(
        problem=problem,
        scaling=scaling,
        at=top,
        starts=further,
        log_likelihood=own - shift,
        log_likelihood_unselected=without - shift,
        lower=tuple(
            (scaling.parameters(found.theta[i]), float(found.value[tops[0]] - found.value[i]))
            for i in lower
        ),
        higher=rise if rise > RISE else 0.0,
        furthest=furthest,
        estimator=estimator,
    )


def _further(problem: SelectionProblem, top: Array, last: Array) -> Array:
    """Starts of refits: with the maximum they led 8,000 replicates to what all starts lead to."""
    mean, variance, *selection = problem.places
    start = np.where(np.arange(top.size) < variance.stop, top, 0.0)
    start[mean] *= 0.3
    start[[place.start for place in selection]] = np.log(0.1)
    wide, narrow = start.copy(), start
    wide[variance.start] += 0.5
    narrow[variance.start] = np.log(0.1) if problem.log_variance else 0.1
    return np.array([wide, narrow, last])


def _root(problem: SelectionProblem, starts: Array, furthest: float) -> Array:
    """Root of the estimating equations that the highest maximum leads to, if any does."""
    ends, arrived = solve(problem, starts, furthest=furthest)
    if not arrived.any():
        raise ConvergenceError("The estimating equations of the selection model have no root.")
    return np.asarray(ends[arrived.argmax()])


def _scaled(
    yi: Array,
    vi: Array,
    X: Array,
    weights: Callable[[Array, Array], Weights],
    U: Array | None,
    Z: Array | None,
    penalty: Penalty | None,
) -> tuple[SelectionProblem, Scaling]:
    """Effects over their typical error, columns of designs centred over their deviations."""
    spread = float(np.var(yi - X @ np.linalg.lstsq(X, yi, rcond=None)[0]))
    unit = math.sqrt(max(vi.size / float(np.sum(1 / vi)), _SPREAD * spread))
    y, v = yi / unit, vi / unit**2
    model = weights(y, v)
    if U is None and penalty is not None:
        U = np.ones((yi.size, 1))
    (x, A), (u, B), (z, C) = (_standardised(D) for D in (X, U, Z))
    blocks = [unit * A, unit**2 * B if U is None else B, *(model.n * (C,))]
    q = sum(block.shape[0] for block in blocks)
    T, shift, place = np.zeros((q, q)), np.zeros(q), 0
    for block in blocks:
        end = place + block.shape[0]
        T[place:end, place:end] = block
        place = end
    if U is not None:
        shift[A.shape[0]] = 2 * np.log(unit)
    own = None if penalty is None else replace(penalty, unit=penalty.unit / unit)
    problem = SelectionProblem(
        yi=y, vi=v, X=X if x is None else x, weights=model, U=u, Z=z, penalty=own
    )
    return problem, Scaling(unit, T, shift)


def _standardised(design: Array | None) -> tuple[Array | None, Array]:
    """Columns after the first centred over their deviations, and the way back."""
    if design is None:
        return None, np.ones((1, 1))
    if design.shape[1] == 1:
        return design, np.ones((1, 1))
    mean, spread = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0)
    back = np.diag(np.concatenate([[1.0], 1 / spread]))
    back[0, 1:] = -mean / spread
    return np.column_stack([design[:, 0], (design[:, 1:] - mean) / spread]), back


def _starts(problem: SelectionProblem, unselected: Array) -> Array:
    """Unselected estimates and ones drawn to zero, with several weights."""
    mean, variance, *others = problem.places
    tau2 = float(unselected[variance.start])
    starts = []
    for shrink, weight in _STARTS:
        for spread in _spreads(problem, tau2):
            start = np.zeros(problem.places[-1].stop)
            start[mean], start[variance] = shrink * unselected[mean], unselected[variance]
            start[variance.start] = spread
            start[[place.start for place in others]] = np.log(weight)
            starts.append(start)
        if not others:
            break
    return np.array(starts)


def _spreads(problem: SelectionProblem, variance: float) -> tuple[float, float, float]:
    """The unselected tau², a larger and a smaller one; or their logarithms."""
    if problem.log_variance:
        return (max(variance, _LEAST_LOG), variance + 1.0, max(variance - 2.3, _LEAST_LOG))
    return (variance, variance + 0.5, 0.1 * variance)


def _unselected(problem: SelectionProblem) -> tuple[Array, float]:
    """Maximum of the log-likelihood without selection and without penalty, and its value."""
    plain = replace(problem, weights=NoSelection(), Z=None, penalty=None)
    one = replace(plain, U=None)
    found = _highest(one, _ridge(one))
    if plain.U is None:
        return found
    start = np.zeros(plain.places[-1].stop)
    start[: found[0].size] = found[0]
    start[found[0].size - 1] = np.log(max(found[0][-1], 0.01))
    return (start, found[1]) if plain.U.shape[1] == 1 else _highest(plain, start[None])


def _highest(problem: SelectionProblem, starts: Array) -> tuple[Array, float]:
    found = climb(lambda theta, _: problem.at(theta), starts, bounded=problem.bounded,
                  logarithms=slice(0, 0), together=True)  # fmt: skip
    if not found.arrived.any():
        raise ConvergenceError("The model without selection did not converge.")
    top = found.best()
    return found.theta[top], float(found.value[top])


def _ridge(problem: SelectionProblem) -> Array:
    """Points on a grid of tau², coefficients profiled out, higher than their neighbours."""
    y, X = problem.yi, problem.X
    far = float(np.max((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2))
    grid = np.concatenate([[0.0], max(far, 1e-3) * _GRID])
    w = 1 / (problem.vi + grid[:, None])
    bread = np.einsum("gk,ka,kb->gab", w, X, X)
    beta = np.linalg.solve(bread, np.einsum("gk,ka->ga", w * y, X)[:, :, None])[:, :, 0]
    theta = np.column_stack([beta, grid])
    value = np.pad(problem.at(theta).value, 1, constant_values=-np.inf)
    return theta[(value[1:-1] >= value[:-2]) & (value[1:-1] >= value[2:])]


def _distinct(found: Climbed) -> list[int]:
    """Different maxima, the highest first."""
    kept: list[int] = []
    rest = np.flatnonzero(found.arrived)
    while rest.size:
        top = int(rest[np.argmax(found.value[rest])])
        apart = np.abs(found.theta[rest] - found.theta[top])
        kept.append(top)
        rest = rest[(apart > 1e-5 + 1e-4 * np.abs(found.theta[top])).any(axis=1)]
    return kept
