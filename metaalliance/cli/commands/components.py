"""The command that compares components of studies."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import Figures, Pairs, among, moderator_columns
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request

_STRUCTURES = ("UN", "HCS", "CS", "DIAG")
_WITHIN = ("none", "equal", "own")


@command(
    "components",
    "Examine",
    ANALYSIS,
    draws=True,
    examples=(
        "components studies.xlsx --by alliance_rater --formula year",
        "components studies.xlsx --by alliance_rater --structure HCS",
    ),
)
def components(
    request: Request,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="Column whose levels are the components.",
            autocompletion=among(moderator_columns),
        ),
    ] = "alliance_subscale",
    structure: Annotated[
        str,
        typer.Option(
            "--structure",
            help="Covariance between studies: UN (any), HCS (one correlation), CS (and one "
            "variance), DIAG (no correlation).",
            autocompletion=among(_STRUCTURES),
        ),
    ] = "UN",
    within_studies: Annotated[
        str,
        typer.Option(
            "--within-studies",
            help="Variance of effects of one component within studies: none, equal, own.",
            autocompletion=among(_WITHIN),
        ),
    ] = "none",
    only: Annotated[
        Pairs, typer.Option("--only", help="A level to take [default: all]; may be repeated.")
    ] = None,
    with_total: Annotated[
        bool, typer.Option("--with-total", help="Take a total beside the parts it is made of.")
    ] = False,
    formula: Annotated[
        str | None,
        typer.Option("--formula", help='Meta-regression, such as "modality * year".'),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="Column of the other variable in the sheet 'correlations' [default: "
            "outcome_measure, of components of the outcome alliance_measure].",
        ),
    ] = None,
    replications: Annotated[
        int,
        typer.Option(
            "--replications", min=0, help="Samples of the bootstrap of the ladder of structures."
        ),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of starts and bootstrap.")] = 1,
    figures: Figures = True,
) -> int:
    """Compare components in one multivariate model: subscales, raters, outcomes, estimands."""
    from metaalliance.analysis.components import ComponentOptions
    from metaalliance.cli.multivariate.components import run_components

    options = ComponentOptions(
        by=by,
        structure=structure,
        within_studies=within_studies,
        formula=formula,
        against=against,
        only=tuple(only or ()),
        with_total=with_total,
        replications=replications,
        seed=seed,
    )
    return run_components(request, options, figures=figures)
