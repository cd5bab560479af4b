"""Commands about what leaves the tool: report, verify, export-r, export-python, example."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import Figures, FigureWidth
from metaalliance.cli.register import ANALYSIS, command
from metaalliance.cli.request import Request

Moderators = Annotated[
    str | None,
    typer.Option(
        "--moderators",
        help='Columns such as modality,alliance_rater, or "" for none [default: modality].',
    ),
]


@command("report", "Report and check", ANALYSIS)
def report(
    request: Request,
    width: FigureWidth = None,
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
    figures: Figures = True,
) -> int:
    """Write methods, results, tables and figures as HTML and Word, with a supplement."""
    from metaalliance.cli.report import run_report

    return run_report(
        request,
        width=width,
        moderators=_names(moderators),
        bias=bias,
        influence=influence,
        multiverse=multiverse,
        figures=figures,
    )


@command("verify", "Report and check", without=["output", "force", "quiet", "verbose"])
def verify(
    request: Request,
    record: Annotated[
        Path, typer.Argument(help="run.json of pool or report, or run_<command>.json.")
    ],
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Other bytes, versions or configuration give exit code 1 too."
        ),
    ] = False,
    old: Annotated[
        Path | None,
        typer.Option(
            "--old",
            help="Earlier sheet of a record of compare [default: that of its name beside the "
            "workbook].",
        ),
    ] = None,
) -> int:
    """Run a recorded analysis again; say whether its result still follows from the workbook."""
    from metaalliance.cli.verify import run_verify

    return run_verify(request, record, strict=strict, old=old)


@command(
    "export-r",
    "Report and check",
    ANALYSIS,
    helps={"output": "Folder [default: <name>_R beside the sheet]."},
)
def export_r(request: Request, moderators: Moderators = None) -> int:
    """Write an R script (metafor, clubSandwich) with data that reproduces the results."""
    from metaalliance.cli.export import run_export_r

    return run_export_r(request, _names(moderators))


@command(
    "export-python",
    "Report and check",
    ANALYSIS,
    helps={"output": "Folder [default: <name>_python beside the sheet]."},
)
def export_python(request: Request, moderators: Moderators = None) -> int:
    """Write a Python script that does the analysis again."""
    from metaalliance.cli.export import run_export_python

    return run_export_python(request, _names(moderators))


def _names(moderators: str | None) -> tuple[str, ...] | None:
    """Split a list of columns; None stays None."""
    if moderators is None:
        return None
    return tuple(name.strip() for name in moderators.split(",") if name.strip())
