"""Commands about what leaves the tool: report, verify, export-r, export-python, example."""

from __future__ import annotations

from pathlib import Path
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

Moderators = Annotated[
    str | None,
    typer.Option(
        "--moderators",
        help='Columns such as modality,alliance_rater, or "" for none [default: modality].',
    ),
]


def report(
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
        float | None, typer.Option("--width", help="Width of figures in mm [default: 174].")
    ] = None,
    moderators: Moderators = None,
    bias: Annotated[
        bool | None,
        typer.Option("--bias/--no-bias", help="Examine publication bias [default: bias]."),
    ] = None,
    influence: Annotated[
        bool, typer.Option("--influence/--no-influence", help="Leave out each study in turn.")
    ] = True,
    multiverse: Annotated[
        bool,
        typer.Option(
            "--multiverse", help="Repeat the analysis under other decisions; takes a minute."
        ),
    ] = False,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")] = True,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write methods, results, tables and figures as HTML and Word, with a supplement."""
    from metaalliance.cli.analysis import Request
    from metaalliance.cli.report import ReportOptions, run_report
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
    options = ReportOptions(
        request=request,
        moderators=_names(moderators),
        bias=bias,
        influence=influence,
        multiverse=multiverse,
        figures=figures,
    )
    guarded("report", lambda: run_report(options), json_output=json_output, debug=debug)


def verify(
    record: Annotated[
        Path, typer.Argument(help="run.json of pool or report, or run_<command>.json.")
    ],
    workbook: Workbook,
    sheet: Sheet = None,
    config: Config = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Other bytes, versions or configuration give exit code 1 too."
        ),
    ] = False,
    json_output: Json = False,
    debug: Debug = False,
) -> None:
    """Run a recorded analysis again; say whether its result still follows from the workbook."""
    from metaalliance.cli.analysis import Request
    from metaalliance.cli.run import guarded
    from metaalliance.cli.verify import VerifyOptions, run_verify

    request = Request(
        workbook=workbook, sheet=sheet, config=config, settings={}, json_output=json_output
    )
    options = VerifyOptions(record=record, request=request, strict=strict)
    guarded("verify", lambda: run_verify(options), json_output=json_output, debug=debug)


def export_r(
    workbook: Workbook,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder [default: <name>_R beside the sheet]."),
    ] = None,
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
    moderators: Moderators = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write an R script (metafor, clubSandwich) with data that reproduces the results."""
    from metaalliance.cli.analysis import Request
    from metaalliance.cli.export import ExportOptions, run_export_r
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
    )
    options = ExportOptions(request=request, moderators=_names(moderators))
    guarded("export-r", lambda: run_export_r(options), json_output=json_output, debug=debug)


def export_python(
    workbook: Workbook,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder [default: <name>_python beside the sheet]."),
    ] = None,
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
    moderators: Moderators = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a Python script that does the analysis again."""
    from metaalliance.cli.analysis import Request
    from metaalliance.cli.export import ExportOptions, run_export_python
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
    )
    options = ExportOptions(request=request, moderators=_names(moderators))
    guarded(
        "export-python", lambda: run_export_python(options), json_output=json_output, debug=debug
    )


def example(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder or file [default: here].")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    debug: Debug = False,
) -> None:
    """Write the example workbook: 295 simulated studies, untidy as real sheets are."""
    from metaalliance.cli.export import run_example
    from metaalliance.cli.run import guarded

    guarded("example", lambda: run_example(output, force=force), debug=debug)


def _names(moderators: str | None) -> tuple[str, ...] | None:
    """Split a list of columns; None stays None."""
    if moderators is None:
        return None
    return tuple(name.strip() for name in moderators.split(",") if name.strip())
