"""Influence diagnostics of a fitted model, for studies and for single effects."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.distributions import chi2_isf, chi2_sf
from metaalliance.core.inference.diagnostics import (
    deletion,
    hat_values,
    row_weights,
    standardized_residuals,
)
from metaalliance.diagnostics.refits import Refit, Refits, Refused, point_of
from metaalliance.diagnostics.subject import Subject, examine, fitted
from metaalliance.diagnostics.units import failure_notices, unit_frame, unit_masks
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import without_nan
from metaalliance.models.working import WorkingFit
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import studies_text

FIRST = 10
_DELETED = ("rstudent", "X2", "cook", "dffits", "covratio", "pearson2", "shift2")
_ORDER = (
    "rstudent", "X2", "X2_df", "X2_p_value", "cook", "dffits", "covratio", "tau2_del", "QE_del",
    "hat", "weight", "pearson2", "shift2",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence(InNotebook):
    """How far single effects and whole studies are from the model, and how far they move it.

    Attributes
    ----------
    fit : PooledFit or RegressionFit
        The model.
    effects : DataFrame
        One row per effect, in the order of the sheet, each left out alone: `rstandard`
        (internally standardised residual), `rstudent` (externally studentised), `cook`,
        `dffits`, `covratio`, `tau2_del`, `QE_del`, `hat`, `weight` (a share of one), `dfbetas`
        (of a meta-regression one column a coefficient, ``dfbetas_<term>``), `influential`;
        `pearson2` and `shift2` are the coordinates of `baujat`.
    studies : DataFrame
        One row per study, left out whole; `X2` with `X2_df` degrees of freedom and `X2_p_value`
        is the distance of all its effects, `rstudent` that of their mean; `hat` and `weight` are
        sums.
    notices : tuple of Problem
        Deletions after which the model cannot be fitted; their numbers are missing, with the
        reason beside them.
    """

    fit: PooledFit | RegressionFit = field(repr=False)
    effects: pd.DataFrame = field(repr=False)
    studies: pd.DataFrame = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def influential(self) -> pd.DataFrame:
        """Return the studies that are influential by any of the rules of `influence`."""
        return self.studies[self.studies["influential"]].reset_index(drop=True)

    def to_frame(self, unit: str = "study") -> pd.DataFrame:
        """Return the studies, or the effects."""
        return (self.studies if unit == "study" else self.effects).copy()

    def summary(self) -> str:
        """Return the studies with the largest Cook's distance as text."""
        flagged = int(self.studies["influential"].sum())
        lines = [f"Influence: {flagged:,} of {studies_text(len(self.studies))} flagged"]
        largest = self.studies.sort_values("cook", ascending=False, kind="stable").head(FIRST)
        for _, row in largest.iterrows():
            mark = " *" if row["influential"] else ""
            lines.append(
                f"  {row['omitted']}: Cook's D {number(row['cook'])}, studentised residual "
                f"{number(row['rstudent'], 2)}, hat {number(row['hat'])}{mark}"
            )
        lines += [p.text for p in self.notices]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return studies and effects as records; missing is None."""
        content = {
            "studies": self.studies.to_dict("records"),
            "effects": self.effects.to_dict("records"),
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)


def influence(
    subject: Effects | PooledFit | RegressionFit, **settings: Unpack[ModelSettings]
) -> Influence:
    """Diagnose outliers and influential effects and studies.

    Every deletion estimates all variance components anew. Variances are those of the model,
    X'WX inverted (with Knapp and Hartung's factor where that is the test); a cluster-robust
    test does not change them. A row is `influential` when ``|dffits| > 3 sqrt(p / (n - p))``,
    the chi-squared distribution function of `cook` with p degrees of freedom exceeds one half,
    ``hat > 3 p / n``, or any ``|dfbetas| > 1``, with n effects or studies.

    Parameters
    ----------
    subject : Effects, PooledFit or RegressionFit
        Effects (pooled first, with `settings`), or a fit.
    **settings
        Settings of `pool`, beside effects only.

    Raises
    ------
    EstimationError
        For one effect.

    References
    ----------
    Viechtbauer and Cheung (2010).

    Examples
    --------
    >>> from metaalliance.effects.effects import Effects
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.9], [0.01, 0.02, 0.01, 0.02])
    >>> found = influence(effects, tau2="DL", test="wald")
    >>> found.studies["rstudent"].round(2).tolist()
    [-0.7, -0.34, -0.5, 4.26]
    """
    fit = fitted(subject, settings)
    if fit.n_effects < 2:
        raise EstimationError("One effect: nothing can be left out.", code="MA660")
    examined = examine(fit)
    effects = deletions(examined, "effect")
    studies = deletions(examined, "study") if fit.effects.dependent() else _as_studies(fit, effects)
    own = standardized_residuals(examined.data, examined.point)
    place = list(effects.columns).index("rstudent")
    effects.insert(place, "rstandard", _in_order(examined, own))
    unit = "study" if fit.effects.dependent() else "effect"
    notices = failure_notices(studies if unit == "study" else effects, unit)
    return Influence(
        fit=fit,
        effects=effects.drop(columns=["X2", "X2_df", "X2_p_value"]),
        studies=studies,
        notices=notices,
    )


def deletions(subject: Subject, unit: str) -> pd.DataFrame:
    """Diagnostics of every study, or of every effect, with whether it is `influential`."""
    data, point = subject.data, subject.point
    units = unit_frame(subject.effects, unit)
    present = unit_masks(subject.effects, unit)[:, subject.order]
    test = "wald" if subject.fit.specification.robust else subject.fit.test
    refits = Refits(subject, present, test)
    rows = [_row(subject, refit, keep) for refit, keep in zip(refits, present, strict=True)]
    hat, weight = hat_values(data, point), row_weights(data, point)
    numbers = pd.DataFrame(rows)
    numbers["hat"] = ~present @ hat
    numbers["weight"] = ~present @ weight
    numbers["X2_df"] = (~present).sum(axis=1)
    numbers["X2_p_value"] = chi2_sf(numbers["X2"], numbers["X2_df"])
    p = data.X.shape[1]
    numbers["influential"] = flagged(numbers, p, len(units))
    dfbetas = [c for c in numbers if str(c).startswith("dfbetas")]
    chosen = [*_ORDER, *dfbetas, "influential", "code", "reason"]
    return pd.concat([units, numbers[chosen]], axis=1)


def _row(subject: Subject, refit: Refit, keep: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Diagnostics of one deletion."""
    terms = ["dfbetas"] if subject.is_mean else [f"dfbetas_{n}" for n in subject.names]
    empty = dict.fromkeys((*_DELETED, *terms, "tau2_del", "QE_del"), math.nan)
    if isinstance(refit, Refused):
        return {**empty, "code": refit.code, "reason": refit.reason}
    without = point_of(subject, refit)
    if without is None:
        reason = "One effect is left, from which no variance can be estimated."
        return {**empty, "code": "MA613", "reason": reason}
    out, scale = np.flatnonzero(~keep), getattr(refit, "scale", 1.0)
    found = deletion(
        subject.data,
        subject.point,
        slice(int(out[0]), int(out[-1]) + 1),
        without,
        scale=subject.scale,
        scale_without=1.0 if math.isnan(scale) else scale,
        basis=subject.basis,
    )
    numbers = {name: getattr(found, name) for name in _DELETED}
    numbers |= dict(zip(terms, found.dfbetas.tolist(), strict=True))
    return {**numbers, "tau2_del": refit.tau2, "QE_del": _Q(refit), "code": "", "reason": ""}


def _Q(refit: WorkingFit | PooledFit | RegressionFit) -> float:
    """Residual heterogeneity of a subset."""
    if isinstance(refit, WorkingFit):
        return refit.q.Q
    return refit.QE if isinstance(refit, RegressionFit) else refit.Q


def flagged(numbers: pd.DataFrame, p: int, n: int) -> pd.Series:
    """Flag rows by the cut-offs of Viechtbauer and Cheung (2010) and metafor.

    Parameters
    ----------
    numbers : DataFrame
        `cook`, `dffits`, `hat` and every `dfbetas` of each unit.
    p, n : int
        Coefficients, and units.
    """
    spread = 3 * math.sqrt(p / (n - p)) if n > p else math.inf
    dfbetas = numbers[[c for c in numbers if str(c).startswith("dfbetas")]]
    flags: pd.Series = numbers["dffits"].abs() > spread
    flags |= numbers["cook"] > chi2_isf(0.5, p)
    flags |= numbers["hat"] > 3 * p / n
    flags |= (dfbetas.abs() > 1).any(axis=1)
    return flags


def _in_order(subject: Subject, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Bring values of the sorted rows into the order of the effects."""
    found = np.empty(values.size)
    found[subject.order] = values
    return found


def _as_studies(fit: Any, effects: pd.DataFrame) -> pd.DataFrame:
    """Rows of effects that are studies of their own."""
    units = unit_frame(fit.effects, "study")
    numbers = effects.drop(
        columns=[c for c in ("omitted", "study", "effect", "row") if c in effects]
    )
    return pd.concat([units, numbers], axis=1)
