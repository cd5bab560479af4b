"""What a figure says in words: heterogeneity, test, model, and the text for who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, get_args

from metaalliance.models.fits import PooledFit
from metaalliance.models.text import number
from metaalliance.options import check_option
from metaalliance.plots.numbers import (
    effect_text,
    interval_text,
    level_text,
    p_text,
    percent_text,
    size_text,
)
from metaalliance.plots.typeset import Line, own, user

MODELS = {
    "common-effect": "Common-effect model",
    "two-level": "Two-level random-effects model",
    "three-level": "Three-level random-effects model",
    "che": "Correlated and hierarchical effects model",
}

TESTS = {
    "wald": "Wald test",
    "t": "*t* test",
    "knapp-hartung": "Knapp–Hartung test",
    "knapp-hartung-adhoc": "Knapp–Hartung test with ad hoc correction",
    "cr0": "CR0 cluster-robust test",
    "cr1": "CR1 cluster-robust test",
    "cr2": "CR2 cluster-robust test",
}

Kind = Literal["forest", "summary-forest", "funnel"]


def heterogeneity_text(fit: PooledFit) -> str:
    """Return Q, tau and I² with stars around the symbols."""
    if fit.Q_df < 1:
        return "Heterogeneity: not estimable from one effect."
    text = f"Heterogeneity: *Q*({fit.Q_df}) = {number(fit.Q, 2)}, *p*{p_text(fit.Q_p_value)}"
    return f"{text}{_spread_text(fit)}."


def _spread_text(fit: PooledFit) -> str:
    """Return tau, unless the model says there is none, and I²."""
    if not math.isfinite(fit.I2):
        return ""
    tau = "" if fit.model == "common-effect" else f", τ = {number(fit.tau, 2)}"
    return f"{tau}, *I*² = {percent_text(fit.I2)}"


def mean_test_text(fit: PooledFit) -> str:
    """Return the test of the overall mean with stars around the symbols."""
    if not math.isfinite(fit.statistic):
        return ""
    symbol = "*z*" if math.isinf(fit.df) else f"*t*({_df_text(fit.df)})"
    value = number(fit.statistic, 2)
    return f"Test of the overall mean: {symbol} = {value}, *p*{p_text(fit.p_value)}."


def _df_text(df: float) -> str:
    return number(df, 0 if float(df).is_integer() else 1)


def model_text(fit: PooledFit) -> str:
    """Return model, assumed correlation, estimator and test."""
    settings = fit.settings()
    parts = [MODELS.get(fit.model, fit.model)]
    if fit.model == "che":
        parts[0] += f" (ρ = {number(settings['rho'], 2, correlation=True)})"
    if "tau2" in settings:
        parts.append(str(settings["tau2"]))
    parts.append(TESTS.get(fit.test, fit.test))
    return ", ".join(parts) + "."


def level_name(level: str) -> str:
    """Return the name of a level with a capital, unless it has capitals of its own.

    Examples
    --------
    >>> level_name("third-wave"), level_name("iCBT")
    ('Third-wave', 'iCBT')
    """
    return level[:1].upper() + level[1:] if level.islower() else level


def level_notes(fit: PooledFit) -> tuple[Line, ...]:
    """Return the heterogeneity of one group, from the longest wording to the shortest."""
    studies, spread = f"*k* = {fit.n_studies}", _spread_text(fit)
    if fit.n_studies == 1 or not spread:
        return (own(studies),)
    return own(studies + spread), own(spread[2:]), own(f"*I*² = {percent_text(fit.I2)}")


def other_models(fit: PooledFit, fits: Mapping[str, PooledFit]) -> tuple[Line, ...]:
    """Name the groups with a mean of their own that are pooled by another model or test."""
    groups: dict[tuple[str, str], list[str]] = {}
    for level, found in fits.items():
        if found.n_studies > 1 and (found.model, found.test) != (fit.model, fit.test):
            groups.setdefault((found.model, found.test), []).append(level_name(level))
    return tuple(
        (*user(", ".join(names)), *own(f": {MODELS[model]}, {TESTS[test]}."))
        for (model, test), names in groups.items()
    )


#: Said where an arrow is drawn.
ARROWS = "Arrows: the interval goes on beyond the axis."


def prediction_labels(level: float) -> tuple[Line, ...]:
    """Return the label of the prediction interval, from the longest wording to the shortest."""
    percent = level_text(level)
    return own(f"{percent} prediction interval"), own("Prediction interval"), own(f"{percent} PI")


def alt_text(fit: PooledFit, kind: Kind = "forest") -> str:
    """Describe a figure in one paragraph for readers who cannot see it.

    Parameters
    ----------
    fit : PooledFit
        What the figure shows.
    kind : {"forest", "summary-forest", "funnel"}
        Which figure.

    Raises
    ------
    OptionError
        For another kind.

    Examples
    --------
    >>> import textwrap
    >>> from metaalliance import Effects, pool
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.4], [0.01] * 3, measure="z")
    >>> print(textwrap.fill(alt_text(pool(effects, model="common-effect"), "funnel"), 92))
    Funnel plot of 3 studies. Standard errors are plotted against effects, with shaded zones of
    statistical significance around zero. The pooled correlation is r = .29, 95% CI [.18, .39].
    Heterogeneity: Q(2) = 2.00, p = .368, I² = 0%.
    """
    check_option("kind", kind, Kind)
    opening = dict(
        zip(
            get_args(Kind),
            (
                f"Forest plot of {size_text(fit)}. Each study is a square with its interval.",
                f"Forest plot of the levels of a moderator, from {size_text(fit)}.",
                f"Funnel plot of {size_text(fit)}. Standard errors are plotted against effects, "
                "with shaded zones of statistical significance around zero.",
            ),
            strict=True,
        )
    )[kind]
    return f"{opening} {_mean_text(fit)} {heterogeneity_text(fit)}".replace("*", "")


def _mean_text(fit: PooledFit) -> str:
    percent = level_text(fit.level)
    noun = "effect is" if fit.measure == "generic" else "correlation is r ="
    text = (
        f"The pooled {noun} {effect_text(fit.estimate, fit.measure)}, {percent} CI "
        f"{interval_text(fit.ci_low, fit.ci_high, fit.measure)}"
    )
    if math.isfinite(fit.pi_low):
        limits = interval_text(fit.pi_low, fit.pi_high, fit.measure)
        text += f", {percent} prediction interval {limits}"
    return text + "."
