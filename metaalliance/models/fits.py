"""Results of the models of independent effects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.tau2 import ESTIMATORS
from metaalliance.models.inference.prediction import prediction_df
from metaalliance.models.inference.variance_intervals import (
    generalized_q_ci,
    profile_ci,
    q_profile_ci,
)
from metaalliance.models.pooled_fit import PooledFit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommonEffectFit(PooledFit):
    """One true effect behind all studies; a reference, not a belief."""

    def heterogeneity(self) -> dict[str, Any]:
        """Return Q and I²; nothing relative to the mean, as no variance is estimated."""
        content = PooledFit.heterogeneity(self)
        del content["relative"]
        return content


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoLevelFit(PooledFit):
    """Random-effects model with one variance between independent effects.

    Attributes
    ----------
    guard_acted : bool
        Whether the ad hoc guard of Knapp and Hartung's variance widened the interval.
    """

    guard_acted: bool = False

    @property
    def tau2_method(self) -> str:
        """Estimator of tau²."""
        return self.specification.tau2

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return prediction_df(self.prediction, self.df, self.n_effects, self.n_effects - 2)

    @property
    def _ones(self) -> Array:
        return np.ones((self.n_effects, 1))

    def tau2_ci(self) -> Interval:
        """Q-profile interval of tau² [Viechtbauer 2007]; missing for one effect or study."""
        return q_profile_ci(self.effects, self._ones, self.tau2, self.level)

    def tau2_profile_ci(self) -> Interval:
        """Profile-likelihood interval of tau², for ML and REML.

        Raises
        ------
        EstimationError
            For the other estimators, which maximise no likelihood.
        """
        return profile_ci(self.effects, self._ones, self.tau2, self.specification)

    def tau2_generalized_q_ci(self) -> Interval:
        """Generalised Q interval of tau², with the weights of DerSimonian and Laird.

        References
        ----------
        Jackson (2013).
        """
        return generalized_q_ci(self.effects, self._ones, self.tau2, self.level)

    def _tau2_se(self) -> float:
        """Standard error of tau² from the expected information of its likelihood, if it has one."""
        likelihood = ESTIMATORS[self.tau2_method].likelihood
        if not likelihood:
            return math.nan
        wi = 1 / (self.effects.vi + self.tau2)
        traces = float(np.sum(wi**2))
        if likelihood == "restricted":
            total = float(wi.sum())
            traces += float(np.sum(wi**2) / total) ** 2 - 2 * float(np.sum(wi**3)) / total
        return math.sqrt(2 / traces)
