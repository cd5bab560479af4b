"""Commands that read, check and write extraction sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from metaalliance.cli.arguments import among
from metaalliance.cli.register import POLICY, SHEET, command
from metaalliance.cli.request import Request

Replace = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
_PREPARE = "Prepare a sheet"


def _codes() -> list[str]:
    from metaalliance.messages import MESSAGES

    return sorted(MESSAGES)


def _vocabularies() -> list[str]:
    from metaalliance.sheet.columns.vocabularies import VOCABULARIES

    return list(VOCABULARIES)


@command(
    "template",
    _PREPARE,
    examples=("template -o coding.xlsx", "template --short -o short.xlsx"),
)
def template(
    output: Annotated[Path, typer.Option("-o", "--output", help="Workbook to write.")] = Path(
        "studies.xlsx"
    ),
    short: Annotated[
        bool, typer.Option("--short", help="Only the columns that most teams need.")
    ] = False,
    force: Replace = False,
) -> int:
    """Write an empty extraction workbook with dropdowns, a codebook and two examples."""
    from metaalliance.cli.sheets.template import run_template

    return run_template(output, force, short=short)


@command("example", _PREPARE, examples=("example -o practice.xlsx", "example --three-questions"))
def example(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder or file [default: here].")
    ] = Path(),
    three_questions: Annotated[
        bool,
        typer.Option(
            "--three-questions",
            help="40 studies with components, estimands and a table for path models.",
        ),
    ] = False,
    force: Replace = False,
) -> int:
    """Write the example workbook: 295 simulated studies, untidy as real sheets are."""
    from metaalliance.cli.sheets.example import run_example

    return run_example(output, force=force, three_questions=three_questions)


@command(
    "init",
    _PREPARE,
    without=["config", "quiet", "verbose"],
    helps={"output": "File [default: metaalliance.toml beside the sheet]."},
    examples=("init studies.xlsx", "init studies.xlsx --sheet effects -o review.toml"),
)
def init(request: Request) -> int:
    """Propose a configuration: what the sheet needs, why, and how many rows would be used."""
    from metaalliance.cli.sheets.init import run_init

    return run_init(request)


@command(
    "import",
    _PREPARE,
    without=["config", "verbose"],
    helps={
        "workbook": "File of RevMan, Covidence, metapsy or CMA, or a wide sheet.",
        "output": "Coding workbook to write [default: <name>_studies.xlsx beside the file].",
        "sheet": "Sheet of a workbook [default: the first with such headers].",
        "force": "Replace an existing workbook.",
    },
    examples=(
        "import wide.csv",
        "import wide.csv --from wide --direction symptoms=lower_better -o coded.xlsx",
    ),
)
def import_(
    request: Request,
    house: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="revman, covidence, metapsy, cma or wide [default: found].",
            autocompletion=among(("revman", "covidence", "metapsy", "cma", "wide")),
        ),
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option("--reviewer", help="Covidence: read the rows of this reviewer."),
    ] = None,
    direction: Annotated[
        list[str] | None,
        typer.Option(
            "--direction",
            help="OUTCOME=lower_better or higher_better; may be repeated; * for all others.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="HEADER=column of the coding sheet; may be repeated."),
    ] = None,
) -> int:
    """Turn a file of another program into a coding workbook that says where each cell came from."""
    from metaalliance.cli.sheets.imports import run_import

    return run_import(
        request,
        house=house,
        reviewer=reviewer,
        directions=direction or [],
        columns=column or [],
    )


@command(
    "validate",
    _PREPARE,
    SHEET,
    without=["output", "verbose"],
    helps={"force": "Replace an existing copy."},
    examples=("validate studies.xlsx --all", "validate studies.xlsx --annotate checked.xlsx"),
)
def validate(
    request: Request,
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
    output_format: Annotated[
        str | None,
        typer.Option(
            "--output-format",
            help="text, json, csv or github [default: text].",
            autocompletion=among(("text", "json", "csv", "github")),
        ),
    ] = None,
) -> int:
    """Report every problem of a workbook with its cell; the workbook is not touched."""
    from metaalliance.cli.sheets.validate import run_validate
    from metaalliance.errors import OptionError

    asked = "json" if request.json_output else output_format or "text"
    if output_format not in {None, asked}:
        raise OptionError(f"--json and --output-format {output_format} ask for two formats.")
    return run_validate(
        request,
        strict=strict,
        every=every,
        annotate=annotate,
        output_format=asked,
    )


@command(
    "convert",
    _PREPARE,
    POLICY,
    without=["verbose"],
    helps={"output": "effects.csv or effects.xlsx [default: print CSV]."},
    examples=("convert studies.xlsx -o effects.csv", "convert studies.xlsx --measure r"),
)
def convert(request: Request) -> int:
    """Convert every row to an effect size with its ledger, as CSV or a workbook."""
    from metaalliance.cli.sheets.convert import run_convert

    return run_convert(request)


@command(
    "vocabulary",
    _PREPARE,
    without=["workbook", "output", "sheet", "force", "quiet", "verbose"],
    examples=("vocabulary", "vocabulary modality"),
)
def vocabulary(
    request: Request,
    column: Annotated[
        str | None,
        typer.Argument(
            help="A column such as modality; none lists all.", autocompletion=among(_vocabularies)
        ),
    ] = None,
) -> int:
    """Print the levels that a column may have, with their aliases."""
    from metaalliance.cli.sheets.vocabulary import run_vocabulary

    return run_vocabulary(column, request.config, json_output=request.json_output)


@command("explain", "Plan and explain", examples=("explain MA312", "explain"))
def explain(
    code: Annotated[
        str | None,
        typer.Argument(help="A code such as MA312; none lists all.", autocompletion=among(_codes)),
    ] = None,
) -> int:
    """Say what a code means and what to do about it."""
    from metaalliance.cli.sheets.explain import run_explain

    return run_explain(code)
