"""Coefficient alpha on a scale on which its sampling variance hardly depends on it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from metaalliance.core.arrays import Array

AlphaTransformation = Literal["bonett", "hakstian-whalen"]


def transform_alpha(
    alpha: Array, n: Array, items: Array, transformation: AlphaTransformation
) -> tuple[Array, Array]:
    """Transform coefficients alpha, with their sampling variances.

    Parameters
    ----------
    alpha : ndarray, shape (k,)
        Coefficients below 1.
    n, items : ndarray, shape (k,)
        Number of people, above 2, and of items, at least 2.
    transformation : {"bonett", "hakstian-whalen"}
        -ln(1 - alpha), or 1 - (1 - alpha)^(1/3). Both grow with alpha.

    Returns
    -------
    tuple of ndarray, each of shape (k,)
        Transformed coefficients, and their sampling variances.

    References
    ----------
    Bonett (2002); Hakstian and Whalen (1976); variances as in metafor's escalc (measures ABT and
    AHW; https://github.com/wviechtb/metafor, R/escalc.r).

    Examples
    --------
    >>> one = (np.array([0.93]), np.array([103.0]), np.array([20.0]))
    >>> [x.round(6).item() for x in transform_alpha(*one, "bonett")]
    [2.65926, 0.020844]
    >>> [x.round(6).item() for x in transform_alpha(*one, "hakstian-whalen")]
    [0.587871, 0.000391]
    """
    if transformation == "bonett":
        return -np.log1p(-alpha), 2 * items / ((items - 1) * (n - 2))
    root = np.cbrt(1 - alpha)
    variance = 18 * items * (n - 1) * root**2 / ((items - 1) * (9 * n - 11) ** 2)
    return 1 - root, variance


def alpha_of(value: Array, transformation: AlphaTransformation) -> Array:
    """Return transformed values as coefficients alpha.

    What Hakstian and Whalen's transformation does not reach, above 1, is a coefficient of 1.

    Examples
    --------
    >>> alpha_of(np.array([2.65926]), "bonett").round(4).item()
    0.93
    """
    if transformation == "bonett":
        return -np.expm1(-value)
    return 1 - np.maximum(1 - value, 0.0) ** 3
