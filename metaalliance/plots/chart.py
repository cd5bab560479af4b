"""Charts: panels with two scales, placed in mm so that no text meets another or the edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.plots.frame import Frame
from metaalliance.plots.layout import first_fitting
from metaalliance.plots.legend import Entry, draw_legend, flow
from metaalliance.plots.page import HALF_CAPITAL, Align, Page, check_width
from metaalliance.plots.scales import Rows, Scale, Ticks
from metaalliance.plots.style import MM_PER_POINT, Style, drawing
from metaalliance.plots.typeset import Line, Run, line_width, plain, run_width, user, wrap

#: In mm: from the plot to its tick labels, from labels to the title, and between panels.
TICK, NEAR, APART = 1.6, 0.5, 3.0

#: Width of a title that stands upright, in rows.
UPRIGHT = 0.85

#: Distance of tick labels where there is no spine, in points.
BARE = 3.5

#: Plots that start further right than this, in mm, have their notes at the margin.
FAR = 22.0

#: Height of a small line, in rows.
SMALL = 0.9


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
        Sentences under the legend.
    gap : float
        Space between rows of panels in mm.
    """

    rows: tuple[tuple[Panel, ...], ...]
    legend: tuple[tuple[Entry, ...], ...] = ()
    notes: tuple[Line, ...] = ()
    gap: float = APART


def single(
    panel: Panel, legend: Sequence[Sequence[Entry]] = (), notes: Sequence[Line] = ()
) -> Chart:
    """Return a chart of one panel."""
    kept = tuple(tuple(group) for group in legend if group)
    return Chart(rows=((panel,),), legend=kept, notes=tuple(notes))


def present(
    chart: Chart, style: Style, *, ax: Axes | None, width_mm: float, title: str | None
) -> Figure:
    """Draw a chart into the axes of the caller, or else as a figure of exact width.

    Axes of the caller get matplotlib's labels and, where it does not cover rows, a legend; no
    title and no notes. All artists have labels.
    """
    if ax is not None:
        draw_in(ax, chart, style)
        return ax.figure.figure
    with drawing(style):
        return draw_chart(chart, style, check_width(width_mm), title or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Edges of a panel in mm from the upper left corner of the page, and its ticks."""

    panel: Panel
    left: float
    right: float
    top: float
    bottom: float
    across: Ticks
    up: Ticks


def draw_chart(chart: Chart, style: Style, width: float, title: str) -> Figure:
    """Return the chart as a figure that is exactly `width` mm wide and as high as it needs."""
    margin, small = style.margin, style.small_size
    heading = wrap(user(title, bold=True), width - 2 * margin, style.size) if title else []
    top = margin + style.row * (len(heading) + 0.4 * bool(heading))
    places = _placed(chart, style, width, top)
    bottom = max(p.bottom + _below(p.panel, p.right - p.left, style) for p in places)
    first = min(p.left for p in places)
    left = first if first <= FAR else margin
    room = width - left - margin
    legend = [line for group in chart.legend for line in flow(group, room, small)]
    notes = [line for note in chart.notes for line in wrap(note, room, small)]
    pitch = 1.08 * style.row
    under = bottom + 0.4 * style.row * bool(legend or notes)
    notes_top = under + pitch * len(legend) + 0.25 * style.row * bool(legend and notes)
    height = notes_top + SMALL * style.row * len(notes) + margin
    page = Page.blank(width, height, style)
    for i, line in enumerate(heading):
        page.put(line, margin, margin + style.row * (i + 0.5))
    for place in places:
        _draw_panel(page, place)
    draw_legend(page, legend, left, under, pitch)
    for i, line in enumerate(notes):
        page.put(line, left, notes_top + SMALL * style.row * (i + 0.5), size=small)
    return page.figure


def _placed(chart: Chart, style: Style, width: float, top: float) -> list[_Place]:
    """Place the panels, those of a column under each other."""
    places: list[_Place] = []
    for row in chart.rows:
        edges = _edges(chart, row, style, width)
        above = max(_above(panel, style) for panel in row)
        heights = [p.height or p.aspect * (b - a) for p, (a, b) in zip(row, edges, strict=True)]
        for panel, (left, right), height in zip(row, edges, heights, strict=True):
            place = _Place(
                panel=panel,
                left=left,
                right=right,
                top=top + above,
                bottom=top + above + height,
                across=panel.across.ticks(right - left, style.small_size),
                up=panel.up.ticks(height, style.small_size),
            )
            places.append(place)
        below = max(_below(p, b - a, style) for p, (a, b) in zip(row, edges, strict=True))
        top += above + max(heights) + below + chart.gap
    return places


def _edges(
    chart: Chart, row: tuple[Panel, ...], style: Style, width: float
) -> list[tuple[float, float]]:
    """Return left and right edges of the plots of a row in mm."""
    same = [other for other in chart.rows if len(other) == len(row)]
    lefts = [max(_gutter(other[j], style) for other in same) for j in range(len(row))]
    rights = [max(_overhang(other[j], style) for other in same) for j in range(len(row))]
    room = width - 2 * style.margin - sum(lefts) - sum(rights) - APART * (len(row) - 1)
    shares = sum(panel.share for panel in row)
    edges, x = [], style.margin
    for panel, left, right in zip(row, lefts, rights, strict=True):
        start = x + left
        end = start + room * panel.share / shares
        edges.append((start, end))
        x = end + right + APART
    return edges


def _gutter(panel: Panel, style: Style) -> float:
    """Width of what stands left of a plot: title and tick labels."""
    labels = [] if "left" in panel.quiet else panel.up.ticks(_guess(panel), style.small_size)
    widths = [run_width(Run(text), style.small_size) for _, text in labels if text]
    title = UPRIGHT * style.row + NEAR if panel.up.titles() else 0.0
    edge = _half_tick(panel, style, 0)
    return max(title + (max(widths) + TICK if widths else 0.0), edge)


def _guess(panel: Panel) -> float:
    """Height of a plot before its width is known; ticks at it are at least as long."""
    return panel.height or 60.0


def _overhang(panel: Panel, style: Style) -> float:
    """Width of what stands right of a plot: columns, or half a tick label."""
    if panel.columns:
        return sum(column.width(style) + APART for column in panel.columns)
    if panel.right:
        widest = max(run_width(Run(text), style.small_size) for _, text in panel.right)
        return TICK + 0.8 + widest + (UPRIGHT * style.row + NEAR if panel.right_title else 0.0)
    return max(1.2, _half_tick(panel, style, -1))


def _half_tick(panel: Panel, style: Style, which: int) -> float:
    """Half the width of the first or last label under a plot."""
    ticks = [] if "bottom" in panel.quiet else panel.across.ticks(60.0, style.small_size)
    return run_width(Run(ticks[which][1]), style.small_size) / 2 if ticks else 0.0


def _above(panel: Panel, style: Style) -> float:
    """Height of what stands over a plot."""
    heads = any(column.head for column in panel.columns)
    return style.row * 1.15 if panel.heading or heads else 1.2


def _below(panel: Panel, width: float, style: Style) -> float:
    """Height of what stands under a plot: tick labels and title."""
    labels = 0.0 if "bottom" in panel.quiet else TICK + style.row * 0.8
    titled = style.row * 1.05 if panel.across.titles() and width else 0.0
    return labels + titled


def _draw_panel(page: Page, place: _Place) -> None:
    """Draw one panel with its ticks, titles, heading and columns."""
    panel, style = place.panel, page.style
    axes = page.panel(place.left, place.right, place.top, place.bottom, panel.name)
    frame = _frame(axes, panel, style, place.right - place.left, place.bottom - place.top)
    _prepare(frame, panel, place.across, place.up)
    panel.paint(frame)
    center = (place.left + place.right) / 2
    titles = panel.across.titles()
    if titles:
        line = first_fitting(titles, page.width - 2 * style.margin, style.size)
        below = 0.0 if "bottom" in panel.quiet else TICK + style.row * 0.8
        y = place.bottom + below + style.row * 0.55
        half = line_width(line, style.size) / 2
        x = min(max(center, style.margin + half), page.width - style.margin - half)
        page.put(line, x, y, align="center")
    if panel.up.titles():
        line = first_fitting(panel.up.titles(), place.bottom - place.top, style.size)
        x = place.left - _gutter(panel, style) + UPRIGHT * style.row / 2
        _write_upright(page, line, x, (place.top + place.bottom) / 2)
    if panel.heading:
        page.put(panel.heading, place.left, place.top - style.row * 0.6)
    _write_columns(page, place)
    _write_right(page, place)


def _write_columns(page: Page, place: _Place) -> None:
    """Write the text right of a plot."""
    style, up = page.style, place.panel.up
    edge = place.right
    for column in place.panel.columns:
        edge += APART + column.width(style)
        size = style.small_size
        page.put(column.head, edge, place.top - style.row * 0.6, align="right", size=size)
        for i, line in enumerate(column.cells):
            share = (i - up.high) / (up.low - up.high)
            y = place.top + share * (place.bottom - place.top)
            page.put(line, edge, y, align="right", size=size)


def _write_right(page: Page, place: _Place) -> None:
    """Draw the ticks and the title of the right side."""
    style, up = page.style, place.panel.up
    for value, text in place.panel.right:
        share = (value - up.high) / (up.low - up.high)
        y = place.top + share * (place.bottom - place.top)
        ends = [place.right, place.right + 0.7]
        page.layer.plot(ends, [y, y], color=style.ink, linewidth=style.thin)
        page.put((Run(text),), place.right + TICK, y, size=style.small_size)
    if place.panel.right_title:
        x = place.right + _overhang(place.panel, style) - UPRIGHT * style.row / 2
        _write_upright(page, place.panel.right_title, x, (place.top + place.bottom) / 2)


def _write_upright(page: Page, line: Line, x: float, y: float) -> None:
    """Write a line that reads upwards; `x` is the middle of its capitals, `y` its centre."""
    size = page.style.size
    start = y + line_width(line, size) / 2
    base = x + HALF_CAPITAL * size * MM_PER_POINT
    for run in line:
        page.layer.text(
            base,
            start,
            run.text,
            fontproperties=run.font(size),
            color=page.style.ink,
            rotation=90,
            rotation_mode="anchor",
            ha="left",
            va="baseline",
            parse_math=False,
        )
        start -= run_width(run, size)


def _frame(axes: Axes, panel: Panel, style: Style, width: float, height: float) -> Frame:
    return Frame(
        axes=axes, across=panel.across, up=panel.up, width=width, height=height, style=style
    )


def _prepare(frame: Frame, panel: Panel, across: Ticks, up: Ticks) -> None:
    """Set range, spines and ticks of axes."""
    axes, style = frame.axes, frame.style
    axes.set(xlim=(frame.across.low, frame.across.high), ylim=(frame.up.low, frame.up.high))
    for side, spine in axes.spines.items():
        spine.set(visible=side in panel.spines, linewidth=style.medium, color=style.ink)
    _set_ticks(axes, "x", [] if "bottom" in panel.quiet else across, style)
    _set_ticks(axes, "y", [] if "left" in panel.quiet else up, style)
    if "left" not in panel.spines:
        axes.tick_params(axis="y", length=0, pad=BARE)
    if "bottom" not in panel.spines:
        axes.tick_params(axis="x", length=0, pad=BARE)


def _set_ticks(axes: Axes, which: str, ticks: Ticks, style: Style) -> None:
    """Set ticks of one side, each label in a font that has its characters."""
    axis: Any = axes.xaxis if which == "x" else axes.yaxis
    sides = {"x": {"bottom": True, "labelbottom": True}, "y": {"left": True, "labelleft": True}}
    shown: Any = {"length": 2, "width": style.thin, "pad": 1.5, "colors": style.ink, **sides[which]}
    axes.tick_params(axis=which, **shown)  # type: ignore[arg-type]
    axis.set_ticks([place for place, _ in ticks])
    labels = axis.set_ticklabels([text for _, text in ticks], parse_math=False)
    for label, (_, text) in zip(labels, ticks, strict=True):
        label.set_fontproperties(Run(text).font(style.small_size))


def draw_in(axes: Axes, chart: Chart, style: Style) -> None:
    """Draw a chart of one panel into axes of the caller, with matplotlib's labels and legend."""
    ((panel,),) = chart.rows
    figure = axes.figure.figure
    box = axes.get_position()
    width, height = (
        share * inches * 25.4
        for share, inches in zip(
            (box.width, box.height), (figure.get_figwidth(), figure.get_figheight()), strict=True
        )
    )
    frame = _frame(axes, panel, style, width, height)
    small = style.small_size
    _prepare(frame, panel, panel.across.ticks(width, small), panel.up.ticks(height, small))
    panel.paint(frame)
    if panel.across.titles():
        axes.set_xlabel(plain(panel.across.titles()[0]), parse_math=False)
    if panel.up.titles():
        axes.set_ylabel(plain(panel.up.titles()[0]), parse_math=False)
    _annotate(axes, panel, style)
    keys = [entry for group in chart.legend for entry in group]
    if keys and not isinstance(panel.up, Rows):  # rows leave no room for a legend
        axes.legend([k.key for k in keys], [plain(k.label) for k in keys], fontsize=small)


def _annotate(axes: Axes, panel: Panel, style: Style) -> None:
    """Write columns and ticks of the right side beside axes of the caller."""
    size = style.small_size
    edge = 0.0
    for column in panel.columns:
        edge += APART + column.width(style)
        for i, line in enumerate(column.cells):
            _beside(axes, plain(line), (1.0, float(i)), edge, style, "right")
        if column.head:
            text = axes.annotate(
                plain(column.head),
                (1, 1),
                xycoords="axes fraction",
                xytext=(edge / MM_PER_POINT, 3),
                textcoords="offset points",
                ha="right",
                va="bottom",
                annotation_clip=False,
                parse_math=False,
            )
            text.set_fontproperties(Run("0").font(size))
    for value, label in panel.right:
        _beside(axes, label, (1.0, value), TICK, style, "left")


def _beside(
    axes: Axes, text: str, place: tuple[float, float], shift: float, style: Style, align: Align
) -> None:
    """Write text `shift` mm right of axes, at a value of their y."""
    drawn = axes.annotate(
        text,
        place,
        xycoords=("axes fraction", "data"),
        xytext=(shift / MM_PER_POINT, 0),
        textcoords="offset points",
        ha=align,
        va="center",
        annotation_clip=False,
        parse_math=False,
    )
    drawn.set_fontproperties(Run(text).font(style.small_size))
