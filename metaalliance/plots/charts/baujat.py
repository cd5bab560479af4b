"""Baujat plot: what each study adds to heterogeneity, and how far it moves the mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.diagnostics.baujat import Baujat
from metaalliance.diagnostics.baujat import baujat as coordinates
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.notices import quiet
from metaalliance.plots.canvas.callouts import name_points
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame, crowd
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import number_scale
from metaalliance.plots.canvas.sentences import listed, spoken
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import own, user
from metaalliance.wording.phrases import count_text

#: Points that get their name, whole, if there is room.
NAMED = 8


def baujat(
    result: Baujat | PooledFit,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
) -> Figure:
    """Draw the contribution of each study to heterogeneity and to the mean.

    The studies furthest to the upper right have their names.

    Parameters
    ----------
    result : Baujat or PooledFit
        A result of `metaalliance.diagnostics.baujat`, or of `pool`.
    ax, style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "baujat" have the squared Pearson residual as x and the squared
        standardised change of the mean as y.

    References
    ----------
    Baujat et al. (2002).
    """
    look = style_named(style)
    return present(_chart(_result(result)), look, ax=ax, width_mm=width_mm, title=title)


def baujat_text(result: Baujat | PooledFit) -> str:
    """Describe the plot for readers who cannot see it."""
    found = _result(result)
    order = _order(_known(found))[:3]
    names = listed([str(n) for n in _known(found)["omitted"].iloc[order]])
    return spoken(
        f"Baujat plot of {count_text(len(found.frame), found.unit, plural(found.unit))}: "
        f"contribution to heterogeneity against influence on the mean. Furthest to the upper "
        f"right: {names}."
    )


def plural(unit: str) -> str:
    """Return "studies" or "effects"."""
    return "studies" if unit == "study" else f"{unit}s"


def _result(result: Baujat | PooledFit | RegressionFit) -> Baujat:
    if isinstance(result, Baujat):
        return result
    with quiet():
        return coordinates(result)


def _known(found: Baujat) -> pd.DataFrame:
    """Return points that have both coordinates."""
    values = found.frame[["heterogeneity", "influence"]].to_numpy(dtype=float)
    known: pd.DataFrame = found.frame.loc[np.isfinite(values).all(axis=1)]
    return known.reset_index(drop=True)


def _order(frame: pd.DataFrame) -> list[int]:
    """Return rows from the upper right."""
    shares = [
        frame[name].to_numpy(dtype=float) / (float(frame[name].max()) or 1.0)
        for name in ("heterogeneity", "influence")
    ]
    return [int(i) for i in np.argsort(-(shares[0] + shares[1]), kind="stable")]


def _chart(found: Baujat) -> Chart:
    frame = _known(found)
    x, y = frame["heterogeneity"], frame["influence"]
    across = (own("Squared Pearson residual (contribution to heterogeneity)"),
              own("Contribution to heterogeneity"))  # fmt: skip
    up = (own("Squared standardised change of the mean"), own("Influence on the mean"))
    panel = Panel(
        name="baujat",
        across=number_scale(x, across, floor=0.0, margin=0.06),
        up=number_scale(y, up, floor=0.0, margin=0.06, upright=True),
        paint=lambda drawn: _paint(drawn, frame),
    )
    lost = len(found.frame) - len(frame)
    size = count_text(len(found.frame), found.unit, plural(found.unit))
    text = f"Each point is one of {size}."
    if lost:
        text += f" {lost:,} cannot be left out: without them the model cannot be fitted."
    return single(panel, notes=(own(text),))


def _paint(frame: Frame, points: pd.DataFrame) -> None:
    x, y = (points[n].to_numpy(dtype=float) for n in ("heterogeneity", "influence"))
    diameter, opacity = crowd(x.size)
    frame.points(x, y, diameter, "points", alpha=opacity)
    size = frame.style.small_size
    names = [(i, user(str(points["omitted"].iloc[i]))) for i in _order(points)[:NAMED]]
    name_points(frame, x, y, names, size)
