"""The command line: its options before any command, and the register of commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from metaalliance import __version__
from metaalliance.cli.commands import (
    bias,
    coding,
    figures,
    influence,
    local,
    moderators,
    multiverse,
    pooling,
    report,
    sheets,
)


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


#: Every command, in the order of --help; each does its work in a module imported when needed.
COMMANDS: dict[str, Callable[..., None]] = {
    "pool": pooling.pool,
    "moderators": moderators.moderators,
    "bias": bias.bias,
    "influence": influence.influence,
    "forest": figures.forest,
    "funnel": figures.funnel,
    "plot": figures.plot,
    "template": sheets.template,
    "validate": sheets.validate,
    "convert": sheets.convert,
    "init": sheets.init,
    "vocabulary": sheets.vocabulary,
    "explain": sheets.explain,
    "multiverse": multiverse.multiverse,
    "power": multiverse.power,
    "compare": multiverse.compare,
    "report": report.report,
    "verify": report.verify,
    "export-r": report.export_r,
    "export-python": report.export_python,
    "serve": local.serve,
    "example": report.example,
    "agree": coding.agree,
    "reconcile": coding.reconcile,
}
for name, command in COMMANDS.items():
    app.command(name)(command)
