"""The likelihood of correlations of many studies under a path model with random correlations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.paths.implied import Implied, PathModel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Correlations of studies by cell, with their sampling covariances.

    Axes may stand before those of studies and cells: that many data sets.

    Attributes
    ----------
    y : ndarray, shape (..., k, p)
        Correlations; zero where a study lacks one.
    V : ndarray, shape (..., k, p, p)
        Sampling covariances; rows and columns of lacking cells are those of the identity.
    seen : ndarray of bool, shape (..., k, p)
        Which cells a study has.
    constant : float
        What -2 log likelihood holds beside the cells: ``log 2 pi`` of each correlation, and what
        several correlations of one cell say about each other.
    """

    y: Array
    V: Array
    seen: BoolArray
    constant: float

    def chosen(self, rows: IntArray) -> Cells:
        """Return some of many data sets; one data set stands for all."""
        if self.y.ndim == 2:
            return self
        return Cells(y=self.y[rows], V=self.V[rows], seen=self.seen[rows], constant=self.constant)


def cells_of(values: list[Array], covariances: list[Array], cells: list[IntArray], p: int) -> Cells:
    """Put the correlations of each study into its cells.

    A study and cell share one random effect. Of several correlations in a cell their generalised
    least-squares mean is sufficient: what remains depends on no parameter, and is kept in the
    constant.

    Parameters
    ----------
    values : list of ndarray, shape (m_i,)
        Correlations of each study.
    covariances : list of ndarray, shape (m_i, m_i)
        Their sampling covariances.
    cells : list of ndarray of int, shape (m_i,)
        Their cells.
    p : int
        Number of cells.
    """
    k = len(values)
    y, seen = np.zeros((k, p)), np.zeros((k, p), dtype=bool)
    V = np.broadcast_to(np.eye(p), (k, p, p)).copy()
    constant = 0.0
    for i, (r, covariance, cell) in enumerate(zip(values, covariances, cells, strict=True)):
        own = np.unique(cell)
        constant += r.size * math.log(2 * math.pi)
        if own.size == r.size:
            order = np.argsort(cell)
            mean, spread = r[order], covariance[np.ix_(order, order)]
        else:
            Z = (cell[:, None] == own).astype(float)
            weights = np.linalg.solve(covariance, Z)
            spread = np.linalg.inv(Z.T @ weights)
            mean = spread @ (weights.T @ r)
            rest = r - Z @ mean
            constant += float(rest @ np.linalg.solve(covariance, rest))
            constant += float(np.linalg.slogdet(covariance)[1] - np.linalg.slogdet(spread)[1])
        y[i, own], seen[i, own] = mean, True
        V[i][np.ix_(own, own)] = spread
    return Cells(y=y, V=V, seen=seen, constant=constant)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A path model of the correlations of studies.

    Study i has correlations ``y_i ~ N(rho(L_i theta), V_i + diag(tau2))`` in the cells that it has.

    Attributes
    ----------
    cells : Cells
        The correlations.
    model : PathModel
        What they are to be, of q parameters.
    design : ndarray, shape (k, q, Q), optional
        L of each study, by which moderators change paths; without it the parameters of the
        model are those of every study.
    """

    cells: Cells
    model: PathModel
    design: Array | None = None

    @property
    def Q(self) -> int:
        """Number of parameters of the means."""
        return self.model.q if self.design is None else int(self.design.shape[-1])

    @property
    def p(self) -> int:
        """Number of cells."""
        return int(self.cells.y.shape[-1])

    def at(self, x: Array, rows: IntArray) -> Point:
        """Return the likelihood at parameters.

        Parameters
        ----------
        x : ndarray, shape (b, Q + p)
            Parameters of the means, then variances between studies.
        rows : ndarray of int, shape (b,)
            Of many data sets, that of each row of x.
        """
        return Point(problem=self, cells=self.cells.chosen(rows), x=x)


@dataclass(frozen=True, eq=False)
class Point:
    """The likelihood at parameters x of shape (b, Q + p), and its derivatives."""

    problem: Problem
    cells: Cells
    x: Array

    @cached_property
    def _means(self) -> Array:
        """Parameters of the model, shape (b, u, q), where u is 1 or the number of studies."""
        theta = self.x[:, : self.problem.Q]
        if self.problem.design is None:
            return theta[:, None, :]
        means: Array = np.einsum("iqQ,bQ->biq", self.problem.design, theta)
        return means

    @cached_property
    def implied(self) -> Implied:
        """What the parameters imply."""
        return self.problem.model.at(self._means)

    @cached_property
    def _solved(self) -> tuple[Array, Array, Array]:
        """W, its product with the residuals, and the log likelihood."""
        seen, tau2 = self.cells.seen, self.x[:, None, self.problem.Q :]
        S = self.cells.V + (tau2 * seen)[..., None] * np.eye(self.problem.p)
        residual = (self.cells.y - self.implied.rho) * seen
        W = np.asarray(np.linalg.inv(S), dtype=np.float64)
        u = (W @ residual[..., None])[..., 0]
        quadratic = (u * residual).sum(-1)
        diagonal = np.diagonal(np.linalg.cholesky(S), axis1=-2, axis2=-1)
        size = 2 * np.log(diagonal).sum(-1)
        total: Array = -(size.sum(-1) + quadratic.sum(-1) + self.cells.constant) / 2
        return W * (seen[..., None] & seen[..., None, :]), u, total

    def some(self, rows: IntArray) -> Point:
        """Return some of its rows, with what is computed already."""
        if len(rows) == len(self.x):
            return self
        point = Point(problem=self.problem, cells=self.cells.chosen(rows), x=self.x[rows])
        W, u, total = self._solved
        point.__dict__["_solved"] = (W[rows], u[rows], total[rows])
        return point

    @property
    def log_likelihood(self) -> Array:
        """Shape (b,)."""
        return self._solved[2]

    def slope(self) -> tuple[Array, Array, Array]:
        """Return score (b, n), observed and expected information (b, n, n)."""
        W, u, _ = self._solved
        slopes, design, Q = self.implied.slopes(), self.problem.design, self.problem.Q
        J = slopes.jacobian
        if design is None:
            J, G, s = J[:, 0], W.sum(-3), u.sum(-2)
            JT = np.swapaxes(J, -1, -2)
            score_mean = (JT @ s[..., None])[..., 0]
            expected_mean = JT @ G @ J
            bend = slopes.curvature(s[:, None])[:, 0]
            cross = JT @ (W * u[..., None, :]).sum(-3)
        else:
            J = J @ design
            JT = np.swapaxes(J, -1, -2)
            score_mean = np.einsum("bipQ,bip->bQ", J, u)
            expected_mean = (JT @ W @ J).sum(-3)
            LT = np.swapaxes(design, -1, -2)
            bend = (LT @ slopes.curvature(u) @ design).sum(-3)
            cross = (JT @ (W * u[..., None, :])).sum(-3)
        diagonal = np.diagonal(W, axis1=-2, axis2=-1)
        score = np.concatenate([score_mean, ((u**2 - diagonal) / 2).sum(-2)], axis=-1)
        half = (W**2).sum(-3) / 2
        observed = np.zeros((*score.shape, score.shape[-1]))
        expected = np.zeros_like(observed)
        observed[:, :Q, :Q], expected[:, :Q, :Q] = expected_mean - bend, expected_mean
        observed[:, :Q, Q:], observed[:, Q:, :Q] = cross, np.swapaxes(cross, -1, -2)
        observed[:, Q:, Q:] = (u[..., None] * W * u[..., None, :]).sum(-3) - half
        expected[:, Q:, Q:] = half
        return score, observed, expected
