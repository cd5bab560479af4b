"""Cumulative meta-analysis: the pooled result as studies came in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd

from metaalliance.core.arrays import BoolArray
from metaalliance.diagnostics.refits import Refit, Refits, Refused
from metaalliance.diagnostics.rows import fit_row, mean_row
from metaalliance.diagnostics.subject import Subject, examine, fitted
from metaalliance.effects.effects import Effects, study_names
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import ModelSettings
from metaalliance.models.part import pool_part
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import LIMITS, on_scale, without_nan
from metaalliance.options import Scale, check_option
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import limits, number

Ties = Literal["together", "sheet"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cumulative(InNotebook):
    """The pooled result with ever more studies.

    Attributes
    ----------
    fit : PooledFit
        The result of all effects, those without a value included.
    by : str
        Column that orders the studies.
    frame : DataFrame
        One row per step, on the analysis scale: `value` of the column, `added` (studies that
        came in, by name), `n_added`, then n_studies, n_effects, the mean with its test and
        intervals, tau2, I2, Q of all studies so far, and the `model` that was fitted. Early
        steps can be too few for the model: they fall back as `model` says, or are missing with a
        `reason`.
    missing : tuple of str
        Studies without a value, which never come in.
    notices : tuple of Problem
        What the reader has to know.
    """

    fit: PooledFit = field(repr=False)
    by: str
    frame: pd.DataFrame = field(repr=False)
    missing: tuple[str, ...] = ()
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per step; with ``scale="r"`` means and limits are correlations."""
        return on_scale(self.frame, scale, self.fit.measure)

    def summary(self) -> str:
        """Return the steps as text."""
        is_r = self.fit.measure != "generic"
        lines = [f"Cumulative by {self.by}: {len(self.frame):,} steps"]
        for _, row in self.to_frame("r").iterrows():
            ends = limits(row["ci_low"], row["ci_high"], correlation=is_r)
            text = f"{number(row['estimate'], correlation=is_r)} {ends}"
            lines.append(
                f"  {_value(row['value'])} (+{row['n_added']}, k = {row['n_effects']}): "
                f"{row['reason'] or text}"
            )
        lines += [p.text for p in self.notices]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the steps; missing is None."""
        back = self.to_frame("r")[list(LIMITS)].to_dict("records")
        is_r = self.fit.measure != "generic"
        rows = self.frame.to_dict("records")
        return without_nan(
            {
                "by": self.by,
                "steps": [{**r, "r": b if is_r else None} for r, b in zip(rows, back, strict=True)],
                "missing": list(self.missing),
                "notices": [p.to_dict() for p in self.notices],
            }
        )


def cumulative(
    subject: Effects | PooledFit,
    by: str = "year",
    *,
    ties: Ties = "together",
    descending: bool = False,
    **settings: Unpack[ModelSettings],
) -> Cumulative:
    """Pool the first studies, the first and the second, and so on.

    Parameters
    ----------
    subject : Effects or PooledFit
        Effects (pooled first, with `settings`), or a fit whose settings are taken.
    by : str
        Numeric column of the effects: "year", "n", "vi". A study comes in whole, at the
        smallest of its values (the largest when descending).
    ties : {"together", "sheet"}
        Studies of one value come in together, or one at a time in the order of the sheet.
    descending : bool
        Largest value first.
    **settings
        Settings of `pool`, beside effects only.

    Raises
    ------
    OptionError
        When there is no such column, or it holds no numbers.
    EstimationError
        When no study has a value.

    References
    ----------
    Lau et al. (1992).

    Examples
    --------
    >>> years = {"year": [1999, 1991, 1999, 2004]}
    >>> effects = Effects.from_arrays(
    ...     [0.2, 0.3, 0.25, 0.4], [0.01, 0.02, 0.01, 0.03], moderators=years
    ... )
    >>> steps = cumulative(effects, tau2="DL", test="wald").frame
    >>> steps["value"].tolist(), steps["n_studies"].tolist(), steps["estimate"].round(3).tolist()
    ([1991.0, 1999.0, 2004.0], [1, 3, 4], [0.3, 0.24, 0.259])
    """
    check_option("ties", ties, Ties)
    fit = fitted(subject, settings)
    if not isinstance(fit, PooledFit):
        raise OptionError("Cumulative results are of a mean; give effects or what pool returns.")
    values, varying = _values(fit.effects, by, descending=descending)
    if values.isna().all():
        raise EstimationError(f"No study has a value of {by!r}.", code="MA663")
    added = _steps(values, ties, descending=descending)
    study = fit.effects.frame["study"]
    masks = np.array([study.isin(_before(added, i)).to_numpy() for i in range(len(added))])
    rows = _rows(fit, masks)
    names = study_names(fit.effects.frame).groupby(study.to_numpy()).first()
    heads = [
        {"value": value, "added": ", ".join(str(names[s]) for s in new), "n_added": len(new)}
        for value, new in added
    ]
    missing = tuple(str(names[s]) for s in values.index[values.isna()])
    frame = pd.concat([pd.DataFrame(heads), pd.DataFrame(rows)], axis=1)
    return Cumulative(
        fit=fit, by=by, frame=frame, missing=missing, notices=_notices(by, missing, varying, frame)
    )


def _values(effects: Effects, by: str, *, descending: bool) -> tuple[pd.Series, list[str]]:
    """The value of each study, and the studies in which it varies."""
    frame = effects.frame
    if by not in frame:
        raise OptionError(f"There is no column {by!r}; {effects.moderator_list(by)}.")
    numbers = pd.to_numeric(frame[by], errors="coerce")
    wrong = frame[by][numbers.isna() & frame[by].notna()]
    if len(wrong) or pd.api.types.is_bool_dtype(frame[by]):
        seen = wrong.iloc[0] if len(wrong) else frame[by].iloc[0]
        raise OptionError(f"The column {by!r} holds {seen!r}: numbers are needed to order by it.")
    grouped = numbers.astype(float).groupby(frame["study"].to_numpy(), sort=False)
    low, high = grouped.min(), grouped.max()
    varying = [str(s) for s in low.index[(low != high) & low.notna()]]
    return (high if descending else low), varying


def _steps(values: pd.Series, ties: str, *, descending: bool) -> list[tuple[float, list[Any]]]:
    """The value and the new studies of each step."""
    ordered = values.dropna().sort_values(ascending=not descending, kind="stable")
    if ties == "sheet":
        return [(float(v), [s]) for s, v in ordered.items()]
    distinct = list(dict.fromkeys(ordered.tolist()))
    return [(float(v), ordered.index[ordered == v].tolist()) for v in distinct]


def _before(added: list[tuple[float, list[Any]]], step: int) -> list[Any]:
    return [study for _, new in added[: step + 1] for study in new]


def _rows(fit: PooledFit, masks: BoolArray) -> list[dict[str, Any]]:
    """The result of each step, by a simpler model where there are too few studies."""
    if math.isnan(fit.tau2) or fit.specification.columns:
        return [_fallback(fit, keep) for keep in masks]
    subject = examine(fit)
    present = masks[:, subject.order]
    return [
        _row(subject, refit, keep, mask)
        for refit, keep, mask in zip(Refits(subject, present), present, masks, strict=True)
    ]


def _row(subject: Subject, refit: Refit, keep: BoolArray, mask: BoolArray) -> dict[str, Any]:
    fit = subject.fit
    assert isinstance(fit, PooledFit)
    if isinstance(refit, Refused):
        return _fallback(fit, mask)
    return {**mean_row(subject, refit, keep), "model": fit.model}


def _fallback(fit: PooledFit, keep: BoolArray) -> dict[str, Any]:
    """Pool a step from the start, by the model that its studies allow."""
    effects = fit.effects.subset(keep)
    try:
        found = pool_part(fit, effects)
    except EstimationError as error:
        empty = dict.fromkeys(fit_row(fit), math.nan)
        counts = {"n_studies": effects.n_studies, "n_effects": effects.n_effects}
        return {**empty, **counts, "code": error.code, "reason": str(error), "model": fit.model}
    simpler = (
        found.specification.multilevel and found.specification.columns != fit.specification.columns
    )
    model = found.model + (" without further structure" if simpler else "")
    return {**fit_row(found), "code": "", "reason": "", "model": model}


def _notices(
    by: str, missing: tuple[str, ...], varying: list[str], frame: pd.DataFrame
) -> tuple[Problem, ...]:
    found = []
    if missing:
        message = (
            f"{len(missing):,} {'study has' if len(missing) == 1 else 'studies have'} no {by} and "
            f"never {'comes' if len(missing) == 1 else 'come'} in: {_listed(missing)}. The last "
            "step is not the result of all studies."
        )
        found.append(notice("MA663", message, "Complete the column."))
    if varying:
        message = f"{by} varies within {_listed(varying)}; each came in whole, at its first value."
        found.append(notice("MA663", message, severity="note"))
    failed = frame[frame["reason"] != ""]
    if len(failed):
        message = f"{len(failed):,} steps could not be fitted: {failed['reason'].iloc[0]}"
        found.append(notice("MA662", message, severity="note"))
    return tuple(found)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _value(value: float) -> str:
    return f"{value:g}" if value != int(value) else str(int(value))
