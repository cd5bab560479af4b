"""Weighted least squares with known weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class WeightedFit:
    """Coefficients of a weighted regression.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients.
    bread : ndarray, shape (p, p)
        Inverse of X'WX: their covariance when the weights are inverse variances.
    residuals : ndarray, shape (k,)
        yi - X beta.
    rss : float
        Weighted residual sum of squares.
    """

    beta: Array
    bread: Array
    residuals: Array
    rss: float


def weighted_fit(yi: Array, X: Array, wi: Array) -> WeightedFit:
    """Regress `yi` (k,) on `X` (k, p) with weights `wi` (k,)."""
    XtW = (X * wi[:, None]).T
    bread: Array = np.asarray(np.linalg.inv(XtW @ X), dtype=np.float64)
    beta = bread @ (XtW @ yi)
    residuals = yi - X @ beta
    return WeightedFit(beta, bread, residuals, float(wi @ residuals**2))


def trace_of_projection(X: Array, wi: Array, bread: Array) -> float:
    """Trace of P = W - W X (X'WX)^-1 X'W for diagonal W."""
    XtW2X = (X * wi[:, None] ** 2).T @ X
    return float(wi.sum() - np.sum(bread * XtW2X))
