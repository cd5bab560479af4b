"""Coefficients of a mean under any model: contrasts, joint tests, predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, BoolArray, read_only
from metaalliance.core.distributions import t_isf, t_sf
from metaalliance.core.inference.group_means import (
    Differences,
    equality_form,
    first_with_others,
    squares,
)
from metaalliance.core.inference.robust import saturation
from metaalliance.core.inference.wald import (
    WaldTest,
    chi2_of,
    combination_df,
    constraint_matrix,
    equality_htz,
    f_of,
    htz_test,
    scaled,
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

#: Elements of the rows of contrasts that are worked on at a time.
ROOM = 4_000_000
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

    def contrast(self, C: ArrayLike | Differences) -> Contrast:
        """Estimate combinations of the coefficients, each with its own degrees of freedom.

        Parameters
        ----------
        C : array_like, shape (q, p) or (p,), or Differences
            One combination per row.
        """
        if isinstance(C, Differences):
            return self._differences(C)
        rows = np.atleast_2d(np.asarray(C, dtype=float))
        if rows.shape[1] != self.beta.size:
            raise OptionError(
                f"The constraints have shape {rows.shape}; allowed is (q, {self.beta.size})."
            )
        if self._of_groups:
            variance = squares(rows, np.diag(self.covariance))
        else:
            variance = np.sum((rows @ self.covariance) * rows, axis=1)
        variance[self._undetermined(rows)] = math.nan
        return contrast_of(rows @ self.beta, variance, self._df(rows), self.level)

    def _differences(self, pairs: Differences) -> Contrast:
        """Contrasts of two coefficients each, some at a time: their rows may be many."""
        size = max(1, ROOM // self.beta.size)
        parts = [
            self.contrast(Differences(a, b).dense(self.beta.size))
            for a, b in zip(*(np.split(x, range(size, x.size, size)) for x in pairs), strict=True)
        ]
        return Contrast(
            **{n: read_only(np.concatenate([getattr(c, n) for c in parts])) for n in COLUMNS}
        )

    def _undetermined(self, rows: Array) -> BoolArray:
        """Whether a robust variance of the combinations is not defined, shape (q,)."""
        if self.test not in CLUSTER_TESTS:
            return np.zeros(len(rows), dtype=bool)
        own = rows if self._of_groups else rows @ self.basis
        return saturation(self.data, self.point, own).share > NEGLIGIBLE

    def _df(self, rows: Array) -> Array:
        """Degrees of freedom of combinations, shape (q,)."""
        if self.test not in CLUSTER_TESTS:
            return contrast_df(self.data, self.point, rows, self.basis, self.specification)
        return combination_df(self.data, self.point, rows @ self.basis, self.test)

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

    def equality(self, kind: str = "auto") -> WaldTest:
        """Test that all coefficients are equal: the means of levels, where the design has those.

        Of levels that no study shares it takes linear time; parameters are those of `wald`.
        """
        pairs = first_with_others(self.beta.size)
        chosen = kind if kind != "auto" else _JOINT.get(self.test, "htz")
        robust = self.test in CLUSTER_TESTS
        if not self._of_groups or (chosen != "htz" and (robust or self._own_df)):
            return self.wald(pairs.dense(self.beta.size), kind)
        alone = saturation(self.data, self.point, pairs).share > NEGLIGIBLE
        if robust and alone.any():
            return undetermined_test(chosen, self.test, pairs.first.size)
        if chosen == "htz":
            return equality_htz(self.data, self.point, self.test if robust else "cr2")
        Q, (k, p) = self.equality_q(), self.data.X.shape
        if chosen == "chi2":
            return chi2_of(Q, p - 1, "model")
        return scaled(f_of(Q, p - 1, float(k - p), "model"), self.scale, float(k - p))

    def equality_q(self) -> float:
        """Cochran's Q between the coefficients, from the model's own variances."""
        pairs, at = first_with_others(self.beta.size), self.point.disjoint
        if at is None or not self._of_groups:
            rows = pairs.dense(self.beta.size) @ self.basis
            return wald_chi2(self.data, self.point, rows, "model").Q
        return equality_form(at.beta, at.bread)

    @property
    def _of_groups(self) -> bool:
        """Whether the coefficients are means of groups that share no cluster."""
        return self.point.disjoint is not None and bool((self.point.disjoint.design.x == 1).all())

    @property
    def _own_df(self) -> bool:
        """Whether F has degrees of freedom of its own."""
        return self.specification.multilevel and self.test != "wald"

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
    p_value = 2 * t_sf(np.abs(statistic), df)
    half = se * t_isf((1 - level) / 2, df)
    values = (estimate, se, statistic, df, p_value, estimate - half, estimate + half)
    return Contrast(**{n: read_only(v) for n, v in zip(COLUMNS, values, strict=True)})
