"""The register of commands: each enters itself once, with the settings that it reads."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from metaalliance.cli.arguments import CLOSING, LEADING, LOOK, setting_parameters, shared
from metaalliance.cli.request import Request
from metaalliance.model import Model
from metaalliance.policy import READING, Policy
from metaalliance.setting import Setting, settings_in

#: Settings that a command can read: what is fitted to effects, what effects are worth, and
#: the part of the latter that decides how a sheet is read.
ANALYSIS: tuple[Setting, ...] = (*settings_in(Policy), *settings_in(Model))
POLICY: tuple[Setting, ...] = settings_in(Policy)
SHEET: tuple[Setting, ...] = tuple(s for s in POLICY if s.name in READING)

#: Sections of --help, in their order.
SECTIONS = (
    "Pool",
    "Examine",
    "Draw",
    "Report and check",
    "Prepare a sheet",
    "Code twice",
    "Plan and explain",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A name that an option had: it is still taken, with a note, and no help names it.

    Attributes
    ----------
    flag, now : str
        The former flag, and that of today.
    listed : bool
        Whether its value was a list with commas, of which each now has a flag of its own.
    blank : str
        What stands for an empty value.
    """

    flag: str
    now: str
    listed: bool = False
    blank: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """An entry of the register.

    Attributes
    ----------
    name, section : str
        As --help lists it.
    about : str
        The first paragraph of its help, as one line.
    make : callable
        Returns what typer calls. It is made when the command is asked for: that of every command
        would make each start slow.
    reads : tuple of Setting
        Settings that it takes from the command line and the configuration.
    examples : tuple of str
        Two command lines without the name of the program, as its help shows them.
    formerly : tuple of Former
        Names that its options had.
    draws : bool
        Whether it draws figures: in the style and the width that are asked for.
    """

    name: str
    section: str
    about: str
    make: Callable[[], Callable[..., None]] = field(repr=False, compare=False)
    reads: tuple[Setting, ...]
    examples: tuple[str, ...]
    formerly: tuple[Former, ...]
    draws: bool


#: Every command by its name.
COMMANDS: dict[str, Command] = {}


def command(
    name: str,
    section: str,
    reads: Sequence[Setting] = (),
    *,
    draws: bool = False,
    without: Sequence[str] = (),
    helps: Mapping[str, str] | None = None,
    examples: Sequence[str] = (),
    formerly: Sequence[Former] = (),
    extend: Callable[[Callable[..., int]], Callable[..., int]] | None = None,
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Register a function as a command.

    A function whose first parameter is `request` is given a `Request`, and the command then has
    every option that fills one, with the flags of the settings in `reads`. Its other parameters
    are options of the command alone.

    Parameters
    ----------
    name : str
        Of the command.
    section : str
        One of `SECTIONS`.
    reads : sequence of Setting
        `ANALYSIS`, `POLICY`, `SHEET` or nothing.
    draws : bool
        Whether the command draws, and has the options of how figures look.
    without : sequence of str
        Fields of the request that the command has no option for.
    helps : mapping of str to str, optional
        Other help texts for fields of the request.
    examples, formerly : sequence of str, and of Former
        As in `Command`.
    extend : callable, optional
        Returns the function with further options.
    """

    def register(function: Callable[..., int]) -> Callable[..., int]:
        def make() -> Callable[..., None]:
            whole = extend(function) if extend else function
            lacks = (*without, *(() if draws else LOOK))
            return _typer_function(name, whole, tuple(reads), lacks, helps or {})

        COMMANDS[name] = Command(
            name=name,
            section=section,
            about=" ".join((function.__doc__ or "").partition("\n\n")[0].split()),
            make=make,
            reads=tuple(reads),
            examples=tuple(examples),
            formerly=tuple(formerly),
            draws=draws,
        )
        return function

    return register


def _typer_function(
    name: str,
    function: Callable[..., int],
    reads: tuple[Setting, ...],
    without: tuple[str, ...],
    helps: Mapping[str, str],
) -> Callable[..., None]:
    """Return the function that typer calls, with every parameter in its signature."""
    own = _own_parameters(function)
    asked = "request" in inspect.signature(function).parameters

    @functools.wraps(function)
    def run(**values: Any) -> None:
        from metaalliance.cli.run import guarded

        given = {p: values[p] for p in own}
        words = {"request": _request(values, reads)} if asked else {}
        guarded(
            name,
            lambda: function(**words, **given),
            json_output=bool(values.get("json_output")) or values.get("output_format") == "json",
            debug=values["debug"],
        )

    found = _parameters(own, reads if asked else (), without, helps, asked=asked)
    run.__signature__ = inspect.Signature(found)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in found}
    del run.__wrapped__  # typer would read the signature below
    return run


def _own_parameters(function: Callable[..., int]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function beside the request."""
    hints = get_type_hints(function, include_extras=True)
    return {
        p.name: p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[p.name])
        for p in inspect.signature(function).parameters.values()
        if p.name != "request"
    }


def _parameters(
    own: Mapping[str, inspect.Parameter],
    reads: tuple[Setting, ...],
    without: tuple[str, ...],
    helps: Mapping[str, str],
    *,
    asked: bool,
) -> list[inspect.Parameter]:
    """Return arguments, options of the request, those of the command, those of settings."""
    first = [p for p in own.values() if _is_argument(p)]
    names = [n for n in (*LEADING, *LOOK, *CLOSING) if n not in own and n not in without]
    names = names if asked else ["debug"]
    leading = [shared(n, helps.get(n)) for n in (*LEADING, *LOOK) if n in names]
    closing = [shared(n, helps.get(n)) for n in CLOSING if n in names]
    middle = [p for p in own.values() if not _is_argument(p)]
    settings = setting_parameters(s for s in reads if s.name not in own)
    return [_with_path(p) for p in (*first, *leading, *middle, *settings, *closing)]


def _with_path(p: inspect.Parameter) -> inspect.Parameter:
    """Return a parameter that refuses an empty path, where it is one."""
    kind, *marks = get_args(p.annotation)
    if not _is_path(kind):
        return p
    strict = [copy.copy(mark) for mark in marks]
    for mark in strict:
        mark.parser = path
    return p.replace(annotation=Annotated[kind, *strict])


def _is_path(kind: Any) -> bool:
    return kind is Path or any(_is_path(one) for one in get_args(kind))


def path(text: str) -> Path:
    """Return a path; an empty one would be the current folder.

    Raises
    ------
    typer.BadParameter
        For an empty text.
    """
    if not text:
        raise typer.BadParameter("it is empty; give the name of a file or folder.")
    return Path(text)


def _is_argument(p: inspect.Parameter) -> bool:
    marks = getattr(p.annotation, "__metadata__", ())
    return any(isinstance(mark, typer.models.ArgumentInfo) for mark in marks)


def _request(values: Mapping[str, Any], reads: tuple[Setting, ...]) -> Request:
    """Return the request that the values of the command line make."""
    names = {f.name for f in fields(Request)} - {"settings"}
    filled = {name: values[name] for name in names if values.get(name) is not None}
    settings = {s.name: values.get(s.name) or None if s.many else values.get(s.name) for s in reads}
    return Request(**filled, settings=settings)
