"""Likelihood of effects that were selected by their p-values: value, scores and Hessian.

A study with effect y is seen with a probability proportional to w(p). Its density is then
``w(p) N(y; mu, s²) / A`` with ``s² = v + tau²`` and ``A = E[w]`` under the normal density. What
differs between selection models is w and A; they come as `Weighting`, and the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """Selection weights of the observed effects, and their expectations, with derivatives.

    With d selection parameters, derivatives are in the order mu, tau², delta_1 ... delta_d.

    Attributes
    ----------
    log_w : ndarray, shape (k,)
        log w of the observed p-values.
    log_w1, log_w2 : ndarray, shape (k, d) and (k, d, d)
        Derivatives by delta.
    A : ndarray, shape (k,)
        Expected weight.
    A1, A2 : ndarray, shape (k, 2 + d) and (k, 2 + d, 2 + d)
        Derivatives of `A`.
    """

    log_w: Array
    log_w1: Array
    log_w2: Array
    A: Array
    A1: Array
    A2: Array


#: mu (k,), tau², delta (d,) to the weights at that point.
Selector = Callable[[Array, float, Array], Weighting]


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodPoint:
    """The log-likelihood at one point.

    Attributes
    ----------
    value : float
        Log-likelihood.
    scores : ndarray, shape (k, q)
        What each effect adds to the gradient.
    hessian : ndarray, shape (q, q)
        Second derivatives.
    """

    value: float
    scores: Array
    hessian: Array

    @property
    def gradient(self) -> Array:
        """Sum of the scores, shape (q,)."""
        total: Array = self.scores.sum(axis=0)
        return total


def selection_likelihood(
    yi: Array, vi: Array, X: Array, select: Selector, theta: Array
) -> LikelihoodPoint:
    """Log-likelihood of selected effects at ``theta = (beta, tau², delta)``.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    X : ndarray, shape (k, p)
        Design matrix.
    select : callable
        Weights and their expectations at mu, tau², delta.
    theta : ndarray, shape (p + 1 + d,)
        Where to evaluate; tau² at least zero.

    References
    ----------
    Hedges (1992); Vevea and Hedges (1995).
    """
    p = X.shape[1]
    mu, tau2, delta = X @ theta[:p], float(theta[p]), theta[p + 1 :]
    s2 = vi + tau2
    if not (s2 > 0).all():
        return LikelihoodPoint(-np.inf, np.zeros((yi.size, theta.size)), np.eye(theta.size))
    weights = select(mu, tau2, delta)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = weights.log_w - np.log(weights.A) + _log_normal(yi - mu, s2)
    if not np.isfinite(terms).all():
        return LikelihoodPoint(-np.inf, np.zeros((yi.size, theta.size)), np.eye(theta.size))
    first, second = _normal_derivatives(yi - mu, s2, delta.size)
    ratio = weights.A1 / weights.A[:, None]
    first -= ratio
    second -= weights.A2 / weights.A[:, None, None] - ratio[:, :, None] * ratio[:, None, :]
    first[:, 2:] += weights.log_w1
    second[:, 2:, 2:] += weights.log_w2
    scores = np.hstack([X * first[:, :1], first[:, 1:]])
    return LikelihoodPoint(float(terms.sum()), scores, _hessian(X, second))


def _log_normal(residuals: Array, s2: Array) -> Array:
    density: Array = -0.5 * (np.log(2 * np.pi * s2) + residuals**2 / s2)
    return density


def _normal_derivatives(residuals: Array, s2: Array, d: int) -> tuple[Array, Array]:
    """Derivatives of the normal log-density by mu and tau², zero for the d weights."""
    first = np.zeros((residuals.size, 2 + d))
    second = np.zeros((residuals.size, 2 + d, 2 + d))
    u = residuals / s2
    first[:, 0] = u
    first[:, 1] = 0.5 * (u**2 - 1 / s2)
    second[:, 0, 0] = -1 / s2
    second[:, 0, 1] = second[:, 1, 0] = -u / s2
    second[:, 1, 1] = 0.5 / s2**2 - u**2 / s2
    return first, second


def _hessian(X: Array, second: Array) -> Array:
    """Sum over effects, mu replaced by beta through X."""
    p, rest = X.shape[1], second.shape[1] - 1
    H = np.empty((p + rest, p + rest))
    H[:p, :p] = (X * second[:, :1, 0]).T @ X
    H[:p, p:] = X.T @ second[:, 0, 1:]
    H[p:, :p] = H[:p, p:].T
    H[p:, p:] = second[:, 1:, 1:].sum(axis=0)
    return H
