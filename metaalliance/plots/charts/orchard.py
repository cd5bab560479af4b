"""Orchard plot: every effect, the mean, its interval and the prediction, by level."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from metaalliance.core.arrays import Array
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.level_means import (
    LevelMean,
    LevelMeans,
    Pooling,
    level_means,
    means_of_test,
)
from metaalliance.moderation.result import ModeratorTest
from metaalliance.options import Measure
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import effect_text, interval_text, size_text
from metaalliance.plots.canvas.panels import Chart, Panel, TextColumn, single
from metaalliance.plots.canvas.scales import Effect, Rows, effect_scale
from metaalliance.plots.canvas.sentences import estimate_sentence, spoken, symbol
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.groups import level_name
from metaalliance.plots.words import groups_text, not_pooled
from metaalliance.wording.phrases import count_text, level_text

#: Height of a row in mm with few and with many levels; half the width of the cloud, in rows.
ROW, LOW_ROW, CLOUD = 15.0, 10.5, 0.38

#: Diameters in mm of the least and of the most precise effect.
SMALLEST, LARGEST = 0.7, 2.6

#: Weight in points and share of the ink of the lines of an interval of the mean and of prediction.
TRUNK, PREDICTION = (3.6, 0.32), (1.0, 0.5)

#: Pages narrower than this, in mm, do without the column of intervals.
NARROW = 110.0


def orchard(
    fit: PooledFit | ModeratorTest,
    *,
    by: str | None = "modality",
    pool: Pooling = "joint",
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw each level of a moderator as a cloud of its effects with mean and intervals.

    The area of a point is its precision, 1/SE. The thick line is the confidence interval
    of the mean, the thin one the prediction interval, both under the points; m effects, and k
    studies in brackets.

    Parameters
    ----------
    fit : PooledFit or ModeratorTest
        A result of `pool`, or of `metaalliance.moderators`, whose levels are drawn as they
        were tested.
    by : str, optional
        A moderator; None for all effects in one row. A ModeratorTest has its own.
    pool : {"joint", "apart"}
        The means of levels come from one model, as `metaalliance.moderators` gives them, where
        a level of fewer than 3 studies has none; or each level is pooled on its own. A
        ModeratorTest has its own.
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "orchard" have the analysis scale as x; level i stands at y = i.

    References
    ----------
    Nakagawa et al. (2021).
    """
    look = style_named(style)
    level = float(fit.options["level"]) if isinstance(fit, ModeratorTest) else fit.level
    means = _means(fit, by, pool)
    chart = orchard_chart(
        _rows(fit, means), fit.effects.measure, level, look, wide=width_mm >= NARROW,
        notes=() if means is None else (groups_text(means, look.words, "Levels"),),
    )  # fmt: skip
    return present(chart, look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def _means(fit: PooledFit | ModeratorTest, by: str | None, pool: Pooling) -> LevelMeans | None:
    """Return the levels, or None for all effects in one row."""
    if isinstance(fit, ModeratorTest):
        return means_of_test(fit)
    return None if by is None else level_means(fit, by, pool)


def _rows(fit: PooledFit | ModeratorTest, means: LevelMeans | None) -> list[LevelMean]:
    if means is None and isinstance(fit, PooledFit):
        return [LevelMean.of(fit, "Overall")]
    return [] if means is None else list(means.levels)


def orchard_text(
    fit: PooledFit | ModeratorTest, *, by: str | None = "modality", pool: Pooling = "joint"
) -> str:
    """Describe the plot for readers who cannot see it."""
    measure, means = fit.effects.measure, _means(fit, by, pool)
    rows = _rows(fit, means)
    if isinstance(fit, ModeratorTest):
        level = float(fit.options["level"])
        size = count_text(fit.effects.n_studies, "study", "studies")
        size += f" with {count_text(fit.effects.n_effects, 'effect')} by {fit.name}"
        size = size.replace("_", " ")
    else:
        level, size = fit.level, size_text(fit)
    words = [_row_words(row, measure, level) for row in rows]
    for i, one in enumerate(() if means is None else means.levels):
        if means is not None and not one.pooled:
            words[i] = f"{level_name(one.name)} ({not_pooled(one, means)[0]})"
    told = f"Orchard plot of {size}, each effect a point. {'; '.join(words)}."
    return spoken(told if means is None else f"{told} {groups_text(means, noun='Levels')}")


def _row_words(row: LevelMean, measure: Measure, level: float) -> str:
    return (
        f"{level_name(row.name)} (k = {row.n_studies}, m = {row.n_effects}) "
        f"{estimate_sentence(row.estimate, row.ci_low, row.ci_high, measure, level)}"
    )


def orchard_chart(
    rows: list[LevelMean],
    measure: Measure,
    level: float,
    style: Style,
    *,
    wide: bool = True,
    notes: tuple[str, ...] = (),
) -> Chart:
    """Return the chart of rows that are computed already, such as marginal means."""
    columns = [
        TextColumn(
            own("*m* (*k*)"), tuple(own(f"{row.n_effects:,} ({row.n_studies:,})") for row in rows)
        ),
    ]
    if wide:
        head = own(f"{symbol(measure)} [{level_text(level)} CI]")
        columns.append(TextColumn(head, tuple(_mean_cell(row, measure, style) for row in rows)))
    pitch = ROW if len(rows) <= 6 else LOW_ROW
    panel = Panel(
        name="orchard",
        across=_across(rows, measure, style),
        up=Rows(names=tuple(level_name(row.name) for row in rows), pad=0.5),
        paint=lambda frame: _paint(frame, rows),
        height=pitch * len(rows),
        columns=tuple(columns),
        spines=("bottom",),
    )
    first = own("*m* = effects, *k* = studies. Area of a point: precision, 1/*SE*.")
    details = tuple(own(text) for text in notes)
    return single(panel, (_entries(level, style),), (first,), details)


def _mean_cell(row: LevelMean, measure: Measure, style: Style) -> Line:
    if not math.isfinite(row.estimate):
        return own("not pooled")
    text = effect_text(row.estimate, measure, 2, style.words)
    if math.isfinite(row.ci_low):
        text += f" {interval_text(row.ci_low, row.ci_high, measure, style.words)}"
    return user(text)


def _across(rows: list[LevelMean], measure: Measure, style: Style) -> Effect:
    held = [float(v) for row in rows for v in (row.effects.yi.min(), row.effects.yi.max())]
    held += [v for row in rows for v in (row.ci_low, row.ci_high)]
    low, high = min(v for v in held if math.isfinite(v)), max(v for v in held if math.isfinite(v))
    span = high - low
    ends = (v for row in rows for v in (row.pi_low, row.pi_high))
    near = [v for v in ends if math.isfinite(v) and low - 0.3 * span <= v <= high + 0.3 * span]
    return effect_scale([low, high, *near], measure, style)


def _paint(frame: Frame, rows: list[LevelMean]) -> None:
    style = frame.style
    frame.upright_line(0.0, "zero", color=style.pale)
    precision = np.concatenate([1 / np.sqrt(row.effects.vi) for row in rows])
    least, most = float(precision.min()), float(precision.max())
    opacity = 0.45 if precision.size > 60 else 0.7
    for i, row in enumerate(rows):
        share = (1 / np.sqrt(row.effects.vi) - least) / (most - least) if most > least else 0.5
        area = SMALLEST**2 + share * (LARGEST**2 - SMALLEST**2)
        ys = i + CLOUD * swarm(row.effects.yi)
        look = {"alpha": opacity, "zorder": 2, "linewidths": 0.3}
        frame.points(row.effects.yi, ys, np.sqrt(area), "effects", **look)
        _draw_mean(frame, row, float(i))


def _draw_mean(frame: Frame, row: LevelMean, y: float) -> None:
    """Draw the intervals, faint under the cloud, and the mean over it."""
    axes, style = frame.axes, frame.style
    for low, high, (weight, share), label in (
        (row.pi_low, row.pi_high, PREDICTION, "prediction"),
        (row.ci_low, row.ci_high, TRUNK, "ci"),
    ):
        if math.isfinite(low) and math.isfinite(high):
            start, end = max(low, frame.across.low), min(high, frame.across.high)
            color = tint(style.ink, share)
            line = axes.hlines(y, start, end, colors=color, linewidths=weight, zorder=1.5)
            line.set_label(label)
            ends = np.array([low]), np.array([high]), np.array([y])
            frame.arrows(*ends, color)
    if not math.isfinite(row.estimate):
        return
    frame.points(
        [row.estimate], [y], 2.6, "mean", facecolor="white", edgecolor=style.ink,
        linewidths=style.thick, zorder=6,
    )  # fmt: skip


def swarm(values: Array) -> Array:
    """Spread values across a row: further from its middle where there are many.

    A van der Corput sequence in order of the values, times their density in relation to
    the highest; no random numbers, so that the figure is the same on every run.

    Returns
    -------
    ndarray, shape (k,)
        Offsets in [-1, 1].
    """
    k = values.size
    if float(np.ptp(values)) <= max(1e-12 * float(np.abs(values).max()), 1e-100):
        return 2 * _van_der_corput(k) - 1 if k > 1 else np.array([0.5])
    width = 1.06 * min(float(values.std()), float(np.ptp(values)) / 2) * k ** (-0.2)
    apart = (values[:, None] - values[None, :]) / width
    density = np.exp(-0.5 * apart**2).sum(axis=1)
    places = np.empty(k)
    places[np.argsort(values, kind="stable")] = 2 * _van_der_corput(k) - 1
    crowding = min(1.0, 0.5 + k / 24)
    offsets: Array = places * density / density.max() * crowding
    return offsets


def _van_der_corput(k: int) -> Array:
    """Return the first k terms of the base-2 van der Corput sequence, from 1/2."""
    terms = np.zeros(k)
    number, share = np.arange(1, k + 1), 0.5
    while number.any():
        terms += share * (number & 1)
        number, share = number >> 1, share / 2
    return terms


def _entries(level: float, style: Style) -> list[Entry]:
    percent = level_text(level)
    look: dict[str, Any] = {
        "color": style.ink, "markerfacecolor": "white", "markeredgecolor": style.ink,
    }  # fmt: skip
    mean = Line2D([], [], linestyle="None", marker="o", markersize=6, **look)
    point = Line2D(
        [], [], linestyle="None", marker="o", markersize=4, markeredgewidth=0,
        color=tint(style.accent, 0.7),
    )  # fmt: skip
    return [
        Entry(point, own("Effect")),
        Entry(mean, own("Mean")),
        Entry(
            Line2D(
                [], [], color=tint(style.ink, TRUNK[1]), linewidth=TRUNK[0], solid_capstyle="butt"
            ),
            own(f"{percent} CI"),
        ),
        Entry(
            Line2D([], [], color=tint(style.ink, PREDICTION[1]), linewidth=PREDICTION[0]),
            own(f"{percent} prediction interval"),
        ),
    ]
