"""Rows of estimates with intervals and the same in figures, as in a forest without weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import DASH
from metaalliance.plots.canvas.panels import Chart, Panel, TextColumn, single
from metaalliance.plots.canvas.scales import Rows, Scale
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.typeset import Line, user

#: Height of a row in mm; diameter of a point.
ROW, POINT = 3.7, 1.9


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One row: its name, its numbers on the analysis scale, and the text right of the plot.

    Attributes
    ----------
    strong : bool
        Whether the point is filled; others are hollow.
    """

    name: str
    estimate: float
    low: float
    high: float
    cells: tuple[str, ...] = ()
    strong: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The result that rows are compared with: a line, and a band for its interval."""

    estimate: float
    low: float = math.nan
    high: float = math.nan


def records(frame: pd.DataFrame) -> list[Any]:
    """Return the rows of a frame, with its columns as attributes."""
    return list(frame.itertuples())


def interval_chart(
    rows: Sequence[IntervalRow],
    scale: Scale,
    heads: Sequence[Line],
    *,
    name: str,
    reference: Reference | None = None,
    legend: Sequence[Sequence[Entry]] = (),
    notes: Sequence[Line] = (),
) -> Chart:
    """Return a chart of rows from the top."""
    columns = tuple(
        TextColumn(head, tuple(user(row.cells[j] or DASH) for row in rows))
        for j, head in enumerate(heads)
    )
    pad = 0.8
    panel = Panel(
        name=name,
        across=scale,
        up=Rows(names=tuple(row.name for row in rows), pad=pad),
        paint=lambda frame: _paint(frame, rows, reference),
        height=ROW * (len(rows) - 1 + 2 * pad),
        columns=columns,
        spines=("bottom",),
    )
    return single(panel, legend, notes)


def _paint(frame: Frame, rows: Sequence[IntervalRow], reference: Reference | None) -> None:
    axes, style = frame.axes, frame.style
    if reference is not None:
        if math.isfinite(reference.low):
            band = axes.axvspan(reference.low, reference.high, color=tint(style.accent, 0.16))
            band.set(linewidth=0, zorder=0.5)
            band.set_label("reference interval")
        look = {"color": style.accent, "linewidth": style.medium}
        frame.upright_line(reference.estimate, "reference", **look)
    if min(frame.across.low, frame.across.high) < 0 < max(frame.across.low, frame.across.high):
        frame.upright_line(0.0, "zero", color=style.pale)
    ys = np.arange(len(rows), dtype=float)
    values = np.array([(r.estimate, r.low, r.high) for r in rows], dtype=float)
    whole = np.isfinite(values).all(axis=1)
    low, high = values[whole, 1], values[whole, 2]
    starts, ends = np.maximum(low, frame.across.low), np.minimum(high, frame.across.high)
    lines = axes.hlines(ys[whole], starts, ends, colors=style.ink, linewidths=style.medium)
    lines.set(zorder=2)
    lines.set_label("intervals")
    frame.arrows(low, high, ys[whole], style.ink)
    strong = np.array([row.strong for row in rows])
    shown = np.isfinite(values[:, 0])
    for chosen, face, label in (
        (shown & strong, style.ink, "estimates"),
        (shown & ~strong, "white", "weak"),
    ):
        if chosen.any():
            frame.points(
                values[chosen, 0], ys[chosen], POINT, label, facecolor=face,
                edgecolor=style.ink, linewidths=style.medium, zorder=4,
            )  # fmt: skip
