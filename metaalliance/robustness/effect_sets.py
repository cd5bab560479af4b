"""The sets of effects that a multiverse pools: converted, filtered, without outliers."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from metaalliance.core.arrays import BoolArray
from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import OF_REPORTS
from metaalliance.effects.held import HeldEffects
from metaalliance.effects.levels import read_as
from metaalliance.errors import EstimationError, MetaAllianceError, OptionError
from metaalliance.model import Model
from metaalliance.models.one_per_study import fit_averaged
from metaalliance.policy import Policy
from metaalliance.robustness.main_analysis import MainAnalysis
from metaalliance.robustness.policies import converted, corrected
from metaalliance.robustness.specifications import EVERY, Filter, Grid
from metaalliance.sheet.studies import Studies

#: Filters of this literature that are offered where the sheet has the column.
USUAL_FILTERS: dict[str, Filter] = {
    "RCT": {"design": ("RCT",)},
    "published": {"source": ("journal", "book")},
    "client-rated": {"alliance_rater": ("client",)},
    "early alliance": {"alliance_time": ("early",)},
}
#: Decisions about the conversion of a sheet.
_CONVERSION = ("measure", "variances", "attenuation", "nonsignificant")
#: Fewer studies than this are not offered as a default filter.
FEWEST_STUDIES = 5
_COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


class Failure(NamedTuple):
    """Why a specification has no result."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectSet:
    """The effects of one combination of the decisions about them.

    Attributes
    ----------
    options : dict
        The combination.
    effects : Effects or None
        Study, yi and vi only; None where it failed.
    failure : Failure or None
        Why there are none.
    digest : str
        Equal for sets that hold the same numbers.
    """

    options: Mapping[str, Any]
    effects: Effects | None = field(repr=False)
    failure: Failure | None = None
    digest: str = ""


def effect_sets(data: Studies | Effects, grid: Grid, main: MainAnalysis) -> list[EffectSet]:
    """Build every set of effects of a grid; each conversion is done once.

    Parameters
    ----------
    data : Studies or Effects
        The sheet, or effects that are converted already.
    grid : Grid
        The decisions.
    main : MainAnalysis
        Has every setting that is no decision, and tells outliers.

    Raises
    ------
    OptionError
        When a filter names a column that there is not.
    """
    convert = _converter(data, main.policy)
    made: dict[tuple[Any, ...], EffectSet] = {}
    found = []
    for options in grid.effect_choices():
        part = {k: v for k, v in options.items() if k != "outliers"}
        key = tuple(part.values())
        if key not in made:
            made[key] = _selected(convert, grid, part, main.model.columns)
        found.append(_without_outliers(made[key], options, main.model))
    return found


def _converter(data: Studies | Effects, policy: Policy | None) -> Any:
    """Return a function that converts for given decisions, once for each combination."""
    if isinstance(data, Effects) or policy is None:
        effects = data  # its decisions about conversion have one option each

        def same(*_: str) -> Any:
            return effects

        return same
    sheet = data

    @cache
    def convert(measure: str, variances: str, attenuation: str, nonsignificant: str) -> Effects:
        chosen = replace(
            policy, measure=measure, variances=variances, nonsignificant=nonsignificant
        )
        return converted(sheet, corrected(chosen, attenuation))

    return convert


def _selected(
    convert: Any, grid: Grid, options: dict[str, Any], columns: tuple[str, ...]
) -> EffectSet:
    """Convert and filter."""
    try:
        effects = convert(*(options[name] for name in _CONVERSION))
        keep = np.ones(effects.n_effects, dtype=bool)
        if options["conversions"] == "exact":
            keep &= ~approximate_rows(effects)
        if options["include"] != EVERY:
            keep &= kept_rows(effects.frame, grid.filters[options["include"]], options["include"])
        if not keep.any():
            raise EstimationError(
                f"No effect is left with include = {options['include']!r} and conversions = "
                f"{options['conversions']!r}.",
                code="MA602",
            )
    except OptionError:
        raise
    except MetaAllianceError as error:
        return EffectSet(options=options, effects=None, failure=Failure(error.code, str(error)))
    if "nested" in {effects.overlap, *grid.options["overlap"]}:
        columns += ("n",)
    if set(grid.options["selection"]) != {"none"}:
        columns += OF_REPORTS
    slim = _slim(effects, keep, columns)
    return EffectSet(options=options, effects=slim, digest=_digest(slim))


def approximate_rows(effects: Effects) -> BoolArray:
    """Which effects come from an approximate conversion, shape (k,); none without a ledger."""
    if "approximate" not in effects.ledger:
        return np.zeros(effects.n_effects, dtype=bool)
    return effects.ledger["approximate"].to_numpy(dtype=bool)


def kept_rows(frame: pd.DataFrame, kept: Filter, name: str) -> BoolArray:
    """Which rows a filter keeps, shape (k,); rows where the column is blank are not kept.

    Values are compared as they stand in the frame; a text such as ``">=2000"`` compares numbers.
    """
    keep = np.ones(len(frame), dtype=bool)
    for column, values in kept.items():
        if column not in frame:
            columns = [c for c in frame.columns if c not in {"yi", "vi", "effect", "row"}]
            known = read_as(frame, column)
            there = f"They have {', '.join(map(str, columns))}."
            told = f"The sheet's {column!r} is read as {known!r}, which is its name."
            raise OptionError(
                f"include {name!r}: the effects have no column {column!r}. "
                f"{told if known else there}"
            )
        matches = [_matches(frame[column], value) for value in values]
        keep &= np.logical_or.reduce(matches)
    return np.asarray(keep, dtype=bool)


def _matches(column: pd.Series, value: Any) -> BoolArray:
    text = str(value)
    sign = next((s for s in _COMPARISONS if text.startswith(s)), None)
    if sign is not None and pd.api.types.is_numeric_dtype(column):
        try:
            bound = float(text.removeprefix(sign))
        except ValueError:
            raise OptionError(f"{text!r} compares with no number.") from None
        compared = _COMPARISONS[sign](column.to_numpy(dtype=float), bound)
        return np.asarray(compared, dtype=bool)
    return np.asarray((column == value).fillna(False), dtype=bool)


def _slim(effects: Effects, keep: BoolArray, columns: Sequence[str]) -> Effects:
    """Keep what models need, so that little is sent to other processes."""
    codes, _ = pd.factorize(effects.frame["study"][keep])
    wanted = dict.fromkeys((*columns, "sample"))
    used = {c: effects.frame[c].to_numpy()[keep] for c in wanted if c in effects.frame}
    frame = pd.DataFrame(
        {
            **used,
            "study": codes,
            "effect": np.arange(1, codes.size + 1),
            "yi": effects.yi[keep],
            "vi": effects.vi[keep],
        }
    )
    return HeldEffects(frame=frame, measure=effects.measure, overlap=effects.overlap)


def _digest(effects: Effects) -> str:
    """Hash what models see of effects."""
    codes = effects.frame["study"].to_numpy(dtype=np.int64)
    parts = [effects.measure.encode(), effects.yi.tobytes(), effects.vi.tobytes(), codes.tobytes()]
    parts.append(effects.sample_codes.tobytes())
    for name in (c for c in OF_REPORTS if c in effects.frame):
        parts += [name.encode(), effects.frame[name].to_numpy(dtype=float).tobytes()]
    parts += [repr(effects.frame[c].tolist()).encode() for c in effects.moderators]
    return hashlib.sha256(b"|".join(parts)).hexdigest()


def _without_outliers(found: EffectSet, options: Mapping[str, Any], model: Model) -> EffectSet:
    """Remove outliers where the combination says so."""
    if found.effects is None or options["outliers"] == "keep":
        return replace(found, options=options)
    try:
        low, high = outliers(found.effects, model)
    except EstimationError as error:
        failure = Failure(error.code, f"Outliers cannot be told: {error}")
        return EffectSet(options=options, effects=None, failure=failure)
    gone = {"remove": low | high, "remove-low": low, "remove-high": high}[options["outliers"]]
    if not gone.any():
        return replace(found, options=options)
    slim = _slim(found.effects, ~gone, [str(c) for c in found.effects.frame])
    return EffectSet(options=options, effects=slim, digest=_digest(slim))


def outliers(effects: Effects, model: Model | None = None) -> tuple[BoolArray, BoolArray]:
    """Which effects lie below and above the mean so far that the intervals do not overlap.

    The interval of the mean is that of the main analysis (by default `pool` at its defaults);
    an effect is an outlier when its own interval lies wholly below or above it. Effects of which
    no study has several have a two-level model.

    References
    ----------
    Harrer et al. (2021).
    """
    main = model or Model()
    if not effects.dependent() and main.kind != "common-effect":
        main = main.of_kind("two-level")
    fit = fit_averaged(effects, main)
    half = critical_value(main.level, np.inf) * np.sqrt(effects.vi)
    below = np.asarray(effects.yi + half < fit.ci_low)
    above = np.asarray(effects.yi - half > fit.ci_high)
    return below, above
