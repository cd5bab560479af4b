"""Statistics of the replications of a wild bootstrap, for given weights of studies.

Effects enter as deviations from the fitted values of the null model: these lie in the column space
of the design, so that neither residuals nor C beta depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.forms import quadratic_forms
from metaalliance.core.inference.robust import (
    adjustment,
    information_of_others,
    residuals,
    small_sample_factor,
    uniform_clusters,
)
from metaalliance.core.inference.wald import (
    htz_test,
    influence,
    robust_q,
    rounding_floor,
)
from metaalliance.core.variance.estimator import Estimator
from metaalliance.core.variance.many.variants import Points
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint, evaluate

#: Numbers held at once: batches of replications are cut to it.
CELLS = 4_000_000


def one_statistic(
    data: MultilevelData, point: MultilevelPoint, C: Array, kind: str, test: str
) -> float:
    """Q / q of a fitted model, or F of the approximate Hotelling test."""
    if test == "htz":
        return htz_test(data, point, C, kind).statistic
    Q = robust_q(data, point, C, influence(data, point, C, kind))
    return Q / int(C.shape[0])


# Components estimated anew ---------------------------------------------------------------------


def refitted_statistics(
    data: MultilevelData,
    point: MultilevelPoint,
    C: Array,
    draws: Array,
    estimator: Estimator,
    *,
    adjust: str,
    kind: str,
    test: str,
) -> Array:
    """Statistics of the full model fitted to the replications of `draws` (n, m), shape (n,).

    NaN where the variance components did not arrive or the covariance is singular. Parameters are
    those of `wild_bootstrap_test`; the climbs begin at the components of `point`.
    """
    e = null_residuals(data, C, estimator, adjust)
    found, each = [], test == "htz" or kind == "cr2"
    made, Y = replace(data, yi=e), (draws[:, data.blocks.study] * e).T
    for points in estimator.refit(made, Y, point.theta, draws):
        if each:
            found.append(_one_by_one(data, points, C, estimator, kind, test))
        else:
            factor = small_sample_factor(kind, data.blocks.m, *data.X.shape)
            found.append(_together(points, C) / factor)
    return np.concatenate(found)


def null_residuals(data: MultilevelData, C: Array, estimator: Estimator, adjust: str) -> Array:
    """Residuals of the model with C beta = 0, its variance components estimated, shape (k,)."""
    columns = np.linalg.svd(C)[2][C.shape[0] :].T
    if not columns.shape[1]:
        return data.yi
    null = replace(data, X=data.X @ columns)
    point = estimator.fit(null)
    e = residuals(null, point)
    return _adjusted(null, point, e) if adjust == "cr2" else e


def _together(points: Points, C: Array) -> Array:
    """Q / q with the CR0 covariance of every fit."""
    blocks, q = points.variants.structure.clusters, C.shape[0]
    MC, e = points.bread @ C.T, points.residuals
    noise = 1e-12 * np.abs(points.variants.yi).max(axis=0)
    scores, floor = [], []
    for s in range(q):
        g = points.solved.times(MC[:, :, s])
        scores.append(blocks.sums(g * e))
        floor.append(np.sum((noise * blocks.sums(np.abs(g))) ** 2, axis=0))
    V = np.einsum("smr,tmr->rst", np.stack(scores), np.stack(scores))
    return np.asarray(quadratic_forms(points.beta @ C.T, V, np.stack(floor, axis=1)) / q)


def _one_by_one(
    data: MultilevelData, points: Points, C: Array, estimator: Estimator, kind: str, test: str
) -> Array:
    """Statistics with adjustment matrices, which every fit has of its own."""
    found = np.full(points.variants.size, np.nan)
    for row, theta in enumerate(points.theta):
        if np.isfinite(theta).all():
            own = replace(data, yi=points.variants.yi[:, row])
            point = evaluate(own, theta, restricted=estimator.restricted)
            found[row] = one_statistic(own, point, C, kind, test)
    return found


# Components held -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """What a replication needs of each study.

    With weights n_j the coefficients move from the restricted ones by d = M sum n_j g_j, and
    study j contributes n_j r_j - L_j'd to the scores of the sandwich.
    """

    C: Array
    M: Array
    g: Array  # X_j'W_j e_j, shape (m, p)
    r: Array  # G_j'e_j, shape (m, q)
    L: Array  # X_j'G_j, shape (p, m, q)
    floor: Array  # variances at the level of rounding, shape (q,)


def held_statistics(
    data: MultilevelData,
    point: MultilevelPoint,
    C: Array,
    draws: Array,
    *,
    adjust: str,
    kind: str,
    test: str = "wald",
) -> Array:
    """Statistics of the replications of `draws` (n, m) at the components of `point`, shape (n,)."""
    G = influence(data, point, C, kind)
    found = _statistics(_parts(data, point, C, G, adjust), draws)
    if test == "htz":  # the degrees of freedom of its covariance are those of the fitted model
        df2 = htz_test(data, point, C, kind).df2
        found = found * df2 / (df2 + C.shape[0] - 1)
    return found


def _parts(data: MultilevelData, point: MultilevelPoint, C: Array, G: Array, adjust: str) -> _Parts:
    """Reduce effects and residuals under the null to sums of each study."""
    restricted = _restricted(point, C)
    e = residuals(data, restricted)
    if adjust == "cr2":
        e = _adjusted(data, restricted, e)
    sums = data.blocks.sums
    L = np.stack([sums(data.X[:, [a]] * G) for a in range(data.X.shape[1])])
    g, r = sums(point.WX * e[:, None]), sums(G * e[:, None])
    return _Parts(C, point.bread, g, r, L, rounding_floor(data, G))


def _restricted(point: MultilevelPoint, C: Array) -> MultilevelPoint:
    """Impose C beta = 0: b - M C'(C M C')^-1 C b, and M less M C'(C M C')^-1 C M."""
    MC = point.bread @ C.T
    shrink = MC @ np.linalg.inv(C @ MC)
    beta, bread = point.beta - shrink @ (C @ point.beta), point.bread - shrink @ MC.T
    return point.with_coefficients(beta, bread)


def _adjusted(data: MultilevelData, restricted: MultilevelPoint, e: Array) -> Array:
    """Residuals times the CR2 adjustment matrix of their study under the restricted model.

    Where it multiplies a constant vector (`uniform_clusters`) it acts on the mean residual only.
    """
    blocks = data.blocks
    others = information_of_others(blocks, data.X, restricted.WX)
    uniform, factor = uniform_clusters(data, restricted, others)
    adjusted: Array = e + blocks.spread((factor - 1) * blocks.sums(e) / blocks.sizes)
    for rows in blocks.of_one_size(~uniform):
        S = restricted.covariance.dense_blocks(rows)
        rest = others[blocks.study[rows[:, 0]]]
        A = adjustment(S, data.X[rows], restricted.bread, rest)
        adjusted[rows] = np.einsum("cij,cj->ci", A, e[rows])
    return adjusted


def _statistics(parts: _Parts, draws: Array) -> Array:
    """Q / q of each row of `draws` (n, m); NaN where the covariance is singular."""
    p, m, q = parts.L.shape
    L = parts.L.reshape(p, m * q)
    found = []
    for batch in np.array_split(draws, -(-draws.shape[0] * m * q // CELLS)):
        moved = batch @ parts.g @ parts.M
        scores = batch[:, :, None] * parts.r - (moved @ L).reshape(-1, m, q)
        V = scores.transpose(0, 2, 1) @ scores
        found.append(quadratic_forms(moved @ parts.C.T, V, parts.floor) / q)
    return np.concatenate(found)
