"""The multivariate model of a design: its estimates, and what can be said of its coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse.csgraph import connected_components

from metaalliance.core.arrays import Array, BoolArray, IntArray, read_only
from metaalliance.core.inference.forms import quadratic_forms
from metaalliance.core.inference.robust import (
    adjustment,
    information_of_others,
    satterthwaite,
    saturated,
    small_sample_factor,
)
from metaalliance.core.inference.wald import (
    WaldTest,
    chi2_of,
    constraint_matrix,
    hotelling,
    undetermined_test,
    wishart_df,
)
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.components.ascent import ComponentOptimum, highest_of_form
from metaalliance.core.variance.components.forms import FORMS, Parameters
from metaalliance.core.variance.components.likelihood import ComponentData, ComponentPoint
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import LIKELIHOOD, Model, Specification, refuse
from metaalliance.models.components.sampling import Sampling
from metaalliance.models.inference.coefficients import NEGLIGIBLE, Contrast, contrast_of
from metaalliance.options import CLUSTER_TESTS

#: Eigenvalue of G, relative to the largest, below which a direction has no variance.
NO_VARIANCE = 1e-8
#: Tests that a multivariate model has; the first is its default.
TESTS = ("cr2", "cr1s", "cr1", "cr0", "wald")


def component_model(model: Model) -> Specification:
    """Return a model with nothing left to choose, of those that several components can have.

    Raises
    ------
    OptionError
        For a setting that has no meaning for it.
    """
    who = "A multivariate model"
    kind = "it has the random effects of structure, and correlated sampling errors as che"
    further = "its further level is within_studies, the variance of single effects"
    if model.kind not in {"auto", "che"}:
        refuse(model, who, {"model": kind})
    reasons = {
        "df": "its degrees of freedom are Satterthwaite's of the robust test",
        "within": further,
        "above": further,
        "crossed": further,
    }
    refuse(model, who, reasons)
    if model.tau2 not in LIKELIHOOD:
        refuse(model, who, {"tau2": "its variances are estimated by REML or ML"})
    if model.test != "auto" and model.test not in TESTS:
        refuse(model, who, {"test": f"it has {', '.join(TESTS)}"})
    return replace(model, kind="che").resolved(dependent=True)


def component_data(
    effects: Effects, X: Array, codes: IntArray, p: int, sampling: Sampling
) -> ComponentData:
    """Sort effects by study, with their components and their sampling covariance.

    Raises
    ------
    EstimationError
        When the design is collinear, or a sampling covariance is not positive definite.
    """
    study = pd.factorize(effects.frame["study"])[0].astype(np.intp)
    order = np.argsort(study, kind="stable").astype(np.intp)
    if X.shape[0] <= X.shape[1] or np.linalg.matrix_rank(X) < X.shape[1]:
        raise EstimationError(
            "The columns of the design are collinear within a component: it has too few studies, "
            "or a moderator does not differ in it.",
            code="MA641",
        )
    data = ComponentData.build(
        read_only(effects.yi[order]), read_only(X[order]), codes[order], p,
        StudyBlocks.from_sorted(study[order]), order, lambda rows: sampling.dense(order[rows]),
    )  # fmt: skip
    for batch in data.batches:
        scale = 1 / np.sqrt(np.diagonal(batch.V, axis1=1, axis2=2))
        least = np.linalg.eigvalsh(batch.V * scale[:, :, None] * scale[:, None, :])[:, 0]
        if (least <= 0).any():
            row = order[batch.rows[int(np.argmin(least)), 0]]
            raise EstimationError(
                f"The assumed correlations give study {effects.frame['study'].iloc[row]} a "
                "sampling covariance that is not positive definite.",
                code="MA603",
            )
    return data


def determined_pairs(data: ComponentData, structure: str) -> BoolArray:
    """Return which elements of G the effects tell, shape (p, p).

    A correlation of UN is told by studies that have both components, the one of CS and HCS by
    studies that have any two.
    """
    seen = np.zeros((data.blocks.m, data.p))
    seen[data.blocks.study, data.codes] = 1.0
    own = np.eye(data.p, dtype=bool)
    together = np.asarray((seen.T @ seen > 0) | own)
    if structure == "UN":
        return together
    none = structure in {"CS", "HCS"} and not (together & ~own).any()
    return own if none else np.ones_like(own)


def determined_covariance(data: ComponentData, structure: str, G: Array) -> Array:
    """Return G without covariances between components that nothing joins, shape (p, p)."""
    part = connected_components(determined_pairs(data, structure), directed=False)[1]
    return np.where(part[:, None] == part[None, :], G, 0.0)


def parameters_of(data: ComponentData, structure: str, within_studies: str) -> int:
    """Return the number of variances and correlations of a structure that the effects tell."""
    apart = int(np.sum(~determined_pairs(data, structure))) // 2
    count = Parameters(FORMS[structure](data.p), within_studies).q
    return count - (apart if structure == "UN" else min(apart, 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class ComponentFit:
    """A fitted multivariate model.

    Attributes
    ----------
    data : ComponentData
        The effects, sorted by study.
    specification : Specification
        Estimator, test, level and assumed correlations.
    structure, within_studies : str
        Form of the covariance between studies, and of the variances within.
    names : tuple of str
        Names of the coefficients.
    optimum : ComponentOptimum
        The highest maximum.
    optima : dict
        Optima of the forms that are special cases of it.
    """

    data: ComponentData = field(repr=False)
    specification: Specification
    structure: str
    within_studies: str
    names: tuple[str, ...]
    optimum: ComponentOptimum = field(repr=False)
    optima: dict[str, ComponentOptimum] = field(repr=False)

    @classmethod
    def of(
        cls,
        data: ComponentData,
        model: Specification,
        structure: str,
        within_studies: str,
        names: Sequence[str],
        seed: int = 1,
    ) -> ComponentFit:
        """Climb to the highest likelihood."""
        optima: dict[str, ComponentOptimum] = {}
        best = highest_of_form(
            data, structure, within_studies, restricted=model.tau2 == "REML", seed=seed,
            known=optima,
        )  # fmt: skip
        return cls(
            data=data, specification=model, structure=structure, within_studies=within_studies,
            names=tuple(names), optimum=best, optima=optima,
        )  # fmt: skip

    @property
    def point(self) -> ComponentPoint:
        """The model at its estimates."""
        return self.optimum.point

    @property
    def robust(self) -> bool:
        """Whether the test is cluster-robust."""
        return self.specification.test in CLUSTER_TESTS

    @cached_property
    def G(self) -> Array:
        """Covariance between studies; NaN where no study tells it."""
        known = determined_pairs(self.data, self.structure)
        return read_only(np.where(known, self.point.G, np.nan))

    @cached_property
    def spectrum(self) -> tuple[Array, Array]:
        """Eigenvalues of what is determined of G, the largest first, and its eigenvectors."""
        G = determined_covariance(self.data, self.structure, self.point.G)
        values, vectors = np.linalg.eigh(G)
        return values[::-1], vectors[:, ::-1]

    @property
    def rank(self) -> int:
        """Number of directions in which true effects of components vary between studies."""
        values = self.spectrum[0]
        return int(np.sum(values > NO_VARIANCE * max(float(values[0]), self.data.typical)))

    @cached_property
    def _rows(self) -> Array:
        """Rows of A W X (X'WX)^-1, shape (k, x)."""
        point, data, kind = self.point, self.data, self.specification.test
        WX = point.WX
        H: Array = WX @ point.bread
        if kind != "cr2":
            H *= np.sqrt(small_sample_factor(kind, data.blocks.m, *data.X.shape))
            return H
        others = information_of_others(data.blocks, data.X, WX)
        for rows, S in point.covariances():
            own = data.blocks.study[rows[:, 0]]
            H[rows] = adjustment(S, data.X[rows], point.bread, others[own]) @ H[rows]
        return H

    @cached_property
    def covariance(self) -> Array:
        """Covariance of the coefficients under the test, shape (x, x)."""
        if not self.robust:
            return self.point.bread
        scores = self.data.blocks.sums(self._rows * self.point.residuals[:, None])
        return read_only(scores.T @ scores)

    def contrast(self, C: ArrayLike) -> Contrast:
        """Estimate combinations (q, x) of the coefficients, each with its degrees of freedom."""
        rows = np.atleast_2d(np.asarray(C, dtype=np.float64))
        variance = np.sum((rows @ self.covariance) * rows, axis=1)
        df = np.full(len(rows), np.inf)
        if self.robust:
            df = satterthwaite(
                self.data.blocks, self.data.X, self.point.bread, self._rows @ rows.T,
                self.point.multiply,
            )  # fmt: skip
            variance[self._undetermined(rows)] = np.nan
        return contrast_of(rows @ self.point.beta, variance, df, self.specification.level)

    def _undetermined(self, rows: Array) -> BoolArray:
        """Whether a robust variance rests on what single studies determine alone, shape (q,)."""
        point, data = self.point, self.data
        found = saturated(data.blocks, data.X, point.WX, point.bread, rows)
        return np.asarray(found.share > NEGLIGIBLE)

    def wald(self, C: ArrayLike) -> WaldTest:
        """Test C beta = 0 jointly: HTZ beside a cluster-robust test, chi-squared beside wald."""
        rows = constraint_matrix(C, len(self.names))
        kind, q, beta = self.specification.test, len(rows), rows @ self.point.beta
        if not self.robust:
            return chi2_of(_form(beta, rows @ self.point.bread @ rows.T), q, "model")
        if self._undetermined(rows).any():
            return undetermined_test("htz", kind, q)
        G = self._rows @ rows.T
        eta = wishart_df(self.data.blocks, self.data.X, self.point.bread, G, self.point.multiply)
        return hotelling(_form(beta, rows @ self.covariance @ rows.T), eta, q, kind)


def _form(beta: Array, V: Array) -> float:
    return float(quadratic_forms(beta[None], V[None])[0])
