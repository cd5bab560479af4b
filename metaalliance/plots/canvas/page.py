"""A page: a figure of exact size with coordinates in mm from its upper left corner."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from metaalliance.errors import OptionError
from metaalliance.plots.canvas.letters.lettering import Layer, Placed
from metaalliance.plots.canvas.strokes import with_strokes
from metaalliance.plots.canvas.style import MM_PER_POINT, Style, drawing
from metaalliance.plots.canvas.typeset import Line, line_width, plain, run_width

Align = Literal["left", "center", "right"]

#: Half the height of a capital, as a share of the type size.
HALF_CAPITAL = 0.358

#: A PDF page may not be longer, and no journal prints a wider one.
LONGEST, NARROWEST, WIDEST = 5000.0, 50.0, 500.0


class ExactFigure(Figure):
    """A figure that is always drawn with the settings it was measured with.

    A notebook that shows it, or a call of its own `savefig`, would otherwise apply the
    reader's matplotlibrc: hinted text, a "tight" box, Type 3 fonts.
    """

    #: All that is to be said about the figure, a paragraph a line.
    caption: str = ""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure."""
        with drawing():
            super().draw(with_strokes(renderer))

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """Save the figure; see `plots.save` for identical bytes and alt text."""
        with drawing():
            super().savefig(fname, **kwargs)

    def _repr_png_(self) -> bytes:
        """Return the image that a notebook shows, also where pyplot was never imported."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=130)
        return buffer.getvalue()


#: Share of the page that a plot keeps beside texts; half of a narrow page, up to so many mm.
SHARE, HALF, WIDE_ENOUGH = 0.24, 0.5, 42.5


def plot_width(width: float) -> float:
    """Return the width in mm that a plot beside texts is to have on a page.

    Examples
    --------
    >>> plot_width(60), plot_width(85), plot_width(120)
    (30.0, 42.5, 42.5)
    """
    return max(SHARE * width, min(HALF * width, WIDE_ENOUGH))


def captioned(notes: Iterable[Line]) -> str:
    """Return notes as the caption of a figure."""
    return "\n".join(plain(line) for line in notes)


@dataclass(frozen=True, slots=True)
class Page:
    """A figure with an invisible layer for text and rules, in mm; y runs downwards."""

    figure: ExactFigure
    layer: Layer
    width: float
    height: float
    style: Style

    @classmethod
    def blank(cls, width: float, height: float, style: Style) -> Page:
        """Return an empty page of exactly `width` by `height` mm."""
        if height > LONGEST:
            raise OptionError(
                f"The figure would be {height / 1000:.1f} m long. Draw it in pages: "
                "forest_pages(fit)."
            )
        size = (width / 25.4, height / 25.4)
        figure = ExactFigure(figsize=size, facecolor="white")
        FigureCanvasAgg(figure)
        layer = Layer(figure, (0, 0, 1, 1), label="text")
        figure.add_axes(layer)
        layer.set(xlim=(0, width), ylim=(height, 0))
        layer.set_axis_off()
        return cls(figure, layer, width, height, style)

    def put(
        self, line: Line, x: float, y: float, *, align: Align = "left", size: float | None = None
    ) -> None:
        """Write a line of runs; `y` is the middle of its capitals."""
        points = self.style.size if size is None else size
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[align]
        start = x - share * line_width(line, points)
        baseline = y + HALF_CAPITAL * points * MM_PER_POINT
        for run in line:
            width = run_width(run, points)
            font, ink = run.font(points), self.style.ink
            placed = Placed(run.text, start, baseline, width, points, ink, font, run.file)
            self.layer.lettering.placed.append(placed)
            start += width

    def rule(self, y: float, left: float, right: float, weight: float) -> None:
        """Draw a horizontal rule of `weight` points."""
        self.layer.hlines(y, left, right, colors=self.style.ink, linewidths=weight)

    def band(self, top: float, bottom: float, color: str) -> None:
        """Shade the page between two heights in mm, from margin to margin."""
        margin = self.style.margin
        band = Rectangle((margin, top), self.width - 2 * margin, bottom - top, color=color)
        band.set(linewidth=0, zorder=0, label="band")
        self.layer.add_patch(band)

    def panel(self, left: float, right: float, top: float, bottom: float, name: str) -> Axes:
        """Return axes at exact mm; their y is the y of the page, so that rows line up."""
        width, height = right - left, bottom - top
        place = (left / self.width, 1 - bottom / self.height)
        size = (width / self.width, height / self.height)
        axes = self.figure.add_axes((*place, *size), label=name, facecolor="none")
        axes.set_ylim(bottom, top)
        axes.spines[["left", "top", "right"]].set_visible(False)
        axes.spines["bottom"].set(linewidth=self.style.medium, color=self.style.ink)
        axes.tick_params(axis="y", left=False, labelleft=False)
        return axes


def check_width(width_mm: float) -> float:
    """Return a width that a figure can have.

    Raises
    ------
    OptionError
        When it is not between 50 and 500 mm.
    """
    if not NARROWEST <= width_mm <= WIDEST:
        raise OptionError(
            f"width_mm={width_mm:g} is not between {NARROWEST:g} and {WIDEST:g}; "
            "journals print 84 (one column), 120 or 174 mm (two columns)."
        )
    return float(width_mm)
