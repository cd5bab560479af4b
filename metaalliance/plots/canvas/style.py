"""The look of a figure: sizes, line weights, colours; and the settings it is drawn with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import matplotlib.style

from metaalliance.errors import OptionError
from metaalliance.options import Notes, Page, did_you_mean
from metaalliance.plots.canvas.fonts import preferring
from metaalliance.plots.canvas.typeset import Line
from metaalliance.plots.canvas.wording import (
    APA_WORDING,
    BMJ_WORDING,
    JAMA_WORDING,
    REVMAN_WORDING,
    Wording,
)
from metaalliance.plots.forests.look import (
    APA_FOREST,
    BMJ_FOREST,
    JAMA_FOREST,
    REVMAN_FOREST,
    ForestLook,
)

MM_PER_POINT = 25.4 / 72

#: Greatest height of a figure in mm. What an A4 or a letter page leaves between margins of an inch,
#: less 16 mm for number, title and note; and what PLOS prints (22.23 cm, its page "Figures").
HEIGHTS: dict[str, float] = {"a4": 230.0, "letter": 212.0, "journal": 222.0}

#: Least height of a row in mm for a point of type: lines of text do not touch.
ROW_PER_POINT = 0.42

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

    A style is data: make one with ``dataclasses.replace(style_named("apa"), size=9)``, or in
    ``metaalliance.toml``, and pass it wherever a function takes `style`.

    Attributes
    ----------
    name : str
        The value of the option `style`.
    typeface : tuple of str
        Families that are preferred to Arial, Helvetica and Liberation Sans, if installed.
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
    words : Wording
        How numbers, intervals and tests are written.
    forest : ForestLook
        Columns, heads, rules and colours of forest plots.
    page : {"a4", "letter", "journal"}
        The page that a figure has to fit: `HEIGHTS`.
    notes : {"full", "short", "none"}
        What is said under a figure: everything, what its marks and numbers cannot be read
        without, or nothing. The caption always has everything.
    """

    name: str
    typeface: tuple[str, ...] = ()
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
    words: Wording = field(default=APA_WORDING)
    forest: ForestLook = field(default=APA_FOREST)
    page: Page = "a4"
    notes: Notes = "short"

    @property
    def tallest(self) -> float:
        """Greatest height of a figure in mm, notes included."""
        return HEIGHTS[self.page]

    def under(self, brief: Sequence[Line], everything: Sequence[Line]) -> tuple[Line, ...]:
        """Return as much of what is to be said under a figure as `notes` allow."""
        return tuple({"full": everything, "short": brief, "none": ()}[self.notes])

    def denser(self, size: float) -> Style:
        """Return the style with type of `size` points at most, in rows as low as it allows."""
        points = min(self.size, size)
        return replace(self, size=points, row=min(self.row, ROW_PER_POINT * points))


#: American Psychological Association: sans serif, 8 points, black and one blue.
APA = Style(name="apa")

#: Cochrane's Review Manager 5: blue squares by weight, black diamonds.
REVMAN = Style(name="revman", accent="#1F5FC4", row=3.5, words=REVMAN_WORDING, forest=REVMAN_FOREST)

#: Journal of the American Medical Association: navy, shaded rows, rules.
JAMA = Style(
    name="jama",
    accent="#14405E",
    row=4.0,
    thick=0.9,
    medium=0.7,
    margin=1.2,
    words=JAMA_WORDING,
    forest=JAMA_FOREST,
)

#: British Medical Journal: blue, plot before weights and effects.
BMJ = Style(name="bmj", accent="#2A6EBB", row=3.9, margin=1.2, words=BMJ_WORDING, forest=BMJ_FOREST)


def grown(length: float, style: Style) -> float:
    """Return a length, made for the rows of `apa`, as it is with those of a style.

    Examples
    --------
    >>> grown(5.0, APA), round(grown(5.0, JAMA), 2)
    (5.0, 5.56)
    """
    return length * style.row / APA.row


STYLES = {style.name: style for style in (APA, REVMAN, JAMA, BMJ)}


def style_named(name: str | Style) -> Style:
    """Return a style by its name; a style of one's own is returned as it is.

    Raises
    ------
    OptionError
        When there is none of that name.

    Examples
    --------
    >>> style_named("apa").accent
    '#0072B2'
    """
    if isinstance(name, Style):
        return name
    if name not in STYLES:
        listed = ", ".join(repr(known) for known in STYLES)
        hint = did_you_mean(str(name), STYLES)
        raise OptionError(f"style={name!r} is not one of {listed}.{hint}")
    return STYLES[name]


@contextmanager
def drawing(style: Style | None = None) -> Iterator[None]:
    """Give matplotlib its own defaults and ours, not the user's; with a style, its typeface."""
    families = () if style is None else style.typeface
    with matplotlib.style.context(["default", DRAWING]), preferring(families):
        yield
