"""One moderator tested by several methods, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from metaalliance.core.arrays import Array
from metaalliance.core.inference.permuted_moderator import permutation_test_of_moderator
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceError, OptionError
from metaalliance.model import Specification
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.moderation.grouping import Grouping
from metaalliance.moderation.result import ModeratorTest, equality, wald_record

METHODS = ("htz", "knapp-hartung", "wald", "likelihood-ratio", "permutation", "wild-bootstrap")
_NOTHING = {"statistic": math.nan, "df1": math.nan, "df2": math.nan, "p_value": math.nan}


def add_tests(
    result: ModeratorTest,
    grouping: Grouping,
    tests: str | Sequence[str],
    replications: int,
    seed: int,
) -> ModeratorTest:
    """Return the result with the tests asked for in its `tests`.

    Every method compares the tested levels with one common heterogeneity, by a test (and where it
    has to, an estimator) of its own, which its `settings` name; all else is that of the result.
    One that does not apply says why.
    """
    wanted = METHODS if tests == "all" or list(tests) == ["all"] else tests
    names = [wanted] if isinstance(wanted, str) else [str(t).strip() for t in wanted]
    for name in names:
        if name not in METHODS:
            raise OptionError(f"tests={name!r} is not one of 'all', {', '.join(METHODS)}.")
    tested = tuple(str(t) for t in result.levels.loc[result.levels["tested"], "level"])
    case = _Case(result, grouping, tested, replications, seed)
    rows = [{"method": name, **_attempt(_METHODS[name], case)} for name in names]
    columns = ["method", "test", "statistic", "df1", "df2", "p_value", "replications", "settings",
               "reason"]  # fmt: skip
    return replace(result, tests=pd.DataFrame(rows, columns=columns))


class _Case:
    """The effects of the tested levels and their common fit."""

    def __init__(
        self,
        result: ModeratorTest,
        grouping: Grouping,
        tested: tuple[str, ...],
        replications: int,
        seed: int,
    ) -> None:
        self.tested, self.replications, self.seed = tested, replications, seed
        self.model = result.specification
        if len(tested) < 2:
            raise OptionError(f"{result.name} has no two levels to test.", code="MA646")
        keep, self.X = grouping.indicators(tested)
        self.effects: Effects = grouping.effects.subset(keep)
        self.C = equality(len(tested))
        self.varies = grouping.varies_within()

    def fit(self, *, test: str, **own: Any) -> RegressionFit:
        """Fit the tested levels with the test and the estimator that a method has of its own."""
        model = replace(self.model.with_test(test), **own)
        return fit_regression(self.effects, self.X, self.tested, model)

    def mean(self, model: Specification) -> RegressionFit:
        """Fit the mean of the same effects."""
        ones = np.ones((self.effects.n_effects, 1))
        return fit_regression(self.effects, ones, ("mean",), model)


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
    found = case.fit(test="cr2").wald(case.C, "htz")
    return wald_record(found) | _settings(test="cr2")


def _knapp_hartung(case: _Case) -> dict[str, Any]:
    if case.model.kind != "two-level":
        return _not_for("it takes one effect per study in a two-level model")
    found = case.fit(test="knapp-hartung").wald(case.C, "f")
    return wald_record(found) | _settings(test="knapp-hartung")


def _wald(case: _Case) -> dict[str, Any]:
    return wald_record(case.fit(test="wald").wald(case.C, "chi2")) | _settings(test="wald")


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
        "p_value": float(stats.chi2.sf(statistic, df)),
        "reason": "",
        **_settings(**own),
    }


def _permutation(case: _Case) -> dict[str, Any]:
    """Deal the levels anew over studies."""
    model = case.model
    if case.varies:
        return _not_for(f"the moderator varies within {case.varies} studies")
    shared = [*model.above, *([model.crossed] if model.crossed else [])]
    if shared:
        return _not_for(f"studies that share {shared[0]} cannot be dealt independently")
    if model.multilevel or case.effects.dependent():
        y, v, X = _study_means(case)
        estimator, scale = "FE", "wald"
    else:
        y, v, X = case.effects.yi, case.effects.vi, case.X
        estimator = "FE" if model.kind == "common-effect" else model.tau2
        scale = model.test if model.test.startswith("knapp") else "wald"
    found = permutation_test_of_moderator(
        y, v, X, case.C, estimator=estimator, scale=scale, replications=case.replications,
        seed=case.seed,
    )  # fmt: skip
    return {
        "test": "permutation",
        "statistic": found.statistic,
        "df1": found.df1,
        "df2": math.nan,
        "p_value": found.p_value,
        "replications": found.replications,
        "reason": "",
        **_settings(test=scale),
    }


def _study_means(case: _Case) -> tuple[Array, Array, Array]:
    """One effect per study, by the variances of the model without the moderator.

    Under the null hypothesis these do not depend on how the levels are dealt, so that they are
    estimated once. With a design that is constant within studies the generalised least squares
    fit of all effects is the fit of these means.
    """
    null = case.mean(case.model)
    data = null.data
    precision = data.blocks.sums(null.point.covariance.solve(np.ones(data.yi.size)))
    weighted = data.blocks.sums(null.point.covariance.solve(data.yi))
    order = _study_order(case)
    return weighted / precision, 1 / precision, case.X[order]


def _study_order(case: _Case) -> Any:
    """First row of each study, studies in order of first appearance."""
    codes, _ = pd.factorize(case.effects.frame["study"])
    return np.unique(codes, return_index=True)[1]


def _wild_bootstrap(case: _Case) -> dict[str, Any]:
    found = case.fit(test="cr0").wild_bootstrap(
        case.C, replications=case.replications, seed=case.seed
    )
    return {
        "test": "wild-bootstrap",
        "statistic": found.statistic,
        "df1": found.df1,
        "df2": math.nan,
        "p_value": found.p_value_corrected,
        "replications": found.replications,
        "reason": found.reason,
        **_settings(test="cr0"),
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
