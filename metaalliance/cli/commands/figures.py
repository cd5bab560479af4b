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
from metaalliance.cli.figure_options import asked_options, figure_options

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
Further = Annotated[
    list[str] | None,
    typer.Option("--option", help="Another option of the figure, NAME=VALUE; repeat it."),
]


@figure_options("forest", "summary-forest")
def forest(
    workbook: Workbook,
    output: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    figure: Any = None,
    title: Title = None,
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
    from metaalliance.cli.figures import FigureRequest, run_figure
    from metaalliance.cli.run import guarded

    request: dict[str, Any] = {
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

    def work() -> int:
        options = asked_options(figure)
        if summary:
            options.setdefault("by", "modality")
        kind = "summary-forest" if summary else "forest"
        return run_figure(FigureRequest(command="forest", kind=kind, options=options, **request))

    guarded("forest", work, json_output=json_output, debug=debug)


@figure_options("funnel")
def funnel(
    workbook: Workbook,
    output: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    figure: Any = None,
    title: Title = None,
    option: Further = None,
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
    from metaalliance.cli.run import guarded

    request: dict[str, Any] = {
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
        from metaalliance.cli.figures import FigureRequest, run_figure

        options = asked_options(figure, option or ())
        return run_figure(
            FigureRequest(command="funnel", kind="funnel", options=options, **request)
        )

    guarded("funnel", work, json_output=json_output, debug=debug)


@figure_options()
def plot(
    kind: Annotated[str | None, typer.Argument(help="Kind of figure; none lists all.")] = None,
    workbook: Annotated[
        Path | None, typer.Argument(help="Extraction workbook (.xlsx, .csv, .tsv), or -.")
    ] = None,
    output: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    figure: Any = None,
    title: Title = None,
    option: Further = None,
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
    from metaalliance.cli.run import guarded

    request: dict[str, Any] = {
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
        from metaalliance.cli.figures import FigureRequest, list_kinds, run_figure
        from metaalliance.errors import OptionError

        if kind is None:
            return list_kinds()
        if workbook is None:
            raise OptionError(
                f"plot {kind} needs a workbook: metaalliance plot {kind} studies.xlsx."
            )
        options = asked_options(figure, option or ())
        return run_figure(FigureRequest(command="plot", kind=kind, options=options, **request))

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
