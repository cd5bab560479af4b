"""The effects of each coder: converted row by row, and pooled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from metaalliance.coding.matching import Matching
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.model import Model
from metaalliance.models.one_per_study import fit_averaged
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.notices import quiet
from metaalliance.policy import Policy
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.statistics import Choice
from metaalliance.sheet.studies import Studies


class EffectPoint(NamedTuple):
    """An effect on the scale of Fisher z with its variance, and as r."""

    yi: float
    vi: float
    r: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoderPooled:
    """The pooled correlation of one coder.

    Attributes
    ----------
    coder, file : str
        Whose.
    rows : {"all", "matched"}
        Whether every row of the sheet counts, or those that another coder has too.
    model : str
        The model that was fitted.
    n_studies, n_effects : int
        Size.
    r, ci_low, ci_high, tau : float or None
        Pooled correlation with its interval, and the standard deviation of true effects
        (on the scale of the analysis); None where there is none, and `reason` says why.
    reason : str
        Why nothing was pooled.
    """

    coder: str
    file: str
    rows: Literal["all", "matched"]
    model: str = ""
    n_studies: int = 0
    n_effects: int = 0
    r: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    tau: float | None = None
    reason: str = ""


def convert_rows(
    sheet: Studies, rows: tuple[Row, ...], choices: Mapping[int, Choice], silent: frozenset[int]
) -> dict[int, EffectPoint]:
    """Convert rows that are known to be convertible, by their row number."""
    if not rows:
        return {}
    part = replace(sheet, rows=rows, choices=dict(choices), nonsignificant_rows=silent, problems=())
    found = effect_sizes(part)
    found.refuse_intervals("A comparison of codings", "it compares their values")
    frame = found.frame
    return {
        int(number): EffectPoint(float(yi), float(vi), float(r))
        for number, yi, vi, r in zip(
            frame["row"], frame["yi"], frame["vi"], frame["r"], strict=True
        )
    }


def sheet_points(sheet: Studies) -> dict[int, EffectPoint]:
    """Convert every usable row of a sheet, whatever is wrong with its other rows."""
    return convert_rows(sheet, sheet.used, sheet.choices, sheet.nonsignificant_rows)


def pooled_by_coder(
    matching: Matching,
    model: Model = Model(),  # noqa: B008 - a frozen value
    policy: Policy = Policy(),  # noqa: B008
) -> tuple[CoderPooled, ...]:
    """Pool the sheet of each coder, and the part of it that others have coded too.

    A sheet with errors, or to which the model cannot be fitted, gives the reason instead of a
    number.
    """
    found = []
    for index, (coder, sheet) in enumerate(zip(matching.coders, matching.sheets, strict=True)):
        rows = [m.rows[index] for m in matching.matched]
        matched = {row.number for row in rows if row is not None}
        scopes: tuple[tuple[Literal["all", "matched"], set[int] | None], ...] = (
            ("all", None),
            ("matched", matched),
        )
        for name, keep in scopes:
            row: dict[str, Any] = {"coder": coder, "file": sheet.file, "rows": name}
            found.append(CoderPooled(**row, **_pooled(sheet, keep, model, policy)))
    return tuple(found)


def _pooled(sheet: Studies, keep: set[int] | None, model: Model, policy: Policy) -> dict[str, Any]:
    """Fields of a pooled result, or the reason why there is none."""
    if sheet.errors:
        count = len(sheet.errors)
        first = sheet.errors[0]
        return {
            "reason": f"{count} error{'' if count == 1 else 's'} in the sheet, the first in "
            f"{first.place} ({first.code})"
        }
    try:
        effects = effect_sizes(sheet, **policy.conversion)
        fit = quiet_fit(_kept(effects, keep), model)
    except (EstimationError, OptionError) as error:
        return {"reason": str(error)}
    limits = (back_transform(x, effects.measure) for x in (fit.estimate, fit.ci_low, fit.ci_high))
    r, low, high = limits
    return {
        "model": fit.model,
        "n_studies": fit.n_studies,
        "n_effects": fit.n_effects,
        "r": r,
        "ci_low": low,
        "ci_high": high,
        "tau": fit.tau,
    }


def _kept(effects: Effects, keep: set[int] | None) -> Effects:
    return effects if keep is None else effects.subset(effects.frame["row"].isin(keep))


def quiet_fit(effects: Effects, model: Model) -> PooledFit:
    """Pool as `pool` does; its warnings are about reading the result, not about us."""
    with quiet():
        return fit_averaged(effects, model)
