"""Degrees of freedom of t and F where several variance components are estimated."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.variance.levels import Crossed, Groups, Rows
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    expected_information,
)

#: Differences within a group, relative to the largest value of a column, that are rounding.
CONSTANT = 1e-9
#: Smallest eigenvalue of an information whose diagonal is one.
EPSILON = float(np.finfo(float).eps)


def information_df(data: MultilevelData, point: MultilevelPoint, C: Array) -> Array:
    """Satterthwaite's degrees of freedom of C beta from the information of the components.

    The variance f of a combination is a function of the variance components with the gradient
    g, and its degrees of freedom are ``2 f^2 / (g'A g)`` with A the inverse of the expected
    information [1]_ [2]_: that of the restricted likelihood also where the components are
    those of ML, since the full one counts the coefficients as known. With
    h = S^-1 X (X'S^-1 X)^-1 c the derivative by a component is the sum of squares of h over its
    groups. A component at zero is held there: on the scale of its standard deviation its
    derivative is zero.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        The effects and the fitted model.
    C : ndarray, shape (q, p)
        Combinations of the coefficients.

    Returns
    -------
    ndarray, shape (q,)
        Infinite where no component is above zero, so that the variance is known.

    References
    ----------
    .. [1] Satterthwaite (1946).
    .. [2] Christensen (2018).

    Examples
    --------
    Equal variances leave the k - 1 of the one-sample t test:

    >>> from metaalliance.core.variance.blocks import StudyBlocks
    >>> from metaalliance.core.variance.multilevel import evaluate, nested_data
    >>> blocks = StudyBlocks.from_sorted(np.repeat(np.arange(6), 2))
    >>> data = nested_data(np.arange(12.0), np.full(12, 0.1), np.ones((12, 1)), blocks, 0.0)
    >>> point = evaluate(data, np.array([4.0, 2.0]), restricted=True)
    >>> information_df(data, point, np.eye(1)).round(10).tolist()
    [5.0]
    """
    information = expected_information(data, point, restricted=True)
    known = np.diag(information)
    free = np.flatnonzero((point.theta > data.structure.lowest) & (known > 0))
    if not free.size:
        return np.full(C.shape[0], np.inf)
    scale = 1 / np.sqrt(known[free])
    values, vectors = np.linalg.eigh(information[np.ix_(free, free)] * np.outer(scale, scale))
    rows = point.WX @ (point.bread @ C.T)
    squares = [groups.sums(rows) ** 2 for groups in data.structure.levels]
    slopes = data.structure.slopes(point.theta)
    gradient = np.stack([slopes[a].weight @ squares[slopes[a].level] for a in free])
    along = vectors.T @ (scale[:, None] * gradient)
    spread = np.sum(along**2 / np.maximum(values, EPSILON)[:, None], axis=0)
    variance = np.sum((C @ point.bread) * C, axis=1)
    found = np.full(variance.shape, np.nan)
    np.divide(2 * variance**2, spread, out=found, where=spread > 0)
    return found


def joint_information_df(data: MultilevelData, point: MultilevelPoint, C: Array) -> float:
    """Denominator degrees of freedom of the F test of C beta = 0.

    F is the mean of q squared t statistics of uncorrelated combinations with degrees of freedom
    d each; its own are ``2 E / (E - q)`` with E = sum of d / (d - 2), so that the expectations
    agree [1]_. The combinations are those that share out the part of the variance that the
    components make: unlike the eigenvectors of C (X'S^-1 X)^-1 C' they do not depend on units or on
    the reference level. Where some d is 2 or less there is no expectation, and the smallest
    stands.

    Parameters are those of `information_df`, the rows of `C` linearly independent.

    References
    ----------
    .. [1] Christensen (2018).
    """
    V = C @ point.bread @ C.T
    scale = 1 / np.sqrt(np.diag(V))
    root = np.linalg.cholesky(V * np.outer(scale, scale))
    white = np.linalg.solve(root, scale[:, None] * C)
    rows = point.WX @ (point.bread @ white.T)
    made = np.zeros_like(V)
    components = data.structure.components(point.theta)
    for groups, component in zip(data.structure.levels, components, strict=True):
        sums = groups.sums(rows)
        made += (sums.T * np.broadcast_to(component, groups.m)) @ sums
    _, vectors = np.linalg.eigh(made)
    return joint_df(information_df(data, point, vectors.T @ white))


def joint_df(df: Array) -> float:
    """Denominator degrees of freedom of the mean of squares of t statistics with `df` (q,).

    Examples
    --------
    >>> round(joint_df(np.array([5.0, 5.0, 5.0])), 10)
    5.0
    """
    if not (df > 2).all():
        return float(df.min())
    excess = float(np.sum(2 / (df - 2)))  # E - q
    return 2 + 2 * df.size / excess if excess > 0 else float("inf")


def contained_df(data: MultilevelData, X: Array) -> Array:
    """Degrees of freedom of each coefficient by the rule of containment, shape (p,).

    Of the components within whose groups a column does not vary, the one with the fewest groups
    leaves its groups less the p coefficients, at least one. Every column is constant within
    effects, so that k - p is the most.

    Parameters
    ----------
    data : MultilevelData
        The effects, sorted.
    X : ndarray, shape (k, p)
        Design matrix in the order of `data`.
    """
    k, p = X.shape
    found = np.full(p, float(k))
    for groups in data.structure.levels:
        held = _constant(X, groups)
        found[held] = np.minimum(found[held], groups.m)
    return np.asarray(np.maximum(found - p, 1.0), dtype=np.float64)


def _constant(X: Array, groups: Groups) -> BoolArray:
    """Whether each column has one value in each group, shape (p,)."""
    if isinstance(groups, Rows):
        return np.ones(X.shape[1], dtype=bool)
    if isinstance(groups, Crossed):
        first = np.unique(groups.codes, return_index=True)[1]
    else:
        first = groups.starts
    apart = np.abs(X - groups.spread(X[first])).max(axis=0)
    return np.asarray(apart <= CONSTANT * np.abs(X).max(axis=0))
