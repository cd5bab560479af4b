"""Profile likelihood of the variance components."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import chi2_isf
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.profile import TOTAL, two_level_drop, variance_drop
from metaalliance.errors import EstimationError
from metaalliance.models.fits import TwoLevelFit
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.frame import Frame
from metaalliance.plots.canvas.legend import Entry
from metaalliance.plots.canvas.numbers import size_text
from metaalliance.plots.canvas.panels import Chart, Panel
from metaalliance.plots.canvas.scales import Numbers
from metaalliance.plots.canvas.sentences import spoken
from metaalliance.plots.canvas.style import Style, style_named
from metaalliance.plots.canvas.typeset import Line, own
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import level_text

#: Points of a curve on either side of the estimate.
_SIDE = 20

#: A panel ends where the log-likelihood has fallen by so many times the critical drop.
_DEPTH = 2.2

#: Panels of a row.
ACROSS = 3

_NAMES: dict[str, str] = {
    "tau2": "Between studies, τ²",
    "study": "Between studies, σ²",
    "effect": "Within studies, σ²",
    "total": "Total, τ²",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """The log-likelihood over one variance component, maximised over the rest.

    Attributes
    ----------
    name : str
        Which variance, in words.
    values, drop : ndarray, shape (n,)
        Variances, and by how much the log-likelihood is below its maximum, not above 0.
    estimate : float
        Where the maximum is.
    low, high : float
        Interval, where the drop is half the chi-squared quantile.
    level : float
        Of the interval.
    """

    name: str
    values: Array
    drop: Array
    estimate: float
    low: float
    high: float
    level: float


def profile(
    fit: PooledFit,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
) -> Figure:
    """Draw the profile likelihood of each variance component with its interval.

    Parameters
    ----------
    fit : TwoLevelFit or MultilevelFit
        A result of `pool` by REML or ML.
    ax : Axes, optional
        Draw into these axes; only for a fit with one variance component.
    style : str or Style
        Look of the figure.
    width_mm : float
        Exact width of a new figure.
    title : str, optional
        Printed above a new figure.

    Returns
    -------
    Figure
        Axes labelled "profile tau2", or "profile study", "profile effect" and "profile
        total", with a variance as x and the drop of the log-likelihood as y.

    Raises
    ------
    EstimationError
        For a fit that maximises no likelihood, or whose heterogeneity is not estimable.

    References
    ----------
    Hardy and Thompson (1996).
    """
    look = style_named(style)
    found = profiles(fit)
    chart = _chart(fit, found, look)
    if ax is not None and len(found) > 1:
        raise EstimationError(
            f"This fit has {len(found)} variances to draw, each in axes of its own: leave ax out."
        )
    return present(chart, look, ax=ax, width_mm=width_mm, title=title)


def profile_text(fit: PooledFit) -> str:
    """Describe the profiles for readers who cannot see them."""
    words = "; ".join(_words(found) for found in profiles(fit).values())
    return spoken(
        f"Profile likelihood of {size_text(fit)}: how far the log-likelihood falls as a variance "
        f"moves away from its estimate. {words}."
    )


def profiles(fit: PooledFit) -> dict[str, Profile]:
    """Return the profile of each variance component.

    Raises
    ------
    EstimationError
        For a fit that maximises no likelihood, or whose heterogeneity is not estimable.
    """
    if not math.isfinite(fit.tau2):
        raise EstimationError("The heterogeneity of this fit is not estimable: it has no profile.")
    if isinstance(fit, MultilevelFit):
        restricted = fit.tau2_method == "REML"
        return {
            name: _profile(
                _NAMES.get(name, f"Between levels of {name}, σ²"),
                lambda name=name: variance_drop(  # type: ignore[misc]
                    fit.data, fit.point, name, restricted=restricted
                ),
                fit.tau2 if name == TOTAL else float(fit.sigma2[name]),
                fit.sigma2_ci(name),
                fit,
            )
            for name in (*fit.sigma2, TOTAL)
        }
    if isinstance(fit, TwoLevelFit):
        ci = fit.tau2_profile_ci()
        effects = fit.effects
        X = np.ones((fit.n_effects, 1))
        drop = two_level_drop(
            effects.yi, effects.vi, X, fit.tau2, restricted=fit.tau2_method != "ML"
        )
        return {"tau2": _profile(_NAMES["tau2"], lambda: drop, fit.tau2, ci, fit)}
    raise EstimationError(
        f"A {fit.model} fit has no variance component whose likelihood could be drawn."
    )


def _profile(
    name: str,
    start: Callable[[], Callable[[float], float]],
    estimate: float,
    ci: Interval,
    fit: PooledFit,
) -> Profile:
    """Follow a profile from the estimate to either side, each from a fresh start."""
    lower, upper = _grid(estimate, ci)
    down = start()
    left = [down(float(v)) for v in reversed(lower)][::-1]
    up = start()
    right = [up(float(v)) for v in upper]
    values = np.concatenate([lower, [estimate], upper])
    drops = -0.5 * np.maximum(np.array([*left, 0.0, *right]), 0.0)
    return Profile(
        name=name, values=values, drop=drops, estimate=estimate, low=ci.low, high=ci.high,
        level=fit.level,
    )  # fmt: skip


def _grid(estimate: float, ci: Interval) -> tuple[Array, Array]:
    """Return values below and above the estimate, the limits of the interval among them."""
    high = ci.high if math.isfinite(ci.high) else 4 * max(estimate, 1e-6)
    end = high + 0.45 * (high - estimate)
    above = np.append(np.linspace(estimate, end, _SIDE + 1)[1:], high)
    if estimate <= 0:
        return np.empty(0), np.unique(above)
    start = max(0.0, ci.low - 0.45 * (estimate - ci.low))
    below = np.append(np.linspace(start, estimate, _SIDE + 1)[:-1], max(ci.low, 0.0))
    return np.unique(below), np.unique(above)


def _chart(fit: PooledFit, found: dict[str, Profile], style: Style) -> Chart:
    crit = float(chi2_isf(1 - fit.level, 1)) / 2
    panels = tuple(
        _panel(f"profile {key}", one, crit, first=i % ACROSS == 0)
        for i, (key, one) in enumerate(found.items())
    )
    notes = (own(f"{size_text(fit)}. {'; '.join(_words(one) for one in found.values())}."),)
    ink = {"color": style.ink, "linewidth": style.medium}
    entries = (
        Entry(Line2D([], [], color=style.accent, linewidth=1.4), own("Profile log-likelihood")),
        Entry(
            Line2D([], [], **ink, linestyle=(0, (4, 2))),  # type: ignore[arg-type]
            own(f"Drop at the limits of the {level_text(fit.level)} CI: {number(crit, 2)}"),
        ),
    )
    rows = tuple(panels[i : i + ACROSS] for i in range(0, len(panels), ACROSS))
    return Chart(rows=rows, legend=(entries,), notes=notes)


def _words(found: Profile) -> str:
    """Return name, estimate and interval of a variance."""
    before, between, after = "[", ", ", "]"
    low, high = number(found.low, 4), number(found.high, 4)
    value = f"{found.name} = {number(found.estimate, 4)}"
    return f"{value}, {level_text(found.level)} CI {before}{low}{between}{high}{after}"


def _panel(name: str, found: Profile, crit: float, *, first: bool) -> Panel:
    title: Line = own(found.name)
    values, drop = found.values, found.drop
    shown = drop >= -_DEPTH * crit
    values = values[shown]
    pad = 0.03 * float(np.ptp(values)) or 1e-6
    low = float(values.min())
    across = Numbers(
        low=low - pad, high=float(values.max()) + pad, wordings=(title,),
    )  # fmt: skip
    up = Numbers(
        low=max(float(drop.min()), -_DEPTH * crit) * 1.04,
        high=0.08 * crit,
        wordings=(own("Log-likelihood below its maximum"), own("Log-likelihood")) if first else (),
        upright=True,
    )
    return Panel(
        name=name,
        across=across,
        up=up,
        paint=lambda frame: _paint(frame, found, crit),
        height=48.0,
    )


def _paint(frame: Frame, found: Profile, crit: float) -> None:
    axes, style = frame.axes, frame.style
    (curve,) = axes.plot(found.values, found.drop, color=style.accent, linewidth=1.4, zorder=3)
    curve.set_label("profile")
    frame.level_line(-crit, "critical", linestyle=(0, (4, 2)), linewidth=style.medium)
    bottom = frame.up.low
    for limit, label in ((found.low, "low"), (found.high, "high")):
        if math.isfinite(limit) and frame.across.low <= limit <= frame.across.high:
            depth = float(np.interp(limit, found.values, found.drop))
            look = {"color": style.ink, "linewidth": style.thin, "linestyle": (0, (1, 1.5))}
            (line,) = axes.plot([limit, limit], [bottom, depth], **look)  # type: ignore[arg-type]
            line.set_label(label)
    (line,) = axes.plot(
        [found.estimate] * 2, [bottom, 0.0], color=style.ink, linewidth=style.thin, zorder=2
    )
    line.set_label("estimate")
    frame.points([found.estimate], [0.0], 1.8, "maximum", zorder=5)
