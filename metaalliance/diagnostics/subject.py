"""A fitted model as the methods that leave something out of it need it."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.multilevel import MultilevelData, evaluate
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.model import MULTILEVEL
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pool import pool
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression import regress
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.structure import working_data
from metaalliance.models.working import WorkingFit, infer_working


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A fitted model with its rows sorted by study.

    Attributes
    ----------
    fit : PooledFit or RegressionFit
        The result that is examined.
    work : WorkingFit
        Its working model.
    study : ndarray of int, shape (k,)
        Study of each row of ``work.data``, counted by first appearance.
    labels : tuple
        Labels of the studies.
    names : tuple of str
        Names of the coefficients.
    basis : ndarray, shape (p, p)
        beta = basis @ ``work.point.beta``.
    """

    fit: PooledFit | RegressionFit
    work: WorkingFit
    study: IntArray
    labels: tuple[Any, ...]
    names: tuple[str, ...]
    basis: Array

    @property
    def data(self) -> MultilevelData:
        """Effects sorted by study."""
        return self.work.data

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
        return self.fit.model in MULTILEVEL

    @property
    def tau2_method(self) -> str:
        """Estimator of the variance; ML where none is estimated."""
        return str(getattr(self.fit, "tau2_method", "ML"))

    def refit(self, keep: BoolArray) -> PooledFit | RegressionFit:
        """Fit the model from the start to the rows of ``work.data`` that are kept (k,)."""
        mask = np.zeros(keep.size, dtype=bool)
        mask[self.data.order[keep]] = True
        effects, settings = self.effects.subset(mask), self.fit.settings()
        del settings["measure"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MetaAllianceWarning)
            if isinstance(self.fit, RegressionFit):
                return regress(effects, self.fit.X[mask], self.names, **settings)
            return pool(effects, **settings)


def fitted(subject: Any, settings: dict[str, Any]) -> Any:
    """Return the fit, or pool the effects with `settings` (notices stay in the fit).

    Raises
    ------
    OptionError
        When there are settings beside a fit, which has its own.
    """
    if isinstance(subject, Effects):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MetaAllianceWarning)
            return pool(subject, **settings)
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
        For a model with further levels, or without variance components to hold.
    """
    if fit.specification.columns:
        raise EstimationError(
            "Diagnostics of a model with further levels or crossed factors do not exist here: fit "
            "it without them, or use leave_one_out.",
            code="MA661",
        )
    if isinstance(fit, PooledFit) and math.isnan(fit.tau2):
        raise EstimationError("One effect: nothing can be left out.", code="MA660")
    codes, labels = pd.factorize(fit.effects.frame["study"])
    work = _working(fit)
    study = codes[work.data.order].astype(np.intp)
    names: tuple[str, ...] = ("mean",)
    basis: Array = np.eye(1)
    if isinstance(fit, RegressionFit):
        names, basis = fit.names, fit.basis
    return Subject(fit=fit, work=work, study=study, labels=tuple(labels), names=names, basis=basis)


def _working(fit: PooledFit | RegressionFit) -> WorkingFit:
    """The working model of a fit, without fitting it again."""
    if isinstance(fit, RegressionFit | MultilevelFit):
        return infer_working(fit.data, fit.point, fit.test)
    data = working_data(fit.effects, np.ones((fit.n_effects, 1)), fit.specification)
    restricted = getattr(fit, "tau2_method", "ML") == "REML"
    point = evaluate(data, np.array([0.0, fit.tau2]), restricted=restricted)
    return infer_working(data, point, fit.test)
