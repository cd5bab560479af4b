"""Power-enhanced funnel plot ("sunset"): what each study could have found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.optimize import brentq

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import normal_sf
from metaalliance.core.inference.intervals import critical_value
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.axis import EffectAxis
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import effect_text, size_text
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Effect
from metaalliance.plots.canvas.sentences import spoken, symbol
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import APA, Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.plots.charts.caterpillar import Points, shown_effects
from metaalliance.plots.charts.funnel import error_scale
from metaalliance.plots.charts.funnel_marks import MANY, estimate_look, line_entry, paint_points
from metaalliance.wording.phrases import percent_text

#: Powers at the edges of the bands.
EDGES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)

#: Share of black of the band of least power.
_DARKEST = 0.42


def power_funnel(
    fit: PooledFit,
    *,
    points: Points = "effects",
    effect: float | None = None,
    alpha: float = 0.05,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw a funnel whose bands are the power of each standard error.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    points : {"effects", "studies"}
        Each point is an effect, or the average of a study.
    effect : float, optional
        The true effect that the tests are to find, on the analysis scale; by default the
        pooled estimate. A pooled estimate that is too large makes the power too high.
    alpha : float
        Of the two-sided test of each effect against zero.
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "power-funnel" have the analysis scale as x and the standard error
        as y; the darker the band, the less the power.

    References
    ----------
    Kossmeier et al. (2020).
    """
    look = style_named(style)
    chart = _chart(fit, points, effect, alpha, look)
    return present(chart, look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def power_funnel_text(fit: PooledFit) -> str:
    """Describe the plot for readers who cannot see it."""
    se = np.sqrt(fit.effects.vi)
    return spoken(
        f"Power-enhanced funnel plot of {size_text(fit)}: effects against their standard errors, "
        f"over bands of statistical power. {_sentence(fit, se, fit.estimate, 0.05, APA)}"
    )


def power(se: Array | float, effect: float, alpha: float = 0.05) -> Array:
    """Return the power of a two-sided normal test of an effect against zero.

    Examples
    --------
    >>> round(float(power(1.0, 2.801585)), 3), round(float(power(1.0, 0.0)), 3)
    (0.8, 0.05)
    """
    z = critical_value(1 - alpha, math.inf)
    shift = np.abs(effect) / np.asarray(se, dtype=float)
    found: Array = normal_sf(z - shift) + normal_sf(z + shift)
    return found


def error_of_power(target: float, effect: float, alpha: float = 0.05) -> float:
    """Return the standard error at which a test has a power above its size."""
    z = critical_value(1 - alpha, math.inf)

    def excess(shift: float) -> float:
        return float(normal_sf(z - shift) + normal_sf(z + shift)) - target

    return abs(effect) / float(brentq(excess, 0.0, z + 10.0, xtol=1e-12))


def _chart(
    fit: PooledFit, points: Points, effect: float | None, alpha: float, style: Style
) -> Chart:
    effects = shown_effects(fit, points)
    se, true = np.sqrt(effects.vi), fit.estimate if effect is None else effect
    largest = 1.05 * float(se.max())
    half = critical_value(1 - alpha, math.inf) * largest
    held = np.append(effects.yi, [0.0, true, *np.clip([-half, half], *_span(effects.yi, true))])
    pad = 0.03 * float(np.ptp(held))
    axis = EffectAxis(
        low=float(held.min()) - pad, high=float(held.max()) + pad, measure=fit.measure,
        zero=style.words.leading_zero,
    )  # fmt: skip
    edges = _edges(true, alpha, largest)
    panel = Panel(
        name="power-funnel",
        across=Effect(axis=axis),
        up=error_scale(largest),
        paint=lambda frame: _paint(
            frame, effects.yi, se, true, alpha, crowded=_crowded(fit, points)
        ),
        right=_clear_ticks(edges, largest),
        right_title=own("Power") if edges else (),
    )
    note = f"{size_text(fit)}. {_sentence(fit, se, true, alpha, style)}"
    return single(panel, (_entries(alpha, style),), (own(note),))


def _crowded(fit: PooledFit, points: Points) -> bool:
    return (points == "effects" and fit.effects.dependent()) or fit.n_studies > MANY


def _span(yi: Array, true: float) -> tuple[float, float]:
    """Return how far the lines of significance may widen the plot."""
    low, high = min(float(yi.min()), 0.0, true), max(float(yi.max()), 0.0, true)
    room = 0.25 * (high - low) if high > low else math.inf  # where all are zero: the lines alone
    return low - room, high + room


def _edges(true: float, alpha: float, largest: float) -> list[tuple[float, float]]:
    """Return power and standard error of the edges on the plot, from the top."""
    if true == 0:
        return []
    found = [(p, error_of_power(p, true, alpha)) for p in EDGES if p > alpha]
    return [(p, se) for p, se in found if se < largest]


def _clear_ticks(edges: list[tuple[float, float]], largest: float) -> tuple[tuple[float, str], ...]:
    """Return labels of the edges that are far enough from each other."""
    kept: list[tuple[float, str]] = []
    first = (0.8, 0.5, 0.2)
    for p, se in sorted(edges, key=lambda e: (e[0] not in first, e[1])):
        if all(abs(se - other) > 0.055 * largest for other, _ in kept):
            kept.append((se, percent_text(p)))
    return tuple(sorted(kept))


def _paint(frame: Frame, yi: Array, se: Array, true: float, alpha: float, *, crowded: bool) -> None:
    axes, style, largest = frame.axes, frame.style, frame.up.low
    edges = _edges(true, alpha, largest)
    tops = [0.0, *(s for _, s in edges)]
    ends = [*(s for _, s in edges), largest]
    for i, (top, bottom) in enumerate(zip(tops, ends, strict=True)):
        share = _DARKEST * i / len(EDGES) if edges else _DARKEST
        axes.axhspan(top, bottom, color=tint("#000000", share), linewidth=0, zorder=0.4).set_label(
            "power"
        )
    half = critical_value(1 - alpha, math.inf) * largest
    for side in (-half, half):
        (line,) = axes.plot([0, side], [0, largest], **_limit_look(style))
        line.set_label("significance")
    frame.upright_line(true, "estimate", **estimate_look(style))
    paint_points(frame, yi, se, (), crowded=crowded)


def _limit_look(style: Style) -> dict[str, Any]:
    return {"color": style.ink, "linewidth": style.thin, "linestyle": (0, (1, 1.5)), "zorder": 1.5}


def _entries(alpha: float, style: Style) -> list[Entry]:
    limit = f"= {alpha:g}" if style.words.p_leading_zero else f"= {alpha:g}".replace("0.", ".")
    return [
        line_entry(estimate_look(style), own("Assumed true effect")),
        Entry(Line2D([], [], **_limit_look(style)), own(f"*p* {limit}")),
    ]


def _sentence(fit: PooledFit, se: Array, true: float, alpha: float, style: Style) -> str:
    """Return the median power and how many have enough."""
    powers = power(se, true, alpha)
    value = effect_text(true, fit.measure, 2, style.words)
    enough = int((powers >= 0.8).sum())
    median = percent_text(float(np.median(powers)))
    return (
        f"Power to find {symbol(fit.measure)} = {value}: median {median}; {enough:,} of "
        f"{powers.size:,} points have at least 80%."
    )
