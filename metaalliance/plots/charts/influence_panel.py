"""Influence panel: diagnostics of every study side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.distributions import chi2_isf, normal_isf
from metaalliance.diagnostics.diagnostics import Influence
from metaalliance.diagnostics.diagnostics import influence as diagnose
from metaalliance.diagnostics.units import Unit
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.notices import quiet
from metaalliance.options import check_option
from metaalliance.plots.canvas.callouts import name_points
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.panels import Chart, Panel
from metaalliance.plots.canvas.scales import Numbers, number_scale
from metaalliance.plots.canvas.sentences import listed, spoken
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.wording.phrases import count_text

#: Height of a panel in mm; names in the note at most; labels in a panel at most.
HEIGHT, LISTED, LABELLED = 24.0, 15, 6

#: What x is, after "Study" or "Effect", from the longest wording to the shortest.
ORDER = (", in the order of the sheet", ", in sheet order", "")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Diagnostic:
    """One panel: its column, its title, and the values of its lines."""

    column: str
    title: Line
    solid: tuple[float, ...] = ()
    dashed: tuple[float, ...] = ()
    floor: float | None = None


def influence_panel(
    result: Influence | PooledFit | RegressionFit,
    *,
    unit: Unit = "study",
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
) -> Figure:
    """Draw the influence diagnostics of every study, those that are flagged with their number.

    Studentised residual, DFBETAS (DFFITS of a meta-regression), Cook's distance, covariance
    ratio, tau² and Q without the study, hat value and weight.

    Parameters
    ----------
    result : Influence, PooledFit or RegressionFit
        A result of `metaalliance.influence`, or a fit.
    unit : {"study", "effect"}
        What a point is.
    style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Axes labelled by the columns of the diagnostics; x counts the studies from 1 in the
        order of the sheet.

    References
    ----------
    Viechtbauer and Cheung (2010).
    """
    check_option("unit", unit, Unit)
    look = style_named(style)
    chart = _chart(_result(result), unit, look, columns=2 if width_mm >= 80 else 1)
    return present(chart, look, ax=None, width_mm=width_mm, title=title)


def influence_text(result: Influence | PooledFit | RegressionFit) -> str:
    """Describe the panel for readers who cannot see it."""
    found = _result(result)
    names = [str(name) for name in found.influential()["omitted"]]
    flagged = f"Flagged as influential: {listed(names)}." if names else "None is flagged."
    size = count_text(len(found.studies), "study", "studies")
    return spoken(
        f"Influence diagnostics of {size}: studentised residuals, DFBETAS, Cook's distances, "
        f"covariance ratios, tau² and Q without each study, hat values and weights. {flagged}"
    )


def _result(result: Influence | PooledFit | RegressionFit) -> Influence:
    if isinstance(result, Influence):
        return result
    with quiet():
        return diagnose(result)


def _chart(found: Influence, unit: str, style: Style, columns: int) -> Chart:
    table = found.to_frame(unit)
    if table.empty:
        raise OptionError("There is nothing to draw.")
    chosen = _diagnostics(found, table)
    panels = [
        _panel(one, table, last=i >= len(chosen) - columns, unit=unit)
        for i, one in enumerate(chosen)
    ]
    rows = tuple(tuple(panels[i : i + columns]) for i in range(0, len(panels), columns))
    dashed = Line2D([], [], color=style.ink, linewidth=style.thin, linestyle=(0, (4, 2)))
    flag = Line2D([], [], linestyle="None", marker="D", markersize=4, color=style.ink)
    solid = Line2D([], [], color=style.accent, linewidth=style.thin)
    entries = [
        Entry(dashed, own("Limit")),
        Entry(solid, own("All studies, or no influence")),
    ]
    if table["influential"].any():
        entries.insert(0, Entry(flag, own("Influential")))
    return Chart(rows=rows, legend=(tuple(entries),), notes=_notes(table, unit), gap=1.6)


def _diagnostics(found: Influence, table: pd.DataFrame) -> list[_Diagnostic]:
    """Return the panels with their limits, as `influence` applies them."""
    fit, n = found.fit, len(table)
    p = len(fit.beta) if isinstance(fit, RegressionFit) else 1
    spread = 3 * math.sqrt(p / (n - p)) if n > p else math.nan
    q = float(fit.QE) if isinstance(fit, RegressionFit) else fit.Q
    moved = _Diagnostic(
        column="dffits", title=own("DFFITS"), solid=(0.0,), dashed=(-spread, spread)
    )
    if "dfbetas" in table:
        moved = _Diagnostic(
            column="dfbetas", title=own("DFBETAS"), solid=(0.0,), dashed=(-1.0, 1.0)
        )
    z = float(normal_isf(0.025))
    cook = float(chi2_isf(0.5, p))
    return [
        _Diagnostic(column="rstudent", title=own("Studentised residual"), solid=(0.0,),
                    dashed=(-z, z)),
        moved,
        _Diagnostic(column="cook", title=own("Cook’s distance"), dashed=(cook,), floor=0.0),
        _Diagnostic(column="covratio", title=own("Covariance ratio"), solid=(1.0,)),
        _Diagnostic(column="tau2_del", title=own("τ² without it"), solid=(float(fit.tau2),)),
        _Diagnostic(column="QE_del", title=own("*Q* without it"), solid=(q,)),
        _Diagnostic(column="hat", title=own("Hat value"), solid=(p / n,), dashed=(3 * p / n,),
                    floor=0.0),
        _Diagnostic(column="weight", title=own("Weight"), solid=(1 / n,), floor=0.0),
    ]  # fmt: skip


def _panel(one: _Diagnostic, table: pd.DataFrame, *, last: bool, unit: str) -> Panel:
    values = table[one.column].to_numpy(dtype=float)
    held = [float(v) for v in values if math.isfinite(v)]
    low, high = (min(held), max(held)) if held else (0.0, 1.0)
    span = high - low or abs(high) or 1.0
    near = [v for v in (*one.solid, *one.dashed) if low - 1.5 * span <= v <= high + 1.5 * span]
    word = "Study" if unit == "study" else "Effect"
    n = len(table)
    across = Numbers(
        low=0.5 - 0.02 * n,
        high=n + 0.5 + 0.02 * n,
        wordings=tuple(own(word + order) for order in ORDER) if last else (),
        whole=True,
        least=1.0,
    )
    return Panel(
        name=one.column,
        across=across,
        up=number_scale([low, high, *near], upright=True, margin=0.14, floor=one.floor),
        paint=lambda frame: _paint(frame, one, values, table["influential"].to_numpy(dtype=bool)),
        height=HEIGHT,
        heading=one.title,
    )


def _paint(frame: Frame, one: _Diagnostic, values: Array, flagged: BoolArray) -> None:
    axes, style = frame.axes, frame.style
    for value in one.solid:
        if frame.up.low < value < frame.up.high:
            frame.level_line(value, "reference", color=style.accent)
    for value in one.dashed:
        if frame.up.low < value < frame.up.high:
            frame.level_line(value, "limit", linestyle=(0, (4, 2)))
    x = np.arange(1, values.size + 1, dtype=float)
    known = np.isfinite(values)
    base = float(np.clip(one.solid[0] if one.solid else 0.0, frame.up.low, frame.up.high))
    stems = axes.vlines(x[known], base, values[known], colors=style.pale, linewidths=style.thin)
    stems.set_label("stems")
    calm, diameter = known & ~flagged, 1.3 if values.size <= 60 else 0.8
    frame.points(x[calm], values[calm], diameter, "calm", linewidths=0)
    loud = np.flatnonzero(known & flagged)
    if loud.size:
        frame.points(
            x[loud], values[loud], 1.7, "flagged", marker="D", facecolor=style.ink, zorder=4
        )
        distance = np.abs(values - base)
        order = sorted((int(i) for i in loud), key=lambda i: -float(distance[i]))
        size = style.small_size - 1
        names = [(int(np.flatnonzero(np.flatnonzero(known) == i)[0]), user(str(i + 1)))
                 for i in order[:LABELLED]]  # fmt: skip
        name_points(frame, x[known], values[known], names, size)


def _notes(table: pd.DataFrame, unit: str) -> tuple[Line, ...]:
    """Name what is flagged, by its number."""
    flagged = np.flatnonzero(table["influential"].to_numpy(dtype=bool))
    plural = "studies" if unit == "study" else "effects"
    if not flagged.size:
        return (own(f"None of {len(table):,} {plural} is influential."),)
    named = [f"{i + 1} {table['omitted'].iloc[i]}" for i in flagged[:LISTED]]
    rest = f"; {flagged.size - LISTED} more" if flagged.size > LISTED else ""
    return (
        (
            *own(f"Influential {unit if flagged.size == 1 else plural}: "),
            *user("; ".join(named) + rest + "."),
        ),
    )
