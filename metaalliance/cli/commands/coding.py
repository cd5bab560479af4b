"""Commands for sheets that were coded twice."""

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
    Nonsignificant,
    Quiet,
    Sheet,
)


def agree(
    workbooks: Annotated[
        list[Path], typer.Argument(help="Workbooks of two or more coders (.xlsx, .csv, .tsv).")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Workbook [default: agreement_conflicts.xlsx beside the first]."
        ),
    ] = None,
    sheet: Sheet = None,
    config: Config = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Columns that match rows within a study, such as effect."),
    ] = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    level: Annotated[
        float | None, typer.Option("--level", help="Coverage of the intervals [default: .95].")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Print every variable and every unmatched row.")
    ] = False,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare the sheets of two or more coders; write a workbook to settle their conflicts."""
    from metaalliance.cli.agree import AgreeOptions, run_agree
    from metaalliance.cli.run import guarded

    options = AgreeOptions(
        workbooks=tuple(workbooks),
        output=output,
        sheet=sheet,
        config=config,
        key=key,
        settings={"nonsignificant": nonsignificant, "beta": beta, "level": level},
        every=every,
        json_output=json_output,
        force=force,
        quiet=quiet,
    )
    guarded("agree", lambda: run_agree(options), json_output=json_output, debug=debug)


def reconcile(
    workbook: Annotated[Path, typer.Argument(help="Conflicts workbook with every decision.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Sheet of the team to write (.xlsx).")
    ] = Path("studies.xlsx"),
    config: Config = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    json_output: Json = False,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Apply the decisions of a conflicts workbook; write the sheet of the team with its audit."""
    from metaalliance.cli.reconcile import ReconcileOptions, run_reconcile
    from metaalliance.cli.run import guarded

    options = ReconcileOptions(
        workbook=workbook,
        output=output,
        config=config,
        settings={"nonsignificant": nonsignificant, "beta": beta},
        json_output=json_output,
        force=force,
        quiet=quiet,
    )
    guarded("reconcile", lambda: run_reconcile(options), json_output=json_output, debug=debug)
