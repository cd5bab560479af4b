"""The command about the influence of single studies."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance.cli.arguments import (
    Beta,
    Config,
    Debug,
    Folder,
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


def influence(
    workbook: Workbook,
    output: Folder = None,
    sheet: Sheet = None,
    config: Config = None,
    gosh: Annotated[
        int, typer.Option("--gosh", help="Subsets of the studies to pool, up to a million.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the subsets.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", help="Threads that pool subsets.")] = 1,
    cumulative: Annotated[
        str, typer.Option("--cumulative", help="Column by which studies come in.")
    ] = "year",
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="Moderator whose test is repeated without each study."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Print every row of the tables.")] = False,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")] = True,
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
    """Leave out every study, diagnose influence and outliers, and pool cumulatively by year."""
    from metaalliance.cli.analysis import Request
    from metaalliance.cli.influence import InfluenceOptions, run_influence
    from metaalliance.cli.run import guarded

    settings = {
        "measure": measure,
        "model": model,
        "tau2": tau2,
        "test": test,
        "rho": rho,
        "level": level,
        "prediction": prediction,
        "nonsignificant": nonsignificant,
        "beta": beta,
    }
    request = Request(
        workbook=workbook,
        output=output,
        sheet=sheet,
        config=config,
        settings=settings,
        json_output=json_output,
        force=force,
        quiet=quiet,
        verbose=verbose,
    )
    options = InfluenceOptions(
        request=request,
        gosh=gosh,
        seed=seed,
        jobs=jobs,
        cumulative=cumulative,
        by=tuple(by or ()),
        every=every,
        figures=figures,
    )
    guarded("influence", lambda: run_influence(options), json_output=json_output, debug=debug)
