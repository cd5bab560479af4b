"""Leave-one-out plot: the mean without each study."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from metaalliance.core.arrays import Array
from metaalliance.diagnostics.leave_one_out import LeaveOneOut
from metaalliance.diagnostics.leave_one_out import leave_one_out as left_out
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.options import check_option
from metaalliance.plots.canvas.chart import present, with_rows
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.interval_rows import IntervalRow, Reference, interval_chart, records
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import DASH, effect_text, size_text
from metaalliance.plots.canvas.panels import Chart
from metaalliance.plots.canvas.scales import Effect, effect_scale
from metaalliance.plots.canvas.sentences import pooled_sentence, spoken, symbol
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import Line, own
from metaalliance.plots.charts.baujat import plural
from metaalliance.wording.phrases import count_text, level_text, percent_text

Order = Literal["sheet", "change", "estimate"]

#: Rows of one figure; of more units those are shown that move the mean most.
MOST = 60

#: Means whose range is less have three decimals.
CLOSE = 0.03

#: Pages narrower than this, in mm, do without the column of I².
NARROW = 110.0


def leave_one_out(
    result: LeaveOneOut | PooledFit,
    *,
    sort: Order = "change",
    rows: int | None = None,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw the mean and its interval without each study in turn.

    The line and the band are the result of all studies.

    Parameters
    ----------
    result : LeaveOneOut or PooledFit
        A result of `metaalliance.diagnostics.leave_one_out`, or of `pool`.
    sort : {"change", "sheet", "estimate"}
        Order: the largest change on top, as in the sheet, or the largest mean on top.
    rows : int, optional
        Of more studies, as many are drawn that move the mean most; the note says so. By default
        60, or what the page holds.
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "leave-one-out" have the analysis scale as x and rows from 0
        downwards as y.
    """
    check_option("sort", sort, Order)
    found, look = _result(result), style_named(style)

    def build(most: int) -> Chart:
        return _chart(found, *shown_rows(found, sort, most), look, wide=width_mm >= NARROW)

    if rows is None and ax is None:
        chart = with_rows(build, min(MOST, len(found.frame)), look, width_mm, title)
    else:
        chart = build(MOST if rows is None else rows)
    return present(chart, look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def leave_one_out_text(result: LeaveOneOut | PooledFit) -> str:
    """Describe the plot for readers who cannot see it."""
    found = _result(result)
    fit, frame = found.fit, found.frame
    values = frame["estimate"].to_numpy(dtype=float)
    opening = f"Leave-one-out plot of {size_text(fit)}. {pooled_sentence(fit)}"
    if not np.isfinite(values).any():
        return spoken(f"{opening} The model cannot be fitted without any of them.")
    low, high = (effect_text(float(f(values)), fit.measure) for f in (np.nanmin, np.nanmax))
    most = frame["omitted"].iloc[int(np.nanargmax(frame["change"].abs().to_numpy(dtype=float)))]
    return spoken(
        f"{opening} Without one {found.unit} "
        f"the mean lies between {low} and {high}; it moves most without {most}."
    )


def _result(result: LeaveOneOut | PooledFit) -> LeaveOneOut:
    if isinstance(result, LeaveOneOut):
        return result
    with quiet():
        found = left_out(result)
    assert isinstance(found, LeaveOneOut)
    return found


def shown_rows(found: LeaveOneOut, sort: Order, rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that are drawn, in their order, and the rest.

    Raises
    ------
    OptionError
        For fewer than one row.
    """
    if rows < 1:
        raise OptionError(f"rows={rows!r} is not a number of rows.")
    ordered = found.most_influential()
    frame, rest = ordered.head(rows), ordered.iloc[rows:]
    if sort == "sheet":
        frame = frame.sort_index()
    elif sort == "estimate":
        frame = frame.sort_values("estimate", ascending=False, kind="stable")
    return frame, rest


def mean_scale(frame: pd.DataFrame, reference: PooledFit, style: Style) -> Effect:
    """Return an axis for means with their intervals; zero is on it unless it is far off."""
    lows = np.append(frame["ci_low"].to_numpy(dtype=float), reference.ci_low)
    highs = np.append(frame["ci_high"].to_numpy(dtype=float), reference.ci_high)
    points = np.append(frame["estimate"].to_numpy(dtype=float), reference.estimate)
    half = float(np.nanmedian((highs - lows) / 2)) if np.isfinite(lows).any() else 0.1
    low = max(float(np.nanmin([lows, points])), float(np.nanmin(points)) - 4 * half)
    high = min(float(np.nanmax([highs, points])), float(np.nanmax(points)) + 4 * half)
    span = max(high, 0.0) - min(low, 0.0)
    zero = min(abs(low), abs(high)) <= high - low or low * high <= 0
    return effect_scale([low, high], reference.measure, style, zero=zero and span > 0)


def estimate_cell(row: Any, fit: PooledFit, style: Style, digits: int = 2) -> str:
    """Return "r [low, high]" of a row."""
    if not math.isfinite(row.estimate):
        return DASH
    numbers = (row.estimate, row.ci_low, row.ci_high)
    text, low, high = (effect_text(float(v), fit.measure, digits, style.words) for v in numbers)
    if not math.isfinite(row.ci_low):
        return text
    return " ".join((text, *style.words.bounded(low, high)))


def digits_of(estimates: Array) -> int:
    """Return the decimals that tell means apart: three where all lie close together."""
    known = estimates[np.isfinite(estimates)]
    return 3 if known.size and float(np.ptp(known)) < CLOSE else 2


def share_cell(value: float) -> str:
    """Return a fraction in percent, or a dash."""
    return percent_text(value) if math.isfinite(value) else DASH


def _chart(
    found: LeaveOneOut, frame: pd.DataFrame, rest: pd.DataFrame, style: Style, *, wide: bool
) -> Chart:
    fit = found.fit
    digits = digits_of(frame["estimate"].to_numpy(dtype=float))
    rows = [
        IntervalRow(
            name=str(row.omitted),
            estimate=float(row.estimate),
            low=float(row.ci_low),
            high=float(row.ci_high),
            cells=(
                estimate_cell(row, fit, style, digits),
                *((share_cell(row.I2),) if wide else ()),
            ),
        )
        for row in records(frame)
    ]
    return interval_chart(
        rows,
        mean_scale(frame, fit, style),
        estimate_heads(fit, wide=wide),
        name="leave-one-out",
        reference=Reference(estimate=fit.estimate, low=fit.ci_low, high=fit.ci_high),
        legend=(_entries(fit, found.unit, style),),
        notes=[own(text) for text in _notes(found, rest, style)],
    )


def estimate_heads(fit: PooledFit, *, wide: bool) -> list[Line]:
    """Return the heads of the columns of estimates and of I²."""
    first = own(f"{symbol(fit.measure)} [{level_text(fit.level)} CI]")
    return [first, own("*I*²")] if wide else [first]


def _entries(fit: PooledFit, unit: str, style: Style) -> list[Entry]:
    percent = level_text(fit.level)
    point = {"marker": "o", "markersize": 5, "color": style.ink, "linewidth": style.medium}
    return [
        Entry(Line2D([], [], **point), own(f"Mean and {percent} CI without the {unit}")),  # type: ignore[arg-type]
        Entry(Line2D([], [], color=style.accent, linewidth=style.medium), own("All studies")),
        Entry(Patch(facecolor=tint(style.accent, 0.16)), own(f"{percent} CI of all studies")),
    ]


def _notes(found: LeaveOneOut, rest: pd.DataFrame, style: Style) -> list[str]:
    texts = [f"{size_text(found.fit)}. {pooled_sentence(found.fit, style)}"]
    if len(rest):
        moved = float(rest["change"].abs().max())
        unit = "*z*" if found.fit.measure == "z" else "the estimate"
        texts.append(
            f"Shown are the {plural(found.unit)} that move the mean most; without any of the other "
            f"{len(rest):,} it moves by less than {_rounded_up(moved)} in {unit}."
        )
    failed = len(found.failures)
    if failed:
        texts.append(f"Without {count_text(failed, found.unit)} the model cannot be fitted.")
    return texts


def _rounded_up(value: float) -> str:
    """Return the next larger number of one significant digit."""
    if value <= 0:
        return "0.001"
    digits = max(0, -math.floor(math.log10(value)))
    step = 10.0**-digits
    return f"{math.floor(value / step + 1) * step:.{digits}f}"
