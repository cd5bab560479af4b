"""Cumulative plot: the pooled result as studies came in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.diagnostics.cumulative import Cumulative
from metaalliance.diagnostics.cumulative import cumulative as accumulate
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.plots.canvas.chart import present, with_rows
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.interval_rows import IntervalRow, Reference, interval_chart, records
from metaalliance.plots.canvas.numbers import cell_text, size_text
from metaalliance.plots.canvas.panels import Chart
from metaalliance.plots.canvas.sentences import estimate_sentence, listed, pooled_sentence, spoken
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.plots.charts.leave_one_out import (
    NARROW,
    estimate_cell,
    estimate_heads,
    mean_scale,
    share_cell,
)
from metaalliance.wording.phrases import count_text, level_text

#: Rows of one figure; of more steps some are drawn, the last among them.
MOST = 60


def cumulative(
    result: Cumulative | PooledFit,
    *,
    x: str = "year",
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw the mean and its interval with the first studies, the first two, and so on.

    Parameters
    ----------
    result : Cumulative or PooledFit
        A result of `metaalliance.diagnostics.cumulative`, or of `pool`.
    x : str
        Column that orders the studies, where `result` is a fit.
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "cumulative" have the analysis scale as x and steps from 0
        downwards as y.

    References
    ----------
    Lau et al. (1992).
    """
    found, look = _result(result, x), style_named(style)

    def build(most: int) -> Chart:
        return _chart(found, _thinned(found.frame, most), look, wide=width_mm >= NARROW)

    steps = min(MOST, len(found.frame))
    chart = build(steps) if ax is not None else with_rows(build, steps, look, width_mm, title)
    return present(chart, look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def cumulative_text(result: Cumulative | PooledFit, *, x: str = "year") -> str:
    """Describe the plot for readers who cannot see it."""
    found = _result(result, x)
    fit, frame = found.fit, found.frame
    middle = frame.iloc[(len(frame) - 1) // 2]
    half = estimate_sentence(
        float(middle["estimate"]), float(middle["ci_low"]), float(middle["ci_high"]), fit.measure,
        fit.level,
    )  # fmt: skip
    return spoken(
        f"Cumulative plot of {size_text(fit)} by {found.by.replace('_', ' ')}, "
        f"{count_text(len(frame), 'step')}. Halfway, at {cell_text(middle['value'])}, {half}. "
        f"{pooled_sentence(fit)}"
    )


def _result(result: Cumulative | PooledFit, x: str) -> Cumulative:
    if isinstance(result, Cumulative):
        return result
    with quiet():
        return accumulate(result, by=x)


def _thinned(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most so many steps, evenly spaced, the first and the last among them."""
    if len(frame) <= most:
        return frame
    kept = np.unique(np.round(np.linspace(0, len(frame) - 1, most)).astype(int))
    return frame.iloc[kept]


def _chart(found: Cumulative, frame: pd.DataFrame, style: Style, *, wide: bool) -> Chart:
    fit = found.fit
    rows = [
        IntervalRow(
            name=_name(row, found.by),
            estimate=float(row.estimate),
            low=float(row.ci_low),
            high=float(row.ci_high),
            cells=_cells(row, fit, style, wide=wide),
        )
        for row in records(frame)
    ]
    heads = [own("*k*"), *estimate_heads(fit, wide=wide)]
    return interval_chart(
        rows,
        mean_scale(frame, fit, style),
        heads,
        name="cumulative",
        reference=Reference(estimate=fit.estimate, low=fit.ci_low, high=fit.ci_high),
        notes=[own(text) for text in _notes(found, frame, style)],
    )


def _name(row: Any, by: str) -> str:
    """Return the value of a step, with the studies that it adds."""
    value = cell_text(row.value)
    if by == "year":
        value = value.replace(",", "")
    one = row.n_added == 1 and isinstance(row.added, str)
    return row.added if one and value in row.added else f"{value} (+{row.n_added})"


def _cells(row: Any, fit: PooledFit, style: Style, *, wide: bool) -> tuple[str, ...]:
    cells = (f"{row.n_studies:,}", estimate_cell(row, fit, style))
    return (*cells, share_cell(row.I2)) if wide else cells


def _notes(found: Cumulative, frame: pd.DataFrame, style: Style) -> list[str]:
    fit = found.fit
    percent = level_text(fit.level)
    texts = [
        f"{size_text(fit)}. Each row: mean and {percent} CI of all studies up to there (in "
        f"brackets: studies added; *k* = studies so far). Line and band: all studies. "
        f"{pooled_sentence(fit, style)}"
    ]
    if len(frame) < len(found.frame):
        texts.append(f"{len(frame)} of {len(found.frame):,} steps are drawn.")
    if found.missing:
        names = listed([str(name) for name in found.missing], 6).replace("*", "")
        texts.append(f"Without a value of {found.by.replace('_', ' ')}: {names}.")
    return texts
