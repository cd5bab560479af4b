"""Design matrix of a selection model: an intercept and moderators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError


def design(effects: Effects, moderators: Sequence[str]) -> tuple[Array, tuple[str, ...]]:
    """Return intercept and moderators with their names.

    Numbers are taken as they are; other columns become one indicator for each value but the
    first in sorted order.

    Raises
    ------
    OptionError
        For a column that does not exist.
    EstimationError
        For missing values, or columns that are collinear.
    """
    columns, names = [np.ones(effects.n_effects)], ["intercept"]
    for name in moderators:
        for label, values in _coded(effects, name):
            names.append(label)
            columns.append(values)
    X = np.column_stack(columns)
    scaled = X / np.maximum(np.abs(X).max(axis=0), np.finfo(float).tiny)
    if np.linalg.matrix_rank(scaled) < X.shape[1]:
        raise EstimationError(
            f"The coefficients of {', '.join(names)} cannot be told apart. Leave one out.",
            code="MA641",
        )
    return X, tuple(names)


def _coded(effects: Effects, name: str) -> list[tuple[str, Array]]:
    if name not in effects.frame or name not in effects.moderators:
        raise OptionError(f"There is no moderator {name!r}; {effects.moderator_list(name)}.")
    column = effects.frame[name]
    missing = int(column.isna().sum())
    if missing:
        raise EstimationError(
            f"The moderator {name!r} is missing for {missing} of {len(column)} effects. Complete "
            "it, or leave these effects out (effects.subset).",
        )
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return [(name, column.to_numpy(dtype=float))]
    values = column.astype(str)
    return [
        (f"{name}: {value}", (values == value).to_numpy(dtype=float))
        for value in sorted(values.unique())[1:]
    ]
