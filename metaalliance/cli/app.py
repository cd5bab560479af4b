"""The command line: its options before any command, and the register of commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from metaalliance import __version__
from metaalliance.cli import commands
from metaalliance.cli.register import COMMANDS, SECTIONS
from metaalliance.cli.streams import INTERRUPTED, asks_json, interrupted, print_document
from metaalliance.problems import error_document

__all__ = ["COMMANDS", "app", "commands"]


class Commands(TyperGroup):
    """Lists the commands by section; answers a wrong line, or Ctrl-C, in JSON where --json is."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the commands of each section, as the register has them."""
        for section in SECTIONS:
            rows = [
                (name, self.commands[name].get_short_help_str(formatter.width))
                for name, entry in sorted(COMMANDS.items())
                if entry.section == section
            ]
            with formatter.section(section):
                formatter.write_dl(rows)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run the command line."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(args, *rest, **{**options, "standalone_mode": False})
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            if asks_json(words):
                command = next((w for w in words if not w.startswith("-")), "")
                print_document(error_document(command, "MA690", error.format_message()))
            else:
                error.show()  # type: ignore[attr-defined]
            code = getattr(error, "exit_code", 2)
        sys.exit(interrupted(words) if code == INTERRUPTED else code or 0)


app = typer.Typer(
    name="metaalliance",
    cls=Commands,
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


for entry in COMMANDS.values():
    app.command(entry.name)(entry.run)
