"""Forest plots: one row per study, in groups, on one page or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.models.fits import PooledFit
from metaalliance.models.text import number
from metaalliance.moderators.subgroups import subgroup_fits
from metaalliance.plots.draw import Plot, draw_page
from metaalliance.plots.layout import INDENT, Columns, place_columns
from metaalliance.plots.lines import (
    Pooled,
    Table,
    join_notes,
    paginate,
)
from metaalliance.plots.page import check_width
from metaalliance.plots.rows import (
    Choice,
    StudyRow,
    assumed_rho,
    choose,
    sections,
)
from metaalliance.plots.style import Style, drawing, style_named
from metaalliance.plots.tables import Reference, forest_table, is_cut, reference_mark, table_axis
from metaalliance.plots.typeset import ROUNDING, Line, line_width, own
from metaalliance.plots.words import (
    ARROWS,
    heterogeneity_text,
    mean_test_text,
    model_text,
    other_models,
)

#: Share of the page that the plot has to keep for notes to stand beside their subtotals.
WIDE_PANEL = 0.38


def forest(
    fit: PooledFit,
    *,
    by: str | None = None,
    columns: Sequence[str] = ("n",),
    sort: str = "sheet",
    style: str = "apa",
    width_mm: float = 174,
    title: str | None = None,
    max_rows: int | None = None,
    reference: Reference | None = None,
) -> Figure:
    """Draw a forest plot of a pooled result on one page.

    Each study is a square, whose area is its weight in the overall mean, with its
    confidence interval; arrows mark intervals that go on beyond the axis. Groups and all
    studies together end in a diamond, the prediction interval is a bar below. A study
    with several effects is shown as their average.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    by : str, optional
        Column that groups the studies; by default "modality", where the effects have at
        least two; "none" for no groups.
    columns : sequence of str
        Columns of the effects that are printed beside the labels; "k" is the number of
        effects of a study, which is always shown when some study has several.
    sort : {"sheet", "estimate", "year", "weight", "modality"}
        Order of the studies within their group.
    style : {"apa"}
        Look of the figure.
    width_mm : float
        Exact width; the height follows from the rows.
    title : str, optional
        Printed above the table.
    max_rows : int, optional
        Refuse more studies than this.
    reference : float or (float, str), optional
        A published pooled value, as r for correlations, and its label.

    Returns
    -------
    Figure
        Its axes labelled "forest" have the analysis scale (Fisher z) as x.

    Raises
    ------
    OptionError
        For an option that the effects or the page do not allow.
    """
    choice = choose(fit, by, columns, sort)
    with drawing():
        plot = _plan(fit, choice, style, width_mm, title, reference)
        drawn = sum(isinstance(line, StudyRow) for line in plot.table.lines)
        if max_rows is not None and drawn > max_rows:
            raise OptionError(
                f"{drawn} rows are more than max_rows={max_rows}: draw them in pages with "
                "forest_pages(fit), or their groups with summary_forest(fit, by)."
            )
        return draw_page(plot, plot.table.lines)


def forest_pages(
    fit: PooledFit,
    *,
    by: str | None = None,
    columns: Sequence[str] = ("n",),
    sort: str = "sheet",
    style: str = "apa",
    width_mm: float = 174,
    title: str | None = None,
    reference: Reference | None = None,
    rows_per_page: int = 60,
) -> list[Figure]:
    """Draw a forest plot on as many pages as it needs.

    Columns, axis and sizes of squares are the same on all pages. The head is repeated, and
    the name of a group that goes on; the overall diamond stands on the last page.

    Parameters
    ----------
    fit, by, columns, sort, style, width_mm, title, reference
        As for `forest`.
    rows_per_page : int
        Lines of a page, headings and diamonds included; at least 8.

    Returns
    -------
    list of Figure
        One per page; `save` writes them as one PDF or TIFF.
    """
    choice = choose(fit, by, columns, sort)
    with drawing():
        plot = _plan(fit, choice, style, width_mm, title, reference)
        pages = paginate(plot.table.lines, rows_per_page)
        if len(pages) == 1:
            return [draw_page(plot, pages[0])]
        return [
            draw_page(plot, page, foot=i == len(pages), folio=f"Page {i} of {len(pages)}")
            for i, page in enumerate(pages, start=1)
        ]


def _plan(
    fit: PooledFit,
    choice: Choice,
    style: str,
    width_mm: float,
    title: str | None,
    reference: Reference | None,
) -> Plot:
    """Collect the rows, place the columns and choose the axis."""
    look, width = style_named(style), check_width(width_mm)
    fits = subgroup_fits(fit, choice.by) if choice.grouped else {}
    table, placed = _arranged(forest_table(fit, sections(fit, fits, choice), choice), width, look)
    studies = [line for line in table.lines if isinstance(line, StudyRow)]
    marked = reference_mark(reference, fit.measure)
    axis = table_axis(table, marked)
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
        foot=_foot(fit, fits, cut=is_cut(table, axis)),
    )


def _arranged(table: Table, width: float, look: Style) -> tuple[Table, Columns]:
    """Place the columns, with notes beside the subtotals where that leaves a wide plot."""
    placed = place_columns(table, width, look)
    joined = replace(table, lines=join_notes(table.lines))
    if joined == table or placed.size != look.size:
        return table, placed
    wider = place_columns(joined, width, look)
    subtotals = [x for x in joined.lines if isinstance(x, Pooled) and not x.overall]
    room = wider.label.width - INDENT + ROUNDING
    whole = all(line_width(x.label, wider.size) <= room for x in subtotals)
    enough = min(WIDE_PANEL * width, placed.panel_width) - ROUNDING
    if wider.size == placed.size and whole and wider.panel_width >= enough:
        return joined, wider
    return table, placed


def _foot(fit: PooledFit, fits: dict[str, PooledFit], *, cut: bool) -> tuple[Line, ...]:
    """Return the sentences under the table."""
    texts = [
        f"{heterogeneity_text(fit)} {mean_test_text(fit)}".strip(),
        f"Model: {model_text(fit)}",
    ]
    notes = []
    if fit.effects.dependent():
        rho = number(assumed_rho(fit), 2, correlation=True)
        notes.append(f"Several effects of a study are shown as their average (ρ = {rho}).")
    if cut:
        notes.append(ARROWS)
    if notes:
        texts.append(" ".join(notes))
    return (*(own(text) for text in texts), *other_models(fit, fits))
