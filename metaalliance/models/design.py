"""Designs of meta-regressions: their check and their numerical condition."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.core.variance.designs.disjoint import columns_of_rows, is_indicators
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError

#: Condition of a centred and scaled design beyond which its columns are made orthogonal.
NEARLY_COLLINEAR = 30.0


def checked_design(effects: Effects, X: ArrayLike, names: Sequence[str], model: str) -> Array:
    """Return the design as numbers after a check of its shape and rank."""
    design = np.asarray(X, dtype=float)
    k = effects.n_effects
    if design.ndim != 2 or design.shape != (k, len(names)):
        raise OptionError(
            f"The design has shape {design.shape}; {k} effects and {len(names)} names need "
            f"({k}, {len(names)})."
        )
    if not np.isfinite(design).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(design))[0])
        raise OptionError(f"The design is missing at effect {row}, column {names[column]!r}.")
    p = design.shape[1]
    if p > k or (p == k and model != "common-effect"):
        raise EstimationError(
            f"{k} effects cannot estimate {p} coefficients and a variance.", code="MA641"
        )
    length = np.linalg.norm(design, axis=0)
    whole = length.all() and columns_of_rows(design) is not None  # every group has an effect
    if not whole and (not length.all() or np.linalg.matrix_rank(design / length) < p):
        raise EstimationError(
            f"The columns {', '.join(names)} are collinear: some follow from the others.",
            code="MA641",
        )
    return design


def conditioned(X: Array) -> tuple[Array, Array]:
    """Centre, scale and if need be orthogonalise the columns; X beta = Z g for beta = basis g.

    Years beside an intercept are nearly collinear, and would cost a third of the digits; their
    interactions and powers are collinear still after that, and would cost standard errors all.
    Rows that are equal stay equal, and indicators of disjoint groups are left as they are.
    """
    p = X.shape[1]
    if p > 1 and is_indicators(X):
        return X, np.eye(p)
    ones = np.flatnonzero((X == 1).all(axis=0))
    centre = np.zeros(p)
    if ones.size:
        other = np.arange(p) != ones[0]
        coded = np.isin(X, (-1.0, 0.0, 1.0)).all(axis=0)
        centre[other & ~coded] = X.mean(axis=0)[other & ~coded]
    scale = np.abs(X - centre).max(axis=0)
    scale[scale == 0] = 1.0
    basis = np.diag(1 / scale)
    if ones.size:
        basis[ones[0]] -= centre / scale
    Z = (X - centre) / scale
    return _orthogonal(Z, basis) if np.linalg.cond(Z) > NEARLY_COLLINEAR else (Z, basis)


def _orthogonal(Z: Array, basis: Array) -> tuple[Array, Array]:
    """Return orthogonal columns that span those of Z, and the basis that goes with them."""
    turn = np.linalg.inv(np.linalg.qr(Z, mode="r")) * math.sqrt(Z.shape[0])
    # Sums of columns, as a matrix product may round equal rows in different ways.
    turned = sum(np.outer(Z[:, j], turn[j]) for j in range(Z.shape[1]))
    return np.asarray(turned, dtype=np.float64), basis @ turn
