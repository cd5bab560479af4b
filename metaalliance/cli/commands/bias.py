"""The command about publication bias."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import Figures
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request


@command("bias", "Examine", ANALYSIS)
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
        ),
    ] = "auto",
    aggregation_rho: Annotated[
        float,
        typer.Option(
            "--aggregation-rho",
            help="Correlation with which effects of a study are averaged where a method takes one.",
        ),
    ] = 0.5,
    figures: Figures = True,
) -> int:
    """Test for publication bias; print means adjusted for it side by side."""
    from metaalliance.cli.bias import BiasOptions, run_bias

    options = BiasOptions(
        request=request,
        steps=steps,
        alternative=alternative,
        aggregation_rho=aggregation_rho,
        figures=figures,
    )
    return run_bias(options)
