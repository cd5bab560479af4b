"""The working model: variance components, coefficients and their inference, for any design.

Every model of a mean or of moderators is fitted here. The two-level models are the special
case without variance between studies, whose rows are studies of their own unless a
cluster-robust test groups them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.inference.intervals import interval, two_sided_p
from metaalliance.core.inference.mean_robust import mean_covariance
from metaalliance.core.variance.ascent import highest, maxima
from metaalliance.core.variance.estimator import Estimator
from metaalliance.core.variance.heterogeneity import QTest, q_test
from metaalliance.core.variance.maxima import Maximum, second_of_points, second_of_tau2
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.core.variance.tau2 import ESTIMATORS
from metaalliance.effects.effects import Effects
from metaalliance.frozen import FrozenDict
from metaalliance.model import Specification
from metaalliance.models.checks import is_zero, refuse_unidentified_split, zero_spread_notice
from metaalliance.models.inference.degrees import contrast_df
from metaalliance.models.structure import (
    refuse_saturated_levels,
    refuse_unidentified_levels,
    working_data,
)
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkingFit:
    """A fitted working model with the inference on its coefficients.

    Attributes
    ----------
    data, point : MultilevelData, MultilevelPoint
        Effects, sorted, and the model at its variance components.
    q : QTest
        Residual heterogeneity.
    covariance : ndarray, shape (p, p)
        Covariance of the coefficients under the test.
    df : ndarray, shape (p,)
        Degrees of freedom of each coefficient; infinite for a normal test.
    scale : float
        Factor of the model's covariance in `covariance` (Knapp and Hartung); NaN for a
        cluster-robust test.
    guard_acted : bool
        Whether the ad hoc guard of Knapp and Hartung's factor held it at one.
    notices : tuple of Problem
        What the reader has to know about the inference.
    second : Maximum, optional
        A lower maximum of the likelihood, where one was found.
    """

    data: MultilevelData
    point: MultilevelPoint
    q: QTest
    covariance: Array
    df: Array
    scale: float
    guard_acted: bool = False
    notices: tuple[Problem, ...] = ()
    second: Maximum | None = None

    @property
    def tau2(self) -> float:
        """Total heterogeneity variance."""
        return float(self.point.theta.sum())

    @property
    def sigma2(self) -> FrozenDict:
        """Variance components of a multilevel model by level."""
        parts = zip(self.data.names, (float(t) for t in self.point.theta), strict=True)
        return FrozenDict(parts)

    @property
    def I2_levels(self) -> FrozenDict:
        """Share of each component in the total variance."""
        total = self.tau2 + self.q.typical_variance
        return FrozenDict({name: value / total for name, value in self.sigma2.items()})

    def shares(self, *, common: bool = False) -> dict[str, Any]:
        """I² and H², of a common-effect model from Q alone; missing for one effect."""
        q = self.q
        if not common:
            return {"I2": q.I2(self.tau2), "H2": q.H2(self.tau2)}
        if q.df == 0:
            return {"I2": math.nan, "H2": math.nan}
        return {"I2": max(0.0, (q.Q - q.df) / q.Q) if q.Q > 0 else 0.0, "H2": q.Q / q.df}

    def mean(self, level: float) -> dict[str, Any]:
        """Estimate, test and interval of the mean in an intercept-only model."""
        estimate, se = float(self.point.beta[0]), math.sqrt(float(self.covariance[0, 0]))
        df = float(self.df[0])
        statistic = estimate / se if se > 0 else math.nan
        ci = interval(estimate, se, df, level)
        return {
            "estimate": estimate,
            "se": se,
            "statistic": statistic,
            "df": df,
            "p_value": two_sided_p(statistic, df),
            "ci_low": ci.low,
            "ci_high": ci.high,
        }

    def weights(self) -> Array:
        """Weights of the effects in an intercept-only mean, in the order of the effects."""
        order = self.data.order
        weights = np.empty(order.size)
        weights[order] = self.point.weights()
        return read_only(weights)


def fit_working(
    effects: Effects, X: Array, model: Specification, basis: Array | None = None
) -> WorkingFit:
    """Fit a model with the design `X` and infer its coefficients.

    Parameters
    ----------
    effects : Effects
        What is fitted.
    X : ndarray, shape (k, p)
        Design matrix of full column rank, p < k unless no variance is estimated; rows in the
        order of the effects.
    model : Specification
        The random effects, their structure, the estimator and the test.
    basis : ndarray, shape (p, p), optional
        What brings the coefficients back to those whose degrees of freedom are wanted.

    Raises
    ------
    OptionError
        When a column does not exist.
    EstimationError
        When the levels are not nested, or cannot be told apart.
    """
    return Estimates(effects, X).fit(model, basis)


class Estimates:
    """Effects and a design with the working data and estimates of the models fitted to them.

    Models that differ in their test alone share both, so that they are found once.

    Parameters
    ----------
    effects, X : Effects and ndarray, shape (k, p)
        As in `fit_working`; nobody changes them meanwhile.
    """

    def __init__(self, effects: Effects, X: Array) -> None:
        self.effects, self.X = effects, X
        self._data: dict[tuple[Any, ...], tuple[MultilevelData, QTest]] = {}
        self._points: dict[tuple[Any, ...], tuple[MultilevelPoint, Maximum | None]] = {}

    def fit(self, model: Specification, basis: Array | None = None) -> WorkingFit:
        """Fit a model and infer its coefficients; see `fit_working`."""
        key = _structure_of(model, dependent=self.effects.dependent())
        if key not in self._data:
            self._data[key] = self._sorted(model)
        data, q = self._data[key]
        own = (*key, estimator_of(model).name)
        if own not in self._points:
            self._points[own] = self._estimated(data, model)
        point, second = self._points[own]
        return replace(infer_working(data, point, model, basis, q), second=second)

    def _sorted(self, model: Specification) -> tuple[MultilevelData, QTest]:
        if model.multilevel:
            refuse_unidentified_split(self.effects, model.kind)
        data = working_data(self.effects, self.X, model)
        if model.multilevel:
            refuse_unidentified_levels(data)
            refuse_saturated_levels(data, model.kind)
        return data, q_test(data)

    def _estimated(
        self, data: MultilevelData, model: Specification
    ) -> tuple[MultilevelPoint, Maximum | None]:
        if not model.multilevel:
            point = estimator_of(model).fit(data)
            return point, _second(data, model, float(point.theta[1]))
        reached = maxima(data, restricted=model.tau2 == "REML")
        point = highest(reached)
        return point, second_of_points(reached, point, data.vi)


def _structure_of(model: Specification, *, dependent: bool) -> tuple[Any, ...]:
    """Everything of a model that its working data depend on."""
    grouped = model.multilevel or (model.robust and dependent)
    kind = model.kind if model.multilevel else ""
    levels = (model.within, model.above, model.crossed)
    return (kind, grouped, model.rho, model.rho_same, model.same, *levels)


def estimator_of(model: Specification) -> Estimator:
    """Return the estimator of the variance components of a model."""
    name = "FE" if model.kind == "common-effect" else model.tau2
    return Estimator(name=name, multilevel=model.multilevel)


def infer_working(
    data: MultilevelData,
    point: MultilevelPoint,
    model: Specification,
    basis: Array | None = None,
    q: QTest | None = None,
) -> WorkingFit:
    """Infer the coefficients of a model whose variance components are estimated already.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        Effects, sorted, and the model at its variance components.
    model, basis : Specification and ndarray
        As in `fit_working`.
    q : QTest, optional
        The residual heterogeneity, where it is known.
    """
    q = q_test(data) if q is None else q
    chosen = np.eye(data.X.shape[1]) if basis is None else basis
    covariance, df, scale, guard, notices = _inference(data, point, model, chosen)
    return WorkingFit(
        data=data,
        point=point,
        q=q,
        covariance=read_only(covariance),
        df=read_only(df),
        scale=scale,
        guard_acted=guard,
        notices=notices,
    )


def _second(data: MultilevelData, model: Specification, tau2: float) -> Maximum | None:
    """The second maximum of the likelihood of tau²; None for an estimator without a likelihood."""
    kind = ESTIMATORS[model.tau2].likelihood
    if model.kind == "common-effect" or not kind:
        return None
    return second_of_tau2(data.yi, data.vi, data.X, tau2, restricted=kind == "restricted")


_Inference = tuple[Array, Array, float, bool, tuple[Problem, ...]]


def _inference(
    data: MultilevelData, point: MultilevelPoint, model: Specification, basis: Array
) -> _Inference:
    """Covariance and degrees of freedom of the coefficients, factor, guard and notices."""
    k, p = data.X.shape
    test = model.test
    if test in CLUSTER_TESTS:
        return _robust(data, point, test)
    df = contrast_df(data, point, np.eye(p), basis, model)
    if not test.startswith("knapp-hartung"):
        return point.bread, df, 1.0, False, ()
    rss = float((data.yi - data.X @ point.beta) @ point.u)
    if k == p:
        return point.bread, df, 1.0, False, ()
    scale = rss / (k - p)
    if is_zero(scale, float(data.yi @ point.covariance.solve(data.yi))):
        return point.bread, df, 1.0, True, (zero_spread_notice(test),)
    acted = test == "knapp-hartung-adhoc" and scale < 1
    factor = 1.0 if acted else scale
    return point.bread * factor, df, factor, acted, ()


def _robust(data: MultilevelData, point: MultilevelPoint, test: str) -> _Inference:
    """Cluster-robust covariance; that of the model where all effects fit exactly."""
    robust = mean_covariance(data, point, test)
    found, model = np.diag(robust.covariance), np.diag(point.bread)
    if all(is_zero(float(v), float(m)) for v, m in zip(found, model, strict=True)):
        return point.bread, robust.df, math.nan, False, (zero_spread_notice(test),)
    return robust.covariance, robust.df, math.nan, False, ()
