"""Every model of moderators of one analysis: levels, slopes, formulas, heterogeneity, sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from metaalliance.analysis.analysis import Analysis
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.moderation.decomposition import WithinBetween, within_between
from metaalliance.moderation.design import warn_beyond
from metaalliance.moderation.formula import Factor, parse_formula
from metaalliance.moderation.location_scale import location_scale
from metaalliance.moderation.meta_regression import MetaRegression, meta_regression
from metaalliance.moderation.model_set import ModelSet, model_set
from metaalliance.moderation.scale.design import read_scale
from metaalliance.moderation.scale.result import LocationScale
from metaalliance.moderation.table import ModeratorTable, moderator_table
from metaalliance.notices import quiet
from metaalliance.options import Components
from metaalliance.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorOptions:
    """What is asked about moderators.

    Attributes
    ----------
    by : tuple of str
        Columns that are tested one at a time; modality where nothing is asked at all.
    formula, heterogeneity : str or None
        Moderators of the mean, and of the heterogeneity (a location-scale model), as `read_scale`
        reads them.
    within_between : tuple of str
        Columns whose slopes within and between studies are told apart.
    model_set : tuple of str
        Terms of which every subset is weighed.
    at, reference, scale, centre : tuple of str
        Values of variables, such as "year=2020".
    common_set, separate_tau2, min_studies, compare, sesoi, components, replications, seed
        As in `moderator_table`.
    tests : str or None
        Methods with commas between, as in `moderator_table`; for a formula the wild bootstrap.
    """

    by: tuple[str, ...]
    formula: str | None
    within_between: tuple[str, ...]
    heterogeneity: str | None
    model_set: tuple[str, ...]
    at: tuple[str, ...]
    reference: tuple[str, ...]
    scale: tuple[str, ...]
    centre: tuple[str, ...]
    separate_tau2: bool
    min_studies: int
    common_set: bool
    compare: str
    tests: str | None
    sesoi: float | None
    components: Components = "re-estimated"  # records of older rules do not name it
    replications: int
    seed: int

    @property
    def moderators(self) -> tuple[str, ...]:
        """Columns that are tested one at a time."""
        asked = self.by or self.formula or self.within_between or self.heterogeneity
        return self.by if asked or self.model_set else ("modality",)

    @property
    def methods(self) -> tuple[str, ...]:
        """Further tests that were asked for."""
        return tuple(t.strip() for t in self.tests.split(",")) if self.tests else ()

    @property
    def regressed(self) -> str | None:
        """The formula, where it is more than the lone mean of a location-scale model."""
        lone = self.heterogeneity is not None and (self.formula or "").strip() == "1"
        return None if lone else self.formula

    @property
    def several(self) -> bool:
        """Whether settings of variables have to be sorted to several models."""
        asked = (self.moderators, self.formula, self.within_between, self.heterogeneity,
                 self.model_set)  # fmt: skip
        return sum(map(bool, asked)) > 1 or bool(self.within_between)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorModels:
    """What was fitted; None or empty where it was not asked for.

    Attributes
    ----------
    predicted, spread_predicted : DataFrame or None
        What `regression` and `spread` predict at the values asked for.
    aggregation_rho : float or None
        Correlation with which the effects of `spread` were averaged; None where they were not.
    """

    table: ModeratorTable | None
    regression: MetaRegression | None
    predicted: pd.DataFrame | None
    parts: tuple[WithinBetween, ...]
    spread: LocationScale | None
    spread_predicted: pd.DataFrame | None
    aggregation_rho: float | None
    models: ModelSet | None

    @property
    def notices(self) -> list[Problem]:
        """Notices of every result, each once."""
        found: list[Problem] = []
        if self.table is not None:
            found += [*self.table.notices, *(p for m in self.table.moderators for p in m.notices)]
        for one in (self.regression, *self.parts, self.spread):
            found += [] if one is None else one.notices
        if self.regression is not None and self.predicted is not None:
            found += warn_beyond(self.regression.design.variables, self.predicted)
        if self.spread is not None and self.spread_predicted is not None:
            found += warn_beyond(self.spread.designs.variables, self.spread_predicted)
        return list(dict.fromkeys(found))


def fit_models(
    analysis: Analysis,
    options: ModeratorOptions,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> ModeratorModels:
    """Fit everything that was asked for; notices are kept in the results, not warned of.

    `progress` is told how many differences of a moderator's levels have their wild bootstrap.

    Raises
    ------
    OptionError
        For settings of variables that no model has.
    """
    if options.at and not (options.regressed or options.heterogeneity):
        raise OptionError("--at predicts from --formula or --heterogeneity; there is neither.")
    if options.methods and not options.moderators and options.regressed is None:
        raise OptionError("--also takes a moderator (--by) or a --formula; there is neither.")
    _check_variables(analysis.effects, options)
    analysis.check_structure()
    with quiet():
        table = _table(analysis, options, progress) if options.moderators else None
        regression = _regression(analysis, options)
        spread = _location_scale(analysis, options)
        return ModeratorModels(
            table=table,
            regression=regression,
            predicted=_predicted(options, regression),
            parts=tuple(_within_between(analysis, options, by) for by in options.within_between),
            spread=spread,
            spread_predicted=_predicted(options, spread),
            aggregation_rho=None if spread is None else analysis.aggregation_rho,
            models=_model_set(analysis, options),
        )


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Return values by column from texts such as "year=2020".

    Raises
    ------
    OptionError
        For a text without "=", or a column with two values.
    """
    found: dict[str, str] = {}
    for name, value in _split(given, option):
        if found.setdefault(name, value) != value:
            raise OptionError(f"--{option} {name}: {found[name]} or {value}? It takes one value.")
    return found


def _split(given: Sequence[str], option: str) -> list[tuple[str, str]]:
    """Return columns and values."""
    found = []
    for text in given:
        name, mark, value = (part.strip() for part in text.partition("="))
        if not mark or not name or not value:
            raise OptionError(f"--{option} {text}: write column=value, such as year=2020.")
        found.append((name, value))
    return found


def numbers(given: Sequence[str], option: str) -> dict[str, float]:
    """Return numbers by column from texts such as "year=10"."""
    return {name: _number(name, text, option) for name, text in pairs(given, option).items()}


def _number(name: str, text: str, option: str) -> float:
    try:
        found = float(text)
    except ValueError:
        raise OptionError(f"--{option} {name}={text}: {text!r} is no number.") from None
    if not math.isfinite(found):
        raise OptionError(f"--{option} {name}={text}: the number must be finite.")
    return found


def _variables(options: ModeratorOptions, names: set[str]) -> dict[str, Any]:
    """Reference, scale and centre of the variables of one model.

    Where it is the only model all are passed on, so that it refuses those that it lacks.
    """
    given: dict[str, dict[str, Any]] = {
        "reference": {**pairs(options.reference, "reference")},
        "scale": {**numbers(options.scale, "scale")},
        "centre": {**numbers(options.centre, "centre")},
    }
    if not options.several:
        return given
    return {key: {n: v for n, v in one.items() if n in names} for key, one in given.items()}


def _check_variables(effects: Effects, options: ModeratorOptions) -> None:
    """Refuse settings of variables that are in none of several models."""
    formulas = [options.regressed] if options.regressed else []
    formulas += read_scale(options.heterogeneity).values() if options.heterogeneity else []
    known = {*options.moderators, *options.within_between, *options.model_set}
    for formula in formulas:
        known |= _names(effects, formula)
    for option in ("reference", "scale", "centre"):
        for name in pairs(getattr(options, option), option):
            if options.several and name not in known:
                raise OptionError(
                    f"--{option} {name}: no model has it; {', '.join(sorted(known))}."
                )
    columns = sorted({f.column for text in formulas for f in _factors(effects, text)})
    for name, _ in _split(options.at, "at"):
        if name not in columns:
            raise OptionError(f"--at {name} is in no formula; they have {', '.join(columns)}.")


def _names(effects: Effects, formula: str) -> set[str]:
    """Variables of the formula, by column and by name."""
    factors = _factors(effects, formula)
    return {f.column for f in factors} | {f.name for f in factors}


def _factors(effects: Effects, formula: str) -> tuple[Factor, ...]:
    return parse_formula(formula, [*effects.moderators, "n", "sample"], effects.frame).factors


def _table(
    analysis: Analysis, options: ModeratorOptions, progress: Callable[[int, int], None] | None
) -> ModeratorTable:
    """Test the moderators one at a time."""
    return moderator_table(
        analysis.effects,
        options.moderators,
        common_set=options.common_set,
        **_variables(options, set(options.moderators)),
        model=analysis.chosen.asked,
        min_studies=options.min_studies,
        separate_tau2=options.separate_tau2,
        compare=options.compare,
        sesoi=options.sesoi,
        tests=options.methods,
        components=options.components,
        replications=options.replications,
        seed=options.seed,
        progress=progress,
    )


def _regression(analysis: Analysis, options: ModeratorOptions) -> MetaRegression | None:
    """Fit the formula."""
    formula = options.regressed
    if formula is None:
        return None
    names = _names(analysis.effects, formula) if options.several else set()
    return meta_regression(
        analysis.effects,
        formula,
        min_studies=options.min_studies,
        bootstrap=options.replications if _bootstraps(options) else 0,
        components=options.components,
        seed=options.seed,
        **_variables(options, names),
        model=analysis.chosen.asked,
    )


def _bootstraps(options: ModeratorOptions) -> bool:
    """Whether the terms of the formula are tested by the wild bootstrap too."""
    methods = set(options.methods)
    other = methods - {"wild-bootstrap", "all"}
    if other and not options.moderators:
        raise OptionError(
            f"--also {', '.join(sorted(other))}: a --formula takes wild-bootstrap only; the other "
            "tests are those of a moderator with levels (--by)."
        )
    return bool(methods - other)


def _predicted(
    options: ModeratorOptions, fit: MetaRegression | LocationScale | None
) -> pd.DataFrame | None:
    """Predict at the values of the model's own variables, where some were asked for."""
    if fit is None:
        return None
    variables = (fit.design if isinstance(fit, MetaRegression) else fit.designs).variables
    levels = {v.column: bool(v.levels) for v in variables}
    at: dict[str, list[Any]] = {}
    for name, text in _split(options.at, "at"):
        if name in levels:
            at.setdefault(name, []).append(text if levels[name] else _number(name, text, "at"))
    return fit.predict(at={k: list(dict.fromkeys(v)) for k, v in at.items()}) if at else None


def _within_between(analysis: Analysis, options: ModeratorOptions, by: str) -> WithinBetween:
    """Split a moderator into its parts within and between studies."""
    given = _variables(options, {by})
    return within_between(
        analysis.effects,
        by,
        reference=given["reference"].get(by),
        scale=given["scale"].get(by),
        model=analysis.chosen.asked,
    )


def _location_scale(analysis: Analysis, options: ModeratorOptions) -> LocationScale | None:
    """Fit moderators of the heterogeneity."""
    if options.heterogeneity is None:
        return None
    effects, scale = analysis.effects, read_scale(options.heterogeneity)
    names = set().union(*(_names(effects, text) for text in scale.values()))
    names |= _names(effects, options.regressed) if options.regressed else set()
    given = _variables(options, names)
    return location_scale(
        effects,
        options.formula or "1",
        scale,
        model=analysis.chosen.asked,
        reference=given["reference"],
        centre=given["centre"],
        units=given["scale"],
        min_studies=options.min_studies,
    )


def _model_set(analysis: Analysis, options: ModeratorOptions) -> ModelSet | None:
    """Weigh the subsets of the declared terms."""
    if not options.model_set:
        return None
    return model_set(
        analysis.effects,
        options.model_set,
        model=analysis.chosen.asked,
        min_studies=options.min_studies,
        **_variables(options, set(options.model_set)),
    )
