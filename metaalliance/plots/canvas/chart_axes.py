"""Axes of a panel: range, spines and ticks; and a chart in axes of the caller."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.page import Align
from metaalliance.plots.canvas.panels import APART, TICK, Chart, Panel
from metaalliance.plots.canvas.scales import Rows, Ticks
from metaalliance.plots.canvas.style import MM_PER_POINT, Style
from metaalliance.plots.canvas.typeset import Run, plain

#: Distance of tick labels where there is no spine, in points.
BARE = 3.5


def frame_of(axes: Axes, panel: Panel, style: Style, width: float, height: float) -> Frame:
    """Return the frame of axes that are `width` by `height` mm."""
    return Frame(
        axes=axes, across=panel.across, up=panel.up, width=width, height=height, style=style
    )


def prepare(frame: Frame, panel: Panel, across: Ticks, up: Ticks) -> None:
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
    frame = frame_of(axes, panel, style, width, height)
    small = style.small_size
    prepare(frame, panel, panel.across.ticks(width, small), panel.up.ticks(height, small))
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
