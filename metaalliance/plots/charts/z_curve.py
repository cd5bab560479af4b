"""z-curve plot: z statistics beside the densities that fitted models imply for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from scipy.special import ndtr, ndtri

from metaalliance.core.arrays import Array
from metaalliance.core.selection.implied import Before, Selected
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import critical_values, on_fisher_z
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.notices import quiet
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.panels import Chart, Panel, single
from metaalliance.plots.canvas.scales import Numbers
from metaalliance.plots.canvas.sentences import spoken
from metaalliance.plots.canvas.shades import tint
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.plots.charts.selection_weights import default_steps
from metaalliance.publication_bias.beta_selection import BetaSelectionModel
from metaalliance.publication_bias.checks import random_effects_mean
from metaalliance.publication_bias.selection import SelectionModel, selection_model
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text, percent_text

#: Two-sided .05 of a normal test, bars to it from zero, and where the axis ends at the latest.
_SIGNIFICANT, _BARS, _END = -float(ndtri(0.025)), 4, 10.0
#: Points of a curve, and how far beside a cut point it is taken.
_GRID, _BESIDE = 1201, 1e-9
#: The axis ends at so many times the other heights, where many effects are missing.
_TALL = 1.6


def z_curve(
    result: SelectionModel | BetaSelectionModel | PooledFit,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 120,
    title: str | None = None,
) -> Figure:
    """Draw z statistics with the densities that models with and without selection imply.

    Bars are effects by their standard errors (Fisher z for correlations). The strong curve is
    the density of z under the selection model, the dashed one that under a random-effects model
    (REML) of the same effects without selection; both are averaged over the standard errors that
    were seen. The dotted curve is the selection model before selection: what it has above the
    strong one are effects that are missing. Lines stand at z of a normal test with two-sided
    p = .05, and at further steps of the model; the densities jump where each effect is
    significant by the test of its report.

    Parameters
    ----------
    result : SelectionModel, BetaSelectionModel or PooledFit
        A selection model without moderators; or a result of `pool`, to whose effects a model
        with steps at .025 and .5 is then fitted, as far as they hold effects.
    ax, style, width_mm, title
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "z-curve" have z as x and density as y.

    Raises
    ------
    OptionError
        For a model with moderators: it implies no one density.

    References
    ----------
    Bartoš and Schimmack (2025).
    """
    look = style_named(style)
    curves = _Curves.of(result)
    return present(_chart(curves, look), look, ax=ax, width_mm=width_mm, title=title)


def z_curve_text(result: SelectionModel | BetaSelectionModel | PooledFit) -> str:
    """Describe the plot for readers who cannot see it."""
    curves = _Curves.of(result)
    return spoken(
        f"Histogram of the z statistics of {count_text(curves.z.size, 'effect')} with the density "
        f"that a selection model implies, the density of a random-effects model without "
        f"selection, and that before selection. {_sentence(curves)}"
    )


@dataclass(frozen=True, slots=False, eq=False)
class _Curves:
    """What is drawn, in the direction of the effects.

    Attributes
    ----------
    z : ndarray, shape (k,)
        Effects by their standard errors.
    critical : ndarray, shape (k,)
        Their critical values at two-sided .05.
    selected : Selected
        The selection model, turned so that selection favours greater effects.
    sign : int
        By how it was turned.
    plain : Before
        The random-effects model.
    name : str
        The model with its steps.
    cuts : tuple of float
        Steps of the selection model as z of normal tests, in the direction of the effects.
    """

    z: Array
    critical: Array
    selected: Selected
    sign: int
    plain: Before
    name: str
    cuts: tuple[float, ...]

    @classmethod
    def of(cls, result: SelectionModel | BetaSelectionModel | PooledFit) -> _Curves:
        """Fit what is not yet fitted."""
        found = _model(result)
        if len(found.names) > 1 or found.moderated:
            raise OptionError("A z-curve plot takes a selection model without moderators.")
        effects = on_fisher_z(found.effects)
        sign = -1 if found.alternative == "less" else 1
        before = Before.of(sign * found.estimate, found.tau2, effects.vi)
        estimate, tau2 = random_effects_mean(effects.yi, effects.vi)
        return cls(
            z=effects.yi / np.sqrt(effects.vi),
            critical=critical_values(effects, np.array([0.05]), "two-sided")[:, 0],
            selected=_selected(found, effects, before),
            sign=sign,
            plain=Before.of(estimate, tau2, effects.vi),
            name=_name(found),
            cuts=_cuts(found, sign),
        )

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Ends of the axis, at edges of bars."""
        bar = _SIGNIFICANT / _BARS
        low = max(-_END, min(-3.0, float(self.z.min())))
        high = min(_END, max(3.0, float(self.z.max())))
        return math.floor(low / bar) * bar, math.ceil(high / bar) * bar

    @cached_property
    def bars(self) -> tuple[Array, Array]:
        """Edges of the bars and their heights: shares of all effects by width."""
        low, high = self.ends
        edges = np.linspace(low, high, round((high - low) / (_SIGNIFICANT / _BARS)) + 1)
        counts, _ = np.histogram(self.z, edges)
        return edges, counts / (self.z.size * np.diff(edges))

    @property
    def beyond(self) -> int:
        """Effects that the axis does not reach."""
        low, high = self.ends
        return int(((self.z < low) | (self.z > high)).sum())

    @cached_property
    def grid(self) -> Array:
        """Where curves are taken, on both sides of each cut."""
        even = np.linspace(*self.ends, _GRID)
        beside = [cut + side for cut in self.cuts for side in (-_BESIDE, _BESIDE)]
        return np.sort(np.concatenate([even, beside]))

    def seen(self) -> Array:
        """Density under selection."""
        return self.selected.density(self.sign * self.grid)

    def expected(self) -> Array:
        """The same before selection, with those that are missing."""
        return self.selected.expected(self.sign * self.grid)

    def unselected(self) -> Array:
        """Density of the random-effects model."""
        return np.asarray(self.plain.densities(self.grid).mean(axis=0))


def _model(
    result: SelectionModel | BetaSelectionModel | PooledFit,
) -> SelectionModel | BetaSelectionModel:
    if not isinstance(result, PooledFit):
        return result
    with quiet():
        return selection_model(result, steps=default_steps(result), bootstrap="none")


def _selected(
    found: SelectionModel | BetaSelectionModel, effects: Effects, before: Before
) -> Selected:
    if isinstance(found, BetaSelectionModel):
        return Selected.smoothly(before, lambda z: found.weight(ndtr(-z)))
    two_sided = found.alternative == "two-sided"
    critical = critical_values(
        effects, np.array(found.steps), "two-sided" if two_sided else "one-sided"
    )
    return Selected.by_steps(before, found.weights, critical, two_sided=two_sided)


def _name(found: SelectionModel | BetaSelectionModel) -> str:
    """Model with its steps or truncation, and its penalty."""
    sided = "two-sided" if found.alternative == "two-sided" else "one-sided"
    if isinstance(found, BetaSelectionModel):
        kind = f"beta model, p truncated at {found.smallest_p:g}"
    else:
        steps = ", ".join(number(p, 3, correlation=True) for p in found.steps)
        plural = "" if len(found.steps) == 1 else "s"
        kind = f"step-function model, step{plural} at {sided} p = {steps}"
    fixed = ", weights as given" if isinstance(found, SelectionModel) and found.fixed else ""
    return f"{kind}{fixed}{'' if found.penalty == 'none' else ', with a weak penalty'}"


def _cuts(found: SelectionModel | BetaSelectionModel, sign: int) -> tuple[float, ...]:
    """Steps of a model as z of normal tests."""
    if isinstance(found, BetaSelectionModel):
        return ()
    if found.alternative == "two-sided":
        size = [-float(ndtri(p / 2)) for p in found.steps]
        return (*(-c for c in size), *size)
    return tuple(-sign * float(ndtri(p)) for p in found.steps)


def _chart(curves: _Curves, style: Style) -> Chart:
    low, high = curves.ends
    others = max(curves.bars[1].max(), curves.seen().max(), curves.unselected().max())
    top = 1.08 * min(max(others, curves.expected().max()), _TALL * others)
    panel = Panel(
        name="z-curve",
        across=Numbers(
            low=low,
            high=high,
            wordings=(own("*z* statistic (effect / standard error)"), own("*z*")),
        ),
        up=Numbers(low=0.0, high=float(top), wordings=(own("Density"),), upright=True),
        paint=lambda frame: _paint(frame, curves),
    )
    return single(panel, (_entries(style),), (own(_sentence(curves)),))


def _paint(frame: Frame, curves: _Curves) -> None:
    axes, style = frame.axes, frame.style
    edges, heights = curves.bars
    for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
        if height > 0:
            bar = Rectangle((left, 0.0), right - left, height, zorder=0.6)
            bar.set(facecolor=tint(style.pale, 0.35), edgecolor="#FFFFFF", linewidth=style.thin)
            bar.set_label("bar")
            axes.add_patch(bar)
    for cut in sorted({*curves.cuts, _SIGNIFICANT, -_SIGNIFICANT}):
        frame.upright_line(cut, "critical", color=style.pale, zorder=1)
    drawn = (curves.expected(), curves.unselected(), curves.seen())
    for i, (values, (label, look)) in enumerate(zip(drawn, _looks(style).items(), strict=True)):
        (line,) = axes.plot(curves.grid, values, zorder=3 + i, **look)
        line.set_label(label)


def _looks(style: Style) -> dict[str, dict[str, Any]]:
    """Lines of the curves."""
    return {
        "before": {"color": style.accent, "linewidth": style.thick, "linestyle": (0, (1, 1.4))},
        "unselected": {"color": style.ink, "linewidth": style.thick, "linestyle": (0, (5, 2))},
        "selected": {"color": style.accent, "linewidth": 1.6},
    }


def _entries(style: Style) -> list[Entry]:
    looks = {name: Line2D([], [], **look) for name, look in _looks(style).items()}
    critical = Line2D([], [], color=style.pale, linewidth=style.thin)
    return [
        Entry(Patch(facecolor=tint(style.pale, 0.35)), own("Effects")),
        Entry(looks["selected"], own("Selection model")),
        Entry(looks["before"], own("Before selection")),
        Entry(looks["unselected"], own("Random effects, no selection")),
        Entry(critical, own("Critical values")),
    ]


def _sentence(curves: _Curves) -> str:
    """Return discovery rates, those that are missing, and those beyond the axis."""
    observed = float((np.abs(curves.z) >= curves.critical).mean())
    expected = curves.selected.discovery_rate(curves.critical)
    texts = [
        f"Selection model: {curves.name}.",
        f"{count_text(curves.z.size, 'effect')}; significant (two-sided .05): "
        f"{percent_text(observed)} of those seen, {percent_text(expected)} expected before "
        f"selection.",
    ]
    if curves.selected.weight(np.array([_END])).min() < 1 - 1e-9:
        texts.append(
            "By this model significant results are seen less often than others: it shows no "
            "selection for significance."
        )
    else:
        missing = curves.selected.missing() * curves.z.size
        texts.append(f"Missing by the selection model: {number(missing, 0, grouped=True)}.")
    if curves.beyond:
        texts.append(f"Beyond the axis: {count_text(curves.beyond, 'effect')}.")
    return " ".join(texts)
