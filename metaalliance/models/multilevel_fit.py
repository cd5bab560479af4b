"""The result of a three-level or CHE model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from metaalliance.core.inference.intervals import Interval
from metaalliance.core.inference.wild_bootstrap import WildBootstrapTest, wild_bootstrap_test
from metaalliance.core.variance.multilevel import NestedData, NestedPoint, score_and_information
from metaalliance.core.variance.profile import nested_interval
from metaalliance.frozen import FrozenDict
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.prediction import prediction_df
from metaalliance.options import Component, check_option


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultilevelFit(PooledFit):
    """Effects nested in studies: three-level, or correlated and hierarchical (CHE).

    Attributes
    ----------
    sigma2 : dict
        Variances between studies ("study") and between effects of a study ("effect").
    I2_levels : dict
        Share of each variance in the total.
    """

    sigma2: FrozenDict
    I2_levels: FrozenDict
    log_likelihood: float
    nested: NestedData = field(repr=False)
    optimum: NestedPoint = field(repr=False)
    _intervals: dict[str, Interval] = field(default_factory=dict, repr=False)

    @property
    def tau2_method(self) -> str:
        """REML or ML."""
        return self.specification.tau2

    @property
    def rho(self) -> float:
        """Assumed correlation of sampling errors within a study; 0 in the three-level model."""
        return self.nested.rho

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return prediction_df(self.prediction, self.df, self.n_studies, self.n_studies - 2)

    def tau2_ci(self) -> Interval:
        """Profile-likelihood interval of the total heterogeneity variance."""
        return self.sigma2_ci("total")

    def sigma2_ci(self, component: Component) -> Interval:
        """Profile-likelihood interval of one variance component or of their sum.

        Raises
        ------
        OptionError
            For anything but "study", "effect" and "total".
        """
        check_option("component", component, Component)
        if component not in self._intervals:
            self._intervals[component] = nested_interval(
                self.nested,
                self.optimum,
                component,
                self.level,
                restricted=self.tau2_method == "REML",
            )
        return self._intervals[component]

    def wild_bootstrap(
        self, *, replications: int = 999, weights: str = "auto", seed: int = 1, adjust: str = "cr0"
    ) -> WildBootstrapTest:
        """Test that the mean is zero by the cluster wild bootstrap, this null imposed.

        Parameters
        ----------
        replications, weights, seed, adjust
            See `metaalliance.core.inference.wild_bootstrap.wild_bootstrap_test`, which this calls.

        References
        ----------
        Joshi M, Pustejovsky JE, Beretvas SN (2022). Research Synthesis Methods 13, 457-477.
        """
        return wild_bootstrap_test(
            self.nested,
            self.optimum,
            [[1.0]],
            replications=replications,
            weights=weights,
            seed=seed,
            adjust=adjust,
        )

    def _tau2_se(self) -> float:
        """Standard error of the total variance; a component at zero is held there."""
        restricted = self.tau2_method == "REML"
        _, _, expected = score_and_information(self.nested, self.optimum, restricted=restricted)
        free = self.optimum.theta > 0
        return math.sqrt(float(np.linalg.inv(expected[np.ix_(free, free)]).sum()))

    def heterogeneity(self) -> dict[str, Any]:
        """Return Q, the variance components by level and their intervals."""
        levels: tuple[Literal["study", "effect"], ...] = ("study", "effect")
        cis = {name: list(self.sigma2_ci(name)) for name in levels}
        content = PooledFit.heterogeneity(self)
        split = {"sigma2": dict(self.sigma2), "I2_levels": dict(self.I2_levels)}
        return {**content, **split, "sigma2_ci": cis}
