"""The models behind `metaalliance moderators`, fitted with the settings of the run."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from metaalliance.analysis.analysis import Analysis
from metaalliance.cli.request import Request
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning, OptionError
from metaalliance.model import AGGREGATION_RHO, RHO
from metaalliance.moderation.decomposition import WithinBetween, within_between
from metaalliance.moderation.formula import parse_formula
from metaalliance.moderation.location_scale import LocationScale, location_scale
from metaalliance.moderation.meta_regression import MetaRegression, meta_regression
from metaalliance.moderation.model_set import ModelSet, model_set
from metaalliance.moderation.table import ModeratorTable, moderator_table
from metaalliance.problems import Problem

#: Tests that a location-scale model has; another becomes the last.
LOCATION_TESTS = ("wald", "t", "knapp-hartung")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratorOptions:
    """Options of the command."""

    request: Request
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
    replications: int
    seed: int
    figures: bool = True

    @property
    def moderators(self) -> tuple[str, ...]:
        """Columns that are tested one at a time."""
        asked = self.by or self.formula or self.within_between or self.heterogeneity
        return self.by if asked or self.model_set else ("modality",)

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
    aggregation_rho : float or None
        Correlation with which effects were averaged for `spread`; None where they were not.
    """

    table: ModeratorTable | None
    regression: MetaRegression | None
    predicted: pd.DataFrame | None
    parts: tuple[WithinBetween, ...]
    spread: LocationScale | None
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
        return list(dict.fromkeys(found))


def fit_models(loaded: Analysis, options: ModeratorOptions) -> ModeratorModels:
    """Fit everything that was asked for; notices are kept in the results, not warned of.

    Raises
    ------
    OptionError
        For settings of variables that no model has.
    """
    if options.at and options.regressed is None:
        raise OptionError("--at predicts from a --formula; there is none.")
    _check_variables(loaded.effects, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        table = _table(loaded, options) if options.moderators else None
        regression = _regression(loaded, options)
        spread, rho = _location_scale(loaded, options)
        return ModeratorModels(
            table=table,
            regression=regression,
            predicted=None if regression is None else _predicted(loaded, options, regression),
            parts=tuple(_within_between(loaded, options, by) for by in options.within_between),
            spread=spread,
            aggregation_rho=rho,
            models=_model_set(loaded, options),
        )


def model_options(loaded: Analysis) -> dict[str, Any]:
    """Options of every model of the run."""
    found = loaded.fitted.to_record()
    rho = RHO if found["rho"] is None else found["rho"]
    return {name: found[name] for name in ("model", "tau2", "test", "level")} | {"rho": rho}


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Return values by column from texts such as "year=2020".

    Raises
    ------
    OptionError
        For a text without "=".
    """
    found = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not mark or not name.strip() or not value.strip():
            raise OptionError(f"--{option} {text}: write column=value, such as year=2020.")
        found[name.strip()] = value.strip()
    return found


def numbers(given: Sequence[str], option: str) -> dict[str, float]:
    """Return numbers by column from texts such as "year=10"."""
    found = {}
    for name, text in pairs(given, option).items():
        try:
            found[name] = float(text)
        except ValueError:
            raise OptionError(f"--{option} {name}={text}: {text!r} is no number.") from None
        if not math.isfinite(found[name]):
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
    formulas = [f for f in (options.regressed, options.heterogeneity) if f]
    known = {*options.moderators, *options.within_between, *options.model_set}
    for formula in formulas:
        known |= _names(effects, formula)
    for option in ("reference", "scale", "centre"):
        for name in pairs(getattr(options, option), option):
            if options.several and name not in known:
                raise OptionError(
                    f"--{option} {name}: no model has it; {', '.join(sorted(known))}."
                )


def _names(effects: Effects, formula: str) -> set[str]:
    """Variables of the formula, by column and by name."""
    factors = parse_formula(formula, [*effects.moderators, "n", "sample"]).factors
    return {f.column for f in factors} | {f.name for f in factors}


def _table(loaded: Analysis, options: ModeratorOptions) -> ModeratorTable:
    """Test the moderators one at a time."""
    return moderator_table(
        loaded.effects,
        options.moderators,
        common_set=options.common_set,
        **_variables(options, set(options.moderators)),
        **model_options(loaded),
        prediction=loaded.model.prediction,
        min_studies=options.min_studies,
        separate_tau2=options.separate_tau2,
        compare=options.compare,
        sesoi=options.sesoi,
        tests=options.tests.split(",") if options.tests else (),
        replications=options.replications,
        seed=options.seed,
    )


def _regression(loaded: Analysis, options: ModeratorOptions) -> MetaRegression | None:
    """Fit the formula."""
    formula = options.regressed
    if formula is None:
        return None
    names = _names(loaded.effects, formula) if options.several else set()
    return meta_regression(
        loaded.effects,
        formula,
        min_studies=options.min_studies,
        **_variables(options, names),
        **model_options(loaded),
    )


def _predicted(
    loaded: Analysis, options: ModeratorOptions, fit: MetaRegression
) -> pd.DataFrame | None:
    """Predict at the values asked for."""
    if not options.at:
        return None
    wanted = {v.column: bool(v.levels) for v in fit.design.variables}
    texts = [t for t in options.at if wanted.get(t.partition("=")[0].strip()) is not False]
    plain = [t for t in options.at if t not in texts]
    at = {**pairs(texts, "at"), **numbers(plain, "at")}
    return fit.predict(at=at, prediction=loaded.model.prediction)


def _within_between(loaded: Analysis, options: ModeratorOptions, by: str) -> WithinBetween:
    """Split a moderator into its parts within and between studies."""
    given = _variables(options, {by})
    return within_between(
        loaded.effects,
        by,
        reference=given["reference"].get(by),
        scale=given["scale"].get(by),
        **model_options(loaded),
    )


def _location_scale(
    loaded: Analysis, options: ModeratorOptions
) -> tuple[LocationScale | None, float | None]:
    """Fit moderators of the heterogeneity, to one effect per study."""
    if options.heterogeneity is None:
        return None, None
    effects, rho = loaded.effects, loaded.aggregation_rho
    if effects.dependent():
        rho = _one_rho(loaded)
        effects = aggregate(effects, rho)
    formula = options.formula or "1"
    names = _names(effects, options.heterogeneity)
    names |= _names(effects, options.regressed) if options.regressed else set()
    given = _variables(options, names)
    test = loaded.model.test
    found = location_scale(
        effects,
        formula,
        options.heterogeneity,
        tau2=loaded.model.tau2,
        test=test if test in LOCATION_TESTS else LOCATION_TESTS[-1],
        level=loaded.model.level,
        reference=given["reference"],
        centre=given["centre"],
        units=given["scale"],
        min_studies=options.min_studies,
    )
    return found, rho


def _one_rho(loaded: Analysis) -> float:
    """Correlation with which effects are averaged."""
    rho = loaded.model.rho
    if isinstance(rho, str):
        raise OptionError(f"--rho {rho}: effects are aggregated with one number.")
    return AGGREGATION_RHO if rho is None else rho


def _model_set(loaded: Analysis, options: ModeratorOptions) -> ModelSet | None:
    """Weigh the subsets of the declared terms."""
    if not options.model_set:
        return None
    settings = model_options(loaded)
    return model_set(
        loaded.effects,
        options.model_set,
        model=settings["model"],
        rho=settings["rho"],
        min_studies=options.min_studies,
        **_variables(options, set(options.model_set)),
    )
