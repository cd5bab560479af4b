"""The model of a whole fitted to a part of its studies, which may be too few for it."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from metaalliance.core.arrays import read_only
from metaalliance.effects.aggregate import AGGREGATION_RHO, aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning
from metaalliance.models.checks import one_study_notice
from metaalliance.models.deep import DeepFit
from metaalliance.models.pool import TESTS, pool
from metaalliance.models.pooled_fit import PooledFit

#: Settings of the further levels and correlations of a `DeepFit`.
_STRUCTURE = frozenset({"within", "above", "crossed", "rho_same", "same"})


def pool_part(fit: PooledFit, effects: Effects) -> PooledFit:
    """Pool a part of the effects of `fit` with its settings.

    Where no study of the part has several effects a multilevel model falls back to the
    two-level one, and where the part is one study its effects are aggregated; the result says
    which model it is. Its warnings stay in its notices.

    Raises
    ------
    EstimationError
        When the part allows no such model.
    """
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
