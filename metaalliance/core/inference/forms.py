"""Quadratic forms of covariances that may be singular."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array

#: Smallest eigenvalue, relative to the largest, at which a matrix scaled to unit diagonal
#: counts as invertible.
RANK_TOLERANCE = 1e-10


def quadratic_forms(b: Array, V: Array, floor: Array | float = 0.0) -> Array:
    """Return b'V^-1 b of each of (n, q) vectors and (n, q, q) matrices.

    NaN where V is singular or a variance is not above `floor` (q,).
    """
    diagonal = np.diagonal(V, axis1=1, axis2=2)
    possible = (diagonal > floor).all(axis=1) & np.isfinite(V).all(axis=(1, 2))
    scale = np.ones_like(b)
    scale[possible] = np.sqrt(diagonal[possible])
    unit = np.zeros_like(V)
    unit[possible] = V[possible] / scale[possible, :, None] / scale[possible, None, :]
    values, vectors = np.linalg.eigh(unit)
    along = np.einsum("nij,ni->nj", vectors, b / scale)
    singular = values[:, 0] <= RANK_TOLERANCE * values[:, -1]
    values[singular] = np.nan
    forms: Array = np.sum(along**2 / values, axis=1)
    return forms


def inverse_root(omega: Array) -> Array | None:
    """Return R with R' omega R = I; None where omega is singular."""
    diagonal = np.diag(omega)
    if not (diagonal > 0).all():
        return None
    scale = 1 / np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(omega * np.outer(scale, scale))
    if values[0] <= RANK_TOLERANCE * values[-1]:
        return None
    root: Array = scale[:, None] * vectors / np.sqrt(values)
    return root
