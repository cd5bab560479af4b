"""Equivalence of levels: two one-sided tests against a smallest difference of interest."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from metaalliance.core.distributions import t_sf
from metaalliance.core.inference.multiplicity import holm


def with_equivalence(contrasts: pd.DataFrame, sesoi: float) -> pd.DataFrame:
    """Add the two one-sided tests of ``-sesoi < difference < sesoi`` to contrasts.

    Parameters
    ----------
    contrasts : DataFrame
        With estimate, se and df.
    sesoi : float
        Smallest difference of interest on the analysis scale, positive.

    Returns
    -------
    DataFrame
        With `sesoi`, `p_equivalence` (the larger of the two one-sided p-values) and
        `p_equivalence_adjusted` (Holm).

    References
    ----------
    Schuirmann (1987); Lakens et al. (2018).

    Examples
    --------
    >>> frame = pd.DataFrame({"estimate": [0.0], "se": [0.05], "df": [float("inf")]})
    >>> [round(float(p), 4) for p in with_equivalence(frame, 0.1)["p_equivalence"]]
    [0.0228]
    """
    p = [
        _larger(float(e), float(s), float(d), sesoi)
        for e, s, d in zip(contrasts["estimate"], contrasts["se"], contrasts["df"], strict=True)
    ]
    values = np.array(p, dtype=float)
    return contrasts.assign(sesoi=sesoi, p_equivalence=values, p_equivalence_adjusted=holm(values))


def _larger(estimate: float, se: float, df: float, sesoi: float) -> float:
    """P-value of the side that is nearer to its bound."""
    if not se > 0 or math.isnan(df):
        return math.nan
    statistic = (sesoi - abs(estimate)) / se
    return float(t_sf(statistic, df))
