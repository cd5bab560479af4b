"""Likelihood of effects nested in studies: analytic score, information and optimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.variance.ascent import bounded_step
from metaalliance.core.variance.blocks import MarginalCovariance, StudyBlocks
from metaalliance.errors import ConvergenceError

MAX_ITERATIONS = 200
#: Relative steps after which nothing is gained: a Newton step squares the error before it.
ROUNDING = 64 * float(np.finfo(float).eps)
NEWTON_ROUNDING = 1e-9
#: Curvature, relative to the expected one, below which a step is not made longer.
FLATTEST = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class NestedData:
    """Effects sorted by study, with what the model assumes of their sampling errors.

    Attributes
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and their sampling variances.
    X : ndarray, shape (k, p)
        Design matrix.
    blocks : StudyBlocks
        The studies.
    rho : float
        Correlation of the sampling errors within a study; 0 for a diagonal covariance.
    """

    yi: Array
    vi: Array
    X: Array
    blocks: StudyBlocks
    rho: float


@dataclass(frozen=True, slots=True, eq=False)
class NestedPoint:
    """The model at one pair of variance components.

    Attributes
    ----------
    theta : ndarray, shape (2,)
        Variances between studies and between effects within a study.
    beta, bread : ndarray, shape (p,) and (p, p)
        Generalised least squares coefficients and their model-based covariance.
    u : ndarray, shape (k,)
        S^-1 (yi - X beta).
    log_likelihood : float
        Restricted or full, as asked for.
    """

    theta: Array
    covariance: MarginalCovariance
    WX: Array
    beta: Array
    bread: Array
    u: Array
    log_likelihood: float


def evaluate(data: NestedData, theta: Array, *, restricted: bool) -> NestedPoint:
    """Solve the generalised least squares problem at `theta` (2,)."""
    covariance = MarginalCovariance.build(
        data.blocks, data.vi, data.rho, float(theta[0]), float(theta[1])
    )
    WX, Wy = covariance.solve(data.X), covariance.solve(data.yi)
    bread: Array = np.asarray(np.linalg.inv(WX.T @ data.X), dtype=np.float64)
    beta = bread @ (WX.T @ data.yi)
    u = Wy - WX @ beta
    k, p = data.X.shape
    rss = float((data.yi - data.X @ beta) @ u)
    value = -0.5 * (k * np.log(2 * np.pi) + covariance.log_determinant + rss)
    if restricted:
        _, log_bread = np.linalg.slogdet(bread)
        _, log_xtx = np.linalg.slogdet(data.X.T @ data.X)
        value += 0.5 * (p * np.log(2 * np.pi) + log_bread + log_xtx)
    for array in (WX, beta, bread, u):
        array.setflags(write=False)
    return NestedPoint(read_only(theta), covariance, WX, beta, bread, u, float(value))


def score_and_information(
    data: NestedData, point: NestedPoint, *, restricted: bool
) -> tuple[Array, Array, Array]:
    """Return the score (2,), the observed and the expected information (2, 2).

    With P the usual projection and A_a the derivative of S by component a, the score is
    ``(y'P A_a P y - tr P A_a) / 2``, the expected information ``tr(P A_a P A_b) / 2`` and
    the observed one ``y'P A_a P A_b P y`` less the expected [1]_. For ML the traces are
    those of S^-1 in place of P.

    References
    ----------
    .. [1] Searle SR, Casella G, McCulloch CE (1992). Variance Components, section 6.6.
    """
    blocks, cov, u, WX = data.blocks, point.covariance, point.u, point.WX
    w1 = cov.solve(np.ones_like(u))
    q, (trace, trace2) = blocks.sums(w1), cov.traces()
    sums_u, Au = blocks.sums(u), u
    Qu = np.column_stack([blocks.spread(sums_u), Au])
    WQ = cov.solve(Qu)
    XWQ = WX.T @ Qu
    quadratic = Qu.T @ WQ - XWQ.T @ point.bread @ XWQ
    traces1 = np.array([q.sum(), trace])
    cross = float(w1 @ w1)
    traces2 = np.array([[q @ q, cross], [cross, trace2]])
    if restricted:
        traces1, traces2 = _restrict(point, blocks, q, traces1, traces2)
    score = 0.5 * (np.array([sums_u @ sums_u, u @ u]) - traces1)
    return score, quadratic - 0.5 * traces2, 0.5 * traces2


def _restrict(
    point: NestedPoint,
    blocks: StudyBlocks,
    q: Array,
    traces1: Array,
    traces2: Array,
) -> tuple[Array, Array]:
    """Turn traces of S^-1 A into traces of P A."""
    G, WX, cov = point.bread, point.WX, point.covariance
    xw = blocks.sums(WX)  # 1'S^-1 X of each study
    M = (xw.T @ xw, WX.T @ WX)
    GM = (G @ M[0], G @ M[1])
    xww = blocks.sums(cov.solve(WX))
    N = np.array(
        [
            [np.sum(G * ((xw * q[:, None]).T @ xw)), np.sum(G * (xw.T @ xww))],
            [0.0, np.sum(G * (WX.T @ cov.solve(WX)))],
        ]
    )
    N[1, 0] = N[0, 1]
    squares = np.array([[np.sum(GM[a] * GM[b].T) for b in (0, 1)] for a in (0, 1)])
    first = traces1 - np.array([np.trace(GM[0]), np.trace(GM[1])])
    return first, traces2 - 2 * N + squares


def start_values(data: NestedData) -> Array:
    """Return moment estimates of the components, at least a tenth of the sampling variance.

    The spread of residuals within studies less its sampling part starts the component
    within studies; the spread of study means less both starts the one between.
    """
    blocks, rho = data.blocks, data.rho
    residuals = data.yi - data.X @ np.linalg.lstsq(data.X, data.yi, rcond=None)[0]
    n = blocks.sizes.astype(float)
    means = blocks.sums(residuals) / n
    inner = residuals - blocks.spread(means)
    sampling = float(np.mean(data.vi))
    pairs = float(data.yi.size - blocks.m)
    within = float(inner @ inner) / pairs - (1 - rho) * sampling if pairs > 0 else 0.0
    share = float(np.mean(1 / n))
    between = float(np.mean(means**2)) - share * within - (rho + (1 - rho) * share) * sampling
    return np.maximum([between, within], 0.1 * float(np.median(data.vi)))


def highest(points: Sequence[NestedPoint]) -> NestedPoint:
    """Return the point of the largest likelihood, the first of those equal to rounding."""
    best = points[0]
    for point in points[1:]:
        slack = 1e-12 * (point.u.size + abs(best.log_likelihood))
        if point.log_likelihood > best.log_likelihood + slack:
            best = point
    return best


#: Above this number of studies one start is enough; several maxima are a matter of few studies.
MANY_STUDIES = 100


def highest_maximum(data: NestedData, *, restricted: bool) -> NestedPoint:
    """Return the highest of the maxima that are reached from several starts.

    With few studies the likelihood can have a maximum on each boundary: all heterogeneity
    between studies, or all of it within.
    """
    start = start_values(data)
    total = float(start.sum())
    ends = [np.array([total, 0.0]), np.array([0.0, total])]
    starts = [start, *(ends if data.blocks.m <= MANY_STUDIES else [])]
    return highest([maximize(data, s, restricted=restricted) for s in starts])


def maximize(
    data: NestedData,
    start: Array,
    *,
    restricted: bool,
    directions: Array | None = None,
    upper: float = np.inf,
) -> NestedPoint:
    """Climb to the optimum of the likelihood over the variance components.

    Newton steps where the observed information of the free components is positive definite,
    steps by the size of its eigenvalues elsewhere; no step leaves the boundary behind
    (`bounded_step`), and steps are halved until the likelihood does not fall; a component at
    zero whose score points outwards is held there.

    Parameters
    ----------
    start : ndarray, shape (2,)
        Variance components to begin with.
    directions : ndarray, shape (2, c), optional
        Directions in which the components may move (default: both). With one direction
        this is the inner maximisation of a profile likelihood.
    upper : float
        Largest value of any component (used by the profile of their sum).

    Raises
    ------
    ConvergenceError
        When the optimum is not reached.
    """
    B = np.eye(2) if directions is None else directions
    point = evaluate(data, np.asarray(start, float), restricted=restricted)
    scale = data.yi.size / float(np.sum(1 / data.vi))
    for _ in range(MAX_ITERATIONS):
        score, observed, expected = score_and_information(data, point, restricted=restricted)
        step, newton = _free_step(point.theta, B, score, observed, expected, upper)
        if not step.any():
            return point
        reached = _climb(data, point, step, restricted=restricted, upper=upper)
        moved = float(np.abs(reached.theta - point.theta).max())
        point = reached
        if moved <= (NEWTON_ROUNDING if newton else ROUNDING) * (point.theta.max() + scale):
            return point
    raise ConvergenceError("The variance components did not converge.")


def _free_step(
    theta: Array, B: Array, score: Array, observed: Array, expected: Array, upper: float
) -> tuple[Array, bool]:
    """Step along the columns of `B` that may move, and whether it is Newton's own.

    Where the likelihood is not concave the eigenvalues of the observed information, relative to
    the expected one, are taken by their size: scoring steps alone would creep past a point of
    inflection, where the slope is small and the curvature too.
    """
    slope = B.T @ score
    outward = ((theta <= 0)[:, None] & (np.sign(slope) * B < 0)).any(axis=0)
    outward |= ((theta >= upper)[:, None] & (np.sign(slope) * B > 0)).any(axis=0)
    free = B[:, ~outward]
    if not free.shape[1]:
        return np.zeros(2), True
    H = free.T @ observed @ free
    reference = free.T @ expected @ free
    newton = bool(np.linalg.eigvalsh(H).min() > 1e-3 * np.linalg.eigvalsh(reference).min())
    chosen, slope = H if newton else _without_sign(H, reference), slope[~outward]
    if free.shape[1] == 1:  # the climb clips to the boundary
        step: Array = free[:, 0] * (slope[0] / chosen[0, 0])
    else:
        step = bounded_step(theta, slope, chosen)
    return step, newton


def _without_sign(observed: Array, expected: Array) -> Array:
    """Return the observed information with eigenvalues, relative to the expected, by size."""
    L = np.linalg.cholesky(expected)
    inner = np.linalg.solve(L, np.linalg.solve(L, observed).T)
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    root = L @ vectors * np.sqrt(np.clip(np.abs(values), FLATTEST, 1.0))
    return np.asarray(root @ root.T, dtype=np.float64)


def _climb(
    data: NestedData, point: NestedPoint, step: Array, *, restricted: bool, upper: float
) -> NestedPoint:
    """Move along `step`, halved until the likelihood does not fall by more than rounding."""
    slack = 1e-13 * (data.yi.size + abs(point.log_likelihood))
    for _ in range(60):
        theta = np.clip(point.theta + step, 0.0, upper)
        candidate = evaluate(data, theta, restricted=restricted)
        if candidate.log_likelihood >= point.log_likelihood - slack:
            return candidate
        step = step / 2
    return point
