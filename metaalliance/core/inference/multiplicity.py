"""Adjustment of p-values for their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, IntArray


def holm(p_values: ArrayLike) -> Array:
    """Adjust p-values by Holm's step-down method, which controls the family-wise error.

    Parameters
    ----------
    p_values : array_like, shape (n,)
        Missing ones (NaN) stay missing and do not count.

    References
    ----------
    Holm (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p, order = _sorted(p_values)
    n = order.size
    factor = np.arange(n, 0, -1)
    return _placed(p, order, np.maximum.accumulate(p[order] * factor))


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """Adjust p-values by Benjamini and Hochberg's step-up method (false discovery rate).

    Parameters
    ----------
    p_values : array_like, shape (n,)
        Missing ones (NaN) stay missing and do not count.

    References
    ----------
    Benjamini and Hochberg (1995).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.02]).tolist()
    [0.03, 0.04, 0.03]
    """
    p, order = _sorted(p_values)
    n = order.size
    raw = p[order] * (n / np.arange(1, n + 1))
    return _placed(p, order, np.minimum.accumulate(raw[::-1])[::-1])


def _sorted(p_values: ArrayLike) -> tuple[Array, IntArray]:
    """Return the values and the order of those that are not missing."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    return p, order[: int(np.sum(~np.isnan(p)))]


def _placed(p: Array, order: IntArray, adjusted: Array) -> Array:
    found = np.full(p.size, np.nan)
    found[order] = np.minimum(adjusted, 1.0)
    return found
