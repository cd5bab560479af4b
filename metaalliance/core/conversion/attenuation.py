"""Correction of correlations for the unreliability of the measures.

An observed correlation is the one between true scores times an attenuation factor, the
square root of the product of the two reliabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.errors import EstimationError, OptionError


class Corrected(NamedTuple):
    """An effect corrected for attenuation, and its sampling variance."""

    estimate: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDistribution:
    """Mean and variance of the attenuation factors, the roots of reliabilities.

    Attributes
    ----------
    mean, variance : float
        Of the factors, over the `k` reliabilities that are known.
    k : int
        How many.
    """

    mean: float
    variance: float
    k: int


def attenuation(rxx: float = 1.0, ryy: float = 1.0) -> float:
    """Return the compound attenuation factor sqrt(rxx ryy); 1 for a measure without error.

    Raises
    ------
    OptionError
        For a reliability outside (0, 1].

    Examples
    --------
    >>> round(attenuation(0.81, 0.64), 12)
    0.72
    """
    for name, value in (("rxx", rxx), ("ryy", ryy)):
        if not 0 < value <= 1:
            raise OptionError(f"{name}={value!r} is not a reliability, above 0 and at most 1.")
    return math.sqrt(rxx * ryy)


def correct_r(r: float, variance: float, rxx: float = 1.0, ryy: float = 1.0) -> Corrected:
    """Correct a correlation for unreliability: r / A with variance v / A², A = sqrt(rxx ryy).

    The corrected value can exceed 1 by sampling error. The reliabilities are taken as known.

    Parameters
    ----------
    r, variance : float
        Correlation and its sampling variance.
    rxx, ryy : float
        Reliabilities of the two measures; 1 leaves a measure uncorrected.

    References
    ----------
    Spearman (1904); Schmidt and Hunter (2015).

    Examples
    --------
    >>> tuple(round(v, 12) for v in correct_r(0.36, 0.01, 0.81, 0.64))
    (0.5, 0.019290123457)
    """
    A = attenuation(rxx, ryy)
    return Corrected(r / A, variance / A**2)


def correct_z(z: float, variance: float, rxx: float = 1.0, ryy: float = 1.0) -> Corrected:
    """Correct a Fisher z for unreliability, its variance by the delta method.

    ``z_c = atanh(tanh(z) / A)``, with derivative ``(1 - r²) / (A (1 - r²/A²))``.

    Parameters
    ----------
    z, variance : float
        Fisher z and its sampling variance.
    rxx, ryy : float
        Reliabilities of the two measures.

    Raises
    ------
    EstimationError
        When the corrected correlation reaches 1, which has no Fisher z.

    Examples
    --------
    >>> tuple(round(v, 9) for v in correct_z(math.atanh(0.36), 1 / 97, 0.81, 0.64))
    (0.549306144, 0.02678419)
    """
    A, r = attenuation(rxx, ryy), math.tanh(z)
    corrected = r / A
    if abs(corrected) >= 1:
        raise EstimationError(
            f"r = {r:.3g} over sqrt({rxx:g} × {ryy:g}) is {corrected:.3g}: no Fisher z exists. "
            "Check the reliabilities, or correct on the scale of r."
        )
    slope = (1 - r**2) / (A * (1 - corrected**2))
    return Corrected(math.atanh(corrected), variance * slope**2)


def artifact_distribution(
    reliabilities: Array, weights: Array | None = None
) -> ArtifactDistribution:
    """Mean and variance of sqrt(reliability) over the studies that report it.

    Parameters
    ----------
    reliabilities : ndarray
        Reliabilities in (0, 1]; NaN where a study reports none.
    weights : ndarray, optional
        Weights, such as sample sizes; equal ones unless given.

    References
    ----------
    Schmidt and Hunter (2015).

    Examples
    --------
    >>> found = artifact_distribution(np.array([0.49, 0.81, np.nan]))
    >>> round(found.mean, 12), round(found.variance, 12), found.k
    (0.8, 0.01, 2)
    """
    known = ~np.isnan(reliabilities)
    values = reliabilities[known]
    if values.size == 0 or np.any(values <= 0) or np.any(values > 1):
        raise OptionError("Reliabilities are above 0 and at most 1, and one has to be known.")
    wi = np.ones(values.size) if weights is None else weights[known]
    mean = float(wi @ np.sqrt(values) / wi.sum())
    variance = float(wi @ (np.sqrt(values) - mean) ** 2 / wi.sum())
    return ArtifactDistribution(mean=mean, variance=variance, k=values.size)


#: A measure without error.
PERFECT = ArtifactDistribution(mean=1.0, variance=0.0, k=0)
