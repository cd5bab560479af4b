"""Published pooled results as a forest plot, with a result of one's own below them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal

from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import Measure, check_option
from metaalliance.plots.canvas.numbers import size_text
from metaalliance.plots.canvas.page import check_width
from metaalliance.plots.canvas.sentences import decimal, estimate_sentence, pooled_sentence, spoken
from metaalliance.plots.canvas.style import APA, Style, drawing, style_named
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.forests.draw import draw_page
from metaalliance.plots.forests.layout import place_columns
from metaalliance.plots.forests.lines import EFFECT, ColumnSpec, Heading, Table, TableLine
from metaalliance.plots.forests.pages import Pages, fewest
from metaalliance.plots.forests.plan import directions_of
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.forests.tables import is_cut, pooled_line, prediction_line, table_axis
from metaalliance.plots.options import Comparison
from metaalliance.plots.published import LEVEL, Published, published_results
from metaalliance.plots.words import ARROWS, beyond_text, heterogeneity_text, model_text, sentences
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import level_text

#: Area of the largest square, as a multiple of those of published results.
LARGEST = 2.0

#: What is said of results that are no correlations, and of those whose sign is turned.
NO_CORRELATIONS = (
    "A result printed as *d* or *g* has its value beside it and no mark: it is no correlation, and "
    "what a conversion needs is not printed with it."
)
TURNED = "Sign turned: the outcome counts symptoms, and the printed *r* is negative."


def comparison_forest(
    fit: PooledFit | None = None,
    *,
    compare: Comparison = "published",
    prediction: str | None = None,
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
    limits: tuple[float, float] | None = None,
    directions: tuple[str, str] | None = None,
) -> Figure:
    """Draw published pooled results, and a result of one's own below them on the same axis.

    Nothing is computed: published results are drawn as printed, those without an interval as
    squares alone. Where a review prints a negative *r* because its outcome counts symptoms, the
    sign is turned, and the row says so. A result that is no correlation (*d*, *g*) is listed with
    its value and has no mark. No name is cut: a page too narrow for that is refused.

    Parameters
    ----------
    fit : PooledFit, optional
        A result of `pool`; without one, the published results stand alone.
    compare : {"published"}
        The results that are drawn above it.
    prediction : {"bar", "line", "density", "none"}, optional
        How its prediction interval is drawn; by default as the style does.
    style, width_mm, title, limits, directions
        As for `forest`.

    Returns
    -------
    Figure
        Its axes labelled "forest" have the scale of the fit as x, Fisher z without one. Squares
        do not show weights.

    Raises
    ------
    OptionError
        When the effects of the fit are no correlations, for another value of `compare`, or for a
        page that is too narrow.
    """
    look = style_named(style)
    with drawing(look):
        plot = _plot(
            fit, look, compare=compare, prediction=prediction, width_mm=width_mm, title=title,
            limits=limits, directions=directions,
        )  # fmt: skip
        return draw_page(plot, plot.table.lines)


def paged_comparison(
    fit: PooledFit | None = None, *, style: str | Style = "apa", **options: Any
) -> Pages:
    """Return the pages of `comparison_forest`, to be drawn one by one."""
    look = style_named(style)
    with drawing(look):
        return Pages(*fewest(lambda style: _plot(fit, style, **options), look))


def _plot(
    fit: PooledFit | None,
    look: Style,
    *,
    compare: Comparison = "published",
    prediction: str | None = None,
    width_mm: float = 174,
    title: str | None = None,
    limits: tuple[float, float] | None = None,
    directions: tuple[str, str] | None = None,
) -> Plot:
    """Place everything."""
    check_option("compare", compare, Comparison)
    width, measure = check_width(width_mm), _measure(fit)
    if fit is None:  # there is no mean to mark
        look = replace(look, forest=replace(look.forest, mean_line="none"))
    table = _table(fit, measure, look, prediction)
    axis = table_axis(table, None, look, limits)
    foot = tuple(own(text) for text in _foot(fit, look, cut=is_cut(table, axis)))
    return Plot(
        table=table,
        columns=place_columns(table, width, look),
        axis=axis,
        style=look,
        width=width,
        title=title or "",
        mean=math.nan if fit is None else fit.estimate,
        reference=None,
        heaviest=LARGEST,
        foot=look.under(foot[:1], foot),
        caption=foot,
        directions=directions_of(look, directions),
    )


def comparison_text(
    fit: PooledFit | None = None, *, compare: Comparison = "published", **_: Any
) -> str:
    """Describe the plot for readers who cannot see it, with the source of each result."""
    check_option("compare", compare, Comparison)
    _measure(fit)
    results = published_results()
    years = [result.year for result in results]
    parts = [
        f"Forest plot of {len(results)} published pooled results, {min(years)} to {max(years)}."
    ]
    for group, members in groupby(results, lambda result: result.group):
        parts.append(f"{group}: {'; '.join(_told(result) for result in members)}.")
    if fit is not None:
        parts.append(f"Below them the result of this review, from {size_text(fit)}.")
        parts.append(pooled_sentence(fit))
    return spoken(" ".join(parts))


def _told(result: Published) -> str:
    """Return one result in words, with its source."""
    about = f", {result.about}" if result.about else ""
    if result.effect != "r":
        shown = f"{_printed(result, APA)}, not drawn"
    else:
        shown = estimate_sentence(*result.correlation(), "r", LEVEL)
        shown += f" ({_printed(result, APA)} in print)" if result.turned else ""
    return f"{result.label}{about}, {shown} ({result.source})"


def _measure(fit: PooledFit | None) -> Measure:
    """Return the scale of the axis."""
    if fit is None:
        return "z"
    if fit.measure == "generic":
        raise OptionError(
            "The published results are correlations: a result of other effect sizes cannot be "
            "compared with them on one axis."
        )
    return fit.measure


def _table(fit: PooledFit | None, measure: Measure, style: Style, prediction: str | None) -> Table:
    """Return the lines: published results in groups, then the result of the fit."""
    look = style.forest
    columns = _columns(style)
    lines: list[TableLine] = []
    for group, members in groupby(published_results(), lambda result: result.group):
        lines.append(Heading(label=user(group, bold=look.bold_group)))
        lines.extend(_row(result, measure, columns, style) for result in members)
    if fit is not None:
        words = "This review"
        if fit.level != LEVEL:
            words += f" ({level_text(fit.level)} CI)"
        cells = {"k": f"{fit.n_studies:,}"}
        label = own(words, bold=look.bold_total)
        lines.append(pooled_line(fit, label, _cells(columns, cells), overall=True))
        lines.extend(prediction_line(fit, style, prediction))
    return Table(
        label_header=own("Review", bold=look.bold_head),
        columns=columns,
        panel_header=_heads(look.panel_head, style),
        lines=tuple(lines),
        indented=True,
        whole=True,
        measure=measure,
        level=LEVEL,
        wording=style.words,
        bold=look.bold_head,
    )


def _columns(style: Style) -> tuple[ColumnSpec, ...]:
    """Return what each result is about, its size, and the effects where the style has them."""
    look = style.forest
    left = [
        ColumnSpec(
            name="about",
            header=(own("About", bold=look.bold_head),),
            side="left",
            numeric=False,
        ),
        ColumnSpec(name="k", header=(own("*k*", bold=look.bold_head),), side="left", optional=True),
    ]
    effect = _heads(look.effect_head, style)
    side: Literal["left", "right"] = "left" if EFFECT in look.left else "right"
    return (*left, ColumnSpec(name=EFFECT, header=effect, side=side))


def _heads(templates: tuple[str, ...], style: Style) -> tuple[Line, ...]:
    """Return heads of correlations; reviews pooled by models of their own."""
    texts = (text.replace("IV, {model}, ", "") for text in templates)
    values = {"effect": "r", "name": "Correlation", "level": level_text(LEVEL)}
    return tuple(own(text.format(**values), bold=style.forest.bold_head) for text in texts)


def _row(
    result: Published, measure: Measure, columns: tuple[ColumnSpec, ...], style: Style
) -> StudyRow:
    estimate, low, high = _placed(result, measure)
    about = result.about
    if result.effect != "r":
        about += f": {_printed(result, style)}"
    elif result.turned:
        about += ", sign turned"
    return StudyRow(
        label=result.label,
        cells=_cells(columns, {"about": about, "k": result.k}),
        estimate=estimate,
        low=low,
        high=high,
        weight=1.0,
        printed=result.correlation(),
    )


def _placed(result: Published, measure: Measure) -> tuple[float, float, float]:
    """Return a result with its limits on the scale of the axis."""
    r, low, high = result.correlation()
    if measure == "z":
        return math.atanh(r), math.atanh(low), math.atanh(high)
    return r, low, high


def _cells(columns: tuple[ColumnSpec, ...], texts: dict[str, str]) -> tuple[str, ...]:
    return tuple(texts.get(column.name, "") for column in columns)


def _printed(result: Published, style: Style) -> str:
    """Return what the review prints, such as "d = 0.55"."""
    if result.effect == "r":
        return f"r = {decimal(result.estimate, style)}"
    return f"{result.effect} = {number(result.estimate, 2)}"


def _foot(fit: PooledFit | None, style: Style, *, cut: bool) -> tuple[str, ...]:
    """Return what has to be known about the marks, and the model of the fit."""
    results, line = published_results(), style.forest.mean_line
    marks = [
        "Squares, all of one size: published pooled results to two decimals, with "
        f"{level_text(LEVEL)} confidence intervals where a review gives one. *k*: studies or "
        "samples. The reviews share studies."
    ]
    if fit is not None:
        mean = "Diamond" if line == "none" else f"Diamond and {line} line"
        marks.append(f"{mean}: this review, {level_text(fit.level)} CI.")
        marks.append(beyond_text(fit))
    if cut:
        marks.append(ARROWS)
    if any(result.effect != "r" for result in results):
        marks.append(NO_CORRELATIONS)
    if any(result.turned for result in results):
        marks.append(TURNED)
    if fit is None:
        return (sentences(marks),)
    model = f"This review: {model_text(fit, style.words)} {heterogeneity_text(fit, style.words)}"
    return sentences(marks), model
