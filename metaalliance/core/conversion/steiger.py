"""Sampling covariances of correlations that were computed from the same people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, IntArray, read_only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrelationVector:
    """Correlations of one sample with their sampling covariance.

    Attributes
    ----------
    pairs : ndarray of int, shape (k, 2)
        Variables of each correlation.
    yi : ndarray, shape (k,)
        Correlations, or their Fisher z.
    V : ndarray, shape (k, k)
        Sampling covariance of `yi`.
    """

    pairs: IntArray
    yi: Array
    V: Array


def upper_pairs(p: int) -> IntArray:
    """Pairs of p variables by columns of the upper triangle: (0, 1), (0, 2), (1, 2), ..."""
    second, first = np.tril_indices(p, -1)
    return np.column_stack([first, second]).astype(np.intp)


def correlation_vector(
    R: Array, n: float, pairs: IntArray | None = None, *, fisher: bool = True
) -> CorrelationVector:
    """Return correlations of one sample and how their sampling errors go together.

    For the pairs (s, t) and (u, v) the asymptotic covariance of the correlations is [1]_ [2]_::

        n Cov = r_st r_uv (r_su² + r_sv² + r_tu² + r_tv²) / 2 + r_su r_tv + r_sv r_tu
                - (r_st r_su r_sv + r_st r_tu r_tv + r_su r_tu r_uv + r_sv r_tv r_uv)

    divided by n - 1 in place of n. The Fisher z divide it by (1 - r_st²)(1 - r_uv²), and by
    n - 3: their variances are 1 / (n - 3).

    Parameters
    ----------
    R : ndarray, shape (p, p)
        Correlation matrix of the variables in the sample.
    n : float
        Its size, above 3 (Fisher z) or 1.
    pairs : ndarray of int, shape (k, 2), optional
        Which correlations; all of the upper triangle, column by column, unless given.
    fisher : bool
        Fisher z, or plain correlations.

    References
    ----------
    .. [1] Olkin and Siotani (1976).
    .. [2] Steiger (1980).

    Examples
    --------
    >>> R = np.array([[1.0, 0.3, 0.5], [0.3, 1.0, 0.4], [0.5, 0.4, 1.0]])
    >>> found = correlation_vector(R, 103, fisher=False)
    >>> found.yi, float(found.V[0, 0].round(9))
    (array([0.3, 0.5, 0.4]), 0.008118627)
    """
    chosen = upper_pairs(R.shape[0]) if pairs is None else pairs
    r = R[chosen[:, 0], chosen[:, 1]]
    V = unscaled_covariance(R, chosen)
    if fisher:
        spread = 1 - r**2
        V = V / np.outer(spread, spread) / (n - 3)
    else:
        V = V / (n - 1)
    yi = np.arctanh(r) if fisher else r
    return CorrelationVector(pairs=chosen, yi=read_only(yi), V=read_only((V + V.T) / 2))


def unscaled_covariance(R: Array, pairs: IntArray) -> Array:
    """Return the covariance of correlations times the sample size, as `correlation_vector` has it.

    Parameters
    ----------
    R : ndarray, shape (..., p, p)
        Correlation matrix of the variables, or many.
    pairs : ndarray of int, shape (k, 2)
        Variables of each correlation.
    """
    first, second = pairs[:, 0], pairs[:, 1]
    r = R[..., first, second]
    su, sv = R[..., first[:, None], first], R[..., first[:, None], second]
    tu, tv = R[..., second[:, None], first], R[..., second[:, None], second]
    st, uv = r[..., :, None], r[..., None, :]
    squares = su**2 + sv**2 + tu**2 + tv**2
    thirds = st * (su * sv + tu * tv) + uv * (su * tu + sv * tv)
    return np.asarray(st * uv * squares / 2 + su * tv + sv * tu - thirds, dtype=np.float64)
