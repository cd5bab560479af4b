"""The result of a multilevel model of a mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    expected_information,
)
from metaalliance.effects.effects import Effects
from metaalliance.frozen import FrozenDict
from metaalliance.model import Specification
from metaalliance.models.checks import dominance_notice
from metaalliance.models.inference.assumed import under_assumed
from metaalliance.models.inference.doubts import negative_weights_notice, second_maximum_notice
from metaalliance.models.inference.prediction import prediction_df, prediction_interval
from metaalliance.models.inference.variance_intervals import component_ci
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.structure import structure_notices
from metaalliance.models.two_level import mean_fields
from metaalliance.models.working import WorkingFit


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
    _assumed: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, work: WorkingFit, effects: Effects, model: Specification) -> MultilevelFit:
        """Return the result of a working model of a mean."""
        fields = mean_fields(effects, work, model)
        fields["notices"] += dominance_notice(
            effects, fields["weights"], int(work.data.blocks.sizes.max())
        )
        fields["notices"] += structure_notices(effects, model)
        fields["notices"] += negative_weights_notice(effects, fields["weights"], model)
        fields["notices"] += second_maximum_notice(work, model.level)
        m = effects.n_studies
        pi = prediction_interval(
            model.prediction,
            fields["estimate"],
            fields["se"],
            work.tau2,
            df=fields["df"],
            units=m,
            riley=m - 2,
            level=model.level,
        )
        return cls(
            **fields,
            pi_low=pi.low,
            pi_high=pi.high,
            **work.shares(),
            sigma2=work.sigma2,
            I2_levels=work.I2_levels,
            log_likelihood=work.point.log_likelihood,
            data=work.data,
            point=work.point,
        )

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

    def sensitivity(self) -> pd.DataFrame:
        """Return what rests on the assumed correlation of sampling errors, at others.

        Returns
        -------
        DataFrame
            One row for rho = .2, as set and .9: `rho`, `as_set`, Q with its p-value, tau2, tau,
            I2, the mean with its interval, the prediction interval and `above_zero`, the share
            of true effects above zero; on the analysis scale. A column of correlations or a
            second correlation gives way to the one number. Without rows for a model that assumes
            none, or effects of which no sample has two.
        """
        shared = self.n_effects > np.unique(self.effects.sample_codes).size
        if self.model == "che" and shared and not self._assumed:
            self._assumed.extend(under_assumed(self, self.point.theta, self.of))
        return pd.DataFrame(self._assumed)

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
        cis = {name: self.sigma2_ci(name) for name in self.sigma2}
        content = PooledFit.heterogeneity(self)
        content |= {"sigma2": dict(self.sigma2), "I2_levels": dict(self.I2_levels)}
        content["sigma2_ci"] = {name: list(ci) for name, ci in cis.items()}
        content["relative"] |= {n: self.relative(self.sigma2[n], ci) for n, ci in cis.items()}
        if self.model == "che":
            content["sensitivity"] = self.sensitivity().to_dict("records")
        return content
