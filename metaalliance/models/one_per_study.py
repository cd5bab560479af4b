"""A mean as it was asked for: effects are averaged first where a model takes one per study."""

from __future__ import annotations

from dataclasses import replace

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import AGGREGATION_RHO, Model
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit


def averaging_rho(effects: Effects, model: Model) -> float | None:
    """Return the correlation with which effects are averaged, None where they are not.

    Raises
    ------
    OptionError
        When they are, and `rho` is a column: one number is needed.
    """
    independent = model.kind in {"two-level", "common-effect"}
    if not independent or not effects.dependent() or model.robust:
        return None
    if isinstance(model.rho, str):
        raise OptionError(f"--rho {model.rho}: effects are aggregated with one number.")
    return AGGREGATION_RHO if model.rho is None else model.rho


def one_per_study(effects: Effects, model: Model) -> tuple[Effects, Model]:
    """Return what is pooled and with what: a rho that averaging has used up is gone."""
    rho = averaging_rho(effects, model)
    return (effects, model) if rho is None else (aggregate(effects, rho), replace(model, rho=None))


def fit_averaged(effects: Effects, model: Model) -> PooledFit:
    """Fit a mean to effects, or to their averages where the model takes one per study."""
    return fit_mean(*one_per_study(effects, model))


def refuse_unused_rho(model: Model, kind: str) -> None:
    """Refuse a correlation that was asked for, and that the random effects do not have."""
    if model.rho is not None and kind != "che":
        raise OptionError(f"--rho has no meaning for the {kind} model.")
