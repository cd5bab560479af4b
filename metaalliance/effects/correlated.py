"""Effects from correlation matrices, with the sampling covariances that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.conversion.steiger import correlation_vector
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError, StudyDataError
from metaalliance.interchange import FrameLike, pandas_frame
from metaalliance.options import check_option

CorrelationMeasure = Literal["z", "r"]
SampleSize = Literal["smallest", "harmonic", "mean"]
_COLUMNS = ("study", "var1", "var2", "r", "n")
#: Smallest n of each measure: n - 3 and n - 1 divide.
_SMALLEST_N = {"z": 4, "r": 2}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrelatedEffects:
    """Correlations of each study, with their sampling covariance.

    Attributes
    ----------
    effects : Effects
        One row per correlation that is an effect; the moderators `var1` and `var2` name its
        variables.
    covariance : mapping of study to ndarray, shape (k_j, k_j)
        Sampling covariance of the effects of each study, in the order of their rows; for
        `aggregate(effects, covariance=...)`.
    assumed : DataFrame
        Inter-correlations that no study reports and that were assumed: study, var1, var2, r.
    """

    effects: Effects
    covariance: Mapping[Any, Array] = field(repr=False)
    assumed: pd.DataFrame = field(repr=False)

    def V(self) -> Array:
        """Block-diagonal covariance of all effects, shape (k, k), for other programs."""
        k = self.effects.n_effects
        out = np.zeros((k, k))
        study = self.effects.frame["study"].to_numpy()
        for label, block in self.covariance.items():
            index = np.flatnonzero(study == label)
            out[np.ix_(index, index)] = block
        return out


def correlated_effects(
    frame: FrameLike,
    *,
    alliance: Sequence[str] = (),
    measure: CorrelationMeasure = "z",
    sample_size: SampleSize = "smallest",
    missing: float | None = None,
) -> CorrelatedEffects:
    """Make effects of correlation matrices, with the covariances of their sampling errors.

    Correlations that share a variable or a sample are dependent to a degree that follows from
    the correlations between all variables; no rho needs to be assumed.

    Parameters
    ----------
    frame : DataFrame, or table of polars or pyarrow
        One row per correlation, in columns `study`, `var1`, `var2`, `r`, `n`, and `sample` where
        a study has several independent ones; other columns are left out. Every sample brings the
        correlations between all of its variables; those of different samples are independent.
    alliance : sequence of str
        The alliance variables: only their correlations with other variables are effects, and
        the rest are inter-correlations. Without it every correlation is an effect.
    measure : {"z", "r"}
        Fisher z or r.
    sample_size : {"smallest", "harmonic", "mean"}
        What stands for the n of a study whose correlations differ in n.
    missing : float, optional
        Inter-correlation to assume where a study does not report one. Without it that is an
        error; what is assumed is listed in `assumed`.

    Returns
    -------
    CorrelatedEffects
        In the order of the frame.

    Raises
    ------
    StudyDataError
        For a column, label or number that is missing or impossible, a pair given twice, or
        an n that is too small.
    EstimationError
        When correlations of a study are missing, or contradict each other (their matrix is
        not positive definite).

    References
    ----------
    Steiger (1980); Olkin and Siotani (1976).

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {
    ...         "study": ["A"] * 3,
    ...         "var1": ["bond", "task", "bond"],
    ...         "var2": ["BDI", "BDI", "task"],
    ...         "r": [0.3, 0.2, 0.6],
    ...         "n": [103] * 3,
    ...     }
    ... )
    >>> found = correlated_effects(frame, alliance=["bond", "task"])
    >>> found.covariance["A"].round(4)
    array([[0.01  , 0.0058],
           [0.0058, 0.01  ]])
    """
    check_option("measure", measure, CorrelationMeasure)
    check_option("sample_size", sample_size, SampleSize)
    if missing is not None and not -1 < missing < 1:
        raise OptionError(f"missing={missing!r} is not a correlation between -1 and 1.")
    rows = checked_rows(pandas_frame(frame))
    _check_names(rows, alliance)
    parts, assumed = [], []
    blocks: dict[Any, list[Array]] = {}
    groups: Any = rows.groupby(["study", "sample"], sort=False, dropna=False)
    for (study, sample), group in groups:
        label = str(study) if pd.isna(sample) else f"{study}, sample {sample}"
        matrix = _matrix(label, group, missing)
        assumed += [(str(study), a, b, r) for _, a, b, r in matrix.assumed]
        n = _size(label, group["n"].to_numpy(dtype=float), sample_size, measure)
        pairs = matrix.pairs(group, alliance)
        if not pairs.size:
            continue
        found = correlation_vector(matrix.R, n, pairs, fisher=measure == "z")
        blocks.setdefault(study, []).append(found.V)
        parts.append(_part(study, matrix, found.pairs, found.yi, found.V, n).assign(sample=sample))
    if not parts:
        raise EstimationError("No study correlates an alliance variable with another one.")
    combined = pd.concat(parts, ignore_index=True)
    combined = combined.drop(columns=[c for c in ("sample",) if combined[c].isna().all()])
    covariance = {study: _block_diagonal(own) for study, own in blocks.items()}
    combined["r"] = np.tanh(combined["yi"]) if measure == "z" else combined["yi"]
    return CorrelatedEffects(
        effects=Effects(frame=combined, measure=measure),
        covariance=MappingProxyType(covariance),
        assumed=pd.DataFrame(assumed, columns=["study", "var1", "var2", "r"]),
    )


def _block_diagonal(blocks: Sequence[Array]) -> Array:
    """Put matrices along a diagonal, zero between them."""
    ends = np.cumsum([0, *(len(block) for block in blocks)])
    whole = np.zeros((ends[-1], ends[-1]))
    for first, block in zip(ends, blocks, strict=False):
        whole[first : first + len(block), first : first + len(block)] = block
    return whole


@dataclass(frozen=True, slots=True, eq=False)
class _Matrix:
    """Correlations between the variables of one study."""

    names: tuple[str, ...]
    R: Array
    assumed: list[tuple[str, str, str, float]]

    def pairs(self, group: pd.DataFrame, alliance: Sequence[str]) -> IntArray:
        """Pairs that are effects, in the order of the rows, the alliance variable first."""
        place = {name: i for i, name in enumerate(self.names)}
        chosen = []
        for a, b in zip(group["var1"], group["var2"], strict=True):
            if not alliance:
                chosen.append((place[a], place[b]))
            elif (a in alliance) != (b in alliance):
                chosen.append((place[a], place[b]) if a in alliance else (place[b], place[a]))
        return np.array(chosen, dtype=np.intp).reshape(-1, 2)


def _part(
    study: Any, matrix: _Matrix, pairs: IntArray, yi: Array, V: Array, n: float
) -> pd.DataFrame:
    """Rows of one study."""
    first, second = ([matrix.names[i] for i in pairs[:, j]] for j in (0, 1))
    return pd.DataFrame(
        {
            "study": [study] * len(yi),
            "effect": [f"{a}.{b}" for a, b in zip(first, second, strict=True)],
            "yi": yi,
            "vi": np.diag(V),
            "n": n,
            "r": math.nan,
            "var1": first,
            "var2": second,
        }
    )


def checked_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows, or say what is wrong with the first that is."""
    absent = [c for c in _COLUMNS if c not in frame]
    if absent:
        raise StudyDataError(
            f"There is no column {', '.join(absent)}; needed are {', '.join(_COLUMNS)}."
        )
    if frame.empty:
        raise StudyDataError("The frame has no rows.")
    rows = frame[list(_COLUMNS)].reset_index(drop=True)
    sample = frame["sample"].to_numpy() if "sample" in frame else None
    for name in ("study", "var1", "var2"):
        empty = np.flatnonzero(rows[name].isna())
        if empty.size:
            raise StudyDataError(f"{name} is missing in row {empty[0]} (counted from 0).")
    rows = rows.assign(var1=rows["var1"].astype(str), var2=rows["var2"].astype(str))
    for name in ("r", "n"):
        try:
            rows[name] = pd.to_numeric(rows[name]).astype(float)
        except (TypeError, ValueError) as error:
            raise StudyDataError(f"{name} must hold numbers only: {error}.") from error
    for i, (study, a, b, r, n) in enumerate(rows.itertuples(index=False, name=None)):
        where = f"Row {i} (counted from 0), study {study}, {a} with {b}"
        if not abs(r) < 1:
            raise StudyDataError(f"{where}: r = {r:g}; allowed is between -1 and 1.")
        if not (math.isfinite(n) and n > 0):
            raise StudyDataError(f"{where}: n = {n:g}; a sample size is a positive number.")
        if a == b:
            raise StudyDataError(f"{where}: a variable is correlated with itself.")
    return rows.assign(sample=sample)


def _check_names(rows: pd.DataFrame, alliance: Sequence[str]) -> None:
    """Refuse alliance variables that no study has."""
    if isinstance(alliance, str):
        raise OptionError("alliance is a list of variables, such as ['WAI'].")
    known = {*rows["var1"], *rows["var2"]}
    unknown = [a for a in alliance if a not in known]
    if unknown:
        raise OptionError(
            f"No study has the variable {', '.join(unknown)}; there are {', '.join(sorted(known))}."
        )


def _matrix(study: str, group: pd.DataFrame, missing: float | None) -> _Matrix:
    """Correlation matrix of one study, which has to be positive definite."""
    names = tuple(
        dict.fromkeys(v for pair in zip(group["var1"], group["var2"], strict=True) for v in pair)
    )
    place = {name: i for i, name in enumerate(names)}
    R = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(R, 1.0)
    for a, b, r in zip(group["var1"], group["var2"], group["r"], strict=True):
        i, j = place[a], place[b]
        if not math.isnan(R[i, j]):
            raise StudyDataError(f"Study {study} gives the correlation of {a} with {b} twice.")
        R[i, j] = R[j, i] = r
    absent = [(names[i], names[j]) for i, j in np.argwhere(np.isnan(np.triu(R)))]
    if absent and missing is None:
        listed = "; ".join(f"{a} with {b}" for a, b in absent[:5])
        raise EstimationError(
            f"Study {study} lacks {len(absent)} of the correlations between its variables: "
            f"{listed}. Add them, or state what is assumed (missing=0.5).",
            code="MA628",
        )
    if absent:
        R[np.isnan(R)] = missing
    if float(np.linalg.eigvalsh(R)[0]) <= 1e-10:
        raise EstimationError(
            f"The correlations of study {study} contradict each other: their matrix is not "
            "positive definite. Check r, the names of the variables"
            f"{', and the assumed correlation' if absent else ''}.",
            code="MA628",
        )
    return _Matrix(names, R, [(study, a, b, float(missing or 0.0)) for a, b in absent])


def _size(study: str, n: Array, how: SampleSize, measure: str) -> float:
    """Sample size of a study."""
    size = {"smallest": n.min(), "mean": n.mean(), "harmonic": 1 / np.mean(1 / n)}[how]
    if size < _SMALLEST_N[measure]:
        raise StudyDataError(
            f"Study {study} has n = {size:g}; measure={measure!r} needs {_SMALLEST_N[measure]}."
        )
    return float(size)
