"""What a meta-regression returns: coefficients, contrasts, joint tests, predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, BoolArray, read_only
from metaalliance.core.inference.intervals import critical_value, two_sided_p
from metaalliance.core.inference.robust import satterthwaite, saturation
from metaalliance.core.inference.wald import (
    WaldTest,
    constraint_matrix,
    htz_test,
    influence,
    scaled_f,
    undetermined_test,
    wald_chi2,
)
from metaalliance.core.inference.wild_bootstrap import WildBootstrapTest
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.frozen import FrozenDict
from metaalliance.model import MULTILEVEL, Specification
from metaalliance.models.bootstrap import BootstrapSettings, bootstrapped
from metaalliance.models.of_effects import OfModel
from metaalliance.models.prediction import prediction_interval
from metaalliance.models.scale import without_nan
from metaalliance.options import CLUSTER_TESTS, Prediction, check_option
from metaalliance.problems import Problem

#: Share of a variance that may rest on what single studies determine alone.
NEGLIGIBLE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrast:
    """Linear combinations of coefficients, one per row of the constraints.

    Attributes
    ----------
    estimate, se, statistic, df, p_value, ci_low, ci_high : ndarray, shape (q,)
        On the analysis scale; `df` is infinite for a normal test.
    """

    estimate: Array
    se: Array
    statistic: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array

    def to_frame(self) -> pd.DataFrame:
        """Return one row per combination."""
        return pd.DataFrame({name: getattr(self, name) for name in COLUMNS})


COLUMNS = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegressionFit(OfModel):
    """A fitted meta-regression.

    Attributes
    ----------
    effects : Effects
        What was fitted.
    X : ndarray, shape (k, p)
        Design matrix, rows in the order of the effects.
    names : tuple of str
        Names of the coefficients.
    specification : Specification
        The model and its options, with nothing left to choose.
    beta, se, statistic, df, p_value, ci_low, ci_high : ndarray, shape (p,)
        Coefficients and their tests on the analysis scale.
    covariance : ndarray, shape (p, p)
        Covariance of the coefficients under the test.
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
    notices : tuple of Problem
        What the reader has to know.
    data, point : MultilevelData, MultilevelPoint
        The working model; columns of its design are those of `X` centred and scaled, so that
        ``X = data.X @ inv(basis)`` up to the order of rows.
    basis : ndarray, shape (p, p)
        beta = basis @ point.beta.
    """

    effects: Effects = field(repr=False)
    X: Array = field(repr=False)
    names: tuple[str, ...]
    specification: Specification
    beta: Array
    covariance: Array = field(repr=False)
    se: Array
    statistic: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
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
    notices: tuple[Problem, ...] = field(default=(), repr=False)
    data: MultilevelData = field(repr=False)
    point: MultilevelPoint = field(repr=False)
    basis: Array = field(repr=False)
    scale: float = 1.0

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

    def contrast(self, C: ArrayLike) -> Contrast:
        """Estimate combinations of the coefficients, each with its own degrees of freedom.

        Parameters
        ----------
        C : array_like, shape (q, p) or (p,)
            One combination per row.
        """
        rows = np.atleast_2d(np.asarray(C, dtype=float))
        if rows.shape[1] != self.beta.size:
            raise OptionError(
                f"The constraints have shape {rows.shape}; allowed is (q, {self.beta.size})."
            )
        variance = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        variance[self._undetermined(rows)] = math.nan
        return contrast_of(rows @ self.beta, variance, self._df(rows), self.level)

    def _undetermined(self, rows: Array) -> BoolArray:
        """Whether a robust variance of the combinations is not defined, shape (q,)."""
        if self.test not in CLUSTER_TESTS:
            return np.zeros(rows.shape[0], dtype=bool)
        return saturation(self.data, self.point, rows @ self.basis).share > NEGLIGIBLE

    def _df(self, rows: Array) -> Array:
        """Degrees of freedom of combinations, shape (q,)."""
        if self.test not in CLUSTER_TESTS:
            return np.full(rows.shape[0], self.df[0])
        G = influence(self.data, self.point, rows @ self.basis, self.test)
        product = self.point.covariance.multiply
        return satterthwaite(self.data.blocks, self.data.X, self.point.bread, G, product)

    def wald(self, C: ArrayLike, kind: str = "auto") -> WaldTest:
        """Test C beta = 0 jointly.

        Parameters
        ----------
        C : array_like, shape (q, p)
            Linearly independent constraints.
        kind : {"auto", "htz", "f", "chi2"}
            "auto" is the approximate Hotelling test (HTZ) beside a cluster-robust test, F with
            k - p degrees of freedom beside t and Knapp-Hartung, chi-squared beside wald.
        """
        rows = constraint_matrix(C, self.beta.size) @ self.basis
        robust = self.test in CLUSTER_TESTS
        chosen = kind if kind != "auto" else _JOINT.get(self.test, "htz")
        if robust and self._undetermined(rows @ np.linalg.inv(self.basis)).any():
            return undetermined_test(chosen, self.test, rows.shape[0])
        if chosen == "htz":
            return htz_test(self.data, self.point, rows, self.test if robust else "cr2")
        if chosen == "chi2":
            return wald_chi2(self.data, self.point, rows, self.test if robust else "model")
        if chosen != "f":
            raise OptionError(f"kind={kind!r} is not one of 'auto', 'htz', 'f', 'chi2'.")
        return scaled_f(self.data, self.point, rows, self.scale if not robust else self.test)

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
            `kind` and `test`; see `metaalliance.models.bootstrap.BootstrapSettings`.

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
        chosen = self.specification.prediction if prediction is None else prediction
        check_option("prediction", chosen, Prediction)
        found = self.contrast(X)
        clustered = self.test in CLUSTER_TESTS or self.model in MULTILEVEL
        units = self.n_studies if clustered else self.n_effects
        p = self.beta.size
        pis = [
            prediction_interval(
                chosen, e, s, self.tau2, df=d, units=units - p + 1, riley=units - p - 1,
                level=self.level,
            )
            for e, s, d in zip(found.estimate, found.se, found.df, strict=True)
        ]  # fmt: skip
        frame = found.to_frame()[["estimate", "se", "df", "ci_low", "ci_high"]]
        none = self.model == "common-effect"
        frame["pi_low"] = [math.nan if none else pi.low for pi in pis]
        frame["pi_high"] = [math.nan if none else pi.high for pi in pis]
        return frame

    def settings(self) -> dict[str, Any]:
        """Return the options that made this fit."""
        return {"measure": self.measure, **self.specification.to_dict()}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient, on the analysis scale."""
        columns = {name: getattr(self, name) for name in COLUMNS[1:]}
        return pd.DataFrame({"term": self.names, "estimate": self.beta, **columns})

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
                "residual_heterogeneity": self.residual_heterogeneity(),
                "log_likelihood": self.log_likelihood,
                "notices": [p.to_dict() for p in self.notices],
            }
        )


_JOINT = {"wald": "chi2", "t": "f", "knapp-hartung": "f", "knapp-hartung-adhoc": "f"}


def contrast_of(estimate: Array, variance: Array, df: Array, level: float) -> Contrast:
    """Tests and intervals; what has no variance has neither."""
    se = np.sqrt(np.where(variance > 0, variance, np.nan))
    statistic = estimate / se
    p_value = np.array([two_sided_p(s, d) for s, d in zip(statistic, df, strict=True)])
    half = se * np.array([critical_value(level, d) for d in df])
    values = (estimate, se, statistic, df, p_value, estimate - half, estimate + half)
    return Contrast(**{n: read_only(v) for n, v in zip(COLUMNS, values, strict=True)})
