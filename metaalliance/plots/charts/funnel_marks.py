"""What a funnel plot draws: zones of significance, the funnel, lines of asymmetry, points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.fisher import effective_n
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Line, own
from metaalliance.plots.groups import Group
from metaalliance.publication_bias.egger import Egger

#: Levels whose critical values bound the zones p > .10, .10-.05, .05-.01 and < .01.
ZONE_LEVELS = (0.90, 0.95, 0.99)
ZONE_LABELS = ("*p* > .10", ".05 < *p* < .10", ".01 < *p* < .05", "*p* < .01")

#: Diameter of a point, and of one of many, in mm; opacity of many points.
POINT, SMALL_POINT, OPACITY = 1.7, 1.3, 0.45

#: More points than this are small, and transparent even if independent.
MANY = 80

#: Dashes of the lines of asymmetry, one after the other.
_DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AsymmetryLine:
    """The effect that a regression expects of studies of each size.

    Attributes
    ----------
    label : str
        What it is, such as "PET".
    limit, slope : float
        Expected effect of a study without sampling error, and its slope.
    squared : bool
        Whether the slope is that of the variance, as in PEESE, or of 1/(effective n).
    error_at : callable
        Standard error of an expected effect, from 1/√(effective n) and the effect; by default the
        regression is on standard errors.
    furthest : float
        Size of the smallest study, where the line ends; by default that of the plot.
    """

    label: str
    limit: float
    slope: float
    squared: bool = False
    error_at: Callable[[Array, Array], Array] = lambda x, _: x
    furthest: float | None = None

    @classmethod
    def of(cls, found: Egger, label: str = "Egger regression") -> AsymmetryLine:
        """Return the line of a regression on the size of studies."""
        squared = found.predictor in {"vi", "1/effective n"}
        line = cls(label=label, limit=found.limit, slope=found.slope, squared=squared)
        if not found.by_size:
            return line
        n = effective_n(found.effects)
        assert n is not None  # the regression has taken it
        error = _error_of_z if found.measure == "z" else _error_of_r
        return replace(line, error_at=error, furthest=float(np.sqrt(1 / n.min())))

    def at(self, size: Array) -> tuple[Array, Array]:
        """Return expected effects and their standard errors at measures of the size of studies."""
        effect = self.limit + self.slope * (size**2 if self.squared else size)
        return effect, self.error_at(size, effect)


def _error_of_r(size: Array, r: Array) -> Array:
    """Standard error of r from 1/√n: (1 − r²)/√(n − 1)."""
    return (1 - r**2) * size / np.sqrt(np.maximum(1 - size**2, 1e-9))


def _error_of_z(size: Array, _: Array) -> Array:
    """Standard error of Fisher z from 1/√n: 1/√(n − 3)."""
    return size / np.sqrt(np.maximum(1 - 3 * size**2, 1e-9))


def paint_zones(frame: Frame, largest: float, style: Style) -> None:
    """Draw the zones of p around zero."""
    axes = frame.axes
    axes.set_facecolor(style.zones[-1])
    for level, color in zip(reversed(ZONE_LEVELS), reversed(style.zones[:-1]), strict=True):
        reach = critical_value(level, math.inf) * largest
        (zone,) = axes.fill([-reach, 0, reach], [largest, 0, largest], color=color, linewidth=0)
        zone.set(zorder=0.5, label=f"zone {level:g}")


def paint_funnel(frame: Frame, estimate: float, level: float, largest: float) -> None:
    """Draw the estimate and the funnel around it."""
    style = frame.style
    half = critical_value(level, math.inf) * largest
    line = frame.axes.plot([estimate] * 2, [0, largest], **estimate_look(style))[0]
    line.set_label("estimate")
    sides = [estimate - half, estimate, estimate + half]
    cone = frame.axes.plot(sides, [largest, 0, largest], **funnel_look(style))[0]
    cone.set_label("funnel")


def paint_points(
    frame: Frame, yi: Array, se: Array, groups: Sequence[Group], *, crowded: bool
) -> None:
    """Draw one point per effect, each group in its colour and shape."""
    style = frame.style
    diameter = SMALL_POINT if yi.size > MANY else POINT
    edge = style.accent if crowded else "white"
    look: dict[str, Any] = {"alpha": OPACITY if crowded else None, "edgecolor": edge}
    if not groups:
        frame.points(yi, se, diameter, "effects", **look)
        return
    for group in groups:
        here = group.members
        own_look = {"marker": group.marker, "facecolor": group.color, "edgecolor": "white"}
        frame.points(
            yi[here], se[here], 1.15 * diameter, f"effects {group.level}",
            **{**look, "alpha": 0.75 if crowded else None, **own_look},
        )  # fmt: skip


def paint_filled(frame: Frame, yi: Array, se: Array, estimate: float, largest: float) -> None:
    """Draw imputed effects hollow, and the estimate with them."""
    style = frame.style
    if yi.size:
        look = {"facecolor": "white", "edgecolor": style.ink, "linewidths": style.medium}
        frame.points(yi, se, POINT, "filled", **look)
    line = frame.axes.plot([estimate] * 2, [0, largest], **filled_look(style))[0]
    line.set_label("filled estimate")


def paint_lines(frame: Frame, lines: Sequence[AsymmetryLine], largest: float) -> None:
    """Draw regressions of the effects on the size of their studies."""
    for i, line in enumerate(lines):
        end = largest if line.furthest is None else line.furthest
        effect, se = line.at(np.linspace(0, end, 101))
        shown = se <= largest
        drawn = frame.axes.plot(effect[shown], se[shown], **asymmetry_look(frame.style, i))[0]
        drawn.set_label(line.label)


def estimate_look(style: Style) -> dict[str, Any]:
    """Return the look of the line of the estimate."""
    return {"color": style.ink, "linewidth": style.medium, "zorder": 2}


def funnel_look(style: Style) -> dict[str, Any]:
    """Return the look of the funnel."""
    return {**estimate_look(style), "linestyle": (0, (4, 2.5))}


def filled_look(style: Style) -> dict[str, Any]:
    """Return the look of the estimate with imputed effects."""
    return {**estimate_look(style), "linestyle": (0, (1, 1.2)), "linewidth": 1.3 * style.thick}


def asymmetry_look(style: Style, i: int) -> dict[str, Any]:
    """Return the look of the line of the i-th regression."""
    dashes = _DASHES[i % len(_DASHES)]
    return {"color": style.accent, "linewidth": 1.4, "linestyle": dashes, "zorder": 2.5}


def zone_entries(style: Style) -> list[Entry]:
    """Return the legend of the zones."""
    return [
        Entry(Patch(facecolor=color, edgecolor=style.pale, linewidth=style.thin), own(label))
        for color, label in zip(style.zones, _zone_labels(style), strict=True)
    ]


def _zone_labels(style: Style) -> tuple[str, ...]:
    if not style.words.p_leading_zero:
        return ZONE_LABELS
    return tuple(label.replace(".", "0.") for label in ZONE_LABELS)


def line_entry(look: dict[str, Any], label: Line) -> Entry:
    """Return a legend entry of a line."""
    return Entry(Line2D([], [], **look), label)


def filled_entry(style: Style) -> Entry:
    """Return the legend entry of imputed effects."""
    look: dict[str, Any] = {
        "markerfacecolor": "white",
        "markeredgecolor": style.ink,
        "color": style.ink,
    }
    key = Line2D([], [], linestyle="None", marker="o", markersize=4.5, **look)
    return Entry(key, own("Imputed effect"))
