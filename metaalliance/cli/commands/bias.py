"""The command about publication bias."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import Figures, among
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request


@command(
    "bias",
    "Examine",
    ANALYSIS,
    draws=True,
    examples=("bias studies.xlsx", "bias studies.xlsx --steps .025,.5 --tau2 ML --no-figures"),
)
def bias(
    request: Request,
    steps: Annotated[
        str,
        typer.Option(
            "--steps", help="Cut points of one-sided p for the selection model, such as .025,.5."
        ),
    ] = "0.025",
    alternative: Annotated[
        str,
        typer.Option(
            "--alternative",
            help="Direction that selection favours: greater, less or auto (sign of the mean).",
            autocompletion=among(("auto", "greater", "less")),
        ),
    ] = "auto",
    aggregation_rho: Annotated[
        float | None,
        typer.Option(
            "--aggregation-rho",
            help="Correlation with which effects of a study are averaged where a method takes one "
            "[default: --rho where it is a number, else .5].",
        ),
    ] = None,
    smallest_p: Annotated[
        float,
        typer.Option(
            "--smallest-p",
            help="The beta selection model takes p nearer to 0 or 1 than this as this near; 0 for "
            "no truncation.",
        ),
    ] = 0.025,
    figures: Figures = True,
) -> int:
    """Test for publication bias; print means adjusted for it side by side."""
    from metaalliance.analysis.examinations import BiasOptions
    from metaalliance.cli.bias import run_bias

    options = BiasOptions(
        steps=steps,
        alternative=alternative,
        aggregation_rho=aggregation_rho,
        smallest_p=smallest_p,
    )
    return run_bias(request, options, figures=figures)
