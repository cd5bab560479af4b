"""The command that pools."""

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


def pool(
    workbook: Workbook,
    output: Folder = None,
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
    width: Annotated[
        float | None, typer.Option("--width", help="Width of the forest in mm [default: 174].")
    ] = None,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")] = True,
    within: Annotated[
        list[str] | None,
        typer.Option("--within", help="Column of a further level inside studies, such as sample."),
    ] = None,
    above: Annotated[
        list[str] | None,
        typer.Option("--above", help="Column of a level that holds studies, such as a team."),
    ] = None,
    crossed: Annotated[
        str | None,
        typer.Option("--crossed", help="Column of a factor that studies share, as an instrument."),
    ] = None,
    rho_same: Annotated[
        float | None,
        typer.Option("--rho-same", help="Correlation of errors that also share --same."),
    ] = None,
    same: Annotated[
        str | None, typer.Option("--same", help="Column of what is shared, such as an outcome.")
    ] = None,
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
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Seed of bootstrap and permutation.")
    ] = 1,
    attenuation: Annotated[
        str | None,
        typer.Option(
            "--attenuation",
            help="Correct r for unreliability: none, individual (both measures), alliance or "
            "outcome [default: none].",
        ),
    ] = None,
    alliance_reliability: Annotated[
        str | None,
        typer.Option(
            "--alliance-reliability",
            help="Where a row reports none: a number, mean, or by measure such as WAI=.93,*=.9.",
        ),
    ] = None,
    outcome_reliability: Annotated[
        str | None, typer.Option("--outcome-reliability", help="The same for the outcome.")
    ] = None,
    cross_check: Annotated[
        bool,
        typer.Option(
            "--cross-check", help="Recompute the two-level fit with PyMARE and statsmodels."
        ),
    ] = False,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Validate a workbook, convert its statistics, pool them, and draw and save the results."""
    from metaalliance.cli.pool import PoolOptions, run_pool
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
        "width": width,
        "within": within or None,
        "above": above or None,
        "crossed": crossed,
        "rho_same": rho_same,
        "same": same,
        "attenuation": attenuation,
        "alliance_reliability": alliance_reliability,
        "outcome_reliability": outcome_reliability,
    }
    options = PoolOptions(
        workbook=workbook,
        output=output,
        sheet=sheet,
        config=config,
        settings=settings,
        figures=figures,
        cross_check=cross_check,
        bootstrap=bootstrap,
        also=tuple(also or ()),
        seed=seed,
        json_output=json_output,
        force=force,
        quiet=quiet,
        verbose=verbose,
    )
    guarded("pool", lambda: run_pool(options), json_output=json_output, debug=debug)
