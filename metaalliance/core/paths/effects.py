"""Indirect effects of path models as functions of their parameters."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.paths.implied import PathModel
from metaalliance.core.paths.profile import Function


def indirect_pairs(model: PathModel) -> list[tuple[int, int]]:
    """Return (from, to) of every pair of variables that paths join through others."""
    A = ((model.A0 != 0) | (model.path_places != 0).any(axis=0)).astype(float)
    v, total, step = len(A), np.zeros_like(A), A @ A
    for _ in range(v):
        total, step = total + step, step @ A
    joined: BoolArray = (total > 0) & ~np.eye(v, dtype=bool)
    return [(int(j), int(i)) for i, j in np.argwhere(joined)]


def indirect_effect(model: PathModel, source: int, target: int) -> Function:
    """Return the effect of one variable on another through those between them.

    ``inv(I - A) - I - A``, with its first and second derivatives by the parameters, of which
    those of the model come first and the others move nothing.
    """

    def at(x: Array) -> tuple[Array, Array, Array]:
        q = model.q
        A = model.A0 + np.tensordot(x[:, :q], model.path_places, 1)
        B = np.linalg.inv(np.eye(A.shape[-1]) - A)
        P = B[:, None] @ model.path_places
        gradient, bend = np.zeros(x.shape), np.zeros((*x.shape, x.shape[1]))
        row, column = P[:, :, target, :], (P @ B[:, None])[..., source]
        gradient[:, :q] = column[:, :, target] - model.path_places[:, target, source]
        once = row @ np.swapaxes(column, -1, -2)
        bend[:, :q, :q] = once + np.swapaxes(once, -1, -2)
        return B[:, target, source] - A[:, target, source], gradient, bend

    return at


def direct_effect(model: PathModel, theta: Array, source: int, target: int) -> float:
    """Return the path from one variable to another."""
    A = model.A0 + np.tensordot(theta[: model.q], model.path_places, 1)
    return float(A[target, source])
