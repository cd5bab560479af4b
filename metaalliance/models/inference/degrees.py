"""Degrees of freedom of a test of coefficients that rests on the model's own covariance."""

from __future__ import annotations

import math

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.denominator import (
    contained_df,
    information_df,
    joint_information_df,
)
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.model import Specification


def contrast_df(
    data: MultilevelData, point: MultilevelPoint, C: Array, basis: Array, model: Specification
) -> Array:
    """Degrees of freedom of each of several combinations of the coefficients, shape (q,).

    Those of the model's rule where it has a variance within studies, k - p where every effect is
    a study of its own, infinite for a normal test.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        The effects, sorted, and the fitted model.
    C : ndarray, shape (q, p)
        Combinations of the coefficients ``basis @ point.beta``.
    basis : ndarray, shape (p, p)
        What brings the coefficients of `data` back to those of the design.
    model : Specification
        The test and its rule.
    """
    k, p = data.X.shape
    if model.test == "wald":
        return np.full(C.shape[0], math.inf)
    if not model.multilevel:
        return np.full(C.shape[0], float(k - p))
    if model.df == "contain":
        each = contained_df(data, data.X @ np.linalg.inv(basis))
        return np.array([np.min(each, where=row != 0, initial=float(k - p)) for row in C])
    return information_df(data, point, C @ basis)


def joint_contrast_df(
    data: MultilevelData, point: MultilevelPoint, C: Array, basis: Array, model: Specification
) -> float:
    """Denominator degrees of freedom of the F test that combinations are zero.

    Parameters are those of `contrast_df`, the combinations linearly independent. Containment
    leaves the fewest of the coefficients that are tested.
    """
    k, p = data.X.shape
    if not model.multilevel:
        return float(k - p)
    if model.df == "contain":
        return float(contrast_df(data, point, C, basis, model.with_test("t")).min())
    return joint_information_df(data, point, C @ basis)
