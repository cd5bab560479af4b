"""Charts: panels with two scales, placed in mm so that no text meets another or the edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.plots.canvas.chart_axes import draw_in, frame_of, prepare
from metaalliance.plots.canvas.fitting import Limits, fitted, limited, lowered
from metaalliance.plots.canvas.legend import Entry, draw_legend, flow
from metaalliance.plots.canvas.page import HALF_CAPITAL, Page, captioned, check_width
from metaalliance.plots.canvas.panels import APART, TICK, Chart, Panel
from metaalliance.plots.canvas.scales import Ticks
from metaalliance.plots.canvas.style import MM_PER_POINT, ROW_PER_POINT, Style, drawing
from metaalliance.plots.canvas.typeset import ROUNDING, Line, Run, line_width, run_width, user, wrap
from metaalliance.plots.forests.measure import first_fitting

#: Distance in mm of a title from tick labels.
NEAR = 0.5

#: Width of a title that stands upright, in rows.
UPRIGHT = 0.85

#: Plots that start further right than this, in mm, have their notes at the margin.
FAR = 22.0

#: Heights in rows of a small line, and of a line of the legend.
SMALL, PITCH = 0.9, 1.08


def present(
    chart: Chart,
    style: Style,
    *,
    ax: Axes | None,
    width_mm: float,
    title: str | None,
    limits: Limits | None = None,
) -> Figure:
    """Draw a chart into the axes of the caller, or else as a figure of exact width.

    Axes of the caller get matplotlib's labels and, where it does not cover rows, a legend; no
    title and no notes. All artists have labels. `limits` are the ends of the axis of effects, as r
    for correlations.

    Raises
    ------
    OptionError
        For limits that leave a point out.
    """
    if limits is not None:
        chart = limited(chart, limits)
    if ax is not None:
        draw_in(ax, chart, style)
        return ax.figure.figure
    with drawing(style):
        return draw_chart(chart, style, check_width(width_mm), title or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Edges of a panel in mm from the upper left corner of the page, and its ticks.

    `span` is from where to where the title under the plot may run.
    """

    panel: Panel
    left: float
    right: float
    top: float
    bottom: float
    span: tuple[float, float]
    across: Ticks
    up: Ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """A chart laid out: what stands where on the page, in mm from its upper left corner."""

    heading: list[Line]
    places: list[_Place]
    legend: list[list[Entry]]
    notes: list[Line]
    everything: tuple[Line, ...]
    left: float
    under: float
    notes_top: float
    height: float


def _sheet(chart: Chart, style: Style, width: float, title: str) -> _Sheet:
    """Lay a chart out; what would be higher than the page is lowered, as far as it can be."""
    chart = fitted(chart, style, width)
    margin, small = style.margin, style.small_size
    heading = wrap(user(title, bold=True), width - 2 * margin, style.size) if title else []
    top = margin + style.row * (len(heading) + 0.4 * bool(heading))
    places = _placed(chart, style, width, top)
    first = min(p.left for p in places)
    left = first if first <= FAR else margin
    room = width - left - margin
    legend = [line for group in chart.legend for line in flow(group, room, small)]
    everything = (*chart.notes, *chart.details)
    said = style.under(chart.notes, everything)
    notes = [line for note in said for line in wrap(note, room, small)]
    keys = PITCH * style.row * len(legend) + 0.25 * style.row * bool(legend and notes)
    keys += 0.4 * style.row * bool(legend or notes)
    below = keys + SMALL * style.row * len(notes) + margin
    bottom = _bottom(places, style)
    if bottom + below > style.tallest + ROUNDING:
        chart = lowered(chart, style, bottom + below - style.tallest)
        places = _placed(chart, style, width, top)
        bottom = _bottom(places, style)
    return _Sheet(
        heading=heading,
        places=places,
        legend=legend,
        notes=notes,
        everything=everything,
        left=left,
        under=bottom + 0.4 * style.row * bool(legend or notes),
        notes_top=bottom + keys,
        height=bottom + below,
    )


def _bottom(places: Sequence[_Place], style: Style) -> float:
    return max(place.bottom + _below(place, style) for place in places)


def with_rows(
    build: Callable[[int], Chart], most: int, style: Style, width: float, title: str | None
) -> Chart:
    """Return the chart of as many rows, at most `most`, as the page of the style holds."""
    with drawing(style):
        while most > 1 and _sheet(build(most), style, width, title or "").height > (
            style.tallest + ROUNDING
        ):
            most = max(1, int(0.9 * most))
        return build(most)


def draw_chart(chart: Chart, style: Style, width: float, title: str) -> Figure:
    """Return the chart as a figure that is exactly `width` mm wide and as high as it needs."""
    sheet, margin = _sheet(chart, style, width, title), style.margin
    page = Page.blank(width, sheet.height, style)
    page.figure.caption = captioned(sheet.everything)
    for i, line in enumerate(sheet.heading):
        page.put(line, margin, margin + style.row * (i + 0.5))
    for place in sheet.places:
        _draw_panel(page, place)
    draw_legend(page, sheet.legend, sheet.left, sheet.under, PITCH * style.row)
    for i, line in enumerate(sheet.notes):
        y = sheet.notes_top + SMALL * style.row * (i + 0.5)
        page.put(line, sheet.left, y, size=style.small_size)
    return page.figure


def _placed(chart: Chart, style: Style, width: float, top: float) -> list[_Place]:
    """Place the panels, those of a column under each other."""
    places: list[_Place] = []
    for row in chart.rows:
        edges = _edges(chart, row, style, width)
        above = max(_above(panel, style) for panel in row)
        heights = [p.height or p.aspect * (b - a) for p, (a, b) in zip(row, edges, strict=True)]
        spans = _title_spans(row, edges, style, width)
        for panel, (left, right), height, span in zip(row, edges, heights, spans, strict=True):
            place = _Place(
                panel=panel,
                left=left,
                right=right,
                top=top + above,
                bottom=top + above + height,
                span=span,
                across=panel.across.ticks(right - left, style.small_size),
                up=panel.up.ticks(height, style.small_size),
            )
            places.append(place)
        below = max(_below(place, style) for place in places[-len(row) :])
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


def _title_spans(
    row: tuple[Panel, ...], edges: list[tuple[float, float]], style: Style, width: float
) -> list[tuple[float, float]]:
    """Return from where to where the title under each plot of a row may run, in mm.

    It may run on under a neighbour without a title, but not into the title of another.
    """
    whole = style.margin, width - style.margin
    titled = [i for i, panel in enumerate(row) if panel.across.titles()]
    middles = [(edges[i][1] + edges[j][0]) / 2 for i, j in pairwise(titled)]
    lows = [whole[0], *(middle + APART / 2 for middle in middles)]
    highs = [*(middle - APART / 2 for middle in middles), whole[1]]
    spans = {i: (lows[at], highs[at]) for at, i in enumerate(titled)}
    return [spans.get(i, whole) for i in range(len(row))]


def _gutter(panel: Panel, style: Style) -> float:
    """Width of what stands left of a plot: title and tick labels."""
    labels = [] if "left" in panel.quiet else panel.up.ticks(_guess(panel), style.small_size)
    names = (part for _, text in labels for part in text.split("\n") if part)
    widths = [run_width(Run(name), style.small_size) for name in names]
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
    lines = ticks[which][1].split("\n") if ticks else ()
    return max((run_width(Run(line), style.small_size) for line in lines), default=0.0) / 2


def _above(panel: Panel, style: Style) -> float:
    """Height of what stands over a plot."""
    heads = panel.aside or any(column.head for column in panel.columns)
    return style.row * 1.15 if panel.heading or heads else 1.2


def _labels(place: _Place, style: Style) -> float:
    """Height of the tick labels under a plot."""
    if "bottom" in place.panel.quiet:
        return 0.0
    lines = max((1 + text.count("\n") for _, text in place.across), default=1)
    return TICK + style.row * 0.8 + ROW_PER_POINT * style.small_size * (lines - 1)


def _below(place: _Place, style: Style) -> float:
    """Height of what stands under a plot: tick labels and title."""
    titled = style.row * 1.05 if place.panel.across.titles() else 0.0
    return _labels(place, style) + titled


def _draw_panel(page: Page, place: _Place) -> None:
    """Draw one panel with its ticks, titles, heading and columns."""
    panel, style = place.panel, page.style
    axes = page.panel(place.left, place.right, place.top, place.bottom, panel.name)
    frame = frame_of(axes, panel, style, place.right - place.left, place.bottom - place.top)
    prepare(frame, panel, place.across, place.up)
    panel.paint(frame)
    center = (place.left + place.right) / 2
    titles = panel.across.titles()
    if titles:
        low, high = place.span
        line = first_fitting(titles, high - low, style.size)
        y = place.bottom + _labels(place, style) + style.row * 0.55
        half = line_width(line, style.size) / 2
        x = min(max(center, low + half), high - half)
        page.put(line, x, y, align="center")
    if panel.up.titles():
        line = first_fitting(panel.up.titles(), place.bottom - place.top, style.size)
        x = place.left - _gutter(panel, style) + UPRIGHT * style.row / 2
        _write_upright(page, line, x, (place.top + place.bottom) / 2)
    if panel.heading:
        page.put(panel.heading, place.left, place.top - style.row * 0.6)
    if panel.aside:
        over, size = place.top - style.row * 0.6, style.small_size
        page.put(panel.aside, place.left - TICK, over, align="right", size=size)
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
