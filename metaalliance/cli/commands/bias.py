"""The command about publication bias."""

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
    Quiet,
    Rho,
    Sheet,
    Tau2,
    Test,
    Verbose,
    Workbook,
)


def bias(
    workbook: Workbook,
    output: Folder = None,
    sheet: Sheet = None,
    config: Config = None,
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
        float | None,
        typer.Option(
            "--aggregation-rho",
            help="Correlation with which effects of a study are averaged where a method takes one "
            "[default: --rho where it is a number, else .5].",
        ),
    ] = None,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")] = True,
    measure: Measure = None,
    model: Model = None,
    tau2: Tau2 = None,
    test: Test = None,
    rho: Rho = None,
    level: Level = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Test for publication bias; print means adjusted for it side by side."""
    from metaalliance.cli.analysis import Request
    from metaalliance.cli.bias import BiasOptions, run_bias
    from metaalliance.cli.run import guarded

    settings = {
        "measure": measure,
        "model": model,
        "tau2": tau2,
        "test": test,
        "rho": rho,
        "level": level,
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
    options = BiasOptions(
        request=request,
        steps=steps,
        alternative=alternative,
        aggregation_rho=aggregation_rho,
        figures=figures,
    )
    guarded("bias", lambda: run_bias(options), json_output=json_output, debug=debug)
