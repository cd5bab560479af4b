"""How the sampling errors of the components of a study go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.conversion.steiger import correlation_vector
from metaalliance.core.variance.given import GivenErrors
from metaalliance.core.variance.own import SamplingErrors
from metaalliance.effects.correlated import checked_rows
from metaalliance.effects.effects import Effects
from metaalliance.effects.overlap import nested_sizes
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Specification, refuse
from metaalliance.models.sampling import both, correlations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sampling:
    """The covariance of the sampling errors of effects, in their order.

    Attributes
    ----------
    dense : callable
        Returns it for rows (c, n) of one study each, (c, n, n).
    source : {"V", "correlations", "rho"}
        A whole matrix that was given, a table of correlations, or an assumed correlation.
    pairs, assumed : int
        Pairs of effects of one sample, and those whose correlation was assumed.
    unused : tuple of str
        Rows of the table that no pair of effects needs, in words.
    """

    dense: Callable[[IntArray], Array]
    source: str
    pairs: int
    assumed: int
    unused: tuple[str, ...] = ()


def sampling_of(
    effects: Effects,
    model: Specification,
    table: pd.DataFrame | None = None,
    variables: tuple[Sequence[str], Sequence[str]] | None = None,
) -> Sampling:
    """Return the sampling covariance of effects.

    Parameters
    ----------
    effects : Effects
        Effects; where they have a whole covariance it is taken.
    model : Specification
        The assumed correlations, for pairs that nothing else is known of.
    table : DataFrame, optional
        Correlations between variables: study, var1, var2, r, n.
    variables : pair of sequences of str, shape (k,), optional
        The two variables that each effect correlates, as `table` calls them.

    Raises
    ------
    OptionError
        For an assumed correlation beside a whole covariance, or a table beside one.
    EstimationError
        When the correlations of a study contradict each other.
    """
    people = effects.sample_codes
    pairs = _pairs(people)
    if effects.errors is not None:
        reason = "V says how the sampling errors go together"
        names = ("rho", "rho_same", "same")
        refuse(model, "A multivariate model of these effects", dict.fromkeys(names, reason))
        if table is not None:
            raise OptionError(f"correlations cannot be given: {reason}.")
        return Sampling(dense=effects.errors.dense, source="V", pairs=pairs, assumed=0)
    same = both(people, pd.factorize(effects.frame[model.same])[0]) if model.same else people
    plain = SamplingErrors(
        effects.vi, correlations(effects, model), people, np.asarray(same, dtype=np.intp),
        model.rho_same, nested_sizes(effects),
    )  # fmt: skip
    if table is None or variables is None:
        return Sampling(dense=plain.dense, source="rho", pairs=pairs, assumed=pairs)
    if effects.measure == "generic":
        raise OptionError("correlations: a table of them needs effects that are correlations.")
    rows = checked_rows(table)
    found, assumed = _from_table(effects, plain, rows, variables)
    return Sampling(
        dense=found.dense, source="correlations", pairs=pairs, assumed=assumed,
        unused=_unused(effects, rows, variables),
    )  # fmt: skip


def _unused(
    effects: Effects, table: pd.DataFrame, variables: tuple[Sequence[str], Sequence[str]]
) -> tuple[str, ...]:
    """Rows of the table about variables that the study has no effects of."""
    there = {
        (str(study), name)
        for names in variables
        for study, name in zip(effects.frame["study"], names, strict=True)
    }
    return tuple(
        f"{study}: {a} with {b}"
        for study, a, b in table[["study", "var1", "var2"]].itertuples(index=False)
        if not {(str(study), a), (str(study), b)} <= there
    )


def _pairs(people: IntArray) -> int:
    sizes = np.bincount(people)
    return int((sizes * (sizes - 1) // 2).sum())


def _from_table(
    effects: Effects,
    plain: SamplingErrors,
    table: pd.DataFrame,
    variables: tuple[Sequence[str], Sequence[str]],
) -> tuple[GivenErrors, int]:
    """The covariance by Olkin and Siotani, where every correlation is known that it needs."""
    frame, people = effects.frame, effects.sample_codes
    known = dict(iter(table.groupby(table["study"].astype(str), sort=False)))
    r = frame["r_observed" if "r_observed" in frame else "r"].to_numpy(dtype=float)
    first, second = (np.asarray(names, dtype=object) for names in variables)
    blocks, rows, assumed = [], [], 0
    for study, own in frame.groupby("study", sort=False).indices.items():
        index = np.asarray(own, dtype=np.intp)
        V, own_table = plain.dense(index[None])[0], known.get(str(study))
        R = V / np.sqrt(np.outer(np.diag(V), np.diag(V)))
        for code in np.unique(people[index]):
            at = np.flatnonzero(people[index] == code)
            if at.size < 2:
                continue
            mine = index[at]
            C = _correlations(
                study,
                _of_sample(own_table, effects, mine[0]),
                first[mine],
                second[mine],
                r[mine],
                effects.measure,
            )
            unsaid = np.isnan(C)
            assumed += int(np.triu(unsaid, 1).sum())
            R[np.ix_(at, at)] = np.where(unsaid, R[np.ix_(at, at)], C * _shared(plain, mine))
        _refuse_contradiction(study, R)
        blocks.append(R * np.sqrt(np.outer(np.diag(V), np.diag(V))))
        rows.append(index)
    return GivenErrors.of(blocks, rows), assumed


def _of_sample(table: pd.DataFrame | None, effects: Effects, row: int) -> pd.DataFrame | None:
    """Rows of a study's table about the sample of an effect, or about every sample."""
    if table is None or "sample" not in effects.frame:
        return table
    named = table["sample"].fillna("").astype(str)
    own = str(effects.frame["sample"].iloc[row])
    return table[(named == "") | (named == own)]


def _shared(plain: SamplingErrors, rows: IntArray) -> Array | float:
    """What people that are nested leave of a correlation."""
    if plain.n is None:
        return 1.0
    n = plain.n[rows]
    return np.sqrt(np.minimum.outer(n, n) / np.maximum.outer(n, n))


def _refuse_contradiction(study: Any, R: Array) -> None:
    if float(np.linalg.eigvalsh(R)[0]) <= 1e-10:
        raise EstimationError(
            f"The correlations of study {study} contradict each other, or what rho assumes of "
            "those that are missing: their matrix is not positive definite. Check r, its sign, and "
            "the names of the variables.",
            code="MA628",
        )


def _correlations(
    study: Any, table: pd.DataFrame | None, first: Any, second: Any, r: Array, measure: str
) -> Array:
    """Correlations of the sampling errors of effects of one sample; NaN where not known, (n, n)."""
    names = list(dict.fromkeys([*first, *second]))
    place = {name: i for i, name in enumerate(names)}
    pairs = np.array([(place[a], place[b]) for a, b in zip(first, second, strict=True)])
    R = np.full((len(names), len(names)), np.nan)
    if table is not None:
        inside = table["var1"].isin(names) & table["var2"].isin(names)
        for a, b, value in table.loc[inside, ["var1", "var2", "r"]].itertuples(index=False):
            R[place[a], place[b]] = R[place[b], place[a]] = value
    ordered = np.sort(pairs, axis=1)
    for pair in np.unique(ordered, axis=0):
        mine = (ordered == pair).all(axis=1)
        R[pair[0], pair[1]] = R[pair[1], pair[0]] = np.tanh(np.arctanh(r[mine]).mean())
    np.fill_diagonal(R, 1.0)
    if not np.isnan(R).any():
        _refuse_contradiction(study, R)
    V = correlation_vector(R, 4.0, pairs, fisher=measure == "z").V
    spread = np.sqrt(np.diag(V))
    C = V / np.outer(spread, spread)
    # two effects of the same variables differ by what no correlation says
    C[(ordered[:, None] == ordered[None]).all(axis=2)] = np.nan
    np.fill_diagonal(C, 1.0)
    return np.asarray(C, dtype=np.float64)
