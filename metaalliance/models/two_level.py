"""Common-effect and two-level random-effects models."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.blocks import StudyBlocks
from metaalliance.core.heterogeneity import QTest, q_test
from metaalliance.core.intervals import interval, two_sided_p
from metaalliance.core.multilevel import NestedData, evaluate
from metaalliance.core.robust import robust_covariance
from metaalliance.effects.effects import Effects
from metaalliance.models.checks import (
    is_zero,
    reading_notices,
    refuse_false_independence,
    replaced_test_notice,
    single_effect_notice,
    zero_spread_notice,
)
from metaalliance.models.fits import CommonEffectFit, TwoLevelFit, prediction_df
from metaalliance.models.tau2_engine import estimate_tau2
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem


@dataclass(frozen=True, slots=True)
class _Mean:
    """A weighted mean with its standard error under one test."""

    estimate: float
    se: float
    df: float
    guard_acted: bool = False
    notices: tuple[Problem, ...] = ()


def fit_common_effect(
    effects: Effects, test: str, level: float, prediction: str
) -> CommonEffectFit:
    """Fit the inverse-variance mean without heterogeneity."""
    refuse_false_independence(effects, "common-effect", test)
    replaced = replaced_test_notice(test) if effects.n_effects == 1 else ()
    test = "wald" if effects.n_effects == 1 else test
    q = _q(effects)
    mean = _mean(effects, 0.0, test)
    mean = replace(mean, notices=replaced + mean.notices)
    return CommonEffectFit(
        **_shared(effects, q, mean, test, level, prediction, tau2=0.0),
        model="common-effect",
        pi_low=math.nan,
        pi_high=math.nan,
        I2=max(0.0, (q.Q - q.df) / q.Q) if q.Q > 0 else 0.0,
        H2=q.Q / q.df if q.df > 0 else math.nan,
    )


def fit_two_level(
    effects: Effects, tau2_method: str, test: str, level: float, prediction: str
) -> TwoLevelFit:
    """Fit the random-effects model of independent effects."""
    refuse_false_independence(effects, "two-level", test)
    if effects.n_effects == 1:
        return _single(effects, tau2_method, test, level, prediction)
    q = _q(effects)
    tau2 = estimate_tau2(effects.yi, effects.vi, _ones(effects), tau2_method)
    mean = _mean(effects, tau2, test)
    k = effects.n_effects
    pi = interval(
        mean.estimate,
        math.sqrt(mean.se**2 + tau2),
        prediction_df(prediction, mean.df, k, k - 2),
        level,
    )
    return TwoLevelFit(
        **_shared(effects, q, mean, test, level, prediction, tau2=tau2),
        model="two-level",
        pi_low=pi.low,
        pi_high=pi.high,
        I2=q.I2(tau2),
        H2=q.H2(tau2),
        tau2_method=tau2_method,  # type: ignore[arg-type]
        guard_acted=mean.guard_acted,
    )


def _ones(effects: Effects) -> Array:
    return np.ones((effects.n_effects, 1))


def _q(effects: Effects) -> QTest:
    """Q with every row its own block: the model's sampling covariance is diagonal."""
    blocks = StudyBlocks.from_sorted(np.arange(effects.n_effects))
    return q_test(effects.yi, effects.vi, _ones(effects), blocks)


def _mean(effects: Effects, tau2: float, test: str) -> _Mean:
    """Weighted mean at `tau2` with the standard error and df of `test`."""
    if test in CLUSTER_TESTS:
        return _robust_mean(effects, tau2, test)
    k = effects.n_effects
    wi = 1 / (effects.vi + tau2)
    estimate = float(wi @ effects.yi / wi.sum())
    variance, df = 1 / float(wi.sum()), (math.inf if test == "wald" else float(k - 1))
    if not test.startswith("knapp-hartung"):
        return _Mean(estimate, math.sqrt(variance), df)
    scale = float(wi @ (effects.yi - estimate) ** 2) / (k - 1)
    if is_zero(scale, float(wi @ effects.yi**2)):
        return _Mean(estimate, math.sqrt(variance), df, True, (zero_spread_notice(test),))
    acted = test == "knapp-hartung-adhoc" and scale < 1
    return _Mean(estimate, math.sqrt(variance * (1.0 if acted else scale)), df, acted)


def _robust_mean(effects: Effects, tau2: float, test: str) -> _Mean:
    """Cluster-robust inference around the independent working model."""
    codes, _ = pd.factorize(effects.frame["study"])
    order = np.argsort(codes, kind="stable")
    blocks = StudyBlocks.from_sorted(codes[order].astype(np.intp))
    data = NestedData(effects.yi[order], effects.vi[order], _ones(effects), blocks, 0.0)
    point = evaluate(data, np.array([0.0, tau2]), restricted=True)
    robust = robust_covariance(data, point, test)
    estimate, model_variance = float(point.beta[0]), float(point.bread[0, 0])
    variance, df = float(robust.covariance[0, 0]), float(robust.df[0])
    if is_zero(variance, model_variance):
        return _Mean(estimate, math.sqrt(model_variance), df, notices=(zero_spread_notice(test),))
    return _Mean(estimate, math.sqrt(variance), df)


def _shared(
    effects: Effects,
    q: QTest,
    mean: _Mean,
    test: str,
    level: float,
    prediction: str,
    *,
    tau2: float,
) -> dict[str, Any]:
    """Fields of every fit, from the mean and Q."""
    statistic = mean.estimate / mean.se if mean.se > 0 else math.nan
    ci = interval(mean.estimate, mean.se, mean.df, level)
    wi = 1 / (effects.vi + tau2)
    return {
        "effects": effects,
        "test": test,
        "level": level,
        "prediction": prediction,
        "estimate": mean.estimate,
        "se": mean.se,
        "statistic": statistic,
        "df": mean.df,
        "p_value": two_sided_p(statistic, mean.df),
        "ci_low": ci.low,
        "ci_high": ci.high,
        "Q": q.Q,
        "Q_df": q.df,
        "Q_p_value": q.p_value,
        "tau2": tau2,
        "weights": read_only(wi / wi.sum()),
        "notices": mean.notices + reading_notices(effects, mean.df, test),
    }


def _single(
    effects: Effects, tau2_method: str, test: str, level: float, prediction: str
) -> TwoLevelFit:
    """The defined answer for one effect: its own normal interval, nothing about tau²."""
    q = _q(effects)
    mean = _mean(effects, 0.0, "wald")
    fields = _shared(effects, q, mean, "wald", level, prediction, tau2=0.0)
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
