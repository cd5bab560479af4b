"""The command about the influence of single studies."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import Figures, Jobs, among, moderator_columns
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request


@command(
    "influence",
    "Examine",
    ANALYSIS,
    draws=True,
    examples=("influence studies.xlsx", "influence studies.xlsx --by modality --gosh 500 --all"),
)
def influence(
    request: Request,
    gosh: Annotated[
        int, typer.Option("--gosh", help="Subsets of the studies to pool, up to a million.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the subsets.")] = 1,
    jobs: Jobs = 1,
    cumulative: Annotated[
        str, typer.Option("--cumulative", help="Column by which studies come in.")
    ] = "year",
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="Column that groups, or a number: its test is repeated without each study; "
            "repeat it.",
            autocompletion=among(moderator_columns),
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Print every row of the tables.")] = False,
    figures: Figures = True,
) -> int:
    """Leave out every study, diagnose influence and outliers, and pool cumulatively by year."""
    from metaalliance.analysis.examinations import InfluenceOptions
    from metaalliance.cli.influence import run_influence

    options = InfluenceOptions(gosh=gosh, seed=seed, cumulative=cumulative, by=tuple(by or ()))
    return run_influence(request, options, jobs=jobs, every=every, figures=figures)
