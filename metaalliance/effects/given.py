"""Arrays that a caller gives as effects: checked, or refused with the place of what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, BoolArray
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
