"""Levels of a moderator fitted one by one, each with its own heterogeneity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import critical_value, two_sided_p
from metaalliance.core.inference.stacked import StackedMeans
from metaalliance.core.inference.wald import WaldTest, constraint_matrix, quadratic_forms
from metaalliance.core.inference.welch import welch_satterthwaite, welch_test
from metaalliance.core.variance.multilevel import evaluate, highest_maximum
from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.effects.effects import Effects
from metaalliance.model import MULTILEVEL, Model
from metaalliance.models.regression_fit import Contrast
from metaalliance.models.working import WorkingFit, fit_working, working_data
from metaalliance.options import CLUSTER_TESTS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeparateLevels:
    """Means of levels with their own variances; tested like coefficients of one regression.

    Attributes
    ----------
    names : tuple of str
        The levels.
    beta : ndarray, shape (g,)
        Their means.
    covariance : ndarray, shape (g, g)
        Covariance of the means under the test; studies with effects in several levels link them
        in the cluster-robust tests.
    works : tuple of WorkingFit
        The fit of each level.
    """

    names: tuple[str, ...]
    model: str
    test: str
    level: float
    beta: Array
    covariance: Array = field(repr=False)
    df: Array
    works: tuple[WorkingFit, ...] = field(repr=False)
    stacked: StackedMeans | None = field(repr=False)

    @property
    def tau2(self) -> Array:
        """Heterogeneity variance of each level, shape (g,)."""
        return np.array([work.tau2 for work in self.works])

    def contrast(self, C: ArrayLike) -> Contrast:
        """Estimate combinations of the means, each with its own degrees of freedom."""
        rows = np.atleast_2d(np.asarray(C, dtype=float))
        variance = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        estimate, se = rows @ self.beta, np.sqrt(np.where(variance > 0, variance, np.nan))
        df = self._df(rows)
        t = estimate / se
        p = np.array([two_sided_p(s, d) for s, d in zip(t, df, strict=True)])
        half = se * np.array([critical_value(self.level, d) for d in df])
        return Contrast(
            estimate=estimate, se=se, statistic=t, df=df, p_value=p,
            ci_low=estimate - half, ci_high=estimate + half,
        )  # fmt: skip

    def _df(self, rows: Array) -> Array:
        if self.stacked is not None:
            return self.stacked.degrees(rows)
        return welch_satterthwaite(rows, np.diag(self.covariance), self.df)

    def equal(self) -> WaldTest:
        """Test that the means are equal.

        HTZ beside a cluster-robust test, Welch's F beside Knapp-Hartung and t, chi-squared
        beside wald.
        """
        g = self.beta.size
        C = np.column_stack([np.ones(g - 1), -np.eye(g - 1)])
        if self.stacked is not None:
            return self.stacked.htz(C)
        if self.test != "wald":
            return welch_test(self.beta, np.diag(self.covariance), self.df)
        C = constraint_matrix(C, g)
        Q = float(quadratic_forms((C @ self.beta)[None], (C @ self.covariance @ C.T)[None])[0])
        return WaldTest(
            test="chi2", kind="model", statistic=Q, df1=g - 1, df2=math.inf,
            p_value=float(stats.chi2.sf(Q, g - 1)), Q=Q,
        )  # fmt: skip


def fit_separately(
    effects: Effects,
    X: Array,
    levels: tuple[str, ...],
    settings: Mapping[str, Any],
) -> SeparateLevels:
    """Fit each level on its own.

    Parameters
    ----------
    effects : Effects
        Effects of these levels.
    X : ndarray, shape (k, g)
        Indicators of the levels.
    levels : tuple of str
        Their names.
    settings : mapping
        model, tau2, test, rho and level, none of them "auto".

    Notes
    -----
    A level in which no study has several effects cannot tell the variances between and within
    studies apart: it has one variance, of which nothing depends on the split.
    """
    model, test = settings["model"], settings["test"]
    fits = []
    for column in range(X.shape[1]):
        rows = np.flatnonzero(X[:, column] == 1)
        part = effects.subset(X[:, column] == 1)
        fits.append((_fit_level(part, settings), rows))
    works = tuple(work for work, _ in fits)
    stacked = None
    if test in CLUSTER_TESTS:
        studies, _ = pd.factorize(effects.frame["study"])
        parts = [(work.data, work.point, rows[work.order]) for work, rows in fits]
        stacked = StackedMeans.build(parts, studies.astype(np.intp), test)
        covariance, df = stacked.covariance, stacked.degrees(np.eye(len(levels)))
    else:
        covariance = np.diag([float(work.covariance[0, 0]) for work in works])
        df = np.array([float(work.df[0]) for work in works])
    return SeparateLevels(
        names=levels,
        model=model,
        test=test,
        level=settings["level"],
        beta=np.array([float(work.point.beta[0]) for work in works]),
        covariance=covariance,
        df=df,
        works=works,
        stacked=stacked,
    )


def _fit_level(effects: Effects, settings: Mapping[str, Any]) -> WorkingFit:
    """Fit the mean of one level."""
    model = Model.of(settings)
    if model.multilevel and not effects.dependent():
        model = model.of_kind("two-level")
    X = np.ones((effects.n_effects, 1))
    return fit_working(effects, X, model.resolved(dependent=effects.dependent()))


def equal_variance_test(effects: Effects, X: Array, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Test equal heterogeneity of the levels by the likelihood ratio.

    The restricted likelihood (or the full one where tau² is ML) with one set of variance
    components is compared with that of separate sets. In the multilevel models effects of one
    study in different levels are independent in both, so that the models are nested.

    Returns
    -------
    dict
        statistic, df, p_value, method, and the two log likelihoods.
    """
    restricted = settings["tau2"] != "ML"
    levels = [effects.subset(X[:, c] == 1) for c in range(X.shape[1])]
    nested = settings["model"] in MULTILEVEL
    separate, parameters = 0.0, 0
    for part in levels:
        value, number = _log_likelihood(part, np.ones((part.n_effects, 1)), settings, restricted)
        separate, parameters = separate + value, parameters + number
    common, shared = _common_likelihood(effects, X, settings, restricted)
    df = parameters - shared
    statistic = max(0.0, 2 * (separate - common))
    return {
        "test": "likelihood-ratio",
        "method": "REML" if restricted else "ML",
        "statistic": statistic,
        "df": df,
        "p_value": float(stats.chi2.sf(statistic, df)) if df > 0 else math.nan,
        "log_likelihood_separate": separate,
        "log_likelihood_common": common,
        "components": "study and effect" if nested else "study",
    }


def _common_likelihood(
    effects: Effects, X: Array, settings: Mapping[str, Any], restricted: bool
) -> tuple[float, int]:
    """Log likelihood with one set of components, effects of a study in two levels apart."""
    study = effects.frame["study"].astype(str) + "\0" + pd.Series(X.argmax(axis=1)).astype(str)
    apart = Effects(frame=effects.frame.assign(study=study), measure=effects.measure)
    return _log_likelihood(apart, X, settings, restricted)


def _log_likelihood(
    effects: Effects, X: Array, settings: Mapping[str, Any], restricted: bool
) -> tuple[float, int]:
    """Highest log likelihood of a design, and its number of variance components."""
    split = settings["model"] in MULTILEVEL and effects.dependent()
    rho = settings["rho"] if settings["model"] == "che" and split else 0.0
    data, order = working_data(effects, X, rho, clustered=split)
    if split:
        return highest_maximum(data, restricted=restricted).log_likelihood, 2
    y, v = effects.yi[order], effects.vi[order]
    tau2 = estimate_tau2(y, v, X[order], "REML" if restricted else "ML")
    return evaluate(data, np.array([0.0, tau2]), restricted=restricted).log_likelihood, 1
