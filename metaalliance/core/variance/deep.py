"""Likelihood of effects in any number of nested levels and one crossed factor.

The two-component model has its own module (`multilevel`) with the exact observed information;
here the average information of Gilmour, Thompson and Cullis stands in for it, which needs no
traces of products.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray, read_only
from metaalliance.core.variance.ascent import bounded_step
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.levels import LevelCovariance, Term, indicator
from metaalliance.errors import ConvergenceError

MAX_ITERATIONS = 300
ROUNDING = 64 * float(np.finfo(float).eps)
#: Relative steps that may be the rounding of an ill-conditioned score, if they shrink no more.
STALLED = 1e-9
#: Smallest eigenvalue of the information, its diagonal standardised to one.
RIDGE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class DeepData:
    """Effects sorted so that every group of every level is adjacent.

    Attributes
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    X : ndarray, shape (k, p)
        Design matrix.
    own : ndarray, shape (k,)
        Part of the sampling variances on the diagonal: (1 - rho) v for a constant rho.
    sampling : tuple of Term
        Correlated sampling errors, loading sqrt(v), weight rho (per group).
    random : tuple of (str, StudyBlocks)
        Random intercepts by name, from the finest groups to the coarsest.
    factor : ndarray of int, shape (k,), optional
        Level of a crossed random factor.
    """

    yi: Array
    vi: Array
    X: Array
    own: Array
    sampling: tuple[Term, ...] = ()
    random: tuple[tuple[str, StudyBlocks], ...] = ()
    factor: IntArray | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variance components, in the order of theta."""
        crossed = () if self.factor is None else ("crossed",)
        return ("effect", *(name for name, _ in self.random), *crossed)


@dataclass(frozen=True, slots=True, eq=False)
class DeepPoint:
    """The model at one vector of variance components.

    Attributes
    ----------
    theta : ndarray, shape (c,)
        Variances: within groups ("effect"), of each level, of the crossed factor.
    beta, bread : ndarray, shape (p,) and (p, p)
        Coefficients and their model-based covariance.
    u : ndarray, shape (k,)
        S^-1 (yi - X beta).
    """

    theta: Array
    covariance: LevelCovariance = field(repr=False)
    WX: Array = field(repr=False)
    beta: Array
    bread: Array
    u: Array = field(repr=False)
    log_likelihood: float


def covariance_at(data: DeepData, theta: Array) -> LevelCovariance:
    """Build S at `theta`."""
    ones = np.ones_like(data.yi)
    terms = [
        Term(blocks, ones, np.full(blocks.m, theta[1 + index]))
        for index, (_, blocks) in enumerate(data.random)
    ]
    ordered = sorted([*data.sampling, *terms], key=lambda term: -term.blocks.m)
    crossed = 0.0 if data.factor is None else float(theta[-1])
    return LevelCovariance.build(data.own + theta[0], ordered, data.factor, crossed)


def covariance_of(data: DeepData, rows: slice, theta: Array) -> Array:
    """S of some rows."""
    S = covariance_at(data, theta)
    found: Array = np.diag(S.diagonal[rows])
    for term in S.terms:
        group = term.blocks.study[rows]
        loading = term.loading[rows]
        same = group[:, None] == group
        found = found + same * term.weight[group] * np.outer(loading, loading)
    if data.factor is not None:
        level = data.factor[rows]
        found = found + theta[-1] * (level[:, None] == level)
    return found


def evaluate(data: DeepData, theta: Array, *, restricted: bool) -> DeepPoint:
    """Solve the generalised least squares problem at `theta`."""
    S = covariance_at(data, theta)
    WX, Wy = S.solve(data.X), S.solve(data.yi)
    bread: Array = np.asarray(np.linalg.inv(WX.T @ data.X), dtype=np.float64)
    beta = bread @ (WX.T @ data.yi)
    u = Wy - WX @ beta
    k, p = data.X.shape
    rss = float((data.yi - data.X @ beta) @ u)
    value = -0.5 * (k * np.log(2 * np.pi) + S.log_determinant + rss)
    if restricted:
        _, log_bread = np.linalg.slogdet(bread)
        _, log_xtx = np.linalg.slogdet(data.X.T @ data.X)
        value += 0.5 * (p * np.log(2 * np.pi) + log_bread + log_xtx)
    for array in (WX, beta, bread, u):
        array.setflags(write=False)
    return DeepPoint(read_only(theta), S, WX, beta, bread, u, float(value))


def score_and_average_information(
    data: DeepData, point: DeepPoint, *, restricted: bool
) -> tuple[Array, Array]:
    """Return the score (c,) and the average information (c, c).

    References
    ----------
    Gilmour AR, Thompson R, Cullis BR (1995). Biometrics 51, 1440-1450, equation 7.
    """
    S, u, WX, G = point.covariance, point.u, point.WX, point.bread
    quadratics, traces, columns = [float(u @ u)], [S.trace()], [u]
    corrections = [float(np.sum(G * (WX.T @ WX)))]
    for _, blocks in data.random:
        sums, xw = blocks.sums(u), blocks.sums(WX)
        quadratics.append(float(sums @ sums))
        traces.append(S.trace_within(blocks))
        columns.append(blocks.spread(sums))
        corrections.append(float(np.sum(G * (xw.T @ xw))))
    if data.factor is not None:
        Z = indicator(data.factor)
        Zu, ZWX = Z.T @ u, Z.T @ WX
        quadratics.append(float(Zu @ Zu))
        traces.append(float(np.sum(Z * S.solve(Z))))
        columns.append(Z @ Zu)
        corrections.append(float(np.sum(G * (ZWX.T @ ZWX))))
    Q = np.column_stack(columns)
    XWQ = WX.T @ Q
    information = 0.5 * (Q.T @ S.solve(Q) - XWQ.T @ G @ XWQ)
    removed = np.array(traces) - (np.array(corrections) if restricted else 0.0)
    floor = removed**2 / (2 * data.yi.size)
    return 0.5 * (np.array(quadratics) - removed), _positive(information, floor)


def _positive(information: Array, floor: Array) -> Array:
    """Return the average information, lifted where residuals near zero leave it singular.

    The expected information of a component is at least the square of its trace over 2 k
    (Cauchy and Schwarz).
    """
    scale = np.sqrt(np.maximum(np.diag(information), floor))
    standard = information / np.outer(scale, scale)
    lift = RIDGE - float(np.linalg.eigvalsh(standard).min())
    if lift <= 0:
        return information
    lifted: Array = information + lift * np.diag(scale**2)
    return lifted


def maximize(
    data: DeepData, *, restricted: bool, start: Array | None = None, held: BoolArray | None = None
) -> DeepPoint:
    """Climb to the optimum over the variance components.

    Average-information steps that stay inside the boundary (`bounded_step`), halved until the
    likelihood does not fall; a component at zero whose score points outwards is held there.

    Parameters
    ----------
    start : ndarray, shape (c,), optional
        Where to begin; by default the excess variance in equal parts, and the whole of it in
        each component in turn, since the likelihood can have several maxima.
    held : ndarray of bool, shape (c,), optional
        Components that stay at their start (the inner problem of a profile).

    Raises
    ------
    ConvergenceError
        When the optimum is not reached.
    """
    starts = _starts(data) if start is None else [start]
    fixed = np.zeros(len(data.names), dtype=bool) if held is None else held
    points = [_ascend(data, begin, fixed, restricted=restricted) for begin in starts]
    best = points[0]
    for point in points[1:]:
        slack = 1e-12 * (data.yi.size + abs(best.log_likelihood))
        if point.log_likelihood > best.log_likelihood + slack:
            best = point
    return best


def _ascend(data: DeepData, start: Array, fixed: BoolArray, *, restricted: bool) -> DeepPoint:
    """Climb from one start, until steps are rounding or stop shrinking near it."""
    previous = np.inf
    point = evaluate(data, start, restricted=restricted)
    scale = data.yi.size / float(np.sum(1 / data.vi))
    for _ in range(MAX_ITERATIONS):
        score, information = score_and_average_information(data, point, restricted=restricted)
        free = ~fixed & ~((point.theta <= 0) & (score <= 0))
        if not free.any():
            return point
        step = np.zeros_like(point.theta)
        step[free] = bounded_step(point.theta[free], score[free], information[np.ix_(free, free)])
        reached = _climb(data, point, step, restricted=restricted)
        moved = float(np.abs(reached.theta - point.theta).max())
        point = reached
        size = float(point.theta.max()) + scale
        if moved <= ROUNDING * size or 0.9 * previous <= moved <= STALLED * size:
            return point
        previous = moved
    raise ConvergenceError("The variance components did not converge.")


def _starts(data: DeepData) -> list[Array]:
    """Excess variance, at least a tenth of the sampling variance: in equal parts, in one part."""
    residuals = data.yi - data.X @ np.linalg.lstsq(data.X, data.yi, rcond=None)[0]
    typical = float(np.median(data.vi))
    excess = max(float(np.mean(residuals**2)) - typical, 0.1 * typical)
    count = len(data.names)
    return [np.full(count, excess / count), *(excess * np.eye(count))]


def _climb(data: DeepData, point: DeepPoint, step: Array, *, restricted: bool) -> DeepPoint:
    """Move along `step`, halved until the likelihood does not fall by more than rounding."""
    slack = 1e-13 * (data.yi.size + abs(point.log_likelihood))
    for _ in range(60):
        theta = np.maximum(point.theta + step, 0.0)
        candidate = evaluate(data, theta, restricted=restricted)
        if candidate.log_likelihood >= point.log_likelihood - slack:
            return candidate
        step = step / 2
    return point
