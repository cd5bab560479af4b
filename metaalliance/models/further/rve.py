"""Robust variance estimation with the working models CORR and HIER, as robumeta does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.inference.intervals import critical_value
from metaalliance.core.inference.rve import RveFit, rve_fit
from metaalliance.core.inference.wald import WaldTest, htz_test, wald_f
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.effects.effects import Effects, study_names
from metaalliance.effects.overlap import people_of
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.checks import FEW_DF
from metaalliance.models.inference.coefficients import COLUMNS
from metaalliance.models.scale import back_transform, without_nan
from metaalliance.options import Measure, Scale, check_level, check_option
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import effects_text, studies_text

WorkingModel = Literal["CORR", "HIER"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RveResult(InNotebook):
    """Coefficients with robust standard errors.

    Attributes
    ----------
    names : tuple of str
        Coefficients, "intercept" first.
    beta, se, statistic, df, p_value, ci_low, ci_high : ndarray, shape (p,)
        Estimates on the analysis scale and their t tests; NaN where a standard error is zero
        to rounding.
    covariance : ndarray, shape (p, p)
        Robust covariance of `beta`.
    working_model : {"CORR", "HIER"}
        Correlated or hierarchical effects.
    rho, small, level : float, bool, float
        Assumed correlation of sampling errors (CORR), small-sample correction, coverage.
    tau2, omega2, I2 : float
        Variance between studies, between effects of a study (HIER), and the share of Q that
        sampling error does not explain, a fraction.
    weights : ndarray, shape (k,)
        Weight of each effect, in the order of the effects.
    measure : {"z", "r", "r-unbiased", "generic"}
        Analysis scale.
    n_studies, n_effects : int
        Numbers of studies and effects.
    notices : tuple of Problem
        What limits the inference.
    """

    names: tuple[str, ...]
    beta: Array
    se: Array
    statistic: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    covariance: Array
    working_model: WorkingModel
    rho: float
    small: bool
    level: float
    tau2: float
    omega2: float
    I2: float
    weights: Array = field(repr=False)
    measure: Measure
    n_studies: int
    n_effects: int
    fit: RveFit = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def wald(self, terms: Sequence[str] | ArrayLike | None = None) -> WaldTest:
        """Test coefficients jointly: approximate Hotelling's T² (HTZ), or F without `small`.

        Parameters
        ----------
        terms : sequence of str or array_like (q, p), optional
            Names of coefficients that are zero together, or a matrix of constraints; every
            coefficient but the intercept by default.

        References
        ----------
        Tipton and Pustejovsky (2015).
        """
        C = self._constraints(terms)
        if self.small:
            return htz_test(self.fit.data, self.fit.point, C)
        return wald_f(self.fit.data, self.fit.point, C)

    def _constraints(self, terms: Sequence[str] | ArrayLike | None) -> Array:
        chosen = [n for n in self.names if n != "intercept"] if terms is None else terms
        if isinstance(chosen, str):
            chosen = [chosen]
        if not isinstance(chosen, list | tuple) or not all(isinstance(t, str) for t in chosen):
            return np.asarray(chosen, dtype=float)
        unknown = [t for t in chosen if t not in self.names]
        if unknown or not chosen:
            raise OptionError(
                f"There is no coefficient {', '.join(map(repr, unknown)) or 'to test'}; "
                f"there are {', '.join(self.names)}."
            )
        return np.eye(len(self.names))[[self.names.index(str(t)) for t in chosen]]

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per coefficient.

        With ``scale="r"`` a mean (the only coefficient) is back-transformed; differences of
        Fisher z have no scale of r and are left as they are.
        """
        check_option("scale", scale, Scale)
        frame = pd.DataFrame(
            {
                "term": self.names,
                "estimate": self.beta,
                **{name: getattr(self, name) for name in COLUMNS[1:]},
            }
        )
        if scale == "r" and self.measure == "z" and self.names == ("intercept",):
            columns = ["estimate", "ci_low", "ci_high"]
            frame[columns] = np.tanh(frame[columns])
            frame["se"] = np.nan
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing is None."""
        content = {
            "method": "rve",
            "settings": {
                "measure": self.measure,
                "working_model": self.working_model,
                "rho": self.rho,
                "small": self.small,
                "level": self.level,
            },
            "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
            "coefficients": self.to_frame().to_dict("records"),
            "heterogeneity": {"tau2": self.tau2, "omega2": self.omega2, "I2": self.I2},
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        kind = (
            f", rho {number(self.rho, 2, correlation=True)}" if self.working_model == "CORR" else ""
        )
        correction = "small-sample correction" if self.small else "no small-sample correction"
        lines = [
            f"Robust variance estimation, {studies_text(self.n_studies)}, "
            f"{effects_text(self.n_effects)}",
            f"Working model {self.working_model}{kind}; {correction}",
        ]
        width = max(len(name) for name in self.names)
        lines += [self._line(i, width) for i in range(len(self.names))]
        omega = f", omega² = {number(self.omega2, 4)}" if self.working_model == "HIER" else ""
        lines.append(f"tau² = {number(self.tau2, 4)}{omega}, I² = {number(100 * self.I2, 1)}%")
        return "\n".join([*lines, *(p.text for p in self.notices)])

    def _line(self, i: int, width: int) -> str:
        alone = self.measure == "z" and self.names == ("intercept",)
        b, low, high = (
            back_transform(float(v[i]), self.measure) if alone else float(v[i])
            for v in (self.beta, self.ci_low, self.ci_high)
        )
        name = "mean r" if alone else self.names[i].ljust(width)
        return (
            f"{name}  {number(b, correlation=alone)} {limits(low, high, correlation=alone)},"
            f" t({number(float(self.df[i]), 1)}) = {number(float(self.statistic[i]), 2)},"
            f" p {p_text(float(self.p_value[i]))}"
        )


def rve(
    effects: Effects,
    X: ArrayLike | None = None,
    *,
    moderators: Sequence[str] = (),
    names: Sequence[str] | None = None,
    working_model: WorkingModel = "CORR",
    rho: float = 0.8,
    small: bool = True,
    level: float = 0.95,
) -> RveResult:
    """Fit a meta-regression with robust variance estimation, as robumeta does.

    Parameters
    ----------
    effects : Effects
        Effects of two or more studies, several in some of them.
    X : array_like, shape (k, q), optional
        Moderators in the order of the effects, without the intercept, which is added.
    moderators : sequence of str
        Columns of the effects instead of `X`: numbers as they are, text as indicators of
        every category but the first in sorted order.
    names : sequence of str, optional
        Names of the columns of `X`.
    working_model : {"CORR", "HIER"}
        Weights 1 / (k_j (mean v_j + tau²)), or 1 / (v + tau² + omega²).
    rho : float
        Assumed correlation of the sampling errors of a sample, in the tau² of CORR; those of
        different samples of a study are independent. Its weights stay those of robumeta.
    small : bool
        Bias-reduced standard errors with Satterthwaite's degrees of freedom.
    level : float
        Coverage of the intervals.

    Raises
    ------
    EstimationError
        When coefficients or variance components are not identified, or a moderator is
        missing for an effect.
    OptionError
        For an option or a column that does not exist.

    References
    ----------
    Hedges et al. (2010); Tipton (2015).

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.3, 0.5, 0.2, 0.1, 0.6, 0.4, 0.3], [0.02] * 8, study=list("AABCCDEE")
    ... )
    >>> found = rve(effects)
    >>> found.beta.round(4), found.se.round(4), found.df.round(4)
    (array([0.36]), array([0.0857]), array([4.]))
    """
    check_option("working_model", working_model, WorkingModel)
    check_level(level)
    design, labels = _design(effects, X, moderators, names)
    codes, _ = pd.factorize(effects.frame["study"])
    order = np.argsort(codes, kind="stable").astype(np.intp)
    blocks = StudyBlocks.from_sorted(codes[order].astype(np.intp))
    rows, people = people_of(effects, order, blocks.study)
    order = order[rows]
    fit = rve_fit(
        effects.yi[order],
        effects.vi[order],
        design[order],
        blocks,
        working_model=working_model.lower(),
        rho=rho,
        small=small,
        people=people,
    )
    half = np.array([critical_value(level, float(df)) for df in fit.df]) * fit.se
    half[np.isnan(fit.statistic)] = np.nan
    return RveResult(
        names=labels,
        beta=fit.beta,
        se=fit.se,
        statistic=fit.statistic,
        df=fit.df,
        p_value=fit.p_value,
        ci_low=read_only(fit.beta - half),
        ci_high=read_only(fit.beta + half),
        covariance=fit.covariance,
        working_model=working_model,
        rho=rho,
        small=small,
        level=level,
        tau2=fit.tau2,
        omega2=fit.omega2,
        I2=fit.I2,
        weights=_in_order(fit.weights, order),
        measure=effects.measure,
        n_studies=effects.n_studies,
        n_effects=effects.n_effects,
        fit=fit,
        notices=_few_df(labels, fit.df) if small else (),
    )


def _design(
    effects: Effects,
    X: ArrayLike | None,
    moderators: Sequence[str],
    names: Sequence[str] | None,
) -> tuple[Array, tuple[str, ...]]:
    """Design matrix with its intercept, and the names of its columns."""
    k = effects.n_effects
    if X is not None and moderators:
        raise OptionError("Give either X or moderators, not both.")
    if X is None:
        if names is not None:
            raise OptionError("names belong to the columns of X, which is not given.")
        columns = [c for name in moderators for c in _moderator(effects, name)]
        labels = tuple(name for name, _ in columns)
        return np.column_stack([np.ones(k), *(v for _, v in columns)]), ("intercept", *labels)
    values = np.asarray(X, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[0] != k:
        raise OptionError(f"X has shape {values.shape}; {k} effects need ({k}, q).")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise EstimationError(f"X has a value that is missing or infinite in row {row}.")
    labels = (
        tuple(names) if names is not None else tuple(f"x{j}" for j in range(1, values.shape[1] + 1))
    )
    if len(labels) != values.shape[1]:
        raise OptionError(f"{len(labels)} names for {values.shape[1]} columns of X.")
    return np.column_stack([np.ones(k), values]), ("intercept", *labels)


def _moderator(effects: Effects, name: str) -> list[tuple[str, Array]]:
    """Columns of one moderator; numbers are one, categories one fewer than they are."""
    if name not in effects.moderators:
        raise OptionError(f"There is no moderator {name!r}; {effects.moderator_list(name)}.")
    column = effects.frame[name]
    if column.isna().any():
        where = study_names(effects.frame)[column.isna()].astype(str).unique()
        raise EstimationError(f"{name} is missing for {', '.join(where[:5])}.", code="MA604")
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return [(name, column.to_numpy(dtype=float))]
    text = column.astype(str)
    return [(f"{name}: {c}", (text == c).to_numpy(dtype=float)) for c in sorted(text.unique())[1:]]


def _in_order(values: Array, order: IntArray) -> Array:
    """Weights of sorted rows in the order of the effects."""
    out = np.empty(order.size)
    out[order] = values
    return read_only(out)


def _few_df(names: tuple[str, ...], df: Array) -> tuple[Problem, ...]:
    """Name the coefficients with fewer than four degrees of freedom."""
    few = [f"{n} ({d:.1f})" for n, d in zip(names, df, strict=True) if d < FEW_DF]
    if not few:
        return ()
    message = (
        f"Fewer than {FEW_DF:.0f} degrees of freedom: {', '.join(few)}; these p-values and "
        "intervals are not reliable."
    )
    return (notice("MA620", message, "Read these intervals as rough ones."),)
