"""The command line: its options before any command, and the register of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from metaalliance import __version__
from metaalliance.cli import commands
from metaalliance.cli.help import Commands
from metaalliance.cli.register import COMMANDS

__all__ = ["COMMANDS", "app", "commands"]

app = typer.Typer(
    name="metaalliance",
    cls=Commands,
    help="Meta-analysis of therapeutic alliance-outcome effect sizes, from the coding sheet on.",
    no_args_is_help=True,
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
