"""Test of one numeric moderator: its slope."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import Model, ModelSettings
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import back_transform, without_nan
from metaalliance.moderation.explained import explained, explained_lines
from metaalliance.moderation.grouping import column, is_number
from metaalliance.moderation.notices import missing_notice
from metaalliance.moderation.result import tau2_text
from metaalliance.notices import announced
from metaalliance.problems import Problem
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import (
    effects_text,
    level_text,
    model_line,
    studies_text,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlopeTest(InNotebook):
    """The slope of one numeric moderator.

    Attributes
    ----------
    name : str
        The moderator.
    centre, scale : float
        The slope is for a difference of `scale`; the intercept is the mean at `centre`.
    unit : str
        The scale in words, such as "per decade".
    explained : dict
        R² by level, marginal and conditional; see `metaalliance.moderation.explained.explained`.
    R2, tau2_null : float
        Share of tau² that the moderator accounts for, and tau² without it.
    missing : dict
        Effects without a value, and studies that have no other.
    fit : RegressionFit
        Its coefficients are the mean at the centre and the slope.
    """

    name: str
    centre: float
    scale: float
    unit: str
    low: float
    high: float
    R2: float
    tau2_null: float
    explained: dict[str, Any] = field(repr=False)
    missing: dict[str, int]
    fit: RegressionFit = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def p_value(self) -> float:
        """P-value of the slope."""
        return float(self.fit.p_value[1])

    @property
    def tau2(self) -> float:
        """Residual heterogeneity."""
        return self.fit.tau2

    @property
    def n_studies(self) -> int:
        """Number of studies."""
        return self.fit.n_studies

    @property
    def n_effects(self) -> int:
        """Number of effects."""
        return self.fit.n_effects

    @property
    def omnibus(self) -> dict[str, Any]:
        """The squared t (or z) test of the slope, as other moderators have it."""
        fit = self.fit
        normal = math.isinf(fit.df[1])
        return {
            "test": "chi2" if normal else "f",
            "statistic": float(fit.statistic[1] ** 2),
            "df1": 1,
            "df2": float(fit.df[1]),
            "p_value": self.p_value,
            "reason": "",
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the mean at the centre and the slope, on the analysis scale."""
        return self.fit.to_frame()

    def to_dict(self) -> dict[str, Any]:
        """Return the result in the shape of other moderators; missing is None."""
        rows = self.fit.to_frame().to_dict("records")
        measure = self.fit.measure
        if measure != "generic":
            names = ("estimate", "ci_low", "ci_high")
            rows[0]["r"] = {n: back_transform(float(rows[0][n]), measure) for n in names}
        return without_nan(
            {
                "name": self.name,
                "kind": "continuous",
                "settings": self.fit.settings(),
                "counts": {"n_studies": self.n_studies, "n_effects": self.n_effects},
                "missing": self.missing,
                "centre": self.centre,
                "scale": self.scale,
                "unit": self.unit,
                "range": [self.low, self.high],
                "levels": [],
                "coefficients": rows,
                "omnibus": self.omnibus,
                "contrasts": [],
                "tau2": self.tau2,
                "tau2_null": self.tau2_null,
                "R2": self.R2,
                **self.explained,
                "residual_heterogeneity": {
                    **self.fit.residual_heterogeneity(),
                    **self.fit.heterogeneity_intervals(),
                },
                "notices": [p.to_dict() for p in self.notices],
            }
        )

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        fit = self.fit
        ends = limits(fit.ci_low[1], fit.ci_high[1], 4)
        shape = "z" if math.isinf(fit.df[1]) else f"t({number(fit.df[1], 1)})"
        lines = [
            f"{self.name}: {studies_text(fit.n_studies)}, {effects_text(fit.n_effects)}",
            model_line(fit.settings()),
            "",
            f"Slope {self.unit} = {number(fit.beta[1], 4)}, {level_text(fit.level)} CI {ends}, "
            f"{shape} = {number(fit.statistic[1], 2)}, p {p_text(self.p_value)}",
            tau2_text(fit, fit.tau2).capitalize(),
            *explained_lines(self.explained),
        ]
        for found in self.notices:
            lines += ["", found.text]
        return "\n".join(lines)


def slope(
    effects: Effects,
    by: str,
    *,
    centre: float | None = None,
    scale: float | None = None,
    **settings: Unpack[ModelSettings],
) -> SlopeTest:
    """Regress the effects on one numeric moderator.

    Parameters
    ----------
    effects : Effects
        What is explained; effects without a value are counted and left out.
    by : str
        A numeric column.
    centre : float, optional
        Where the intercept is the mean effect; by default the mean of the moderator.
    scale : float, optional
        Difference that the slope is for: by default 10 for years, 1 otherwise.
    **settings
        The settings of `pool`, or a whole `Model` as `model`; `prediction` is that of
        ``fit.predict``.

    Raises
    ------
    OptionError
        For a column without numbers or without differences.

    Examples
    --------
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.2, 0.3, 0.4], [0.01] * 4, moderators={"year": [1990, 2000, 2010, 2020]}
    ... )
    >>> found = slope(effects, "year", test="wald")
    >>> round(float(found.fit.beta[1]), 3), found.unit
    (0.1, 'per decade')
    """
    model = Model.of(settings)
    used, x, missing, notices = numbers_of(effects, by)
    centre = float(np.mean(x)) if centre is None else float(centre)
    scale = default_scale(by, x) if scale is None else float(scale)
    if not (math.isfinite(scale) and scale > 0):
        raise OptionError(f"scale={scale!r} of {by} is not a positive number.")
    X = np.column_stack([np.ones(x.size), (x - centre) / scale])
    fit = fit_regression(used, X, (f"mean at {centre:.6g}", by), model)
    null = fit_regression(used, X[:, :1], ("mean",), model)
    R2 = max(0.0, 1 - fit.tau2 / null.tau2) if null.tau2 > 0 else math.nan
    found = SlopeTest(
        name=by,
        centre=centre,
        scale=scale,
        unit=unit_text(by, x, scale),
        low=float(x.min()),
        high=float(x.max()),
        R2=R2,
        tau2_null=null.tau2,
        explained=explained(fit, null),
        missing=missing,
        fit=fit,
        notices=notices + fit.notices,
    )
    return announced(found)


def numbers_of(
    effects: Effects, by: str
) -> tuple[Effects, Array, dict[str, int], tuple[Problem, ...]]:
    """Return the effects with a number in column `by`, the numbers, and what is missing."""
    values = column(effects, by)
    if not is_number(values):
        raise OptionError(
            f"{by} holds text, and has no slope: use moderators(effects, {by!r}).", code="MA646"
        )
    x = np.asarray(pd.to_numeric(values), dtype=float)
    infinite = np.isinf(x)
    if infinite.any():
        raise OptionError(f"{by} is infinite at effect {int(np.argmax(infinite))}.", code="MA646")
    known = ~np.isnan(x)
    if np.unique(x[known]).size < 2:
        raise OptionError(f"{by} does not differ between effects.", code="MA646")
    used = effects.subset(known)
    gone = set(effects.frame["study"]) - set(used.frame["study"])
    missing = {"n_effects": int((~known).sum()), "n_studies": len(gone)}
    return used, x[known], missing, missing_notice(by, missing, effects.n_effects)


def is_year(name: str, x: Array) -> bool:
    """Whether a column holds years: by its name and by its values."""
    return "year" in name.casefold() and bool(x.min() >= 1800 and x.max() <= 2200)


def default_scale(name: str, x: Array) -> float:
    """Difference that a slope is for: a decade for years, one otherwise."""
    return 10.0 if is_year(name, x) else 1.0


def unit_text(name: str, x: Array, scale: float) -> str:
    """Return "per decade", "per 5" or "per unit"."""
    if is_year(name, x):
        return "per decade" if scale == 10 else "per year" if scale == 1 else f"per {scale:g} years"
    return "per unit" if scale == 1 else f"per {scale:g}"
