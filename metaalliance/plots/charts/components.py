"""Components of studies: their effects and means, and the correlations of their true effects."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from metaalliance.moderation.components.result import Multivariate
from metaalliance.moderation.frames import records
from metaalliance.moderation.level_means import LevelMean
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import DASH
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Rows
from metaalliance.plots.canvas.sentences import decimal, estimate_sentence, listed, spoken
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import MM_PER_POINT, Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.plots.charts.orchard import NARROW, orchard_chart
from metaalliance.plots.groups import level_name
from metaalliance.wording.numbers import number

#: Height of a row and diameter of a correlation of one, in mm.
ROW, LARGEST = 15.0, 9.0


def component_orchard(
    found: Multivariate,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
) -> Figure:
    """Draw each component as a cloud of its effects, with the mean of the multivariate model.

    Parameters
    ----------
    found : Multivariate
        A result of `metaalliance.multivariate`.
    ax, style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "orchard" have the analysis scale as x; component i stands at y = i.
    """
    look = style_named(style)
    chart = orchard_chart(
        _rows(found), found.measure, found.level, look, wide=width_mm >= NARROW,
        notes=(f"Means of one multivariate model ({found.structure}).",),
    )  # fmt: skip
    return present(chart, look, ax=ax, width_mm=width_mm, title=title)


def component_orchard_text(found: Multivariate) -> str:
    """Describe the plot for readers who cannot see it."""
    words = [
        f"{level_name(row.name)} (k = {row.n_studies}, m = {row.n_effects}) "
        f"{estimate_sentence(row.estimate, row.ci_low, row.ci_high, found.measure, found.level)}"
        for row in _rows(found)
    ]
    by = found.by.replace("_", " ")
    return spoken(
        f"Orchard plot of {found.n_studies} studies with {found.n_effects} effects by {by}, each "
        f"effect a point, the means those of one multivariate model. {'; '.join(words)}."
    )


def _rows(found: Multivariate) -> list[LevelMean]:
    names = ("estimate", "statistic", "df", "p_value", "ci_low", "ci_high", "pi_low", "pi_high",
             "tau2")  # fmt: skip
    rows = []
    for j, row in enumerate(records(found.means)):
        numbers: dict[str, Any] = {name: float(row[name]) for name in names}
        own_effects = found.effects.subset(found.design.codes == j)
        rows.append(
            LevelMean(
                name=row["level"],
                effects=own_effects,
                n_studies=row["n_studies"],
                n_effects=row["n_effects"],
                n_participants=own_effects.n_participants,
                model="multivariate",
                test=found.test,
                **numbers,
            )
        )
    return rows


def component_correlations(
    found: Multivariate,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
) -> Figure:
    """Draw how true effects of components go together between studies.

    On the diagonal stands tau of each component, beside it a disc for each correlation: its area
    is the size, filled where positive and hollow where negative.

    Parameters
    ----------
    found : Multivariate
        A result of `metaalliance.multivariate`.
    ax, style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "correlations" have component j at x = j and component i at y = i.
    """
    look = style_named(style)
    return present(_correlation_chart(found, look), look, ax=ax, width_mm=width_mm, title=title)


def component_correlations_text(found: Multivariate) -> str:
    """Describe the plot for readers who cannot see it."""
    R, words = found.correlations.to_numpy(), []
    for i, a in enumerate(found.levels):
        for j, b in enumerate(found.levels[:i]):
            r = "unknown" if math.isnan(R[i, j]) else number(R[i, j], 2, correlation=True)
            words.append(f"{level_name(b)} with {level_name(a)} {r}")
    taus = [
        f"{level_name(a)} {number(math.sqrt(t), 3)}"
        for a, t in zip(found.levels, np.diag(found.G), strict=True)
    ]
    return spoken(
        f"Correlations of true effects between studies: {listed(words)}. Tau of "
        f"{listed(taus)}. {found.rank_text}"
    )


def _correlation_chart(found: Multivariate, style: Style) -> Chart:
    names = tuple(map(level_name, found.levels))
    panel = Panel(
        name="correlations",
        across=Rows(names=names, across=True, pad=0.5),
        up=Rows(names=names, pad=0.5),
        paint=lambda frame: _paint(frame, found),
        height=ROW * len(names),
        spines=(),
    )
    note = (
        "Diagonal: *τ* of each component. Area of a disc: size of the correlation of true effects "
        f"between studies. {DASH} = no variance, or no study with both components."
    )
    notes = [own(note)]
    if found.rank < len(names):
        notes.append(own(f"The covariance is singular: rank {found.rank} of {len(names)}."))
    return single(panel, (_entries(style),), tuple(notes))


def _paint(frame: Frame, found: Multivariate) -> None:
    style, p = frame.style, len(found.levels)
    R = found.correlations.to_numpy()
    for edge in np.arange(p + 1) - 0.5:
        frame.level_line(edge, "grid", color="#D9D9D9")
        frame.upright_line(edge, "grid", color="#D9D9D9")
    largest = min(LARGEST, 0.6 * frame.width / p)
    for i in range(p):
        tau = math.sqrt(float(found.G[i, i]))
        frame.write(own(f"*τ* = {decimal(tau, style)}"), i, i, align="center")
        for j in range(p):
            if i == j:
                continue
            if math.isnan(R[i, j]):
                frame.write(own(DASH), j, i, align="center")
                continue
            size = largest * math.sqrt(abs(R[i, j]))
            look = {"facecolor": _fill(R[i, j], style), "edgecolor": style.accent}
            frame.points([j], [i - 0.12], max(size, 0.8), "correlation", **look)
            text = own(decimal(float(R[i, j]), style))
            frame.write(text, j, i, align="center", shift=(0.0, -5.4), size=style.small_size)


def _fill(value: float, style: Style) -> str:
    return tint(style.accent, 0.7) if value > 0 else "white"


def _entries(style: Style) -> list[Entry]:
    return [
        Entry(
            Line2D(
                [], [], linestyle="None", marker="o", markersize=2.6 / MM_PER_POINT,
                color=_fill(sign, style), markeredgecolor=style.accent,
                markeredgewidth=style.thin,
            ),
            own(words),
        )
        for sign, words in ((1.0, "Positive"), (-1.0, "Negative"))
    ]  # fmt: skip
