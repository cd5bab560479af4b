"""The correlations that a path model implies, with their derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathModel:
    """Directed paths A and covariances S of standardised variables, linear in parameters.

    ``A = A0 + sum_a theta_a path_places[a]``, and S likewise off its diagonal. The diagonal of S,
    the residual variances, is what gives every variable the variance 1.

    Attributes
    ----------
    A0, S0 : ndarray, shape (v, v)
        Fixed values; ``A[i, j]`` is the path from j to i. The diagonal of S0 is zero.
    path_places, covariance_places : ndarray, shape (q, v, v)
        Where each parameter stands.
    pairs : ndarray of int, shape (p, 2)
        Variables of each correlation.
    """

    A0: Array
    S0: Array
    path_places: Array
    covariance_places: Array
    pairs: IntArray

    @property
    def q(self) -> int:
        """Number of parameters."""
        return int(self.path_places.shape[0])

    def at(self, theta: Array) -> Implied:
        """Return what parameters imply.

        Parameters
        ----------
        theta : ndarray, shape (..., q)
        """
        A = self.A0 + np.tensordot(theta, self.path_places, 1)
        S = self.S0 + np.tensordot(theta, self.covariance_places, 1)
        B = np.asarray(np.linalg.inv(np.eye(A.shape[-1]) - A), dtype=np.float64)
        BT = np.swapaxes(B, -1, -2)
        inner = B @ S @ BT
        squares = np.asarray(np.linalg.inv(B * B), dtype=np.float64)
        residual = np.einsum(
            "...ij,...j->...i", squares, 1 - np.diagonal(inner, axis1=-2, axis2=-1)
        )
        sigma = inner + (B * residual[..., None, :]) @ BT
        return Implied(model=self, B=B, squares=squares, residual=residual, sigma=sigma)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Implied:
    """What parameters imply.

    Attributes
    ----------
    model : PathModel
        The model.
    B : ndarray, shape (..., v, v)
        ``inv(I - A)``: total effects.
    squares : ndarray, shape (..., v, v)
        Inverse of the squares of B.
    residual : ndarray, shape (..., v)
        Residual variances.
    sigma : ndarray, shape (..., v, v)
        Correlations between the variables.
    """

    model: PathModel
    B: Array
    squares: Array
    residual: Array
    sigma: Array

    @property
    def rho(self) -> Array:
        """Correlations of the pairs, shape (..., p)."""
        first, second = self.model.pairs.T
        return np.asarray(self.sigma[..., first, second], dtype=np.float64)

    def slopes(self) -> Slopes:
        """Return the first derivatives of the correlations by the parameters."""
        B, sigma, model = self.B[..., None, :, :], self.sigma[..., None, :, :], self.model
        BT = np.swapaxes(B, -1, -2)
        P = B @ model.path_places
        F = P @ sigma
        F = F + np.swapaxes(F, -1, -2) + B @ model.covariance_places @ BT
        change = -np.einsum("...ij,...aj->...ai", self.squares, np.diagonal(F, axis1=-2, axis2=-1))
        sigma_a = F + (B * change[..., None, :]) @ BT
        return Slopes(at=self, P=P, sigma=sigma_a)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slopes:
    """Derivatives of the implied correlations.

    Attributes
    ----------
    at : Implied
        Where.
    P : ndarray, shape (..., q, v, v)
        ``B path_places[a]``; the derivative of B is ``P_a B``.
    sigma : ndarray, shape (..., q, v, v)
        Derivatives of the correlations between the variables.
    """

    at: Implied
    P: Array
    sigma: Array

    @property
    def jacobian(self) -> Array:
        """Derivatives of the correlations of the pairs, shape (..., p, q)."""
        first, second = self.at.model.pairs.T
        return np.swapaxes(self.sigma[..., first, second], -1, -2)

    def curvature(self, weights: Array) -> Array:
        """Return the weighted sum of the second derivatives of the correlations.

        With ``F_ab = P_a S_b + P_b S_a - P_b S P_a'`` and its transpose, where S stands for sigma,
        ``S_ab = F_ab + B diag(d_ab) B'``, and d_ab keeps the diagonal at zero; the weights go
        through both to F, so that no array of all second derivatives is formed.

        Parameters
        ----------
        weights : ndarray, shape (..., p)
            Of each correlation.

        Returns
        -------
        ndarray, shape (..., q, q)
        """
        B, first, second = self.at.B, *self.at.model.pairs.T
        C = np.zeros(np.broadcast_shapes(B.shape[:-2], weights.shape[:-1]) + B.shape[-2:])
        C[..., first, second] = weights / 2
        C[..., second, first] = weights / 2
        own = np.einsum("...li,...lm,...mi->...i", B, C, B)
        C -= np.einsum("...ij,...i->...j", self.at.squares, own)[..., None, :] * np.eye(B.shape[-1])
        X = _flat(np.swapaxes(self.P, -1, -2) @ C[..., None, :, :])
        once = X @ np.swapaxes(_flat(self.sigma), -1, -2)
        back = _flat(self.at.sigma[..., None, :, :] @ np.swapaxes(self.P, -1, -2))
        twice = X @ np.swapaxes(back, -1, -2)
        return np.asarray(2 * (once + np.swapaxes(once, -1, -2) - twice), dtype=np.float64)


def _flat(stack: Array) -> Array:
    """Matrices as rows."""
    return stack.reshape(*stack.shape[:-2], stack.shape[-2] * stack.shape[-1])
