"""Meta-regression of effects on a design matrix: every model and test of a pooled mean."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, BoolArray, read_only
from metaalliance.core.frozen import FrozenDict
from metaalliance.core.intervals import critical_value, two_sided_p
from metaalliance.core.multilevel import NestedData, NestedPoint
from metaalliance.core.robust import Saturation, multiply, satterthwaite, saturation
from metaalliance.core.wald import (
    WaldTest,
    constraint_matrix,
    htz_test,
    influence,
    scaled_f,
    undetermined_test,
    wald_chi2,
)
from metaalliance.core.wild_bootstrap import WildBootstrapTest, wild_bootstrap_test
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.models.checks import (
    reading_notices,
    refuse_false_independence,
    refuse_unidentified_split,
)
from metaalliance.models.fits import without_nan
from metaalliance.models.pool import TESTS, auto_model, check_test, likelihood
from metaalliance.models.prediction import prediction_interval
from metaalliance.models.working import MULTILEVEL, WorkingFit, fit_working
from metaalliance.options import (
    CLUSTER_TESTS,
    Measure,
    Model,
    Prediction,
    Tau2Estimator,
    Test,
    check_level,
    check_option,
    check_rho,
)
from metaalliance.problems import Problem, notice

#: Share of a variance that may rest on what single studies determine alone.
NEGLIGIBLE = 1e-6
#: Condition of a centred and scaled design beyond which its columns are made orthogonal.
NEARLY_COLLINEAR = 30.0


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
        return pd.DataFrame({name: getattr(self, name) for name in _COLUMNS})


_COLUMNS = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegressionFit:
    """A fitted meta-regression.

    Attributes
    ----------
    effects : Effects
        What was fitted.
    X : ndarray, shape (k, p)
        Design matrix, rows in the order of the effects.
    names : tuple of str
        Names of the coefficients.
    beta, se, statistic, df, p_value, ci_low, ci_high : ndarray, shape (p,)
        Coefficients and their tests on the analysis scale.
    covariance : ndarray, shape (p, p)
        Covariance of the coefficients under the test.
    tau2 : float
        Residual heterogeneity variance, in total.
    sigma2, I2_levels : dict
        Residual variances by level ("study", and "effect" in a multilevel model) and their
        shares in the total.
    I2, H2 : float
        Residual heterogeneity; I² is a fraction.
    QE, QE_df, QE_p_value : float
        Test of residual heterogeneity.
    log_likelihood : float
        Restricted for REML, else full.
    notices : tuple of Problem
        What the reader has to know.
    data, point : NestedData, NestedPoint
        The working model; columns of its design are those of `X` centred and scaled, so that
        ``X = data.X @ inv(basis)`` up to the order of rows.
    basis : ndarray, shape (p, p)
        beta = basis @ point.beta.
    """

    effects: Effects = field(repr=False)
    X: Array = field(repr=False)
    names: tuple[str, ...]
    model: str
    test: str
    tau2_method: str
    rho: float
    level: float
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
    data: NestedData = field(repr=False)
    point: NestedPoint = field(repr=False)
    basis: Array = field(repr=False)
    scale: float = 1.0

    @property
    def measure(self) -> Measure:
        """Analysis scale of the effects."""
        return self.effects.measure

    @property
    def n_effects(self) -> int:
        """Number of effects."""
        return self.effects.n_effects

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return self.effects.n_studies

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
        return _contrast(rows @ self.beta, variance, self._df(rows), self.level)

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
        product = partial(multiply, self.data, self.point)
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
        self,
        C: ArrayLike,
        *,
        replications: int = 999,
        weights: str = "auto",
        seed: int = 1,
        adjust: str = "cr0",
    ) -> WildBootstrapTest:
        """Test C beta = 0 by the cluster wild bootstrap, the null hypothesis imposed.

        See `metaalliance.core.wild_bootstrap.wild_bootstrap_test` for the parameters and the
        references. The variance components are held.
        """
        rows = constraint_matrix(C, self.beta.size) @ self.basis
        return wild_bootstrap_test(
            self.data,
            self.point,
            rows,
            replications=replications,
            weights=weights,
            seed=seed,
            adjust=adjust,
        )

    def predict(self, X: ArrayLike, *, prediction: str = "t") -> pd.DataFrame:
        """Predict the mean effect at rows of the design, with its intervals.

        Parameters
        ----------
        X : array_like, shape (n, p)
            Rows of the design matrix.
        prediction : {"t", "normal", "riley", "simple"}
            Distribution of the prediction interval; see `pool`.

        Returns
        -------
        DataFrame
            estimate, se, df, ci_low, ci_high, pi_low, pi_high on the analysis scale.
        """
        check_option("prediction", prediction, Prediction)
        found = self.contrast(X)
        clustered = self.test in CLUSTER_TESTS or self.model in MULTILEVEL
        units = self.n_studies if clustered else self.n_effects
        p = self.beta.size
        pis = [
            prediction_interval(
                prediction, e, s, self.tau2, df=d, units=units - p + 1, riley=units - p - 1,
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
        content = {
            "measure": self.measure,
            "model": self.model,
            "tau2": self.tau2_method,
            "test": self.test,
            "rho": self.rho,
            "level": self.level,
        }
        if self.model == "common-effect":
            del content["tau2"]
        if self.model not in MULTILEVEL:
            del content["rho"]
        return content

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient, on the analysis scale."""
        columns = {name: getattr(self, name) for name in _COLUMNS[1:]}
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
        cleaned: dict[str, Any] = without_nan(
            {
                "settings": self.settings(),
                "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
                "coefficients": self.to_frame().to_dict("records"),
                "residual_heterogeneity": self.residual_heterogeneity(),
                "log_likelihood": self.log_likelihood,
                "notices": [p.to_dict() for p in self.notices],
            }
        )
        return cleaned


_JOINT = {"wald": "chi2", "t": "f", "knapp-hartung": "f", "knapp-hartung-adhoc": "f"}


def regress(
    effects: Effects,
    X: ArrayLike,
    names: Sequence[str],
    *,
    model: Model = "auto",
    tau2: Tau2Estimator = "REML",
    test: Test = "auto",
    rho: float = 0.6,
    level: float = 0.95,
) -> RegressionFit:
    """Regress effects on a design matrix.

    Parameters
    ----------
    effects : Effects
        What is explained.
    X : array_like, shape (k, p)
        Design matrix with its intercept, rows in the order of the effects.
    names : sequence of str
        Names of its columns.
    model, tau2, test, rho, level
        As in `pool`.

    Returns
    -------
    RegressionFit
        Its `notices` are also given as `MetaAllianceWarning`.

    Raises
    ------
    OptionError
        For a value that an option does not have, or a design of another shape.
    EstimationError
        When the design is collinear or has as many columns as effects, or when the model
        cannot be identified.

    References
    ----------
    Pustejovsky JE, Tipton E (2022). Prevention Science 23, 425-438. Knapp G, Hartung J
    (2003). Statistics in Medicine 22, 2693-2710.

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03])
    >>> fit = regress(effects, [[1, 0], [1, 1], [1, 0], [1, 1]], ["mean", "b"], test="wald")
    >>> [round(float(b), 4) for b in fit.beta]
    [0.225, 0.115]
    """
    check_option("model", model, Model)
    check_option("tau2", tau2, Tau2Estimator)
    check_level(level)
    chosen = auto_model(effects) if model == "auto" else str(model)
    check_test(chosen, test)
    chosen_test = TESTS[chosen][0] if test == "auto" else str(test)
    design = _design(effects, X, names, chosen)
    if chosen in MULTILEVEL:
        refuse_unidentified_split(effects, chosen)
        method: str = likelihood(chosen, tau2)
    else:
        refuse_false_independence(effects, chosen, chosen_test)
        method = "ML" if chosen == "common-effect" else tau2
    scaled, basis = _conditioned(design)
    assumed = check_rho(rho) if chosen == "che" else 0.0
    work = fit_working(
        effects, scaled, model=chosen, tau2_method=method, test=chosen_test, rho=assumed
    )
    fit = _fit(effects, design, tuple(names), work, basis, chosen, method, chosen_test, level)
    for found in fit.notices:
        if found.severity == "warning":
            warnings.warn(f"{found.code} {found.message}", MetaAllianceWarning, stacklevel=2)
    return fit


def _fit(
    effects: Effects,
    X: Array,
    names: tuple[str, ...],
    work: WorkingFit,
    basis: Array,
    model: str,
    method: str,
    test: str,
    level: float,
) -> RegressionFit:
    """Bring the working model back to the columns of the design."""
    beta, covariance = basis @ work.point.beta, basis @ work.covariance @ basis.T
    variance, alone = np.diag(covariance).copy(), None
    if test in CLUSTER_TESTS:
        alone = saturation(work.data, work.point, basis)
        variance[alone.share > NEGLIGIBLE] = math.nan
    found = _contrast(beta, variance, _coefficient_df(work, basis, test), level)
    theta, tau2 = work.point.theta, work.tau2
    parts = {"study": float(theta[0]), "effect": float(theta[1])}
    sigma2 = FrozenDict(parts if model in MULTILEVEL else {"study": tau2})
    total = tau2 + work.q.typical_variance
    notices = work.notices + reading_notices(effects, float(np.nanmin(found.df)), test)
    return RegressionFit(
        effects=effects,
        X=read_only(X),
        names=names,
        model=model,
        test=test,
        tau2_method=method,
        rho=work.data.rho,
        level=level,
        beta=read_only(beta),
        covariance=read_only(covariance),
        **{name: getattr(found, name) for name in _COLUMNS[1:]},
        tau2=tau2,
        sigma2=sigma2,
        I2_levels=FrozenDict({name: value / total for name, value in sigma2.items()}),
        I2=work.q.I2(tau2),
        H2=work.q.H2(tau2),
        QE=work.q.Q,
        QE_df=work.q.df,
        QE_p_value=work.q.p_value,
        log_likelihood=work.point.log_likelihood,
        guard_acted=work.guard_acted,
        notices=notices + _saturation_notice(effects, work, alone),
        data=work.data,
        point=work.point,
        basis=read_only(basis),
        scale=work.scale,
    )


def _coefficient_df(work: WorkingFit, basis: Array, test: str) -> Array:
    if test not in CLUSTER_TESTS:
        return work.df
    G = influence(work.data, work.point, basis, test)
    product = partial(multiply, work.data, work.point)
    return satterthwaite(work.data.blocks, work.data.X, work.point.bread, G, product)


def _contrast(estimate: Array, variance: Array, df: Array, level: float) -> Contrast:
    """Tests and intervals; what has no variance has neither."""
    se = np.sqrt(np.where(variance > 0, variance, np.nan))
    statistic = estimate / se
    p_value = np.array([two_sided_p(s, d) for s, d in zip(statistic, df, strict=True)])
    half = se * np.array([critical_value(level, d) for d in df])
    values = (estimate, se, statistic, df, p_value, estimate - half, estimate + half)
    return Contrast(**{n: read_only(v) for n, v in zip(_COLUMNS, values, strict=True)})


def _design(effects: Effects, X: ArrayLike, names: Sequence[str], model: str) -> Array:
    """Return the design as numbers after a check of its shape and rank."""
    design = np.asarray(X, dtype=float)
    k = effects.n_effects
    if design.ndim != 2 or design.shape != (k, len(names)):
        raise OptionError(
            f"The design has shape {design.shape}; {k} effects and {len(names)} names need "
            f"({k}, {len(names)})."
        )
    if not np.isfinite(design).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(design))[0])
        raise OptionError(f"The design is missing at effect {row}, column {names[column]!r}.")
    p = design.shape[1]
    if p > k or (p == k and model != "common-effect"):
        raise EstimationError(
            f"{k} effects cannot estimate {p} coefficients and a variance.", code="MA641"
        )
    length = np.linalg.norm(design, axis=0)
    if not length.all() or np.linalg.matrix_rank(design / length) < p:
        raise EstimationError(
            f"The columns {', '.join(names)} are collinear: some follow from the others.",
            code="MA641",
        )
    return design


def _conditioned(X: Array) -> tuple[Array, Array]:
    """Centre, scale and if need be orthogonalise the columns; X beta = Z g for beta = basis g.

    Years beside an intercept are nearly collinear, and would cost a third of the digits; their
    interactions and powers are collinear still after that, and would cost standard errors all.
    Rows that are equal stay equal.
    """
    p = X.shape[1]
    ones = np.flatnonzero((X == 1).all(axis=0))
    centre = np.zeros(p)
    if ones.size:
        other = np.arange(p) != ones[0]
        coded = np.isin(X, (-1.0, 0.0, 1.0)).all(axis=0)
        centre[other & ~coded] = X.mean(axis=0)[other & ~coded]
    scale = np.abs(X - centre).max(axis=0)
    scale[scale == 0] = 1.0
    basis = np.diag(1 / scale)
    if ones.size:
        basis[ones[0]] -= centre / scale
    Z = (X - centre) / scale
    return _orthogonal(Z, basis) if np.linalg.cond(Z) > NEARLY_COLLINEAR else (Z, basis)


def _orthogonal(Z: Array, basis: Array) -> tuple[Array, Array]:
    """Return orthogonal columns that span those of Z, and the basis that goes with them."""
    turn = np.linalg.inv(np.linalg.qr(Z, mode="r")) * math.sqrt(Z.shape[0])
    # Sums of columns, as a matrix product may round equal rows in different ways.
    turned = sum(np.outer(Z[:, j], turn[j]) for j in range(Z.shape[1]))
    return np.asarray(turned, dtype=np.float64), basis @ turn


def _saturation_notice(
    effects: Effects, work: WorkingFit, alone: Saturation | None
) -> tuple[Problem, ...]:
    """Say which studies determine a combination of the coefficients alone."""
    if alone is None or not alone.studies.size:
        return ()
    count = alone.studies.size
    rows = work.order[work.data.blocks.starts[alone.studies]]
    labels = [str(label) for label in effects.frame["study"].iloc[rows[:3]]]
    listed = ", ".join(labels) + (" and others" if count > 3 else "")
    message = (
        f"{count} {'study determines' if count == 1 else 'studies determine'} a "
        f"coefficient alone ({listed}): robust standard errors that rest on "
        f"{'it' if count == 1 else 'them'} are not defined."
    )
    hint = "Merge the level with another, or leave it out of the comparison."
    return (notice("MA642", message, hint),)
