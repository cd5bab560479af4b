"""The rows of a forest plot: what is said and shown in each, before anything is placed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.effects import Effects, study_names
from metaalliance.effects.levels import in_order, level_labels
from metaalliance.model import RHO
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.structure import study_averages
from metaalliance.moderation.level_means import LevelMean, LevelMeans, labels_of
from metaalliance.plots.canvas.numbers import DASH, cell_text, column_texts
from metaalliance.plots.effect_names import told_apart
from metaalliance.plots.forests.choice import COUNT, RATED, Choice
from metaalliance.wording.phrases import percent_text


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One study: its cells, its effect with interval on the analysis scale, its weight.

    Attributes
    ----------
    low, high : float
        Interval from the sampling error alone: the inner interval; NaN where there is none. The
        limits of an effect that is known only as not significant.
    weight : float
        Weight in the overall mean; 1 where the model has no weights.
    outer_low, outer_high : float
        Interval of the study's true effect, with the variance of effects within studies; NaN
        where it is not shown.
    points : tuple of float
        The effects behind an average.
    minor : bool
        Whether the row is one of the effects behind the average above it.
    censored : bool
        Whether the effect is known only as not significant, and has no estimate.
    printed : tuple of float, optional
        Correlation and limits as published; they are written, not the values of the marks.
    """

    label: str
    cells: tuple[str, ...]
    estimate: float
    low: float
    high: float
    weight: float
    outer_low: float = math.nan
    outer_high: float = math.nan
    points: tuple[float, ...] = ()
    minor: bool = False
    censored: bool = False
    printed: tuple[float, float, float] | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether there is an estimate to mark."""
        return math.isfinite(self.estimate)

    @property
    def reach(self) -> tuple[float, float]:
        """Ends of the widest interval that is drawn."""
        if math.isnan(self.outer_low):
            return self.low, self.high
        return self.outer_low, self.outer_high


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The studies of one level, with the mean of the level; None without groups."""

    studies: tuple[StudyRow, ...]
    level: LevelMean | None = None


def sections(fit: PooledFit, means: LevelMeans | None, choice: Choice) -> tuple[Section, ...]:
    """Return the rows of each level, or one section without a level.

    A study with effects in several levels has a row in each of them.
    """
    if means is None:
        return (Section(studies=_study_rows(fit.effects, fit.weights, fit, choice)),)
    keys = labels_of(fit.effects, means.by)
    return tuple(
        Section(
            studies=_study_rows(level.effects, fit.weights[keys == level.name], fit, choice),
            level=level,
        )
        for level in means.levels
    )


def _study_rows(
    part: Effects, weights: Array, fit: PooledFit, choice: Choice
) -> tuple[StudyRow, ...]:
    """Rows of the studies of `part`, with their weights in the overall mean."""
    make = _with_intervals if part.n_censored else _averaged
    frame, summed, blocks = make(part, weights, fit, choice)
    return tuple(row for i in _order(frame, summed, choice.sort) for row in blocks[i])


#: The studies with their weights, and the rows of each.
_Blocks = tuple[pd.DataFrame, Array, list[list[StudyRow]]]


def _averaged(part: Effects, weights: Array, fit: PooledFit, choice: Choice) -> _Blocks:
    """Rows of studies whose effects all have values."""
    effects = study_averages(part, fit.specification, RHO)
    codes, _ = pd.factorize(part.frame["study"])
    summed = np.bincount(codes, weights=weights, minlength=effects.n_effects).astype(np.float64)
    averages = _rows(effects, summed, fit, choice)
    if choice.effects == "average" or not fit.effects.dependent():
        return effects.frame, summed, [[row] for row in averages]
    frame = part.frame.reset_index(drop=True)
    behind = frame.groupby("study", sort=False).indices
    members = [behind[study] for study in effects.frame["study"]]
    outer = _outer(effects, fit) if choice.effects == "rows" else np.full(effects.n_effects, np.nan)
    singles = _rows(part, weights, fit, choice, minor=True)
    blocks = []
    for i in range(effects.n_effects):
        several = len(members[i]) > 1
        shown = several and choice.effects == "behind"
        points = tuple(float(part.yi[j]) for j in members[i]) if shown else ()
        below = [singles[j] for j in members[i]] if several and choice.effects == "rows" else []
        blocks.append([_extended(averages[i], outer[i], points), *below])
    return effects.frame, summed, blocks


def _with_intervals(part: Effects, weights: Array, fit: PooledFit, choice: Choice) -> _Blocks:
    """Rows where some effects have no value: their studies have no average, but all effects."""
    per_study = part.frame.groupby("study", sort=False)
    silent = per_study["lower"].transform("count").to_numpy() > 0
    found: dict[object, list[StudyRow]] = {}
    if not silent.all():
        frame, _, blocks = _averaged(part.subset(~silent), weights[~silent], fit, choice)
        found |= dict(zip(frame["study"], blocks, strict=True))
    counted = replace(part, frame=part.frame.assign(n_effects=per_study["yi"].transform("size")))
    single = _rows(counted, weights, fit, choice)
    each = _rows(counted, weights, fit, choice, minor=True)
    for study, members in per_study.indices.items():
        if len(members) == 1:
            found.setdefault(study, [single[members[0]]])
        elif study not in found:
            found[study] = [_without_average(single[members[0]]), *(each[j] for j in members)]
    first = part.frame.drop_duplicates("study")
    first = first.assign(yi=[found[study][0].estimate for study in first["study"]])
    return first, np.ones(len(first)), [found[study] for study in first["study"]]


def _without_average(row: StudyRow) -> StudyRow:
    """Return the row of a study that has no average."""
    nan = math.nan
    return replace(row, estimate=nan, low=nan, high=nan, censored=False)


def _extended(row: StudyRow, outer: float, points: tuple[float, ...]) -> StudyRow:
    """Return a row with its outer interval, of half-width `outer`, and the effects behind it."""
    return replace(
        row, outer_low=row.estimate - outer, outer_high=row.estimate + outer, points=points
    )


def _rows(
    effects: Effects, weights: Array, fit: PooledFit, choice: Choice, *, minor: bool = False
) -> list[StudyRow]:
    """Return a row for each effect, with normal intervals of the level of the fit."""
    frame, estimate = effects.frame, effects.frame["yi"].to_numpy(dtype=np.float64)
    half = critical_value(fit.level, math.inf) * np.sqrt(effects.vi)
    low, high = effects.limits()
    half[effects.censored] = 0.0
    cells = [_cells(frame, name, weights, choice, minor=minor) for name in choice.cells]
    labels = effect_labels(frame) if minor else [str(s) for s in study_names(frame)]
    return [
        StudyRow(
            label=labels[i],
            cells=tuple(column[i] for column in cells),
            estimate=float(estimate[i]),
            low=float(low[i] - half[i]),
            high=float(high[i] + half[i]),
            weight=1.0 if math.isnan(weights[i]) else float(weights[i]),
            minor=minor,
            censored=bool(effects.censored[i]),
        )
        for i in range(len(frame))
    ]


def effect_labels(frame: pd.DataFrame) -> list[str]:
    """Return sample, measure, rater and outcome of effects of a study, and what tells ties apart.

    The sample is told where a study has several.
    """
    names = [c for c in ("alliance_measure", "alliance_rater", "outcome_measure") if c in frame]
    if "sample" in frame:
        several = frame["sample"].fillna("").groupby(frame["study"]).transform("nunique") > 1
        frame, names = frame.assign(sample=frame["sample"].where(several)), ["sample", *names]
    labels, number = [], frame.groupby("study").cumcount() + 1
    for i, row in enumerate(frame[names].to_numpy(dtype=object)):
        label = ", ".join(cell_text(v) for v in row if not pd.isna(v))
        label = label or f"Effect {number.iloc[i]}"
        labels.append(label[:1].upper() + label[1:])
    found = list(labels)
    for rows in frame.reset_index(drop=True).groupby("study", sort=False).indices.values():
        apart = told_apart([labels[i] for i in rows], frame.iloc[rows].drop(columns=names))
        for i, label in zip(rows, apart, strict=True):
            found[i] = label
    return found


def _outer(effects: Effects, fit: PooledFit) -> Array:
    """Half-widths of intervals of the studies' true effects, NaN without that variance.

    The average of m effects of a study differs from the study's true effect by sampling error
    and by 1/m of the variance of effects within studies.
    """
    sigma2 = getattr(fit, "sigma2", {})
    within = float(sigma2.get("effect", math.nan)) if len(sigma2) > 1 else math.nan
    m = effects.frame["n_effects"].to_numpy(dtype=float)
    half: Array = critical_value(fit.level, math.inf) * np.sqrt(effects.vi + within / m)
    return half


def _cells(
    frame: pd.DataFrame, name: str, weights: Array, choice: Choice, *, minor: bool
) -> list[str]:
    """Return the texts of a column; counts have separators of thousands, years have not."""
    if name == "weight":
        unit = choice.percent
        return [percent_text(float(w), 1).removesuffix("%") + unit for w in weights]
    if name == "effect" or (minor and name in {COUNT, "year", choice.by}):
        return [""] * len(frame)
    if name.startswith(RATED):
        return [""] * len(frame) if minor else list(level_labels(frame[name.removeprefix(RATED)]))
    values = frame["n_effects" if name == COUNT else name]
    if name not in {"n", COUNT}:
        return column_texts(values)
    return [DASH if pd.isna(v) else f"{float(v):,.0f}" for v in values]


def _order(frame: pd.DataFrame, weights: Array, sort: str) -> Sequence[int]:
    """Return the positions of the rows in the order `sort`; ties stay as in the sheet."""
    if sort == "sheet":
        return range(len(frame))
    key = pd.Series(-weights) if sort == "weight" else frame["yi" if sort == "r" else sort]
    key = pd.to_numeric(key, errors="coerce") if sort == "year" else key
    if sort == "modality":
        labels = level_labels(key)
        order = in_order(set(labels), frame, sort)
        key = pd.Series([order.index(label) for label in labels])
    return [int(i) for i in np.asarray(key.reset_index(drop=True).sort_values(kind="stable").index)]
