"""Likelihood of effects with a structured covariance, its score and its information."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray, read_only
from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.designs.disjoint import Disjoint, DisjointPoint
from metaalliance.core.variance.levels import LevelCovariance
from metaalliance.core.variance.means.mean_variants import MeanPoint, MeanVariants, constant
from metaalliance.core.variance.people import People
from metaalliance.core.variance.products import trace_products
from metaalliance.core.variance.solved import Solved
from metaalliance.core.variance.structure import Covariance, Nested, Structure

#: Groups of effects, each with a coefficient, above which sums by group replace matrices.
MANY_GROUPS = 20

#: Smallest eigenvalue of an average information, its diagonal standardised to one.
RIDGE = 1e-6

#: Step of a difference of the score by the logarithm of a variance.
STEP = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class MultilevelData:
    """Effects sorted so that every group of every nested level is adjacent.

    Attributes
    ----------
    yi : ndarray, shape (k,)
        Effects.
    X : ndarray, shape (k, p)
        Design matrix.
    structure : Structure
        Their covariance as a function of the variance components.
    order : ndarray of int, shape (k,)
        Place of each row before the effects were sorted.
    """

    yi: Array
    X: Array
    structure: Structure
    order: IntArray = field(repr=False)
    _disjoint: list[Disjoint | None] = field(default_factory=list, init=False, repr=False)
    _means: list[MeanVariants | None] = field(default_factory=list, init=False, repr=False)

    @property
    def disjoint(self) -> Disjoint | None:
        """The design as disjoint groups of whole clusters, where it is one."""
        if not self._disjoint:
            found = None if self.structure.crossed else Disjoint.of(self.X)
            self._disjoint.append(found if found and found.holds(self.blocks) else None)
        return self._disjoint[0]

    @property
    def means(self) -> MeanVariants | None:
        """The effects as means of studies, where the design is constant within studies.

        None where its matrices would be large and its groups need none.
        """
        if not self._means:
            large = self.X.shape[1] > MANY_GROUPS and self.disjoint is not None
            found = None if large else MeanVariants.of(self.structure, self.yi, self.X)
            self._means.append(found)
        return self._means[0]

    @property
    def vi(self) -> Array:
        """Sampling variances, shape (k,)."""
        return self.structure.vi

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variance components, in the order of theta."""
        return self.structure.names

    @property
    def blocks(self) -> StudyBlocks:
        """Clusters of the robust tests: groups of the coarsest nested level."""
        return self.structure.clusters

    def subset(self, keep: BoolArray) -> MultilevelData:
        """Return the rows that are kept (k,), with the groups that they belong to."""
        rows = np.flatnonzero(keep).astype(np.intp)
        order = np.empty(rows.size, dtype=np.intp)
        order[np.argsort(self.order[rows], kind="stable")] = np.arange(rows.size)
        return MultilevelData(self.yi[rows], self.X[rows], self.structure.take(rows), order)


@dataclass(frozen=True, slots=True, eq=False)
class MultilevelPoint:
    """The model at one vector of variance components.

    Attributes
    ----------
    theta : ndarray, shape (c,)
        Variance components.
    beta, bread : ndarray, shape (p,) and (p, p)
        Generalised least squares coefficients and their model-based covariance.
    log_likelihood : float
        Restricted or full, as asked for.
    k : int
        Number of effects.
    solved : Solved
        The covariance, and what has a number for each effect.
    disjoint : DisjointPoint, optional
        Coefficients and bread where the design is of disjoint groups.
    """

    theta: Array
    beta: Array
    bread: Array
    log_likelihood: float
    k: int
    solved: Solved = field(repr=False)
    disjoint: DisjointPoint | None = field(default=None, repr=False)

    @property
    def covariance(self) -> Covariance:
        """S, ready to be solved with."""
        return self.solved.covariance

    @property
    def u(self) -> Array:
        """S^-1 (yi - X beta), shape (k,)."""
        return self.solved.u

    @property
    def WX(self) -> Array:
        """S^-1 X, shape (k, p); of disjoint groups it is made when it is asked for."""
        WX = self.solved.WX
        return self.solved.keep(self._dense()) if WX is None else WX

    def weights(self) -> Array:
        """Weights of the effects in the first coefficient, shape (k,), one together."""
        first = self.solved.first_once()
        if first is None:
            first = self._dense()[:, 0]
        return np.asarray(first / first.sum())

    def _dense(self) -> Array:
        assert self.disjoint is not None
        return self.disjoint.design.dense(self.disjoint.solved)

    def with_coefficients(self, beta: Array, bread: Array) -> MultilevelPoint:
        """Return the model with other coefficients and another covariance of them."""
        own = self.solved.with_design(self.WX)
        return replace(self, beta=beta, bread=bread, solved=own, disjoint=None)


def nested_data(yi: Array, vi: Array, X: Array, blocks: StudyBlocks, rho: float) -> MultilevelData:
    """Return effects in studies, sorted by study, with one correlation of sampling errors.

    Parameters
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
    order = np.arange(yi.size, dtype=np.intp)
    return MultilevelData(yi, X, Nested(vi, blocks, People.same(blocks), rho), order)


def fitted_values(data: MultilevelData, point: MultilevelPoint) -> Array:
    """X beta, shape (k,)."""
    return data.X @ point.beta if point.disjoint is None else point.disjoint.fitted


def evaluate_lazily(data: MultilevelData, point: MeanPoint) -> MultilevelPoint:
    """Return the model where the means of studies have solved the least squares problem."""
    theta, beta, bread = (
        read_only(x) for x in (point.theta, point.points.beta[0], point.points.bread[0])
    )
    solved = Solved(data, theta, beta)
    return MultilevelPoint(theta, beta, bread, point.log_likelihood, point.k, solved)


def evaluate(data: MultilevelData, theta: Array, *, restricted: bool) -> MultilevelPoint:
    """Solve the generalised least squares problem at `theta` (c,)."""
    covariance = data.structure.at(theta)
    Wy = covariance.solve(data.yi)
    if data.disjoint is not None:
        return _evaluate_groups(data, data.disjoint, covariance, Wy, theta, restricted=restricted)
    WX = covariance.solve(data.X)
    bread: Array = np.asarray(np.linalg.inv(WX.T @ data.X), dtype=np.float64)
    beta = bread @ (WX.T @ data.yi)
    u = Wy - WX @ beta
    rss = float((data.yi - data.X @ beta) @ u)
    logs = (0.0, 0.0)
    if restricted:
        logs = (np.linalg.slogdet(bread)[1], np.linalg.slogdet(data.X.T @ data.X)[1])
    value = _likelihood(data, covariance, rss, logs, restricted=restricted)
    for array in (WX, beta, bread, u):
        array.setflags(write=False)
    solved = Solved.known(covariance, WX, u)
    return MultilevelPoint(read_only(theta), beta, bread, value, u.size, solved)


def _evaluate_groups(
    data: MultilevelData,
    design: Disjoint,
    covariance: Covariance,
    Wy: Array,
    theta: Array,
    *,
    restricted: bool,
) -> MultilevelPoint:
    """Solve the problem where each effect has one coefficient, and each cluster."""
    at = DisjointPoint.of(design, data.yi, covariance.solve(design.x))
    u = Wy - at.solved_fitted
    rss = float((data.yi - at.fitted) @ u)
    logs = at.log_determinants() if restricted else (0.0, 0.0)
    value = _likelihood(data, covariance, rss, logs, restricted=restricted)
    bread = np.diag(at.bread)
    for array in (at.beta, bread, u):
        array.setflags(write=False)
    solved = Solved.known(covariance, None, u)
    return MultilevelPoint(read_only(theta), at.beta, bread, value, u.size, solved, at)


def _likelihood(
    data: MultilevelData,
    covariance: Covariance,
    rss: float,
    logs: tuple[float, float],
    *,
    restricted: bool,
) -> float:
    """Log-likelihood from the residuals, and log-determinants of the bread and of X'X."""
    value = constant(*data.X.shape, restricted=restricted)
    value -= 0.5 * (covariance.log_determinant + rss - sum(logs))
    return float(value)


def score_and_information(
    data: MultilevelData, point: MultilevelPoint, *, restricted: bool
) -> tuple[Array, Array, Array | None]:
    """Return the score (c,), an information (c, c) and the expected one, if it costs little.

    With P the usual projection and A_a the derivative of S by parameter a, the score is
    ``(y'P A_a P y - tr P A_a) / 2``, the expected information ``tr(P A_a P A_b) / 2`` and
    the observed one ``y'P A_a P A_b P y`` less the expected [1]_, and, where S is not linear in
    the parameters, less ``(y'P A_ab P y - tr P A_ab) / 2``. For ML the traces are
    those of S^-1 in place of P. Where no traces of products are at hand, the average of observed
    and expected information of a linear S, which needs none, stands in for the observed one [2]_;
    where S is not linear it stands in for the expected one.

    References
    ----------
    .. [1] Searle et al. (1992).
    .. [2] Gilmour et al. (1995).
    """
    at = _slope_of(data, point, restricted=restricted)
    slopes = data.structure.slopes(point.theta)
    products, bend = point.covariance.products(slopes), data.structure.bend(point.theta, at.excess)
    if products is not None:
        expected = 0.5 * (_restricted(data, point, slopes, products) if restricted else products)
        return at.score, 2 * at.average - expected - 0.5 * bend, expected
    average = lifted(at.average, at.traces**2 / (2 * data.yi.size))
    if isinstance(bend, float):
        return at.score, average, None
    return at.score, _differences(data, point, average, restricted=restricted), average


class _SlopeOf(NamedTuple):
    """Score (c,), average information (c, c), traces (c,), and u² less tr P of groups (m,)."""

    score: Array
    average: Array
    traces: Array
    excess: list[Array]


def _slope_of(data: MultilevelData, point: MultilevelPoint, *, restricted: bool) -> _SlopeOf:
    S, levels = point.covariance, data.structure.levels
    slopes = data.structure.slopes(point.theta)
    sums = [groups.sums(point.u) for groups in levels]
    along = [(a, weight * sums[a]) for a, weight in slopes]
    Q = np.column_stack([levels[a].spread(s) for a, s in along])
    WQ = np.column_stack([S.solve_level(a, s) for a, s in along])
    average = 0.5 * (Q.T @ WQ - _fitted_part(point, Q))
    diagonals = _diagonals(data, point, restricted=restricted)
    excess = [s**2 - d for s, d in zip(sums, diagonals, strict=True)]
    score = 0.5 * np.array([weight @ excess[a] for a, weight in slopes])
    traces = np.array([weight @ diagonals[a] for a, weight in slopes])
    return _SlopeOf(score, average, traces, excess)


def _fitted_part(point: MultilevelPoint, Q: Array) -> Array:
    """Q'S^-1 X (X'S^-1 X)^-1 X'S^-1 Q of columns Q (k, c), shape (c, c)."""
    if point.disjoint is None:
        XWQ = point.WX.T @ Q
        return np.asarray(XWQ.T @ point.bread @ XWQ)
    at = point.disjoint
    XWQ = at.design.sums(at.solved[:, None] * Q)
    return np.asarray(XWQ.T @ (at.bread[:, None] * XWQ))


def _differences(
    data: MultilevelData, point: MultilevelPoint, average: Array, *, restricted: bool
) -> Array:
    """Observed information from differences of the score, extrapolated to a step of zero.

    Rows of variances too near to zero for a step to either side are those of the average.
    """
    theta, found = point.theta, np.full_like(average, np.nan)
    typical = data.yi.size / float(np.sum(1 / data.vi))
    bounded = np.isfinite(data.structure.lowest)
    sizes = STEP * np.where(bounded, np.maximum(theta, 0.01 * typical), 1.0)

    def change(a: int, step: float) -> Array:
        scores = []
        for side in (-step, step):
            end = theta.copy()
            end[a] += side
            at = evaluate(data, end, restricted=restricted)
            scores.append(_slope_of(data, at, restricted=restricted).score)
        return np.asarray((scores[0] - scores[1]) / (2 * step), dtype=np.float64)

    for a, step in enumerate(sizes):
        if not bounded[a] or theta[a] > 2 * step:
            found[a] = (4 * change(a, step) - change(a, 2 * step)) / 3
    symmetric = (found + found.T) / 2
    return np.where(np.isnan(symmetric), average, symmetric)


def expected_information(
    data: MultilevelData, point: MultilevelPoint, *, restricted: bool
) -> Array:
    """Return ``tr(P A_a P A_b) / 2``, shape (c, c), S^-1 in place of P for ML."""
    slopes = data.structure.slopes(point.theta)
    products = point.covariance.products(slopes)
    if products is None:
        assert isinstance(point.covariance, LevelCovariance)
        products = trace_products(point.covariance, slopes)
    return 0.5 * (_restricted(data, point, slopes, products) if restricted else products)


def _diagonals(data: MultilevelData, point: MultilevelPoint, *, restricted: bool) -> list[Array]:
    """Diagonals of Z_a'P Z_a, of Z_a'S^-1 Z_a for ML, (m,) each level."""
    found = []
    for a, groups in enumerate(data.structure.levels):
        diagonal = point.covariance.diagonal(a)
        if restricted and point.disjoint is not None:
            at = point.disjoint
            own = at.bread[at.design.codes[groups.first]]
            diagonal = diagonal - own * groups.sums(at.solved) ** 2
        elif restricted:
            x = groups.sums(point.WX)
            diagonal = diagonal - np.sum((x @ point.bread) * x, axis=1)
        found.append(diagonal)
    return found


def _restricted(
    data: MultilevelData, point: MultilevelPoint, slopes: Sequence[Slope], products: Array
) -> Array:
    """Turn traces of S^-1 A_a S^-1 A_b into traces of P A_a P A_b."""
    if point.disjoint is not None:
        return _restricted_groups(data, point, point.disjoint, slopes, products)
    G, levels = point.bread, data.structure.levels
    plain = [groups.sums(point.WX) for groups in levels]
    sums = [weight[:, None] * plain[a] for a, weight in slopes]
    solved = [point.covariance.solve_level(s.level, x) for s, x in zip(slopes, sums, strict=True)]
    GM = [G @ (plain[s.level].T @ x) for s, x in zip(slopes, sums, strict=True)]
    found = products.copy()
    for a in range(len(slopes)):
        for b in range(a, len(slopes)):
            N = float(np.sum(G * (sums[a].T @ levels[slopes[a].level].sums(solved[b]))))
            found[a, b] += float(np.sum(GM[a] * GM[b].T)) - 2 * N
            found[b, a] = found[a, b]
    return found


def _restricted_groups(
    data: MultilevelData,
    point: MultilevelPoint,
    at: DisjointPoint,
    slopes: Sequence[Slope],
    products: Array,
) -> Array:
    """What `_restricted` returns, with every matrix of coefficients diagonal."""
    levels, design = data.structure.levels, at.design
    codes = [design.codes[groups.first] for groups in levels]
    plain = [groups.sums(at.solved) for groups in levels]
    sums = [weight * plain[a] for a, weight in slopes]
    solved = [point.covariance.solve_level(s.level, x) for s, x in zip(slopes, sums, strict=True)]
    GM = [
        at.bread * design.sums(plain[s.level] * x, codes[s.level])
        for s, x in zip(slopes, sums, strict=True)
    ]
    found = products.copy()
    for a, one in enumerate(slopes):
        for b in range(a, len(slopes)):
            across = sums[a] * levels[one.level].sums(solved[b])
            N = float(at.bread @ design.sums(across, codes[one.level]))
            found[a, b] += float(GM[a] @ GM[b]) - 2 * N
            found[b, a] = found[a, b]
    return found


def lifted(information: Array, floor: Array) -> Array:
    """Return average informations, lifted where residuals near zero leave them singular.

    The expected information of a component is at least the square of its trace over 2 k
    (Cauchy and Schwarz).

    Parameters
    ----------
    information : ndarray, shape (..., c, c)
        One, or one for each variant.
    floor : ndarray, shape (..., c)
        The least that its diagonal counts for.
    """
    scale = np.sqrt(np.maximum(np.diagonal(information, axis1=-2, axis2=-1), floor))
    standard = information / (scale[..., :, None] * scale[..., None, :])
    lift = np.maximum(0.0, RIDGE - np.linalg.eigvalsh(standard)[..., :1])
    found: Array = information + (lift * scale**2)[..., None] * np.eye(scale.shape[-1])
    return found
