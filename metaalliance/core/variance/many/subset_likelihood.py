"""The multilevel likelihood of many subsets of the same effects.

Nested levels climb all at once, as `variants`, and as `mean_variants` where subsets hold whole
studies; other structures climb one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.variance.ascent import highest, maximize
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.many.covariances import joined
from metaalliance.core.variance.many.variant_ascent import Optima, highest_of_starts, in_parts
from metaalliance.core.variance.many.variants import Variants
from metaalliance.core.variance.means.mean_variants import MeanVariants
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.errors import ConvergenceError


@dataclass(frozen=True, slots=True, eq=False)
class SubsetQ:
    """Residual heterogeneity of subsets, from the sampling covariance alone.

    Attributes
    ----------
    Q : ndarray, shape (subsets,)
        Cochran's Q.
    df : ndarray, shape (subsets,)
        Its degrees of freedom.
    typical_variance : ndarray, shape (subsets,)
        (k - p) / tr(P), as in `heterogeneity.QTest`; NaN without degrees of freedom.
    """

    Q: Array
    df: Array
    typical_variance: Array


def maximize_subsets(
    data: MultilevelData, present: BoolArray, starts: Sequence[Array], *, restricted: bool
) -> Optima:
    """Climb to the optimum of every subset of the effects.

    Newton steps with the safeguards of `multilevel.maximize`, for all subsets that have not
    arrived. Where several starts are given, the highest of their maxima counts, the first of
    those equal to rounding.

    Parameters
    ----------
    data : MultilevelData
        All effects.
    present : ndarray of bool, shape (subsets, k)
        The effects of each subset; the design has to keep its rank in each, and each needs two
        studies and a study with two effects.
    starts : sequence of ndarray, shape (c,)
        Variance components to begin with.
    restricted : bool
        REML if true, else ML.
    """
    p = data.X.shape[1]
    if not joined(data.structure):
        return _one_by_one(data, present, starts, restricted)
    if not present.shape[0]:
        return Optima(np.empty((0, len(data.names))), np.empty((0, p)), np.empty(0))
    subsets = subsets_of_means(data, present) or _subsets(data, present)
    parts = [highest_of_starts(part, starts, restricted=restricted) for part in in_parts(subsets)]
    return Optima(*(np.concatenate([getattr(o, n) for o in parts]) for n in Optima.__slots__))


def subsets_of_means(data: MultilevelData, present: BoolArray) -> MeanVariants | None:
    """Return subsets (r, k) that hold whole studies as variants of their means, else None."""
    if data.means is None:
        return None
    whole = present[:, data.blocks.starts]
    if (whole[:, data.blocks.study] != present).any():
        return None
    return data.means.of_present(whole.astype(np.float64))


def _subsets(data: MultilevelData, present: BoolArray) -> Variants:
    columns = np.ascontiguousarray(present.T, dtype=np.float64)
    shared = tuple(np.ascontiguousarray(x)[:, None] for x in data.X.T)
    return Variants.of(data.structure, data.yi[:, None], shared, columns)


def _one_by_one(
    data: MultilevelData, present: BoolArray, starts: Sequence[Array], restricted: bool
) -> Optima:
    """Climb to the optimum of one subset after the other."""
    size, p = present.shape[0], data.X.shape[1]
    found = Optima(
        np.full((size, len(data.names)), np.nan), np.full((size, p), np.nan), np.full(size, np.nan)
    )
    for row, keep in enumerate(present):
        some = data.subset(keep)
        try:
            point = highest([maximize(some, start, restricted=restricted) for start in starts])
        except ConvergenceError:
            continue
        found.theta[row], found.beta[row] = point.theta, point.beta
        found.value[row] = point.log_likelihood
    return found


def q_subsets(data: MultilevelData, present: BoolArray) -> SubsetQ:
    """Cochran's Q of every subset; parameters as in `maximize_subsets`."""
    p = data.X.shape[1]
    if not joined(data.structure):
        tests = [q_test(data.subset(keep)) for keep in present]
        each = [(q.Q, float(q.df), q.typical_variance) for q in tests]
        return SubsetQ(*np.array(each).reshape(-1, 3).T)
    found = []
    subsets = subsets_of_means(data, present) or _subsets(data, present)
    for part in in_parts(subsets) if present.shape[0] else ():
        points = part.at(np.zeros((part.size, len(data.names))), restricted=False)
        trace_P, df = points.trace(), part.counts - p
        typical = np.divide(df, trace_P, out=np.full(df.size, np.nan), where=df > 0)
        found.append(np.vstack([np.maximum(0.0, points.rss), df, typical]))
    Q, df, typical = np.hstack(found) if found else np.empty((3, 0))
    return SubsetQ(Q, df, typical)
