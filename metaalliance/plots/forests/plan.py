"""The plan of a forest plot: its table, columns, axis and sentences, before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypedDict

from metaalliance.effects.ratings import rating_columns
from metaalliance.model import RHO
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.level_means import LevelMeans, Pooling, level_means
from metaalliance.options import check_option
from metaalliance.plots.between import between_text
from metaalliance.plots.canvas.page import check_width
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.canvas.typeset import ROUNDING, Line, line_width, own, user
from metaalliance.plots.forests.choice import Choice, choose
from metaalliance.plots.forests.layout import Columns, place_columns
from metaalliance.plots.forests.lines import Pooled, Table, join_notes
from metaalliance.plots.forests.look import PredictionMark
from metaalliance.plots.forests.measure import INDENT
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.forests.tables import (
    Reference,
    forest_table,
    is_cut,
    reference_mark,
    table_axis,
)
from metaalliance.plots.words import (
    ARROWS,
    averaging_text,
    beyond_text,
    groups_text,
    heterogeneity_text,
    mean_test_text,
    model_text,
    other_models,
    sentences,
    unpooled_text,
)
from metaalliance.wording.phrases import level_text

#: Share of the page that the plot has to keep for notes to stand beside their subtotals.
WIDE_PANEL = 0.38


#: Said where averages have two intervals.
THIN = "Thin lines: with the variance of effects within studies."


class ForestOptions(TypedDict, total=False):
    """Options of a forest plot beside its style, as `forest` explains them."""

    by: str | None
    columns: Sequence[str] | str
    right_columns: Sequence[str] | str
    sort: str
    effects: str
    pool: Pooling
    prediction: str | None
    width_mm: float
    title: str | None
    reference: Reference | None
    limits: tuple[float, float] | None
    directions: tuple[str, str] | None


def plan(
    fit: PooledFit,
    look: Style,
    *,
    prediction: str | None = None,
    width_mm: float = 174,
    title: str | None = None,
    reference: Reference | None = None,
    limits: tuple[float, float] | None = None,
    directions: tuple[str, str] | None = None,
    **shown: Any,
) -> Plot:
    """Collect the rows, place the columns and choose the axis; `shown` is for `choose`."""
    choice = choose(fit, look, **shown)
    width = check_width(width_mm)
    if prediction is not None:
        check_option("prediction", prediction, PredictionMark)
    means = level_means(fit, choice.by, choice.pool) if choice.grouped else None
    table = forest_table(fit, means, choice, look, prediction)
    table, placed = _arranged(table, width, look)
    studies = [line for line in table.lines if isinstance(line, StudyRow)]
    marked = reference_mark(reference, fit.measure, zero=look.words.leading_zero)
    axis = table_axis(table, marked, look, limits)
    tests = (
        heterogeneity_text(fit, look.words),
        mean_test_text(fit, look.words),
        between_text(means, look.words) if means is not None else "",
    )
    beside = tuple(own(text) for text in tests if text) if look.forest.notes_beside else ()
    above = () if beside else (own(sentences(tests)),)
    further = (
        own(f"Model: {model_text(fit, look.words)}"),
        *((own(groups_text(means, look.words)),) if means is not None else ()),
        *_notes(fit, studies, choice, look, cut=is_cut(table, axis)),
        *other_models(fit, means),
        *_lights(fit, table),
    )
    marks = own(_marks(fit, studies, means))
    brief = (*above, *((marks,) if marks else ()), *_lights(fit, table))
    return Plot(
        table=table,
        columns=placed,
        axis=axis,
        style=look,
        width=width,
        title=title or "",
        mean=fit.estimate,
        reference=marked,
        heaviest=max(row.weight for row in studies),
        beside=look.under(beside, beside),
        foot=look.under(brief, (*above, *further)),
        caption=(*(beside or above), *further),
        directions=directions_of(look, directions),
    )


def directions_of(look: Style, own_words: tuple[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Return the wordings of what lies on either side of zero."""
    return look.forest.directions if own_words is None else (own_words,)


def _arranged(table: Table, width: float, look: Style) -> tuple[Table, Columns]:
    """Place the columns, with notes beside the subtotals where that leaves a wide plot."""
    placed = place_columns(table, width, look)
    joined = replace(table, lines=join_notes(table.lines))
    if not look.forest.join_notes or joined == table or placed.size != look.size:
        return table, placed
    wider = place_columns(joined, width, look)
    subtotals = [x for x in joined.lines if isinstance(x, Pooled) and not x.overall]
    whole = all(
        line_width(x.label, wider.size) <= wider.label_room(x) - INDENT + ROUNDING
        for x in subtotals
    )
    enough = min(WIDE_PANEL * width, placed.panel_width) - ROUNDING
    if wider.size == placed.size and whole and wider.panel_width >= enough:
        return joined, wider
    return table, placed


def _marks(fit: PooledFit, studies: list[StudyRow], means: LevelMeans | None) -> str:
    """Return what the marks cannot be read without."""
    found = []
    if fit.effects.n_censored:
        found.append("n.s.: known only as not significant, between the ends of the dashes.")
    if any(row.points for row in studies):
        found.append("Dots: effects of a study.")
    if any(not math.isnan(row.outer_low) for row in studies):
        found.append(THIN)
    if means is not None and (why := unpooled_text(means, "Groups without a diamond")):
        found.append(why)
    return " ".join(found)


def _lights(fit: PooledFit, table: Table) -> tuple[Line, ...]:
    """Return what the lights of ratings are."""
    if not table.lights:
        return ()
    domains = list(rating_columns(fit.effects.frame).values())
    several = (f"D{i}: {name}" for i, name in enumerate(domains, start=1))
    names = "; ".join(several) if len(domains) > 1 else "Bias: risk of bias"
    signs = ", ".join(f"{sign or 'empty'} {level}" for level, (sign, _) in table.lights.items())
    return ((*user(f"{names}. Lights: {signs}."),),)


def _notes(
    fit: PooledFit, studies: list[StudyRow], choice: Choice, look: Style, *, cut: bool
) -> tuple[Line, ...]:
    """Return what has to be known about the marks."""
    notes = []
    if fit.effects.n_censored:
        notes.append(_interval_note(fit, studies))
    if fit.effects.dependent() and _has_averages(fit):
        rho = averaging_text(fit, RHO, look.words)
        rho += " within samples" if fit.effects.studies_with_samples else ""
        if choice.effects == "average":
            notes.append(f"Several effects of a study are shown as their average ({rho}).")
        else:
            notes.append(_average_note(fit, studies, rho))
    if cut:
        notes.append(ARROWS)
    if beyond := beyond_text(fit):
        notes.append(beyond)
    return (own(" ".join(notes)),) if notes else ()


def _interval_note(fit: PooledFit, studies: list[StudyRow]) -> str:
    """Explain rows without a value, and the size of the squares."""
    text = "n.s.: known only as not significant, between the limits at the ends of the dashes. "
    if any(row.minor for row in studies) and fit.effects.dependent():
        text += "A study with such an effect has no average, and a row for each effect. "
    return text + "Squares have one size, as a model of intervals has no weights."


def _has_averages(fit: PooledFit) -> bool:
    """Whether some study has several effects that all have values."""
    studies = fit.effects.frame.groupby("study")["yi"]
    return bool((studies.count().eq(studies.size()) & studies.size().gt(1)).any())


def _average_note(fit: PooledFit, studies: list[StudyRow], rho: str) -> str:
    """Explain averages, the effects behind them, and their two intervals."""
    where = "dots" if any(row.points for row in studies) else "hollow squares below it"
    text = f"Squares: averages of the effects of a study ({rho}), which are the {where}."
    text += f" Intervals: {level_text(fit.level)}, sampling error."
    if any(not math.isnan(row.outer_low) for row in studies):
        text += f" {THIN}"
    return text
