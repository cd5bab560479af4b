"""The decisions of an analysis and their options."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metaalliance.errors import OptionError
from metaalliance.options import (
    DECISIONS,
    EFFECT_DECISIONS,
    MODEL_DECISIONS,
    check_decision,
    unknown,
)

#: The option of `include` that keeps every effect.
EVERY = "all"
#: Combinations of options beyond which a grid is refused.
MOST_COMBINATIONS = 2_000_000

Filter = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The declared decisions with their options.

    Attributes
    ----------
    options : dict of str to tuple
        Options of each decision, in the order of `DECISIONS`.
    filters : dict of str to dict
        What each option of `include` keeps: allowed values by column.
    """

    options: Mapping[str, tuple[Any, ...]]
    filters: Mapping[str, Filter] = field(default_factory=dict)

    @property
    def varied(self) -> tuple[str, ...]:
        """Decisions with more than one option."""
        return tuple(name for name in DECISIONS if len(self.options[name]) > 1)

    @property
    def fixed(self) -> dict[str, Any]:
        """Decisions with one option."""
        return {n: self.options[n][0] for n in DECISIONS if len(self.options[n]) == 1}

    @property
    def size(self) -> int:
        """Combinations of all options, possible or not."""
        return math.prod(len(self.options[name]) for name in DECISIONS)

    def holding(self, main: Mapping[str, Any]) -> Grid:
        """Return the grid with the options of the main analysis among those of each decision."""
        more = {n: v for n, v in main.items() if v is not None and v not in self.options[n]}
        return replace(self, options={n: (*o, *_one(more, n)) for n, o in self.options.items()})

    def effect_choices(self) -> Iterator[dict[str, Any]]:
        """Combinations of the decisions about the effects."""
        return _combinations(self.options, EFFECT_DECISIONS)

    def model_choices(self) -> Iterator[dict[str, Any]]:
        """Combinations of the decisions about the model."""
        return _combinations(self.options, MODEL_DECISIONS)


def _one(options: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    return (options[name],) if name in options else ()


def _combinations(
    options: Mapping[str, tuple[Any, ...]], names: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*(options[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def make_grid(given: Mapping[str, Any], defaults: Grid) -> Grid:
    """Return the defaults with the options that are given in their place.

    Parameters
    ----------
    given : mapping
        Options by decision: a sequence or one value; `include` may be a mapping from a name to
        the values that it keeps by column (the option "all" is added in front), or a sequence
        of names that `defaults` has.
    defaults : Grid
        Options of decisions that are not given.

    Raises
    ------
    OptionError
        For an unknown decision or option, a repeated option, none at all, or too many
        combinations.
    """
    options, filters = dict(defaults.options), dict(defaults.filters)
    for name, value in given.items():
        if name not in DECISIONS:
            raise OptionError(unknown(f"the grid has a decision {name!r}", name, DECISIONS))
        if name == "include" and isinstance(value, Mapping):
            filters = {str(k): _filter(str(k), v) for k, v in value.items()}
            options[name] = (EVERY, *(k for k in filters if k != EVERY))
        else:
            options[name] = _options(name, value, filters)
    grid = Grid(options=options, filters={k: v for k, v in filters.items() if k != EVERY})
    if grid.size > MOST_COMBINATIONS:
        raise OptionError(
            f"The grid has {grid.size:,} combinations; at most {MOST_COMBINATIONS:,} are taken. "
            "Give some decisions fewer options."
        )
    return grid


def _options(name: str, value: Any, filters: Mapping[str, Filter]) -> tuple[Any, ...]:
    """Check the options of one decision."""
    listed = [value] if isinstance(value, str | int | float) else list(value)
    if not listed:
        raise OptionError(f"The decision {name!r} has no option.")
    listed = [check_decision(name, v, (EVERY, *filters)) for v in listed]
    repeated = [option for option, count in Counter(listed).items() if count > 1]
    if repeated:
        raise OptionError(f"The decision {name!r} has {repeated[0]!r} twice.")
    return tuple(listed)


def _filter(name: str, value: Any) -> dict[str, tuple[Any, ...]]:
    """Check one filter: allowed values by column."""
    if not isinstance(value, Mapping) or not value:
        raise OptionError(
            f"include {name!r} must map columns to the values that are kept, such as "
            "{'design': ['RCT']}."
        )
    found = {}
    for column, kept in value.items():
        values = [kept] if isinstance(kept, str | int | float) else list(kept)
        if not values:
            raise OptionError(f"include {name!r}: {column} keeps no value.")
        found[str(column)] = tuple(values)
    return found
