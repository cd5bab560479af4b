"""The options of a forest plot, checked against the effects it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from metaalliance.effects.effects import Effects
from metaalliance.effects.levels import read_as
from metaalliance.effects.ratings import rating_columns
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.level_means import Pooling
from metaalliance.options import check_option, did_you_mean
from metaalliance.plots.canvas.style import Style
from metaalliance.plots.forests.look import OWN_COLUMNS, ForestLook

#: The number of effects of a study, a column that the effects do not hold themselves.
COUNT = "k"

SORTS = ("sheet", "r", "year", "weight", "modality")

EffectsShown = Literal["average", "behind", "rows"]

#: The ratings of the risk of bias, a column of lights each, and what stands before their names.
RATINGS, RATED = "ratings", "rating: "

#: Ways to name a column that is no column of the effects.
_ALIASES = {"effects": COUNT, "r": "effect", "estimate": "effect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a forest plot shows.

    Attributes
    ----------
    by : str
        Grouping column, or "none".
    left, right : tuple of str
        Every column on either side of the plot, in order; "effect" and "weight" included.
    sort : str
        Order of the studies.
    effects : {"average", "behind", "rows"}
        What is shown of the effects behind a study's average.
    pool : {"joint", "apart"}
        Whether the means of groups come from one model.
    percent : str
        What follows a weight.
    optional : tuple of str
        Columns that nobody asked for by name.
    """

    by: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    sort: str
    effects: str = "average"
    pool: Pooling = "joint"
    percent: str = "%"
    optional: tuple[str, ...] = ()

    @property
    def grouped(self) -> bool:
        """Whether studies stand under headings."""
        return self.by != "none"

    @property
    def cells(self) -> tuple[str, ...]:
        """Every column, in the order of the cells of a row."""
        return (*self.left, *self.right)


def choose(
    fit: PooledFit,
    style: Style,
    *,
    by: str | None = None,
    columns: Sequence[str] | str = ("n",),
    right_columns: Sequence[str] | str = (),
    sort: str = "sheet",
    effects: str = "behind",
    pool: Pooling = "joint",
) -> Choice:
    """Check the options of a forest plot and fill in those that depend on the effects.

    Raises
    ------
    OptionError
        For an unknown order, or a column that the effects do not have.
    """
    frame, intervals = fit.effects.frame, bool(fit.effects.n_censored)
    check_option("effects", effects, EffectsShown)
    check_option("pool", pool, Pooling)
    left, right = _named(columns, frame), _named(right_columns, frame)
    twice = sorted({name for name in left if name in right} | _repeated(left) | _repeated(right))
    if twice:
        raise OptionError(f"columns: {', '.join(map(repr, twice))} would be shown twice.")
    asked = {*left, *right}
    for what in ("column",) * ("weight" in asked) + ("order",) * (sort == "weight"):
        reason = "a model of intervals has no weights"
        fit.effects.refuse_intervals(f"The {what} weight of a forest plot", reason)
    if fit.effects.dependent() and COUNT not in asked:
        left = (COUNT, *left)
    sides = _sides(style.forest, left, right)
    if intervals:
        sides = (_without_weight(sides[0]), _without_weight(sides[1]))
    return Choice(
        by=grouping(by, fit.effects),
        left=sides[0],
        right=sides[1],
        sort=_order_named(sort, frame),
        effects=effects,
        pool=pool,
        percent=style.words.percent,
        optional=tuple(name for name in (COUNT, "weight") if name not in asked),
    )


def _without_weight(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name != "weight")


def _order_named(sort: str, frame: pd.DataFrame) -> str:
    """Return a known order; "estimate" is another word for "r"."""
    sort = "r" if sort == "estimate" else sort
    if sort not in SORTS:
        raise OptionError(f"sort={sort!r} is not one of {', '.join(map(repr, SORTS))}.")
    if sort in {"year", "modality"}:
        _check_column("sort", sort, frame)
    return sort


def grouping(by: str | None, effects: Effects) -> str:
    """Return the grouping column: by default modality, where most levels have several studies."""
    frame = effects.frame
    if by is None:
        if effects.n_censored or "modality" not in frame:
            return "none"
        studies = frame.groupby("modality")["study"].nunique()
        several = len(studies) > 1 and int((studies == 1).sum()) <= len(studies) / 2
        return "modality" if several else "none"
    if by != "none":
        _check_column("by", by, frame)
    return by


def _named(columns: Sequence[str] | str, frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that are asked for; n is passed over where it is not known."""
    wanted = columns.split(",") if isinstance(columns, str) else columns
    found = []
    for given in (name.strip() for name in wanted if name.strip()):
        name = given if given in frame and given != "r" else _ALIASES.get(given, given)
        if name == RATINGS and RATINGS not in frame:
            found += [RATED + column for column in _rated(frame)]
            continue
        if name == "n" and "n" not in frame:
            continue
        if name not in {COUNT, "effect", "weight"}:
            _check_column("columns", name, frame)
        found.append(name)
    return tuple(found)


def _rated(frame: pd.DataFrame) -> list[str]:
    """Return the columns that rate the risk of bias."""
    found = list(rating_columns(frame))
    if not found:
        raise OptionError(
            f"columns={RATINGS!r}: the effects have no column of the risk of bias, such as "
            "risk_of_bias or rob_missing_data."
        )
    return found


def _repeated(names: tuple[str, ...]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def _sides(
    look: ForestLook, left: tuple[str, ...], right: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the columns where the style has its own; one that is named stands where it was named."""
    chosen = {*left, *right}

    def side(places: tuple[str, ...], own: tuple[str, ...]) -> tuple[str, ...]:
        names: list[str] = []
        for place in places if "columns" in places else ("columns", *places):
            names.extend(own if place == "columns" else () if place in chosen else (place,))
        return tuple(names)

    return side(look.left, left), side(look.right, right)


def _check_column(option: str, name: str, frame: pd.DataFrame) -> None:
    if name in frame and name not in OWN_COLUMNS:
        return
    column = read_as(frame, name)
    if column is not None:
        raise OptionError(
            f"{option}={name!r}: the sheet's {name!r} is read as {column!r}, which is its name."
        )
    known = [str(c) for c in frame.columns]
    hint = did_you_mean(name, known)
    raise OptionError(
        f"{option}={name!r}: the effects have no such column; they have "
        f"{', '.join(map(repr, known))}.{hint}"
    )
