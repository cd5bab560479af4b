"""Commands that draw: forest, funnel, plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request

Outputs = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        help="File (.pdf, .svg, .png, .tif, .eps), repeated for several, or a folder "
        "[default: <name>_results/figures beside the sheet].",
    ),
]
StyleName = Annotated[
    str | None,
    typer.Option(
        "--style",
        help="apa, revman, jama, bmj or one of metaalliance.toml [default: its [style], or apa].",
    ),
]
Width = Annotated[float | None, typer.Option("--width", help="Exact width in mm.")]
Title = Annotated[str | None, typer.Option("--title", help="Printed above the figure.")]
Dpi = Annotated[int, typer.Option("--dpi", min=50, max=2400, help="Resolution of .png and .tif.")]
By = Annotated[str | None, typer.Option("--by", help="Column that groups the studies.")]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="Columns left of the plot, such as year,n,modality; also k (effects of a study), "
        "effect (estimate and interval) and weight [default: n].",
    ),
]
Sort = Annotated[
    str | None, typer.Option("--sort", help="sheet, r, year, weight or modality [default: sheet].")
]
Reference = Annotated[
    float | None, typer.Option("--reference", help="Published pooled value, marked by a line.")
]
ReferenceLabel = Annotated[
    str | None, typer.Option("--reference-label", help="Its label [default: Published].")
]
Limits = Annotated[
    str | None, typer.Option("--limits", help="Ends of the axis in r, such as -.2,.8.")
]


@command("forest", "Draw", ANALYSIS, without=["output"])
def forest(
    request: Request,
    outputs: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", help="Column that groups the studies, or none [default: modality, if any]."
        ),
    ] = None,
    columns: Columns = None,
    right_columns: Annotated[
        str | None, typer.Option("--right-columns", help="Columns right of the plot.")
    ] = None,
    sort: Sort = None,
    effects: Annotated[
        str | None,
        typer.Option(
            "--effects",
            help="Effects behind the average of a study: behind it, in rows, or average alone "
            "[default: behind].",
        ),
    ] = None,
    interval: Annotated[
        str | None,
        typer.Option(
            "--prediction-mark",
            help="Prediction interval as bar, line, density or none [default: of the style].",
        ),
    ] = None,
    reference: Reference = None,
    reference_label: ReferenceLabel = None,
    limits: Limits = None,
    directions: Annotated[
        str | None,
        typer.Option("--directions", help="Words left and right of zero: 'LEFT|RIGHT'."),
    ] = None,
    title: Title = None,
    rows_per_page: Annotated[
        int | None,
        typer.Option("--rows-per-page", min=8, help="Lines of a page [default: 60]."),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="One diamond per level of --by, on one page.")
    ] = False,
    interactive: Annotated[
        bool,
        typer.Option("--interactive", help="One HTML page to hover, sort and filter (.html)."),
    ] = False,
    dpi: Dpi = 300,
) -> int:
    """Draw the forest plot of a workbook, in the style and width of a journal."""
    from metaalliance.cli.figures import figure_of, run_figure
    from metaalliance.cli.forest import forest_options

    given = {
        "by": by,
        "columns": columns,
        "right_columns": right_columns,
        "sort": sort,
        "effects": effects,
        "prediction": interval,
        "reference": reference,
        "reference_label": reference_label,
        "limits": limits,
        "directions": directions,
        "rows_per_page": rows_per_page,
    }
    kind, options = forest_options(given, summary=summary)
    look = _look(outputs, style, width, title, dpi) | {"interactive": interactive}
    return run_figure(figure_of(request, "forest", kind, options=options, **look))


@command("funnel", "Draw", ANALYSIS, without=["output"])
def funnel(
    request: Request,
    outputs: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    title: Title = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="Another option of the figure, NAME=VALUE; repeat it."),
    ] = None,
    dpi: Dpi = 300,
) -> int:
    """Draw the contour-enhanced funnel plot of a workbook."""
    from metaalliance.cli.figures import figure_of, run_figure
    from metaalliance.cli.forest import plot_options

    options = plot_options({}, option or ())
    look = _look(outputs, style, width, title, dpi)
    return run_figure(figure_of(request, "funnel", "funnel", options=options, **look))


@command("plot", "Draw", ANALYSIS, without=["output"])
def plot(
    request: Request,
    kind: Annotated[str | None, typer.Argument(help="Kind of figure; none lists all.")] = None,
    workbook: Annotated[
        Path | None, typer.Argument(help="Extraction workbook (.xlsx, .csv, .tsv), or -.")
    ] = None,
    outputs: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    by: By = None,
    x: Annotated[str | None, typer.Option("--x", help="Column of the horizontal axis.")] = None,
    y: Annotated[str | None, typer.Option("--y", help="Column of the vertical axis.")] = None,
    columns: Columns = None,
    sort: Sort = None,
    reference: Reference = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed of random numbers.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=-1, help="Processes; -1 takes all cores.")
    ] = None,
    title: Title = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="Another option of the figure, NAME=VALUE; repeat it."),
    ] = None,
    dpi: Dpi = 300,
) -> int:
    """Draw any kind of figure of a workbook; without a kind, list them."""
    from metaalliance.cli.figures import figure_of, list_kinds, run_figure
    from metaalliance.cli.forest import plot_options
    from metaalliance.errors import OptionError

    if kind is None:
        return list_kinds()
    if workbook is None:
        raise OptionError(f"plot {kind} needs a workbook: metaalliance plot {kind} studies.xlsx.")
    given = {
        "by": by,
        "x": x,
        "y": y,
        "columns": columns,
        "sort": sort,
        "reference": reference,
        "seed": seed,
        "jobs": jobs,
    }
    options = plot_options(given, option or ())
    look = _look(outputs, style, width, title, dpi)
    return run_figure(figure_of(request, "plot", kind, options=options, **look))


def _look(
    outputs: list[Path] | None, style: str | None, width: float | None, title: str | None, dpi: int
) -> dict[str, Any]:
    """Return what every figure takes."""
    return {
        "outputs": tuple(outputs or ()),
        "style": style,
        "width": width,
        "title": title,
        "dpi": dpi,
    }
