"""What a meta-regression returns: coefficients, contrasts, joint tests, predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Unpack

import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.inference.wald import constraint_matrix
from metaalliance.core.inference.wild_bootstrap import WildBootstrapTest
from metaalliance.errors import OptionError
from metaalliance.frozen import FrozenDict
from metaalliance.models.design import conditioned
from metaalliance.models.inference.bootstrap import BootstrapSettings, bootstrapped
from metaalliance.models.inference.coefficients import Coefficients
from metaalliance.models.inference.variance_intervals import (
    MISSING,
    component_ci,
    generalized_q_ci,
    profile_ci,
    q_profile_ci,
)
from metaalliance.models.scale import without_nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegressionFit(Coefficients):
    """A fitted meta-regression: its coefficients, and the heterogeneity that they leave.

    Attributes
    ----------
    X : ndarray, shape (k, p)
        Design matrix, rows in the order of the effects.
    tau2 : float
        Residual heterogeneity variance, in total.
    sigma2, I2_levels : dict
        Residual variances by level ("study", in a multilevel model "effect" and the columns of
        further levels) and their shares in the total.
    I2, H2 : float
        Residual heterogeneity; I² is a fraction.
    QE, QE_df, QE_p_value : float
        Test of residual heterogeneity.
    log_likelihood : float
        Restricted for REML, else full.
    """

    X: Array = field(repr=False)
    tau2: float
    sigma2: FrozenDict
    I2_levels: FrozenDict
    I2: float
    H2: float
    QE: float
    QE_df: int
    QE_p_value: float
    log_likelihood: float
    guard_acted: bool = False
    _intervals: dict[str, Interval] = field(default_factory=dict, repr=False)

    @property
    def tau2_method(self) -> str:
        """Estimator of the residual variance; ML where none is estimated."""
        return "ML" if self.model == "common-effect" else self.specification.tau2

    @property
    def rho(self) -> float | str:
        """Assumed correlation of sampling errors within a study, or the column that holds it."""
        return self.specification.rho or 0.0

    @property
    def tau(self) -> float:
        """Standard deviation of the true effects around the regression."""
        return math.sqrt(self.tau2)

    def wild_bootstrap(
        self, C: ArrayLike, **settings: Unpack[BootstrapSettings]
    ) -> WildBootstrapTest:
        """Test C beta = 0 by the cluster wild bootstrap, the null hypothesis imposed.

        Parameters
        ----------
        C : array_like, shape (q, p)
            Linearly independent constraints.
        **settings
            `components` ("re-estimated" or "held"), `replications`, `weights`, `seed`, `adjust`,
            `kind` and `test`; see `metaalliance.models.inference.bootstrap.BootstrapSettings`.

        References
        ----------
        Joshi et al. (2022).
        """
        rows = constraint_matrix(C, self.beta.size) @ self.basis
        return bootstrapped(self.data, self.point, rows, self.specification, **settings)

    def predict(self, X: ArrayLike, *, prediction: str | None = None) -> pd.DataFrame:
        """Predict the mean effect at rows of the design, with its intervals.

        Parameters
        ----------
        X : array_like, shape (n, p)
            Rows of the design matrix.
        prediction : {"t", "normal", "riley", "simple"}, optional
            Distribution of the prediction interval; by default that of the model.

        Returns
        -------
        DataFrame
            estimate, se, df, ci_low, ci_high, pi_low, pi_high on the analysis scale.
        """
        return self.predicted(X, self.tau2, prediction)

    def tau2_ci(self) -> Interval:
        """Interval of the residual heterogeneity; missing for the common-effect model.

        Q-profile in the two-level model [Viechtbauer 2007], profile likelihood of the sum of the
        components in the multilevel ones.
        """
        if self.specification.multilevel:
            return self.sigma2_ci("total")
        if self.model == "common-effect":
            return MISSING
        return q_profile_ci(self.effects, conditioned(self.X)[0], self.tau2, self.level)

    def tau2_profile_ci(self) -> Interval:
        """Profile-likelihood interval of the residual heterogeneity, for ML and REML.

        Raises
        ------
        EstimationError
            For the other estimators, which maximise no likelihood.
        """
        if self.specification.multilevel:
            return self.sigma2_ci("total")
        return profile_ci(self.effects, conditioned(self.X)[0], self.tau2, self.specification)

    def tau2_generalized_q_ci(self) -> Interval:
        """Generalised Q interval of tau² of independent effects, DerSimonian and Laird's weights.

        References
        ----------
        Jackson (2013).

        Raises
        ------
        OptionError
            For multilevel models.
        """
        if self.specification.multilevel:
            raise OptionError("A generalised Q interval is of independent effects: use sigma2_ci.")
        return generalized_q_ci(self.effects, conditioned(self.X)[0], self.tau2, self.level)

    def sigma2_ci(self, component: str) -> Interval:
        """Interval of one residual variance component: profile likelihood.

        Parameters
        ----------
        component : str
            A key of `sigma2`, or "total". In the two-level model "study" is `tau2_ci`.

        Raises
        ------
        OptionError
            For anything else.
        """
        if not self.specification.multilevel and component in self.sigma2:
            return self.tau2_ci()
        return component_ci(self.data, self.point, component, self.specification, self._intervals)

    def heterogeneity_intervals(self) -> dict[str, Any]:
        """Return tau2_ci and, beside several components, sigma2_ci of each."""
        found: dict[str, Any] = {"tau2_ci": list(self.tau2_ci())}
        if self.specification.multilevel:
            found["sigma2_ci"] = {name: list(self.sigma2_ci(name)) for name in self.sigma2}
        return found

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit."""
        shared = self.effects.sharing if self.specification.kind == "che" else {}
        return {"measure": self.measure, **self.specification.to_dict(), **shared}

    def residual_heterogeneity(self) -> dict[str, Any]:
        """Return Q, tau² and I² around the regression."""
        return {
            "Q": self.QE,
            "df": self.QE_df,
            "p_value": self.QE_p_value,
            "tau2": self.tau2,
            "tau": self.tau,
            "I2": self.I2,
            "H2": self.H2,
            "sigma2": dict(self.sigma2),
            "I2_levels": dict(self.I2_levels),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return settings, counts, coefficients and heterogeneity; missing is None."""
        return without_nan(
            {
                "settings": self.settings(),
                "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
                "coefficients": self.to_frame().to_dict("records"),
                "residual_heterogeneity": {
                    **self.residual_heterogeneity(),
                    **self.heterogeneity_intervals(),
                },
                "log_likelihood": self.log_likelihood,
                "notices": [p.to_dict() for p in self.notices],
            }
        )
