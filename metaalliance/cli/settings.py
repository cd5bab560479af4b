"""Settings of a run: command line over configuration file over default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from metaalliance.cli.request import Request
from metaalliance.config import Config
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.options import Notes, Page, check_option, did_you_mean
from metaalliance.policy import Policy

if TYPE_CHECKING:
    from metaalliance.plots.canvas.style import Style

#: Width of a page in mm. Figures that are narrower by themselves do not grow with it.
PAGE = 174.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the figures of a command look.

    Attributes
    ----------
    style : str or Style
        "apa", or what is asked for.
    width : float or None
        Width in mm that is asked for.
    """

    style: str | Style = "apa"
    width: float | None = None

    def width_of(self, draw: Callable[..., Any]) -> float:
        """Return the width in mm of what a function draws."""
        said = inspect.signature(draw).parameters.get("width_mm")
        own: float = said.default if said else PAGE
        if self.width is None:
            return own
        return min(own, self.width) if own < PAGE else self.width

    def draw(self, draw: Callable[..., Any], *what: Any, **options: Any) -> Any:
        """Return what a function draws in this look."""
        return draw(*what, style=self.style, width_mm=self.width_of(draw), **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was asked for: what to fit, what a row is worth, and how figures look."""

    model: Model
    policy: Policy
    look: Look


def resolve(request: Request, config: Config) -> Settings:
    """Merge the command line, the configuration and the defaults, and check every value.

    Raises
    ------
    OptionError
        For a value that an option does not have.
    """
    given = request.settings, config.pool
    return Settings(
        model=Model.read(*given), policy=Policy.read(*given), look=_look(request, config)
    )


def _look(request: Request, config: Config) -> Look:
    """Return how figures look, after a check of every style of the configuration."""
    wide = config.pool.get("width") if request.width is None else request.width
    words = (("page", request.page, Page), ("notes", request.notes, Notes))
    said: dict[str, Any] = {
        name: check_option(f"--{name}", value, allowed)
        for name, value, allowed in words
        if value is not None
    }
    if wide is None and not (said or request.style or config.style or config.styles):
        return Look()  # matplotlib is imported where it is needed
    from metaalliance.plots.canvas.page import NARROWEST, WIDEST

    if wide is not None and not NARROWEST <= wide <= WIDEST:
        where = f"{config.path} [pool]: width = " if request.width is None else "--width "
        bounds = f"{NARROWEST:g} and {WIDEST:g} mm"
        raise OptionError(f"{where}{wide:g} is not between {bounds}.")
    return Look(style=replace(_style(request.style, config), **said), width=wide)


def _style(name: str | None, config: Config) -> Style:
    """Return the style that is asked for: of ours, of the configuration, or its [style]."""
    from metaalliance.plots.canvas.style import STYLES

    known = STYLES | {
        n: _own(table, n, f"styles.{n}", config) for n, table in config.styles.items()
    }
    own = _own(config.style, "style", "style", config) if config.style else STYLES["apa"]
    if name is None:
        return own
    if name not in known:
        hint = did_you_mean(name, known)
        raise OptionError(f"--style {name} is not one of {', '.join(known)}.{hint}")
    return known[name]


def _own(table: Mapping[str, Any], name: str, section: str, config: Config) -> Style:
    """Return a style of the configuration; an error names the file and its section."""
    from metaalliance.plots.canvas.own_style import own_style

    try:
        return own_style(table, name)
    except OptionError as error:
        why = str(error).removeprefix(f"style {name!r}")
        raise OptionError(f"{config.path} [{section}]{why}", code=error.code) from None
