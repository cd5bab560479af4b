"""Selection weights: how likely an effect is to be seen, by its p value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from metaalliance.effects.fisher import critical_values, on_fisher_z
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Fixed, Numbers
from metaalliance.plots.canvas.sentences import estimate_sentence, spoken
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import Line, line_width, own
from metaalliance.publication_bias.beta_selection import BetaSelectionModel
from metaalliance.publication_bias.selection import SelectionModel, selection_model
from metaalliance.publication_bias.selection_result import weight_text
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text, level_text

#: The plot ends at so many times the largest weight, where intervals are wide.
REACH = 2.5


def selection_weights(
    result: SelectionModel | BetaSelectionModel | PooledFit,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
) -> Figure:
    """Draw the weight function of a selection model.

    Each step is the likelihood of an effect with such a p value to be seen, in relation to
    the first interval, with its confidence interval; a curve for the beta model, in
    relation to p = .5, with its band.

    Parameters
    ----------
    result : SelectionModel, BetaSelectionModel or PooledFit
        A result of `metaalliance.bias`, or of `pool`, to whose effects a model with steps at
        .025 and .5 is then fitted.
    ax, style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "selection-weights" have the square root of p as x.

    References
    ----------
    Vevea and Hedges (1995).
    """
    look = style_named(style)
    return present(_chart(_result(result), look), look, ax=ax, width_mm=width_mm, title=title)


def selection_weights_text(result: SelectionModel | BetaSelectionModel | PooledFit) -> str:
    """Describe the weights for readers who cannot see them."""
    found = _result(result)
    return spoken(
        f"Selection weights of {count_text(found.n_effects, 'effect')} by their p values. "
        f"{found.reading()} {_sentence(found, style_named('apa'))}"
    )


def _result(
    result: SelectionModel | BetaSelectionModel | PooledFit,
) -> SelectionModel | BetaSelectionModel:
    if not isinstance(result, PooledFit):
        return result
    with quiet():
        return selection_model(result, steps=default_steps(result))


def default_steps(fit: PooledFit) -> tuple[float, ...]:
    """Return cut points at .025 and .5 as far as there are effects on either side."""
    effects = on_fisher_z(fit.effects)
    z = math.copysign(1.0, fit.estimate) * effects.yi / np.sqrt(effects.vi)
    critical = critical_values(effects, np.array([0.025]))[:, 0]
    return (0.025, 0.5) if (z < 0).any() and ((z >= 0) & (z < critical)).any() else (0.025,)


def _chart(found: SelectionModel | BetaSelectionModel, style: Style) -> Chart:
    cuts = found.steps if isinstance(found, SelectionModel) else (0.025, 0.05, 0.5)
    zero = style.words.p_leading_zero
    marks = tuple((math.sqrt(p), _p(p, zero=zero)) for p in (*cuts, 1.0, 0.0, 0.25, 0.75))
    sided = "Two-sided" if found.alternative == "two-sided" else "One-sided"
    across = Fixed(
        low=0.0,
        high=1.0,
        marks=marks,
        wordings=(own(f"{sided} *p* value (square-root scale)"), own(f"{sided} *p* value")),
    )
    top = _top(found)
    up = Numbers(
        low=0.0,
        high=top,
        wordings=(own("Relative likelihood of being seen"), own("Relative likelihood")),
        upright=True,
    )
    panel = Panel(
        name="selection-weights",
        across=across,
        up=up,
        paint=lambda frame: _paint(frame, found),
    )
    return single(panel, (_entries(found, style),), (own(_sentence(found, style)),))


def _p(p: float, *, zero: bool) -> str:
    text = f"{p:g}"
    return text if zero or p in {0.0, 1.0} else text.replace("0.", ".", 1)


def _top(found: SelectionModel | BetaSelectionModel) -> float:
    """Return the upper end: all weights, and their limits unless they are far above."""
    if isinstance(found, BetaSelectionModel):
        p = np.linspace(0.03, 1, 200) ** 2
        curve, high = found.weight(p), found.weight_limits(p)[1]
        top = float(min(curve.max(), 5 * max(1.0, float(curve[-20]))))
        return 1.08 * float(np.clip(high.max(), top, REACH * top))
    largest = max(1.0, float(np.nanmax(found.weights)))
    highs = [float(h) for h in found.weights_high if math.isfinite(h)]
    return 1.12 * min(max([largest, *highs]), REACH * largest)


def _paint(frame: Frame, found: SelectionModel | BetaSelectionModel) -> None:
    style = frame.style
    frame.level_line(1.0, "no selection", color=style.pale, linestyle=(0, (4, 2)))
    if isinstance(found, BetaSelectionModel):
        root = np.linspace(0.005, 0.999, 400)
        low, high = (np.minimum(end, frame.up.high) for end in found.weight_limits(root**2))
        band = frame.axes.fill_between(root, low, high, linewidth=0, zorder=0.6)
        band.set(facecolor=tint(style.accent, 0.2), label="ci")
        curve = frame.axes.plot(
            root, found.weight(root**2), color=style.accent, linewidth=1.6, zorder=3
        )
        curve[0].set_label("weight")
        return
    previous = math.nan
    steps = zip(
        found.intervals(), found.counts, found.weights, found.weights_low, found.weights_high,
        strict=True,
    )  # fmt: skip
    for (low, high), n, weight, below, above in steps:
        start, end = math.sqrt(low), math.sqrt(high)
        if math.isfinite(below) and math.isfinite(above) and above > below:
            top = min(float(above), frame.up.high)
            box = Rectangle((start, below), end - start, top - below, linewidth=0, zorder=0.6)
            box.set(facecolor=tint(style.accent, 0.2), label="ci")
            frame.axes.add_patch(box)
        look: dict[str, Any] = {"colors": style.accent, "linewidths": 1.8, "zorder": 4}
        frame.axes.hlines(weight, start, end, **look).set_label("weight")
        if math.isfinite(previous):
            look = {"colors": style.accent, "linewidths": style.thin, "zorder": 3}
            frame.axes.vlines(start, previous, weight, **look).set_label("rise")
        previous = float(weight)
        _name_step(frame, (start, end), float(weight), n)


def _name_step(frame: Frame, ends: tuple[float, float], weight: float, n: int) -> None:
    """Write weight and number of effects over a step, as much as has room."""
    size, room = frame.style.small_size, (ends[1] - ends[0]) * frame.width - 1.0
    wordings: tuple[Line, ...] = (
        own(f"{number(weight, 2)} (*n* = {n:,})"),
        own(f"*n* = {n:,}"),
        own(number(weight, 2)),
    )
    for line in wordings:
        if line_width(line, size) <= room:
            shift = 1.9 if weight < 0.93 * frame.up.high else -1.9
            middle = (ends[0] + ends[1]) / 2
            frame.write(line, middle, weight, align="center", shift=(0.0, shift), size=size)
            return


def _entries(found: SelectionModel | BetaSelectionModel, style: Style) -> list[Entry]:
    weight = Line2D([], [], color=style.accent, linewidth=1.8)
    none = Line2D([], [], color=style.pale, linewidth=style.thin, linestyle=(0, (4, 2)))
    entries = [Entry(weight, own("Weight")), Entry(none, own("No selection"))]
    if isinstance(found, BetaSelectionModel) or np.isfinite(found.weights_high[1:]).any():
        drawn = "" if found.bootstrap is None else ", bootstrap"
        box = Patch(facecolor=tint(style.accent, 0.2))
        entries.insert(1, Entry(box, own(f"{level_text(found.level)} CI{drawn}")))
    return entries


def _sentence(found: SelectionModel | BetaSelectionModel, style: Style) -> str:
    """Return the adjusted mean, the test, and which limits are beyond the plot."""
    mean = found.adjusted()
    texts = []
    if mean is not None:
        words = estimate_sentence(
            mean.estimate, mean.ci_low, mean.ci_high, found.measure, found.level, style
        )
        texts.append(f"Mean before selection: {words}.")
    if math.isfinite(found.test_p_value):
        texts.append(f"Test of no selection: *p* {style.words.p_text(found.test_p_value)}.")
    top = _top(found)
    if isinstance(found, SelectionModel):
        cut = [h for h in found.weights_high if math.isfinite(h) and h > top]
        if cut:
            ends = ", ".join(weight_text(float(h), 1) for h in cut)
            texts.append(f"Upper limits beyond the plot: {ends}.")
        texts.append("*n* = effects.")
    elif (
        highest := float(found.weight_limits(np.linspace(0.005, 0.999, 400) ** 2)[1].max())
    ) > top:
        texts.append(f"Upper limits beyond the plot: {weight_text(highest, 1)}.")
    return " ".join(texts)
