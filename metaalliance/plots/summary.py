"""Summary forest plot: one row per level of a moderator."""

from __future__ import annotations

from dataclasses import replace

from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.models.fits import PooledFit
from metaalliance.moderators.subgroups import subgroup_fits
from metaalliance.plots.draw import Plot, draw_page
from metaalliance.plots.layout import place_columns
from metaalliance.plots.lines import Pooled, Table, TableLine
from metaalliance.plots.numbers import DASH, level_text, percent_text
from metaalliance.plots.page import check_width
from metaalliance.plots.style import drawing, style_named
from metaalliance.plots.tables import (
    Reference,
    column_header,
    pooled_line,
    prediction_line,
    reference_mark,
    table_axis,
)
from metaalliance.plots.typeset import Line, own, user
from metaalliance.plots.words import heterogeneity_text, level_name, model_text, test_text


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
        table = _table(fit, subgroup_fits(fit, by), by)
        marked = reference_mark(reference, fit.measure)
        plot = Plot(
            table=table,
            columns=place_columns(table, width, look),
            axis=table_axis(table, marked),
            style=look,
            width=width,
            title=title or "",
            mean=fit.estimate,
            reference=marked,
            heaviest=1.0,
            foot=_foot(fit),
        )
        return draw_page(plot, table.lines)


def _table(fit: PooledFit, fits: dict[str, PooledFit], by: str) -> Table:
    people = all(found.n_participants for found in (fit, *fits.values()))
    several = fit.effects.dependent()
    heads = ["Studies", *["Effects"] * several, *["Participants"] * people]
    lines: list[TableLine] = [
        _level_line(found, user(level_name(level)), several=several, people=people)
        for level, found in fits.items()
    ]
    last = _level_line(fit, own("Overall", bold=True), several=several, people=people)
    lines.append(replace(last, overall=True, spread=(float("nan"), float("nan"))))
    lines.extend(prediction_line(fit))
    return Table(
        label_header=column_header(by),
        headers=tuple(own(head) for head in heads),
        numeric=(True,) * len(heads),
        last_header=own("*I*²"),
        lines=tuple(lines),
        indented=False,
        measure=fit.measure,
        level=fit.level,
    )


def _level_line(fit: PooledFit, label: Line, *, several: bool, people: bool) -> Pooled:
    counts = [fit.n_studies, *[fit.n_effects] * several, *[fit.n_participants or 0] * people]
    share = percent_text(fit.I2) if fit.Q_df > 0 and fit.I2 == fit.I2 else DASH
    line = pooled_line(fit, label, tuple(f"{count:,}" for count in counts), share)
    return replace(line, spread=(fit.pi_low, fit.pi_high))


def _foot(fit: PooledFit) -> tuple[Line, ...]:
    percent = level_text(fit.level)
    texts = (
        f"Diamonds: {percent} confidence intervals. Lines: {percent} prediction intervals.",
        f"{heterogeneity_text(fit)} {test_text(fit)}".strip(),
        f"Model: {model_text(fit)}",
    )
    return tuple(own(text) for text in texts)
