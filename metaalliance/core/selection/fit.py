"""Maximum likelihood of a selection model, from several starts at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.selection.climb import Climbed, climb
from metaalliance.core.selection.likelihood import NoSelection, SelectionProblem, Weights
from metaalliance.core.selection.penalty import Penalty
from metaalliance.errors import ConvergenceError

#: A likelihood higher than the highest maximum by this is no rounding.
_RISE = 1e-6
#: Factors of the unselected coefficients, and weights, where climbs begin.
_STARTS = ((1.0, 1.0), (0.8, 0.3), (0.3, 0.1), (1.2, 3.0))
#: tau² at which the likelihood without selection is looked at, in shares of the largest squared
#: residual; and the least log tau², in typical variances, where a climb begins.
_GRID = 2.0 ** np.arange(-14, 1)
_LEAST_LOG = -4.6


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """From the parameters of scaled effects and designs to those of the effects as they are.

    Attributes
    ----------
    unit : float
        What effects were divided by.
    T : ndarray, shape (q, q)
    shift : ndarray, shape (q,)
        Parameters are ``T theta + shift``.
    """

    unit: float
    T: Array
    shift: Array

    def parameters(self, theta: Array) -> Array:
        """Return parameters on the scale of the effects; theta (..., q)."""
        return np.asarray(theta @ self.T.T + self.shift)

    def covariance(self, V: Array) -> Array:
        """Return covariances (..., q, q) on the scale of the effects; NaN stays where it is."""
        gone = np.isnan(V)
        moved: Array = self.T @ np.where(gone, 0.0, V) @ self.T.T
        return np.where(gone, np.nan, moved)


@dataclass(frozen=True, slots=True, eq=False)
class SelectionOptimum:
    """The highest point of a selection likelihood, or the root of estimating equations.

    Attributes
    ----------
    problem : SelectionProblem
        With scaled effects and designs.
    scaling : Scaling
        Back to effects as they are.
    at : ndarray, shape (q,)
        Parameters of `problem`.
    log_likelihood, log_likelihood_unselected : float
        Without penalty: there, and at the maximum without selection.
    lower : tuple of (ndarray, float)
        Parameters of other maxima, the highest first, and how far below they are.
    higher : float
        How much higher the likelihood was where a start ran away with its weights; zero where
        none did: above zero the likelihood has no maximum.
    """

    problem: SelectionProblem
    scaling: Scaling
    at: Array
    log_likelihood: float
    log_likelihood_unselected: float
    lower: tuple[tuple[Array, float], ...] = ()
    higher: float = 0.0

    @property
    def theta(self) -> Array:
        """Parameters on the scale of the effects, shape (q,)."""
        return self.scaling.parameters(self.at)

    @property
    def free(self) -> BoolArray:
        """False for tau² at zero."""
        free = np.ones(self.at.size, dtype=bool)
        if self.problem.bounded is not None:
            free[self.problem.bounded] = self.at[self.problem.bounded] > 0
        return free

    def covariance(self) -> Array:
        """Inverse of the observed information; NaN for a parameter at its boundary."""
        return self.scaling.covariance(-_inverse(self._jacobian(), self.free))

    def sandwich(self, codes: IntArray, m: int) -> Array:
        """Covariance from scores summed by study (0 to m - 1), times m / (m - 1)."""
        sums = np.zeros((m, self.at.size))
        np.add.at(sums, codes, self.problem.scores(self.at[None])[0])
        bread = _inverse(self._jacobian(), self.free)
        gone = np.isnan(bread)
        half = np.where(gone, 0.0, bread) @ sums.T
        V = np.where(gone, np.nan, half @ half.T * (m / (m - 1)))
        return self.scaling.covariance(np.asarray(V))

    def _jacobian(self) -> Array:
        return self.problem.at(self.at[None]).hessian[0]


def _inverse(hessian: Array, free: BoolArray) -> Array:
    """Inverse of the free part, NaN elsewhere."""
    full = np.full(hessian.shape, np.nan)
    index = np.ix_(free, free)
    full[index] = np.linalg.inv(hessian[index])
    return full


def maximise_selection(
    yi: Array,
    vi: Array,
    X: Array,
    weights: Callable[[Array, Array], Weights],
    *,
    U: Array | None = None,
    Z: Array | None = None,
    penalty: Penalty | None = None,
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
    furthest : float
        Selection parameters further from one than this factor have run away: there is no maximum
        there.

    Raises
    ------
    ConvergenceError
        When no start reaches a maximum with finite weights.
    """
    problem, scaling = _scaled(yi, vi, X, weights, U, Z, penalty)
    unselected, without = _unselected(problem)
    found = climb(
        lambda theta, _: problem.at(theta),
        _starts(problem, unselected),
        bounded=problem.bounded,
        logarithms=problem.selection,
        furthest=furthest,
        together=True,
    )
    if not found.arrived.any():
        raise ConvergenceError("The likelihood of the selection model has no maximum.")
    tops = _distinct(found)
    top = found.theta[tops[0]]
    shift = yi.size * np.log(scaling.unit)
    own = replace(problem, penalty=None).log_likelihood(top) if penalty else found.value[tops[0]]
    rise = float(np.max(found.value[found.lost], initial=-np.inf) - found.value[tops[0]])
    return SelectionOptimum(
        problem=problem,
        scaling=scaling,
        at=top,
        log_likelihood=float(own - shift),
        log_likelihood_unselected=without - shift,
        lower=tuple(
            (scaling.parameters(found.theta[i]), float(found.value[tops[0]] - found.value[i]))
            for i in tops[1:]
        ),
        higher=rise if rise > _RISE else 0.0,
    )


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
    unit = float(np.sqrt(vi.size / np.sum(1 / vi)))
    y, v = yi / unit, vi / unit**2
    model = weights(y, v)
    (x, A), (u, B), (z, C) = (_standardised(D) for D in (X, U, Z))
    log_variance = U is not None or penalty is not None
    blocks = [unit * A, B if log_variance else unit**2 * B, *(model.n * (C,))]
    q = sum(block.shape[0] for block in blocks)
    T, shift, place = np.zeros((q, q)), np.zeros(q), 0
    for block in blocks:
        end = place + block.shape[0]
        T[place:end, place:end] = block
        place = end
    if log_variance:
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
    return _highest(plain, start[None])


def _highest(problem: SelectionProblem, starts: Array) -> tuple[Array, float]:
    found = climb(lambda theta, _: problem.at(theta), starts, bounded=problem.bounded,
                  logarithms=slice(0, 0), together=True)  # fmt: skip
    if not found.arrived.any():
        raise ConvergenceError("The likelihood of the model without selection has no maximum.")
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
