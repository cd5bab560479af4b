"""Between Fisher's z and r, for numbers and for a normal distribution of z."""

from __future__ import annotations

from functools import cache

import numpy as np

from metaalliance.core.arrays import Array


def mean_correlation(mean_z: float, tau2: float) -> float:
    """Mean of r when z is normal with mean `mean_z` and variance `tau2`.

    The integral back-transformation: tanh of the mean z is the median
    of the true correlations, this is their mean.

    Examples
    --------
    >>> round(mean_correlation(0.3, 0.04), 6)
    0.281331
    """
    nodes, weights = _rule()
    z: Array = mean_z + np.sqrt(tau2) * nodes
    return float(weights @ np.tanh(z) / weights.sum())


@cache
def _rule() -> tuple[Array, Array]:
    """Nodes and weights of an integral over a normal distribution."""
    return np.polynomial.hermite_e.hermegauss(99)
