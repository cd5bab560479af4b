"""A fitted model as the methods that leave something out of it need it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.inference.diagnostics import Data, Point
from metaalliance.core.variance.multilevel import evaluate
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model
from metaalliance.models.deep import DeepFit, deep_data
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.working import infer_working, working_data


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A fitted model with its rows sorted by study.

    Attributes
    ----------
    fit : PooledFit or RegressionFit
        The result that is examined.
    data, point : NestedData and NestedPoint, or DeepData and DeepPoint
        Sorted effects, and the model at its variance components.
    order : ndarray of int, shape (k,)
        Row of the effects behind each row of `data`.
    scale : float
        Factor of the covariance of the coefficients: Knapp and Hartung's, else one.
    study : ndarray of int, shape (k,)
        Study of each row of `data`, counted by first appearance.
    labels : tuple
        Labels of the studies.
    names : tuple of str
        Names of the coefficients.
    basis : ndarray, shape (p, p)
        beta = basis @ ``point.beta``.
    """

    fit: PooledFit | RegressionFit
    data: Data
    point: Point
    order: IntArray
    scale: float
    study: IntArray
    labels: tuple[Any, ...]
    names: tuple[str, ...]
    basis: Array

    @property
    def effects(self) -> Effects:
        """The effects in their own order."""
        return self.fit.effects

    @property
    def is_mean(self) -> bool:
        """Whether the model is a mean, without moderators."""
        return isinstance(self.fit, PooledFit)

    @property
    def multilevel(self) -> bool:
        """Whether there is a variance within studies beside the one between."""
        return self.fit.specification.multilevel

    @property
    def structured(self) -> bool:
        """Whether there are further levels or correlations, so that subsets are fitted alone."""
        return bool(self.fit.specification.columns)

    @property
    def tau2_method(self) -> str:
        """Estimator of the variance; ML where none is estimated."""
        return str(getattr(self.fit, "tau2_method", "ML"))

    def refit(self, keep: BoolArray, test: str = "") -> PooledFit | RegressionFit:
        """Fit the model from the start to the rows of `data` that are kept (k,).

        Raises
        ------
        EstimationError
            When the model cannot be identified from them.
        """
        mask = np.zeros(keep.size, dtype=bool)
        mask[self.order[keep]] = True
        effects, model = self.effects.subset(mask), self.fit.specification
        if test:
            model = replace(model, test=test)
        if isinstance(self.fit, RegressionFit):
            return fit_regression(effects, self.fit.X[mask], self.names, model)
        return fit_mean(effects, model)


def fitted(subject: Any, settings: Mapping[str, Any]) -> Any:
    """Return the fit, or pool the effects with `settings` (notices stay in the fit).

    Raises
    ------
    OptionError
        When there are settings beside a fit, which has its own.
    """
    if isinstance(subject, Effects):
        return fit_mean(subject, Model.of(settings))
    if not isinstance(subject, PooledFit | RegressionFit):  # the test of a moderator holds its fit
        subject = getattr(subject, "fit", subject)
    if not isinstance(subject, PooledFit | RegressionFit):
        raise OptionError(
            f"A {type(subject).__name__} cannot be examined: give effects, or what pool or "
            "meta_regression return."
        )
    if settings:
        raise OptionError(f"A fit has its own settings; {', '.join(settings)} cannot be changed.")
    return subject


def examine(fit: PooledFit | RegressionFit) -> Subject:
    """Prepare a fit for the methods of this package.

    Raises
    ------
    EstimationError
        For a model without variance components, of one effect.
    """
    if isinstance(fit, PooledFit) and math.isnan(fit.tau2):
        raise EstimationError("One effect: nothing can be left out.", code="MA660")
    codes, labels = pd.factorize(fit.effects.frame["study"])
    data, point, order, scale = _structured(fit) if fit.specification.columns else _working(fit)
    names: tuple[str, ...] = ("mean",)
    basis: Array = np.eye(1)
    if isinstance(fit, RegressionFit):
        names, basis = fit.names, fit.basis
    return Subject(
        fit=fit,
        data=data,
        point=point,
        order=order,
        scale=scale,
        study=codes[order].astype(np.intp),
        labels=tuple(labels),
        names=names,
        basis=basis,
    )


_Parts = tuple[Data, Point, IntArray, float]


def _structured(fit: PooledFit | RegressionFit) -> _Parts:
    """Parts of a model with further levels or correlations."""
    _, order = deep_data(fit.effects, fit.specification)
    if isinstance(fit, DeepFit):
        return fit.data, fit.optimum, order, 1.0
    assert isinstance(fit, RegressionFit)
    return fit.data, fit.point, order, 1.0


def _working(fit: PooledFit | RegressionFit) -> _Parts:
    """Parts of a working model, without fitting it again."""
    effects, model = fit.effects, fit.specification
    X = fit.X if isinstance(fit, RegressionFit) else np.ones((effects.n_effects, 1))
    rho = float(model.rho or 0.0)
    data, order = working_data(effects, X, rho, clustered=model.multilevel or model.robust)
    if isinstance(fit, RegressionFit):
        data, point = fit.data, fit.point
    elif isinstance(fit, MultilevelFit):
        data, point = fit.nested, fit.optimum
    else:
        restricted = getattr(fit, "tau2_method", "ML") == "REML"
        point = evaluate(data, np.array([0.0, fit.tau2]), restricted=restricted)
    scale = 1.0 if model.robust else infer_working(data, point, order, model.test).scale
    return data, point, order, scale
