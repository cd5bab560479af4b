"""The result of a multilevel model of a mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    expected_information,
)
from metaalliance.frozen import FrozenDict
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.prediction import prediction_df
from metaalliance.models.variance_intervals import component_ci


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultilevelFit(PooledFit):
    """Effects nested in studies: three-level, CHE, or with further levels and correlations.

    Attributes
    ----------
    sigma2 : dict
        Variances between studies ("study"), between effects of a study ("effect"), and of each
        further level by its column.
    I2_levels : dict
        Share of each variance in the total.
    log_likelihood : float
        Restricted for REML, else full.
    data, point : MultilevelData, MultilevelPoint
        The effects, sorted, and the working model at its optimum.
    """

    sigma2: FrozenDict
    I2_levels: FrozenDict
    log_likelihood: float
    data: MultilevelData = field(repr=False)
    point: MultilevelPoint = field(repr=False)
    _intervals: dict[str, Interval] = field(default_factory=dict, repr=False)

    @property
    def tau2_method(self) -> str:
        """REML or ML."""
        return self.specification.tau2

    @property
    def rho(self) -> float | str:
        """Assumed correlation of sampling errors within a study, or the column that holds it."""
        return self.specification.rho or 0.0

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return prediction_df(self.prediction, self.df, self.n_studies, self.n_studies - 2)

    def tau2_ci(self) -> Interval:
        """Profile-likelihood interval of the total heterogeneity variance."""
        return self.sigma2_ci("total")

    def sigma2_ci(self, component: str) -> Interval:
        """Profile-likelihood interval of one variance component or of their sum.

        Parameters
        ----------
        component : str
            A key of `sigma2`, or "total".

        Raises
        ------
        OptionError
            For anything else.
        """
        return component_ci(self.data, self.point, component, self.specification, self._intervals)

    def _working(self) -> tuple[MultilevelData, MultilevelPoint]:
        return self.data, self.point

    def _tau2_se(self) -> float:
        """Standard error of the total variance; a component at zero is held there."""
        restricted = self.tau2_method == "REML"
        expected = expected_information(self.data, self.point, restricted=restricted)
        free = self.point.theta > 0
        return math.sqrt(float(np.linalg.inv(expected[np.ix_(free, free)]).sum()))

    def heterogeneity(self) -> dict[str, Any]:
        """Return Q, the variance components by level and their intervals."""
        split = {"sigma2": dict(self.sigma2), "I2_levels": dict(self.I2_levels)}
        content = {**PooledFit.heterogeneity(self), **split}
        if not self.specification.columns:
            content["sigma2_ci"] = {name: list(self.sigma2_ci(name)) for name in self.sigma2}
        return content
