"""What a chart is made of: panels with two scales, text beside them, a legend and notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.scales import Scale
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import Line, line_width

#: In mm: from the plot to its tick labels, and between panels or columns.
TICK, APART = 1.6, 3.0


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of text right of the plot: its head and one line per row, flush right."""

    head: Line
    cells: tuple[Line, ...]

    def width(self, style: Style) -> float:
        """Width in mm."""
        return max(line_width(line, style.small_size) for line in (self.head, *self.cells))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot.

    Attributes
    ----------
    name : str
        Label of its axes.
    across, up : Scale
        Its sides.
    paint : callable
        Draws the data into a `Frame`.
    height : float
        Height of the plot in mm; 0 for `aspect` times its width.
    aspect : float
        Height for the width.
    heading : Line
        Over the plot.
    aside : Line
        Over the names of its rows.
    columns : tuple of TextColumn
        Text at the rows of `up`, right of the plot.
    share : float
        Width in relation to the other panels of its row.
    spines : tuple of str
        Sides that are drawn.
    quiet : tuple of {"left", "bottom"}
        Sides without tick labels.
    right : tuple of (float, str)
        Ticks on the right, at values of `up`.
    right_title : Line
        Title of the right side.
    """

    name: str
    across: Scale
    up: Scale
    paint: Callable[[Frame], None]
    height: float = 0.0
    aspect: float = 0.72
    heading: Line = ()
    aside: Line = ()
    columns: tuple[TextColumn, ...] = ()
    share: float = 1.0
    spines: tuple[str, ...] = ("left", "bottom")
    quiet: tuple[str, ...] = ()
    right: tuple[tuple[float, str], ...] = ()
    right_title: Line = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure of panels in rows, with a legend and notes under them.

    Attributes
    ----------
    rows : tuple of tuple of Panel
        Panels, from the top and from the left.
    legend : tuple of tuple of Entry
        Groups of entries; each begins a line.
    notes : tuple of Line
        Sentences under the legend, without which it cannot be read.
    details : tuple of Line
        What else is to be said, in the caption.
    gap : float
        Space between rows of panels in mm.
    """

    rows: tuple[tuple[Panel, ...], ...]
    legend: tuple[tuple[Entry, ...], ...] = ()
    notes: tuple[Line, ...] = ()
    details: tuple[Line, ...] = ()
    gap: float = APART


def single(
    panel: Panel,
    legend: Sequence[Sequence[Entry]] = (),
    notes: Sequence[Line] = (),
    details: Sequence[Line] = (),
) -> Chart:
    """Return a chart of one panel."""
    kept = tuple(tuple(group) for group in legend if group)
    return Chart(rows=((panel,),), legend=kept, notes=tuple(notes), details=tuple(details))
