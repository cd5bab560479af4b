"""Three-level and correlated-and-hierarchical-effects models."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.blocks import StudyBlocks
from metaalliance.core.frozen import FrozenDict
from metaalliance.core.heterogeneity import q_test
from metaalliance.core.intervals import interval, two_sided_p
from metaalliance.core.multilevel import NestedData, NestedPoint, highest_maximum
from metaalliance.core.robust import robust_covariance
from metaalliance.effects.effects import Effects
from metaalliance.models.checks import (
    is_zero,
    reading_notices,
    refuse_unidentified_split,
    zero_spread_notice,
)
from metaalliance.models.fits import MultilevelFit, prediction_df
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem


def fit_nested(
    effects: Effects,
    model: str,
    tau2_method: Literal["ML", "REML"],
    test: str,
    rho: float,
    level: float,
    prediction: str,
) -> MultilevelFit:
    """Fit effects nested in studies.

    Parameters
    ----------
    effects : Effects
        Effects, several in some studies.
    model : {"three-level", "che"}
        Diagonal sampling covariance, or constant correlation `rho` within a study.
    tau2_method : {"REML", "ML"}
        Likelihood.
    test : {"cr2", "cr1", "cr0", "t", "wald"}
        Inference on the mean; "t" has k - 1 residual degrees of freedom as in metafor.

    References
    ----------
    Van den Noortgate W et al. (2013). Behavior Research Methods 45, 576-594.
    Pustejovsky JE, Tipton E (2022). Prevention Science 23, 425-438.
    """
    refuse_unidentified_split(effects, model)
    data, order = nested_data(effects, rho if model == "che" else 0.0)
    point = highest_maximum(data, restricted=tau2_method == "REML")
    q = q_test(data.yi, data.vi, data.X, data.blocks, data.rho)
    tau2 = float(point.theta.sum())
    estimate = float(point.beta[0])
    se, df, found = _inference(data, point, test)
    statistic = estimate / se
    ci = interval(estimate, se, df, level)
    m = data.blocks.m
    pi = interval(estimate, math.sqrt(se**2 + tau2), prediction_df(prediction, df, m, m - 2), level)
    total = tau2 + q.typical_variance
    sigma2 = FrozenDict(study=float(point.theta[0]), effect=float(point.theta[1]))
    return MultilevelFit(
        effects=effects,
        model=model,
        test=test,
        level=level,
        prediction=prediction,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=df,
        p_value=two_sided_p(statistic, df),
        ci_low=ci.low,
        ci_high=ci.high,
        pi_low=pi.low,
        pi_high=pi.high,
        Q=q.Q,
        Q_df=q.df,
        Q_p_value=q.p_value,
        tau2=tau2,
        I2=q.I2(tau2),
        H2=q.H2(tau2),
        weights=_weights(point, order),
        notices=found + reading_notices(effects, df, test),
        tau2_method=tau2_method,
        rho=data.rho,
        sigma2=sigma2,
        I2_levels=FrozenDict({name: value / total for name, value in sigma2.items()}),
        log_likelihood=point.log_likelihood,
        nested=data,
        optimum=point,
    )


def nested_data(effects: Effects, rho: float) -> tuple[NestedData, IntArray]:
    """Sort effects by study; also return the order that did it."""
    codes, _ = pd.factorize(effects.frame["study"])
    order = np.argsort(codes, kind="stable").astype(np.intp)
    blocks = StudyBlocks.from_sorted(codes[order].astype(np.intp))
    X = np.ones((order.size, 1))
    yi, vi = read_only(effects.yi[order]), read_only(effects.vi[order])
    return NestedData(yi, vi, read_only(X), blocks, rho), order


def _inference(
    data: NestedData, point: NestedPoint, test: str
) -> tuple[float, float, tuple[Problem, ...]]:
    """Standard error and degrees of freedom of the mean."""
    model_se = math.sqrt(float(point.bread[0, 0]))
    if test not in CLUSTER_TESTS:
        return model_se, (math.inf if test == "wald" else float(data.yi.size - 1)), ()
    robust = robust_covariance(data, point, test)
    variance, df = float(robust.covariance[0, 0]), float(robust.df[0])
    if is_zero(variance, float(point.bread[0, 0])):
        return model_se, df, (zero_spread_notice(test),)
    return math.sqrt(variance), df, ()


def _weights(point: NestedPoint, order: IntArray) -> Array:
    """Weights of the effects in the mean, in the order of the sheet."""
    weights = np.empty(order.size)
    weights[order] = point.WX[:, 0] / point.WX[:, 0].sum()
    return read_only(weights)
