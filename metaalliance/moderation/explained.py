"""What moderators account for: shares of the variance of true effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from metaalliance.models.regression_fit import RegressionFit
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import percent_text


def explained(fit: RegressionFit | None, null: RegressionFit | None) -> dict[str, Any]:
    """Return the shares of variance that moderators account for, by level and with the levels.

    Parameters
    ----------
    fit, null : RegressionFit or None
        The model with the moderators and that of the mean of the same effects; None where one could
        not be fitted.

    Returns
    -------
    dict
        R2_levels: by level 1 - s / s0 with s0 the variance without the moderators, as it is:
        a level that they leave with more variance has a negative share; NaN where s0 is zero.
        R2_marginal: the variance of the fitted values over itself and the residual variances [1]_.
        R2_conditional: with the levels above that of single effects beside the fitted values.
        NaN where the model has no variance.

    References
    ----------
    .. [1] Nakagawa and Schielzeth (2013).
    """
    if fit is None or null is None or fit.model == "common-effect":
        return {"R2_levels": {}, "R2_marginal": math.nan, "R2_conditional": math.nan}
    spread = float(np.var(fit.X @ fit.beta, ddof=1))
    total = spread + fit.tau2
    finest = fit.sigma2["effect" if "effect" in fit.sigma2 else "study"]
    levels = {
        name: 1 - value / null.sigma2[name] if null.sigma2[name] > 0 else math.nan
        for name, value in fit.sigma2.items()
    }
    return {
        "R2_levels": levels,
        "R2_marginal": spread / total if total > 0 else math.nan,
        "R2_conditional": (total - finest) / total if total > 0 else math.nan,
    }


def explained_lines(found: Mapping[str, Any]) -> list[str]:
    """Return the shares as a line of text, where there are several levels."""
    levels = found["R2_levels"]
    if len(levels) < 2:
        return []
    parts = [f"{name} {_share(value)}" for name, value in levels.items()]
    return [
        f"R² by level: {', '.join(parts)}; marginal {_share(found['R2_marginal'])}, "
        f"conditional {_share(found['R2_conditional'])}"
    ]


def _share(value: float) -> str:
    return number(value) if math.isnan(value) else percent_text(value)
