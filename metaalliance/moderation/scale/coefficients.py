"""Coefficients of the logarithms of variance components, with tests and intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.distributions import chi2_sf, f_sf
from metaalliance.core.inference.intervals import critical_value, two_sided_p
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    score_and_information,
)
from metaalliance.core.variance.scale.fit import fit_log_linear, vanishing
from metaalliance.core.variance.scale.log_linear import LogLinear
from metaalliance.core.variance.scale.profile import contrast_profile
from metaalliance.models.working import WorkingFit
from metaalliance.moderation.design import Design
from metaalliance.moderation.scale.design import component_design


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaleFit:
    """Variance components by their moderators, at the maximum of the likelihood.

    Attributes
    ----------
    common : WorkingFit
        The model with one variance per component.
    data, point : MultilevelData, MultilevelPoint
        The effects with their log-linear components, and the model at its optimum.
    designs : dict of str to Design
        Moderators by component.
    levels : dict of str to int
        Index of each moderated component in the structure.
    bases : dict of str to ndarray
        Coefficients by component are basis @ parameters.
    restricted : bool
        REML in place of ML.
    """

    common: WorkingFit
    data: MultilevelData = field(repr=False)
    point: MultilevelPoint = field(repr=False)
    designs: dict[str, Design]
    levels: dict[str, int]
    bases: dict[str, Array] = field(repr=False)
    restricted: bool

    @property
    def structure(self) -> LogLinear:
        """The structure of the data."""
        assert isinstance(self.data.structure, LogLinear)
        return self.data.structure

    @property
    def vanishing(self) -> dict[str, BoolArray]:
        """Which groups of each moderated component have no variance."""
        found = vanishing(self.data, self.point)
        return {name: found[level] for name, level in self.levels.items()}

    def alpha(self, name: str) -> Array:
        """Coefficients of the logarithm of a component, shape (q,)."""
        return self.bases[name] @ self.structure.parts(self.point.theta)[self.levels[name]]

    def variances(self) -> dict[str, Array]:
        """Variance of every component, shape (k,) in the order of the effects."""
        found, sorted_rows = {}, self.structure.by_effect(self.point.theta)
        for name, values in zip(self.structure.base.names, sorted_rows, strict=True):
            found[name] = np.empty_like(values)
            found[name][self.data.order] = values
        return found


def fit_scale(
    common: WorkingFit, designs: Mapping[str, Design], levels: Mapping[str, int], *,
    restricted: bool, absent: tuple[str, ...],
) -> ScaleFit:  # fmt: skip
    """Climb to the optimum with the moderators of each component."""
    columns: list[Array | None] = [None] * len(common.data.names)
    bases = {}
    for name, design in designs.items():
        columns[levels[name]], bases[name] = component_design(design, common.data, levels[name])
    data, point = fit_log_linear(
        common.data, common.point, columns, restricted=restricted, absent=absent
    )
    return ScaleFit(
        common=common, data=data, point=point, designs=dict(designs), levels=dict(levels),
        bases=bases, restricted=restricted,
    )  # fmt: skip


def covariance_of(fit: ScaleFit) -> Array:
    """Covariance of all scale coefficients from the observed information.

    NaN for those of a component with a vanishing variance, and for all where the likelihood is not
    concave.
    """
    structure, gone = fit.structure, fit.vanishing
    _, information, _ = score_and_information(fit.data, fit.point, restricted=fit.restricted)
    every = np.split(np.arange(fit.point.theta.size), structure.ends)
    free = ~structure.held & ~(np.isfinite(structure.lowest) & (fit.point.theta <= 0))
    for name, level in fit.levels.items():
        free[every[level]] = not gone[name].any()
    inner, inverse = information[np.ix_(free, free)], np.zeros_like(information)
    size = np.sqrt(np.abs(np.diag(inner)))
    if inner.size and np.linalg.eigvalsh(inner / np.outer(size, size)).min() > 0:
        inverse[np.ix_(free, free)] = np.linalg.inv(inner)
    else:
        free[:] = False
    own = np.concatenate([every[level] for level in fit.levels.values()])
    basis = block_diag(*(fit.bases[name] for name in fit.levels))
    found: Array = basis @ inverse[np.ix_(own, own)] @ basis.T
    found[~free[own]] = np.nan
    found[:, ~free[own]] = np.nan
    return found


def scale_frame(fit: ScaleFit, df: float, level: float) -> pd.DataFrame:
    """Return one row per coefficient: Wald's test, the likelihood ratio and the profile."""
    variances, rows = iter(np.diag(covariance_of(fit)).tolist()), []
    for name, design in fit.designs.items():
        alpha = fit.alpha(name)
        for j, term in enumerate(design.names):
            rows.append(
                {
                    "term": term,
                    **_wald(float(alpha[j]), next(variances), df, level),
                    **_profile(fit, name, j, level),
                    "component": name,
                }
            )
    frame = pd.DataFrame(rows)
    return _with_infinite(fit, frame)


def _wald(estimate: float, variance: float, df: float, level: float) -> dict[str, float]:
    se = math.sqrt(variance) if variance > 0 else math.nan
    half = critical_value(level, df) * se
    return {
        "estimate": estimate,
        "se": se,
        "statistic": estimate / se,
        "df": df,
        "p_value": two_sided_p(estimate / se, df),
        "ci_low": estimate - half,
        "ci_high": estimate + half,
    }


def _profile(fit: ScaleFit, name: str, j: int, level: float) -> dict[str, float]:
    """Likelihood ratio of a slope, and the interval of a coefficient."""
    profile = contrast_profile(
        fit.data, fit.point, fit.levels[name], fit.bases[name][j], restricted=fit.restricted
    )
    ends = profile.interval(level)
    ratio = max(0.0, profile.drop(0.0)) if j else math.nan  # a variance of one is no hypothesis
    return {
        "lr": ratio,
        "lr_p_value": float(chi2_sf(ratio, 1)) if j else math.nan,
        "profile_low": ends.low,
        "profile_high": ends.high,
    }


def _with_infinite(fit: ScaleFit, frame: pd.DataFrame) -> pd.DataFrame:
    """Coefficients that only vanishing variances determine are infinite, or nothing is known."""
    for name, gone in fit.vanishing.items():
        C = fit.structure.designs[fit.levels[name]]
        assert C is not None
        if not gone.any():
            continue
        kept, rows = C[~gone], frame.index[frame["component"] == name]
        for row, contrast in zip(rows, fit.bases[name], strict=True):
            rank = np.linalg.matrix_rank(kept) if kept.size else 0
            if np.linalg.matrix_rank(np.vstack([kept, contrast])) == rank:
                continue
            low, high = (math.isinf(frame.loc[row, end]) for end in ("profile_low", "profile_high"))
            if low or high:
                known = -math.inf if low else math.inf
                frame.loc[row, "estimate"] = math.nan if low and high else known
    return frame


def joint_test(fit: ScaleFit, df: float) -> dict[str, Any]:
    """Wald's test that all coefficients but the intercepts are zero."""
    alphas = [fit.alpha(name) for name in fit.levels]
    slopes = np.concatenate([np.arange(alpha.size) > 0 for alpha in alphas])
    b, q = np.concatenate(alphas)[slopes], int(slopes.sum())
    V = covariance_of(fit)[np.ix_(slopes, slopes)]
    if q == 0 or np.isnan(V).any():
        nothing = dict.fromkeys(("statistic", "df2", "p_value"), math.nan)
        return {"test": None, "df1": q, **nothing}
    Q = float(b @ np.linalg.solve(V, b))
    if math.isinf(df):
        return {"test": "chi2", "statistic": Q, "df1": q, "df2": math.inf,
                "p_value": float(chi2_sf(Q, q))}  # fmt: skip
    p_value = float(f_sf(Q / q, q, df))
    return {"test": "f", "statistic": Q / q, "df1": q, "df2": df, "p_value": p_value}


def likelihood_ratios(fit: ScaleFit) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Compare with one variance per component, and with one for each component in turn."""
    top = fit.point.log_likelihood
    counts = {name: len(design.names) - 1 for name, design in fit.designs.items()}
    whole = _ratio(top - fit.common.point.log_likelihood, sum(counts.values()))
    if len(counts) == 1:
        return whole, dict.fromkeys(counts, whole)
    each = {}
    for name, level in fit.levels.items():
        designs = [None if a == level else C for a, C in enumerate(fit.structure.designs)]
        _, without = fit_log_linear(
            fit.common.data, fit.common.point, designs, restricted=fit.restricted,
            absent=fit.structure.absent,
        )  # fmt: skip
        each[name] = _ratio(top - without.log_likelihood, counts[name])
    return whole, each


def _ratio(difference: float, df: int) -> dict[str, Any]:
    statistic = max(0.0, 2 * difference)
    return {"statistic": statistic, "df": df, "p_value": float(chi2_sf(statistic, df))}
