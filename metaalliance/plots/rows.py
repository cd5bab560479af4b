"""The rows of a forest plot: what is said and shown in each, before anything is placed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.intervals import critical_value
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.fits import PooledFit
from metaalliance.plots.numbers import DASH, cell_text

#: Columns that the effects do not hold themselves.
COUNT = "k"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One study: its cells, its effect with interval on the analysis scale, its weight."""

    label: str
    cells: tuple[str, ...]
    estimate: float
    low: float
    high: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The studies of one level, with the fit of the level; `label` is empty without groups."""

    label: str
    studies: tuple[StudyRow, ...]
    fit: PooledFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a forest plot shows: grouping column, text columns, order."""

    by: str
    columns: tuple[str, ...]
    sort: str

    @property
    def grouped(self) -> bool:
        """Whether studies stand under headings."""
        return self.by != "none"


SORTS = ("sheet", "estimate", "year", "weight", "modality")


def choose(fit: PooledFit, by: str | None, columns: Sequence[str], sort: str) -> Choice:
    """Check the options of a forest plot and fill in those that depend on the effects.

    Raises
    ------
    OptionError
        For an unknown order, or a column that the effects do not have.
    """
    frame = fit.effects.frame
    if sort not in SORTS:
        raise OptionError(f"sort={sort!r} is not one of {', '.join(map(repr, SORTS))}.")
    if sort in {"year", "modality"}:
        _check_column("sort", sort, frame)
    if by is None:
        several = "modality" in frame and frame["modality"].dropna().drop_duplicates().size > 1
        by = "modality" if several else "none"
    elif by != "none":
        _check_column("by", by, frame)
    wanted = (columns,) if isinstance(columns, str) else columns
    shown = [c for c in wanted if c != "n" or "n" in frame]
    for name in shown:
        if name != COUNT:
            _check_column("columns", name, frame)
    if fit.effects.dependent() and COUNT not in shown:
        shown.insert(0, COUNT)
    return Choice(by=by, columns=tuple(shown), sort=sort)


def _check_column(option: str, name: str, frame: pd.DataFrame) -> None:
    if name not in frame:
        known = ", ".join(repr(str(c)) for c in frame.columns)
        raise OptionError(f"{option}={name!r}: the effects have no such column; they have {known}.")


def sections(fit: PooledFit, fits: dict[str, PooledFit], choice: Choice) -> tuple[Section, ...]:
    """Return the rows of each level of `fits`, or one section without a label.

    A study with effects in several levels has a row in each of them.
    """
    if not choice.grouped:
        return (Section(label="", studies=_study_rows(fit, fit.weights, fit, choice), fit=fit),)
    values = fit.effects.frame[choice.by]
    keys = values.astype(object).where(values.notna(), "not reported").astype(str)
    return tuple(
        Section(
            label=level,
            studies=_study_rows(found, fit.weights[(keys == level).to_numpy()], fit, choice),
            fit=found,
        )
        for level, found in fits.items()
    )


def _study_rows(
    part: PooledFit, weights: Array, fit: PooledFit, choice: Choice
) -> tuple[StudyRow, ...]:
    """Rows of the studies of `part`, with their weights in the overall mean."""
    effects, summed = study_averages(part.effects, weights, assumed_rho(fit))
    frame = effects.frame
    half = critical_value(fit.level, math.inf) * np.sqrt(effects.vi)
    cells = [_cells(frame, name) for name in choice.columns]
    rows = [
        StudyRow(
            label=str(frame["study"].iloc[i]),
            cells=tuple(column[i] for column in cells),
            estimate=float(effects.yi[i]),
            low=float(effects.yi[i] - half[i]),
            high=float(effects.yi[i] + half[i]),
            weight=float(summed[i]),
        )
        for i in _order(frame, summed, choice.sort)
    ]
    return tuple(rows)


def _cells(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the texts of a column; counts have separators of thousands, years have not."""
    values = frame["n_effects" if name == COUNT else name]
    if name not in {"n", COUNT}:
        return [cell_text(v) for v in values]
    return [DASH if pd.isna(v) else f"{float(v):,.0f}" for v in values]


def assumed_rho(fit: PooledFit) -> float:
    """Return the within-study correlation that the model assumes; .6 where it assumes none."""
    return float(fit.settings()["rho"]) if fit.model == "che" else 0.6


def study_averages(effects: Effects, weights: Array, rho: float) -> tuple[Effects, Array]:
    """Return one row per study with `n_effects`, and the summed weights of its effects."""
    averages = aggregate(effects, rho=rho)
    codes, _ = pd.factorize(effects.frame["study"])
    summed = np.bincount(codes, weights=weights, minlength=averages.n_effects)
    return averages, np.asarray(summed, dtype=np.float64)


def _order(frame: pd.DataFrame, weights: Array, sort: str) -> list[int]:
    """Return the positions of the rows in the order `sort`; ties stay as in the sheet."""
    if sort == "sheet":
        return list(range(len(frame)))
    key = pd.Series(-weights) if sort == "weight" else frame["yi" if sort == "estimate" else sort]
    key = pd.to_numeric(key, errors="coerce") if sort == "year" else key
    key = key.astype(str) if sort == "modality" else key
    return [int(i) for i in np.asarray(key.reset_index(drop=True).sort_values(kind="stable").index)]
