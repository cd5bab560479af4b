"""Codes of several coders as a table of category numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from metaalliance.core.arrays import IntArray
from metaalliance.errors import OptionError

#: One row per coded unit, one column per coder; None and NaN are missing.
Ratings = Sequence[Sequence[Any]] | np.ndarray[Any, Any]


def encode(
    ratings: Ratings, categories: Sequence[Any] | None = None
) -> tuple[IntArray, tuple[Any, ...]]:
    """Return ratings as category numbers, -1 where missing, and the categories.

    Raises
    ------
    OptionError
        When the ratings are no table, or hold a label that `categories` has not.

    Examples
    --------
    >>> codes, labels = encode([["b", "a"], [None, "b"]])
    >>> codes.tolist(), labels
    ([[1, 0], [-1, 1]], ('a', 'b'))
    """
    table = np.asarray(ratings, dtype=object)
    if table.size == 0:
        table = table.reshape(0, table.shape[1] if table.ndim == 2 else 2)
    if table.ndim != 2 or table.shape[1] < 2:
        raise OptionError("ratings need one row per unit and at least two columns of coders.")
    used = {x for x in table.ravel() if not is_missing(x)}
    if categories is None:
        labels = tuple(sorted(used, key=lambda x: (isinstance(x, str), x)))
    else:
        labels = tuple(categories)
        unknown = used - set(labels)
        if unknown:
            raise OptionError(f"{min(map(repr, unknown))} is not one of the categories {labels}.")
    number = {label: i for i, label in enumerate(labels)}
    flat = [-1 if is_missing(x) else number[x] for x in table.ravel()]
    return np.array(flat, dtype=np.intp).reshape(table.shape), labels


def is_missing(value: Any) -> bool:
    """Whether a rating is None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))
