"""The pooled model within each level of a categorical moderator."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from metaalliance.core.arrays import read_only
from metaalliance.effects.aggregate import AGGREGATION_RHO, aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.models.checks import one_study_notice
from metaalliance.models.deep import DeepFit
from metaalliance.models.fits import PooledFit
from metaalliance.models.pool import TESTS, pool

#: Level of the effects without a value.
MISSING = "not reported"
#: Settings of the further levels and correlations of a `DeepFit`.
_STRUCTURE = frozenset({"within", "above", "crossed", "rho_same", "same"})


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
    labels = values.where(values.notna(), MISSING).astype(str)
    levels = sorted(set(labels), key=lambda level: (level == MISSING, level.casefold(), level))
    return {level: _level_fit(fit, fit.effects.subset(labels == level)) for level in levels}


def _level_fit(fit: PooledFit, effects: Effects) -> PooledFit:
    """Pool one level; its own warnings stay in its notices."""
    settings = {k: v for k, v in fit.settings().items() if k != "measure"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        if effects.dependent() and effects.n_studies == 1:
            return _one_study(settings, effects)
        if isinstance(fit, DeepFit):
            with contextlib.suppress(EstimationError):
                return pool(effects, **settings)
            settings = _without_structure(settings)
        return pool(effects, **_fitting(settings, effects))


def _one_study(settings: dict[str, Any], effects: Effects) -> PooledFit:
    """Aggregate several effects of the only study to one, whose normal interval is all there is."""
    rho, k = _rho(settings), effects.n_effects
    one = aggregate(effects, rho)
    found = pool(one, **_fitting(_without_structure(settings), one))
    weights = read_only(np.full(k, 1 / k))
    return replace(found, effects=effects, weights=weights, notices=one_study_notice(k, rho))


def _without_structure(settings: dict[str, Any]) -> dict[str, Any]:
    """Leave the further levels and correlations of a `DeepFit` out."""
    plain = {k: v for k, v in settings.items() if k not in _STRUCTURE}
    return plain | {"rho": _rho(settings)}


def _rho(settings: dict[str, Any]) -> float:
    """Correlation of the sampling errors that the fit assumes, .5 where it has no single one."""
    rho = settings.get("rho")
    return rho if isinstance(rho, float) and settings["model"] == "che" else AGGREGATION_RHO


def _fitting(settings: dict[str, Any], effects: Effects) -> dict[str, Any]:
    """Fall back to the two-level model where no study has several effects."""
    settings = dict(settings)
    if settings["model"] in {"three-level", "che"} and not effects.dependent():
        settings["model"] = "two-level"
        if settings["test"] not in TESTS["two-level"] or settings["test"] == "cr2":
            settings["test"] = "knapp-hartung-adhoc"
    if settings["model"] in {"two-level", "common-effect"}:
        settings.pop("rho", None)
    if settings["model"] == "common-effect":
        settings.pop("tau2", None)
    return settings
