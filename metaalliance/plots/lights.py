"""Lights of ratings: a colour and a sign for each, in a figure of their own or beside a forest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.patches import Circle

from metaalliance.effects.levels import MISSING
from metaalliance.plots.canvas.page import Page
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import own

#: Sign and colour of each rating.
Lights = Mapping[str, tuple[str, str]]

#: Signs and colours of the ratings of RoB 2 and ROBINS-I, told apart in grey by their signs.
LIGHTS = {
    "low": ("+", "#009E73"),
    "some concerns": ("\N{MINUS SIGN}", "#F0E442"),
    "moderate": ("\N{MINUS SIGN}", "#F0E442"),
    "unclear": ("?", "#C8C8C8"),
    "no information": ("?", "#C8C8C8"),
    "serious": ("\N{MULTIPLICATION SIGN}", "#E69F00"),
    "high": ("\N{MULTIPLICATION SIGN}", "#D55E00"),
    "critical": ("!", "#CC79A7"),
    MISSING: ("", "#FFFFFF"),
}


def lights_of(levels: Sequence[str], style: Style) -> dict[str, tuple[str, str]]:
    """Return sign and colour of each rating; those that are not known in shades of the ink."""
    others = [level for level in levels if level.lower() not in LIGHTS]
    found = {level: LIGHTS[level.lower()] for level in levels if level.lower() in LIGHTS}
    for i, level in enumerate(others):
        sign = level[:2] if level[:1].isdigit() else level[:1].upper()
        found[level] = sign, tint(style.ink, 0.1 + 0.3 * i / max(len(others) - 1, 1))
    return {level: found[level] for level in levels}


def paint_light(page: Page, x: float, y: float, light: tuple[str, str], radius: float) -> None:
    """Draw a light with its sign; `x`, `y` and `radius` in mm."""
    style, (sign, color) = page.style, light
    circle = Circle((x, y), radius, facecolor=color, edgecolor=style.ink, label="light")
    circle.set_linewidth(style.thin)
    page.layer.add_patch(circle)
    if sign:
        page.put(own(sign), x, y, align="center", size=style.small_size)
