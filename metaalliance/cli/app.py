"""The commands and their options; the work is done in modules that are imported when needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from metaalliance import __version__


class JsonGroup(TyperGroup):
    """Answers a wrong command line with a JSON document where --json stands in it."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run the command line."""
        words = list(sys.argv[1:] if args is None else args)
        if "--json" not in words:
            return super().main(args, *rest, **options)
        try:
            code = super().main(args, *rest, **{**options, "standalone_mode": False})
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            from metaalliance.cli.run import print_document
            from metaalliance.report.results import error_document

            command = next((w for w in words if not w.startswith("-")), "")
            print_document(error_document(command, "MA690", error.format_message()))
            code = getattr(error, "exit_code", 2)
        sys.exit(code if isinstance(code, int) else 0)


app = typer.Typer(
    name="metaalliance",
    cls=JsonGroup,
    help="Meta-analysis of therapeutic alliance-outcome effect sizes, from the coding sheet on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Sheet = Annotated[str | None, typer.Option("--sheet", help="Sheet to read [default: effects].")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files of others in the folder.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only beside results.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print notes too.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration [default: metaalliance.toml, sheet's or above]."),
]
Nonsignificant = Annotated[
    str | None,
    typer.Option(
        "--nonsignificant",
        help="'n.s.' without a value: error, zero, drop or half-p [default: error].",
    ),
]
Beta = Annotated[
    str | None,
    typer.Option("--beta", help="Betas: peterson-brown or refuse [default: peterson-brown]."),
]
Workbook = Annotated[
    Path, typer.Argument(help="Extraction workbook (.xlsx, .csv, .tsv), or - for standard input.")
]


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"metaalliance {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Meta-analysis of therapeutic alliance-outcome effect sizes, from the coding sheet on."""


@app.command()
def pool(
    workbook: Workbook,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder [default: <name>_results beside the sheet]."),
    ] = None,
    sheet: Sheet = None,
    config: Config = None,
    measure: Annotated[
        str | None, typer.Option("--measure", help="z, r or r-unbiased [default: z].")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="auto, che, three-level, two-level or common-effect [default: auto].",
        ),
    ] = None,
    tau2: Annotated[
        str | None,
        typer.Option("--tau2", help="REML, ML, DL, HE, HS, SJ, EB or PM [default: REML]."),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option(
            "--test",
            help="auto, cr2, cr1, cr0, knapp-hartung, knapp-hartung-adhoc, t or wald "
            "[default: auto].",
        ),
    ] = None,
    rho: Annotated[
        float | None,
        typer.Option(
            "--rho",
            help="Correlation of sampling errors within a study [default: .6 for che, "
            ".5 to aggregate].",
        ),
    ] = None,
    level: Annotated[
        float | None, typer.Option("--level", help="Coverage of the intervals [default: 0.95].")
    ] = None,
    prediction: Annotated[
        str | None,
        typer.Option("--prediction", help="Prediction interval: t, normal, riley [default: t]."),
    ] = None,
    nonsignificant: Nonsignificant = None,
    beta: Beta = None,
    width: Annotated[
        float | None, typer.Option("--width", help="Width of the forest in mm [default: 174].")
    ] = None,
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Draw figures.")] = True,
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
    }
    options = PoolOptions(
        workbook=workbook,
        output=output,
        sheet=sheet,
        config=config,
        settings=settings,
        figures=figures,
        cross_check=cross_check,
        json_output=json_output,
        force=force,
        quiet=quiet,
        verbose=verbose,
    )
    guarded("pool", lambda: run_pool(options), json_output=json_output, debug=debug)


@app.command()
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


@app.command()
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


@app.command()
def convert(
    workbook: Workbook,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="effects.csv or effects.xlsx [default: print CSV]."),
    ] = None,
    sheet: Sheet = None,
    config: Config = None,
    measure: Annotated[
        str | None, typer.Option("--measure", help="z, r or r-unbiased [default: z].")
    ] = None,
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


@app.command()
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


@app.command()
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


@app.command()
def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code such as MA312; none lists all.")
    ] = None,
) -> None:
    """Say what a code means and what to do about it."""
    from metaalliance.cli.explain import run_explain
    from metaalliance.cli.run import guarded

    guarded("explain", lambda: run_explain(code))


@app.command()
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


@app.command()
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
