"""Studies whose correlations contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.errors import EstimationError

#: What happens to a study whose correlations contradict each other.
NotPositiveDefinite = Literal["refuse", "exclude"]
#: Least eigenvalue of a correlation matrix.
LEAST = 1e-10


def groups_of(codes: Any) -> list[IntArray]:
    """Rows of each code from 0 on, in their order."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes))[:-1])


def definite(
    rows: pd.DataFrame, variables: Sequence[str], how: NotPositiveDefinite
) -> tuple[pd.DataFrame, tuple[Any, ...]]:
    """Refuse or leave out studies whose correlations contradict each other."""
    first, second, unit = (rows[c].to_numpy(dtype=np.intp) for c in ("first", "second", "unit"))
    r, studies = rows["r"].to_numpy(), list(dict.fromkeys(rows["study"]))
    bad: dict[Any, list[str]] = {}
    for at in groups_of(rows["part"].to_numpy()):
        odd = _contradiction(first[at], second[at], r[at])
        if odd:
            bad[studies[unit[at[0]]]] = [variables[i] for i in odd]
    if not bad:
        return rows, ()
    if how == "refuse":
        named = "; ".join(f"{s} ({', '.join(names)})" for s, names in bad.items())
        raise EstimationError(
            f"The correlations of {named} contradict each other: the matrix is not positive "
            "definite. Check r, signs and names in the report; a study whose matrix is as it was "
            "printed is left out by choice (--not-positive-definite exclude, in Python "
            "not_positive_definite='exclude').",
            code="MA723",
        )
    kept = rows[~rows["study"].isin(list(bad))].reset_index(drop=True)
    if kept.empty:
        raise EstimationError("Every study was left out.", code="MA723")
    kept["unit"] = pd.factorize(kept["study"])[0]
    return kept, tuple(bad)


def _contradiction(first: IntArray, second: IntArray, r: Array) -> list[int]:
    """Variables of a sample whose complete matrix is not positive definite."""
    own, at = np.unique(np.r_[first, second], return_inverse=True)
    i, j = at[: r.size], at[r.size :]
    total, count = np.zeros((2, own.size, own.size))
    np.add.at(total, (i, j), r)
    np.add.at(count, (i, j), 1.0)
    total, count = total + total.T, count + count.T
    R = np.divide(total, count, out=np.eye(own.size), where=count > 0)
    known = (count > 0) | np.eye(own.size, dtype=bool)
    for group in [list(range(own.size))] if known.all() else _complete(known):
        if np.linalg.eigvalsh(R[np.ix_(group, group)])[0] <= LEAST:
            return [int(own[g]) for g in group]
    return []


def _complete(known: BoolArray) -> Iterator[list[int]]:
    """Largest sets of variables all of whose correlations are known: maximal cliques."""
    near = [set(np.flatnonzero(row)) - {i} for i, row in enumerate(known)]

    def grown(have: set[int], may: set[int], done: set[int]) -> Iterator[list[int]]:
        if not may and not done:
            yield sorted(have)
        pivot = max(may | done, key=lambda v: len(near[v] & may), default=None)
        for v in list(may - near[pivot] if pivot is not None else ()):
            yield from grown(have | {v}, may & near[v], done & near[v])
            may, done = may - {v}, done | {v}

    yield from grown(set(), set(range(len(known))), set())
