"""Every kind of figure by its name, with the function that draws it.

`metaalliance plot KIND` reads this table. A kind is added by one entry: no function is
imported before it is asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from metaalliance.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureKind:
    """A kind of figure.

    Attributes
    ----------
    path : str
        "module:function" below `metaalliance.plots`. The function takes a `PooledFit`, then
        only keywords: `style`, `width_mm`, `title` and those of `options`; it returns a
        Figure, or a list of Figures (pages).
    about : str
        What it shows, in one line for the help.
    options : tuple of str
        Further keywords of the command that the function takes: "by", "x", "seed", "jobs",
        "columns", "sort", "reference", "y".
    required : tuple of str
        Those of `options` without which there is no figure.
    alt : str
        "module:function" for the alternative text: takes the fit and the keywords of
        `options`, returns a paragraph. Without it the text of `words.alt_text` is used.
    width : float
        Width in mm when none is given.
    """

    path: str
    about: str
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    alt: str = ""
    width: float = 174.0


KINDS: dict[str, FigureKind] = {
    "forest": FigureKind(
        path="forest:forest_pages",
        about="each study with its interval, groups and overall mean as diamonds",
        options=(
            "by",
            "columns",
            "right_columns",
            "sort",
            "effects",
            "prediction",
            "reference",
            "limits",
            "directions",
            "rows_per_page",
        ),
        alt="alt_text:forest_text",
    ),
    "summary-forest": FigureKind(
        path="summary:summary_forest",
        about="one diamond per level of a moderator, on one page",
        options=("by", "reference", "limits", "directions"),
        required=("by",),
        alt="alt_text:summary_text",
    ),
    "funnel": FigureKind(
        path="funnel:funnel",
        about="effects against standard errors, with zones of significance",
        alt="alt_text:funnel_text",
        width=120.0,
    ),
}


def kind_named(name: str) -> FigureKind:
    """Return a kind of figure by its name.

    Raises
    ------
    OptionError
        When there is none of that name; with the nearest that there is.

    Examples
    --------
    >>> kind_named("funnel").width
    120.0
    """
    if name in KINDS:
        return KINDS[name]
    near = difflib.get_close_matches(name, KINDS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise OptionError(
        f"There is no figure of the kind {name!r}; there are {', '.join(KINDS)}.{hint}",
        code="MA677",
    )


def function_at(path: str) -> Callable[..., Any]:
    """Import and return the function that "module:function" names."""
    module, name = path.split(":")
    found: Callable[..., Any] = getattr(import_module(f"metaalliance.plots.{module}"), name)
    return found
