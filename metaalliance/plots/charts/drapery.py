"""Drapery plot: the p value of every value that the effect could have."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import t_sf
from metaalliance.core.inference.intervals import critical_value
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import size_text
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Effect, Fixed, effect_scale
from metaalliance.plots.canvas.sentences import pooled_sentence, spoken
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import level_text

#: p values with a tick, the most important first; confidence levels stand opposite.
_P = (0.05, 0.5, 1.0, 0.0, 0.25, 0.75, 0.1, 0.2)

#: Points of a curve.
_GRID = 801

#: The curve of the mean ends at this p; colour of a curve among many.
_FOOT, _FAINT = 1e-4, "#C4C4C4"

#: Curves reach as far as the effects within so many median standard errors.
_REACH = 2.5


def drapery(
    fit: PooledFit,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw p-value functions: where a curve is above p, that value is in the (1 - p) interval.

    Each pale curve is one effect, the strong one the mean, with the test of the fit; the
    shaded curve is the prediction of a new true effect. Horizontal cuts are confidence
    intervals of every level.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "drapery" have the analysis scale as x and two-sided p as y.

    References
    ----------
    Rücker and Schwarzer (2021).
    """
    look = style_named(style)
    return present(_chart(fit, look), look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def drapery_text(fit: PooledFit) -> str:
    """Describe the plot for readers who cannot see it."""
    return spoken(
        f"Drapery plot of {size_text(fit)}: for each effect and for their mean, the p value of "
        f"every value that the effect could have, with its top at the estimate. "
        f"{pooled_sentence(fit)}"
    )


def p_curve(values: Array, estimate: float, se: float, df: float = math.inf) -> Array:
    """Return the two-sided p value of each of `values` as the true effect."""
    distance = np.abs(values - estimate) / se
    return np.asarray(2 * t_sf(distance, df), dtype=float)


def _chart(fit: PooledFit, style: Style) -> Chart:
    zero = style.words.p_leading_zero
    marks = tuple((p, _tick(p, zero=zero)) for p in _P)
    right = tuple((p, level_text(1 - p)) for p in (0.05, 0.25, 0.5, 0.75, 1.0))
    panel = Panel(
        name="drapery",
        across=_across(fit, style),
        up=Fixed(low=0.0, high=1.02, marks=marks, wordings=(own("*p* value"),), upright=True),
        paint=lambda frame: _paint(frame, fit),
        right=right,
        right_title=own("Confidence level"),
    )
    text = f"{size_text(fit)}. {pooled_sentence(fit, style)}"
    return single(panel, (_entries(fit, style),), (own(text),))


def _tick(p: float, *, zero: bool) -> str:
    if p in {0.0, 1.0}:
        return f"{p:.0f}"
    digits = 2 if p in {0.05, 0.25, 0.75} else 1
    return number(p, digits, correlation=not zero)


def _across(fit: PooledFit, style: Style) -> Effect:
    reach = _REACH * float(np.median(np.sqrt(fit.effects.vi)))
    yi = fit.effects.yi
    ends = [float(yi.min()) - reach, float(yi.max()) + reach, fit.pi_low, fit.pi_high]
    return effect_scale(ends, fit.measure, style, margin=0.0)


def _paint(frame: Frame, fit: PooledFit) -> None:
    axes, style = frame.axes, frame.style
    grid = np.linspace(frame.across.low, frame.across.high, _GRID)
    yi, se = fit.effects.yi, np.sqrt(fit.effects.vi)
    curves = (p_curve(_with(grid, y), y, s) for y, s in zip(yi, se, strict=True))
    crowded = fit.n_effects > 60
    weight, color = (0.5 * style.thin, _FAINT) if crowded else (style.thin, style.pale)
    for y, curve in zip(yi, curves, strict=True):
        (line,) = axes.plot(_with(grid, y), curve, color=color, linewidth=weight, zorder=1)
        line.set_label("effect")
    if _predicts(fit):
        spread = math.sqrt(fit.se**2 + fit.tau2)
        x = _with(grid, fit.estimate)
        curve = p_curve(x, fit.estimate, spread, fit.prediction_df)
        axes.fill_between(
            x, curve, color=tint(style.accent, 0.22), linewidth=0, zorder=0.6
        ).set_label("prediction")
        (edge,) = axes.plot(x, curve, color=style.accent, linewidth=style.medium, zorder=3)
        edge.set_label("prediction edge")
    frame.upright_line(0.0, "zero", zorder=2)
    frame.level_line(0.05, "p = .05", linestyle=(0, (4, 2)), zorder=2)
    if fit.se > 0:
        near = np.linspace(-1, 1, _GRID) * critical_value(1 - _FOOT, fit.df) * fit.se
        x = fit.estimate + near[np.abs(near) <= frame.across.high - frame.across.low]
        y = p_curve(x, fit.estimate, fit.se, fit.df)
        (line,) = axes.plot(x, y, color=style.accent, linewidth=1.6, zorder=4)
        line.set_label("mean")


def _with(grid: Array, peak: float) -> Array:
    """Return the grid with the peak of a curve, so that every curve reaches 1."""
    return np.sort(np.append(grid, peak))


def _predicts(fit: PooledFit) -> bool:
    return math.isfinite(fit.pi_low) and fit.tau2 > 0


def _entries(fit: PooledFit, style: Style) -> list[Entry]:
    pale = Line2D([], [], color=style.pale, linewidth=style.thin)
    mean = Line2D([], [], color=style.accent, linewidth=1.6)
    dashed = Line2D([], [], color=style.ink, linewidth=style.thin, linestyle=(0, (4, 2)))
    one = "One effect" if fit.effects.dependent() else "One study"
    found = [Entry(mean, own("Pooled estimate")), Entry(pale, own(one))]
    if _predicts(fit):
        shade = Patch(facecolor=tint(style.accent, 0.22), edgecolor=style.accent)
        found.insert(1, Entry(shade, own("True effect of a new study")))
    return [
        *found,
        Entry(dashed, own(f"*p* = {number(0.05, 2, correlation=not style.words.p_leading_zero)}")),
    ]
