"""A fitted model as the methods that leave something out of it need it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint, evaluate
from metaalliance.effects.effects import Effects, study_names
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.structure import working_data
from metaalliance.models.working import infer_working


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A fitted model with its rows sorted by study.

    Attributes
    ----------
    fit : PooledFit or RegressionFit
        The result that is examined.
    data, point : MultilevelData, MultilevelPoint
        Sorted effects, and the model at its variance components.
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
    data: MultilevelData
    point: MultilevelPoint
    scale: float
    study: IntArray
    labels: tuple[Any, ...]
    names: tuple[str, ...]
    basis: Array

    @property
    def order(self) -> IntArray:
        """Row of the effects behind each row of `data`, shape (k,)."""
        return self.data.order

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
        """Whether there are further levels or correlations, so that subsets are climbed alone."""
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
            model = model.with_test(test)
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
    fit.effects.refuse_intervals("A diagnostic of influence", "residuals and weights need values")
    if isinstance(fit, PooledFit) and math.isnan(fit.tau2):
        raise EstimationError("One effect: nothing can be left out.", code="MA660")
    codes, _ = pd.factorize(fit.effects.frame["study"])
    labels = study_names(fit.effects.frame).groupby(codes).first()
    data, point, scale = _working(fit)
    names: tuple[str, ...] = ("mean",)
    basis: Array = np.eye(1)
    if isinstance(fit, RegressionFit):
        names, basis = fit.names, fit.basis
    return Subject(
        fit=fit,
        data=data,
        point=point,
        scale=scale,
        study=codes[data.order].astype(np.intp),
        labels=tuple(labels),
        names=names,
        basis=basis,
    )


def _working(fit: PooledFit | RegressionFit) -> tuple[MultilevelData, MultilevelPoint, float]:
    """The working model of a fit, without fitting it again, and the factor of its covariance."""
    model = fit.specification
    if isinstance(fit, RegressionFit | MultilevelFit):
        data, point = fit.data, fit.point
    else:
        data = working_data(fit.effects, np.ones((fit.n_effects, 1)), model)
        restricted = getattr(fit, "tau2_method", "ML") == "REML"
        point = evaluate(data, np.array([0.0, fit.tau2]), restricted=restricted)
    scale = 1.0 if model.robust else infer_working(data, point, model).scale
    return data, point, scale
