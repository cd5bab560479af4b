"""How many studies a wanted precision of the mean needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.inference.intervals import critical_value
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.scale import without_nan
from metaalliance.robustness.assumptions import Assumptions, PlannedStudies, assume
from metaalliance.robustness.planning import design, plan_test
from metaalliance.robustness.power_plans import MOST_STUDIES, smallest_that
from metaalliance.robustness.power_results import assumption_text
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number

#: Shares of the needed number of studies for which the precision is listed too.
_AROUND = (0.5, 0.75, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision(InNotebook):
    """Studies that a wanted precision needs.

    Attributes
    ----------
    half_width : float
        Wanted half-width of the confidence interval, as r where the plan is in r.
    r : float or None
        The correlation at which it is wanted; None on the analysis scale.
    k, n_effects : int
        The smallest number of studies that has it, and their effects.
    expected : float
        Half-width that is expected with k studies.
    around : tuple of (int, float)
        Numbers of studies with the half-width that each gives.
    assumed : Assumptions
        What the studies are like.
    """

    half_width: float
    r: float | None
    k: int
    n_effects: int
    expected: float
    around: tuple[tuple[int, float], ...]
    assumed: Assumptions

    def to_frame(self) -> pd.DataFrame:
        """Return numbers of studies with the half-width that each gives."""
        return pd.DataFrame(self.around, columns=["k", "half_width"])

    def to_dict(self) -> dict[str, Any]:
        """Return the result; missing is None."""
        content = {
            "question": "precision",
            "settings": {**self.assumed.to_dict(), "r": self.r, "half_width": self.half_width},
            "k": self.k,
            "n_effects": self.n_effects,
            "expected": self.expected,
            "around": [{"k": k, "half_width": width} for k, width in self.around],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result in a few sentences."""
        is_r = self.r is not None
        wanted, got = (number(x, 3, correlation=is_r) for x in (self.half_width, self.expected))
        where = f" at r = {number(self.r, 2, correlation=True)}" if self.r is not None else ""
        return (
            f"Precision of the mean effect: {assumption_text(self.assumed)}\n"
            f"A {100 * self.assumed.level:g}% interval of ± {wanted}{where} needs {self.k:,} "
            f"studies (expected: ± {got})"
        )


def precision(
    half_width: float,
    *,
    r: float | None = 0.28,
    **planned: Unpack[PlannedStudies],
) -> Precision:
    """Find the number of studies that gives the interval of the mean a wanted half-width.

    Parameters
    ----------
    half_width : float
        Half of the width of the confidence interval, as r.
    r : float or None
        The mean correlation at which it is wanted; None takes `half_width` on the analysis scale.
    n, v, tau, effects_per_study, pilot, rho, between, model, test, level
        As in `power_mean`.

    Returns
    -------
    Precision
        Expected at the true variances; about half of such reviews will have a wider interval.

    Raises
    ------
    EstimationError
        When 100,000 studies are not enough.

    Examples
    --------
    >>> precision(0.04, n=60, tau=0.15).k
    85
    """
    assumed = assume(**planned)
    if not (math.isfinite(half_width) and half_width > 0):
        raise OptionError(f"half_width={half_width!r} is not a positive number.")
    if r is not None and not -1 < r < 1:
        raise OptionError(f"r={r!r} does not lie between -1 and 1.")

    def width(k: int) -> float:
        return _half_width(assumed, k, r)

    found = smallest_that(lambda k: width(k) <= half_width, 2, MOST_STUDIES)
    if found is None:
        raise EstimationError(
            f"{MOST_STUDIES:,} studies are not enough for a half-width of {half_width:g}.",
            code="MA667",
        )
    numbers = sorted({max(2, math.ceil(found * share)) for share in _AROUND})
    return Precision(
        half_width=float(half_width),
        r=r,
        k=found,
        n_effects=int(design(assumed, [found]).vi.size),
        expected=width(found),
        around=tuple((k, width(k)) for k in numbers),
        assumed=assumed,
    )


def _half_width(assumed: Assumptions, k: int, r: float | None) -> float:
    """Expected half-width with k studies; infinite where there are no degrees of freedom."""
    try:
        planned = design(assumed, [k])
    except EstimationError:
        return math.inf
    tested = plan_test(assumed, planned, np.eye(1))
    half = critical_value(assumed.level, tested.df) * math.sqrt(float(tested.covariance[0, 0]))
    if math.isnan(half):
        return math.inf
    if r is None:
        return half
    z = math.atanh(r)
    return (math.tanh(z + half) - math.tanh(z - half)) / 2
