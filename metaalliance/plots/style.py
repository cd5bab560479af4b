"""The look of a figure: sizes, line weights, colours; and the settings it is drawn with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import matplotlib.style

from metaalliance.errors import OptionError

MM_PER_POINT = 25.4 / 72

#: Settings that would change positions or text, whatever the user's matplotlibrc says.
DRAWING = {
    "text.hinting": "no_hinting",  # widths are then the same at every resolution
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "text.usetex": False,
    "text.parse_math": False,
    "pdf.fonttype": 42,  # TrueType; submission systems refuse Type 3
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "metaalliance",
    "savefig.bbox": "standard",  # "tight" would change the width
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How figures look; lengths in mm, type and lines in points.

    Attributes
    ----------
    name : str
        The value of the option `style`.
    size, small_size : float
        Type of the table and of notes; `small_size` is also the least that is used when a
        table does not fit.
    row, gap, margin : float
        Height of a row, least distance between columns, border of the page.
    square : float
        Side of the largest square of a forest plot.
    thin, medium, thick : float
        Line weights.
    ink, accent, pale : str
        Text and study intervals; pooled results and points; lines behind the data.
    zones : tuple of str
        Greys of a funnel plot for p > .10, .10-.05, .05-.01 and < .01.
    """

    name: str
    size: float = 8.0
    small_size: float = 7.0
    row: float = 3.6
    gap: float = 3.0
    margin: float = 0.8
    square: float = 2.6
    thin: float = 0.5
    medium: float = 0.75
    thick: float = 1.0
    ink: str = "#000000"
    accent: str = "#0072B2"
    pale: str = "#8C8C8C"
    zones: tuple[str, str, str, str] = ("#FFFFFF", "#CDCDCD", "#DDDDDD", "#EDEDED")


#: American Psychological Association: sans serif, 8 points, black and one blue.
APA = Style(name="apa")

STYLES = {style.name: style for style in (APA,)}


def style_named(name: str) -> Style:
    """Return a style by its name.

    Raises
    ------
    OptionError
        When there is none of that name.

    Examples
    --------
    >>> style_named("apa").accent
    '#0072B2'
    """
    if name not in STYLES:
        listed = ", ".join(repr(known) for known in STYLES)
        raise OptionError(f"style={name!r} is not one of {listed}.")
    return STYLES[name]


def drawing() -> AbstractContextManager[None]:
    """Return a context in which matplotlib has its own defaults and ours, not the user's."""
    return matplotlib.style.context(["default", DRAWING])
