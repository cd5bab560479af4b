"""What a result of the che model would be under other correlations of the sampling errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from metaalliance.core.arrays import Array
from metaalliance.core.variance.ascent import MANY_STUDIES, highest, maximize, start_values
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import Specification
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.structure import working_data
from metaalliance.models.two_level import ones
from metaalliance.models.working import WorkingFit, infer_working

#: Correlations beside the one that was set.
OTHERS = (0.2, 0.9)
#: What rests on the assumed correlation, with the mean, whose test may allow for a wrong one.
NUMBERS = (
    "Q", "Q_p_value", "tau2", "tau", "I2", "estimate", "se", "ci_low", "ci_high", "pi_low",
    "pi_high",
)  # fmt: skip

_Made = Callable[[WorkingFit, Effects, Specification], PooledFit]


def under_assumed(fit: PooledFit, theta: Array, made: _Made) -> list[dict[str, Any]]:
    """Return the numbers of a che model at rho .2, as set, and .9, in this order of rho.

    A column of correlations, or a second correlation of what is shared, gives way to the one
    number. The climb starts at the variances of the fit, with few studies also where a fit
    of its own would start.

    Parameters
    ----------
    fit : PooledFit
        The result.
    theta : ndarray, shape (c,)
        Its variance components.
    made : callable
        Makes the result of a working model of effects.
    """
    chosen = fit.specification
    rows = [_row(fit, chosen.rho, as_set=True)]
    for rho in OTHERS:
        if rho != chosen.rho or chosen.same:
            model = replace(chosen, rho=rho, rho_same=None, same="")
            rows.append(_row(_refit(fit.effects, model, theta, made), rho, as_set=False))
    return sorted(rows, key=lambda row: row["rho"] if isinstance(row["rho"], float) else 0.5)


def _refit(effects: Effects, model: Specification, theta: Array, made: _Made) -> PooledFit | None:
    """The model at another correlation; None where it does not converge."""
    data = working_data(effects, ones(effects), model)
    starts = [theta, *(start_values(data) if data.blocks.m <= MANY_STUDIES else ())]
    try:
        points = [maximize(data, s, restricted=model.tau2 == "REML") for s in starts]
    except EstimationError:
        return None
    return made(infer_working(data, highest(points), model), effects, model)


def _row(fit: PooledFit | None, rho: float | str | None, *, as_set: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"rho": rho, "as_set": as_set}
    if fit is None:
        return row | dict.fromkeys((*NUMBERS, "above_zero"), math.nan)
    row |= {name: getattr(fit, name) for name in NUMBERS}
    return row | {"above_zero": fit.share_above_zero().estimate}
