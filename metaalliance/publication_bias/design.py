"""Design matrices of a selection model: an intercept and moderators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError


@dataclass(frozen=True, slots=True, eq=False)
class Designs:
    """Designs of the mean, of log tau² and of log weights.

    Attributes
    ----------
    X, U, Z : ndarray, shape (k, columns)
        Intercept and moderators; `U` and `Z` None without moderators.
    names, variance, selection : tuple of str
        Their columns.
    """

    X: Array
    names: tuple[str, ...]
    U: Array | None
    variance: tuple[str, ...]
    Z: Array | None
    selection: tuple[str, ...]

    @classmethod
    def build(
        cls,
        effects: Effects,
        mean: Sequence[str],
        variance: Sequence[str] = (),
        selection: Sequence[str] = (),
    ) -> Designs:
        """Return the designs of columns of the effects; see `design` for errors."""
        X, names = design(effects, mean)
        U, further = design(effects, variance) if variance else (None, ())
        Z, last = design(effects, selection) if selection else (None, ())
        return cls(X=X, names=names, U=U, variance=further, Z=Z, selection=last)

    def further(self, weights: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the coefficients of log tau² and of the log of each weight."""
        return (
            *(f"log tau²: {name}" for name in self.variance),
            *(f"log {weight}: {name}" for weight in weights for name in self.selection),
        )


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
    if len(names) == 1:
        return X, tuple(names)
    scaled = X / np.maximum(np.abs(X).max(axis=0), np.finfo(float).tiny)
    if np.linalg.matrix_rank(scaled) < X.shape[1]:
        raise EstimationError(
            f"The coefficients of {', '.join(names)} cannot be told apart. Leave one out.",
            code="MA641",
        )
    return X, tuple(names)


def check_moderators(effects: Effects, names: Sequence[str]) -> None:
    """Refuse names that are no moderators of the effects (OptionError)."""
    for name in names:
        if name not in effects.frame or name not in effects.moderators:
            raise OptionError(f"There is no moderator {name!r}; {effects.moderator_list(name)}.")


def _coded(effects: Effects, name: str) -> list[tuple[str, Array]]:
    check_moderators(effects, [name])
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
