"""Options of figures: name, help and how each is read from words, declared once for all kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from metaalliance.errors import OptionError
from metaalliance.options import check_option, option_values

#: What a result can be compared with.
Comparison = Literal["published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureOption:
    """An option that some kinds of figures take.

    Attributes
    ----------
    name : str
        Keyword of the functions that draw.
    help : str
        What it is, in the words of the command line.
    type : type
        What the command line reads: str, int or float.
    named : str
        Its flag without dashes, where that is not `name`.
    short : str
        A second, short flag.
    least : float or None
        The least number.
    words : callable
        Makes the value of the keyword from what the command line has read.
    label_of : str
        The option that this one labels, where it is no keyword itself.
    values : tuple of str
        What it can be, where that is known here.
    """

    name: str
    help: str
    type: type[str] | type[int] | type[float] = str
    named: str = ""
    short: str = ""
    least: float | None = None
    words: Callable[[Any], Any] = lambda value: value
    label_of: str = ""
    values: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return f"--{(self.named or self.name).replace('_', '-')}"


def _limits(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--limits {text!r} is not LOW,HIGH such as -.2,.8.") from None
    return low, high


def _directions(text: str) -> tuple[str, str]:
    left, sign, right = text.partition("|")
    if not sign or "|" in right:
        raise OptionError(f"--sides {text!r} is not 'LEFT|RIGHT'.")
    return left.strip(), right.strip()


#: Every option by its name, in the order of --help.
OPTIONS: dict[str, FigureOption] = {
    option.name: option
    for option in (
        FigureOption(
            name="by",
            help="Column that groups; a forest has modality, if any, and none for no groups. "
            "Moderators of coefficients, with commas.",
        ),
        FigureOption(
            name="pool",
            help="Means of groups: joint, from one model as in moderators, or apart, each pooled "
            "on its own [default: joint].",
            values=("joint", "apart"),
        ),
        FigureOption(name="x", help="Column of the horizontal axis."),
        FigureOption(
            name="columns",
            help="Columns left of the plot, such as year,n,modality; also k (effects of a study), "
            "effect (estimate and interval), weight and ratings (of the risk of bias) "
            "[default: n].",
        ),
        FigureOption(name="right_columns", help="Columns right of the plot."),
        FigureOption(
            name="sort",
            help="sheet, r, year, weight or modality [default: sheet].",
            values=("sheet", "r", "year", "weight", "modality"),
        ),
        FigureOption(
            name="effects",
            help="Effects behind the average of a study: behind it, in rows, or average alone "
            "[default: behind].",
            values=("behind", "rows", "average"),
        ),
        FigureOption(
            name="prediction",
            named="prediction_mark",
            help="Prediction interval as bar, line, density or none [default: of the style].",
            values=("bar", "line", "density", "none"),
        ),
        FigureOption(
            name="reference",
            named="published",
            type=float,
            help="Published pooled value, marked by a line.",
        ),
        FigureOption(
            name="reference_label",
            named="published_label",
            label_of="reference",
            help="Its label [default: Published].",
        ),
        FigureOption(
            name="limits", words=_limits, help="Ends of the axis of effects in r, such as -.2,.8."
        ),
        FigureOption(
            name="directions",
            named="sides",
            words=_directions,
            help="Words left and right of zero: 'LEFT|RIGHT'.",
        ),
        FigureOption(
            name="compare",
            words=lambda text: check_option("compare", text, Comparison),
            help="published: the pooled results of published reviews, with this one below them.",
            values=option_values(Comparison),
        ),
        FigureOption(
            name="rows_per_page", type=int, least=8, help="Lines of a page [default: 60]."
        ),
        FigureOption(name="seed", type=int, least=0, help="Seed of random numbers."),
        FigureOption(
            name="jobs", type=int, short="-j", least=-1, help="Processes; -1 takes all cores."
        ),
    )
}


def options_of(*taken: tuple[str, ...]) -> tuple[FigureOption, ...]:
    """Return the options that any of some kinds takes, with the labels of them.

    Examples
    --------
    >>> [option.flag for option in options_of(("reference", "prediction"))]
    ['--prediction-mark', '--published', '--published-label']
    """
    names = {name for one in taken for name in one}
    return tuple(o for o in OPTIONS.values() if o.name in names or o.label_of in names)


def keywords_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords of a figure from what the command line has read; None is not given.

    Raises
    ------
    OptionError
        For a text that cannot be read, or a label of nothing.

    Examples
    --------
    >>> keywords_of({"limits": "-.2,.8", "reference": 0.28, "reference_label": "2018", "by": None})
    {'limits': (-0.2, 0.8), 'reference': (0.28, '2018')}
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        option = OPTIONS.get(name)
        if value is not None and (option is None or not option.label_of):
            found[name] = value if option is None else option.words(value)
    for name, value in given.items():
        of = OPTIONS[name].label_of if name in OPTIONS else ""
        if value is None or not of:
            continue
        if of not in found:
            raise OptionError(f"{OPTIONS[name].flag} needs {OPTIONS[of].flag}.")
        found[of] = (found[of], value)
    return found
