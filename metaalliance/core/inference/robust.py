"""Cluster-robust covariance with small-sample corrections, for block models.

The adjustment matrices are those of Pustejovsky and Tipton with the working covariance
as target and its inverse as weights, which is what clubSandwich computes for metafor's
models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.inference.group_means import Differences, VarianceMoments, squares
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.designs.disjoint import DisjointPoint, earlier
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.errors import OptionError

KINDS = ("cr0", "cr1", "cr1s", "cr2")
#: Eigenvalue of the hat matrix of a study from which on it determines a combination alone.
SATURATED = 1 - 1e-8
#: Share of a study's information that others must add before its residuals can be inflated.
SINGULAR = 1e-12
#: Share of its own from which on what a study leaves is taken from the others, not from 1.
HEAVY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class RobustCovariance:
    """A sandwich covariance of the coefficients.

    Attributes
    ----------
    covariance : ndarray, shape (p, p)
        Cluster-robust covariance of beta.
    df : ndarray, shape (p,)
        Satterthwaite degrees of freedom of each coefficient.
    """

    covariance: Array
    df: Array


def robust_covariance(data: MultilevelData, point: MultilevelPoint, kind: str) -> RobustCovariance:
    """Return the CR0, CR1 or CR2 covariance with Satterthwaite degrees of freedom.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        The effects and the fitted model; clusters are the groups of its coarsest level.
    kind : {"cr0", "cr1", "cr1s", "cr2"}
        No correction; times m / (m - 1); times m (k - 1) / ((m - 1)(k - p)), as in Stata;
        bias-reduced linearisation.

    References
    ----------
    Bell and McCaffrey (2002); Pustejovsky and Tipton (2018).
    """
    refuse_crossed(data)
    H = influence_rows(data, point, kind)
    scores = data.blocks.sums(H * residuals(data, point)[:, None])
    if point.disjoint is not None:
        at = point.disjoint
        variances = at.design.sums(scores[:, 0] ** 2, at.design.codes[data.blocks.starts])
        df = VarianceMoments.of(data, point, at, H[:, 0]).df(np.eye(variances.size))
        return RobustCovariance(np.diag(variances), df)
    df = satterthwaite(data.blocks, data.X, point.bread, H, point.covariance.multiply)
    return RobustCovariance(scores.T @ scores, df)


def refuse_crossed(data: MultilevelData) -> None:
    """Refuse robust inference where a crossed factor links all clusters."""
    if data.structure.crossed:
        raise OptionError(
            f"A crossed factor ({data.structure.crossed}) leaves no independent clusters: use "
            "test='t' or 'wald'."
        )


def residuals(data: MultilevelData, point: MultilevelPoint) -> Array:
    """Return yi - X beta, shape (k,), with beta refined once.

    The residual of an effect that nearly determines beta is smaller than the rounding of
    beta; the coefficients of the residuals themselves take that out.
    """
    if point.disjoint is not None:
        return point.disjoint.residuals_of(data.yi - point.disjoint.fitted)
    e = data.yi - data.X @ point.beta
    refined: Array = e - data.X @ (point.bread @ (point.WX.T @ e))
    return refined


def small_sample_factor(kind: str, m: int, k: int, p: int) -> float:
    """Factor of a robust covariance from `m` studies, `k` effects and `p` coefficients.

    Raises
    ------
    OptionError
        For anything but "cr0", "cr1", "cr1s" and "cr2".
    """
    if kind not in KINDS:
        raise OptionError(f"kind is {kind!r}; allowed are {', '.join(KINDS)}.")
    if kind == "cr1" and m > 1:
        return m / (m - 1)
    if kind == "cr1s" and m > 1 and k > p:
        return m * (k - 1) / ((m - 1) * (k - p))
    return 1.0


def satterthwaite(
    blocks: StudyBlocks, X: Array, bread: Array, H: Array, multiply: Callable[[Array], Array]
) -> Array:
    """Degrees of freedom of each coefficient under the working model, shape (p,).

    As Satterthwaite (1946) has them. With h_j the rows of `H` of study j, the variance
    estimate is a sum of squares of h_j'e_j whose covariances are
    ``d_ij h_i'S_i h_i - h_i'X_i (X'WX)^-1 X_j'h_j``. Squares
    of pairs i < j are summed, without a term that another one takes back: with one
    study that nearly determines the coefficient they are far smaller than its own.
    """
    df = np.empty(H.shape[1])
    for c in range(H.shape[1]):
        h = H[:, c]
        a = blocks.sums(h * multiply(h))
        b = blocks.sums(X * h[:, None])
        bG = b @ bread
        own = a - np.sum(bG * b, axis=1)
        earlier = np.cumsum(b[:-1, :, None] * b[:-1, None, :], axis=0)
        pairs = np.einsum("ij,ijk,ik->", bG[1:], earlier, bG[1:])
        spread = float(own @ own + 2 * pairs)
        df[c] = float(own.sum()) ** 2 / spread if spread > 0 else np.nan
    return df


@dataclass(frozen=True, slots=True, eq=False)
class Saturation:
    """Studies that determine some combination of the coefficients alone.

    Such a study fits its combination without error, so that a sandwich learns nothing about it.

    Attributes
    ----------
    studies : ndarray of int, shape (s,)
        Their indices.
    share : ndarray, shape (q,)
        Share of the model's variance of each constraint that rests on these combinations.
    """

    studies: IntArray
    share: Array


def saturation(data: MultilevelData, point: MultilevelPoint, C: Array | Differences) -> Saturation:
    """Find what single studies determine alone of the constraints `C` (q, p).

    With RR' the model's covariance of the coefficients, the hat matrix of study j has the
    eigenvalues of R'X_j'W_j X_j R, of which an eigenvector u with the eigenvalue 1 is such a
    combination; c R u squared is its part in the variance of c.
    """
    if point.disjoint is not None:
        return _saturated_groups(data, point.disjoint, C)
    C = C.dense(point.beta.size) if isinstance(C, Differences) else C
    return saturated(data.blocks, data.X, point.WX, point.bread, C)


def saturated(blocks: StudyBlocks, X: Array, WX: Array, bread: Array, C: Array) -> Saturation:
    """What `saturation` returns, from the design X, W X (k, p) and (X'WX)^-1."""
    root, sums = _root(bread), blocks.sums
    left, right = WX @ root, X @ root
    outer = np.stack([sums(left * right[:, [a]]) for a in range(root.shape[0])], axis=1)
    values, vectors = np.linalg.eigh((outer + outer.transpose(0, 2, 1)) / 2)
    alone = values > SATURATED
    along = C @ root
    parts = np.zeros(C.shape[0])
    for j, b in np.argwhere(alone):
        parts += (along @ vectors[j, :, b]) ** 2
    total = np.sum(along**2, axis=1)
    share = np.divide(parts, total, out=np.zeros_like(total), where=total > 0)
    return Saturation(np.flatnonzero(alone.any(axis=1)).astype(np.intp), share)


def _saturated_groups(
    data: MultilevelData, at: DisjointPoint, C: Array | Differences
) -> Saturation:
    """The studies that determine the mean of their group alone."""
    codes = at.design.codes[data.blocks.starts]
    own = at.bread[codes] * data.blocks.sums(at.solved * at.design.x)
    studies = np.flatnonzero(own > SATURATED).astype(np.intp)
    alone = np.zeros_like(at.bread)
    alone[codes[studies]] = at.bread[codes[studies]]
    total = squares(C, at.bread)
    share = np.divide(squares(C, alone), total, out=np.zeros_like(total), where=total > 0)
    return Saturation(studies, share)


class _Seen(NamedTuple):
    """A design as a cluster sees it: all columns, or the one of its group.

    X and S^-1 X have the shape (k, r), (X'S^-1 X)^-1 of each cluster (m or 1, r, r), and `groups`
    (m,) is the group of each cluster where each has its own column.
    """

    X: Array
    WX: Array
    bread: Array
    groups: IntArray | None


def _seen(data: MultilevelData, point: MultilevelPoint) -> _Seen:
    at = point.disjoint
    if at is None:
        return _Seen(data.X, point.WX, point.bread[None], None)
    groups = at.design.codes[data.blocks.starts]
    return _Seen(at.design.x[:, None], at.solved[:, None], at.bread[groups][:, None, None], groups)


def influence_rows(data: MultilevelData, point: MultilevelPoint, kind: str) -> Array:
    """Rows of A W X (X'WX)^-1, shape (k, p), with A the adjustment of each cluster.

    In uniform clusters the adjustment of CR2 only rescales its rows; the others need a singular
    value decomposition each. Of a design of disjoint groups it is the one column, (k, 1), in which
    a row is not zero.
    """
    blocks, seen = data.blocks, _seen(data, point)
    single = seen.bread.shape[0] == 1
    bread = seen.bread[0] if single else blocks.spread(seen.bread[:, 0])
    H: Array = seen.WX @ bread if single else seen.WX * bread
    if kind != "cr2":
        H *= np.sqrt(small_sample_factor(kind, blocks.m, *data.X.shape))
        return H
    others = information_of_others(blocks, seen.X, seen.WX, seen.groups)
    uniform, factor = uniform_clusters(data, point, others)
    H *= blocks.spread(factor)[:, None]
    for rows in blocks.of_one_size(~uniform):
        S, X, own = point.covariance.dense_blocks(rows), seen.X[rows], blocks.study[rows[:, 0]]
        near = seen.bread[0] if single else seen.bread[own]
        H[rows] = adjustment(S, X, near, others[own]) @ H[rows]
    return H


def information_of_others(
    blocks: StudyBlocks, X: Array, WX: Array, groups: IntArray | None = None
) -> Array:
    """Sum of X_i'W_i X_i over all studies i but one, shape (m, p, p), for each study.

    Sums from both ends: the total less a study's own part would leave no digits of the rest
    where the study has nearly all of the information. Where studies have groups (m,), the others
    are those of the group.
    """
    own = np.stack([blocks.sums(X[:, [a]] * WX) for a in range(X.shape[1])], axis=1)
    back = None if groups is None else groups[::-1]
    return earlier(own, groups) + earlier(own[::-1], back)[::-1]


def uniform_clusters(
    data: MultilevelData, point: MultilevelPoint, others: Array
) -> tuple[BoolArray, Array]:
    """Clusters whose adjustment A multiplies a constant vector, and by what, both (m,).

    Where the moderators and the row sums of S are constant, 1 is an eigenvector of S and of
    S - X (X'WX)^-1 X'. With M = (X'WX)^-1 and x a row of the cluster, n x'Mx of its eigenvalue
    rests on the cluster itself; the rest is x'M O M x / x'Mx of it, O being the information of
    the others (m, p, p).
    """
    seen = _seen(data, point)
    blocks, n, first = data.blocks, data.blocks.sizes, data.blocks.starts
    columns = np.column_stack([point.covariance.multiply(np.ones_like(data.yi)), seen.X])
    odd = (columns != blocks.spread(columns[first])).any(axis=1)
    uniform = np.asarray(blocks.sums(odd.astype(float)) == 0)
    X = seen.X[first]
    XM = X @ seen.bread[0] if seen.bread.shape[0] == 1 else X * seen.bread[:, 0]
    along = np.sum(XM * X, axis=1)
    leverage = n * along / columns[first, 0]
    left = 1 - leverage
    by_others = np.einsum("ij,ijk,ik->i", XM, others, XM)
    np.divide(by_others, along, out=left, where=leverage > HEAVY)
    kept = left > SINGULAR
    factor = np.sqrt(np.divide(1.0, left, out=np.zeros(blocks.m), where=kept))
    return uniform, np.where(uniform, factor, 1.0)


def adjustment(S: Array, X: Array, bread: Array, others: Array) -> Array:
    """CR2 adjustment A = L (L'BL)^(-1/2) L' with B = S - X (X'WX)^-1 X' and S = LL'.

    With RR' = (X'WX)^-1 and V = L^-1 X R = P s Q' the middle is L'BL = FF',
    F = L'L (I - VV')^(1/2), and ``(I - VV')^(1/2) = I - P (1 - sqrt(1 - s^2)) P'``. Three things
    keep the digits when variances differ strongly within a study: singular values of F, not
    eigenvalues of FF'; effects in falling order of variance, so that F falls from its first
    row to its last and its small singular values do not drown in the rounding of the large;
    and 1 - s^2 as Q'R' O R Q with the information O of the others where s^2 is near 1. Where B
    is singular the inverse root is that of Moore and Penrose.

    Parameters
    ----------
    S : ndarray, shape (c, n, n)
        Covariances of clusters of one size.
    X : ndarray, shape (c, n, p)
        Their rows of the design matrix.
    bread : ndarray, shape (p, p) or (c, p, p)
        (X'WX)^-1, of each cluster where they differ.
    others : ndarray, shape (c, p, p)
        X'WX without the cluster's own part (`information_of_others`).
    """
    order = np.argsort(-np.diagonal(S, axis1=1, axis2=2), axis=1, kind="stable")
    across = order[:, :, None], order[:, None, :]
    c = np.arange(S.shape[0])[:, None, None]
    L = np.linalg.cholesky(S[c, *across])
    root = _root(bread)
    V = np.linalg.solve(L, np.take_along_axis(X, order[:, :, None], axis=1) @ root)
    P, s, Qt = np.linalg.svd(V, full_matrices=False)
    RQ = root @ Qt.transpose(0, 2, 1)
    left = np.where(s**2 > HEAVY, np.sum(RQ * (others @ RQ), axis=1), 1 - s**2)
    kept = left > SINGULAR
    shrink = 1 - np.sqrt(np.where(kept, left, 0.0))
    LtL = L.transpose(0, 2, 1) @ L
    F = LtL - ((LtL @ P) * shrink[:, None, :]) @ P.transpose(0, 2, 1)
    U, d, _ = np.linalg.svd(F)
    rank = d.shape[1] - np.sum(~kept, axis=1)  # singular values fall along their axis
    used = (np.arange(d.shape[1]) < rank[:, None]) & (d > 0)
    roots = np.divide(1.0, d, out=np.zeros_like(d), where=used)
    LU = L @ U
    adjusted = np.empty_like(S)
    adjusted[c, *across] = (LU * roots[:, None, :]) @ LU.transpose(0, 2, 1)
    return adjusted


def _root(bread: Array) -> Array:
    """Return R with RR' = `bread` (..., p, p), maybe singular; columns of X may differ in scale."""
    diagonal = np.diagonal(bread, axis1=-2, axis2=-1)
    scale = np.sqrt(np.maximum(diagonal, 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(bread / (safe[..., :, None] * safe[..., None, :]))
    root: Array = scale[..., :, None] * vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    return root
