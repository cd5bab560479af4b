"""Forest plots: one row per study, in groups, on one page or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.plots.canvas.style import Style, drawing, style_named
from metaalliance.plots.forests.draw import divided, draw_page
from metaalliance.plots.forests.in_axes import draw_in
from metaalliance.plots.forests.pages import Pages, fewest
from metaalliance.plots.forests.plan import ForestOptions, plan
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
        (estimate and interval) and "weight", which otherwise stand where the style has them;
        "ratings" is a light for each domain of the risk of bias.
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
        plot, _ = fewest(lambda style: plan(fit, style, **options), look)
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
        if rows_per_page is None:
            return Pages(*fewest(lambda style: plan(fit, style, **options), look))
        plot = plan(fit, look, **options)
        return Pages(plot, divided(plot, rows_per_page))


def _check_rows(lines: Sequence[Any], max_rows: int | None) -> None:
    drawn = sum(isinstance(line, StudyRow) for line in lines)
    if max_rows is not None and drawn > max_rows:
        raise OptionError(
            f"{drawn} rows are more than max_rows={max_rows}: draw them in pages with "
            "forest_pages(fit), or their groups with summary_forest(fit, by)."
        )
