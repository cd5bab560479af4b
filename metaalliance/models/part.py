"""The model of a whole fitted to a part of its studies, which may be too few for it."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from metaalliance.core.arrays import read_only
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import AGGREGATION_RHO, TESTS, Model
from metaalliance.models.checks import one_study_notice
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit


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
    model = fit.specification
    if effects.dependent() and effects.n_studies == 1:
        return _one_study(model, effects)
    if model.columns:
        with contextlib.suppress(EstimationError):
            return fit_mean(effects, model)
        model = model.without_structure()
    return fit_mean(effects, _fitting(model, effects))


def _one_study(model: Model, effects: Effects) -> PooledFit:
    """Aggregate several effects of the only study to one, whose normal interval is all there is."""
    single = isinstance(model.rho, float) and model.kind == "che"
    rho, k = float(model.rho) if single else AGGREGATION_RHO, effects.n_effects  # type: ignore[arg-type]
    one = aggregate(effects, rho)
    found = fit_mean(one, _fitting(model.without_structure(), one))
    weights = read_only(np.full(k, 1 / k))
    return replace(found, effects=effects, weights=weights, notices=one_study_notice(k, rho))


def _fitting(model: Model, effects: Effects) -> Model:
    """Fall back to the two-level model where no study has several effects."""
    if not model.multilevel or effects.dependent():
        return model
    test = model.test
    if test not in TESTS["two-level"] or test == "cr2":
        test = "knapp-hartung-adhoc"
    return replace(model.without_structure(), kind="two-level", test=test, df=Model().df)
