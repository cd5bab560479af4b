"""GOSH plot: the pooled results of many subsets of the studies."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.diagnostics.gosh import Gosh, Progress
from metaalliance.diagnostics.gosh import gosh as pool_subsets
from metaalliance.errors import EstimationError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.plots.canvas.axis import EffectAxis
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.frame import COLOURS, Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import effect_text
from metaalliance.plots.canvas.panels import Chart, Panel
from metaalliance.plots.canvas.scales import Effect, Numbers
from metaalliance.plots.canvas.sentences import spoken, symbol
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import own, user
from metaalliance.wording.phrases import percent_text

#: Side of a cell of the cloud, height and width of the histograms, in mm; bars of one.
CELL, MARGINAL, BARS = 1.15, 13.0, 60

#: Share of the accent in the lightest cell; fewer subsets are drawn one by one.
PALEST, FEW = 0.22, 400

#: Sides without labels.
BARE = ("left", "bottom")

#: Subsets of the figure, where no result is given; of more than `LARGE` effects, fewer.
SUBSETS, FEWER, LARGE = 10_000, 2_000, 150


def gosh(
    result: Gosh | PooledFit,
    *,
    study: Any = None,
    seed: int = 1,
    jobs: int = 1,
    progress: Progress | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw mean and I² of all or of many subsets of the studies, with their histograms.

    Two clouds, or one with a tail, tell that some studies differ from the rest.

    Parameters
    ----------
    result : Gosh or PooledFit
        A result of `metaalliance.diagnostics.gosh`, or of `pool`, of which 10,000 subsets are
        then taken (2,000 of more than 150 effects).
    study : label of a study, optional
        Subsets with it and without it are told apart by colour.
    seed, jobs, progress
        Of the subsets, where `result` is a fit.
    style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "gosh" have the mean on the analysis scale as x and I² as y; "gosh
        estimate" and "gosh I2" are the histograms.

    Raises
    ------
    EstimationError
        When no subset could be pooled.
    OptionError
        When there is no such study.

    References
    ----------
    Olkin et al. (2012).
    """
    look = style_named(style)
    chart = _chart(_result(result, seed, jobs, progress), study, look, width_mm)
    return present(chart, look, ax=None, width_mm=width_mm, title=title, limits=limits)


def gosh_text(
    result: Gosh | PooledFit, *, seed: int = 1, jobs: int = 1, progress: Progress | None = None
) -> str:
    """Describe the plot for readers who cannot see it."""
    found = _result(result, seed, jobs, progress)
    return spoken(
        f"GOSH plot: mean and I² of {found.n_subsets:,} subsets of {len(found.labels)} studies. "
        f"{_sentence(found, style_named('apa'))}"
    )


@lru_cache(maxsize=1)  # a figure and its alternative text show the same subsets
def _result(
    result: Gosh | PooledFit, seed: int, jobs: int, progress: Progress | None = None
) -> Gosh:
    if isinstance(result, Gosh):
        return result
    with quiet():
        count = SUBSETS if result.n_effects <= LARGE else FEWER
        return pool_subsets(result, count, seed=seed, jobs=jobs, progress=progress)


def _points(found: Gosh) -> tuple[Array, Array, BoolArray]:
    """Return mean and I² of the subsets that have both, and which those are."""
    x, y = (found.frame[n].to_numpy(dtype=float) for n in ("estimate", "I2"))
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        raise EstimationError("No subset could be pooled: there is nothing to draw.")
    return x[known], y[known], known


def _chart(found: Gosh, study: Any, style: Style, width_mm: float) -> Chart:
    x, y, known = _points(found)
    member = None if study is None else found.contains(study)[known]
    across = _across(x, found, style)
    low, high = max(-0.02, float(y.min()) - 0.08), min(1.02, float(y.max()) + 0.08)
    up = Numbers(low=low, high=high, wordings=(own("*I*²"),), percent=True, upright=True)
    side = 0.6 * width_mm
    blank = Numbers(low=0.0, high=1.0)
    share = (width_mm - 22.0) / MARGINAL - 1.0
    top = Panel(
        name="gosh estimate",
        across=Effect(axis=across.axis, titled=False),
        up=blank,
        paint=lambda frame: _histogram(frame, x, member, upright=False),
        height=MARGINAL,
        share=share,
        spines=(),
        quiet=BARE,
    )
    corner = Panel(
        name="gosh corner",
        across=blank,
        up=blank,
        paint=_nothing,
        height=MARGINAL,
        spines=(),
        quiet=BARE,
    )
    main = Panel(
        name="gosh",
        across=across,
        up=up,
        paint=lambda frame: _cloud(frame, x, y, member, found),
        height=side,
        share=share,
    )
    right = Panel(
        name="gosh I2",
        across=blank,
        up=Numbers(low=low, high=high),
        paint=lambda frame: _histogram(frame, y, member, upright=True),
        height=side,
        spines=(),
        quiet=BARE,
    )
    notes = (own(_sentence(found, style)),)
    return Chart(
        rows=((top, corner), (main, right)),
        legend=_legend(study, style, x.size),
        notes=notes,
        gap=0.0,
    )


def _nothing(frame: Frame) -> None:
    """Draw nothing: the corner between the histograms."""
    frame.axes.set_axis_off()


def _across(x: Array, found: Gosh, style: Style) -> Effect:
    low, high = float(min(x.min(), found.fit.estimate)), float(max(x.max(), found.fit.estimate))
    pad = 0.03 * (high - low) or 0.05
    axis = EffectAxis(
        low=low - pad, high=high + pad, measure=found.fit.measure, zero=style.words.leading_zero
    )
    return Effect(axis=axis)


def _ramp(style: Style) -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("ramp", [tint(style.accent, PALEST), style.accent])


def _cloud(frame: Frame, x: Array, y: Array, member: BoolArray | None, found: Gosh) -> None:
    """Draw the subsets as hexagons, darker where there are more; few of them as points."""
    axes, style = frame.axes, frame.style
    ink = {"color": style.ink, "linewidth": style.medium, "linestyle": (0, (4, 2)), "zorder": 4}
    frame.upright_line(found.fit.estimate, "estimate", **ink)
    if math.isfinite(found.fit.I2):
        frame.level_line(found.fit.I2, "I2", **ink)
    if x.size < FEW:
        _scatter(frame, x, y, member)
        return
    columns = max(10, round(frame.width / CELL))
    ends = (frame.across.low, frame.across.high, frame.up.low, frame.up.high)
    grid = (columns, max(8, round(frame.height / CELL / math.sqrt(3))))
    look: dict[str, Any] = {"gridsize": grid, "extent": ends, "linewidths": 0, "zorder": 2}
    if member is None:
        norm = LogNorm(vmin=1, vmax=max(10, x.size / 50))
        drawn = axes.hexbin(x, y, cmap=_ramp(style), norm=norm, mincnt=1, **look)
    else:
        both = LinearSegmentedColormap.from_list("both", [COLOURS[1], "#BDBDBD", COLOURS[0]])
        norm_share = Normalize(vmin=0, vmax=1)
        drawn = axes.hexbin(
            x, y, C=member.astype(float), reduce_C_function=np.mean, cmap=both, norm=norm_share,
            mincnt=1, **look,
        )  # fmt: skip
    assert isinstance(drawn, PolyCollection)
    drawn.set_label("subsets")
    axes.set(xlim=ends[:2], ylim=ends[2:])


def _scatter(frame: Frame, x: Array, y: Array, member: BoolArray | None) -> None:
    """Draw each subset as a point."""
    look: dict[str, Any] = {"alpha": 0.7, "linewidths": 0.3}
    if member is None:
        frame.points(x, y, 1.2, "subsets", **look)
        return
    for part, color in ((~member, COLOURS[1]), (member, COLOURS[0])):
        frame.points(x[part], y[part], 1.2, "subsets", facecolor=color, **look)


def _histogram(frame: Frame, values: Array, member: BoolArray | None, *, upright: bool) -> None:
    """Draw a histogram along the side of the cloud."""
    side = frame.up if upright else frame.across
    edges = np.linspace(side.low, side.high, BARS + 1)
    parts = [(np.ones(values.size, dtype=bool), tint(frame.style.accent, 0.55))]
    if member is not None:
        parts = [(~member, COLOURS[1]), (member, COLOURS[0])]
    counts = [np.histogram(values[part], edges)[0] for part, _ in parts]
    tallest = max(float(c.max()) for c in counts) or 1.0
    orientation: Literal["horizontal", "vertical"] = "horizontal" if upright else "vertical"
    for count, (_, color) in zip(counts, parts, strict=True):
        drawn = frame.axes.stairs(
            count / tallest, edges, fill=member is None, color=color, linewidth=0.9,
            orientation=orientation,
        )  # fmt: skip
        drawn.set_label("histogram")


def _legend(study: Any, style: Style, count: int) -> tuple[tuple[Entry, ...], ...]:
    if study is None and count < FEW:
        return ()
    if study is None:
        few, many = Patch(facecolor=tint(style.accent, PALEST)), Patch(facecolor=style.accent)
        return ((Entry(few, own("Few subsets")), Entry(many, own("Many subsets"))),)
    name = user(str(study))
    return (
        (
            Entry(Patch(facecolor=COLOURS[0]), (*own("With "), *name)),
            Entry(Patch(facecolor=COLOURS[1]), (*own("Without "), *name)),
        ),
    )


def _sentence(found: Gosh, style: Style) -> str:
    """Return what the subsets are and where most of them lie."""
    x, y, known = _points(found)
    kind = "All" if found.exhaustive else "Random"
    low, high = (float(v) for v in np.quantile(x, [0.025, 0.975]))
    ends = (effect_text(v, found.fit.measure, 2, style.words) for v in (low, high))
    shares = (percent_text(float(v)) for v in np.quantile(y, [0.025, 0.975]))
    name = symbol(found.fit.measure)
    text = (
        f"{kind} subsets of {len(found.labels):,} studies ({found.n_subsets:,}); dashed lines: "
        f"all studies. 95% of the subsets have {name} from {' to '.join(ends)} and *I*² from "
        f"{' to '.join(shares)}."
    )
    lost = int((~known).sum())
    return f"{text} {lost:,} have no *I*² and are not drawn." if lost else text
