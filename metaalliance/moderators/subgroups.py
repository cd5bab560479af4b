"""The pooled model within each level of a categorical moderator."""

from __future__ import annotations

import warnings

from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning, OptionError
from metaalliance.models.fits import PooledFit
from metaalliance.models.pool import TESTS, auto_model, pool


def subgroup_fits(fit: PooledFit, by: str) -> dict[str, PooledFit]:
    """Pool the effects of each level of `by` on their own, with the settings of `fit`.

    Parameters
    ----------
    fit : PooledFit
        The overall result, whose model, test and other settings are taken over. A level
        in which no study has several effects falls back from a multilevel to the
        two-level model; each fit says which model it is.
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
        raise OptionError(
            f"There is no moderator {by!r}; there are {', '.join(fit.effects.moderators)}."
        )
    values = frame[by]
    labels = values.astype(str)
    levels = sorted({str(v) for v in values.dropna()}, key=str.casefold)
    present = values.notna()
    fits = {
        level: _level_fit(fit, fit.effects.subset(present & (labels == level))) for level in levels
    }
    if values.isna().any():
        fits["not reported"] = _level_fit(fit, fit.effects.subset(values.isna()))
    return fits


def _level_fit(fit: PooledFit, effects: Effects) -> PooledFit:
    """Pool one level; its own warnings stay in its notices."""
    settings = {k: v for k, v in fit.settings().items() if k != "measure"}
    nested = settings["model"] in {"three-level", "che"}
    if nested and (not effects.dependent() or effects.n_studies == 1):
        settings |= {"model": "two-level"}
        if effects.dependent():
            settings |= {"test": "cr2"}
        elif settings["test"] not in TESTS["two-level"] or settings["test"] == "cr2":
            settings |= {"test": "auto"}
    if settings["model"] == "two-level":
        settings.pop("rho", None)
    if auto_model(effects) == "two-level" and settings["test"] == "auto":
        settings["test"] = "knapp-hartung-adhoc"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        return pool(effects, **settings)
