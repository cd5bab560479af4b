"""The pooled model within each level of a categorical moderator."""

from __future__ import annotations

from metaalliance.errors import OptionError
from metaalliance.models.part import pool_part
from metaalliance.models.pooled_fit import PooledFit

#: Level of the effects without a value.
MISSING = "not reported"


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
        Levels in alphabetical order; effects without a value come last as "not reported".

    Raises
    ------
    OptionError
        When the effects have no such column.
    """
    frame = fit.effects.frame
    if by not in frame:
        raise OptionError(f"There is no moderator {by!r}; {fit.effects.moderator_list()}.")
    values = frame[by].astype(object)
    labels = values.where(values.notna(), "").astype(str).str.strip()
    labels = labels.where(labels != "", MISSING)
    levels = sorted(set(labels), key=lambda level: (level == MISSING, level.casefold(), level))
    return {level: pool_part(fit, fit.effects.subset(labels == level)) for level in levels}
