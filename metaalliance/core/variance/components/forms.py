"""Forms of the covariance G of components between studies, whose parameters reach its edge.

Roots of variances and a factor of G stand for G itself, and a sine for a correlation, so that a
singular G is an ordinary maximum: the likelihood is smooth there, and nothing has to be cut off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from metaalliance.core.arrays import Array


class Form(Protocol):
    """G, shape (p, p), as a function of parameters theta, shape (q,)."""

    @property
    def p(self) -> int:
        """Number of components."""

    @property
    def q(self) -> int:
        """Number of parameters."""

    @property
    def lowest(self) -> Array:
        """What no parameter is below, (q,); -inf where its sign says nothing."""

    def theta(self, G: Array) -> Array:
        """Return the parameters of the matrix of this form that is like a positive definite G."""

    def matrix(self, theta: Array) -> Array:
        """Return G."""

    def jacobian(self, theta: Array) -> Array:
        """Return the derivatives of G by rows, shape (p * p, q)."""

    def bend(self, theta: Array, M: Array) -> Array:
        """Return the second derivatives of tr(M G), shape (q, q), for a symmetric M."""


@dataclass(frozen=True, slots=True)
class Unstructured:
    """Any variances and correlations: G = L L' with a lower triangle L."""

    p: int

    @property
    def q(self) -> int:
        """The elements of the triangle."""
        return self.p * (self.p + 1) // 2

    @property
    def lowest(self) -> Array:
        """The signs of the triangle say nothing."""
        return np.full(self.q, -np.inf)

    def _factor(self, theta: Array) -> Array:
        L = np.zeros((self.p, self.p))
        L[np.tril_indices(self.p)] = theta
        return L

    def theta(self, G: Array) -> Array:
        """The triangle of Cholesky."""
        return np.asarray(np.linalg.cholesky(G)[np.tril_indices(self.p)])

    def matrix(self, theta: Array) -> Array:
        """L L'."""
        L = self._factor(theta)
        return L @ L.T

    def jacobian(self, theta: Array) -> Array:
        """E_ab L' + L E_ba of each element (a, b) of L."""
        L, found = self._factor(theta), np.zeros((self.p, self.p, self.q))
        for i, (a, b) in enumerate(zip(*np.tril_indices(self.p), strict=True)):
            found[a, :, i] += L[:, b]
            found[:, a, i] += L[:, b]
        return found.reshape(-1, self.q)

    def bend(self, theta: Array, M: Array) -> Array:
        """2 M_ac for elements (a, b) and (c, b) of one column."""
        del theta
        row, column = np.tril_indices(self.p)
        return np.asarray(2 * M[np.ix_(row, row)] * (column[:, None] == column[None, :]))


@dataclass(frozen=True, slots=True)
class Heterogeneous:
    """Any variances and one correlation, between -1 / (p - 1) and 1 as a sine."""

    p: int

    @property
    def q(self) -> int:
        """A root for each component, and the correlation."""
        return self.p + 1

    @property
    def lowest(self) -> Array:
        """A root below zero would turn the sign of some correlations and not of others."""
        return np.asarray(np.r_[np.zeros(self.p), -np.inf])

    def _spread(self, theta: Array) -> tuple[Array, Array]:
        return theta[:-1], np.eye(self.p)

    def theta(self, G: Array) -> Array:
        """Its variances, and the mean of its correlations."""
        sd = np.sqrt(np.diag(G))
        R = G / np.outer(sd, sd)
        rho = float((R.sum() - self.p) / (self.p * (self.p - 1)))
        low = -1 / (self.p - 1)
        sine = np.clip(2 * (rho - low) / (1 - low) - 1, -0.98, 0.98)
        return self._together(sd, math.asin(sine))

    def _together(self, sd: Array, angle: float) -> Array:
        return np.asarray(np.r_[sd, angle], dtype=np.float64)

    def _rho(self, theta: Array) -> tuple[float, float, float]:
        """The correlation and its derivatives by the angle."""
        low = -1 / (self.p - 1)
        half, angle = (1 - low) / 2, float(theta[-1])
        return low + half * (1 + math.sin(angle)), half * math.cos(angle), -half * math.sin(angle)

    def matrix(self, theta: Array) -> Array:
        """tau_i tau_j, times rho beside the diagonal."""
        tau, rho = self._spread(theta)[0], self._rho(theta)[0]
        return np.asarray(np.outer(tau, tau) * (rho + (1 - rho) * np.eye(self.p)))

    def jacobian(self, theta: Array) -> Array:
        """By each root, and by the angle."""
        (tau, S), (rho, slope, _) = self._spread(theta), self._rho(theta)
        C, one = rho + (1 - rho) * np.eye(self.p), np.eye(self.p)
        by_tau = np.einsum("ia,j,ij->ija", one, tau, C)
        by_tau = (by_tau + by_tau.transpose(1, 0, 2)) @ S
        by_angle = np.outer(tau, tau) * (1 - one) * slope
        return np.concatenate([by_tau, by_angle[:, :, None]], axis=2).reshape(self.p**2, -1)

    def bend(self, theta: Array, M: Array) -> Array:
        """Of tau'(M o C) tau."""
        (tau, S), (rho, slope, curve) = self._spread(theta), self._rho(theta)
        one = np.eye(self.p)
        off = M * (1 - one)
        cross = S.T @ (2 * slope * (off @ tau))
        found = np.empty((self.q, self.q))
        found[:-1, :-1] = S.T @ (2 * M * (rho + (1 - rho) * one)) @ S
        found[:-1, -1] = found[-1, :-1] = cross
        found[-1, -1] = curve * float(tau @ off @ tau)
        return found


@dataclass(frozen=True, slots=True)
class Compound(Heterogeneous):
    """One variance and one correlation."""

    @property
    def q(self) -> int:
        """The root, and the correlation."""
        return 2

    @property
    def lowest(self) -> Array:
        """The sign of the one root says nothing."""
        return np.full(self.q, -np.inf)

    def _spread(self, theta: Array) -> tuple[Array, Array]:
        return np.full(self.p, theta[0]), np.ones((self.p, 1))

    def _together(self, sd: Array, angle: float) -> Array:
        return np.array([math.sqrt(float(np.mean(sd**2))), angle])


@dataclass(frozen=True, slots=True)
class Independent:
    """Any variances, no correlation."""

    p: int

    @property
    def q(self) -> int:
        """A root for each component."""
        return self.p

    @property
    def lowest(self) -> Array:
        """The signs of roots say nothing."""
        return np.full(self.q, -np.inf)

    def theta(self, G: Array) -> Array:
        """Roots of the variances."""
        return np.asarray(np.sqrt(np.diag(G)))

    def matrix(self, theta: Array) -> Array:
        """Squares on the diagonal."""
        return np.diag(theta**2)

    def jacobian(self, theta: Array) -> Array:
        """Twice the root."""
        found = np.zeros((self.p, self.p, self.p))
        each = np.arange(self.p)
        found[each, each, each] = 2 * theta
        return found.reshape(-1, self.p)

    def bend(self, theta: Array, M: Array) -> Array:
        """Of the sum of M_ii tau_i²."""
        del theta
        return np.diag(2 * np.diag(M))


@dataclass(frozen=True, slots=True)
class Nothing:
    """No variance between studies."""

    p: int

    @property
    def q(self) -> int:
        """No parameter."""
        return 0

    @property
    def lowest(self) -> Array:
        """Of no parameter."""
        return np.full(self.q, -np.inf)

    def theta(self, G: Array) -> Array:
        """None."""
        del G
        return np.zeros(0)

    def matrix(self, theta: Array) -> Array:
        """Zero."""
        del theta
        return np.zeros((self.p, self.p))

    def jacobian(self, theta: Array) -> Array:
        """Of no parameter."""
        del theta
        return np.zeros((self.p**2, 0))

    def bend(self, theta: Array, M: Array) -> Array:
        """Of no parameter."""
        del theta, M
        return np.zeros((0, 0))


#: Every form by the name that `rma.mv` gives it, "none" beside them.
FORMS: dict[str, Callable[[int], Form]] = {
    "none": Nothing,
    "DIAG": Independent,
    "CS": Compound,
    "HCS": Heterogeneous,
    "UN": Unstructured,
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of G, and roots of the variances of effects within studies.

    Attributes
    ----------
    form : Form
        Of G.
    within : {"none", "equal", "own"}
        No variance within studies, one, or one of each component.
    """

    form: Form
    within: str = "none"

    @property
    def _S(self) -> Array:
        p: int = self.form.p
        return {"none": np.zeros((p, 0)), "equal": np.ones((p, 1)), "own": np.eye(p)}[self.within]

    @property
    def q(self) -> int:
        """Number of parameters."""
        return int(self.form.q + self._S.shape[1])

    @property
    def lowest(self) -> Array:
        """What no parameter is below, shape (q,)."""
        return np.asarray(np.r_[self.form.lowest, np.full(self.q - self.form.q, -np.inf)])

    def theta(self, G: Array, w: Array) -> Array:
        """Return parameters of matrices like G (p, p) and of variances like w (p,)."""
        S = self._S
        means = S.T @ w / np.maximum(S.sum(axis=0), 1.0)
        return np.asarray(np.r_[self.form.theta(G), np.sqrt(means)], dtype=np.float64)

    def values(self, theta: Array) -> tuple[Array, Array]:
        """Return G (p, p) and the variances within studies (p,)."""
        inner = theta[self.form.q :]
        return self.form.matrix(theta[: self.form.q]), self._S @ inner**2

    def jacobian(self, theta: Array) -> Array:
        """Derivatives of G by rows, then of w, shape (p² + p, q)."""
        q, p, S = self.form.q, self.form.p, self._S
        found = np.zeros((p * p + p, self.q))
        found[: p * p, :q] = self.form.jacobian(theta[:q])
        found[p * p :, q:] = S * (2 * theta[q:])
        return found

    def bend(self, theta: Array, M: Array, m: Array) -> Array:
        """Second derivatives of tr(M G) + m'w, shape (q, q)."""
        q = self.form.q
        found = np.zeros((self.q, self.q))
        found[:q, :q] = self.form.bend(theta[:q], M)
        found[q:, q:] = np.diag(2 * self._S.T @ m)
        return found
