"""Intervals of variance components around a mean or a regression."""

from __future__ import annotations

import math

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.generalized_q import generalized_q_interval
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.profile import TOTAL, two_level_interval, variance_interval
from metaalliance.core.variance.tau2 import ESTIMATORS, q_profile
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Specification

MISSING = Interval(math.nan, math.nan)


def q_profile_ci(effects: Effects, X: Array, tau2: float, level: float) -> Interval:
    """Q-profile interval of tau² [Viechtbauer 2007]; missing where tau² is."""
    return MISSING if math.isnan(tau2) else q_profile(effects.yi, effects.vi, X, level)


def generalized_q_ci(effects: Effects, X: Array, tau2: float, level: float) -> Interval:
    """Generalised Q interval of tau², with the weights of DerSimonian and Laird."""
    if math.isnan(tau2):
        return MISSING
    return generalized_q_interval(effects.yi, effects.vi, X, 1 / effects.vi, level)


def profile_ci(effects: Effects, X: Array, tau2: float, model: Specification) -> Interval:
    """Profile-likelihood interval of tau² of independent effects, for ML and REML.

    Raises
    ------
    EstimationError
        For the other estimators, which maximise no likelihood.
    """
    likelihood = ESTIMATORS[model.tau2].likelihood
    if not likelihood:
        raise EstimationError(
            f"{model.tau2} maximises no likelihood, so that tau² has no profile: use "
            "tau2='REML' or 'ML', or the Q-profile interval (tau2_ci)."
        )
    if math.isnan(tau2):
        return MISSING
    restricted = likelihood == "restricted"
    return two_level_interval(effects.yi, effects.vi, X, tau2, model.level, restricted=restricted)


def component_ci(
    data: MultilevelData,
    point: MultilevelPoint,
    component: str,
    model: Specification,
    known: dict[str, Interval],
) -> Interval:
    """Profile-likelihood interval of a component of a multilevel model, or of their sum.

    Parameters
    ----------
    component : str
        A name of `data`, or "total".
    known : dict
        Intervals that were computed before; it takes the new one.

    Raises
    ------
    OptionError
        For a component that does not exist.
    """
    allowed = (*data.names, TOTAL)
    if component not in allowed:
        listed = ", ".join(repr(name) for name in allowed)
        raise OptionError(f"component={component!r} is not one of {listed}.")
    if component not in known:
        restricted = model.tau2 == "REML"
        known[component] = variance_interval(
            data, point, component, model.level, restricted=restricted
        )
    return known[component]
