"""What of an effect does not rest on its size: Fisher z, the effective n, the test of its report.

The variance of a correlation depends on the correlation; so do variances of Fisher z that come
from other statistics by the delta method. A method that takes the variance for the size of a
study then finds a relation that is there without any bias.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError

#: Columns of `Effects.frame` that hold them; each is there only where it tells something.
FISHER_Z, VI_FISHER_Z = "fisher_z", "vi_fisher_z"
EFFECTIVE_N, VI_OF_EFFECT = "effective_n", "vi_of_effect"
TEST_DF, TEST_TAILS = "test_df", "test_tails"
#: Columns that `on_fisher_z` and `critical_values` read, each where it is there.
OF_REPORTS = (
    "r", "n", "attenuation", FISHER_Z, VI_FISHER_Z, EFFECTIVE_N, TEST_DF, TEST_TAILS,
)  # fmt: skip
#: Critical values beyond so many standard errors are as good as infinite.
_BEYOND = 1e3


def is_correlation(effects: Effects) -> bool:
    """Whether effects are on the scale of r, so that Fisher z is another one."""
    return effects.measure in {"r", "r-unbiased"}


def variance_of_effect(effects: Effects) -> BoolArray:
    """Return whether the sampling variance of each effect depends on the effect, shape (k,).

    On the scale of r that of all does. On Fisher z it is what the variance rule of the row says;
    of precomputed effects nothing of the kind is known.
    """
    if is_correlation(effects):
        return np.ones(effects.n_effects, dtype=bool)
    if VI_OF_EFFECT not in effects.frame:
        return np.zeros(effects.n_effects, dtype=bool)
    return effects.frame[VI_OF_EFFECT].to_numpy(dtype=bool)


def effective_n(effects: Effects) -> Array | None:
    """Return the n of a simple correlation that is as precise at zero, shape (k,).

    It is n for a simple correlation, n less the covariates for a partial one; a correction for
    unreliability multiplies it by the squared attenuation factor. An average of several effects
    has that of its variance. Where no n is known, it is that of the sampling variance.

    Returns
    -------
    ndarray or None
        None for other metrics than correlations where some n is unknown.
    """
    frame = effects.frame
    if EFFECTIVE_N in frame:
        return frame[EFFECTIVE_N].to_numpy(dtype=float)
    n = frame["n"].to_numpy(dtype=float) if "n" in frame else np.full(len(frame), np.nan)
    unknown = np.isnan(n)
    if effects.measure == "generic":
        return None if unknown.any() else n
    if is_correlation(effects):
        instead = 1 + (1 - effects.yi**2) ** 2 / effects.vi
    else:
        instead = 3 + 1 / effects.vi
    return np.where(unknown, instead, n)


def on_fisher_z(effects: Effects) -> Effects:
    """Return correlations as Fisher z, by the variance rules of their rows; others as they are.

    Precomputed correlations take the delta method: ``vi / (1 - r²)²``.

    Raises
    ------
    EstimationError
        When a correlation reaches 1 or a sample is too small, so that no Fisher z exists.
    """
    if not is_correlation(effects):
        return effects
    frame = effects.frame
    if FISHER_Z in frame:
        z, vi = (frame[c].to_numpy(dtype=float) for c in (FISHER_Z, VI_FISHER_Z))
    else:
        r = frame["r"].to_numpy(dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            z, vi = np.arctanh(r), effects.vi / (1 - r**2) ** 2
    none = ~(np.isfinite(z) & np.isfinite(vi))
    if none.any():
        labels = frame["study"].astype(str)[none].unique()
        raise EstimationError(
            f"This method takes Fisher z, and {int(none.sum())} of {z.size} effects have none, "
            "since the correlation reaches 1 or n is not above 3: "
            f"{', '.join(labels[:5])}. Correct them, or leave them out.",
            code="MA321",
        )
    kept = frame.drop(columns=[c for c in (FISHER_Z, VI_FISHER_Z) if c in frame])
    kept = kept.assign(yi=z, vi=vi, r=np.tanh(z))
    return replace(effects, frame=kept, measure="z")


def critical_values(
    effects: Effects, p: Array, alternative: Literal["one-sided", "two-sided"] = "one-sided"
) -> Array:
    """Return the effect at which the test of its own report has p, in standard errors.

    A study is significant by the test that it reports: t with its degrees of freedom, or a normal
    test of r times the root of n; before a correction for unreliability. Where a one-tailed test
    is coded, its critical value is that of twice p, up to .5. Effects whose test is not known take
    the normal one of their sampling variance.

    Parameters
    ----------
    effects : Effects
        Fisher z, or effects of another metric.
    p : ndarray, shape (m,)
        P-values in the upper tail; of a two-sided test those of both tails.
    alternative : {"one-sided", "two-sided"}
        Which.

    Returns
    -------
    ndarray, shape (k, m)
        Divided by the standard errors of the effects.
    """
    frame, k = effects.frame, effects.n_effects
    tail = np.tile(p / 2 if alternative == "two-sided" else p, (k, 1))
    if TEST_TAILS in frame:
        one = (frame[TEST_TAILS].to_numpy(dtype=float) == 1)[:, None]
        tail = np.where(one & (tail < 0.5), np.minimum(2 * tail, 0.5), tail)
    normal: Array = -ndtri(tail)
    if effects.measure != "z" or TEST_DF not in frame:
        return normal
    factor = np.ones(k)
    if "attenuation" in frame:
        factor = frame["attenuation"].to_numpy(dtype=float)
    observed = _critical_r(frame, normal, tail, effects, factor)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.arctanh(observed / factor[:, None])
    reached = np.abs(observed) >= factor[:, None]
    z = np.where(reached, np.copysign(np.inf, observed), z)
    return np.clip(z / np.sqrt(effects.vi)[:, None], -_BEYOND, _BEYOND)


def _critical_r(
    frame: pd.DataFrame, normal: Array, tail: Array, effects: Effects, factor: Array
) -> Array:
    """Critical correlations as observed, before a correction by `factor`, shape (k, m)."""
    df = frame[TEST_DF].to_numpy(dtype=float)[:, None]
    n = effective_n(effects)
    assert n is not None  # effects are Fisher z
    people = (n / factor**2)[:, None]
    with np.errstate(invalid="ignore"):
        t = -stdtrit(np.where(np.isfinite(df), df, 1.0), tail)
        by_t = t / np.sqrt(t**2 + df)
        by_n = np.clip(normal / np.sqrt(people), -1.0, 1.0)
    r = np.tanh(effects.yi)[:, None]
    A = factor[:, None]
    slope = (1 - (r * A) ** 2) / (A * (1 - r**2))
    by_variance = np.tanh(normal * np.sqrt(effects.vi)[:, None] / slope)
    return np.where(np.isnan(df), by_variance, np.where(np.isinf(df), by_n, by_t))
