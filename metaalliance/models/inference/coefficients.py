"""Coefficients of a mean under any model: contrasts, joint tests, predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

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
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import MULTILEVEL, Specification
from metaalliance.models.inference.degrees import contrast_df, joint_contrast_df
from metaalliance.models.inference.prediction import prediction_interval
from metaalliance.models.of_effects import OfModel
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
class Coefficients(OfModel):
    """Coefficients of a model, and what can be said of them.

    Attributes
    ----------
    effects : Effects
        What was fitted.
    names : tuple of str
        Names of the coefficients.
    specification : Specification
        The model and its options, with nothing left to choose.
    beta, se, statistic, df, p_value, ci_low, ci_high : ndarray, shape (p,)
        Coefficients and their tests on the analysis scale.
    covariance : ndarray, shape (p, p)
        Covariance of the coefficients under the test.
    notices : tuple of Problem
        What the reader has to know.
    data, point : MultilevelData, MultilevelPoint
        The working model; columns of its design are those of the design matrix X centred and
        scaled, so that ``X = data.X @ inv(basis)`` up to the order of rows.
    basis : ndarray, shape (p, p)
        beta = basis @ point.beta.
    scale : float
        Factor of the covariance: Knapp and Hartung's, else one.
    """

    effects: Effects = field(repr=False)
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
    notices: tuple[Problem, ...] = field(default=(), repr=False)
    data: MultilevelData = field(repr=False)
    point: MultilevelPoint = field(repr=False)
    basis: Array = field(repr=False)
    scale: float = 1.0

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient, on the analysis scale."""
        columns = {name: getattr(self, name) for name in COLUMNS[1:]}
        return pd.DataFrame({"term": self.names, "estimate": self.beta, **columns})

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
            return contrast_df(self.data, self.point, rows, self.basis, self.specification)
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
            "auto" is the approximate Hotelling test (HTZ) beside a cluster-robust test, F
            beside t and Knapp-Hartung, chi-squared beside wald. F has k - p degrees of freedom,
            beside the model's own covariance in a multilevel model those of its rule.
        """
        given = constraint_matrix(C, self.beta.size)
        rows = given @ self.basis
        robust = self.test in CLUSTER_TESTS
        chosen = kind if kind != "auto" else _JOINT.get(self.test, "htz")
        if robust and self._undetermined(given).any():
            return undetermined_test(chosen, self.test, rows.shape[0])
        if chosen == "htz":
            return htz_test(self.data, self.point, rows, self.test if robust else "cr2")
        if chosen == "chi2":
            return wald_chi2(self.data, self.point, rows, self.test if robust else "model")
        if chosen != "f":
            raise OptionError(f"kind={kind!r} is not one of 'auto', 'htz', 'f', 'chi2'.")
        if robust:
            return scaled_f(self.data, self.point, rows, self.test)
        df2 = joint_contrast_df(self.data, self.point, given, self.basis, self.specification)
        return scaled_f(self.data, self.point, rows, self.scale, df2)

    def predicted(self, X: ArrayLike, tau2: ArrayLike, prediction: str | None) -> pd.DataFrame:
        """Predict at rows of the design (n, p), where the heterogeneity is `tau2` (n,) or ().

        The columns are those of `RegressionFit.predict`.
        """
        chosen = self.specification.prediction if prediction is None else prediction
        check_option("prediction", chosen, Prediction)
        found = self.contrast(X)
        clustered = self.test in CLUSTER_TESTS or self.model in MULTILEVEL
        units = self.n_studies if clustered else self.n_effects
        p = self.beta.size
        each = np.broadcast_to(np.asarray(tau2, dtype=float), found.estimate.shape)
        pis = [
            prediction_interval(
                chosen, e, s, t, df=d, units=units - p + 1, riley=units - p - 1, level=self.level
            )
            for e, s, t, d in zip(found.estimate, found.se, each, found.df, strict=True)
        ]
        frame = found.to_frame()[["estimate", "se", "df", "ci_low", "ci_high"]]
        none = self.model == "common-effect"
        frame["pi_low"] = [math.nan if none else pi.low for pi in pis]
        frame["pi_high"] = [math.nan if none else pi.high for pi in pis]
        return frame


_JOINT = {"wald": "chi2", "t": "f", "knapp-hartung": "f", "knapp-hartung-adhoc": "f"}


def contrast_of(estimate: Array, variance: Array, df: Array, level: float) -> Contrast:
    """Tests and intervals; what has no variance has neither."""
    se = np.sqrt(np.where(variance > 0, variance, np.nan))
    statistic = estimate / se
    p_value = np.array([two_sided_p(s, d) for s, d in zip(statistic, df, strict=True)])
    half = se * np.array([critical_value(level, d) for d in df])
    values = (estimate, se, statistic, df, p_value, estimate - half, estimate + half)
    return Contrast(**{n: read_only(v) for n, v in zip(COLUMNS, values, strict=True)})
