"""How commands are asked: help in groups with examples, former names of options, usage errors."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from metaalliance.cli.arguments import PANELS
from metaalliance.cli.register import COMMANDS, SECTIONS, Former
from metaalliance.cli.streams import INTERRUPTED, asks_json, concluding, interrupted, print_document
from metaalliance.options import did_you_mean
from metaalliance.problems import error_document
from metaalliance.wording.plain import PLAIN

#: A hyphen at which no line ends, so that names of options and values stay whole.
_HYPHEN = "\N{NON-BREAKING HYPHEN}"


def _shown(text: str) -> str:
    """Return a text in characters that stdout has; typer writes UTF-8 where it is ASCII."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.replace(_HYPHEN, "-").encode(encoding, PLAIN).decode(encoding)


class Command(TyperCommand):
    """A command whose help is grouped and has examples, and which knows former names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the names of today in place of former ones, with a note on stderr."""
        formers = {former.flag: former for former in COMMANDS[str(self.name)].formerly}
        taking = {flag for p in self.get_params(ctx) if _takes_value(p) for flag in p.opts}
        args = _renamed(formers, args, taking, quiet=ctx.resilient_parsing)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Return the help in characters that stdout has."""
        return _shown(super().get_help(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then options by their group."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        groups |= {panel: [] for panel in PANELS.values()}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            argument = param.param_type_name == "argument"
            panel = "Arguments" if argument else getattr(param, "rich_help_panel", None)
            if record is not None:
                title = panel or PANELS["Request" if param.name == "help" else ""]
                groups[title].append((record[0], record[1].replace("-", _HYPHEN)))
        for title, rows in groups.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the examples."""
        with formatter.section("Examples"):
            for words in COMMANDS[str(self.name)].examples:
                formatter.write(f"  metaalliance {words}\n")


def _renamed(
    formers: Mapping[str, Former], args: list[str], taking: Collection[str], *, quiet: bool
) -> list[str]:
    """Return the words of a command line with today's words in place of former flags.

    Parameters
    ----------
    formers : mapping of str to Former
        Former names of options by their flag.
    taking : collection of str
        Flags of today that take a value: the word behind them is no flag.
    """
    found: list[str] = []
    words = iter(args)
    for word in words:
        flag, sign, value = word.partition("=")
        if word == "--":  # what follows are no options
            return [*found, word, *words]
        if flag not in formers:
            found.append(word)
            if _awaits_value(word, taking):
                found += islice(words, 1)
            continue
        former = formers[flag]
        if not quiet:
            from metaalliance.cli.run import print_error

            print_error(f"note: {former.flag} is called {former.now} now.")
        given = value if sign else next(words, None)
        if given is None:  # nothing follows, which is told of the flag of today
            return [*found, former.now]
        values = [v.strip() for v in given.split(",")] if former.listed else [given]
        for one in values:
            found += [former.now, one or former.blank]
    return found


def _takes_value(param: Any) -> bool:
    return param.param_type_name == "option" and not (param.is_flag or param.count)


def _awaits_value(word: str, taking: Collection[str]) -> bool:
    """Whether the next word is the value of this one, as of ``--title``, ``-o`` and ``-qo``.

    Examples
    --------
    >>> [_awaits_value(word, {"-o"}) for word in ("-o", "-qo", "-ofile", "-q", "-")]
    [True, True, False, False, False]
    """
    if word.startswith("--") or not word.startswith("-"):
        return word in taking
    first = next((i for i, letter in enumerate(word) if f"-{letter}" in taking), None)
    return first == len(word) - 1


class Commands(TyperGroup):
    """Lists the commands by section; answers a wrong line, or Ctrl-C, in JSON where --json is."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the register."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return a command, which is made when it is first asked for."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            one = typer.Typer(add_completion=False, rich_markup_mode=None)
            one.command(cmd_name, cls=Command)(COMMANDS[cmd_name].make())
            self.commands[cmd_name] = typer.main.get_command(one)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command; a name that is none gets the nearest that there is."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}.{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Return the help in characters that stdout has."""
        return _shown(super().get_help(ctx))

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the commands of each section, as the register has them."""
        for section in SECTIONS:
            rows = [
                (name, entry.about)
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
            _explain(error, words)
            code = getattr(error, "exit_code", 2)
        sys.exit(interrupted(words) if code == INTERRUPTED else code or 0)


def _explain(error: Any, words: Sequence[str]) -> None:
    """Say what is wrong with a command line: in JSON where --json stands in it."""
    if not asks_json(words):
        error.show(sys.stderr)
        return
    command = next((w for w in words if not w.startswith("-")), "")
    with concluding(error.exit_code):
        print_document(error_document(command, "MA690", error.format_message()))
