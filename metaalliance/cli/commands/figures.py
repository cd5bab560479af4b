"""Commands that draw: forest, funnel, plot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from metaalliance.cli.arguments import PANELS, among
from metaalliance.cli.register import ANALYSIS, Former, command
from metaalliance.cli.request import Request

_PANEL = PANELS["Figure"]
_FORMERLY = (
    Former(flag="--reference", now="--published"),
    Former(flag="--reference-label", now="--published-label"),
    Former(flag="--directions", now="--sides"),
)
Outputs = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        help="File (.pdf, .svg, .png, .tif, .eps, .pptx), repeated for several, or a folder "
        "[default: <name>_results/figures beside the sheet].",
        rich_help_panel=PANELS["Request"],
    ),
]
Title = Annotated[
    str | None, typer.Option("--title", help="Printed above the figure.", rich_help_panel=_PANEL)
]
Dpi = Annotated[
    int,
    typer.Option(
        "--dpi", min=50, max=2400, help="Resolution of .png and .tif.", rich_help_panel=_PANEL
    ),
]
Further = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        help="Another option of the figure, NAME=VALUE; repeat it.",
        rich_help_panel=_PANEL,
    ),
]


def _figure(*kinds: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return what gives a command the options of some kinds of figures, none for all."""

    def extend(function: Callable[..., int]) -> Callable[..., int]:
        from metaalliance.cli.figure_options import figure_options

        return figure_options(*kinds)(function)

    return extend


def _kinds() -> list[str]:
    from metaalliance.plots.kinds import KINDS

    return list(KINDS)


@command(
    "forest",
    "Draw",
    ANALYSIS,
    draws=True,
    without=["output"],
    examples=(
        "forest studies.xlsx --by modality --columns year,n -o forest.pdf",
        "forest studies.xlsx --style jama --width 120 --published .28 -o forest.svg",
    ),
    formerly=_FORMERLY,
    extend=_figure("forest", "summary-forest", "comparison-forest"),
)
def forest(
    request: Request,
    outputs: Outputs = None,
    figure: Any = None,
    title: Title = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="One diamond per level of --by, on one page.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
    interactive: Annotated[
        bool,
        typer.Option(
            "--interactive",
            help="One HTML page to hover, sort and filter (.html).",
            rich_help_panel=_PANEL,
        ),
    ] = False,
    dpi: Dpi = 300,
) -> int:
    """Draw the forest plot of a workbook, in the style and width of a journal."""
    from metaalliance.cli.figure_options import asked_options
    from metaalliance.cli.figures import figure_of, run_figure

    options = asked_options(figure)
    if summary:
        options.setdefault("by", "modality")
    beside = "comparison-forest" if "compare" in options else "forest"
    kind = "summary-forest" if summary else beside
    look = _look(outputs, title, dpi) | {"interactive": interactive}
    return run_figure(figure_of(request, "forest", kind, options=options, **look))


@command(
    "funnel",
    "Draw",
    ANALYSIS,
    draws=True,
    without=["output"],
    examples=("funnel studies.xlsx", "funnel studies.xlsx --by modality --dpi 600 -o funnel.png"),
    extend=_figure("funnel"),
)
def funnel(
    request: Request,
    outputs: Outputs = None,
    figure: Any = None,
    title: Title = None,
    option: Further = None,
    dpi: Dpi = 300,
) -> int:
    """Draw the contour-enhanced funnel plot of a workbook."""
    from metaalliance.cli.figure_options import asked_options
    from metaalliance.cli.figures import figure_of, run_figure

    options = asked_options(figure, option or ())
    look = _look(outputs, title, dpi)
    return run_figure(figure_of(request, "funnel", "funnel", options=options, **look))


@command(
    "plot",
    "Draw",
    ANALYSIS,
    draws=True,
    without=["output"],
    examples=("plot", "plot orchard studies.xlsx --by modality"),
    formerly=_FORMERLY,
    extend=_figure(),
)
def plot(
    request: Request,
    kind: Annotated[
        str | None,
        typer.Argument(help="Kind of figure; none lists all.", autocompletion=among(_kinds)),
    ] = None,
    workbook: Annotated[
        Path | None, typer.Argument(help="Extraction workbook (.xlsx, .csv, .ods, .sav ...), or -.")
    ] = None,
    outputs: Outputs = None,
    figure: Any = None,
    title: Title = None,
    option: Further = None,
    dpi: Dpi = 300,
) -> int:
    """Draw any kind of figure of a workbook; without a kind, list them."""
    from metaalliance.cli.figure_options import asked_options
    from metaalliance.cli.figures import figure_of, list_kinds, run_figure
    from metaalliance.errors import OptionError

    if kind is None:
        return list_kinds(json_output=request.json_output)
    if workbook is None:
        raise OptionError(f"plot {kind} needs a workbook: metaalliance plot {kind} studies.xlsx.")
    if kind == "coefficients":
        figure = _columns_as_by(figure)
    options = asked_options(figure, option or ())
    look = _look(outputs, title, dpi)
    return run_figure(figure_of(request, "plot", kind, options=options, **look))


def _columns_as_by(figure: dict[str, Any]) -> dict[str, Any]:
    """Return the options of coefficients, whose --by was called --columns."""
    from metaalliance.cli.run import print_error
    from metaalliance.errors import OptionError

    if figure["columns"] is None:
        return figure
    if figure["by"] is not None:
        raise OptionError("--columns is called --by now for coefficients: give --by alone.")
    print_error("note: --columns is called --by now.")
    return {**figure, "by": figure["columns"], "columns": None}


def _look(outputs: list[Path] | None, title: str | None, dpi: int) -> dict[str, Any]:
    """Return what every figure takes."""
    return {"outputs": tuple(outputs or ()), "title": title, "dpi": dpi}
