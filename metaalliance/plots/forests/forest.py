"""Forest plots: one row per study, in groups, on one page or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, overload

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.style import Style, drawing, style_named
from metaalliance.plots.forests.draw import divided, draw_page
from metaalliance.plots.forests.in_axes import draw_in
from metaalliance.plots.forests.lines import TableLine
from metaalliance.plots.forests.plan import ForestOptions, plan
from metaalliance.plots.forests.plot import Plot
from metaalliance.plots.forests.rows import StudyRow


def forest(
    fit: PooledFit,
    *,
    ax: Axes | None = None,
    style: str | Style = "apa",
    max_rows: int | None = None,
    **options: Unpack[ForestOptions],
) -> Figure:
    """Draw a forest plot of a pooled result on one page.

    Each study is a square, whose area is its weight in the overall mean, with its
    confidence interval; arrows mark intervals that go on beyond the axis. Groups and all
    studies together end in a diamond, the prediction interval stands below. A study with
    several effects is shown as their average.

    Parameters
    ----------
    fit : PooledFit
        A result of `pool`.
    ax : Axes, optional
        Draw into these axes, with labels as ticks, instead of a new figure; rows stand at
        y = 0, 1, 2 ... downwards.
    by : str, optional
        Column that groups the studies; by default "modality", where the effects have at
        least two; "none" for no groups.
    columns, right_columns : sequence of str, or names with commas between
        Columns left and right of the plot: any column of the effects, and "k" (number of
        effects of a study, which is always shown when some study has several), "effect"
        (estimate and interval) and "weight", which otherwise stand where the style has them.
    sort : {"sheet", "r", "year", "weight", "modality"}
        Order of the studies within their group.
    effects : {"behind", "rows", "average"}
        Effects behind the average of a study: small circles in its row, or rows of their
        own; with both, a multilevel model gives the average two intervals. The inner, thick
        one is its sampling error; the outer one adds the variance of effects within studies
        and is the interval of the study's true effect. "average" shows the sampling error only.
    pool : {"joint", "apart"}
        The means of groups come from one model, as `metaalliance.moderators` gives them, where
        a group of fewer than 3 studies has none; or each group is pooled on its own.
    prediction : {"bar", "line", "density", "none"}, optional
        How the prediction interval is drawn; by default as the style does.
    style : str or Style
        "apa", "revman", "jama", "bmj", or a style of one's own.
    width_mm : float
        Exact width; the height follows from the rows.
    title : str, optional
        Printed above the table.
    max_rows : int, optional
        Refuse more studies than this.
    reference : float or (float, str), optional
        A published pooled value, as r for correlations, and its label.
    limits : tuple of (float, float), optional
        Ends of the axis, as r for correlations.
    directions : tuple of (str, str), optional
        What lies left and right of zero, in place of the words of the style.

    Returns
    -------
    Figure
        Its axes labelled "forest", or `ax`, have the analysis scale (Fisher z) as x.

    Raises
    ------
    OptionError
        For an option that the effects or the page do not allow.

    References
    ----------
    Fernández-Castilla et al. (2020).
    """
    look = style_named(style)
    with drawing(look):
        if ax is not None:
            plot = plan(fit, look, **options)
            _check_rows(plot.table.lines, max_rows)
            draw_in(ax, plot)
            return ax.figure.figure
        plot, _ = planned(fit, look, None, options)
        _check_rows(plot.table.lines, max_rows)
        return draw_page(plot, plot.table.lines)


def forest_pages(
    fit: PooledFit,
    *,
    style: str | Style = "apa",
    rows_per_page: int | None = None,
    **options: Unpack[ForestOptions],
) -> list[Figure]:
    """Draw a forest plot on as many pages as it needs.

    Columns, axis and sizes of squares are the same on all pages. The head is repeated, and
    the name of a group that goes on; the overall diamond stands on the last page.

    Parameters
    ----------
    fit, style, **options
        As for `forest`, without `ax` and `max_rows`.
    rows_per_page : int, optional
        Lines of a page at most, headings and diamonds included; at least 8. By default as many as
        the page of the style holds, notes included. Pages are about as long as each other, and
        rows lower, by as much as type allows, where that saves one.

    Returns
    -------
    list of Figure
        One per page; `save` writes them as one PDF or TIFF.
    """
    return list(paged_forest(fit, style=style, rows_per_page=rows_per_page, **options))


class Pages(Sequence[Figure]):
    """The pages of a forest plot, each drawn when it is asked for, and not kept."""

    def __init__(self, plot: Plot, pages: Sequence[Sequence[TableLine]]) -> None:
        self._plot, self._pages = plot, pages

    def __len__(self) -> int:
        return len(self._pages)

    @overload
    def __getitem__(self, index: int) -> Figure: ...

    @overload
    def __getitem__(self, index: slice) -> list[Figure]: ...

    def __getitem__(self, index: int | slice) -> Figure | list[Figure]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        folio = f"Page {place + 1} of {len(self)}" if len(self) > 1 else ""
        with drawing(self._plot.style):
            foot = place == len(self) - 1
            return draw_page(self._plot, self._pages[place], foot=foot, folio=folio)


def paged_forest(
    fit: PooledFit,
    *,
    style: str | Style = "apa",
    rows_per_page: int | None = None,
    **options: Unpack[ForestOptions],
) -> Pages:
    """Return the pages of `forest_pages`, to be written one by one: none is drawn yet."""
    look = style_named(style)
    with drawing(look):
        return Pages(*planned(fit, look, rows_per_page, options))


def planned(
    fit: PooledFit, look: Style, rows_per_page: int | None, options: ForestOptions
) -> tuple[Plot, list[tuple[TableLine, ...]]]:
    """Return the plan of a forest plot and its pages, denser where that saves a page.

    Rows become as low as type allows; type becomes small only where one page then holds all.
    """
    plot = plan(fit, look, **options)
    pages = divided(plot, rows_per_page)
    if rows_per_page is None and len(pages) > 1:
        tried = [(plot.columns.size, len(pages) - 1)]
        tried += [(look.small_size, 1)] if len(pages) == 2 else []
        for size, most in tried:
            denser = plan(fit, look.denser(size), **options)
            fewer = divided(denser)
            if len(fewer) <= most:
                return denser, fewer
    return plot, pages


def _check_rows(lines: Sequence[Any], max_rows: int | None) -> None:
    drawn = sum(isinstance(line, StudyRow) for line in lines)
    if max_rows is not None and drawn > max_rows:
        raise OptionError(
            f"{drawn} rows are more than max_rows={max_rows}: draw them in pages with "
            "forest_pages(fit), or their groups with summary_forest(fit, by)."
        )
