"""Leave-one-out of a meta-regression: coefficients and the omnibus test of the moderators."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.diagnostics.refits import Refit, Refits, Refused
from metaalliance.diagnostics.subject import Subject
from metaalliance.diagnostics.units import Omissions, failure_notices, unit_frame, unit_masks
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import without_nan
from metaalliance.models.working import WorkingFit
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number, p_text

#: Rows that a summary prints.
FIRST = 10
_COEFFICIENT = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")
_MODEL = (
    "tau2", "tau", "sigma2_study", "sigma2_effect", "I2", "H2", "QE", "QE_df", "QE_p_value",
    "omnibus", "omnibus_statistic", "omnibus_df1", "omnibus_df2", "omnibus_p_value",
    "n_studies", "n_effects",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegressionLeaveOneOut(Omissions, InNotebook):
    """A meta-regression without each study or effect in turn.

    Attributes
    ----------
    fit : RegressionFit
        The result with all effects.
    frame : DataFrame
        One row per unit: `omitted`, `study`, residual heterogeneity (tau2, I2, QE ...) and the
        omnibus test that the moderators make no difference (omnibus, omnibus_statistic,
        omnibus_df1, omnibus_df2, omnibus_p_value); `largest_change` of a coefficient in its
        standard errors. Where the model cannot be fitted, `code` and `reason` say why.
    coefficients : DataFrame
        One row per unit and coefficient: `omitted`, `term`, estimate with its test and
        interval, and `change`.
    """

    fit: RegressionFit = field(repr=False)
    coefficients: pd.DataFrame = field(repr=False)

    @property
    def changes(self) -> pd.Series[float]:
        """Largest change of a coefficient in its standard errors."""
        return self.frame["largest_change"]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per unit."""
        return self.frame.copy()

    def summary(self) -> str:
        """Return the omnibus test without each unit, the most influential first."""
        lines = [
            f"Leave one {self.unit} out: {len(self.frame):,} fits of {', '.join(self.fit.names)}"
        ]
        for _, row in self.most_influential(FIRST).iterrows():
            if row["reason"]:
                lines.append(f"  {row['omitted']}: not fitted: {row['reason']}")
                continue
            lines.append(
                f"  {row['omitted']}: omnibus {row['omnibus']} = "
                f"{number(row['omnibus_statistic'], 2)}, p {p_text(row['omnibus_p_value'])}, "
                f"tau {number(row['tau'])}"
            )
        lines += [p.text for p in self.notices]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return every row with its coefficients; missing is None."""
        by_unit = self.coefficients.groupby("omitted", sort=False)
        terms = {name: part.drop(columns="omitted").to_dict("records") for name, part in by_unit}
        content = {
            "unit": self.unit,
            "full": {**omnibus(self.fit), "coefficients": self.fit.to_frame().to_dict("records")},
            "omitted": [
                {**row, "coefficients": terms.get(row["omitted"], [])}
                for row in self.frame.to_dict("records")
            ],
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)


def leave_out_of_regression(subject: Subject, unit: str) -> RegressionLeaveOneOut:
    """Fit a meta-regression without each unit; see `leave_one_out`."""
    fit = subject.fit
    assert isinstance(fit, RegressionFit)
    units = unit_frame(fit.effects, unit)
    present = unit_masks(fit.effects, unit)[:, subject.order]
    rows, terms = [], []
    for name, refit, keep in zip(units["omitted"], Refits(subject, present), present, strict=True):
        row, coefficients = _row(subject, refit, keep)
        rows.append(row)
        if coefficients is not None:
            coefficients.insert(0, "omitted", name)
            terms.append(coefficients)
    frame = pd.concat([units, pd.DataFrame(rows)], axis=1)
    table = pd.concat(terms, ignore_index=True) if terms else pd.DataFrame(columns=["omitted"])
    return RegressionLeaveOneOut(
        fit=fit,
        unit=unit,
        frame=frame,
        coefficients=table,
        notices=(*failure_notices(frame, unit), *_turning(fit, frame, unit)),
    )


def _row(
    subject: Subject, refit: Refit, keep: BoolArray
) -> tuple[dict[str, Any], pd.DataFrame | None]:
    """The numbers of one deletion, and its coefficients."""
    full = subject.fit
    assert isinstance(full, RegressionFit)
    if isinstance(refit, Refused):
        counts = {"n_studies": np.unique(subject.study[keep]).size, "n_effects": int(keep.sum())}
        empty = {**dict.fromkeys(_MODEL, math.nan), "largest_change": math.nan, "omnibus": ""}
        return {**empty, **counts, "code": refit.code, "reason": refit.reason}, None
    fit = _moved(full, refit, subject.basis) if isinstance(refit, WorkingFit) else refit
    assert isinstance(fit, RegressionFit)
    coefficients = pd.DataFrame({"term": full.names})
    contrast = fit.contrast(np.eye(len(full.names)))
    for name in _COEFFICIENT:
        coefficients[name] = getattr(contrast, name)
    coefficients["change"] = contrast.estimate - full.beta
    row = {
        **omnibus(fit),
        "n_studies": np.unique(subject.study[keep]).size,
        "n_effects": int(keep.sum()),
        "largest_change": float(np.max(np.abs(coefficients["change"]) / full.se)),
    }
    return {**row, "code": "", "reason": ""}, coefficients


def _moved(full: RegressionFit, work: WorkingFit, basis: Array) -> RegressionFit:
    """The full fit with the working model of a subset in its place.

    Its effects and design stay those of the full fit: only coefficients, tests and
    heterogeneity are read from it.
    """
    tau2 = work.tau2
    levels = work.sigma2 if full.specification.multilevel else {"study": tau2}
    return replace(
        full,
        data=work.data,
        point=work.point,
        scale=work.scale,
        beta=basis @ work.point.beta,
        covariance=basis @ work.covariance @ basis.T,
        df=work.df,
        tau2=tau2,
        sigma2=type(full.sigma2)(levels),
        **work.shares(common=full.model == "common-effect"),
        QE=work.q.Q,
        QE_df=work.q.df,
        QE_p_value=work.q.p_value,
    )


def omnibus(fit: RegressionFit) -> dict[str, Any]:
    """Residual heterogeneity, and the test that all fitted values are equal.

    With an intercept this is the test of all other coefficients, with the means of levels as
    coefficients that of their differences. Where the design holds no constant, all coefficients
    are tested together.
    """
    rows = constraints(fit.X)
    values: dict[str, Any] = {
        "tau2": fit.tau2,
        "tau": fit.tau,
        "sigma2_study": fit.sigma2["study"],
        "sigma2_effect": fit.sigma2.get("effect", math.nan),
        "I2": fit.I2,
        "H2": fit.H2,
        "QE": fit.QE,
        "QE_df": fit.QE_df,
        "QE_p_value": fit.QE_p_value,
    }
    if not rows.size:
        nothing = dict.fromkeys((n for n in _MODEL if n.startswith("omnibus")), math.nan)
        return {**values, **nothing, "omnibus": ""}
    test = fit.wald(rows)
    return {
        **values,
        "omnibus": test.test,
        "omnibus_statistic": test.statistic,
        "omnibus_df1": float(test.df1),
        "omnibus_df2": float(test.df2),
        "omnibus_p_value": test.p_value,
    }


def constraints(X: Array) -> Array:
    """Constraints on the coefficients of `X` (k, p) under which all fitted values are equal.

    Examples
    --------
    >>> means = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> rows = constraints(means)
    >>> bool(np.isclose(abs(rows @ [1.0, 1.0]), 0).all()), rows.shape
    (True, (1, 2))
    """
    scale = np.linalg.norm(X, axis=0)
    direction = np.linalg.lstsq(X / scale, np.ones(X.shape[0]), rcond=None)[0] / scale
    if not np.allclose(X @ direction, 1.0, rtol=0, atol=1e-8):
        return np.eye(X.shape[1])
    exact = np.flatnonzero((X == 1).all(axis=0))
    if exact.size:  # no rounding where there is an intercept
        return np.delete(np.eye(X.shape[1]), exact[0], axis=0)
    _, _, rows = np.linalg.svd(direction[None, :])
    found: Array = rows[1:]
    return found


def _turning(fit: RegressionFit, frame: pd.DataFrame, unit: str) -> tuple[Problem, ...]:
    """Say which units decide whether the omnibus test is significant."""
    threshold = 1 - fit.level
    before = omnibus(fit)["omnibus_p_value"] < threshold
    done = frame["omnibus_p_value"].notna()
    turned = frame[done & ((frame["omnibus_p_value"] < threshold) != before)]
    if turned.empty:
        return ()
    named = ", ".join(str(v) for v in turned["omitted"].head(3))
    more = f" and {len(turned) - 3:,} more" if len(turned) > 3 else ""
    verb = "no longer" if before else "then"
    message = (
        f"Without {unit} {named}{more} the omnibus test is {verb} significant at the "
        f"{threshold:.2g} level."
    )
    return (notice("MA664", message, "Report the result with and without."),)
