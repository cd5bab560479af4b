"""What a method for publication bias needs, and what its reader has to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.tau2 import estimate_tau2
from metaalliance.effects.effects import Effects
from metaalliance.effects.fisher import is_correlation, on_fisher_z
from metaalliance.errors import EstimationError
from metaalliance.model import AGGREGATION_RHO, TESTS, Model
from metaalliance.models.independence import independent_effects
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.result import BiasResult
from metaalliance.setting import settings_in
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import studies_text

FEW_STUDIES = 10
FEW_IN_INTERVAL = 4

Direction = Literal["greater", "less"]


class Structure(TypedDict, total=False):
    """Settings of `pool` about further levels and correlations, and prediction."""

    prediction: str
    within: Sequence[str]
    above: Sequence[str]
    crossed: str
    rho_same: float | None
    same: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a method begins with.

    Attributes
    ----------
    effects : Effects
        What it runs on.
    model : Model
        What was asked for: by keyword, else of the main model, else the defaults.
    aggregation_rho, not_taken, notices
        As in `BiasResult`.
    """

    effects: Effects
    model: Model
    aggregation_rho: float | None = None
    not_taken: tuple[str, ...] = ()
    notices: tuple[Problem, ...] = ()

    def fields(self) -> dict[str, Any]:
        """Return the fields that every result has, but its notices."""
        return {
            "effects": self.effects,
            "level": self.model.level,
            "aggregation_rho": self.aggregation_rho,
            "not_taken": self.not_taken,
        }


def begin(
    kind: type[BiasResult], effects: Effects | PooledFit, settings: Mapping[str, object]
) -> Start:
    """Return all effects with what was asked for, for a method that takes dependent ones."""
    asked = asked_model(effects, settings)
    chosen, notices = scaled(kind, effects_of(effects))
    lost = left_out(asked, kind.takes, kind.kinds)
    return Start(effects=chosen, model=asked, not_taken=lost, notices=notices)


def scaled(kind: type[BiasResult], effects: Effects) -> tuple[Effects, tuple[Problem, ...]]:
    """Return effects on the scale on which a method runs, and a note where it is another one."""
    if not kind.fisher or not is_correlation(effects):
        return effects, ()
    message = (
        "Methods for publication bias other than regressions on the size of studies run on Fisher "
        "z: on the scale of r precision depends on the correlation itself. Means are given as r."
    )
    return on_fisher_z(effects), (notice("MA661", message, severity="note"),)


def begin_averaged(
    kind: type[BiasResult],
    effects: Effects | PooledFit,
    settings: Mapping[str, object],
    method: str,
) -> Start:
    """Return one effect per study with what was asked for.

    Several effects of a study are averaged with the rho that was asked for where it is a number
    (a column of correlations has none for an average), else with .5.
    """
    asked = asked_model(effects, settings)
    lost = left_out(asked, kind.takes, kind.kinds)
    rho = asked.rho
    if isinstance(rho, str) or rho is None:
        lost += ("rho",) if rho is not None else ()
        rho = AGGREGATION_RHO
    every, notes = scaled(kind, effects_of(effects))
    chosen, notices = independent_effects(every, method, rho)
    return Start(
        effects=chosen,
        model=asked,
        aggregation_rho=None if chosen is every else rho,
        not_taken=lost,
        notices=(*notes, *notices),
    )


def asked_model(effects: Effects | PooledFit, settings: Mapping[str, object]) -> Model:
    """Return what was asked for: by keyword, else of the fit, else the defaults."""
    said = {name: value for name, value in settings.items() if value is not None}
    kind = said.get("model")
    if isinstance(kind, Model) or not isinstance(effects, PooledFit):
        return Model.of(said)
    main = effects.specification.asked
    base = main.of_kind(str(kind)) if kind in TESTS and kind != main.kind else main
    return Model.of({**base.to_record(), **said})


def left_out(
    asked: Model, takes: frozenset[str], kinds: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Names of settings, not the defaults, for which a method that `takes` others has no place."""
    plain = Model()
    return tuple(
        s.name
        for s in settings_in(Model)
        if getattr(asked, s.field) != getattr(plain, s.field)
        and s.name not in takes
        and not (s.field == "kind" and asked.kind in kinds)
    )


def effects_of(effects: Effects | PooledFit) -> Effects:
    """Return effects, whether they came as such or inside a fit; refuse those without a value."""
    found = effects.effects if isinstance(effects, PooledFit) else effects
    found.refuse_intervals("A method for publication bias", "it needs a value for each effect")
    return found


def few_studies(effects: Effects, method: str) -> tuple[Problem, ...]:
    """Return a warning for fewer than ten studies."""
    k = effects.n_studies
    if k >= FEW_STUDIES:
        return ()
    message = (
        f"{method} on {k} {'study' if k == 1 else 'studies'}: with fewer than {FEW_STUDIES} it can "
        "hardly tell bias from chance, and a result without a sign of bias is no reassurance."
    )
    return (notice("MA650", message, "Read it as description, not as a test."),)


def need_studies(effects: Effects, smallest: int, method: str) -> None:
    """Refuse a method that has too few studies to be computed."""
    if effects.n_studies < smallest:
        found = f"there {'is' if effects.n_studies == 1 else 'are'} {effects.n_studies}"
        raise EstimationError(f"{method} needs {studies_text(smallest)}; {found}.", code="MA651")


def need_spread(values: Array, name: str, method: str) -> None:
    """Refuse a predictor that is the same everywhere (to rounding)."""
    if float(np.ptp(values)) <= 1e-10 * float(np.max(np.abs(values))):
        raise EstimationError(
            f"{method} compares small with large studies, but {name} is the same in all "
            f"{values.size} effects ({number(float(values[0]), 4)}).",
            code="MA652",
        )


def random_effects_mean(yi: Array, vi: Array, tau2: str = "REML") -> tuple[float, float]:
    """Mean and tau² of independent effects; the common-effect mean for tau2="FE"."""
    variance = 0.0
    if tau2 != "FE" and yi.size > 1:
        variance = estimate_tau2(yi, vi, np.ones((yi.size, 1)), tau2)
    wi = 1 / (vi + variance)
    return float(wi @ yi / wi.sum()), variance


def favoured_direction(effects: Effects) -> tuple[Direction, Problem]:
    """Return the sign of the pooled estimate as the direction that selection favours.

    The estimate is the random-effects mean of all effects; its sign is all that is used.
    """
    mean, _ = random_effects_mean(effects.yi, effects.vi)
    chosen: Direction = "greater" if mean >= 0 else "less"
    word = "positive" if chosen == "greater" else "negative"
    message = f"Selection is taken to favour {word} effects, because the pooled estimate is {word}."
    return chosen, notice("MA655", message, "Set alternative to state it.", severity="note")


def chosen_direction(
    effects: Effects, alternative: Literal["auto", "greater", "less"]
) -> tuple[Direction, tuple[Problem, ...]]:
    """Return the direction as asked for, or from the sign of the mean with its note."""
    if alternative != "auto":
        return alternative, ()
    way, found = favoured_direction(effects)
    return way, (found,)


def refuse_absurd(estimate: float, yi: Array, method: str) -> None:
    """Refuse a mean further outside the effects than they are apart."""
    low, high = float(yi.min()), float(yi.max())
    reach = high - low
    if not low - reach <= estimate <= high + reach:
        raise EstimationError(
            f"{method} was refused: the adjusted mean would be {number(estimate)}, while all "
            f"effects lie between {number(low)} and {number(high)} (analysis scale). These effects "
            "do not determine it.",
            code="MA654",
        )
