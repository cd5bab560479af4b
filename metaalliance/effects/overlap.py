"""Which people the effects of a sample share, where their n differ."""

from __future__ import annotations

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.people import People
from metaalliance.effects.effects import Effects, study_names
from metaalliance.errors import EstimationError

#: Effects that a message names.
_NAMED = 5


def nested_sizes(effects: Effects) -> Array | None:
    """Return the n of each effect where smaller groups lie within larger ones, else None.

    Raises
    ------
    EstimationError
        When an effect that shares its sample with others has no n.
    """
    if effects.overlap == "full":
        return None
    codes = effects.sample_codes
    several = np.bincount(codes)[codes] > 1
    n = np.full(codes.size, np.nan)
    if "n" in effects.frame:
        n = effects.frame["n"].to_numpy(dtype=float)
    lacking = np.flatnonzero(several & ~(n > 0))
    if lacking.size:
        raise EstimationError(
            f"overlap='nested' needs the n of every effect that shares a sample with others; "
            f"{_listed(effects, lacking)} {'has' if lacking.size == 1 else 'have'} none. Code n, "
            "or use overlap='full'.",
            code="MA603",
        )
    return np.where(n > 0, n, 1.0)


def people_of(effects: Effects, order: IntArray, groups: IntArray) -> tuple[IntArray, People]:
    """Return the samples of effects, with the rows that make them adjacent.

    Parameters
    ----------
    effects : Effects
        All effects.
    order : ndarray of int, shape (k,)
        Rows of the effects by group.
    groups : ndarray of int, shape (k,)
        Sorted groups, of which each holds whole samples.

    Returns
    -------
    ndarray of int, shape (k,)
        Places in `order`, sorted inside groups.
    People
        The samples in that order.
    """
    codes, sizes = effects.sample_codes[order], nested_sizes(effects)
    n = np.zeros(codes.size) if sizes is None else sizes[order]
    rows = np.lexsort((n, codes, groups)).astype(np.intp)
    samples = StudyBlocks.from_sorted(codes[rows])
    return rows, People.same(samples) if sizes is None else People.nested(samples, n[rows])


def _listed(effects: Effects, rows: IntArray) -> str:
    """Name effects by study and the row of the sheet, or their place counted from 1."""
    names, frame = study_names(effects.frame).astype(str), effects.frame
    place = frame["row"] if "row" in frame else frame["effect"]
    word = "row" if "row" in frame else "effect"
    named = [f"{names.iloc[i]} ({word} {place.iloc[i]})" for i in rows[:_NAMED]]
    more = f" and {rows.size - _NAMED} more" if rows.size > _NAMED else ""
    return ", ".join(named) + more
