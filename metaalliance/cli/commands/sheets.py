"""Commands that read, check and write extraction sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import (
    Beta,
    Config,
    Debug,
    Force,
    Json,
    Measure,
    Nonsignificant,
    Quiet,
    Sheet,
    Workbook,
)


def template(
    output: Annotated[Path, typer.Option("-o", "--output", help="Workbook to write.")] = Path(
        "studies.xlsx"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    debug: Debug = False,
) -> None:
    """Write an empty extraction workbook with dropdowns, a codebook and two examples."""
    from metaalliance.cli.run import guarded
    from metaalliance.cli.template import run_template

    guarded("template", lambda: run_template(output, force), debug=debug)


def validate(
    workbook: Workbook,
    sheet: Sheet = None,
    config: Config = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings give exit code 1 too.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Print every problem, not the first ten of each kind.")
    ] = False,
    annotate: Annotated[
        Path | None,
        typer.Option("--annotate", help="Write a copy (.xlsx) with coloured cells and comments."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing copy.")] = False,
    output_format: Annotated[
        str, typer.Option("--output-format", help="text, json, csv or github.")
    ] = "text",
    json_output: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Report every problem of a workbook with its cell; the workbook is not touched."""
    from metaalliance.cli.run import guarded
    from metaalliance.cli.validate import ValidateOptions, run_validate

    options = ValidateOptions(
        workbook=workbook,
        sheet=sheet,
        config=config,
        nonsignificant=nonsignificant,
        beta=beta,
        strict=strict,
        every=every,
        annotate=annotate,
        force=force,
        output_format="json" if json_output else output_format,
        quiet=quiet,
    )
    as_json = options.output_format == "json"
    guarded("validate", lambda: run_validate(options), json_output=as_json, debug=debug)


def convert(
    workbook: Workbook,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="effects.csv or effects.xlsx [default: print CSV]."),
    ] = None,
    sheet: Sheet = None,
    config: Config = None,
    measure: Measure = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Convert every row to an effect size with its ledger, as CSV or a workbook."""
    from metaalliance.cli.convert import ConvertOptions, run_convert
    from metaalliance.cli.run import guarded

    options = ConvertOptions(
        workbook=workbook,
        output=output,
        sheet=sheet,
        config=config,
        settings={"measure": measure, "nonsignificant": nonsignificant, "beta": beta},
        json_output=json_output,
        force=force,
        quiet=quiet,
    )
    guarded("convert", lambda: run_convert(options), json_output=json_output, debug=debug)


def init(
    workbook: Workbook,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File [default: metaalliance.toml beside the sheet]."),
    ] = None,
    sheet: Sheet = None,
    force: Force = False,
    debug: Debug = False,
) -> None:
    """Propose a configuration: which header is which column, which value is which level."""
    from metaalliance.cli.init import run_init
    from metaalliance.cli.run import guarded

    guarded("init", lambda: run_init(workbook, output, sheet, force=force), debug=debug)


def vocabulary(
    column: Annotated[
        str | None, typer.Argument(help="A column such as modality; none lists all.")
    ] = None,
    config: Config = None,
    json_output: Json = False,
) -> None:
    """Print the levels that a column may have, with their aliases."""
    from metaalliance.cli.run import guarded
    from metaalliance.cli.vocabulary import run_vocabulary

    guarded(
        "vocabulary",
        lambda: run_vocabulary(column, config, json_output=json_output),
        json_output=json_output,
    )


def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code such as MA312; none lists all.")
    ] = None,
) -> None:
    """Say what a code means and what to do about it."""
    from metaalliance.cli.explain import run_explain
    from metaalliance.cli.run import guarded

    guarded("explain", lambda: run_explain(code))
