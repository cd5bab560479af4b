"""Options of figures on the command line, from those that their kinds take."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, get_type_hints

import typer

from metaalliance.cli.arguments import PANELS, among, moderator_columns
from metaalliance.errors import OptionError
from metaalliance.plots.kinds import KINDS
from metaalliance.plots.options import FigureOption, keywords_of, options_of


def figure_options(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of some kinds of figures in place of its parameter `figure`.

    Parameters
    ----------
    *kinds : str
        Names of `metaalliance.plots.kinds.KINDS`; none for all.
    """
    taken = options_of(*(KINDS[name].options for name in kinds or KINDS))

    def extended(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**values: Any) -> Any:
            figure = {o.name: values.pop(_parameter(o).name) for o in taken}
            return function(**values, figure=figure)

        parameters = _parameters(function, taken)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        del run.__wrapped__  # typer would read the signature below
        return run

    return extended


def _parameters(
    function: Callable[..., Any], taken: Sequence[FigureOption]
) -> list[inspect.Parameter]:
    """Return the parameters of a function with those of options in place of `figure`."""
    hints, found = get_type_hints(function, include_extras=True), []
    for own in inspect.signature(function).parameters.values():
        if own.name == "figure":
            found += [_parameter(option) for option in taken]
        else:
            kind = inspect.Parameter.KEYWORD_ONLY
            found.append(own.replace(annotation=hints[own.name], kind=kind))
    return found


def _parameter(option: FigureOption) -> inspect.Parameter:
    """Return an option as a parameter that is None where it is not given."""
    flags = (option.flag, option.short) if option.short else (option.flag,)
    asked = typer.Option(
        *flags,
        min=option.least,
        help=option.help,
        rich_help_panel=PANELS["Figure"],
        autocompletion=_completion(option),
    )
    return inspect.Parameter(
        option.named or option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[option.type | None, asked],
    )


def _completion(option: FigureOption) -> Callable[[], list[str]] | None:
    """Return what completes the value of an option."""
    if option.name in {"by", "x"}:
        return among(moderator_columns)
    return among(option.values) if option.values else None


def asked_options(figure: Mapping[str, Any], further: Sequence[str] = ()) -> dict[str, Any]:
    """Return the keywords of a figure from its options and those given as NAME=VALUE.

    Raises
    ------
    OptionError
        For a text that cannot be read.
    """
    found = keywords_of(figure)
    for text in further:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise OptionError(f"--option {text!r} is not NAME=VALUE.")
        found[name.strip().replace("-", "_")] = _value(value.strip())
    return found


def _value(text: str) -> Any:
    """Return true, false, a number or a text."""
    if text.lower() in {"true", "yes"}:
        return True
    if text.lower() in {"false", "no"}:
        return False
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
