"""Evidence map: how many studies and which mean there are for every pair of levels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.level_means import Pooling, levels_of, pair_means
from metaalliance.options import Measure
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.interval_rows import records
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import DASH, effect_text, size_text
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Rows
from metaalliance.plots.canvas.sentences import listed, spoken, symbol
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import MM_PER_POINT, Style, style_named
from metaalliance.plots.canvas.typeset import Line, line_width, own
from metaalliance.plots.groups import level_name
from metaalliance.plots.words import groups_text
from metaalliance.wording.phrases import count_text

#: Diameters of the largest and smallest bubble, heights of a row with its text beside and
#: under the bubble, and the width of a cell from which on there is room beside, in mm.
LARGEST, SMALLEST, SIDE_ROW, STACK_ROW, SIDE = 8.4, 1.4, 10.6, 14.4, 31.0

#: Columns of the frame that `evidence_chart` takes.
CELL_COLUMNS = ("row", "column", "n_studies", "n_effects", "estimate")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvidenceMap:
    """Cells of a map.

    Attributes
    ----------
    cells : DataFrame
        One row per pair of levels with studies: row, column, n_studies, n_effects and
        estimate on the analysis scale, NaN where the pair was not pooled.
    rows, columns : tuple of str
        Levels in the order in which they stand.
    note : str
        What pooled the cells.
    """

    cells: pd.DataFrame
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    measure: Measure
    note: str = ""


def evidence_map(
    fit: PooledFit,
    *,
    by: str = "modality",
    x: str = "alliance_rater",
    pool: Pooling = "joint",
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
) -> Figure:
    """Draw a matrix of two moderators: studies, effects and mean of each pair of levels.

    The area of a bubble is the number of studies, its shade the mean; a dash marks a pair
    that nobody has studied.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    by, x : str
        Moderators of the rows and of the columns.
    pool : {"joint", "apart"}
        The means of pairs come from one model, where a pair of fewer than 3 studies has none,
        or each pair is pooled on its own.
    ax, style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "evidence-map" have column j at x = j and row i at y = i.
    """
    look = style_named(style)
    found = evidence_cells(fit, by, x, pool)
    return present(
        evidence_chart(found, look, width_mm), look, ax=ax, width_mm=width_mm, title=title
    )


def evidence_text(
    fit: PooledFit,
    *,
    by: str = "modality",
    x: str = "alliance_rater",
    pool: Pooling = "joint",
) -> str:
    """Describe the map for readers who cannot see it."""
    found = evidence_cells(fit, by, x, pool)
    most = found.cells.sort_values("n_studies", ascending=False, kind="stable")
    words = [
        f"{level_name(c.row)} by {level_name(c.column)} "
        f"({count_text(c.n_studies, 'study', 'studies')}, "
        + (
            f"{symbol(fit.measure)} = {effect_text(float(c.estimate), fit.measure)})"
            if math.isfinite(c.estimate)
            else "not pooled)"
        )
        for c in records(most)
    ]
    empty = len(found.rows) * len(found.columns) - len(found.cells)
    return spoken(
        f"Evidence map of {size_text(fit)}: {by.replace('_', ' ')} by {x.replace('_', ' ')}, a "
        f"bubble for each pair. {listed(words)}. {empty} pairs have no study. "
        f"{found.note}"
    )


def evidence_cells(fit: PooledFit, by: str, x: str, pool: Pooling = "joint") -> EvidenceMap:
    """Return the mean of every pair of levels of two moderators.

    Raises
    ------
    OptionError
        When the effects have no such column.
    """
    means, pairs = pair_means(fit, by, x, pool)
    cells = [(*pair, m.n_studies, m.n_effects, m.estimate) for pair, m in pairs.items()]
    return EvidenceMap(
        cells=pd.DataFrame(cells, columns=list(CELL_COLUMNS)),
        rows=tuple(levels_of(fit.effects, by)),
        columns=tuple(levels_of(fit.effects, x)),
        measure=fit.measure,
        note=groups_text(means, noun="Pairs", sign="Hollow, not pooled"),
    )


def evidence_chart(found: EvidenceMap, style: Style, width_mm: float) -> Chart:
    """Return the chart of cells that are computed already."""
    beside = (width_mm - 36.0) / len(found.columns) >= SIDE
    pitch = SIDE_ROW if beside else STACK_ROW
    panel = Panel(
        name="evidence-map",
        across=Rows(names=tuple(map(level_name, found.columns)), across=True, pad=0.5),
        up=Rows(names=tuple(map(level_name, found.rows)), pad=0.5),
        paint=lambda frame: _paint(frame, found),
        height=pitch * len(found.rows),
        spines=(),
    )
    note = (
        "Area of a bubble: number of studies; shade: mean. *k* = studies, *m* = effects. "
        f"{DASH} = no study."
    )
    return single(panel, (_entries(found, style),), (own(note),), (own(found.note),))


def _range(found: EvidenceMap) -> tuple[float, float]:
    """Return the means of the lightest and of the darkest shade."""
    values = found.cells["estimate"].dropna().to_numpy(dtype=float)
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _shade(value: float, found: EvidenceMap, style: Style) -> str:
    """Return a shade of the accent, from light to dark."""
    low, high = _range(found)
    ramp = LinearSegmentedColormap.from_list("ramp", [tint(style.accent, 0.14), style.accent])
    return to_hex(ramp((value - low) / (high - low)))


def _paint(frame: Frame, found: EvidenceMap) -> None:
    style = frame.style
    for edge in np.arange(len(found.rows) + 1) - 0.5:
        frame.level_line(edge, "grid", color="#D9D9D9")
    for edge in np.arange(len(found.columns) + 1) - 0.5:
        frame.upright_line(edge, "grid", color="#D9D9D9")
    cells = {(c.row, c.column): c for c in records(found.cells)}
    most = max(c.n_studies for c in cells.values())
    for i, row in enumerate(found.rows):
        for j, column in enumerate(found.columns):
            if (row, column) in cells:
                _draw_cell(frame, found, cells[row, column], (j, i), most)
            else:
                frame.write(own(DASH), j, i, align="center", color=style.pale)


def _draw_cell(
    frame: Frame, found: EvidenceMap, cell: Any, place: tuple[int, int], most: int
) -> None:
    """Draw a bubble with the mean and the counts beside or, in a narrow cell, under it."""
    style, (j, i) = frame.style, place
    room, pitch = frame.width / len(found.columns), frame.height / len(found.rows)
    beside = room >= SIDE
    largest = min(LARGEST, 0.5 * room)
    diameter = max(largest * math.sqrt(cell.n_studies / most), SMALLEST)
    aside = 0.26 - 0.5 if beside else 0.0
    lift = 0.0 if beside else (0.5 * (pitch - largest) - 0.8) / pitch
    pooled = math.isfinite(cell.estimate)
    shade = _shade(float(cell.estimate), found, style) if pooled else "white"
    look = {"facecolor": shade, "edgecolor": style.accent}
    frame.points([j + aside], [i - lift], diameter, "cell", **look)
    mean, counts = _cell_lines(cell, found, style)
    size = style.small_size
    if beside:
        start = aside * room + largest / 2 + 1.6
        frame.write(mean, j, i, shift=(start, 1.65), size=size)
        frame.write(counts, j, i, shift=(start, -1.65), size=size)
        return
    drop = 2.0 - pitch / 2
    whole = (*mean, *own(", "), *counts) if pooled else counts
    fitting = whole if line_width(whole, size) <= room - 1.5 or not pooled else mean
    frame.write(fitting, j, i, align="center", shift=(0.0, drop), size=size)


def _cell_lines(cell: Any, found: EvidenceMap, style: Style) -> tuple[Line, Line]:
    """Return the mean and the counts of a cell."""
    sign = "" if found.measure == "generic" else "*r* = "
    k, m = int(cell.n_studies), int(cell.n_effects)
    counts = f"*k* = {k:,}" + (f", *m* = {m:,}" if m != k else "")
    if not math.isfinite(cell.estimate):
        return own("not pooled"), own(counts)
    value = effect_text(float(cell.estimate), found.measure, 2, style.words)
    return own(f"{sign}{value}"), own(counts)


def _entries(found: EvidenceMap, style: Style) -> list[Entry]:
    """Return the least, the middle and the largest mean with their shades."""
    if not found.cells["estimate"].notna().any():
        return []
    low, high = _range(found)
    return [
        Entry(
            Line2D(
                [], [], linestyle="None", marker="o", markersize=2.6 / MM_PER_POINT,
                color=_shade(value, found, style), markeredgecolor=style.accent,
                markeredgewidth=style.thin,
            ),
            own(f"{symbol(found.measure)} = {effect_text(value, found.measure, 2, style.words)}"),
        )
        for value in (low, (low + high) / 2, high)
    ]  # fmt: skip
