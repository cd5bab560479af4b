"""Funnel plot with contours of statistical significance around zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from metaalliance.core.intervals import critical_value
from metaalliance.models.fits import PooledFit
from metaalliance.models.text import number
from metaalliance.plots.axis import EffectAxis
from metaalliance.plots.legend import Entry, draw_legend, flow
from metaalliance.plots.numbers import level_text, size_text
from metaalliance.plots.page import Page, check_width
from metaalliance.plots.style import MM_PER_POINT, Style, drawing, style_named
from metaalliance.plots.typeset import Line, Run, own, plain, run_width, user, wrap

#: Levels whose critical values bound the zones p > .10, .10-.05, .05-.01 and < .01.
ZONE_LEVELS = (0.90, 0.95, 0.99)
ZONE_LABELS = ("*p* > .10", ".05 < *p* < .10", ".01 < *p* < .05", "*p* < .01")

#: Height of the plot for its width; diameter of a point, and of one of
#: many, in mm; opacity of many points.
ASPECT, POINT, SMALL_POINT, OPACITY = 0.72, 1.7, 1.3, 0.45

#: More points than this are small, and transparent even if independent.
MANY = 80


def funnel(
    fit: PooledFit,
    *,
    ax: Axes | None = None,
    style: str = "apa",
    width_mm: float = 120,
    title: str | None = None,
) -> Figure:
    """Draw a contour-enhanced funnel plot.

    Effects stand against their standard errors, the most precise on top. Grey zones tell
    at which p an effect differs from zero; the dashed funnel is where effects of one true
    value, the pooled estimate, would lie. Each point is one effect.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    ax : Axes, optional
        Draw into these axes, with matplotlib's own labels and legend, instead of a new figure.
    style : {"apa"}
        Look of the figure.
    width_mm : float
        Exact width of a new figure.
    title : str, optional
        Printed above a new figure.

    Returns
    -------
    Figure
        The new figure, or the figure of `ax`; x is the analysis scale (Fisher z).

    References
    ----------
    Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L (2008). Contour-enhanced
    meta-analysis funnel plots help distinguish publication bias from other causes of
    asymmetry. Journal of Clinical Epidemiology 61, 991-996.
    """
    look = style_named(style)
    if ax is not None:
        _draw_in(ax, fit, look)
        return ax.figure.figure
    with drawing():
        return _new_figure(fit, look, check_width(width_mm), title or "")


def _new_figure(fit: PooledFit, style: Style, width: float, title: str) -> Figure:
    """Draw the funnel on a page of its own, with title, labels, legend and note."""
    small, margin = style.small_size, style.margin
    inner, pitch = width - 2 * margin, 1.08 * style.row
    axis, largest = _ranges(fit)
    ticks = _error_ticks(largest)
    left = margin + style.row + max(run_width(Run(t), small) for _, t in ticks) + 2.5
    right = width - margin - 2.0
    heading = wrap(user(title, bold=True), inner, style.size) if title else []
    top = margin + style.row * len(heading) + 1.5
    bottom = top + ASPECT * (right - left)
    zones, lines = _entries(fit, style)
    room = width - left - margin
    legend = [*flow(zones, room, small), *flow(lines, room, small)]
    notes = wrap(_note(fit), room, small)
    legend_top = bottom + 4.4 + style.row * 1.3
    notes_top = legend_top + pitch * len(legend) + 0.8
    page = Page.blank(width, notes_top + 0.9 * style.row * len(notes) + margin, style)
    for i, line in enumerate(heading):
        page.put(line, margin, margin + style.row * (i + 0.5))
    axes = page.panel(left, right, top, bottom, "funnel")
    axes.spines["left"].set(visible=True, linewidth=style.medium, color=style.ink)
    _draw_data(axes, fit, axis, largest, style)
    _draw_ticks(axes, axis.ticks(right - left, small), ticks, style)
    page.put(axis.title(), (left + right) / 2, bottom + 4.4 + style.row * 0.5, align="center")
    _put_upright(page, "Standard error", margin + style.row / 2, (top + bottom) / 2)
    draw_legend(page, legend, left, legend_top, pitch)
    for i, line in enumerate(notes):
        page.put(line, left, notes_top + 0.9 * style.row * (i + 0.5), size=small)
    return page.figure


def _draw_in(axes: Axes, fit: PooledFit, style: Style) -> None:
    """Draw the funnel into axes of the caller."""
    axis, largest = _ranges(fit)
    _draw_data(axes, fit, axis, largest, style)
    figure = axes.figure.figure
    width = axes.get_position().width * figure.get_figwidth() * 25.4
    _draw_ticks(axes, axis.ticks(width, style.small_size), _error_ticks(largest), style)
    axes.set_xlabel(plain(axis.title()), parse_math=False)
    axes.set_ylabel("Standard error")
    keys = [entry for part in _entries(fit, style) for entry in part]
    axes.legend([e.key for e in keys], [plain(e.label) for e in keys], fontsize=style.small_size)


def _ranges(fit: PooledFit) -> tuple[EffectAxis, float]:
    """Return the effect axis, and the standard error at the bottom."""
    yi, largest = fit.effects.yi, 1.05 * math.sqrt(float(fit.effects.vi.max()))
    half = critical_value(fit.level, math.inf) * largest
    low = min(float(yi.min()), fit.estimate - half, 0.0)
    high = max(float(yi.max()), fit.estimate + half, 0.0)
    pad = 0.03 * (high - low)
    return EffectAxis(low=low - pad, high=high + pad, measure=fit.measure), largest


def _error_ticks(largest: float) -> list[tuple[float, str]]:
    """Return ticks of the standard error from zero, with the decimals they need."""
    values = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(0, largest)
    step = float(values[1] - values[0])
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    inside = (float(v) for v in values if -1e-12 <= v <= largest)
    return [(v, number(v, digits) if v > step / 2 else "0") for v in inside]


def _draw_data(axes: Axes, fit: PooledFit, axis: EffectAxis, largest: float, style: Style) -> None:
    """Draw zones, funnel and points; x is the analysis scale, y the standard error."""
    axes.set_facecolor(style.zones[-1])
    for level, color in zip(reversed(ZONE_LEVELS), reversed(style.zones[:-1]), strict=True):
        reach = critical_value(level, math.inf) * largest
        (zone,) = axes.fill([-reach, 0, reach], [largest, 0, largest], color=color, linewidth=0)
        zone.set(zorder=0.5, label=f"zone {level:g}")
    half = critical_value(fit.level, math.inf) * largest
    axes.plot([fit.estimate] * 2, [0, largest], label="estimate", **_estimate_look(style))
    axes.plot(
        [fit.estimate - half, fit.estimate, fit.estimate + half],
        [largest, 0, largest],
        label="funnel",
        **_funnel_look(style),
    )
    crowded = fit.effects.dependent() or fit.n_effects > MANY
    axes.scatter(
        fit.effects.yi,
        np.sqrt(fit.effects.vi),
        s=((SMALL_POINT if fit.n_effects > MANY else POINT) / MM_PER_POINT) ** 2,
        facecolor=style.accent,
        alpha=OPACITY if crowded else None,
        edgecolor="white" if not crowded else style.accent,
        linewidths=style.thin,
        zorder=3,
        clip_on=False,
        label="effects",
    )
    axes.set(xlim=(axis.low, axis.high), ylim=(largest, 0))


def _draw_ticks(
    axes: Axes, across: list[tuple[float, str]], down: list[tuple[float, str]], style: Style
) -> None:
    font = Run("0").font(style.small_size)
    text: dict[str, Any] = {"fontproperties": font, "parse_math": False}
    axes.set_xticks([v for v, _ in across])
    axes.set_xticklabels([label for _, label in across], **text)
    axes.set_yticks([v for v, _ in down])
    axes.set_yticklabels([label for _, label in down], **text)
    axes.tick_params(length=2, width=style.thin, pad=1.5, colors=style.ink)
    axes.tick_params(axis="y", left=True, labelleft=True)


def _estimate_look(style: Style) -> dict[str, Any]:
    return {"color": style.ink, "linewidth": style.medium, "zorder": 2}


def _funnel_look(style: Style) -> dict[str, Any]:
    return {**_estimate_look(style), "linestyle": (0, (4, 2.5))}


def _entries(fit: PooledFit, style: Style) -> tuple[list[Entry], list[Entry]]:
    """Return the legend: zones, then estimate and funnel."""
    zones = [
        Entry(_zone_key(color, style), own(label))
        for color, label in zip(style.zones, ZONE_LABELS, strict=True)
    ]
    funnel_label = own(f"{level_text(fit.level)} pseudo confidence limits")
    lines = [
        Entry(Line2D([], [], **_estimate_look(style)), own("Pooled estimate")),
        Entry(Line2D([], [], **_funnel_look(style)), funnel_label),
    ]
    return zones, lines


def _zone_key(color: str, style: Style) -> Patch:
    return Patch(facecolor=color, edgecolor=style.pale, linewidth=style.thin)


def _note(fit: PooledFit) -> Line:
    """Return what the points are."""
    text = f"{size_text(fit)}."
    if fit.effects.dependent():
        text += " Each point is an effect; effects of one study are not independent."
    return own(text)


def _put_upright(page: Page, text: str, x: float, y: float) -> None:
    """Write a label that reads upwards, centred at a place in mm."""
    page.layer.text(
        x,
        y,
        text,
        fontproperties=Run(text).font(page.style.size),
        color=page.style.ink,
        rotation=90,
        ha="center",
        va="center",
        parse_math=False,
    )
