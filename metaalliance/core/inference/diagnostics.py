"""What a model says about the effects that were left out of it, and they about the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint, evaluate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deletion:
    """Diagnostics of some effects of one study, from the fit without them.

    Attributes
    ----------
    residual, se, rstudent : float
        Generalised least squares mean of the residuals from the prediction without them, its
        standard error, and their ratio: the externally studentised residual.
    X2 : float
        Squared distance of all residuals, chi-squared with one degree of freedom an effect.
    cook : float
        Cook's distance (beta - beta_del)' V^-1 (beta - beta_del).
    dfbetas : ndarray, shape (p,)
        Change of the coefficients in standard errors.
    dffits : float
        Change of the prediction in standard errors.
    covratio : float
        Generalised variance of the coefficients without and with them, as a ratio.
    pearson2 : float
        Squared distance of their residuals from the full model: their contribution to its
        heterogeneity, the abscissa of a Baujat plot.
    shift2 : float
        Squared change of the prediction in variances of the prediction without them, its
        ordinate.
    """

    residual: float
    se: float
    rstudent: float
    X2: float
    cook: float
    dfbetas: Array
    dffits: float
    covratio: float
    pearson2: float
    shift2: float


def deletion(
    data: MultilevelData,
    point: MultilevelPoint,
    rows: slice,
    without: MultilevelPoint,
    *,
    scale: float = 1.0,
    scale_without: float = 1.0,
    basis: Array | None = None,
) -> Deletion:
    """Compare a model with the one fitted without `rows`, which belong to one study.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        All effects, sorted by study, and their model.
    rows : slice
        The effects that were left out.
    without : MultilevelPoint
        The model without them, all its variance components estimated anew.
    scale, scale_without : float
        Factors of the covariances of the coefficients (Knapp and Hartung's), 1 without.
    basis : ndarray, shape (p, p), optional
        The coefficients of which DFBETAS are wanted are ``basis @ beta``.

    References
    ----------
    Viechtbauer and Cheung (2010); Belsley et al. (1980); Baujat et al. (2002).
    """
    at = np.arange(data.yi.size)[rows][None]
    whole = evaluate(data, without.theta, restricted=True)
    X, S = data.X[rows], whole.covariance.dense_blocks(at)[0]
    errors = data.yi[rows] - X @ without.beta
    C = S + scale_without * (X @ without.bread @ X.T)
    w = np.linalg.solve(S, np.ones(errors.size))
    w /= w.sum()
    residual, se = float(w @ errors), float(np.sqrt(w @ C @ w))
    change = point.beta - without.beta
    everywhere = scale_without * whole.bread
    B = np.eye(change.size) if basis is None else basis
    x = w @ X
    if errors.size == 1 and data.blocks.m == data.yi.size and not without.theta[0]:
        spread = hat_values(data, point)[rows][0] * S[0, 0] * scale_without
    else:
        spread = x @ everywhere @ x
    inside = data.yi[rows] - X @ point.beta
    sign, log_full = np.linalg.slogdet(scale * point.bread)
    _, log_without = np.linalg.slogdet(scale_without * without.bread)
    return Deletion(
        residual=residual,
        se=se,
        rstudent=residual / se,
        X2=float(errors @ np.linalg.solve(C, errors)),
        cook=float(change @ np.linalg.solve(scale * point.bread, change)),
        dfbetas=(B @ change) / np.sqrt(np.diag(B @ everywhere @ B.T)),
        dffits=float(x @ change / np.sqrt(spread)),
        covratio=float(np.exp(log_without - log_full)) if sign > 0 else float("nan"),
        pearson2=float(inside @ np.linalg.solve(point.covariance.dense_blocks(at)[0], inside)),
        shift2=float((x @ change) ** 2 / (scale_without * (x @ without.bread @ x))),
    )


def hat_values(data: MultilevelData, point: MultilevelPoint) -> Array:
    """Diagonal of X (X'WX)^-1 X'W, shape (k,)."""
    found: Array = np.einsum("ka,ab,kb->k", data.X, point.bread, point.WX)
    return found


def row_weights(data: MultilevelData, point: MultilevelPoint) -> Array:
    """Share of each effect in the weights, row sums of W, shape (k,); they sum to one."""
    weights = point.covariance.solve(np.ones(data.yi.size))
    share: Array = weights / weights.sum()
    return share


def standardized_residuals(data: MultilevelData, point: MultilevelPoint) -> Array:
    """Internally standardised residuals, shape (k,): variance M - X (X'WX)^-1 X'."""
    marginal = data.vi + point.theta.sum()
    own = np.einsum("ka,ab,kb->k", data.X, point.bread, data.X)
    variance = np.maximum(marginal - own, 0.0)
    residuals = data.yi - data.X @ point.beta
    found: Array = np.divide(
        residuals, np.sqrt(variance), out=np.full(residuals.size, np.nan), where=variance > 0
    )
    return found
