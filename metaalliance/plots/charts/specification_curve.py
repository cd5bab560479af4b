"""Specification curve: the estimates of all analyses, and the choices that made them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from metaalliance.core.arrays import BoolArray
from metaalliance.plots.canvas.axis import EffectAxis
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.panels import Chart, Panel
from metaalliance.plots.canvas.scales import Effect, Numbers, Rows
from metaalliance.plots.canvas.sentences import decimal, spoken
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import MM_PER_POINT, Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.plots.charts.specifications import Curve, curve_of
from metaalliance.robustness.results import Multiverse
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import percent_text

#: Height of the curve and of a row of the matrix, in mm; more specifications are ticks.
CURVE, ROW, DOTS = 58.0, 3.5, 150

#: Grey of what is not significant, and the share of a row that a tick is high.
FAINT, TICK = "#9A9A9A", 0.62

NAMES: Mapping[str, str] = {
    "conversions": "Conversions",
    "measure": "Measure",
    "variances": "Variances",
    "attenuation": "Attenuation",
    "nonsignificant": "Reported as n.s.",
    "include": "Studies",
    "outliers": "Outliers",
    "aggregation": "Aggregation",
    "model": "Model",
    "rho": "ρ",
    "overlap": "Overlap",
    "tau2": "τ² estimator",
    "test": "Test",
    "selection": "Selection model",
}


def specification_curve(
    result: Multiverse | pd.DataFrame,
    *,
    decisions: Sequence[str] | None = None,
    correlations: bool = True,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
) -> Figure:
    """Draw the estimates of all specifications in their order, over a matrix of the choices.

    Parameters
    ----------
    result : Multiverse or DataFrame
        A result of `metaalliance.multiverse`, or a frame with a row per specification:
        estimate, ci_low, ci_high, p_value or significant, reference if there is one, and a
        column per decision.
    decisions : sequence of str, optional
        Columns of the matrix, from the top; by default every decision with several options,
        for a Multiverse those first that move the estimate most.
    correlations : bool
        Whether the estimates of a frame are correlations.
    style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Axes labelled "curve" and "choices"; x is the rank from 1, y of the curve Fisher z for
        correlations.

    Raises
    ------
    OptionError
        When no specification has a result, or a column is missing.

    References
    ----------
    Simonsohn et al. (2020).
    """
    look = style_named(style)
    curve = curve_of(result, decisions, correlations=correlations)
    chart = _chart(curve, look)
    return present(chart, look, ax=None, width_mm=width_mm, title=title)


def specification_text(result: Multiverse | pd.DataFrame, *, correlations: bool = True) -> str:
    """Describe the curve for readers who cannot see it."""
    curve = curve_of(result, None, correlations=correlations)
    return spoken(
        f"Specification curve of {curve.n:,} analyses in the order of their estimates, over a "
        f"matrix of the choices that made them. {_sentence(curve, style_named('apa'))}"
    )


def _chart(curve: Curve, style: Style) -> Chart:
    pad = 0.012 * curve.n + 0.5
    across = Numbers(low=1 - pad, high=curve.n + pad, whole=True, least=1.0, plain=False)
    titled = Numbers(
        low=across.low,
        high=across.high,
        wordings=(own("Specifications, in the order of their estimates"),),
        whole=True,
        least=1.0,
        plain=False,
    )
    top = Panel(
        name="curve",
        across=across,
        up=_up(curve, style),
        paint=lambda frame: _paint_curve(frame, curve),
        height=CURVE,
        quiet=("bottom",),
        spines=("left",),
    )
    names, ends = _labels(curve)
    below = Panel(
        name="choices",
        across=titled,
        up=Rows(names=names, pad=0.7),
        paint=lambda frame: _paint_choices(frame, curve, ends),
        height=ROW * (len(names) + 0.4),
        spines=("bottom",),
    )
    rows = ((top,), (below,)) if names else ((top,),)
    return Chart(
        rows=rows,
        legend=(tuple(_entries(curve, style)),),
        notes=(own(_sentence(curve, style)),),
        gap=0.6,
    )


def _labels(curve: Curve) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the names of the rows, the decision at its first option, and where decisions end."""
    names, ends, before = [], [], ""
    for i, (decision, option, _) in enumerate(curve.rows):
        if decision != before:
            names.append(f"{NAMES.get(decision, decision.replace('_', ' '))}: {option}")
            ends += [i] if i else []
        else:
            names.append(option)
        before = decision
    return tuple(names), tuple(ends)


def _up(curve: Curve, style: Style) -> Effect:
    """Return an axis for all estimates, and intervals as far as they are not extreme."""
    half = float(np.nanmedian(curve.high - curve.low)) / 2
    reach = 3 * half if math.isfinite(half) else 0.0
    lows, highs = (v[np.isfinite(v)] for v in (curve.low, curve.high))
    low, high = float(curve.estimate.min()), float(curve.estimate.max())
    start = max(float(lows.min()), low - reach) if lows.size else low
    end = min(float(highs.max()), high + reach) if highs.size else high
    start, end = min(start, 0.0), max(end, 0.0)
    pad = 0.04 * (end - start) or 0.05
    axis = EffectAxis(
        low=start - pad, high=end + pad, measure=curve.measure, zero=style.words.leading_zero
    )
    return Effect(axis=axis, upright=True)


def _looks(curve: Curve, style: Style) -> list[tuple[BoolArray, str]]:
    return [(~curve.significant, FAINT), (curve.significant, style.accent)]


def _paint_curve(frame: Frame, curve: Curve) -> None:
    axes, style = frame.axes, frame.style
    frame.level_line(0.0, "zero")
    ranks = np.arange(1, curve.n + 1, dtype=float)
    pitch = frame.width / (frame.across.high - frame.across.low)
    weight = min(style.medium, 0.8 * pitch / MM_PER_POINT)
    diameter = float(np.clip(0.9 * pitch, 0.55, 1.5))
    for members, color in _looks(curve, style):
        if not members.any():
            continue
        whole = members & np.isfinite(curve.low) & np.isfinite(curve.high)
        low = np.clip(curve.low[whole], frame.up.low, frame.up.high)
        high = np.clip(curve.high[whole], frame.up.low, frame.up.high)
        pale = tint(color, 0.42 if color == FAINT else 0.29)
        axes.vlines(ranks[whole], low, high, colors=pale, linewidths=weight, zorder=1.5).set_label(
            "intervals"
        )
        frame.points(
            ranks[members], curve.estimate[members], diameter, "estimates", facecolor=color,
            linewidths=0, zorder=3,
        )  # fmt: skip
    if curve.reference.any():
        frame.points(
            ranks[curve.reference], curve.estimate[curve.reference], 2.4, "reference",
            marker="D", facecolor="white", edgecolor=style.ink, linewidths=style.thick, zorder=5,
        )  # fmt: skip


def _paint_choices(frame: Frame, curve: Curve, ends: Sequence[int]) -> None:
    """Draw a dot, or of many a tick, for each choice of each specification."""
    axes, style = frame.axes, frame.style
    ranks = np.arange(1, curve.n + 1, dtype=float)
    for end in ends:
        frame.level_line(end - 0.5, "decision", color="#D9D9D9")
    pitch = frame.width / (frame.across.high - frame.across.low)
    for i, (_, _, members) in enumerate(curve.rows):
        for kind, color in _looks(curve, style):
            x = ranks[members & kind]
            if not x.size:
                continue
            if curve.n <= DOTS:
                diameter = float(np.clip(0.8 * pitch, 0.5, 1.4))
                y = np.full(x.size, float(i))
                frame.points(x, y, diameter, "choice", facecolor=color, linewidths=0)
                continue
            segments = [[(r, i - TICK / 2), (r, i + TICK / 2)] for r in x]
            weight = max(0.12, min(style.medium, 0.9 * pitch / MM_PER_POINT))
            drawn = LineCollection(segments, colors=color, linewidths=weight)
            drawn.set_label("choice")
            axes.add_collection(drawn, autolim=False)
    for rank in ranks[curve.reference]:
        look = {"linestyle": (0, (1, 1.5)), "color": style.ink, "zorder": 0.5}
        frame.upright_line(float(rank), "reference", **look)


def _entries(curve: Curve, style: Style) -> list[Entry]:
    dot = {"linestyle": "None", "marker": "o", "markersize": 4}
    found = []
    if curve.significant.any():
        key = Line2D([], [], color=style.accent, **dot)  # type: ignore[arg-type]
        found.append(Entry(key, own("Significant")))
    if (~curve.significant).any():
        key = Line2D([], [], color=FAINT, **dot)  # type: ignore[arg-type]
        found.append(Entry(key, own("Not significant")))
    if curve.reference.any():
        diamond = Line2D(
            [], [], linestyle="None", marker="D", markersize=5, markerfacecolor="white",
            markeredgecolor=style.ink, color=style.ink,
        )  # fmt: skip
        found.append(Entry(diamond, own("Main analysis")))
    return found


def _sentence(curve: Curve, style: Style) -> str:
    """Return number, median, range and share that is significant."""
    values = np.tanh(curve.estimate) if curve.measure == "z" else curve.estimate
    ends = [float(np.median(values)), float(values.min()), float(values.max())]
    if curve.measure == "z":
        median, low, high = (decimal(v, style) for v in ends)
    else:
        median, low, high = (number(v, 2) for v in ends)
    share = percent_text(float(curve.significant.mean()))
    name = "*r*" if curve.measure == "z" else "estimate"
    return (
        f"{curve.n:,} specifications: median {name} = {median}, from {low} to {high}; {share} "
        f"significant."
    )
