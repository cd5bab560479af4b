"""Funnel plot with contours of statistical significance around zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import AGGREGATION_RHO
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import check_option
from metaalliance.plots.canvas.axis import EffectAxis
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import size_text
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Effect, Numbers
from metaalliance.plots.canvas.sentences import estimate_sentence
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.charts.bubble import group_entries
from metaalliance.plots.charts.caterpillar import Points, shown_effects
from metaalliance.plots.charts.funnel_marks import (
    MANY,
    AsymmetryLine,
    asymmetry_look,
    estimate_look,
    filled_entry,
    filled_look,
    funnel_look,
    line_entry,
    paint_filled,
    paint_funnel,
    paint_lines,
    paint_points,
    paint_zones,
    zone_entries,
)
from metaalliance.plots.groups import Group, groups_of
from metaalliance.plots.words import averaging_text, without_value
from metaalliance.publication_bias.trim_and_fill import TrimAndFill
from metaalliance.wording.phrases import count_text, level_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """What a funnel shows."""

    fit: PooledFit
    effects: Effects
    points: Points
    contours: bool
    groups: tuple[Group, ...]
    lines: tuple[AsymmetryLine, ...]
    filled: TrimAndFill | None

    @property
    def se(self) -> Array:
        """Standard errors of the points."""
        return np.sqrt(self.effects.vi)

    @property
    def imputed(self) -> tuple[Array, Array]:
        """Imputed effects and their standard errors."""
        if self.filled is None:
            return np.empty(0), np.empty(0)
        return self.filled.filled_yi, np.sqrt(self.filled.filled_vi)

    @property
    def largest(self) -> float:
        """Standard error at the bottom."""
        return 1.05 * float(max(self.se.max(), *self.imputed[1], 0.0))


def funnel(
    fit: PooledFit,
    *,
    points: Points = "effects",
    by: str | None = None,
    contours: bool = True,
    lines: Sequence[AsymmetryLine] = (),
    filled: TrimAndFill | None = None,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw a contour-enhanced funnel plot.

    Effects stand against their standard errors, the most precise on top. Grey zones tell
    at which p an effect differs from zero; the dashed funnel is where effects of one true
    value, the pooled estimate, would lie.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    points : {"effects", "studies"}
        Each point is an effect, or the average of a study (sampling errors of one study
        correlated as in the fit, or .5).
    by : str, optional
        A moderator whose levels have their own colour and shape.
    contours : bool
        Whether the zones are drawn.
    lines : sequence of AsymmetryLine
        Regressions of the effects on their standard errors, such as Egger's or PET.
    filled : TrimAndFill, optional
        Its imputed effects are drawn hollow, its estimate dotted; `fit` is then best
        ``filled.observed``, the fit of the effects that it has filled up.
    ax : Axes, optional
        Draw into these axes, with matplotlib's own labels and legend, instead of a new figure.
    style : str or Style
        Look of the figure.
    width_mm : float
        Exact width of a new figure.
    title : str, optional
        Printed above a new figure.
    limits : tuple of (float, float), optional
        Ends of the axis of effects, as r for correlations.

    Returns
    -------
    Figure
        The new figure, or the figure of `ax`; x is the analysis scale (Fisher z).

    References
    ----------
    Peters et al. (2008).
    """
    check_option("points", points, Points)
    if filled is not None and filled.measure != fit.measure:
        raise OptionError(
            f"filled is on the scale {filled.measure!r} and fit on {fit.measure!r}: take "
            "filled.observed for fit."
        )
    if points == "studies":
        fit.effects.refuse_intervals("A funnel of averages", "they need a value for each effect")
    effects = shown_effects(fit, points)
    if fit.effects.n_censored:
        effects = effects.subset(~effects.censored)
    shown = _Shown(
        fit=fit,
        effects=effects,
        points=points,
        contours=contours,
        groups=tuple(groups_of(effects, by)) if by else (),
        lines=tuple(lines),
        filled=filled,
    )
    look = style_named(style)
    return present(_chart(shown, look), look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def _chart(shown: _Shown, style: Style) -> Chart:
    panel = Panel(
        name="funnel",
        across=_across(shown, style),
        up=error_scale(shown.largest),
        paint=lambda frame: _paint(frame, shown),
    )
    zones = zone_entries(style) if shown.contours else []
    legend = (zones, _entries(shown, style), group_entries(shown.groups, style))
    return single(panel, legend, [own(_note(shown, style))])


def error_scale(largest: float) -> Numbers:
    """Return the upright scale of standard errors, zero on top."""
    return Numbers(low=largest, high=0.0, wordings=(own("Standard error"),), upright=True)


def _across(shown: _Shown, style: Style) -> Effect:
    """Return an axis that holds points, funnel, lines and zero."""
    fit, largest = shown.fit, shown.largest
    half = critical_value(fit.level, math.inf) * largest
    ends = [fit.estimate - half, fit.estimate + half, 0.0]
    held = np.concatenate([shown.effects.yi, shown.imputed[0], ends])
    low, high = float(held.min()), float(held.max())
    pad = 0.03 * (high - low)
    zero = style.words.leading_zero
    axis = EffectAxis(low=low - pad, high=high + pad, measure=fit.measure, zero=zero)
    return Effect(axis=axis)


def _paint(frame: Frame, shown: _Shown) -> None:
    style, fit, largest = frame.style, shown.fit, shown.largest
    if shown.contours:
        paint_zones(frame, largest, style)
    else:
        frame.upright_line(0.0, "zero", color=style.pale)
    paint_funnel(frame, fit.estimate, fit.level, largest)
    paint_lines(frame, shown.lines, largest)
    if shown.filled is not None:
        paint_filled(frame, *shown.imputed, shown.filled.estimate, largest)
    crowded = shown.effects.dependent() or shown.effects.n_effects > MANY
    paint_points(frame, shown.effects.yi, shown.se, shown.groups, crowded=crowded)


def _entries(shown: _Shown, style: Style) -> list[Entry]:
    """Return the legend of the lines and of imputed effects."""
    percent = level_text(shown.fit.level)
    found = [
        line_entry(estimate_look(style), own("Pooled estimate")),
        line_entry(funnel_look(style), own(f"{percent} pseudo confidence limits")),
    ]
    for i, line in enumerate(shown.lines):
        found.append(line_entry(asymmetry_look(style, i), user(line.label)))
    if shown.filled is not None:
        label: Line = own("Estimate with imputed effects")
        found += [line_entry(filled_look(style), label), filled_entry(style)]
    return found


def _note(shown: _Shown, style: Style) -> str:
    """Return what the points are, and what imputation changes."""
    text = f"{size_text(shown.fit)}."
    if shown.points == "studies" and shown.fit.effects.dependent():
        rho = averaging_text(shown.fit, AGGREGATION_RHO, style.words)
        text += f" Each point is the average of one study ({rho})."
    elif shown.effects.dependent():
        text += " Each point is an effect; effects of one study are not independent."
    if shown.fit.effects.n_censored:
        text += f" {without_value(shown.fit, 'no point')}"
    if shown.filled is not None:
        fit = shown.filled.fit
        mean = estimate_sentence(
            fit.estimate, fit.ci_low, fit.ci_high, fit.measure, fit.level, style
        )
        count = count_text(shown.filled.filled_yi.size, "imputed effect")
        text += f" Trim and fill, a sensitivity analysis: {count}, {mean} with them."
    return text
