"""The pooled model within each level of a categorical moderator."""

from __future__ import annotations

from metaalliance.effects.levels import in_order, level_labels
from metaalliance.errors import OptionError
from metaalliance.models.part import pool_part
from metaalliance.models.pooled_fit import PooledFit


def subgroup_fits(fit: PooledFit, by: str) -> dict[str, PooledFit]:
    """Pool the effects of each level of `by` on their own, with the settings of `fit`.

    Parameters
    ----------
    fit : PooledFit
        The overall result, whose model, test and other settings are taken over. A level
        in which no study has several effects falls back from a multilevel to the
        two-level model, and the effects of a level that is one study are aggregated; each
        fit says which model it is.
    by : str
        A moderator column of the effects.

    Returns
    -------
    dict of str to PooledFit
        Levels in the order of their vocabulary, else of the alphabet; effects without a value
        come last as "not reported".

    Raises
    ------
    OptionError
        When the effects have no such column.
    """
    frame = fit.effects.frame
    if by not in frame:
        raise OptionError(f"There is no moderator {by!r}; {fit.effects.moderator_list(by)}.")
    labels = level_labels(frame[by])
    levels = in_order(set(labels), frame, by)
    return {level: pool_part(fit, fit.effects.subset(labels == level)) for level in levels}
