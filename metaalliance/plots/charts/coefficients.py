"""Coefficient plot of a meta-regression."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.interchange import pandas_frame
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.moderation.meta_regression import MetaRegression, meta_regression
from metaalliance.notices import quiet
from metaalliance.options import Measure
from metaalliance.plots.canvas.chart import present
from metaalliance.plots.canvas.fitting import Limits
from metaalliance.plots.canvas.interval_rows import IntervalRow, interval_chart, records
from metaalliance.plots.canvas.numbers import DASH
from metaalliance.plots.canvas.panels import Chart
from metaalliance.plots.canvas.scales import number_scale
from metaalliance.plots.canvas.sentences import listed, spoken
from metaalliance.plots.canvas.style import APA, Style, style_named
from metaalliance.plots.canvas.typeset import own
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text, level_text

#: Pages narrower than this, in mm, do without p values.
NARROW = 110.0

#: Room on either side of the intervals, as a share of their range.
ROOM = 0.1

#: Columns of the frame of coefficients.
COLUMNS = ("term", "estimate", "ci_low", "ci_high")

#: Names of the term that is no difference.
INTERCEPTS = ("intercept", "Intercept", "mean", "(Intercept)")


def coefficients(
    result: MetaRegression | RegressionFit | pd.DataFrame,
    *,
    intercept: bool = False,
    names: Mapping[str, str] | None = None,
    measure: Measure = "z",
    level: float = 0.95,
    ax: Axes | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
    limits: Limits | None = None,
) -> Figure:
    """Draw the coefficients of a meta-regression with their intervals.

    Coefficients are on the analysis scale: differences of Fisher z are no differences of r.

    Parameters
    ----------
    result : MetaRegression, RegressionFit or DataFrame
        A result of `metaalliance.meta_regression`, or a frame with a row per coefficient:
        term, estimate, ci_low, ci_high and, if there is one, p_value.
    intercept : bool
        Whether the intercept is drawn.
    names : mapping of str to str, optional
        What terms are called in the figure.
    measure, level
        Of a frame.
    ax, style, width_mm, title, limits
        As for `funnel`.

    Returns
    -------
    Figure
        Its axes labelled "coefficients" have the analysis scale as x and terms from 0
        downwards as y. A filled point has an interval without zero.

    Raises
    ------
    OptionError
        When a column is missing, or there is no coefficient to draw.
    """
    look, known = style_named(style), {**term_names(result), **(names or {})}
    references = reference_note(result)
    result = _fit(result)
    if isinstance(result, RegressionFit):
        measure, level = result.measure, result.level
    chart = _chart(
        coefficient_frame(result, intercept=intercept, names=known), measure, level, look,
        note=f"{_note(result, look)} {references}".strip(), wide=width_mm >= NARROW,
    )  # fmt: skip
    return present(chart, look, ax=ax, width_mm=width_mm, title=title, limits=limits)


def coefficients_text(
    result: MetaRegression | RegressionFit | pd.DataFrame,
    *,
    intercept: bool = False,
    level: float = 0.95,
) -> str:
    """Describe the plot for readers who cannot see it."""
    names, references = term_names(result), reference_note(result)
    result = _fit(result)
    frame = coefficient_frame(result, intercept=intercept, names=names)
    percent = level_text(result.level if isinstance(result, RegressionFit) else level)
    digits = _digits(frame)
    words = [
        f"{row.term} {number(row.estimate, digits)}, {percent} CI "
        f"[{number(row.ci_low, digits)}, {number(row.ci_high, digits)}]"
        for row in records(frame)
    ]
    return spoken(
        f"Coefficients of a meta-regression. {listed(words)}. {_note(result, APA)} {references}"
    )


def moderator_coefficients(fit: PooledFit, *, by: str | Sequence[str], **settings: Any) -> Figure:
    """Draw the coefficients of a meta-regression of a fit's effects on some moderators.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`, whose model and settings are taken.
    by : sequence of str, or str
        Moderators, or their names with commas between them, one term each: levels against
        the level with most studies, years per decade.
    **settings
        As for `coefficients`.
    """
    return coefficients(_regressed(fit, by), **settings)


def moderator_coefficients_text(fit: PooledFit, *, by: str | Sequence[str]) -> str:
    """Describe the plot for readers who cannot see it."""
    return coefficients_text(_regressed(fit, by))


def _regressed(fit: PooledFit, by: str | Sequence[str]) -> MetaRegression:
    """Regress on all columns; warnings stay in the notices."""
    asked: Any = fit.specification.asked
    names = by.split(",") if isinstance(by, str) else by
    formula = " + ".join(f"`{name.strip()}`" for name in names if name.strip())
    with quiet():
        return meta_regression(fit.effects, formula, model=asked)


def term_names(result: MetaRegression | RegressionFit | pd.DataFrame) -> dict[str, str]:
    """Return what the terms of a formula are called: "Modality: CBT", "Year (per decade)"."""
    if not isinstance(result, MetaRegression):
        return {}
    units = {v.name: v.unit for v in result.design.variables if not v.levels}
    found = {}
    for term in result.names:
        parts = [_factor_name(part, units) for part in term.split(":")]
        found[term] = " × ".join(parts)
    return found


def _factor_name(part: str, units: Mapping[str, str]) -> str:
    """Return the name of one variable of a term."""
    name, _, level = part.partition("[")
    shown = name.replace("_", " ")
    shown = shown[:1].upper() + shown[1:]
    if level.endswith("]"):
        return f"{shown}: {level[:-1]}"
    unit = units.get(part, "")
    return f"{shown} ({unit})" if unit and unit != "per unit" else shown


def reference_note(result: MetaRegression | RegressionFit | pd.DataFrame) -> str:
    """Return the reference level of each moderator, as a sentence."""
    if not isinstance(result, MetaRegression):
        return ""
    words = [
        f"{v.name.replace('_', ' ')}: {v.levels[0]}" for v in result.design.variables if v.levels
    ]
    return f"Reference levels: {'; '.join(words)}.".replace("*", "") if words else ""


def _fit(result: MetaRegression | RegressionFit | pd.DataFrame) -> RegressionFit | pd.DataFrame:
    return result.fit if isinstance(result, MetaRegression) else result


def coefficient_frame(
    result: RegressionFit | pd.DataFrame, *, intercept: bool, names: Mapping[str, str]
) -> pd.DataFrame:
    """Return the coefficients that are drawn, by the names that are printed.

    Raises
    ------
    OptionError
        When a column is missing, or none is left.
    """
    frame = result.to_frame() if isinstance(result, RegressionFit) else pandas_frame(result)
    lost = [c for c in COLUMNS if c not in frame]
    if lost:
        raise OptionError(f"The frame of coefficients has no column {lost[0]!r}.")
    kept = frame if intercept else frame[~frame["term"].isin(INTERCEPTS)]
    if kept.empty:
        raise OptionError("There is no coefficient beside the intercept: pass intercept=True.")
    return kept.assign(term=[names.get(str(t), str(t)) for t in kept["term"]])


def _digits(frame: pd.DataFrame) -> int:
    """Return the decimals that show the smallest half-width with one digit, two to four."""
    half = (frame["ci_high"] - frame["ci_low"]).to_numpy(dtype=float) / 2
    half = half[np.isfinite(half) & (half > 0)]
    return int(np.clip(1 - math.floor(math.log10(half.min())), 2, 4)) if half.size else 2


def _chart(
    frame: pd.DataFrame, measure: Measure, level: float, style: Style, *, note: str, wide: bool
) -> Chart:
    digits = _digits(frame)
    has_p = wide and "p_value" in frame
    rows = [
        IntervalRow(
            name=str(row.term),
            estimate=float(row.estimate),
            low=float(row.ci_low),
            high=float(row.ci_high),
            cells=_cells(row, digits, style, has_p=has_p),
            strong=not row.ci_low <= 0 <= row.ci_high,
        )
        for row in records(frame)
    ]
    heads = [own(f"*b* [{level_text(level)} CI]"), *([own("*p*")] if has_p else [])]
    scale = {"z": "Fisher *z*", "r": "*r*", "r-unbiased": "*r*", "generic": "effect size"}[measure]
    values = frame[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float).ravel()
    return interval_chart(
        rows,
        number_scale(
            [*values, 0.0], (own(f"Coefficient ({scale})"), own("Coefficient")), margin=ROOM
        ),
        heads,
        name="coefficients",
        notes=[own(note)] if note else [],
    )


def _cells(row: object, digits: int, style: Style, *, has_p: bool) -> tuple[str, ...]:
    """Return "b [low, high]" and p."""
    values = (float(getattr(row, name)) for name in ("estimate", "ci_low", "ci_high"))
    b, low, high = (number(v, digits) for v in values)
    text = b if low == DASH else " ".join((b, *style.words.bounded(low, high)))
    if not has_p:
        return (text,)
    p = style.words.p_text(float(row.p_value))  # type: ignore[attr-defined]
    return text, p.removeprefix("=").strip()


def _note(result: RegressionFit | pd.DataFrame, style: Style) -> str:
    """Return size, residual heterogeneity and what a filled point is."""
    filled = "Filled points: interval without zero."
    if not isinstance(result, RegressionFit):
        return filled
    size = count_text(result.n_studies, "study", "studies")
    if result.n_effects != result.n_studies:
        size += f", {count_text(result.n_effects, 'effect')}"
    tau = f" Residual τ = {number(result.tau, 2)}." if math.isfinite(result.tau2) else ""
    heterogeneity = (
        f" *QE*({result.QE_df}) = {number(result.QE, 2)}, *p* "
        f"{style.words.p_text(result.QE_p_value)}."
    )
    return f"{size}.{tau}{heterogeneity} {filled}"
