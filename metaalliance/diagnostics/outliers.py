"""Outliers by several rules, and the pooled result without them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray
from metaalliance.core.inference.intervals import critical_value
from metaalliance.diagnostics.diagnostics import Influence, influence
from metaalliance.diagnostics.subject import Subject, examine
from metaalliance.diagnostics.units import Unit, unit_masks
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform, on_scale, without_nan
from metaalliance.options import Scale, check_option
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number

_LIMITS = ("estimate", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutlierRule:
    """One rule, what it finds, and the result without that.

    Attributes
    ----------
    name : {"interval", "residual", "prediction"}
        The rule.
    description : str
        The rule in words.
    flagged : tuple of str
        Studies or effects.
    fit : PooledFit or None
        The result without them; that of all effects when none is found, None when there is none.
    reason : str
        Why there is no result, or why the rule does not apply.
    """

    name: str
    description: str
    flagged: tuple[str, ...]
    fit: PooledFit | None = field(repr=False)
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the rule with the pooled result without its outliers."""
        return {
            "rule": self.name,
            "description": self.description,
            "n_flagged": len(self.flagged),
            "flagged": list(self.flagged),
            "without": None if self.fit is None else self.fit.to_dict(),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outliers(InNotebook):
    """What several rules call outliers.

    Attributes
    ----------
    fit : PooledFit
        The result with all effects.
    unit : {"study", "effect"}
        What is judged.
    frame : DataFrame
        One row per unit: its `estimate` with `ci_low` and `ci_high` (of a study with several
        effects their generalised least squares mean under the sampling covariance of the
        model), `rstudent`, and whether it is `outside_interval`, `outside_residual`,
        `outside_prediction`.
    rules : tuple of OutlierRule
        The rules in that order.
    """

    fit: PooledFit = field(repr=False)
    unit: str
    frame: pd.DataFrame = field(repr=False)
    rules: tuple[OutlierRule, ...]

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per unit; with ``scale="r"`` estimates are correlations."""
        return on_scale(self.frame, scale, self.fit.measure, _LIMITS)

    def summary(self) -> str:
        """Return each rule with the result without its outliers as text."""
        is_r = self.fit.measure != "generic"
        units = "studies" if self.unit == "study" else "effects"
        lines = [f"Outliers among {len(self.frame):,} {units}"]
        lines.append(f"  all: {_result(self.fit, is_r=is_r)}")
        for rule in self.rules:
            found = ", ".join(rule.flagged[:5]) + (", ..." if len(rule.flagged) > 5 else "")
            lines.append(
                f"  {rule.description}: {len(rule.flagged)}" + (f" ({found})" * bool(found))
            )
            if rule.reason:
                lines.append(f"    {rule.reason}")
            elif rule.flagged and rule.fit is not None:
                lines.append(f"    without: {_result(rule.fit, is_r=is_r)}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return units and rules; missing is None."""
        return without_nan(
            {
                "unit": self.unit,
                "units": self.frame.to_dict("records"),
                "rules": [rule.to_dict() for rule in self.rules],
            }
        )


def outliers(
    subject: Effects | PooledFit | Influence,
    unit: Unit = "effect",
    *,
    threshold: float = 1.96,
    **settings: Unpack[ModelSettings],
) -> Outliers:
    """Find outliers by three rules, and pool without those of each.

    ``interval``: the interval of the unit does not overlap that of the mean [1]_; ``residual``:
    its externally studentised residual exceeds `threshold` [2]_; ``prediction``: it lies outside
    the prediction interval.

    Parameters
    ----------
    subject : Effects, PooledFit or Influence
        Effects (pooled first, with `settings`), a fit of a mean, or its diagnostics.
    unit : {"effect", "study"}
        What is judged and left out.
    threshold : float
        Largest absolute studentised residual of what is no outlier.
    **settings
        Settings of `pool`, beside effects only.

    References
    ----------
    .. [1] Harrer et al. (2021).
    .. [2] Viechtbauer and Cheung (2010).

    Examples
    --------
    >>> effects = Effects.from_arrays([0.2, 0.3, 0.25, 0.9], [0.01, 0.02, 0.01, 0.02])
    >>> found = outliers(effects, tau2="DL", test="wald")
    >>> [(rule.name, rule.flagged) for rule in found.rules]
    [('interval', ()), ('residual', ('4',)), ('prediction', ())]
    >>> round(found.rules[1].fit.estimate, 2)
    0.24
    """
    check_option("unit", unit, Unit)
    if not threshold > 0:
        raise OptionError(f"threshold={threshold!r} is not a positive number, such as 1.96.")
    found = subject if isinstance(subject, Influence) else influence(subject, **settings)
    fit = found.fit
    if not isinstance(fit, PooledFit):
        raise OptionError("These rules are for a mean; give effects or what pool returns.")
    table = found.studies if unit == "study" else found.effects
    frame = _judged(fit, table, unit, threshold)
    return Outliers(fit=fit, unit=unit, frame=frame, rules=_rules(fit, frame, unit, threshold))


def _judged(fit: PooledFit, table: pd.DataFrame, unit: str, threshold: float) -> pd.DataFrame:
    """The units with their intervals and flags."""
    yi, vi = _study_means(examine(fit)) if unit == "study" else (fit.effects.yi, fit.effects.vi)
    half = critical_value(fit.level, math.inf) * np.sqrt(vi)
    kept = [c for c in ("omitted", "study", "effect", "row", "k_omitted") if c in table]
    frame = table[kept].copy()
    frame["estimate"], frame["ci_low"], frame["ci_high"] = yi, yi - half, yi + half
    frame["rstudent"] = table["rstudent"]
    frame["outside_interval"] = outlying(fit, yi, vi)
    frame["outside_residual"] = table["rstudent"].abs() > threshold
    frame["outside_prediction"] = (yi < fit.pi_low) | (yi > fit.pi_high)
    return frame


def outlying(fit: PooledFit, yi: Array, vi: Array) -> BoolArray:
    """Whether the interval of each effect lies wholly outside that of the mean, shape (k,)."""
    half = critical_value(fit.level, math.inf) * np.sqrt(vi)
    return np.asarray((yi + half < fit.ci_low) | (yi - half > fit.ci_high), dtype=np.bool_)


def _rules(
    fit: PooledFit, frame: pd.DataFrame, unit: str, threshold: float
) -> tuple[OutlierRule, ...]:
    percent = f"{100 * fit.level:g}%"
    words = {
        "interval": f"{percent} interval does not overlap that of the mean",
        "residual": f"|studentised residual| > {threshold:g}",
        "prediction": f"outside the {percent} prediction interval",
    }
    subject, masks = examine(fit), ~unit_masks(fit.effects, unit)
    return tuple(
        _rule(subject, frame, masks, name, description) for name, description in words.items()
    )


def _rule(
    subject: Subject, frame: pd.DataFrame, masks: BoolArray, name: str, description: str
) -> OutlierRule:
    """Apply one rule, and pool without what it finds."""
    fit = subject.fit
    assert isinstance(fit, PooledFit)
    flags = frame[f"outside_{name}"].to_numpy(dtype=bool)
    flagged = tuple(str(v) for v in frame["omitted"][flags])
    reason, without = "", fit if not flagged else None
    if name == "prediction" and math.isnan(fit.pi_low):
        reason, without = "This model has no prediction interval.", None
    elif name == "residual" and frame["rstudent"].isna().any():
        count = int(frame["rstudent"].isna().sum())
        reason = f"{count} could not be judged: the model cannot be fitted without them."
    if flagged:
        keep = ~masks[flags].any(axis=0)
        if not keep.any():
            reason = "Nothing is left without them."
        else:
            without, reason = _refit(subject, keep, reason)
    return OutlierRule(
        name=name, description=description, flagged=flagged, fit=without, reason=reason
    )


def _refit(subject: Subject, keep: BoolArray, reason: str) -> tuple[PooledFit | None, str]:
    """Pool what is kept, rows in the order of the effects."""
    try:
        found = subject.refit(keep[subject.order])
    except EstimationError as error:
        return None, str(error)
    assert isinstance(found, PooledFit)
    return found, reason


def _study_means(subject: Subject) -> tuple[Array, Array]:
    """Generalised least squares mean of each study and its sampling variance."""
    data, study = subject.data, subject.study
    V = data.structure.at(np.zeros_like(subject.point.theta))
    weight, total = (
        np.bincount(study, V.solve(z)) for z in (np.ones(data.yi.size), np.asarray(data.yi))
    )
    return total / weight, 1 / weight


def _result(fit: PooledFit, *, is_r: bool) -> str:
    mean, low, high = (back_transform(getattr(fit, n), fit.measure) for n in _LIMITS)
    ends = limits(low, high, correlation=is_r)
    return f"{number(mean, correlation=is_r)} {ends}, tau {number(fit.tau)}"
