"""The correlations of sampling errors that a model assumes, beside its levels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.levels import Term
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Specification


def correlations(effects: Effects, model: Specification) -> Array:
    """Return the correlation of the error of each effect with others of its sample, shape (k,).

    Raises
    ------
    OptionError
        For a column that holds no numbers.
    EstimationError
        When it holds several for a sample, or one that is no correlation in [0, 1).
    """
    if not isinstance(model.rho, str):
        return np.full(effects.n_effects, float(model.rho or 0.0))
    found = _numbers(effects.frame, model.rho)
    study, first = effects.frame["study"], pd.Series(found).groupby(effects.sample_codes)
    varies = np.flatnonzero(found != first.transform(lambda own: own.iloc[0]).to_numpy())
    outside = np.flatnonzero(~((found >= 0) & (found < 1)))
    if varies.size and not np.isnan(found[varies[0]]):
        label = study.iloc[varies[0]]
        raise EstimationError(f"{model.rho} differs within {label}.", code="MA603")
    if outside.size:
        value, label = found[outside[0]], study.iloc[outside[0]]
        seen = "none" if math.isnan(value) else f"{value:g}"
        raise EstimationError(
            f"rho={model.rho!r} needs a correlation of the sampling errors of each study, in "
            f"[0, 1); {label} has {seen}.",
            code="MA603",
        )
    return found


def _numbers(frame: pd.DataFrame, column: str) -> Array:
    numbers = pd.to_numeric(frame[column], errors="coerce")
    wrong = np.flatnonzero((numbers.isna() & frame[column].notna()).to_numpy())
    if wrong.size:
        seen = frame[column].iloc[wrong[0]]
        raise OptionError(
            f"rho={column!r} needs a column of correlations in [0, 1); it holds {str(seen)!r}."
        )
    return numbers.to_numpy(dtype=float)


def sampling_terms(
    vi: Array, rho: Array, rho_same: float | None, sample: StudyBlocks, same: StudyBlocks
) -> tuple[Array, tuple[Term, ...]]:
    """Return the diagonal part and the correlated terms of a sampling covariance.

    Parameters
    ----------
    vi, rho : ndarray, shape (k,)
        Variances of the errors, and their correlation within samples.
    rho_same : float, optional
        Correlation of errors that share `same`, too.
    sample, same : StudyBlocks
        Groups of adjacent rows, the second inside the first.
    """
    root = np.sqrt(vi)
    terms, total = [Term(sample, root, rho[sample.starts])], rho
    if rho_same is not None:
        extra = rho_same - rho[same.starts]
        terms.append(Term(same, root, extra))
        total = rho + same.spread(extra)
    if not (total < 1).all():
        raise EstimationError("An assumed correlation is not below 1.", code="MA603")
    return (1 - total) * vi, tuple(terms)


def both(*codes: IntArray) -> IntArray:
    """Return groups of rows that share every one of several groups."""
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()


def is_nested(codes: IntArray, others: Sequence[IntArray]) -> bool:
    """Whether groups lie inside those of each other grouping, or hold them whole.

    Examples
    --------
    >>> one, two = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> is_nested(one, [np.zeros(4, int), np.arange(4)]), is_nested(one, [two])
    (True, False)
    """
    counts = [(both(codes, other), other) for other in others]
    return all(_count(pairs) == max(_count(codes), _count(other)) for pairs, other in counts)


def _count(codes: IntArray) -> int:
    return int(np.unique(codes).size)
