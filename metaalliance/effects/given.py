"""Arrays that a caller gives as effects: checked, or refused with the place of what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.given import GivenErrors
from metaalliance.errors import StudyDataError
from metaalliance.options import Measure


def numbers(name: str, values: ArrayLike, *, missing: bool = False) -> Array:
    """Return finite numbers of shape (k,), or say which is not; some may be missing (NaN)."""
    refuse_masked(name, values)
    try:
        array = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError) as error:
        raise StudyDataError(f"{name} must hold numbers only: {error}.") from error
    if array.ndim > 1:
        raise StudyDataError(f"{name} has shape {array.shape}; one value per effect is needed.")
    bad = np.flatnonzero(np.isinf(array) if missing else ~np.isfinite(array))
    if bad.size:
        raise StudyDataError(f"{name}[{bad[0]}] is {array[bad[0]]}: every value must be finite.")
    return array


def refuse_masked(name: str, values: Any) -> None:
    """Refuse a masked value of numpy, which would enter as the number below the mask."""
    if isinstance(values, list | tuple):
        mask: Any = [value is np.ma.masked for value in values]
    else:
        mask = np.ma.getmaskarray(values) if np.ma.isMA(values) else []
    masked = np.flatnonzero(mask)
    if masked.size:
        raise StudyDataError(
            f"{name}[{masked[0]}] is masked: leave the effect out, or write NaN where a value may "
            "be missing."
        )


def limits_of(
    lower: ArrayLike | None, upper: ArrayLike | None, yi: Array, measure: Measure
) -> dict[str, Array]:
    """Return the columns of the limits between which effects without a value lie; none of none."""
    if lower is None and upper is None:
        return {}
    if lower is None or upper is None:
        raise StudyDataError("lower and upper belong together: give both limits.")
    if measure in {"r", "r-unbiased"}:
        raise StudyDataError(
            f"measure={measure!r} takes no lower and upper: the sampling variance would rest on "
            "the value that a result without one lacks. Fisher z does not."
        )
    low, high = numbers("lower", lower, missing=True), numbers("upper", upper, missing=True)
    for name, limit in (("lower", low), ("upper", high)):
        if limit.size != yi.size:
            raise StudyDataError(f"yi has {yi.size} values and {name} has {limit.size}.")
    between = ~np.isnan(low)
    refuse_where("upper", high, between != ~np.isnan(high), "lower and upper belong together")
    refuse_where("yi", yi, between & ~np.isnan(yi), "an effect has a value, or lower and upper")
    refuse_where(
        "yi", yi, ~between & np.isnan(yi), "an effect without a value needs lower and upper"
    )
    refuse_where("lower", low, between & (low >= high), "it is not below upper")
    return {"lower": low, "upper": high} if between.any() else {}


def refuse_where(name: str, values: Array, wrong: BoolArray, reason: str) -> None:
    """Refuse the first value that is wrong."""
    bad = np.flatnonzero(wrong)
    if bad.size:
        raise StudyDataError(f"{name}[{bad[0]}] = {values[bad[0]]:g}: {reason}.")


def column_of(name: str, values: Any, k: int) -> Any:
    """Return a column of length k; what is missing in a list of text stays missing."""
    refuse_masked(name, values)
    if isinstance(values, list | tuple):
        shape = np.shape(np.array(values, dtype=object))
        array = pd.Series(list(values)).to_numpy() if len(shape) == 1 and values else values
    else:
        array = values.to_numpy() if isinstance(values, pd.Series) else np.asarray(values)
    if np.shape(array) != (k,):
        raise StudyDataError(f"{name} has shape {np.shape(array)}; {k} effects need ({k},).")
    return array


def sizes(n: Any, k: int) -> Any:
    """Return sample sizes; they may be missing."""
    column = column_of("n", n, k)
    try:
        numbers = np.asarray(pd.to_numeric(pd.Series(column)), dtype=float)
    except (TypeError, ValueError) as error:
        raise StudyDataError(f"n must hold numbers only: {error}.") from error
    refuse_where("n", numbers, numbers <= 0, "a sample size must be positive")
    return column


def labels_of(study: Any, k: int) -> Any:
    """Return study labels; each effect its own study by default."""
    if study is None:
        return np.arange(1, k + 1)
    labels = column_of("study", study, k)
    missing = np.flatnonzero(pd.isna(labels))
    if missing.size:
        raise StudyDataError(f"study[{missing[0]}] is missing: every effect needs a study.")
    return labels


def errors_of(V: Any, study: Any) -> GivenErrors:
    """Return the covariance of sampling errors: one matrix of all effects, or one of each study.

    Raises
    ------
    StudyDataError
        When a matrix has another shape, is not symmetric or not positive definite, or when studies
        are not independent.
    """
    codes, labels = pd.factorize(np.asarray(study, dtype=object))
    order = np.argsort(codes, kind="stable").astype(np.intp)
    rows = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    given = V.to_numpy() if isinstance(V, pd.DataFrame) else V
    whole = all(np.ndim(row) == 1 for row in given)
    blocks = _cut(given, rows) if whole else list(given)
    if len(blocks) != len(rows):
        raise StudyDataError(f"V has {len(blocks)} matrices; there are {len(rows)} studies.")
    found = [_covariance(b, own, label) for b, own, label in zip(blocks, rows, labels, strict=True)]
    return GivenErrors.of(found, rows)


def _cut(V: Any, rows: list[IntArray]) -> list[Array]:
    """Cut one matrix of all effects into those of studies."""
    whole, k = np.asarray(V, dtype=np.float64), sum(own.size for own in rows)
    if whole.shape != (k, k):
        raise StudyDataError(f"V has shape {whole.shape}; {k} effects need ({k}, {k}).")
    beside = whole.copy()
    for own in rows:
        beside[np.ix_(own, own)] = 0.0
    linked = np.argwhere(beside != 0)
    if linked.size:
        i, j = linked[0]
        raise StudyDataError(
            f"V[{i}, {j}] = {whole[i, j]:g}: these effects are of different studies, whose "
            "sampling errors are independent. Give effects of the same people one study."
        )
    return [whole[np.ix_(own, own)] for own in rows]


def _covariance(block: Any, own: IntArray, label: Any) -> Array:
    """Check the matrix of one study."""
    V = np.asarray(block, dtype=np.float64)
    if V.shape != (own.size, own.size):
        raise StudyDataError(f"V of study {label} has shape {V.shape}; it has {own.size} effects.")
    scale = float(np.abs(V).max())
    if not np.isfinite(V).all() or np.abs(V - V.T).max() > 1e-10 * scale:
        raise StudyDataError(f"V of study {label} is not symmetric, or not finite.")
    sd = np.sqrt(np.maximum(np.diag(V), 0.0))
    safe = np.where(sd > 0, sd, 1.0)
    if (sd <= 0).any() or float(np.linalg.eigvalsh(V / np.outer(safe, safe))[0]) <= 1e-10:
        raise StudyDataError(f"V of study {label} is not positive definite.")
    return np.asarray((V + V.T) / 2, dtype=np.float64)
