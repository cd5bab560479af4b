"""Commands that draw: forest, funnel, plot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from metaalliance.cli.figure_options import asked_options, figure_options
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
Further = Annotated[
    list[str] | None,
    typer.Option("--option", help="Another option of the figure, NAME=VALUE; repeat it."),
]


@command("forest", "Draw", ANALYSIS, without=["output"])
@figure_options("forest", "summary-forest", "comparison-forest")
def forest(
    request: Request,
    outputs: Outputs = None,
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
) -> int:
    """Draw the forest plot of a workbook, in the style and width of a journal."""
    from metaalliance.cli.figures import figure_of, run_figure

    options = asked_options(figure)
    if summary:
        options.setdefault("by", "modality")
    beside = "comparison-forest" if "compare" in options else "forest"
    kind = "summary-forest" if summary else beside
    look = _look(outputs, style, width, title, dpi) | {"interactive": interactive}
    return run_figure(figure_of(request, "forest", kind, options=options, **look))


@command("funnel", "Draw", ANALYSIS, without=["output"])
@figure_options("funnel")
def funnel(
    request: Request,
    outputs: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    figure: Any = None,
    title: Title = None,
    option: Further = None,
    dpi: Dpi = 300,
) -> int:
    """Draw the contour-enhanced funnel plot of a workbook."""
    from metaalliance.cli.figures import figure_of, run_figure

    options = asked_options(figure, option or ())
    look = _look(outputs, style, width, title, dpi)
    return run_figure(figure_of(request, "funnel", "funnel", options=options, **look))


@command("plot", "Draw", ANALYSIS, without=["output"])
@figure_options()
def plot(
    request: Request,
    kind: Annotated[str | None, typer.Argument(help="Kind of figure; none lists all.")] = None,
    workbook: Annotated[
        Path | None, typer.Argument(help="Extraction workbook (.xlsx, .csv, .ods, .sav ...), or -.")
    ] = None,
    outputs: Outputs = None,
    style: StyleName = None,
    width: Width = None,
    figure: Any = None,
    title: Title = None,
    option: Further = None,
    dpi: Dpi = 300,
) -> int:
    """Draw any kind of figure of a workbook; without a kind, list them."""
    from metaalliance.cli.figures import figure_of, list_kinds, run_figure
    from metaalliance.errors import OptionError

    if kind is None:
        return list_kinds()
    if workbook is None:
        raise OptionError(f"plot {kind} needs a workbook: metaalliance plot {kind} studies.xlsx.")
    options = asked_options(figure, option or ())
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
