"""The working model: variance components, coefficients and their inference, for any design.

Every model of a mean or of moderators is fitted here. The two-level models are the special
case without variance between studies, whose rows are studies of their own unless a
cluster-robust test groups them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.inference.robust import robust_covariance
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.heterogeneity import QTest, q_test
from metaalliance.core.variance.multilevel import NestedData, NestedPoint, evaluate, highest_maximum
from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import Specification
from metaalliance.models.checks import is_zero, zero_spread_notice
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorkingFit:
    """A fitted working model with the inference on its coefficients.

    Attributes
    ----------
    data, point : NestedData, NestedPoint
        Effects sorted by study, and the model at its variance components.
    order : ndarray of int, shape (k,)
        Row of the effects behind each row of `data`.
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
    """

    data: NestedData
    point: NestedPoint
    order: IntArray
    q: QTest
    covariance: Array
    df: Array
    scale: float
    guard_acted: bool = False
    notices: tuple[Problem, ...] = ()

    @property
    def tau2(self) -> float:
        """Total heterogeneity variance."""
        return float(self.point.theta.sum())

    def weights(self) -> Array:
        """Weights of the effects in an intercept-only mean, in the order of the effects."""
        weights = np.empty(self.order.size)
        weights[self.order] = self.point.WX[:, 0] / self.point.WX[:, 0].sum()
        return read_only(weights)


def fit_working(effects: Effects, X: Array, model: Specification) -> WorkingFit:
    """Fit a model with the design `X` and infer its coefficients.

    Parameters
    ----------
    effects : Effects
        What is fitted.
    X : ndarray, shape (k, p)
        Design matrix of full column rank, p < k unless no variance is estimated; rows in the
        order of the effects.
    model : Specification
        The random effects, the estimator and the test.
    """
    clustered = model.multilevel or model.robust
    rho = float(model.rho) if model.rho is not None else 0.0
    data, order = working_data(effects, X, rho, clustered=clustered)
    restricted = model.tau2 == "REML" and model.kind != "common-effect"
    if model.multilevel:
        _refuse_saturated_studies(data, model.kind)
        point = highest_maximum(data, restricted=restricted)
    else:
        theta = np.array([0.0, _between(effects, X, model)])
        point = evaluate(data, theta, restricted=restricted)
    return infer_working(data, point, order, model.test)


def _refuse_saturated_studies(data: NestedData, kind: str) -> None:
    """Refuse a design that fits the mean of every study: it leaves their variance no residual."""
    studies, coefficients = data.blocks.m, data.X.shape[1]
    if studies > coefficients:
        return
    own = data.blocks.spread(np.arange(studies, dtype=float))[:, None] == np.arange(studies)
    if np.linalg.matrix_rank(np.hstack([data.X, own])) == np.linalg.matrix_rank(data.X):
        raise EstimationError(
            f"The {kind} model was refused: its {coefficients} coefficients fit the mean of each "
            f"of the {studies} studies, so that no variance between studies can be estimated. "
            "Use fewer moderators.",
            code="MA610",
        )


def infer_working(data: NestedData, point: NestedPoint, order: IntArray, test: str) -> WorkingFit:
    """Infer the coefficients of a model whose variance components are estimated already.

    Parameters
    ----------
    data, point : NestedData, NestedPoint
        Effects sorted by study, and the model at its variance components.
    order : ndarray of int, shape (k,)
        Row of the effects behind each row of `data`.
    test : str
        As in `fit_working`.
    """
    q = q_test(data.yi, data.vi, data.X, data.blocks, data.rho)
    covariance, df, scale, guard, notices = _inference(data, point, test)
    return WorkingFit(
        data=data,
        point=point,
        order=order,
        q=q,
        covariance=read_only(covariance),
        df=read_only(df),
        scale=scale,
        guard_acted=guard,
        notices=notices,
    )


def working_data(
    effects: Effects, X: Array, rho: float, *, clustered: bool
) -> tuple[NestedData, IntArray]:
    """Sort effects by study; also return the order that did it.

    Without clusters every row is a study of its own and the order is that of the effects.
    """
    if clustered:
        codes, _ = pd.factorize(effects.frame["study"])
        order = np.argsort(codes, kind="stable").astype(np.intp)
        labels = codes[order].astype(np.intp)
    else:
        labels = order = np.arange(effects.n_effects, dtype=np.intp)
    yi, vi = read_only(effects.yi[order]), read_only(effects.vi[order])
    blocks = StudyBlocks.from_sorted(labels)
    return NestedData(yi, vi, read_only(X[order]), blocks, rho), order


def _between(effects: Effects, X: Array, model: Specification) -> float:
    """tau² of a model of independent true effects."""
    if model.kind == "common-effect":
        return 0.0
    return estimate_tau2(effects.yi, effects.vi, X, model.tau2)


_Inference = tuple[Array, Array, float, bool, tuple[Problem, ...]]


def _inference(data: NestedData, point: NestedPoint, test: str) -> _Inference:
    """Covariance and degrees of freedom of the coefficients, factor, guard and notices."""
    k, p = data.X.shape
    if test in CLUSTER_TESTS:
        return _robust(data, point, test)
    df = np.full(p, math.inf if test == "wald" else float(k - p))
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


def _robust(data: NestedData, point: NestedPoint, test: str) -> _Inference:
    """Cluster-robust covariance; that of the model where all effects fit exactly."""
    robust = robust_covariance(data, point, test)
    found, model = np.diag(robust.covariance), np.diag(point.bread)
    if all(is_zero(float(v), float(m)) for v, m in zip(found, model, strict=True)):
        return point.bread, robust.df, math.nan, False, (zero_spread_notice(test),)
    return robust.covariance, robust.df, math.nan, False, ()
