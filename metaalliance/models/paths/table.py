"""A long table of correlations: its cells, and the covariances of their sampling errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.conversion.steiger import unscaled_covariance, upper_pairs
from metaalliance.core.paths.likelihood import Cells, cells_of
from metaalliance.effects.correlated import checked_rows
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.paths.contradictions import (
    LEAST,
    NotPositiveDefinite,
    definite,
    groups_of,
)
from metaalliance.problems import Problem, notice
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text

#: Columns that may stand beside those of the table, for either variable of a row.
SIDES = ("measure", "time")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrelationTable:
    """The correlations between the variables of a model.

    Attributes
    ----------
    frame : DataFrame
        The rows that are used: study, sample, var1, var2, r, n, measure1, measure2, time1, time2,
        and `cell` and `unit`, the numbers of cell and study.
    variables : tuple of str
        Variables.
    pairs : ndarray of int, shape (p, 2)
        Variables of each cell.
    studies : tuple
        Studies, in the order of the table.
    mean : ndarray, shape (v, v)
        Mean correlations, weighted by n, from which sampling covariances follow.
    cells : Cells
        Correlations by study and cell.
    n : ndarray, shape (k,)
        Participants of each study: of each sample its largest n.
    excluded : tuple
        Studies left out, as their matrix is not positive definite.
    notices : tuple of Problem
        What is assumed, and what was left out.
    """

    frame: pd.DataFrame = field(repr=False)
    variables: tuple[str, ...]
    pairs: IntArray = field(repr=False)
    studies: tuple[Any, ...] = field(repr=False)
    mean: Array = field(repr=False)
    cells: Cells = field(repr=False)
    n: Array = field(repr=False)
    excluded: tuple[Any, ...]
    notices: tuple[Problem, ...] = field(repr=False)


def correlation_table(
    frame: pd.DataFrame,
    variables: Sequence[str],
    *,
    measures_r: float,
    not_positive_definite: NotPositiveDefinite,
    order: Sequence[str] = (),
) -> CorrelationTable:
    """Take the correlations between some variables from a long table.

    Covariances of sampling errors follow from the mean correlations [1]_. Where correlations of a
    sample differ in n, the smaller group lies within the larger one. Two rows of a cell are those
    of two measures, or of one at two times: between two measures of one variable `measures_r`
    stands, or what the column `measures_r` says. Rows that name no measure are of several
    measures of the variable that comes later in `order`, which is that of the variables if it is
    not given. A measure or a time that is blank is the one that the sample has elsewhere.

    Raises
    ------
    StudyDataError, EstimationError, OptionError
        For a table that cannot be used.

    References
    ----------
    .. [1] Olkin and Siotani (1976).
    """
    if not -1 < measures_r < 1:
        raise OptionError(f"measures_r={measures_r!r} is not a correlation between −1 and 1.")
    rows, left = _rows(frame, variables, order or variables)
    rows, excluded = definite(rows, variables, not_positive_definite)
    pairs = upper_pairs(len(variables))
    mean = _mean(rows, variables, pairs)
    studies = tuple(dict.fromkeys(rows["study"]))
    sampling = _Sampling(rows, studies, mean, pairs, _own_r(frame, studies, measures_r))
    r, cell = rows["r"].to_numpy(dtype=float), rows["cell"].to_numpy(dtype=np.intp)
    at = groups_of(rows["unit"].to_numpy())
    covariances = [sampling.covariance(i) for i in at]
    cells = cells_of([r[i] for i in at], covariances, [cell[i] for i in at], len(pairs))
    return CorrelationTable(
        frame=rows,
        variables=tuple(variables),
        pairs=pairs,
        studies=studies,
        mean=mean,
        cells=cells,
        n=rows.groupby(["unit", "part"])["n"].max().groupby("unit").sum().to_numpy(dtype=float),
        excluded=excluded,
        notices=(*left, *_notices(excluded, len(r) - int(cells.seen.sum()), measures_r)),
    )


def _rows(
    frame: pd.DataFrame, variables: Sequence[str], order: Sequence[str]
) -> tuple[pd.DataFrame, tuple[Problem, ...]]:
    """Rows between the variables, each pair in the order of the variables."""
    rows = checked_rows(frame)
    for side in SIDES:
        for i in (1, 2):
            name = f"{side}{i}"
            given = frame[name].to_numpy() if name in frame else [None] * len(rows)
            texts = ["" if pd.isna(x) else str(x).strip() for x in given]
            rows[name] = pd.Series([x or None for x in texts], dtype=object)
    place = {name: i for i, name in enumerate(variables)}
    used = rows["var1"].isin(place) & rows["var2"].isin(place)
    other = sorted(set(rows["var1"]).union(rows["var2"]) - set(place))
    absent = [v for v in variables if v not in set(rows["var1"]).union(rows["var2"])]
    if absent:
        raise OptionError(
            f"The model names {', '.join(absent)}, and the table does not; its variables are "
            f"{', '.join(sorted(set(rows['var1']).union(rows['var2'])))}.",
            code="MA721",
        )
    rows["row"] = frame["row"].to_numpy() if "row" in frame else np.arange(len(rows))
    rows = rows[used].reset_index(drop=True)
    if (rows["n"] < 4).any():
        bad = rows[rows["n"] < 4].iloc[0]
        raise EstimationError(
            f"Study {bad['study']} has n = {bad['n']:g}; a correlation needs 4.", code="MA721"
        )
    turned = [place[a] > place[b] for a, b in zip(rows["var1"], rows["var2"], strict=True)]
    for name in ("var", *SIDES):
        a, b = rows[f"{name}1"].copy(), rows[f"{name}2"].copy()
        rows[f"{name}1"] = pd.Series(np.where(turned, b, a), dtype=object)
        rows[f"{name}2"] = pd.Series(np.where(turned, a, b), dtype=object)
    first = [place[a] for a in rows["var1"]]
    second = [place[b] for b in rows["var2"]]
    cell = {tuple(pair): c for c, pair in enumerate(upper_pairs(len(variables)).tolist())}
    _complete_sides(rows)
    rows["cell"] = [cell[pair] for pair in zip(first, second, strict=True)]
    late = {v: i for i, v in enumerate(order)}
    rows["first"], rows["second"] = first, second
    rows["backward"] = [late[a] > late[b] for a, b in zip(rows["var1"], rows["var2"], strict=True)]
    rows["unit"] = pd.factorize(rows["study"])[0]
    rows["part"] = rows.groupby(["study", "sample"], sort=False, dropna=False).ngroup()
    if not other:
        return rows, ()
    text = (
        f"Left out: {count_text(int((~used).sum()), 'correlation')} of variables that the model "
        f"does not name ({', '.join(other[:8])}{', ...' if len(other) > 8 else ''})."
    )
    return rows, (notice("MA722", text, severity="note"),)


def _complete_sides(rows: pd.DataFrame) -> None:
    """Fill in a measure or a time that is blank where the sample has one of its variable."""
    for side in SIDES:
        known: dict[Any, set[Any]] = {}
        keys = [list(zip(rows["study"], rows["sample"].astype(str), rows[f"var{i}"], strict=True))
                for i in (1, 2)]  # fmt: skip
        for i in (1, 2):
            for key, said in zip(keys[i - 1], rows[f"{side}{i}"], strict=True):
                known.setdefault(key, set()).update([said] if said else [])
        for i in (1, 2):
            filled = [
                said or (next(iter(known[key])) if len(known[key]) == 1 else None)
                for key, said in zip(keys[i - 1], rows[f"{side}{i}"], strict=True)
            ]
            rows[f"{side}{i}"] = pd.Series(filled, dtype=object)


def _mean(rows: pd.DataFrame, variables: Sequence[str], pairs: IntArray) -> Array:
    """Mean correlations, weighted by n; several rows of a study and cell share its weight."""
    R = np.eye(len(variables))
    share = rows["n"] / rows.groupby(["unit", "cell"])["r"].transform("size")
    for c, (i, j) in enumerate(pairs):
        at = (rows["cell"] == c).to_numpy()
        if not at.any():
            raise EstimationError(
                f"No study correlates {variables[i]} with {variables[j]}; the model needs at least "
                "one correlation of every pair of its variables.",
                code="MA721",
            )
        R[i, j] = R[j, i] = float(np.average(rows["r"][at], weights=share[at]))
    if np.linalg.eigvalsh(R)[0] <= LEAST:
        raise EstimationError(
            "The mean correlations contradict each other: their matrix is not positive definite.",
            code="MA723",
        )
    return R


def _own_r(frame: pd.DataFrame, studies: Sequence[Any], assumed: float) -> Array:
    """Correlation of two measures of one variable in each study, as its rows or the setting say."""
    if "measures_r" not in frame:
        return np.full(len(studies), assumed)
    given = pd.to_numeric(frame["measures_r"], errors="coerce").groupby(frame["study"])
    least, most = given.min(), given.max()
    odd = (least != most) & least.notna() | (least.abs() >= 1) | (most.abs() >= 1)
    if odd.any():
        raise EstimationError(
            f"Study {odd.index[odd][0]}: measures_r has to be one correlation between −1 and 1 in "
            "all of its rows.",
            code="MA721",
        )
    return np.asarray(least.reindex(list(studies)).fillna(assumed), dtype=np.float64)


class _Sampling:
    """Covariances of the sampling errors of the rows of a study."""

    def __init__(
        self, rows: pd.DataFrame, studies: tuple[Any, ...], mean: Array, pairs: IntArray, own: Array
    ) -> None:
        self.studies, self.mean, self.own = studies, mean, own
        self.unscaled = unscaled_covariance(mean, pairs)
        self.cell, self.unit, self.part = (
            rows[c].to_numpy(dtype=np.intp) for c in ("cell", "unit", "part")
        )
        self.n = rows["n"].to_numpy(dtype=float)
        sides = [
            list(zip(*(rows[c] for c in (place, f"measure{i}", f"time{i}")), strict=True))
            for i, place in ((1, "first"), (2, "second"))
        ]
        self.items = [
            (two, one) if backward else (one, two)
            for one, two, backward in zip(*sides, rows["backward"], strict=True)
        ]
        self.plain = rows[[f"{s}{i}" for s in SIDES for i in (1, 2)]].isna().all(axis=1).to_numpy()

    def covariance(self, at: IntArray) -> Array:
        """Of the rows of a study; those of different samples are independent."""
        n = self.n[at]
        cell, part = self.cell[at], self.part[at]
        single = np.unique(cell).size == cell.size and self.plain[at].all()
        if single and (part == part[0]).all():
            V = self.unscaled[np.ix_(cell, cell)]
        else:
            V = np.zeros((at.size, at.size))
            for inside in (np.flatnonzero(part == one) for one in np.unique(part)):
                V[np.ix_(inside, inside)] = self._several(at[inside])
        V = V / np.maximum(n[:, None], n)
        return np.asarray((V + V.T) / 2, dtype=np.float64)

    def _several(self, at: IntArray) -> Array:
        """Of rows of one sample with several measures of a variable, times n."""
        items, pairs = _numbered([self.items[i] for i in at])
        variable = np.array([item[0] for item in items])
        unit = self.unit[at[0]]
        R = self.mean[np.ix_(variable, variable)].copy()
        R[variable[:, None] == variable] = self.own[unit]
        np.fill_diagonal(R, 1.0)
        if np.linalg.eigvalsh(R)[0] <= LEAST:
            raise EstimationError(
                f"Study {self.studies[unit]}: measures_r = {self.own[unit]:g} contradicts the mean "
                "correlations of its variables; choose a higher one.",
                code="MA723",
            )
        return unscaled_covariance(R, pairs)


def _numbered(
    sides: Sequence[tuple[tuple[Any, ...], tuple[Any, ...]]],
) -> tuple[list[tuple[Any, ...]], IntArray]:
    """What was measured in a sample, and the pair of each row.

    A pair again is another measure of its second variable.
    """
    items: dict[tuple[Any, ...], int] = {}
    taken: dict[tuple[int, int], int] = {}
    pairs = []
    for one, two in sides:
        pair = (items.setdefault(one, len(items)), items.setdefault(two, len(items)))
        key = (min(pair), max(pair))
        count = taken[key] = taken.get(key, -1) + 1
        if count:
            pair = (pair[0], items.setdefault((*two, count), len(items)))
        pairs.append(pair)
    return list(items), np.array(pairs, dtype=np.intp)


def _notices(excluded: tuple[Any, ...], assumed: int, measures_r: float) -> list[Problem]:
    found = []
    if excluded:
        found.append(
            notice(
                "MA725",
                f"Left out, as the matrix is not positive definite: "
                f"{', '.join(str(s) for s in excluded)}.",
            )
        )
    if assumed:
        found.append(
            notice(
                "MA724",
                f"Beside another one of the same study and pair of variables: "
                f"{count_text(assumed, 'correlation')}. They share its random effect, and their "
                "sampling errors are those of two measures that correlate "
                f"{number(measures_r, 2, correlation=True)}, which is assumed where the table does "
                "not say it.",
                severity="note",
            )
        )
    return found
