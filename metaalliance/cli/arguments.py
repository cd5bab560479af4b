"""Options that several commands share, spelled once; those of settings come from the settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Sequence
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from metaalliance.errors import OptionError
from metaalliance.options import Components, Notes, Page, check_option, option_values
from metaalliance.setting import Setting

#: Groups of options in --help, in their order: by where a setting is declared, and the rest.
PANELS = {
    "": "Options",
    "Figure": "Figure",
    "Model": "Model (what is fitted)",
    "Policy": "Policy (what a row is worth)",
    "Request": "Input and output",
}
#: Styles of figures, and the values of the other words about them.
STYLES = ("apa", "revman", "jama", "bmj")
_WORDS = {"style": STYLES, "page": option_values(Page), "notes": option_values(Notes)}


def among(values: Sequence[str] | Callable[[], Iterable[str]]) -> Callable[[], list[str]]:
    """Return what completes one of some values; a function is called when it is needed."""
    return lambda: list(values() if callable(values) else values)


def moderator_columns() -> list[str]:
    """Columns of the workbook that group studies or effects."""
    from metaalliance.sheet.columns.specification import MODERATORS

    return list(MODERATORS)


Figures = Annotated[
    bool,
    typer.Option("--figures/--no-figures", help="Draw figures.", rich_help_panel=PANELS["Figure"]),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        help="Column that groups, or a number; repeat it; none for none [default: modality].",
        autocompletion=among(moderator_columns),
    ),
]
ComponentsOption = Annotated[
    str,
    typer.Option(
        "--components",
        autocompletion=among(option_values(Components)),
        help="Variance components in each replication of bootstrap and permutations: "
        "re-estimated, or held (fast).",
    ),
]
Pairs = list[str] | None
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=-1, help="Processes; -1 takes all cores.")]
Processes = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=-1, help="Processes; -1 takes all cores.", show_default="1"),
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        help="Where tasks run: loky (processes of this machine) or dask (a cluster).",
        autocompletion=among(("loky", "dask")),
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="Of the dask cluster, such as tcp://host:8786."),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Keep finished tasks beside the output, and take up those of a run that was stopped.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Columns that match rows within a study, such as effect."),
]

#: Fields of a `Request` as parameters: their type, flags, default and help.
_REQUEST: dict[str, tuple[Any, tuple[str, ...], Any, str]] = {
    "workbook": (
        Path,
        (),
        Parameter.empty,
        "Extraction workbook (.xlsx, .csv, .ods, .sav, .dta, .rds ...), or - for standard input.",
    ),
    "output": (
        Path | None,
        ("-o", "--output"),
        None,
        "Folder [default: <name>_results beside the sheet].",
    ),
    "sheet": (str | None, ("--sheet",), None, "Sheet to read [default: effects]."),
    "config": (
        Path | None,
        ("--config",),
        None,
        "Configuration [default: metaalliance.toml, sheet's or above].",
    ),
    "style": (
        str | None,
        ("--style",),
        None,
        f"{', '.join(STYLES[:-1])}, {STYLES[-1]} or one of metaalliance.toml "
        "[default: its [style], or apa].",
    ),
    "width": (
        float | None,
        ("--width",),
        None,
        "Width of figures in mm [default: 174, of a funnel 120].",
    ),
    "page": (
        str | None,
        ("--page",),
        None,
        "Page that figures fit: a4, letter or journal [default: that of the style, a4].",
    ),
    "notes": (
        str | None,
        ("--notes",),
        None,
        "Words under figures: full, short or none; the file .caption.txt has all "
        "[default: that of the style, short].",
    ),
    "json_output": (bool, ("--json",), False, "Print one JSON document on stdout."),
    "force": (bool, ("--force",), False, "Replace files of others, or edited ones."),
    "quiet": (bool, ("--quiet", "-q"), False, "Print errors only beside results."),
    "verbose": (bool, ("--verbose", "-v"), False, "Print notes too."),
    "debug": (bool, ("--debug",), False, "Show the traceback of an error."),
}
#: Those that stand before the options of a command.
LEADING = ("workbook", "output", "sheet", "config")
#: Those of commands that draw, which stand next.
LOOK = ("style", "width", "page", "notes")
#: Those that stand after them.
CLOSING = tuple(name for name in _REQUEST if name not in (*LEADING, *LOOK))


def shared(name: str, help: str | None = None) -> Parameter:
    """Return a parameter that fills a field of the request."""
    kind, flags, default, words = _REQUEST[name]
    told = help or words
    option = functools.partial(
        typer.Option,
        *flags,
        rich_help_panel=PANELS["Figure" if name in LOOK else "Request"],
        autocompletion=among(_WORDS[name]) if name in _WORDS else None,
    )
    made = option(help=told) if flags else typer.Argument(help=told)
    return parameter(name, Annotated[kind, made], default)


def setting_parameters(settings: Iterable[Setting]) -> list[Parameter]:
    """Return the parameters of settings; None where the command line says nothing."""
    return [parameter(s.name, Annotated[_type(s) | None, _option(s)], None) for s in settings]


def _option(s: Setting) -> Any:
    completes = among(s.values) if s.values else None
    panel = PANELS[s.home]
    return typer.Option(s.flag, help=_help(s), rich_help_panel=panel, autocompletion=completes)


def parameter(name: str, annotation: Any, default: Any) -> Parameter:
    """Return a parameter that is passed by its name."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _type(s: Setting) -> Any:
    if s.many:
        return list[str]
    return float if set(s.toml) <= {int, float} else str


def _help(s: Setting) -> str:
    told = "" if s.default in (None, "", ()) else f" [default: {s.default}]"
    more = "; may be repeated" if s.many else ""
    return f"{s.help}{more}{told}."


def checked_components(given: str, tests: Collection[str] | bool, where: str) -> Components:
    """Return the value of --components.

    Parameters
    ----------
    given : str
        What was asked for.
    tests : collection of str
        Tests that obey it and were asked for.
    where : str
        What to ask for where there are none.

    Raises
    ------
    OptionError
        For another value, or where nothing obeys it.
    """
    check_option("--components", given, Components)
    if given != "re-estimated" and not tests:
        raise OptionError(f"--components {given} is for {where}; add one, or leave it out.")
    return cast(Components, given)
