"""Common-effect and two-level random-effects models of a mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metaalliance.core.inference.intervals import interval, two_sided_p
from metaalliance.effects.effects import Effects
from metaalliance.models.checks import (
    narrow_interval_notice,
    reading_notices,
    refuse_false_independence,
    replaced_test_notice,
    single_effect_notice,
    underdispersion_notices,
)
from metaalliance.models.fits import CommonEffectFit, TwoLevelFit
from metaalliance.models.prediction import prediction_interval
from metaalliance.models.working import WorkingFit, fit_working


def fit_common_effect(
    effects: Effects, test: str, level: float, prediction: str
) -> CommonEffectFit:
    """Fit the inverse-variance mean without heterogeneity."""
    refuse_false_independence(effects, "common-effect", test)
    replaced = replaced_test_notice(test) if effects.n_effects == 1 else ()
    test = "wald" if effects.n_effects == 1 else test
    work = _work(effects, "common-effect", "ML", test)
    fields = mean_fields(effects, work, test, level, prediction)
    fields["notices"] = replaced + fields["notices"]
    q = work.q
    return CommonEffectFit(
        **fields,
        model="common-effect",
        pi_low=math.nan,
        pi_high=math.nan,
        I2=_common_I2(q.Q, q.df),
        H2=q.Q / q.df if q.df > 0 else math.nan,
    )


def fit_two_level(
    effects: Effects, tau2_method: str, test: str, level: float, prediction: str
) -> TwoLevelFit:
    """Fit the random-effects model of independent effects."""
    refuse_false_independence(effects, "two-level", test)
    if effects.n_effects == 1:
        return _single(effects, tau2_method, test, level, prediction)
    work = _work(effects, "two-level", tau2_method, test)
    fields = mean_fields(effects, work, test, level, prediction)
    normal_se = math.sqrt(float(work.point.bread[0, 0]))
    fields["notices"] += (
        *underdispersion_notices(work.q, level),
        *narrow_interval_notice(test, fields["se"], fields["df"], normal_se, level),
    )
    pi = prediction_interval(
        prediction,
        fields["estimate"],
        fields["se"],
        work.tau2,
        df=fields["df"],
        units=effects.n_effects,
        riley=effects.n_effects - 2,
        level=level,
    )
    return TwoLevelFit(
        **fields,
        model="two-level",
        pi_low=pi.low,
        pi_high=pi.high,
        I2=work.q.I2(work.tau2),
        H2=work.q.H2(work.tau2),
        tau2_method=tau2_method,  # type: ignore[arg-type]
        guard_acted=work.guard_acted,
    )


def mean_fields(
    effects: Effects, work: WorkingFit, test: str, level: float, prediction: str
) -> dict[str, Any]:
    """Fields of every fit of a mean, from the working model with an intercept only."""
    estimate, se = float(work.point.beta[0]), math.sqrt(float(work.covariance[0, 0]))
    df = float(work.df[0])
    statistic = estimate / se if se > 0 else math.nan
    ci = interval(estimate, se, df, level)
    return {
        "effects": effects,
        "test": test,
        "level": level,
        "prediction": prediction,
        "estimate": estimate,
        "se": se,
        "statistic": statistic,
        "df": df,
        "p_value": two_sided_p(statistic, df),
        "ci_low": ci.low,
        "ci_high": ci.high,
        "Q": work.q.Q,
        "Q_df": work.q.df,
        "Q_p_value": work.q.p_value,
        "tau2": work.tau2,
        "weights": work.weights(),
        "notices": work.notices + reading_notices(effects, df, test),
    }


def _work(effects: Effects, model: str, tau2_method: str, test: str) -> WorkingFit:
    X = np.ones((effects.n_effects, 1))
    return fit_working(effects, X, model=model, tau2_method=tau2_method, test=test, rho=0.0)


def _single(
    effects: Effects, tau2_method: str, test: str, level: float, prediction: str
) -> TwoLevelFit:
    """The defined answer for one effect: its own normal interval, nothing about tau²."""
    work = _work(effects, "common-effect", "ML", "wald")
    fields = mean_fields(effects, work, "wald", level, prediction)
    fields |= {"tau2": math.nan, "notices": single_effect_notice(test)}
    return TwoLevelFit(
        **fields,
        model="two-level",
        pi_low=math.nan,
        pi_high=math.nan,
        I2=math.nan,
        H2=math.nan,
        tau2_method=tau2_method,  # type: ignore[arg-type]
    )


def _common_I2(Q: float, df: int) -> float:
    """I² from Q alone; missing for one effect, which has none."""
    if df == 0:
        return math.nan
    return max(0.0, (Q - df) / Q) if Q > 0 else 0.0
