"""How much the terms of a meta-regression inflate each other's standard errors."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.problems import Problem, notice

#: Generalised standard-error inflation above which terms count as confounded.
INFLATED = 2.0


def inflation(fit: RegressionFit, terms: Mapping[str, tuple[int, ...]]) -> pd.DataFrame:
    """Return the generalised variance inflation factor of each term.

    Parameters
    ----------
    fit : RegressionFit
        The first column of its design is the intercept.
    terms : mapping of str to tuple of int
        Columns of each term but the intercept.

    Returns
    -------
    DataFrame
        term, df, gvif, gsif = gvif^(1 / (2 df)).

    References
    ----------
    Fox and Monette (1992).
    """
    V = fit.basis @ fit.point.bread @ fit.basis.T
    V = V[1:, 1:]
    scale = np.sqrt(np.diag(V))
    R = V / np.outer(scale, scale)
    whole = _log_det(R)
    rows = []
    for term, columns in terms.items():
        own = np.array(columns) - 1
        rest = np.setdiff1d(np.arange(R.shape[0]), own)
        value = math.exp(_log_det(R[np.ix_(own, own)]) + _log_det(R[np.ix_(rest, rest)]) - whole)
        df = len(columns)
        rows.append({"term": term, "df": df, "gvif": value, "gsif": value ** (1 / (2 * df))})
    return pd.DataFrame(rows)


def inflated(fit: RegressionFit, terms: Mapping[str, tuple[int, ...]]) -> tuple[Problem, ...]:
    """Warn of terms that overlap; interactions and curves overlap with their parts anyway."""
    if len(terms) < 2 or any(":" in term for term in terms):
        return ()
    frame = inflation(fit, terms)
    high = frame[frame["gsif"] > INFLATED]
    if high.empty:
        return ()
    listed = ", ".join(f"{t} ({v:.1f})" for t, v in zip(high["term"], high["gsif"], strict=True))
    message = f"Confounding inflates standard errors more than {INFLATED:g}-fold: {listed}."
    return (notice("MA647", message, "Read the cross-tables of the moderators."),)


def _log_det(R: Array) -> float:
    return float(np.linalg.slogdet(R)[1]) if R.size else 0.0
