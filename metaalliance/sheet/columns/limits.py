"""The column that holds both confidence limits in one cell."""

from __future__ import annotations

from collections.abc import Sequence

from metaalliance.core.conversion.rules import RULES
from metaalliance.sheet.columns.effect_words import effect_named
from metaalliance.sheet.columns.reading import column_values
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.columns.words import interval
from metaalliance.sheet.intervals import hold_values, holds_intervals
from metaalliance.sheet.read.grid import Grid


def find_interval(
    grid: Grid, row: int, texts: Sequence[str], named: Sequence[str | None], scheme: Scheme
) -> int | None:
    """The column that holds both confidence limits of the statistic in one cell, from 1.

    The one that the team maps to both; else one whose header says so, of no other statistic, and
    whose cells hold two numbers around the value.
    """
    mapped = key_of(scheme.taken.get("ci_low", ""))
    if mapped and mapped == key_of(scheme.taken.get("ci_high", "")):
        return next((i for i, t in enumerate(texts, start=1) if key_of(t) == mapped), None)
    if {"ci_low", "ci_high"} & {*named, *scheme.taken}:
        return None
    first = next((s for s in (*RULES, "value") if s in named), None)
    for index, text in enumerate(texts):
        found = interval(text) if named[index] is None and not scheme.is_mapped(text) else None
        if found is None or first is None:
            continue
        statistic = scheme.column_of(found[0]) or (effect_named(found[0]) or ("",))[0]
        if found[0] and statistic not in {first, "value"}:
            continue
        limits = column_values(grid, row, index)
        values = column_values(grid, row, named.index(first))
        comma = grid.decimal_comma
        if holds_intervals(limits, comma) and hold_values(limits, values, comma):
            return index + 1
    return None


def holds_limits(grid: Grid, row: int, number: int, text: str) -> bool:
    """Whether a column, counted from 1, is one of intervals by its header and its cells."""
    values = column_values(grid, row, number - 1)
    return interval(text) is not None and holds_intervals(values, grid.decimal_comma)
