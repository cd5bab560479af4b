"""One moderator tested by several methods, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from metaalliance.core.distributions import chi2_sf
from metaalliance.core.inference.group_means import first_with_others
from metaalliance.core.inference.multiplicity import holm
from metaalliance.core.inference.permuted_moderator import permutation_test_of_moderator
from metaalliance.core.inference.permuted_studies import permutation_test_of_studies
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceError, OptionError
from metaalliance.model import Specification
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.models.structure import working_data
from metaalliance.models.working import estimator_of
from metaalliance.moderation.grouping import Grouping
from metaalliance.moderation.result import ModeratorTest, wald_record
from metaalliance.options import Components, FurtherTest, option_values
from metaalliance.wording.phrases import studies_text

METHODS = tuple(m for m in option_values(FurtherTest) if m != "all")


class Chance(TypedDict):
    """What permutations and bootstrap go by.

    Attributes
    ----------
    components : {"re-estimated", "held"}
        What becomes of the variance components in each replication.
    replications, seed : int
        How many replications there are, and the seed of their generator.
    """

    components: Components
    replications: int
    seed: int


_NOTHING = {"statistic": math.nan, "df1": math.nan, "df2": math.nan, "p_value": math.nan}


def add_tests(
    result: ModeratorTest,
    grouping: Grouping,
    tests: str | Sequence[str],
    chance: Chance,
    progress: Callable[[int, int], None] | None = None,
) -> ModeratorTest:
    """Return the result with the tests asked for in its `tests`.

    Every method compares the tested levels with one common heterogeneity, by a test (and where it
    has to, an estimator) of its own, which its `settings` name; all else is that of the result.
    One that does not apply says why. `chance` is what permutations and bootstrap go by, and
    `progress` is told how many contrasts of all are bootstrapped.
    """
    wanted = METHODS if tests == "all" or list(tests) == ["all"] else tests
    names = [wanted] if isinstance(wanted, str) else [str(t).strip() for t in wanted]
    for name in names:
        if name not in METHODS:
            raise OptionError(f"tests={name!r} is not one of 'all', {', '.join(METHODS)}.")
    tested = tuple(str(t) for t in result.levels.loc[result.levels["tested"], "level"])
    case = _Case(result, grouping, tested, chance)
    rows = [{"method": name, **_attempt(_METHODS[name], case)} for name in names]
    columns = ["method", "test", "statistic", "df1", "df2", "p_value", "monte_carlo_se",
               "replications", "settings", "reason"]  # fmt: skip
    contrasts = result.contrasts
    done = any(row["test"] == "wild-bootstrap" for row in rows)
    if done and isinstance(result.fit, RegressionFit):
        contrasts = _bootstrapped(contrasts, case, progress)
    return replace(result, tests=pd.DataFrame(rows, columns=columns), contrasts=contrasts)


class _Case:
    """The effects of the tested levels and their common fit."""

    def __init__(
        self,
        result: ModeratorTest,
        grouping: Grouping,
        tested: tuple[str, ...],
        chance: Chance,
    ) -> None:
        self.tested, self.chance = tested, chance
        self.model = result.specification
        if len(tested) < 2:
            raise OptionError(f"{result.name} has no two levels to test.", code="MA646")
        keep, self.X = grouping.indicators(tested)
        self.effects: Effects = grouping.effects.subset(keep)
        self.C = first_with_others(len(tested)).dense(len(tested))
        self.varies = grouping.varies_within()

    def fit(self, *, test: str, **own: Any) -> RegressionFit:
        """Fit the tested levels with the test and the estimator that a method has of its own."""
        model = replace(self.model.with_test(test), **own)
        return fit_regression(self.effects, self.X, self.tested, model)

    def mean(self, model: Specification) -> RegressionFit:
        """Fit the mean of the same effects."""
        ones = np.ones((self.effects.n_effects, 1))
        return fit_regression(self.effects, ones, ("mean",), model)


def _bootstrapped(
    contrasts: pd.DataFrame, case: _Case, progress: Callable[[int, int], None] | None
) -> pd.DataFrame:
    """Contrasts with the p-value of the wild bootstrap of each, and the same adjusted by Holm."""
    fit, levels = case.fit(test="cr0"), {name: i for i, name in enumerate(case.tested)}
    p = np.full(len(contrasts), math.nan)
    for row, (a, b) in enumerate(zip(contrasts["level_a"], contrasts["level_b"], strict=True)):
        C = np.zeros((1, len(levels)))
        C[0, levels[str(a)]], C[0, levels[str(b)]] = 1.0, -1.0
        p[row] = fit.wild_bootstrap(C, **case.chance).p_value_corrected
        if progress is not None:
            progress(row + 1, len(contrasts))
    return contrasts.assign(p_bootstrap=p, p_bootstrap_adjusted=holm(p))


def _attempt(method: Callable[[_Case], dict[str, Any]], case: _Case) -> dict[str, Any]:
    """Run a method; where it does not apply, say why."""
    try:
        return method(case)
    except MetaAllianceError as error:
        return _not_for(str(error))


def _settings(**own: str) -> dict[str, str]:
    """What a method has of its own, as text."""
    return {"settings": ", ".join(f"{name}={value}" for name, value in own.items())}


def _htz(case: _Case) -> dict[str, Any]:
    found = case.fit(test="cr2").equality("htz")
    return wald_record(found) | _settings(test="cr2")


def _knapp_hartung(case: _Case) -> dict[str, Any]:
    if case.model.kind != "two-level":
        return _not_for("it takes one effect per study in a two-level model")
    found = case.fit(test="knapp-hartung").equality("f")
    return wald_record(found) | _settings(test="knapp-hartung")


def _wald(case: _Case) -> dict[str, Any]:
    return wald_record(case.fit(test="wald").equality("chi2")) | _settings(test="wald")


def _likelihood_ratio(case: _Case) -> dict[str, Any]:
    """Compare the full likelihoods (ML) with and without the levels."""
    estimated = case.model.kind != "common-effect"
    own = {**({"tau2": "ML"} if estimated else {}), "test": "wald"}
    full = case.fit(**own)
    null = case.mean(full.specification)
    statistic = max(0.0, 2 * (full.log_likelihood - null.log_likelihood))
    df = len(case.tested) - 1
    return {
        "test": "chi2",
        "statistic": statistic,
        "df1": df,
        "df2": math.inf,
        "p_value": float(chi2_sf(statistic, df)),
        "reason": "",
        **_settings(**own),
    }


def _permutation(case: _Case) -> dict[str, Any]:
    """Deal the levels anew over studies."""
    model, chance = case.model, case.chance
    if case.varies:
        return _not_for(f"the moderator varies within {studies_text(case.varies)}")
    shared = [*model.above, *([model.crossed] if model.crossed else [])]
    if shared:
        return _not_for(f"studies that share {shared[0]} cannot be dealt independently")
    scale = model.test if model.test.startswith("knapp") and not model.multilevel else "wald"
    if model.multilevel or case.effects.dependent():
        data = working_data(case.effects, case.X, model)
        found = permutation_test_of_studies(data, case.C, estimator=estimator_of(model), **chance)
    else:
        estimator = "FE" if model.kind == "common-effect" else model.tau2
        found = permutation_test_of_moderator(
            case.effects.yi, case.effects.vi, case.X, case.C, estimator=estimator, scale=scale,
            **chance,
        )  # fmt: skip
    return {
        "test": "permutation",
        "statistic": found.statistic,
        "df1": found.df1,
        "df2": math.nan,
        "p_value": found.p_value,
        "monte_carlo_se": found.monte_carlo_se,
        "replications": found.replications,
        "reason": "",
        **_settings(test=scale, components=found.components),
    }


def _wild_bootstrap(case: _Case) -> dict[str, Any]:
    found = case.fit(test="cr0").wild_bootstrap(case.C, **case.chance)
    return {
        "test": "wild-bootstrap",
        "statistic": found.statistic,
        "df1": found.df1,
        "df2": math.nan,
        "p_value": found.p_value_corrected,
        "monte_carlo_se": found.monte_carlo_se,
        "replications": found.replications,
        "reason": found.reason,
        **_settings(test="cr0", components=found.components),
    }


def _not_for(reason: str) -> dict[str, Any]:
    return {"test": None, **_NOTHING, "settings": "", "reason": reason}


_METHODS: dict[str, Callable[[_Case], dict[str, Any]]] = {
    "htz": _htz,
    "knapp-hartung": _knapp_hartung,
    "wald": _wald,
    "likelihood-ratio": _likelihood_ratio,
    "permutation": _permutation,
    "wild-bootstrap": _wild_bootstrap,
}
