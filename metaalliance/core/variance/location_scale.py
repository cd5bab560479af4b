"""Moderators of heterogeneity: tau² of each effect by a log-linear model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.wls import weighted_fit
from metaalliance.errors import ConvergenceError

MAX_ITERATIONS = 200
#: Step of alpha at which nothing is gained, and the largest step.
LAST_STEP, LONGEST_STEP = 1e-10, 3.0
#: tau² relative to a typical sampling variance below which its logarithm runs to minus infinity.
VANISHING = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class LocationScalePoint:
    """The model at its maximum.

    Attributes
    ----------
    alpha, alpha_covariance : ndarray, shape (q,) and (q, q)
        Coefficients of log tau², with the inverse of their observed information.
    beta, beta_covariance : ndarray, shape (p,) and (p, p)
        Coefficients of the mean, with their generalised least squares covariance.
    tau2 : ndarray, shape (k,)
        Heterogeneity of each effect.
    log_likelihood : float
        Restricted or full.
    vanishing : bool
        Whether some tau² is next to zero, so that its logarithm has no finite maximum.
    """

    alpha: Array
    alpha_covariance: Array
    beta: Array
    beta_covariance: Array
    tau2: Array
    log_likelihood: float
    vanishing: bool


def fit_location_scale(
    yi: Array, vi: Array, X: Array, Z: Array, tau2: float, *, restricted: bool
) -> LocationScalePoint:
    """Maximise the likelihood of yi ~ N(X beta, vi + exp(Z alpha)).

    Newton steps with the analytic observed information, where it is positive definite, and
    expected information elsewhere; steps are halved until the likelihood does not fall.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Independent effects and their sampling variances.
    X, Z : ndarray, shape (k, p) and (k, q)
        Designs of the mean and of log tau²; their first columns are ones.
    tau2 : float
        Heterogeneity without moderators, from which the climb begins.
    restricted : bool
        REML in place of ML.

    Raises
    ------
    ConvergenceError
        When the maximum is not reached.

    References
    ----------
    Viechtbauer and López-López (2022).

    Examples
    --------
    >>> y = np.array([0.1, 0.12, 0.08, 0.1, 0.5, -0.3, 0.4, -0.2])
    >>> Z = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1]])
    >>> v = np.array([0.01, 0.02] * 4)
    >>> bool(fit_location_scale(y, v, Z[:, :1], Z, 0.05, restricted=True).alpha[1] > 0)
    True
    """
    typical = yi.size / float(np.sum(1 / vi))
    basis = _standardising(Z)
    S = Z @ basis
    y, v = yi / np.sqrt(typical), vi / typical
    alpha = np.zeros(Z.shape[1])
    alpha[0] = np.log(max(tau2 / typical, 0.05))
    value = _log_likelihood(alpha, y, v, X, S, restricted)
    for _ in range(MAX_ITERATIONS):
        score, observed, expected = _derivatives(alpha, y, v, X, S, restricted)
        step = _step(score, observed, expected)
        alpha, value, moved = _climb(alpha, step, value, y, v, X, S, restricted)
        small = np.exp(S @ alpha).min() < VANISHING
        if moved <= LAST_STEP * (1 + np.abs(alpha).max()) or small:
            return _point(alpha, basis, typical, yi, vi, X, Z, restricted, vanishing=bool(small))
    raise ConvergenceError("The location-scale model did not converge.")


def _standardising(Z: Array) -> Array:
    """Return B so that the columns of Z B but the first are centred with unit spread."""
    basis = np.eye(Z.shape[1])
    mean, sd = Z.mean(axis=0), Z.std(axis=0)
    for c in range(1, Z.shape[1]):
        basis[c, c] = 1 / sd[c]
        basis[0, c] = -mean[c] / sd[c]
    return basis


def _log_likelihood(
    alpha: Array, y: Array, v: Array, X: Array, Z: Array, restricted: bool
) -> float:
    k, p = X.shape
    wi = 1 / (v + np.exp(Z @ alpha))
    fit = weighted_fit(y, X, wi)
    value = k * np.log(2 * np.pi) - float(np.log(wi).sum()) + fit.rss
    if restricted:
        value -= p * np.log(2 * np.pi) + float(np.linalg.slogdet(fit.bread)[1])
        value -= float(np.linalg.slogdet(X.T @ X)[1])
    return float(-0.5 * value)


def _derivatives(
    alpha: Array, y: Array, v: Array, X: Array, Z: Array, restricted: bool
) -> tuple[Array, Array, Array]:
    """Score, observed and expected information of alpha.

    With D_a = diag(tau2_i z_ia) and D_ab = diag(tau2_i z_ia z_ib): the score is
    (y'P D_a P y - tr P D_a) / 2, the expected information tr(P D_a P D_b) / 2, the observed
    one y'P D_a P D_b P y - y'P D_ab P y / 2 - tr(P D_a P D_b) / 2 + tr(P D_ab) / 2; the
    traces are those of W in place of P for ML.
    """
    t2 = np.exp(Z @ alpha)
    wi = 1 / (v + t2)
    fit = weighted_fit(y, X, wi)
    WX, M = X * wi[:, None], fit.bread
    u = wi * fit.residuals
    D = t2[:, None] * Z
    diagonal = wi - np.einsum("ij,jk,ik->i", WX, M, WX) if restricted else wi
    score = 0.5 * (D.T @ u**2 - D.T @ diagonal)
    Du = D * u[:, None]
    XWDu = WX.T @ Du
    quadratic = (Du * wi[:, None]).T @ Du - XWDu.T @ M @ XWDu
    traces = (D * (wi**2)[:, None]).T @ D
    if restricted:
        parts = [WX.T @ (D[:, [a]] * WX) for a in range(Z.shape[1])]
        for a, first in enumerate(parts):
            for b, second in enumerate(parts):
                cross = WX.T @ ((D[:, a] * D[:, b] * wi)[:, None] * WX)
                traces[a, b] += float(np.sum((M @ first) * (M @ second).T) - 2 * np.sum(M * cross))
    second_order = (Z * (t2 * (diagonal - u**2))[:, None]).T @ Z
    return score, quadratic - 0.5 * traces + 0.5 * second_order, 0.5 * traces


def _step(score: Array, observed: Array, expected: Array) -> Array:
    """Newton step where the likelihood is concave, else a scoring step, of bounded length."""
    concave = np.linalg.eigvalsh(observed).min() > 1e-6 * np.linalg.eigvalsh(expected).max()
    step = np.linalg.lstsq(observed if concave else expected, score, rcond=None)[0]
    longest = float(np.abs(step).max())
    bounded = step * min(1.0, LONGEST_STEP / longest) if longest > 0 else step
    return np.asarray(bounded, dtype=np.float64)


def _climb(
    alpha: Array,
    step: Array,
    value: float,
    y: Array,
    v: Array,
    X: Array,
    Z: Array,
    restricted: bool,
) -> tuple[Array, float, float]:
    """Move along the step, halved until the likelihood does not fall by more than rounding."""
    slack = 1e-13 * (y.size + abs(value))
    for _ in range(50):
        reached = _log_likelihood(alpha + step, y, v, X, Z, restricted)
        if reached >= value - slack:
            return alpha + step, reached, float(np.abs(step).max())
        step = step / 2
    return alpha, value, 0.0


def _point(
    alpha: Array,
    basis: Array,
    typical: float,
    yi: Array,
    vi: Array,
    X: Array,
    Z: Array,
    restricted: bool,
    *,
    vanishing: bool,
) -> LocationScalePoint:
    """Bring the coefficients back to the scale of the effects and the columns of Z."""
    found = basis @ alpha
    found[0] += np.log(typical)
    _, observed, _ = _derivatives(found, yi, vi, X, Z, restricted)
    t2 = np.exp(Z @ found)
    fit = weighted_fit(yi, X, 1 / (vi + t2))
    concave = np.linalg.eigvalsh(basis.T @ observed @ basis).min() > 0
    covariance = np.linalg.inv(observed) if concave else np.full(observed.shape, np.nan)
    return LocationScalePoint(
        alpha=found,
        alpha_covariance=np.asarray(covariance, dtype=np.float64),
        beta=fit.beta,
        beta_covariance=fit.bread,
        tau2=t2,
        log_likelihood=_log_likelihood(found, yi, vi, X, Z, restricted),
        vanishing=vanishing,
    )
