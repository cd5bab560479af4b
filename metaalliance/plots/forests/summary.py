"""Summary forest plot: one row per level of a moderator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.level_means import LevelMean, LevelMeans, Pooling, level_means
from metaalliance.moderation.result import ModeratorTest
from metaalliance.plots.between import between_text
from metaalliance.plots.canvas.numbers import DASH
from metaalliance.plots.canvas.page import check_width
from metaalliance.plots.canvas.style import Style, drawing, style_named
from metaalliance.plots.canvas.typeset import Line, own, user
from metaalliance.plots.forests.draw import draw_page
from metaalliance.plots.forests.layout import place_columns
from metaalliance.plots.forests.lines import ColumnSpec, Pooled, Table
from metaalliance.plots.forests.pages import Pages, fewest
from metaalliance.plots.forests.plan import directions_of
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.tables import (
    Reference,
    column_header,
    effect_header,
    is_cut,
    panel_header,
    pooled_line,
    prediction_line,
    reference_mark,
    table_axis,
)
from metaalliance.plots.groups import level_name
from metaalliance.plots.words import (
    ARROWS,
    beyond_text,
    groups_text,
    heterogeneity_text,
    mean_test_text,
    model_text,
    other_models,
    sentences,
    unpooled_text,
)
from metaalliance.wording.phrases import level_text, percent_text

#: Pages narrower than this, in mm, have letters over the counts; the foot explains them.
NARROW = 110.0

HEADS = ("Studies", "Effects", "Participants")
LETTERS = ("*k*", "*m*", "*N*")

#: Names of these columns; that of participants is left out where there is no space for it.
COUNTS = ("studies", "effects", "n")


def summary_forest(
    fit: PooledFit,
    by: str | ModeratorTest,
    *,
    pool: Pooling = "joint",
    style: str | Style = "apa",
    width_mm: float = 174,
    title: str | None = None,
    reference: Reference | None = None,
    limits: tuple[float, float] | None = None,
    directions: tuple[str, str] | None = None,
) -> Figure:
    """Draw the pooled result of each level of a moderator, and of all studies, on one page.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    by : str or ModeratorTest
        A column of the effects, or a result of `metaalliance.moderators`, whose levels are drawn
        as they were tested.
    pool : {"joint", "apart"}
        The means of levels come from one model, as `metaalliance.moderators` gives them, where
        a level of fewer than 3 studies has none; or each level is pooled on its own.
    style, width_mm, title, reference, limits, directions
        As for `forest`.

    Returns
    -------
    Figure
        Diamonds are confidence intervals, the lines behind them prediction intervals.

    Raises
    ------
    OptionError
        When the effects have no such column.
    """
    look = style_named(style)
    with drawing(look):
        plot = _plot(
            fit, by, look, pool=pool, width_mm=width_mm, title=title, reference=reference,
            limits=limits, directions=directions,
        )  # fmt: skip
        return draw_page(plot, plot.table.lines)


def paged_summary(
    fit: PooledFit, by: str | ModeratorTest, *, style: str | Style = "apa", **options: Any
) -> Pages:
    """Return the pages of `summary_forest`, to be drawn one by one."""
    look = style_named(style)
    with drawing(look):
        return Pages(*fewest(lambda style: _plot(fit, by, style, **options), look))


def _plot(
    fit: PooledFit,
    by: str | ModeratorTest,
    look: Style,
    *,
    pool: Pooling = "joint",
    width_mm: float = 174,
    title: str | None = None,
    reference: Reference | None = None,
    limits: tuple[float, float] | None = None,
    directions: tuple[str, str] | None = None,
) -> Plot:
    """Place everything."""
    width = check_width(width_mm)
    if isinstance(by, str) and by not in fit.effects.frame:
        known = ", ".join(map(repr, fit.effects.moderators))
        raise OptionError(f"by={by!r}: the effects have no such moderator; they have {known}.")
    means = level_means(fit, by, pool)
    counts = _counts(fit, means)
    letters = width < NARROW
    table = _table(fit, means, LETTERS if letters else HEADS, look)
    marked = reference_mark(reference, fit.measure, zero=look.words.leading_zero)
    axis = table_axis(table, marked, look, limits)
    columns = place_columns(table, width, look)
    shown = {table.columns[column.index].name for column in columns.text}
    lettered = tuple(i for i in counts if letters and COUNTS[i] in shown)
    foot = (
        *_foot(fit, means, lettered, look, cut=is_cut(table, axis)),
        *other_models(fit, means),
    )
    return Plot(
        table=table,
        columns=columns,
        axis=axis,
        style=look,
        width=width,
        title=title or "",
        mean=fit.estimate,
        reference=marked,
        heaviest=1.0,
        foot=look.under(_brief(fit, means, lettered, look), foot),
        caption=foot,
        directions=directions_of(look, directions),
    )


def _counts(fit: PooledFit, means: LevelMeans) -> tuple[int, ...]:
    """Return which of `HEADS` there is something to say under."""
    effects = (1,) if fit.effects.dependent() else ()
    people = (
        (2,) if fit.n_participants and all(level.n_participants for level in means.levels) else ()
    )
    return (0, *effects, *people)


def _table(fit: PooledFit, means: LevelMeans, heads: Sequence[str], look: Style) -> Table:
    """Return the table: counts left, effects and I² where the style has effects and weights."""
    counts, bold = _counts(fit, means), look.forest.bold_head
    sides = {"left": look.forest.left, "right": look.forest.right}
    columns = [
        ColumnSpec(
            name=COUNTS[i],
            header=(own(heads[i], bold=bold),),
            side="left",
            optional=COUNTS[i] == "n",
        )
        for i in counts
    ]
    for side, names in sides.items():
        for name in names:
            if name == "effect":
                header = effect_header(fit, look)
                columns.append(ColumnSpec(name=name, header=header, side=side))  # type: ignore[arg-type]
            elif name == "weight":
                header = (own("*I*²", bold=bold),)
                columns.append(ColumnSpec(name="I2", header=header, side=side, optional=True))  # type: ignore[arg-type]
    order = [spec.name for spec in columns]
    levels = [_level_line(x, user(level_name(x.name)), counts, order) for x in means.levels]
    total = look.forest.total.format(level=level_text(fit.level))
    last = _level_line(fit, own(total, bold=look.forest.bold_total), counts, order)
    overall = replace(last, overall=True, spread=(math.nan, math.nan))
    return Table(
        label_header=column_header(means.by, look),
        columns=tuple(columns),
        panel_header=panel_header(fit, look),
        lines=(*levels, overall, *prediction_line(fit, look)),
        indented=False,
        measure=fit.measure,
        level=fit.level,
        wording=look.words,
        bold=bold,
    )


def _level_line(
    fit: PooledFit | LevelMean, label: Line, counts: tuple[int, ...], names: Sequence[str]
) -> Pooled:
    sizes = (fit.n_studies, fit.n_effects, fit.n_participants or 0)
    share = percent_text(fit.I2) if fit.Q_df > 0 and math.isfinite(fit.I2) else DASH
    cells = [f"{sizes[i]:,}" for i in counts]
    cells += ["" if name == "effect" else share for name in names[len(cells) :]]
    line = pooled_line(fit, label, tuple(cells))
    return replace(line, spread=(fit.pi_low, fit.pi_high))


def _foot(
    fit: PooledFit, means: LevelMeans, lettered: tuple[int, ...], look: Style, *, cut: bool
) -> tuple[Line, ...]:
    """Return the sentences under the table; `lettered` counts have a letter to explain."""
    marks = _marks(fit)
    if cut:
        marks.append(ARROWS)
    if beyond := beyond_text(fit):
        marks.append(beyond)
    marks += _letters(lettered)
    texts = (
        " ".join(marks),
        sentences((heterogeneity_text(fit, look.words), mean_test_text(fit, look.words))),
        between_text(means, look.words),
        f"Model: {model_text(fit, look.words)}",
        groups_text(means, look.words, sign=f"{DASH} = not pooled"),
    )
    return tuple(own(text) for text in texts if text)


def _marks(fit: PooledFit) -> list[str]:
    percent = level_text(fit.level)
    marks = [f"Diamonds: {percent} confidence intervals."]
    if math.isfinite(fit.pi_low):
        marks.append(f"Lines: {percent} prediction intervals.")
    return marks


def _letters(lettered: tuple[int, ...]) -> list[str]:
    """Explain the letters over counts, where there are some."""
    told = ", ".join(f"{LETTERS[i]} = {HEADS[i].lower()}" for i in lettered)
    return [f"{told}."] if told else []


def _brief(
    fit: PooledFit, means: LevelMeans, lettered: tuple[int, ...], look: Style
) -> tuple[Line, ...]:
    """Return what the figure cannot be read without: marks, letters, and the test of levels."""
    texts = (
        " ".join((*_marks(fit), *_letters(lettered))),
        sentences((between_text(means, look.words), unpooled_text(means, f"{DASH} = not pooled"))),
    )
    return tuple(own(text) for text in texts if text)


def pooling_note(fit: PooledFit, by: str, noun: str) -> str:
    """Return what pooled the levels of `by`, called by a noun in the plural, as a sentence."""
    means = level_means(fit, by, "joint")  # as figures ask, which are remembered
    return groups_text(means, noun=noun, sign=f"{DASH} = not pooled")
