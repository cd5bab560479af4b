"""The command that pools."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import (
    ComponentsOption,
    Figures,
    among,
    checked_components,
)
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request
from metaalliance.options import Further, option_values

_ALSO = option_values(Further)


@command(
    "pool",
    "Pool",
    ANALYSIS,
    draws=True,
    examples=(
        "pool studies.xlsx",
        "pool studies.xlsx --model three-level --tau2 ML --also wild-bootstrap -o results",
    ),
)
def pool(
    request: Request,
    figures: Figures = True,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also",
            help=f"A further result: {', '.join(_ALSO[:-1])} or {_ALSO[-1]}; may be repeated.",
            autocompletion=among(_ALSO),
        ),
    ] = None,
    components: ComponentsOption = "re-estimated",
    replications: Annotated[
        int | None,
        typer.Option(
            "--replications",
            min=99,
            help="Of bootstrap and permutations [default: 999; 1000 for permutation].",
        ),
    ] = None,
    bootstrap: Annotated[int | None, typer.Option("--bootstrap", hidden=True)] = None,
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
    from metaalliance.cli.run import print_error

    if bootstrap is not None:
        print_error(
            "note: --bootstrap N is called --also wild-bootstrap now, and --replications N, which "
            "holds for every method that is asked for."
        )
    asked = {"permutation", "wild-bootstrap"} & set(also or ()) or bootstrap
    return run_pool(
        request,
        figures=figures,
        cross_check=cross_check,
        also=also or (),
        components=checked_components(
            components, bool(asked), "--also wild-bootstrap and --also permutation"
        ),
        replications=replications,
        bootstrap=bootstrap or 0,
        seed=seed,
    )
