"""Summary forest plot: one row per level of a moderator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.models.fits import PooledFit
from metaalliance.moderators.subgroups import subgroup_fits
from metaalliance.plots.draw import Plot, draw_page
from metaalliance.plots.layout import place_columns
from metaalliance.plots.lines import Pooled, Table
from metaalliance.plots.numbers import DASH, level_text, percent_text
from metaalliance.plots.page import check_width
from metaalliance.plots.style import drawing, style_named
from metaalliance.plots.tables import (
    Reference,
    column_header,
    is_cut,
    pooled_line,
    prediction_line,
    reference_mark,
    table_axis,
)
from metaalliance.plots.typeset import Line, own, user
from metaalliance.plots.words import (
    ARROWS,
    heterogeneity_text,
    level_name,
    mean_test_text,
    model_text,
    other_models,
)

#: Pages narrower than this, in mm, have letters over the counts; the foot explains them.
NARROW = 110.0

HEADS = ("Studies", "Effects", "Participants")
LETTERS = ("*k*", "*m*", "*N*")


def summary_forest(
    fit: PooledFit,
    by: str,
    *,
    style: str = "apa",
    width_mm: float = 174,
    title: str | None = None,
    reference: Reference | None = None,
) -> Figure:
    """Draw the pooled result of each level of a moderator, and of all studies, on one page.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    by : str
        A column of the effects.
    style, width_mm, title, reference
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
    look, width = style_named(style), check_width(width_mm)
    if by not in fit.effects.frame:
        known = ", ".join(map(repr, fit.effects.moderators))
        raise OptionError(f"by={by!r}: the effects have no such moderator; they have {known}.")
    with drawing():
        fits = subgroup_fits(fit, by)
        counts = _counts(fit, fits)
        letters = width < NARROW
        table = _table(fit, fits, by, [(LETTERS if letters else HEADS)[i] for i in counts])
        marked = reference_mark(reference, fit.measure)
        axis = table_axis(table, marked)
        plot = Plot(
            table=table,
            columns=place_columns(table, width, look),
            axis=axis,
            style=look,
            width=width,
            title=title or "",
            mean=fit.estimate,
            reference=marked,
            heaviest=1.0,
            foot=(
                *_foot(fit, counts if letters else (), cut=is_cut(table, axis)),
                *other_models(fit, fits),
            ),
        )
        return draw_page(plot, table.lines)


def _counts(fit: PooledFit, fits: dict[str, PooledFit]) -> tuple[int, ...]:
    """Return which of `HEADS` there is something to say under."""
    effects = (1,) if fit.effects.dependent() else ()
    people = (2,) if all(found.n_participants for found in (fit, *fits.values())) else ()
    return (0, *effects, *people)


def _table(fit: PooledFit, fits: dict[str, PooledFit], by: str, heads: Sequence[str]) -> Table:
    counts = _counts(fit, fits)
    levels = [_level_line(x, user(level_name(name)), counts) for name, x in fits.items()]
    last = _level_line(fit, own("Overall", bold=True), counts)
    overall = replace(last, overall=True, spread=(math.nan, math.nan))
    return Table(
        label_header=column_header(by),
        headers=tuple(own(head) for head in heads),
        numeric=(True,) * len(heads),
        last_header=own("*I*²"),
        lines=(*levels, overall, *prediction_line(fit)),
        indented=False,
        measure=fit.measure,
        level=fit.level,
    )


def _level_line(fit: PooledFit, label: Line, counts: tuple[int, ...]) -> Pooled:
    sizes = (fit.n_studies, fit.n_effects, fit.n_participants or 0)
    share = percent_text(fit.I2) if fit.Q_df > 0 and math.isfinite(fit.I2) else DASH
    line = pooled_line(fit, label, tuple(f"{sizes[i]:,}" for i in counts), share)
    return replace(line, spread=(fit.pi_low, fit.pi_high))


def _foot(fit: PooledFit, lettered: tuple[int, ...], *, cut: bool) -> tuple[Line, ...]:
    """Return the sentences under the table; `lettered` counts have a letter to explain."""
    percent = level_text(fit.level)
    marks = [f"Diamonds: {percent} confidence intervals."]
    if math.isfinite(fit.pi_low):
        marks.append(f"Lines: {percent} prediction intervals.")
    if cut:
        marks.append(ARROWS)
    if lettered:
        marks.append(", ".join(f"{LETTERS[i]} = {HEADS[i].lower()}" for i in lettered) + ".")
    texts = (
        " ".join(marks),
        f"{heterogeneity_text(fit)} {mean_test_text(fit)}".strip(),
        f"Model: {model_text(fit)}",
    )
    return tuple(own(text) for text in texts)
