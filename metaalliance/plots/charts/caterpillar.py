"""Caterpillar plot: effects in order of their size, for many of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.effects import Effects
from metaalliance.model import AGGREGATION_RHO
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.structure import study_averages
from metaalliance.options import check_option
from metaalliance.plots.canvas.chart import present, with_rows
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import effect_text, size_text
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Effect, Rows, effect_scale
from metaalliance.plots.canvas.sentences import pooled_sentence, spoken
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import APA, MM_PER_POINT, Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.plots.effect_names import names_of_effects
from metaalliance.plots.words import averaging_text
from metaalliance.wording.phrases import level_text

Points = Literal["effects", "studies"]

#: Rows with names at most; height of a named row, and of all rows without names, in mm.
NAMED, NAMED_ROW, SHORTEST, TALLEST = 60, 3.1, 45.0, 170.0

#: Height of a row without a name, where there is room.
BARE_ROW = 1.1

#: An interval is cut where it goes further beyond the outermost effect than so many median
#: half-widths.
REACH = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ordered:
    """Effects from the largest, with their intervals and names."""

    names: tuple[str, ...]
    yi: Array
    low: Array
    high: Array


def caterpillar(
    fit: PooledFit,
    *,
    points: Points = "effects",
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw all effects with their intervals, the largest on top.

    A grey band is the prediction interval, one in the colour of the mean its confidence interval.
    Up to 60 rows have their names, where the page holds them.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    points : {"effects", "studies"}
        Every effect, or the average of each study (sampling errors of one study correlated
        as in the fit, or .5).
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "caterpillar" have the analysis scale (Fisher z) as x and rows
        from 0, the largest effect, downwards as y.

    References
    ----------
    Fernández-Castilla et al. (2020).
    """
    check_option("points", points, Points)
    look = style_named(style)
    ordered = _ordered(fit, points)

    def build(most: int) -> Chart:
        return _chart(ordered, fit, points, look, named=ordered.yi.size <= min(most, NAMED))

    k = ordered.yi.size
    chart = build(k) if ax is not None else with_rows(build, k, look, width_mm, title)
    return present(chart, look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def caterpillar_text(fit: PooledFit, *, points: Points = "effects") -> str:
    """Describe the plot for readers who cannot see it."""
    ordered = _ordered(fit, points)
    above = int((ordered.low > 0).sum())
    smallest, largest = (effect_text(v, fit.measure) for v in (ordered.yi[-1], ordered.yi[0]))
    return spoken(
        f"Caterpillar plot of {size_text(fit)}: the {points} in order of their size, from "
        f"{largest} on top to {smallest}, each with its interval. {above:,} of "
        f"{ordered.yi.size:,} intervals lie above zero. {pooled_sentence(fit)}"
    )


def shown_effects(fit: PooledFit, points: Points) -> Effects:
    """Return the effects of a fit, or one average per study."""
    if points == "effects":
        return fit.effects
    return study_averages(fit.effects, fit.specification, AGGREGATION_RHO)


def _ordered(fit: PooledFit, points: Points) -> _Ordered:
    effects = shown_effects(fit, points)
    order = np.argsort(-effects.yi, kind="stable")
    yi, half = effects.yi[order], critical_value(fit.level, math.inf) * np.sqrt(effects.vi[order])
    names = tuple(np.array(names_of_effects(effects.frame), dtype=object)[order])
    return _Ordered(names=names, yi=yi, low=yi - half, high=yi + half)


def _chart(
    ordered: _Ordered, fit: PooledFit, points: Points, style: Style, *, named: bool
) -> Chart:
    k = ordered.yi.size
    across = _across(ordered, fit, style)
    height = k * NAMED_ROW if named else min(max(k * BARE_ROW, SHORTEST), TALLEST)
    rows = Rows(names=ordered.names if named else ("",) * k, pad=1.0 if k > 3 else 0.7)
    panel = Panel(
        name="caterpillar",
        across=across,
        up=rows,
        paint=lambda frame: _paint(frame, ordered, fit),
        height=height + 2 * height / max(k, 4),
        spines=("bottom",),
    )
    return single(
        panel, (_entries(fit, style),), [own(text) for text in _notes(fit, points, style)]
    )


def _across(ordered: _Ordered, fit: PooledFit, style: Style) -> Effect:
    """Return an axis that holds all effects, and intervals as far as they are not extreme."""
    reach = REACH * float(np.median(ordered.high - ordered.low)) / 2
    low = max(float(ordered.low.min()), float(ordered.yi.min()) - reach)
    high = min(float(ordered.high.max()), float(ordered.yi.max()) + reach)
    return effect_scale([low, high, fit.pi_low, fit.pi_high], fit.measure, style)


def _paint(frame: Frame, ordered: _Ordered, fit: PooledFit) -> None:
    axes, style = frame.axes, frame.style
    for low, high, label in _bands(fit):
        band = axes.axvspan(low, high, color=_shade(label, style), linewidth=0, zorder=0.5)
        band.set_label(label)
    frame.upright_line(0.0, "zero")
    frame.upright_line(fit.estimate, "mean", color=style.accent, linewidth=style.thick)
    ys = np.arange(ordered.yi.size, dtype=float)
    row = frame.height / (abs(frame.up.high - frame.up.low))
    weight = min(style.medium, 0.6 * row / MM_PER_POINT)
    start = np.maximum(ordered.low, frame.across.low)
    end = np.minimum(ordered.high, frame.across.high)
    dense = row < 1.0
    ink = "#6E6E6E" if dense else style.ink
    axes.hlines(ys, start, end, colors=ink, linewidths=weight, zorder=2).set_label("intervals")
    if not dense:
        frame.arrows(ordered.low, ordered.high, ys, ink)
    frame.points(
        ordered.yi, ys, min(1.6, max(1.1 * row, 0.7)), "effects", linewidths=0, facecolor=style.ink
    )


def _shade(label: str, style: Style) -> str:
    """Return the fill of a band: grey for predictions, the accent for the mean."""
    return style.zones[3] if label == "prediction" else tint(style.accent, 0.4)


def _bands(fit: PooledFit) -> list[tuple[float, float, str]]:
    """Return limits and label of the intervals that there are."""
    bands = ((fit.pi_low, fit.pi_high, "prediction"), (fit.ci_low, fit.ci_high, "ci"))
    return [band for band in bands if math.isfinite(band[0])]


def _entries(fit: PooledFit, style: Style) -> list[Entry]:
    percent = level_text(fit.level)
    mean = Line2D([], [], color=style.accent, linewidth=style.thick)
    names = {"prediction": f"{percent} prediction interval", "ci": f"{percent} CI of the mean"}
    bands = [
        Entry(Patch(facecolor=_shade(label, style)), own(names[label]))
        for _, _, label in reversed(_bands(fit))
    ]
    return [Entry(mean, own("Pooled estimate")), *bands]


def _notes(fit: PooledFit, points: Points, style: Style = APA) -> list[str]:
    """Return what the rows are."""
    if not fit.effects.dependent():
        return [f"{size_text(fit)}. {pooled_sentence(fit, style)}"]
    if points == "studies":
        rho = averaging_text(fit, AGGREGATION_RHO, style.words)
        what = f"Each row is the average of one study ({rho})"
    else:
        what = "Each row is an effect; effects of one study are not independent"
    return [f"{size_text(fit)}. {what}. {pooled_sentence(fit, style)}"]
