"""Commands that draw: forest, funnel, plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from metaalliance.cli.arguments import (
    Beta,
    Config,
    Debug,
    Force,
    Json,
    Level,
    Measure,
    Model,
    Nonsignificant,
    Prediction,
    Quiet,
    Rho,
    Sheet,
    Tau2,
    Test,
    Verbose,
    Workbook,
)

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


def forest(
    workbook: Workbook,
    output: Outputs = None,
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
    sheet: Sheet = None,
    config: Config = None,
    measure: Measure = None,
    model: Model = None,
    tau2: Tau2 = None,
    test: Test = None,
    rho: Rho = None,
    level: Level = None,
    prediction: Prediction = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Draw the forest plot of a workbook, in the style and width of a journal."""
    from metaalliance.cli.forest import forest_request, run_forest
    from metaalliance.cli.run import guarded

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
    request = {
        "workbook": workbook,
        "outputs": tuple(output or ()),
        "style": style,
        "title": title,
        "dpi": dpi,
        "sheet": sheet,
        "config": config,
        "interactive": interactive,
        "settings": _settings(
            measure, model, tau2, test, rho, level, prediction, nonsignificant, beta, width
        ),
        "json_output": json_output,
        "force": force,
        "quiet": quiet,
        "verbose": verbose,
    }
    guarded(
        "forest",
        lambda: run_forest(forest_request(request, given, summary=summary)),
        json_output=json_output,
        debug=debug,
    )


def funnel(
    workbook: Workbook,
    output: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    title: Title = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="Another option of the figure, NAME=VALUE; repeat it."),
    ] = None,
    dpi: Dpi = 300,
    sheet: Sheet = None,
    config: Config = None,
    measure: Measure = None,
    model: Model = None,
    tau2: Tau2 = None,
    test: Test = None,
    rho: Rho = None,
    level: Level = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Draw the contour-enhanced funnel plot of a workbook."""
    from metaalliance.cli.forest import plot_request
    from metaalliance.cli.run import guarded

    request = {
        "workbook": workbook,
        "outputs": tuple(output or ()),
        "style": style,
        "title": title,
        "dpi": dpi,
        "sheet": sheet,
        "config": config,
        "settings": _settings(
            measure, model, tau2, test, rho, level, None, nonsignificant, beta, width
        ),
        "json_output": json_output,
        "force": force,
        "quiet": quiet,
        "verbose": verbose,
    }

    def work() -> int:
        from metaalliance.cli.figures import run_figure

        return run_figure(plot_request("funnel", "funnel", request, {}, option or ()))

    guarded("funnel", work, json_output=json_output, debug=debug)


def plot(
    kind: Annotated[str | None, typer.Argument(help="Kind of figure; none lists all.")] = None,
    workbook: Annotated[
        Path | None, typer.Argument(help="Extraction workbook (.xlsx, .csv, .tsv), or -.")
    ] = None,
    output: Outputs = None,
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
    sheet: Sheet = None,
    config: Config = None,
    measure: Measure = None,
    model: Model = None,
    tau2: Tau2 = None,
    test: Test = None,
    rho: Rho = None,
    level: Level = None,
    prediction: Prediction = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Draw any kind of figure of a workbook; without a kind, list them."""
    from metaalliance.cli.forest import plot_request
    from metaalliance.cli.run import guarded

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
    request = {
        "workbook": workbook,
        "outputs": tuple(output or ()),
        "style": style,
        "title": title,
        "dpi": dpi,
        "sheet": sheet,
        "config": config,
        "settings": _settings(
            measure, model, tau2, test, rho, level, prediction, nonsignificant, beta, width
        ),
        "json_output": json_output,
        "force": force,
        "quiet": quiet,
        "verbose": verbose,
    }

    def work() -> int:
        from metaalliance.cli.figures import list_kinds, run_figure

        if kind is None:
            return list_kinds()
        return run_figure(plot_request("plot", kind, request, given, option or ()))

    guarded("plot", work, json_output=json_output, debug=debug)


def _settings(
    measure: str | None,
    model: str | None,
    tau2: str | None,
    test: str | None,
    rho: str | None,
    level: float | None,
    prediction: str | None,
    nonsignificant: str | None,
    beta: str | None,
    width: float | None,
) -> dict[str, Any]:
    """Return the settings of the analysis as they were given."""
    return {
        "measure": measure,
        "model": model,
        "tau2": tau2,
        "test": test,
        "rho": rho,
        "level": level,
        "prediction": prediction,
        "nonsignificant": nonsignificant,
        "beta": beta,
        "width": width,
    }
