"""Levels of a moderator fitted one by one, each with its own heterogeneity."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import chi2_sf
from metaalliance.core.inference.forms import quadratic_forms
from metaalliance.core.inference.group_means import Differences, first_with_others
from metaalliance.core.inference.stacked import StackedMeans
from metaalliance.core.inference.wald import WaldTest, constraint_matrix
from metaalliance.core.inference.welch import welch_satterthwaite, welch_test
from metaalliance.effects.effects import Effects
from metaalliance.model import Specification
from metaalliance.models.inference.coefficients import Contrast, contrast_of
from metaalliance.models.working import WorkingFit, fit_working


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeparateLevels:
    """Means of levels with their own variances; tested like coefficients of one regression.

    Attributes
    ----------
    names : tuple of str
        The levels.
    specification : Specification
        The model, with nothing left to choose.
    beta : ndarray, shape (g,)
        Their means.
    covariance : ndarray, shape (g, g)
        Covariance of the means under the test; studies with effects in several levels link them
        in the cluster-robust tests.
    works : tuple of WorkingFit
        The fit of each level.
    """

    names: tuple[str, ...]
    specification: Specification
    beta: Array
    covariance: Array = field(repr=False)
    df: Array
    works: tuple[WorkingFit, ...] = field(repr=False)
    stacked: StackedMeans | None = field(repr=False)

    @property
    def tau2(self) -> Array:
        """Heterogeneity variance of each level, shape (g,)."""
        return np.array([work.tau2 for work in self.works])

    def contrast(self, C: ArrayLike | Differences) -> Contrast:
        """Estimate combinations of the means, each with its own degrees of freedom."""
        if isinstance(C, Differences):
            C = C.dense(self.beta.size)
        rows = np.atleast_2d(np.asarray(C, dtype=float))
        variance = np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        return contrast_of(rows @ self.beta, variance, self._df(rows), self.specification.level)

    def _df(self, rows: Array) -> Array:
        if self.stacked is not None:
            return self.stacked.degrees(rows)
        return welch_satterthwaite(rows, np.diag(self.covariance), self.df)

    def equality(self) -> WaldTest:
        """Test that the means are equal.

        HTZ beside a cluster-robust test, Welch's F beside Knapp-Hartung and t, chi-squared
        beside wald.
        """
        g = self.beta.size
        C = first_with_others(g).dense(g)
        if self.stacked is not None:
            return self.stacked.htz(C)
        if self.specification.test != "wald":
            return welch_test(self.beta, np.diag(self.covariance), self.df)
        C = constraint_matrix(C, g)
        Q = float(quadratic_forms((C @ self.beta)[None], (C @ self.covariance @ C.T)[None])[0])
        return WaldTest(
            test="chi2", kind="model", statistic=Q, df1=g - 1, df2=math.inf,
            p_value=float(chi2_sf(Q, g - 1)), Q=Q,
        )  # fmt: skip


def fit_separately(
    effects: Effects, X: Array, levels: tuple[str, ...], model: Specification
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
    model : Specification
        The model of each.

    Notes
    -----
    A level in which no study has several effects cannot tell the variances between and within
    studies apart: it has one variance, of which nothing depends on the split.
    """
    fits = []
    for column in range(X.shape[1]):
        rows = np.flatnonzero(X[:, column] == 1)
        part = effects.subset(X[:, column] == 1)
        work = fit_working(part, np.ones((part.n_effects, 1)), _of_part(model, part))
        fits.append((work, rows))
    works = tuple(work for work, _ in fits)
    stacked = None
    if model.robust:
        studies, _ = pd.factorize(effects.frame["study"])
        parts = [(work.data, work.point, rows[work.data.order]) for work, rows in fits]
        stacked = StackedMeans.build(parts, studies.astype(np.intp), model.test)
        covariance, df = stacked.covariance, stacked.degrees(np.eye(len(levels)))
    else:
        covariance = np.diag([float(work.covariance[0, 0]) for work in works])
        df = np.array([float(work.df[0]) for work in works])
    return SeparateLevels(
        names=levels,
        specification=model,
        beta=np.array([float(work.point.beta[0]) for work in works]),
        covariance=covariance,
        df=df,
        works=works,
        stacked=stacked,
    )


def _of_part(model: Specification, effects: Effects) -> Specification:
    """Return the model of a part of the effects, which may have no study with several."""
    if not model.multilevel or effects.dependent():
        return model
    return model.of_kind("two-level").resolved(dependent=False)


def equal_variance_test(effects: Effects, X: Array, model: Specification) -> dict[str, Any]:
    """Test equal heterogeneity of the levels by the likelihood ratio.

    The restricted likelihood (or the full one where tau² is ML) with one set of variance
    components is compared with that of separate sets. In the multilevel models effects of one
    study in different levels are independent in both, so that the models are nested.

    Returns
    -------
    dict
        statistic, df, p_value, method, and the two log likelihoods.
    """
    # The likelihood is that of REML or ML whatever tau² is estimated by, and has no test.
    likelihood = replace(model, tau2="ML" if model.tau2 == "ML" else "REML").with_test("wald")
    separate, parameters = 0.0, 0
    for column in X.T:
        part = effects.subset(column == 1)
        value, number = _log_likelihood(part, np.ones((part.n_effects, 1)), likelihood)
        separate, parameters = separate + value, parameters + number
    common, shared = _common_likelihood(effects, X, likelihood)
    df = parameters - shared
    statistic = max(0.0, 2 * (separate - common))
    return {
        "test": "likelihood-ratio",
        "method": likelihood.tau2,
        "statistic": statistic,
        "df": df,
        "p_value": float(chi2_sf(statistic, df)) if df > 0 else math.nan,
        "log_likelihood_separate": separate,
        "log_likelihood_common": common,
        "components": "study and effect" if model.multilevel else "study",
    }


def _common_likelihood(effects: Effects, X: Array, model: Specification) -> tuple[float, int]:
    """Log likelihood with one set of components, effects of a study in two levels apart."""
    return _log_likelihood(apart(effects, X), X, model)


def apart(effects: Effects, X: Array) -> Effects:
    """Return effects of which no study has several levels: the parts of a study are studies."""
    level = pd.Series(X.argmax(axis=1).astype(str), index=effects.frame.index)
    study = effects.frame["study"].astype(str) + "\0" + level
    return replace(effects, frame=effects.frame.assign(study=study))


def _log_likelihood(effects: Effects, X: Array, model: Specification) -> tuple[float, int]:
    """Highest log likelihood of a design, and its number of variance components."""
    chosen = _of_part(model, effects)
    work = fit_working(effects, X, chosen)
    return work.point.log_likelihood, len(work.data.names) if chosen.multilevel else 1
