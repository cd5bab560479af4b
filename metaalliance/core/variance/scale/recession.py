"""Directions in which variances of some groups fall for ever and no other variance moves."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import linprog

from metaalliance.core.arrays import Array, BoolArray

#: What a logarithm may change by along a direction, relative to the largest change, and not move.
STILL = 1e-9
#: The same where a linear programme was solved, before it is sharpened.
_SOLVED = 1e-6


def recession(C: Array, kept: BoolArray, towards: Array | None = None) -> Array | None:
    """Return a direction of coefficients along which logarithms of variances only fall.

    With log variances C b, those are d with C d <= 0, and C d = 0 for the groups that are kept:
    the others lie beside a face of the convex hull of the rows of C. The likelihood of variances
    that are zero beside a face has its supremum at infinity.

    Parameters
    ----------
    C : ndarray, shape (m, q)
        Columns of full rank.
    kept : ndarray of bool, shape (m,)
        Groups whose variance does not move.
    towards : ndarray, shape (q,), optional
        A contrast of the coefficients that has to grow.

    Returns
    -------
    ndarray, shape (q,), or None
        The direction, the largest fall being one; None where there is none.

    Examples
    --------
    >>> C = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    >>> recession(C, np.array([False, False, True])).round(12).tolist()
    [-1.0, 0.5]
    >>> recession(C, np.array([False, True, False])) is None
    True
    """
    N = null_space(C[kept]) if kept.any() else np.eye(C.shape[1])
    if not N.shape[1]:
        return None
    M = C[~kept] @ N
    gain = -M.sum(axis=0) if towards is None else towards @ N
    w = np.sign(gain) if N.shape[1] == 1 else _vertex(M, gain)
    change = M @ w
    size = np.abs(change).max()
    least = STILL * (size if towards is None else float(np.linalg.norm(towards)))
    if change.max() > STILL * size or gain @ w <= least:
        return None
    return np.asarray(N @ w / size, dtype=np.float64)


def _vertex(M: Array, gain: Array) -> Array:
    """The largest gain where nothing rises, and nothing falls by more than one."""
    limits = np.r_[np.zeros(len(M)), np.ones(len(M))]
    found = linprog(-gain, A_ub=np.vstack([M, -M]), b_ub=limits, bounds=(None, None))
    if found.x is None:
        return np.zeros_like(gain)
    still = np.abs(M @ found.x) < _SOLVED
    exact = null_space(M[still]) if still.any() else np.eye(gain.size)
    return np.asarray(exact @ (exact.T @ found.x), dtype=np.float64)


def falls(C: Array) -> list[Array]:
    """Return directions along which one group falls by one, no group rises, and few others fall.

    Each is the least fall in all of a group of high leverage, two groups for each column: beside
    a face that has most groups, such as the studies of one level but its oldest one.

    Parameters
    ----------
    C : ndarray, shape (m, q)
        Columns of full rank.
    """
    return list(_falls(C.tobytes(), C.shape))


@lru_cache(maxsize=64)
def _falls(columns: bytes, shape: tuple[int, ...]) -> tuple[Array, ...]:
    C, (m, q) = np.frombuffer(columns).reshape(shape), shape
    leverage = np.sum(np.linalg.qr(C)[0] ** 2, axis=1)
    found: dict[bytes, Array] = {}
    for group in np.argsort(-leverage, kind="stable")[: 2 * q]:
        at = linprog(-C.sum(axis=0), A_ub=C, b_ub=np.zeros(m), A_eq=C[[group]], b_eq=[-1.0],
                     bounds=(None, None))  # fmt: skip
        if at.x is not None:
            change = C @ at.x
            found.setdefault((change / np.abs(change).max()).round(6).tobytes(), at.x)
    return tuple(found.values())
