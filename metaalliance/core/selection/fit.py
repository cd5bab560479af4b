"""Maximum likelihood of a selection model: Newton's method with tau² and weights kept positive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.selection.likelihood import LikelihoodPoint, Selector, selection_likelihood
from metaalliance.core.variance.tau2 import estimate_tau2, log_likelihood
from metaalliance.core.variance.wls import weighted_fit
from metaalliance.errors import ConvergenceError

_ITERATIONS, _HALVINGS = 100, 30
#: Largest step of a coefficient (in typical standard errors of one effect) or of a log weight.
_LONGEST = 2.0
#: Expected rise of the likelihood below which a step is the last, and below which a climb that
#: rounding has stopped still counts as one.
_CONVERGED, _NEAR = 1e-20, 1e-12
#: A likelihood higher than the highest maximum by this is no rounding.
_RISE = 1e-6

Likelihood = Callable[[Array], LikelihoodPoint]


@dataclass(frozen=True, slots=True, eq=False)
class SelectionOptimum:
    """The highest point of a selection likelihood.

    Attributes
    ----------
    theta : ndarray, shape (p + 1 + d,)
        Coefficients, tau², selection parameters.
    point : LikelihoodPoint
        Value, scores and Hessian there.
    log_likelihood_unselected : float
        Maximum without selection, for the same coefficients.
    free : ndarray of bool, shape (p + 1 + d,)
        False for tau² at zero.
    lower : tuple of (ndarray, float)
        Other maxima, the highest first, and how far below they are.
    higher : float
        How much higher the likelihood was where a start ran away with its weights; zero where
        none did: above zero the likelihood has no maximum.
    """

    theta: Array
    point: LikelihoodPoint
    log_likelihood_unselected: float
    free: Array
    lower: tuple[tuple[Array, float], ...] = ()
    higher: float = 0.0

    def covariance(self) -> Array:
        """Inverse of the observed information; NaN for a parameter at its boundary."""
        full = np.full(self.point.hessian.shape, np.nan)
        index = np.ix_(self.free, self.free)
        full[index] = np.linalg.inv(-self.point.hessian[index])
        return full


def maximise_selection(
    yi: Array,
    vi: Array,
    X: Array,
    selector: Callable[[Array, Array], Selector],
    n_weights: int,
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
        Design matrix of full rank.
    selector : callable
        Scaled effects and variances to the weighting function.
    n_weights : int
        Number d of free selection parameters, all positive, one without selection.
    furthest : float
        Parameters further from one than this factor have run away: there is no maximum there.

    Raises
    ------
    ConvergenceError
        When no start reaches a maximum with finite weights.
    """
    unit = float(np.sqrt(vi.size / np.sum(1 / vi)))
    y, v = yi / unit, vi / unit**2
    select = selector(y, v)

    def likelihood(theta: Array) -> LikelihoodPoint:
        return selection_likelihood(y, v, X, select, theta)

    tau2 = estimate_tau2(y, v, X, "ML")
    unselected = log_likelihood(y, v, X, tau2, restricted=False)
    beta = weighted_fit(y, X, 1 / (v + tau2)).beta
    p = X.shape[1]
    starts = _starts(beta, tau2, n_weights)
    lost: list[float] = []
    tops = [climb(likelihood, start, p, furthest, lost) for start in starts]
    maxima = _distinct(likelihood, [top for top in tops if top is not None])
    if not maxima:
        raise ConvergenceError("The likelihood of the selection model has no maximum.")
    rise = max(lost, default=-np.inf) - likelihood(maxima[0]).value
    found = _on_scale(likelihood, maxima, unit, p, unselected)
    return replace(found, higher=float(rise)) if rise > _RISE else found


def _distinct(likelihood: Likelihood, tops: list[Array]) -> list[Array]:
    """Different maxima, the highest first."""
    kept: list[Array] = []
    for top in sorted(tops, key=lambda t: -likelihood(t).value):
        if not any(np.allclose(top, other, rtol=1e-4, atol=1e-5) for other in kept):
            kept.append(top)
    return kept


def _starts(beta: Array, tau2: float, d: int) -> list[Array]:
    """Unselected estimates and ones drawn to zero, with several weights."""
    starts = []
    for shrink, weight in ((1.0, 1.0), (0.8, 0.3), (0.3, 0.1), (1.2, 3.0)):
        for variance in (tau2, tau2 + 0.5, 0.1 * tau2):
            starts.append(np.concatenate([shrink * beta, [variance], np.full(d, weight)]))
        if d == 0:
            break
    return starts


def climb(
    likelihood: Likelihood,
    start: Array,
    p: int,
    furthest: float = 1e6,
    lost: list[float] | None = None,
) -> Array | None:
    """Newton's method from one start; None where it runs away or crawls.

    Parameters
    ----------
    likelihood : callable
        Value, scores and Hessian at ``(beta, tau², weights)``.
    start : ndarray
        Where to begin; `p` coefficients, tau² at least zero, positive weights.
    p : int
        Number of coefficients.
    furthest : float
        Weights further from one than this factor have run away.
    lost : list of float, optional
        Takes the likelihood where a start has run away.
    """
    theta, point = start, likelihood(start)
    for _ in range(_ITERATIONS):
        if not np.isfinite(point.value):
            return None
        if _run_away(theta[p + 1 :], furthest):
            if lost is not None:
                lost.append(point.value)
            return None
        gradient, hessian = _by_log_weights(point, theta, p)
        step = _step(theta, gradient, hessian, p)
        if float(np.abs(gradient @ step)) < _CONVERGED * (1 + abs(point.value)):
            return _moved(theta, step, p) if np.isfinite(step).all() else None
        theta, point, rose = _halved(likelihood, theta, point, step, p)
        if not rose:
            return theta if float(np.abs(gradient @ step)) < _NEAR else None
    return None


def _run_away(weights: Array, furthest: float) -> bool:
    return bool((weights > furthest).any() or (weights < 1 / furthest).any())


def _by_log_weights(point: LikelihoodPoint, theta: Array, p: int) -> tuple[Array, Array]:
    """Gradient and Hessian by beta, tau² and the logs of the weights."""
    scale = np.concatenate([np.ones(p + 1), theta[p + 1 :]])
    gradient = point.gradient * scale
    hessian = point.hessian * np.outer(scale, scale)
    place = np.arange(p + 1, theta.size)
    hessian[place, place] += gradient[place]
    return gradient, hessian


def _step(theta: Array, gradient: Array, hessian: Array, p: int) -> Array:
    """Uphill step that leaves tau² at zero or above, no longer than allowed."""
    step = np.zeros_like(gradient)
    free = np.ones(gradient.size, dtype=bool)
    free[p] = theta[p] > 0 or gradient[p] > 0
    if not free.any():
        return step
    step[free] = _uphill(gradient[free], hessian[np.ix_(free, free)])
    step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), _LONGEST))
    if theta[p] + step[p] < 0:
        step[p], free[p] = -theta[p], False
        if not free.any():
            return step
        slope = gradient[free] + hessian[free, p] * step[p]
        step[free] = _uphill(slope, hessian[np.ix_(free, free)])
        step[free] *= min(1.0, _LONGEST / max(float(np.abs(step[free]).max()), _LONGEST))
    return step


def _uphill(gradient: Array, hessian: Array) -> Array:
    """Newton's step, with directions of positive curvature turned uphill."""
    values, vectors = np.linalg.eigh(-hessian)
    curvature = np.maximum(np.abs(values), 1e-8 * max(float(np.abs(values).max()), 1e-8))
    step: Array = vectors @ ((vectors.T @ gradient) / curvature)
    return step


def _moved(theta: Array, step: Array, p: int) -> Array:
    moved = theta + step
    moved[p] = max(0.0, moved[p])
    moved[p + 1 :] = theta[p + 1 :] * np.exp(step[p + 1 :])
    return moved


def _halved(
    likelihood: Likelihood, theta: Array, point: LikelihoodPoint, step: Array, p: int
) -> tuple[Array, LikelihoodPoint, bool]:
    """Halve the step until the likelihood does not fall by more than rounding."""
    slack = 1e-13 * (1 + abs(point.value))
    for _ in range(_HALVINGS):
        candidate = _moved(theta, step, p)
        reached = likelihood(candidate)
        if reached.value >= point.value - slack:
            return candidate, reached, True
        step = step / 2
    return theta, point, False


def _on_scale(
    likelihood: Likelihood, maxima: list[Array], unit: float, p: int, unselected: float
) -> SelectionOptimum:
    """Take the maxima of scaled effects back to their own scale."""
    scaled = maxima[0]
    point = likelihood(scaled)
    factor = np.ones(scaled.size)
    factor[:p], factor[p] = unit, unit**2
    free = np.ones(scaled.size, dtype=bool)
    free[p] = scaled[p] > 0
    shift = point.scores.shape[0] * np.log(unit)
    moved = LikelihoodPoint(
        point.value - shift,
        point.scores / factor,
        point.hessian / np.outer(factor, factor),
    )
    lower = tuple((top * factor, point.value - likelihood(top).value) for top in maxima[1:])
    return SelectionOptimum(scaled * factor, moved, unselected - shift, free, lower)
