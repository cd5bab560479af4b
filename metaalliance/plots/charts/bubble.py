"""Bubble plot: effects against a continuous moderator, with the regression line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from metaalliance.core.arrays import Array
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.moderation.slope import SlopeTest
from metaalliance.options import Measure
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Effect, Numbers, effect_scale
from metaalliance.plots.canvas.sentences import spoken
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.groups import Group, groups_of
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text, level_text

#: Diameters in mm of the lightest and of the heaviest effect.
SMALLEST, LARGEST = 0.8, 4.2

#: Share of the ink in the band of the line.
BAND = 0.14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bubbles:
    """What the plot shows, on the analysis scale.

    Attributes
    ----------
    x, yi, weights : ndarray, shape (k,)
        Moderator, effects, and what the areas are in proportion to.
    line : DataFrame
        Columns x, estimate, ci_low, ci_high and, where there is one, pi_low and pi_high.
    measure : str
        Scale of the effects.
    level : float
        Of the bands.
    name : Line
        Title of the moderator.
    notes : tuple of str
        Sentences under the plot.
    groups : tuple of Group
        How effects are told apart; none for one colour.
    """

    x: Array
    yi: Array
    weights: Array
    line: pd.DataFrame
    measure: Measure
    level: float
    name: Line
    notes: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()


def bubble(
    fit: PooledFit | SlopeTest,
    *,
    x: str = "year",
    by: str | None = None,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw effects against a continuous moderator with its meta-regression.

    The line has the model, test and estimator of the fit; the band is the confidence
    interval of the mean at each value, dashed lines the prediction interval. The area of a
    bubble is the inverse of its marginal variance, vi + tau².

    Parameters
    ----------
    fit : PooledFit or SlopeTest
        A result of `pool`, whose effects are regressed on `x` with its settings; or the slope
        of a moderator, drawn as it was estimated.
    x : str
        A numeric moderator; effects without a value are left out, and counted in the note. A
        SlopeTest has its own.
    by : str, optional
        A moderator whose levels have their own colour and shape; the line is that of all.
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "bubble" have the moderator as x and the analysis scale as y.

    Raises
    ------
    OptionError
        When there is no such moderator, or it has fewer than two different numbers.
    """
    look = style_named(style)
    shown = _of_slope(fit, by, look) if isinstance(fit, SlopeTest) else _bubbles(fit, x, by, look)
    return present(
        bubble_chart(shown, look), look, ax=ax, width_mm=width_mm, title=title, limits=limits
    )


def bubble_text(fit: PooledFit | SlopeTest, *, x: str = "year", by: str | None = None) -> str:
    """Describe the plot for readers who cannot see it."""
    look = style_named("apa")
    shown = _of_slope(fit, by, look) if isinstance(fit, SlopeTest) else _bubbles(fit, x, by, look)
    name = fit.name if isinstance(fit, SlopeTest) else x
    low, high = float(shown.x.min()), float(shown.x.max())
    return spoken(
        f"Bubble plot of {count_text(shown.x.size, 'effect')} against {name.replace('_', ' ')} "
        f"({number(low, 0)} to {number(high, 0)}), with the line of the meta-regression. "
        f"{' '.join(shown.notes)}"
    )


def column_title(name: str) -> Line:
    """Return the name of a column as the title of an axis.

    Examples
    --------
    >>> column_title("alliance_rater")[0].text
    'Alliance rater'
    """
    text = name.replace("_", " ").strip()
    return user(text[:1].upper() + text[1:])


def moderator_values(fit: PooledFit, x: str) -> Array:
    """Return a numeric moderator of the effects, NaN where it is missing.

    Raises
    ------
    OptionError
        When there is none of that name, or it is no number.
    """
    frame = fit.effects.frame
    if x not in frame or x in {"study", "effect", "yi", "vi", "r", "row"}:
        raise OptionError(f"x={x!r}: there is no such moderator; {fit.effects.moderator_list(x)}.")
    values = pd.to_numeric(frame[x], errors="coerce").to_numpy(dtype=float)
    if len(set(values[np.isfinite(values)])) < 2:
        raise OptionError(
            f"x={x!r} has fewer than two different numbers; a bubble plot needs a continuous "
            "moderator. Draw levels with an orchard plot."
        )
    return values


def _bubbles(fit: PooledFit, x: str, by: str | None, style: Style) -> Bubbles:
    values = moderator_values(fit, x)
    known = np.isfinite(values)
    effects = fit.effects.subset(known)
    values = values[known]
    center = float(values.mean())
    X = np.c_[np.ones(values.size), values - center]
    found = fit_regression(effects, X, ["intercept", x], fit.specification.asked)
    grid = np.linspace(values.min(), values.max(), 101)
    line = found.predict(np.c_[np.ones(grid.size), grid - center]).assign(x=grid)
    return Bubbles(
        x=values,
        yi=effects.yi,
        weights=1 / (effects.vi + _tau2(found)),
        line=line,
        measure=fit.measure,
        level=fit.level,
        name=column_title(x),
        notes=_notes(found, f"per unit of {x.replace('_', ' ')}", int((~known).sum()), style),
        groups=tuple(groups_of(effects, by)) if by else (),
    )


def _of_slope(found: SlopeTest, by: str | None, style: Style) -> Bubbles:
    """Return the bubbles of a slope, on the scale of the sheet."""
    effects = found.fit.effects
    values = pd.to_numeric(effects.frame[found.name]).to_numpy(dtype=float)
    grid = np.linspace(values.min(), values.max(), 101)
    scaled = (grid - found.centre) / found.scale
    line = found.fit.predict(np.c_[np.ones(grid.size), scaled]).assign(x=grid)
    return Bubbles(
        x=values,
        yi=effects.yi,
        weights=1 / (effects.vi + _tau2(found.fit)),
        line=line,
        measure=effects.measure,
        level=found.fit.level,
        name=column_title(found.name),
        notes=_notes(found.fit, found.unit, int(found.missing.get("n_effects", 0)), style),
        groups=tuple(groups_of(effects, by)) if by else (),
    )


def _tau2(found: RegressionFit) -> float:
    return float(found.tau2) if math.isfinite(found.tau2) else 0.0


def _notes(found: RegressionFit, unit: str, lost: int, style: Style) -> tuple[str, ...]:
    """Return slope, test and what was left out."""
    slope, low, high = (float(a[1]) for a in (found.beta, found.ci_low, found.ci_high))
    digits = max(2, 2 - math.floor(math.log10(max(abs(low), abs(high), 1e-9))) - 1)
    zero = style.words.leading_zero or found.measure == "generic"
    b, start, end = (number(v, digits, correlation=not zero) for v in (slope, low, high))
    before, after = style.words.bounded(start, end)
    scale = {"z": "*z*", "generic": "effect"}.get(found.measure, "*r*")
    size = f"{count_text(found.n_studies, 'study', 'studies')}"
    if found.n_effects != found.n_studies:
        size += f", {count_text(found.n_effects, 'effect')}"
    first = (
        f"{size}. Slope {unit} ({scale} scale): *b* = {b}, "
        f"{level_text(found.level)} CI {before} {after}, *p* "
        f"{style.words.p_text(float(found.p_value[1]))}."
    )
    if not lost:
        return (first,)
    return first, f"{count_text(lost, 'effect')} without a value left out."


def bubble_chart(shown: Bubbles, style: Style) -> Chart:
    """Return the chart of a regression that is computed already."""
    span = float(np.ptp(shown.x))
    across = Numbers(
        low=float(shown.x.min()) - 0.04 * span,
        high=float(shown.x.max()) + 0.04 * span,
        wordings=(shown.name,),
        whole=bool((shown.x == np.round(shown.x)).all()),
    )
    panel = Panel(
        name="bubble",
        across=across,
        up=_up(shown, style),
        paint=lambda frame: _paint(frame, shown),
    )
    notes = [own(" ".join((*shown.notes, "Area of a bubble: weight.")))]
    return single(panel, (group_entries(shown.groups, style), _entries(shown, style)), notes)


def _up(shown: Bubbles, style: Style) -> Effect:
    """Return an axis for effects and line; a band that flares does not stretch it."""
    line = shown.line[[c for c in ("estimate", "ci_low", "ci_high") if c in shown.line]]
    low, high = float(shown.yi.min()), float(shown.yi.max())
    near = np.clip(line.to_numpy().ravel(), low - 0.3 * (high - low), high + 0.3 * (high - low))
    return effect_scale([low, high, *near], shown.measure, style, upright=True)


def _paint(frame: Frame, shown: Bubbles) -> None:
    axes, style, line = frame.axes, frame.style, shown.line
    frame.level_line(0.0, "zero", color=style.pale)
    x = line["x"].to_numpy()
    low, high = (line[c].to_numpy() for c in ("ci_low", "ci_high"))
    band = axes.fill_between(x, low, high, color=tint(style.ink, BAND), linewidth=0, zorder=0.6)
    band.set_label("ci")
    (drawn,) = axes.plot(x, line["estimate"], color=style.ink, linewidth=1.4, zorder=4)
    drawn.set_label("line")
    for name in ("pi_low", "pi_high"):
        if name in line and np.isfinite(line[name]).all():
            (edge,) = axes.plot(x, line[name], zorder=1.5, **_dashed(style))
            edge.set_label(name)
    diameters = bubble_sizes(shown.weights)
    everyone = np.ones(shown.x.size, dtype=bool)
    looks = [(g.members, {"marker": g.marker, "facecolor": g.color}) for g in shown.groups]
    opacity = 0.6 if shown.x.size <= 120 else 0.4
    for members, look in looks or [(everyone, {"facecolor": style.accent})]:
        frame.points(
            shown.x[members], shown.yi[members], diameters[members], "effects", alpha=opacity,
            zorder=3, **look,
        )  # fmt: skip


def bubble_sizes(weights: Array) -> Array:
    """Return diameters in mm whose areas are in proportion to weights, above a least size."""
    diameters = np.sqrt(weights / weights.max()) * (LARGEST if weights.size <= 120 else 3.0)
    sizes: Array = np.maximum(diameters, SMALLEST)
    return sizes


def _dashed(style: Style) -> dict[str, Any]:
    return {"color": style.ink, "linewidth": style.medium, "linestyle": (0, (4, 2))}


def _entries(shown: Bubbles, style: Style) -> list[Entry]:
    percent = level_text(shown.level)
    found = [
        Entry(Line2D([], [], color=style.ink, linewidth=1.4), own("Meta-regression")),
        Entry(Patch(facecolor=tint(style.ink, BAND)), own(f"{percent} CI")),
    ]
    if "pi_low" in shown.line and np.isfinite(shown.line["pi_low"]).all():
        dashed = Line2D([], [], **_dashed(style))
        found.append(Entry(dashed, own(f"{percent} prediction interval")))
    return found


def group_entries(groups: tuple[Group, ...], style: Style) -> list[Entry]:
    """Return the legend of levels."""
    return [
        Entry(
            Line2D(
                [], [], linestyle="None", marker=g.marker, color=g.color, markersize=4.5,
                markeredgecolor="white", markeredgewidth=style.thin,
            ),
            user(g.name),
        )
        for g in groups
    ]  # fmt: skip
