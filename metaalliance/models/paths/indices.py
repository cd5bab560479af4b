"""How well a path model fits the correlations."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import chi2_p


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFit:
    """Fit against the saturated model and the model of independence; tau² is estimated in each.

    Attributes
    ----------
    chi2, df, p_value : float, int, float
        Likelihood ratio against the model whose every mean correlation is free.
    rmsea, rmsea_low, rmsea_high : float
        Root mean square error of approximation, ``sqrt(max(chi2 - df, 0) / (N df))``, with its
        90% interval; N is the number of participants.
    srmr : float
        Root mean square of the differences between implied and saturated mean correlations;
        heterogeneity has no part in it.
    cfi, tli : float
        Comparative fit index and Tucker-Lewis index.
    chi2_independence, df_independence : float, int
        Likelihood ratio of the model without any correlation, against the saturated one.
    aic : float
        -2 log likelihood and twice the number of parameters.
    n_participants : float
        N.
    """

    chi2: float
    df: int
    p_value: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    srmr: float
    cfi: float
    tli: float
    chi2_independence: float
    df_independence: int
    aic: float
    n_participants: float

    def to_dict(self) -> dict[str, Any]:
        """Return the indices for JSON; missing is None."""
        return {k: None if math.isnan(v) else v for k, v in asdict(self).items()}


def path_fit(
    minus_two: float,
    saturated: float,
    independence: float,
    *,
    parameters: int,
    implied: Array,
    mean: Array,
    n: float,
) -> PathFit:
    """Return the indices.

    Parameters
    ----------
    minus_two, saturated, independence : float
        -2 log likelihood of the three models.
    parameters : int
        Number of paths that are estimated.
    implied, mean : ndarray, shape (p,)
        Correlations of the model and of the saturated one.
    n : float
        Participants.
    """
    p = mean.size
    df, chi2, base = p - parameters, max(minus_two - saturated, 0.0), independence - saturated
    excess, base_excess = max(chi2 - df, 0.0), max(base - p, 0.0)
    worst = max(excess, base_excess)
    tli = math.nan
    if df > 0 and base / p != 1:
        tli = (base / p - chi2 / df) / (base / p - 1)
    return PathFit(
        chi2=chi2 if df else 0.0,
        df=df,
        p_value=chi2_p(chi2, df),
        rmsea=math.sqrt(excess / (n * df)) if df else 0.0,
        rmsea_low=_rmsea(chi2, df, n, 0.95),
        rmsea_high=_rmsea(chi2, df, n, 0.05),
        srmr=float(np.sqrt(np.mean((implied - mean) ** 2))),
        cfi=1 - excess / worst if worst > 0 and df else 1.0,
        tli=tli,
        chi2_independence=base,
        df_independence=p,
        aic=minus_two + 2 * (parameters + p),
        n_participants=n,
    )


def _rmsea(chi2: float, df: int, n: float, chance: float) -> float:
    """The RMSEA whose chi-squared lies below the one at hand with this chance."""
    if not df or special.chdtr(df, chi2) <= chance:
        return 0.0
    return math.sqrt(float(special.chndtrinc(chi2, df, chance)) / (n * df))
