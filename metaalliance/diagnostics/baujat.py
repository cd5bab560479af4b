"""Baujat's plot: what each study adds to the heterogeneity, and how far it moves the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Unpack

import pandas as pd

from metaalliance.diagnostics.diagnostics import Influence, influence
from metaalliance.diagnostics.units import Unit
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import without_nan
from metaalliance.options import check_option
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number

FIRST = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baujat(InNotebook):
    """Contribution to heterogeneity and influence of each study or effect.

    Attributes
    ----------
    fit : PooledFit or RegressionFit
        The model.
    unit : {"study", "effect"}
        What a point is.
    frame : DataFrame
        `omitted`, `study`, `heterogeneity` (squared Pearson residual: abscissa), `influence`
        (squared standardised change of the prediction without it: ordinate), `reason` where the
        model cannot be fitted without it.
    """

    fit: PooledFit | RegressionFit = field(repr=False)
    unit: str
    frame: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per point."""
        return self.frame.copy()

    def summary(self) -> str:
        """Return the points farthest to the upper right as text."""
        size = self.frame["heterogeneity"] * self.frame["influence"]
        order = size.sort_values(ascending=False, kind="stable").index
        lines = [f"Baujat: {len(self.frame):,} points (heterogeneity, influence)"]
        for _, row in self.frame.loc[order].head(FIRST).iterrows():
            place = f"{number(row['heterogeneity'], 2)}, {number(row['influence'], 2)}"
            lines.append(f"  {row['omitted']}: {place}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the points as records; missing is None."""
        return without_nan({"unit": self.unit, "points": self.frame.to_dict("records")})


def baujat(
    subject: Effects | PooledFit | RegressionFit | Influence,
    unit: Unit = "study",
    **settings: Unpack[ModelSettings],
) -> Baujat:
    """Return the coordinates of Baujat's plot.

    Parameters
    ----------
    subject : Effects, PooledFit, RegressionFit or Influence
        Effects (pooled first, with `settings`), a fit, or its diagnostics. For Baujat's own
        plot take ``model="common-effect"``; residuals of other models allow for tau².
    unit : {"study", "effect"}
        Whole studies (their residuals weighed by their covariance), or single effects.
    **settings
        Settings of `pool`, beside effects only.

    References
    ----------
    Baujat et al. (2002).

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.9], [0.01, 0.02, 0.01, 0.02])
    >>> points = baujat(effects, model="common-effect").frame
    >>> points["heterogeneity"].round(2).tolist(), points["influence"].round(2).tolist()
    ([2.25, 0.13, 1.0, 15.13], [1.12, 0.02, 0.5, 3.03])
    """
    check_option("unit", unit, Unit)
    if isinstance(subject, Influence):
        if settings:
            raise OptionError(f"Diagnostics have their settings already: {', '.join(settings)}.")
        found = subject
    else:
        found = influence(subject, **settings)
    table = found.studies if unit == "study" else found.effects
    frame = table[["omitted", "study"]].copy()
    frame["heterogeneity"], frame["influence"] = table["pearson2"], table["shift2"]
    frame["reason"] = table["reason"]
    return Baujat(fit=found.fit, unit=unit, frame=frame)
