"""Between Fisher's z and r, for numbers and for a normal distribution of z."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(99)


def mean_correlation(mean_z: float, tau2: float) -> float:
    """Mean of r when z is normal with mean `mean_z` and variance `tau2`.

    The integral back-transformation: tanh of the mean z is the median
    of the true correlations, this is their mean.

    Examples
    --------
    >>> round(mean_correlation(0.3, 0.04), 6)
    0.281331
    """
    z: Array = mean_z + np.sqrt(tau2) * _NODES
    return float(_WEIGHTS @ np.tanh(z) / _WEIGHTS.sum())
