"""Commands about what leaves the tool: report, verify, export-r, export-python, example."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import By, Figures
from metaalliance.cli.register import ANALYSIS, Former, command
from metaalliance.cli.request import Request

#: What `--by` was called.
_MODERATORS = Former(flag="--moderators", now="--by", listed=True, blank="none")


@command(
    "report",
    "Report and check",
    ANALYSIS,
    draws=True,
    examples=(
        "report studies.xlsx",
        "report studies.xlsx --by modality --by alliance_rater --no-influence -o paper",
    ),
    formerly=(_MODERATORS,),
)
def report(
    request: Request,
    by: By = None,
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
    title: Annotated[
        str | None, typer.Option("--title", help="Title of the review [default: of the studies].")
    ] = None,
    characteristics: Annotated[
        list[str] | None,
        typer.Option("--characteristic", help="Column that Table 1 counts; repeat it."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="Column of the table of studies; repeat it."),
    ] = None,
    agreement: Annotated[
        Path | None, typer.Option("--agreement", help="What agree --json printed, for the text.")
    ] = None,
    of_interest: Annotated[
        float | None,
        typer.Option(
            "--of-interest",
            help="Correlation that matters, for the certainty of the evidence [default: 0.1].",
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="Word file of your own with fields for the results."),
    ] = None,
) -> int:
    """Write methods, results, tables and figures as HTML and Word, with a supplement."""
    from metaalliance.cli.report import run_report

    return run_report(
        request,
        moderators=_columns(by),
        bias=bias,
        influence=influence,
        multiverse=multiverse,
        figures=figures,
        shown={
            "title": title,
            "characteristics": characteristics or None,
            "columns": columns or None,
            "agreement": agreement and str(agreement.absolute()),
            "of_interest": of_interest,
            "template": template and str(template.absolute()),
        },
    )


@command(
    "verify",
    "Report and check",
    without=["output", "force", "quiet", "verbose"],
    examples=(
        "verify studies_results/run.json studies.xlsx",
        "verify studies_results/run_bias.json studies.xlsx --strict",
    ),
)
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
    examples=("export-r studies.xlsx", "export-r studies.xlsx --by modality -o analysis_in_r"),
    formerly=(_MODERATORS,),
)
def export_r(
    request: Request,
    by: By = None,
    paths: Annotated[
        Path | None,
        typer.Option(
            "--paths",
            help="File with a path model: a script of metaSEM for it, in place of the mean.",
        ),
    ] = None,
    moderator: Annotated[
        list[str] | None,
        typer.Option("--moderator", help="With --paths, as in mediation; may be repeated."),
    ] = None,
) -> int:
    """Write an R script (metafor, clubSandwich; metaSEM) with data that reproduces the results."""
    from metaalliance.cli.export import run_export_paths, run_export_r
    from metaalliance.errors import OptionError

    if (by if paths else moderator) is not None:
        raise OptionError("--by belongs to the mean, --moderator to a path model (--paths).")
    if paths is not None:
        return run_export_paths(request, paths, tuple(moderator or ()))
    return run_export_r(request, _columns(by))


@command(
    "export-python",
    "Report and check",
    ANALYSIS,
    helps={"output": "Folder [default: <name>_python beside the sheet]."},
    examples=(
        "export-python studies.xlsx",
        "export-python studies.xlsx --by none --model three-level -o analysis_in_python",
    ),
    formerly=(_MODERATORS,),
)
def export_python(request: Request, by: By = None) -> int:
    """Write a Python script that does the analysis again."""
    from metaalliance.cli.export import run_export_python

    return run_export_python(request, _columns(by))


def _columns(by: list[str] | None) -> tuple[str, ...] | None:
    """Return the columns of --by: None where nothing is said, none where that is asked for."""
    return tuple(name for name in by if name not in {"", "none"}) if by else None
