"""Marginal means, simple slopes and contrasts of what was fitted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.core.inference.multiplicity import benjamini_hochberg, holm
from metaalliance.errors import OptionError
from metaalliance.models.inference.coefficients import Contrast
from metaalliance.moderation.equivalence import with_equivalence
from metaalliance.moderation.meta_regression import MetaRegression
from metaalliance.moderation.result import ModeratorTest
from metaalliance.moderation.variables import Variable

_ADJUSTMENTS: dict[str, Callable[[ArrayLike], Array]] = {
    "holm": holm,
    "bh": benjamini_hochberg,
    "none": lambda p: np.asarray(p, dtype=float),
}


def marginal_means(
    fit: MetaRegression,
    by: str,
    *,
    at: Mapping[str, Any] | None = None,
    weights: str = "equal",
) -> pd.DataFrame:
    """Mean effect of each level of a moderator, the other moderators averaged or held.

    Parameters
    ----------
    fit : MetaRegression
        The regression.
    by : str
        A categorical moderator of its formula.
    at : mapping, optional
        Values at which other moderators are held; other numbers are held at their centre.
    weights : {"equal", "observed"}
        How levels of other moderators are averaged: equally, or by their share of the effects.

    Returns
    -------
    DataFrame
        level, estimate, se, statistic, df, p_value, ci_low, ci_high on the analysis scale; NaN
        where a combination of levels that no effect has would be needed.

    References
    ----------
    Searle et al. (1980).
    """
    levels, L = _means(fit, by, at, weights)
    return _with_gaps(fit.fit.contrast(np.nan_to_num(L)), L, {"level": list(levels)})


def simple_slopes(
    fit: MetaRegression, of: str, by: str, *, at: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Slope of a numeric moderator within each level of a categorical one.

    Parameters
    ----------
    fit : MetaRegression
        With an interaction of the two.
    of, by : str
        The numeric and the categorical moderator.

    Returns
    -------
    DataFrame
        level, then the slope per unit of the model (see `Variable.scale`) with its test.
    """
    slope = _variable(fit, of, categorical=False)
    if slope.curved or slope.function:
        raise OptionError(f"{slope.name} is no straight line: predict at several values.")
    step = {slope.column: slope.centre + slope.scale}
    levels, above = _means(fit, by, {**dict(at or {}), **step}, "equal")
    _, below = _means(fit, by, {**dict(at or {}), slope.column: slope.centre}, "equal")
    L = above - below
    return _with_gaps(fit.fit.contrast(np.nan_to_num(L)), L, {"level": list(levels)})


def contrasts(
    fit: MetaRegression | ModeratorTest,
    by: str | Mapping[str, Mapping[str, float]] | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    adjust: str = "holm",
    sesoi: float | None = None,
) -> pd.DataFrame:
    """Compare levels, or any combination of means or coefficients.

    Parameters
    ----------
    fit : MetaRegression or ModeratorTest
        What was fitted.
    by : str or mapping, optional
        A categorical moderator whose marginal means are compared pairwise; or the weights of
        each named contrast: of coefficients for a regression, of levels for one moderator.
        Nothing for all pairs of levels of a `ModeratorTest`.
    at : mapping, optional
        Values at which other moderators of a regression are held.
    adjust : {"holm", "bh", "none"}
        How p-values are adjusted for the number of contrasts.
    sesoi : float, optional
        Smallest difference of interest on the analysis scale: adds the equivalence test.

    Returns
    -------
    DataFrame
        contrast (or level_a and level_b), estimate, se, statistic, df, p_value, ci_low, ci_high,
        p_adjusted.

    Examples
    --------
    >>> from metaalliance.effects.effects import Effects
    >>> from metaalliance.moderation.categorical import moderators
    >>> effects = Effects.from_arrays(
    ...     [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.01] * 6, moderators={"arm": list("aaabbb")}
    ... )
    >>> fit = moderators(effects, "arm", test="wald")
    >>> found = contrasts(fit, {"b - a": {"b": 1, "a": -1}})
    >>> round(float(found["estimate"][0]), 3)
    0.3
    """
    if adjust not in _ADJUSTMENTS:
        raise OptionError(f"adjust={adjust!r} is not one of 'holm', 'bh', 'none'.")
    if isinstance(by, Mapping):
        frame = _weighted(fit, by)
    elif isinstance(fit, ModeratorTest):
        frame = _level_pairs(fit, by)
    elif by is None:
        raise OptionError("Name the moderator whose levels are compared.")
    else:
        frame = _pairwise(fit, by, at)
    frame["p_adjusted"] = _ADJUSTMENTS[adjust](frame["p_value"].to_numpy())
    if sesoi is None:
        return frame
    if not sesoi > 0:
        raise OptionError(f"sesoi={sesoi!r} is not a positive difference.")
    return with_equivalence(frame, sesoi)


def _level_pairs(fit: ModeratorTest, by: str | None) -> pd.DataFrame:
    if by not in {None, fit.name}:
        raise OptionError(f"The moderator is {fit.name!r}, not {by!r}.")
    kept = ["level_a", "level_b", *_COLUMNS]
    return fit.contrasts[kept].copy()


_COLUMNS = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")


def _pairwise(fit: MetaRegression, by: str, at: Mapping[str, Any] | None) -> pd.DataFrame:
    levels, L = _means(fit, by, at, "equal")
    pairs = [(b, 0) if a == 0 else (a, b) for a, b in combinations(range(len(levels)), 2)]
    D = np.array([L[a] - L[b] for a, b in pairs])
    names = {"level_a": [levels[a] for a, _ in pairs], "level_b": [levels[b] for _, b in pairs]}
    return _with_gaps(fit.fit.contrast(np.nan_to_num(D)), D, names)


def _weighted(
    fit: MetaRegression | ModeratorTest, given: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    """Contrasts by named weights."""
    inner = fit.fit
    if inner is None:
        raise OptionError("No level was tested: there is nothing to compare.")
    if not given:
        raise OptionError("No contrast was named.")
    C = np.zeros((len(given), len(inner.names)))
    for row, (label, weights) in enumerate(given.items()):
        for name, weight in weights.items():
            if name not in inner.names:
                raise OptionError(
                    f"The contrast {label!r} names {name!r}; there are {', '.join(inner.names)}."
                )
            C[row, inner.names.index(name)] = float(weight)
        if not C[row].any() or not np.isfinite(C[row]).all():
            raise OptionError(f"The contrast {label!r} needs finite weights, not all zero.")
    return _with_gaps(inner.contrast(C), C, {"contrast": list(given)})


def _with_gaps(found: Contrast, L: Array, names: dict[str, Any]) -> pd.DataFrame:
    """Contrasts as a frame; NaN where a row cannot be estimated."""
    frame = found.to_frame()
    frame[np.isnan(L).any(axis=1)] = math.nan
    return pd.concat([pd.DataFrame(names), frame], axis=1)


def _variable(fit: MetaRegression, name: str, *, categorical: bool) -> Variable:
    """Return a variable of the formula of the wanted kind."""
    kind = [v for v in fit.design.variables if bool(v.levels) == categorical]
    for v in kind:
        if name in {v.name, v.column}:
            return v
    listed = ", ".join(v.name for v in kind) or "none"
    what = "categorical" if categorical else "numeric"
    raise OptionError(f"{name} is no {what} moderator of {fit.formula!r}; there are: {listed}.")


def _means(
    fit: MetaRegression, by: str, at: Mapping[str, Any] | None, weights: str
) -> tuple[tuple[str, ...], Array]:
    """Levels of `by` and the combinations of coefficients that are their means."""
    if weights not in {"equal", "observed"}:
        raise OptionError(f"weights={weights!r} is not one of 'equal', 'observed'.")
    variable = _variable(fit, by, categorical=True)
    held = dict(at or {})
    if variable.column in held:
        raise OptionError(f"{by} is compared, and cannot be held at a level.")
    several = [name for name, value in held.items() if isinstance(value, list | tuple)]
    if several:
        raise OptionError(f"Hold {several[0]} at one value.")
    grid = fit.design.grid(held)
    rows = fit.design.rows(grid)
    share = _shares(fit, grid, variable, weights)
    L = []
    for level in variable.levels:
        mine = (grid[variable.column] == level).to_numpy()
        w = share[mine] / share[mine].sum()
        used = w > 0
        L.append(w[used] @ rows[mine][used])
    return variable.levels, np.array(L)


def _shares(fit: MetaRegression, grid: pd.DataFrame, variable: Variable, weights: str) -> Array:
    """Weight of each combination of the levels of the other moderators."""
    share = np.ones(len(grid))
    if weights == "equal":
        return share
    others = [v for v in fit.design.variables if v.levels and v is not variable]
    if not others:
        return share
    frame = fit.design.used.frame
    key = [_text(frame[v.column]) for v in others]
    counts = pd.Series(1, index=frame.index).groupby(key).sum()
    wanted = list(zip(*(_text(grid[v.column]) for v in others), strict=True))
    if len(others) == 1:
        return np.array([float(counts.get(w[0], 0)) for w in wanted])
    return np.array([float(counts.get(w, 0)) for w in wanted])


def _text(values: pd.Series[Any]) -> list[str]:
    """Levels as the design spells them."""
    return [
        f"{float(v):g}"
        if isinstance(v, int | float) and not isinstance(v, bool)
        else str(v).strip()
        for v in values
    ]
