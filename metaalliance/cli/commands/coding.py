"""Commands for sheets that were coded twice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import Key
from metaalliance.cli.register import SHEET, command
from metaalliance.cli.request import Request


@command(
    "agree",
    "Code twice",
    SHEET,
    without=["workbook", "verbose"],
    helps={"output": "Workbook [default: agreement_conflicts.xlsx beside the first]."},
    examples=(
        "agree coder_a.xlsx coder_b.xlsx",
        "agree coder_a.xlsx coder_b.xlsx --key effect --all -o conflicts.xlsx",
    ),
)
def agree(
    request: Request,
    workbooks: Annotated[
        list[Path], typer.Argument(help="Workbooks of two or more coders (.xlsx, .csv, .tsv).")
    ],
    key: Key = None,
    level: Annotated[
        float | None, typer.Option("--level", help="Coverage of the intervals [default: .95].")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Print every variable and every unmatched row.")
    ] = False,
) -> int:
    """Compare the sheets of two or more coders; write a workbook to settle their conflicts."""
    from metaalliance.cli.sheets.agree import run_agree

    return run_agree(request, workbooks, key=key, level=level, every=every)


@command(
    "reconcile",
    "Code twice",
    SHEET,
    without=["sheet", "verbose"],
    examples=(
        "reconcile settled.xlsx -o team.xlsx",
        "reconcile settled.xlsx -o team.xlsx --force --json",
    ),
)
def reconcile(
    request: Request,
    workbook: Annotated[Path, typer.Argument(help="Conflicts workbook with every decision.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Sheet of the team to write (.xlsx).")
    ] = Path("studies.xlsx"),
) -> int:
    """Apply the decisions of a conflicts workbook; write the sheet of the team with its audit."""
    from metaalliance.cli.sheets.reconcile import run_reconcile

    return run_reconcile(request, workbook, output)
