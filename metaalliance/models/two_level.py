"""Common-effect and two-level random-effects models of a mean."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.model import Specification
from metaalliance.models.checks import (
    narrow_interval_notice,
    reading_notices,
    refuse_false_independence,
    replaced_test_notice,
    single_effect_notice,
    underdispersion_notices,
)
from metaalliance.models.fits import CommonEffectFit, TwoLevelFit
from metaalliance.models.inference.doubts import outside_interval_notice, second_maximum_notice
from metaalliance.models.inference.prediction import prediction_interval
from metaalliance.models.working import Estimates, WorkingFit
from metaalliance.problems import Problem


def fit_common_effect(found: Estimates, model: Specification) -> CommonEffectFit:
    """Fit the inverse-variance mean without heterogeneity."""
    effects = found.effects
    refuse_false_independence(effects, model.kind, model.test)
    replaced: tuple[Problem, ...] = ()
    if effects.n_effects == 1:
        replaced = replaced_test_notice(model.test)
        model = replace(model, test="wald")
    work = found.fit(model)
    fields = mean_fields(effects, work, model)
    fields["notices"] = replaced + fields["notices"]
    return CommonEffectFit(**fields, **work.shares(common=True), pi_low=math.nan, pi_high=math.nan)


def fit_two_level(found: Estimates, model: Specification) -> TwoLevelFit:
    """Fit the random-effects model of independent effects."""
    effects = found.effects
    refuse_false_independence(effects, model.kind, model.test)
    if effects.n_effects == 1:
        return _single(found, model)
    work = found.fit(model)
    fields = mean_fields(effects, work, model)
    normal_se = math.sqrt(float(work.point.bread[0, 0]))
    fields["notices"] += (
        *underdispersion_notices(work.q, model.level),
        *second_maximum_notice(work, model.level),
        *outside_interval_notice(effects, work, model),
        *narrow_interval_notice(model.test, fields["se"], fields["df"], normal_se, model.level),
    )
    pi = prediction_interval(
        model.prediction,
        fields["estimate"],
        fields["se"],
        work.tau2,
        df=fields["df"],
        units=effects.n_effects,
        riley=effects.n_effects - 2,
        level=model.level,
    )
    return TwoLevelFit(
        **fields,
        pi_low=pi.low,
        pi_high=pi.high,
        **work.shares(),
        guard_acted=work.guard_acted,
    )


def ones(effects: Effects) -> Array:
    """Design of a mean, shape (k, 1)."""
    return np.ones((effects.n_effects, 1))


def mean_fields(effects: Effects, work: WorkingFit, model: Specification) -> dict[str, Any]:
    """Fields of every fit of a mean, from the working model with an intercept only."""
    return {
        "effects": effects,
        "specification": model,
        **work.mean(model.level),
        "Q": work.q.Q,
        "Q_df": work.q.df,
        "Q_p_value": work.q.p_value,
        "tau2": work.tau2,
        "weights": work.weights(),
        "notices": work.notices + reading_notices(effects, float(work.df[0]), model.test),
    }


def _single(found: Estimates, model: Specification) -> TwoLevelFit:
    """The defined answer for one effect: its own normal interval, nothing about tau²."""
    alone = replace(model, test="wald")
    work = found.fit(replace(alone, kind="common-effect"))
    fields = mean_fields(found.effects, work, alone)
    fields |= {"tau2": math.nan, "notices": single_effect_notice(model.test)}
    nothing: dict[str, Any] = dict.fromkeys(("pi_low", "pi_high", "I2", "H2"), math.nan)
    return TwoLevelFit(**fields, **nothing)
