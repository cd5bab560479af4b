"""One effect per study, from several dependent ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.core.blocks import MarginalCovariance, StudyBlocks
from metaalliance.effects.effects import Effects
from metaalliance.options import check_rho

#: Correlation that the alliance literature assumes when it aggregates within studies.
AGGREGATION_RHO = 0.5


def aggregate(effects: Effects, rho: float = AGGREGATION_RHO, *, weighted: bool = False) -> Effects:
    """Average the effects of each study, with a variance that knows of their dependence.

    Parameters
    ----------
    effects : Effects
        Several effects in some studies.
    rho : float
        Assumed correlation of the sampling errors within a study; .5 is the custom of the
        alliance literature.
    weighted : bool
        Plain mean with variance ``1'V1 / n^2`` (default), or the generalised least squares
        mean, which can leave the range of its effects when their variances differ.

    Returns
    -------
    Effects
        One row per study in order of first appearance. `n` is the largest; a text
        or true-false moderator keeps its value where it is constant in the study and is
        "mixed" elsewhere; a numeric one is averaged.

    References
    ----------
    Borenstein M, Hedges LV, Higgins JPT, Rothstein HR (2009). Introduction to
    Meta-Analysis, equation 24.4 with a common correlation.

    Examples
    --------
    >>> two = Effects.from_arrays([0.2, 0.5], [0.04, 0.06], study=["A", "A"])
    >>> one = aggregate(two, rho=0.5)
    >>> round(float(one.yi[0]), 4), round(float(one.vi[0]), 4)
    (0.35, 0.0372)
    """
    rho = check_rho(rho)
    codes, _ = pd.factorize(effects.frame["study"])
    order = np.argsort(codes, kind="stable")
    frame = effects.frame.iloc[order]
    blocks = StudyBlocks.from_sorted(codes[order].astype(np.intp))
    yi, vi = effects.yi[order], effects.vi[order]
    mean, variance = (_gls if weighted else _plain)(blocks, yi, vi, rho)
    out = frame.iloc[blocks.starts].reset_index(drop=True)
    for name in (c for c in ("n", "r", *effects.moderators) if c in frame):
        out[name] = pd.Series(_combine(frame[name], blocks, name))
    out["effect"] = np.arange(1, blocks.m + 1)
    out["yi"], out["vi"], out["n_effects"] = mean, variance, blocks.sizes
    if effects.measure != "generic":
        out["r"] = np.tanh(mean) if effects.measure == "z" else mean
    return Effects(frame=out, measure=effects.measure)


def _plain(blocks: StudyBlocks, yi: Array, vi: Array, rho: float) -> tuple[Array, Array]:
    n = blocks.sizes.astype(float)
    total = (1 - rho) * blocks.sums(vi) + rho * blocks.sums(np.sqrt(vi)) ** 2
    return blocks.sums(yi) / n, total / n**2


def _gls(blocks: StudyBlocks, yi: Array, vi: Array, rho: float) -> tuple[Array, Array]:
    V = MarginalCovariance.build(blocks, vi, rho, 0.0, 0.0)
    weight = blocks.sums(V.solve(np.ones_like(yi)))
    return blocks.sums(V.solve(yi)) / weight, 1 / weight


def _combine(column: pd.Series, blocks: StudyBlocks, name: str) -> list[object]:
    """One value per study: largest n, mean of numbers, the common value or "mixed"."""
    values = column.to_numpy()
    parts = [values[a : a + n] for a, n in zip(blocks.starts, blocks.sizes, strict=True)]
    if name == "n":
        return [np.max(p) for p in parts]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return [np.nan if np.isnan(p).all() else np.nanmean(p) for p in parts]
    return [p[0] if all(x == p[0] or x is p[0] for x in p) else "mixed" for p in parts]
