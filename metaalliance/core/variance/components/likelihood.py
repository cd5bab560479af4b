"""Likelihood of effects of several components, its gradient and its information.

With Z_i saying which component each effect of study i is of, the covariance of its effects is
S_i = V_i + Z_i G Z_i' + diag(Z_i w): sampling errors, deviations of the study by component, and of
single effects. Everything is a sum over studies of matrices of the size of G, and no matrix of all
effects is formed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.means.mean_variants import constant
from metaalliance.errors import EstimationError


class Batch(NamedTuple):
    """Studies of one number of effects: rows (c, n), V (c, n, n), Z (c, n, p), X and y."""

    rows: IntArray
    V: Array
    Z: Array
    X: Array
    y: Array


@dataclass(frozen=True, slots=True, eq=False)
class ComponentData:
    """Effects, sorted by study, each of one component.

    Attributes
    ----------
    yi : ndarray, shape (k,)
        Effects.
    X : ndarray, shape (k, x)
        Design matrix.
    codes : ndarray of int, shape (k,)
        Component of each effect, from 0 to p - 1.
    p : int
        Number of components.
    blocks : StudyBlocks
        The studies.
    order : ndarray of int, shape (k,)
        Place of each effect before they were sorted.
    batches : tuple of Batch
        The same by number of effects.
    log_design : float
        log|X'X|.
    """

    yi: Array
    X: Array
    codes: IntArray
    p: int
    blocks: StudyBlocks
    order: IntArray
    batches: tuple[Batch, ...] = field(repr=False)
    log_design: float

    @classmethod
    def build(
        cls,
        yi: Array,
        X: Array,
        codes: IntArray,
        p: int,
        blocks: StudyBlocks,
        order: IntArray,
        dense: Callable[[IntArray], Array],
    ) -> ComponentData:
        """Prepare effects; `dense` gives the sampling covariance (c, n, n) of rows (c, n)."""
        batches, Z = [], np.eye(p)[codes]
        for rows in blocks.of_one_size(np.ones(blocks.m, dtype=bool)):
            batches.append(Batch(rows, dense(rows), Z[rows], X[rows], yi[rows]))
        log_det = float(np.linalg.slogdet(X.T @ X)[1])
        return cls(yi, X, codes, p, blocks, order, tuple(batches), log_det)

    @property
    def typical(self) -> float:
        """Harmonic mean of the sampling variances."""
        inverse = [(1 / np.diagonal(b.V, axis1=1, axis2=2)).sum() for b in self.batches]
        return self.yi.size / float(sum(inverse))

    def with_effects(self, yi: Array) -> ComponentData:
        """Return the same design with other effects (k,)."""
        batches = tuple(b._replace(y=yi[b.rows]) for b in self.batches)
        return ComponentData(
            yi, self.X, self.codes, self.p, self.blocks, self.order, batches, self.log_design
        )


class _Solved(NamedTuple):
    """S and its inverse W of the studies of a batch, W X, and u = W (y - X beta)."""

    S: Array
    W: Array
    WX: Array
    u: Array


@dataclass(frozen=True, slots=True, eq=False)
class ComponentPoint:
    """The model at one G (p, p) and variances w (p,) of effects within studies.

    Attributes
    ----------
    G, w : ndarray
        Covariance between studies, and variances within.
    beta, bread : ndarray, shape (x,) and (x, x)
        Generalised least squares coefficients and their model-based covariance.
    log_likelihood : float
        Restricted or full, as asked for.
    """

    G: Array
    w: Array
    beta: Array
    bread: Array
    log_likelihood: float
    data: ComponentData = field(repr=False)
    restricted: bool
    _solved: tuple[_Solved, ...] = field(repr=False)

    @property
    def WX(self) -> Array:
        """S^-1 X, shape (k, x)."""
        found = np.empty_like(self.data.X)
        for batch, at in zip(self.data.batches, self._solved, strict=True):
            found[batch.rows] = at.WX
        return read_only(found)

    @property
    def residuals(self) -> Array:
        """Y - X beta, shape (k,), with beta refined once."""
        e = self.data.yi - self.data.X @ self.beta
        return np.asarray(e - self.data.X @ (self.bread @ (self.WX.T @ e)))

    def multiply(self, z: Array) -> Array:
        """Return S z for z of shape (k,)."""
        found = np.empty_like(z)
        for batch, at in zip(self.data.batches, self._solved, strict=True):
            found[batch.rows] = np.einsum("cij,cj->ci", at.S, z[batch.rows])
        return found

    def covariances(self) -> list[tuple[IntArray, Array]]:
        """Return the rows (c, n) of studies of one size and their S (c, n, n)."""
        parts = zip(self.data.batches, self._solved, strict=True)
        return [(batch.rows, at.S) for batch, at in parts]

    def slope(self) -> tuple[Array, Array]:
        """Return the gradient by G, by rows, and w, (p² + p,), and the observed information.

        With A_a the derivative of S by a, the gradient is (u'A_a u - tr P A_a) / 2 and the
        information u'A_a P A_b u - tr(P A_a P A_b) / 2; P is S^-1 in the traces of ML. G is taken
        as if its elements were free: what is asked of it are symmetric changes.

        References
        ----------
        Searle et al. (1992).
        """
        p, x, B = self.data.p, self.beta.size, self.bread
        pp = p * p
        score, info = np.zeros(pp + p), np.zeros((pp + p, pp + p))
        KG, h, C = np.zeros((pp, pp)), np.zeros((x, pp + p)), np.zeros((x, x, pp + p))
        for batch, at in zip(self.data.batches, self._solved, strict=True):
            part = _Part.of(batch, at, B, restricted=self.restricted)
            part.add(score, KG, info, h, C)
        info[:pp, :pp] = KG.reshape(p, p, p, p).transpose(2, 0, 1, 3).reshape(pp, pp)
        info -= h.T @ B @ h
        if self.restricted:
            BC = np.tensordot(B, C, axes=1)  # (x, x, N)
            flat = BC.reshape(x * x, -1)
            info -= 0.5 * flat.T @ BC.transpose(1, 0, 2).reshape(x * x, -1)
        info[pp:, :pp] = info[:pp, pp:].T
        return score, info


class _Part(NamedTuple):
    """What the studies of a batch add to gradient and information."""

    batch: Batch
    at: _Solved
    R: Array  # W Z, (c, n, p)
    K: Array  # Z'W Z, (c, p, p)
    t: Array  # Z'u, (c, p)
    F: Array  # Z'W X, (c, p, x)
    H: Array  # P - W of rows, (c, n, n), less its sign: W X B X'W; zero of ML

    @classmethod
    def of(cls, batch: Batch, at: _Solved, B: Array, *, restricted: bool) -> _Part:
        Zt = batch.Z.transpose(0, 2, 1)
        R = at.W @ batch.Z
        H = (at.WX @ B) @ at.WX.transpose(0, 2, 1) if restricted else np.zeros_like(at.W)
        t = (Zt @ at.u[:, :, None])[:, :, 0]
        return cls(batch, at, R, Zt @ R, t, Zt @ at.WX, H)

    def add(self, score: Array, KG: Array, info: Array, h: Array, C: Array) -> None:
        """Add to the gradient, to the information by G and by w, and to X'W A u and X'W A W X."""
        Z, (c, p) = self.batch.Z, self.t.shape
        pp, W, u, WX = p * p, self.at.W, self.at.u, self.at.WX
        Q = Z.transpose(0, 2, 1) @ self.H @ Z
        tt = self.t[:, :, None] * self.t[:, None, :]
        score[:pp] += 0.5 * (tt - self.K + Q).sum(axis=0).ravel()
        mid = tt - 0.5 * self.K + Q
        KG += self.K.reshape(c, pp).T @ mid.reshape(c, pp)
        x = h.shape[0]
        h[:, :pp] += (self.F.transpose(2, 1, 0).reshape(-1, c) @ self.t).reshape(x, pp)
        flat = self.F.reshape(c, p * x)
        C[:, :, :pp] += (flat.T @ flat).reshape(p, x, p, x).transpose(1, 3, 0, 2).reshape(x, x, pp)
        rows = u**2 - np.diagonal(W, axis1=1, axis2=2) + np.diagonal(self.H, axis1=1, axis2=2)
        Zf = Z.reshape(-1, p)
        score[pp:] += 0.5 * Zf.T @ rows.ravel()
        inner = W * (u[:, :, None] * u[:, None, :] - 0.5 * W + self.H)
        info[pp:, pp:] += (Z.transpose(0, 2, 1) @ inner @ Z).sum(axis=0)
        ahead = u[:, :, None] * self.t[:, None, :] - 0.5 * self.R + self.H @ Z
        outer = self.R[:, :, :, None] * ahead[:, :, None, :]
        info[:pp, pp:] += (Zf.T @ outer.reshape(-1, pp)).T
        h[:, pp:] += (WX * u[:, :, None]).reshape(-1, x).T @ Zf
        both = WX[:, :, :, None] * WX[:, :, None, :]
        C[:, :, pp:] += (both.reshape(-1, x * x).T @ Zf).reshape(x, x, p)


def evaluate_components(
    data: ComponentData, G: Array, w: Array, *, restricted: bool
) -> ComponentPoint:
    """Solve the generalised least squares problem at G (p, p) and w (p,).

    Raises
    ------
    EstimationError
        When the covariance of a study is not positive definite.
    """
    x = data.X.shape[1]
    XWX, XWy, yWy, log_det = np.zeros((x, x)), np.zeros(x), 0.0, 0.0
    kept = []
    for batch in data.batches:
        S = batch.V + batch.Z @ G @ batch.Z.transpose(0, 2, 1)
        n = np.arange(S.shape[1])
        S[:, n, n] += batch.Z @ w
        try:
            root = np.linalg.cholesky(S)
        except np.linalg.LinAlgError:
            raise EstimationError(
                "The sampling covariance of a study is not positive definite.", code="MA603"
            ) from None
        log_det += 2 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
        W = np.linalg.inv(S)
        W = (W + W.transpose(0, 2, 1)) / 2
        WX, Wy = W @ batch.X, (W @ batch.y[:, :, None])[:, :, 0]
        flat = batch.X.reshape(-1, x)
        XWX += flat.T @ WX.reshape(-1, x)
        XWy += flat.T @ Wy.ravel()
        yWy += float(batch.y.ravel() @ Wy.ravel())
        kept.append((S, W, WX, Wy))
    bread: Array = np.asarray(np.linalg.inv(XWX), dtype=np.float64)
    bread = (bread + bread.T) / 2
    beta = bread @ XWy
    solved, rss = [], 0.0
    for batch, (S, W, WX, Wy) in zip(data.batches, kept, strict=True):
        u = Wy - WX @ beta
        rss += float(((batch.y - batch.X @ beta) * u).sum())
        solved.append(_Solved(S, W, WX, u))
    value = constant(*data.X.shape, restricted=restricted) - 0.5 * (log_det + rss)
    if restricted:
        value += 0.5 * (float(np.linalg.slogdet(bread)[1]) + data.log_design)
    return ComponentPoint(
        read_only(G), read_only(w), read_only(beta), read_only(bread), float(value), data,
        restricted, tuple(solved),
    )  # fmt: skip
