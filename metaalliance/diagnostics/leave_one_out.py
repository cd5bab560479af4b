"""Leave-one-out: the pooled result without each study, or without each effect."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Unpack

import pandas as pd

from metaalliance.diagnostics.leave_one_out_regression import (
    RegressionLeaveOneOut,
    leave_out_of_regression,
)
from metaalliance.diagnostics.mean_subsets import mean_rows
from metaalliance.diagnostics.rows import fit_row
from metaalliance.diagnostics.subject import examine, fitted
from metaalliance.diagnostics.units import Omissions, Unit, failure_notices, unit_frame, unit_masks
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.scale import LIMITS, back_transform, on_scale, without_nan
from metaalliance.options import Scale, check_option
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number

#: Rows that a summary prints.
FIRST = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeaveOneOut(Omissions, InNotebook):
    """A mean without each study or effect in turn.

    Attributes
    ----------
    fit : PooledFit
        The result with all effects.
    frame : DataFrame
        One row per unit in the order of the sheet, on the analysis scale: `omitted`, `study`
        (and `effect`), `k_omitted` effects, the mean with its test and intervals, tau2, tau,
        sigma2_study, sigma2_effect, I2, H2, Q, and `change` of the estimate. Where the model
        cannot be fitted the numbers are missing and `code` and `reason` say why.
    """

    fit: PooledFit = field(repr=False)

    @property
    def changes(self) -> pd.Series[float]:
        """Change of the estimate."""
        return self.frame["change"].abs()

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per unit; with ``scale="r"`` means and limits are correlations.

        `change` is then the change of the correlation.
        """
        shown = on_scale(self.frame, scale, self.fit.measure)
        if scale == "r" and self.fit.measure == "z":
            shown["change"] = shown["estimate"] - math.tanh(self.fit.estimate)
        return shown

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each headline number, on the analysis scale."""
        names = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "tau", "I2", "p_value")
        return {n: (float(self.frame[n].min()), float(self.frame[n].max())) for n in names}

    def summary(self) -> str:
        """Return the ranges and the most influential units as text."""
        fit, is_r = self.fit, self.fit.measure != "generic"
        low, high = (back_transform(v, fit.measure) for v in self.ranges()["estimate"])
        count = len(self.frame)
        whole = number(back_transform(fit.estimate, fit.measure), correlation=is_r)
        lines = [
            f"Leave one {self.unit} out: {count:,} fits",
            f"{'Mean r' if is_r else 'Estimate'} = {whole} with all, "
            f"{limits(low, high, correlation=is_r)} without one",
        ]
        shown = self.to_frame("r").loc[self.most_influential(FIRST).index]
        for _, row in shown.iterrows():
            lines.append(f"  {row['omitted']}: {self._line(row, is_r=is_r)}")
        lines += [p.text for p in self.notices]
        return "\n".join(lines)

    @staticmethod
    def _line(row: Any, *, is_r: bool) -> str:
        if row["reason"]:
            return f"not fitted: {row['reason']}"
        ends = limits(row["ci_low"], row["ci_high"], correlation=is_r)
        mean, change = (number(row[n], correlation=is_r) for n in ("estimate", "change"))
        return f"{mean} {ends}, change {change}, tau {number(row['tau'])}"

    def to_dict(self) -> dict[str, Any]:
        """Return every row and the ranges; missing is None."""
        rows = self.frame.to_dict("records")
        back = self.to_frame("r")[list(LIMITS)].to_dict("records")
        is_r = self.fit.measure != "generic"
        content = {
            "unit": self.unit,
            "full": fit_row(self.fit),
            "ranges": {k: list(v) for k, v in self.ranges().items()},
            "omitted": [{**r, "r": b if is_r else None} for r, b in zip(rows, back, strict=True)],
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)


def leave_one_out(
    subject: Effects | PooledFit | RegressionFit,
    unit: Unit = "study",
    **settings: Unpack[ModelSettings],
) -> LeaveOneOut | RegressionLeaveOneOut:
    """Fit the model without each study, or without each effect.

    All variance components are estimated anew. The likelihoods of all deletions are climbed
    together from the optimum of all effects; what comes out is that of a fit from the start.
    Models with further levels or correlations are fitted one by one.

    Parameters
    ----------
    subject : Effects, PooledFit or RegressionFit
        Effects (pooled first, with `settings`), or a fit.
    unit : {"study", "effect"}
        What is left out; of a dependent study, "effect" leaves the others in.
    **settings
        Settings of `pool`, beside effects only.

    Returns
    -------
    LeaveOneOut or RegressionLeaveOneOut
        The latter, with the omnibus test of the moderators, for a meta-regression.

    Raises
    ------
    EstimationError
        For a single unit, which cannot be left out.

    References
    ----------
    Viechtbauer and Cheung (2010).

    Examples
    --------
    >>> from metaalliance.effects.effects import Effects
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03])
    >>> left = leave_one_out(effects, tau2="DL", test="wald")
    >>> left.frame["estimate"].round(4).tolist()
    [0.2909, 0.25, 0.2636, 0.24]
    """
    check_option("unit", unit, Unit)
    fit = fitted(subject, settings)
    count = fit.n_studies if unit == "study" else fit.n_effects
    if count < 2:
        raise EstimationError(f"One {unit}: nothing can be left out.", code="MA660")
    if isinstance(fit, RegressionFit):
        return leave_out_of_regression(examine(fit), unit)
    examined = examine(fit)
    rows = mean_rows(examined, unit_masks(fit.effects, unit)[:, examined.order])
    frame = pd.concat([unit_frame(fit.effects, unit), rows], axis=1)
    frame["change"] = frame["estimate"] - fit.estimate
    notices = (*failure_notices(frame, unit), *_turning(fit, frame, unit))
    return LeaveOneOut(fit=fit, unit=unit, frame=frame, notices=notices)


def _turning(fit: PooledFit, frame: pd.DataFrame, unit: str) -> tuple[Problem, ...]:
    """Say which units decide whether the interval excludes zero."""
    excludes = (frame["ci_low"] > 0) | (frame["ci_high"] < 0)
    done = frame["reason"] == ""
    before = fit.ci_low > 0 or fit.ci_high < 0
    turned = frame[done & (excludes != before)]
    if turned.empty:
        return ()
    named = ", ".join(str(v) for v in turned["omitted"].head(3))
    more = f" and {len(turned) - 3:,} more" if len(turned) > 3 else ""
    verb = "includes" if before else "excludes"
    message = f"Without {unit} {named}{more} the {100 * fit.level:g}% interval {verb} zero."
    return (notice("MA664", message, "Report the result with and without."),)
