"""The command that pools."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import ComponentsOption, Figures, FigureWidth, checked_components
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request


@command("pool", "Pool", ANALYSIS)
def pool(
    request: Request,
    width: FigureWidth = None,
    figures: Figures = True,
    bootstrap: Annotated[
        int,
        typer.Option(
            "--bootstrap", help="Replications of the cluster wild bootstrap, such as 999."
        ),
    ] = 0,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            help="A further result: bayes, psychometric, permutation, henmi-copas, rve or "
            "i2-bootstrap; may be repeated.",
        ),
    ] = None,
    components: ComponentsOption = "re-estimated",
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of bootstrap and permutation.")
    ] = 1,
    cross_check: Annotated[
        bool,
        typer.Option(
            "--cross-check", help="Recompute the two-level fit with PyMARE and statsmodels."
        ),
    ] = False,
) -> int:
    """Validate a workbook, convert its statistics, pool them, and draw and save the results."""
    from metaalliance.cli.pool import run_pool

    asked = {"permutation"} & set(also or ()) | ({"bootstrap"} if bootstrap else set())

    return run_pool(
        request,
        width=width,
        figures=figures,
        cross_check=cross_check,
        bootstrap=bootstrap,
        also=also or (),
        components=checked_components(components, asked, "--bootstrap and --also permutation"),
        seed=seed,
    )
