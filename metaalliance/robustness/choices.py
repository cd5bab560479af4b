"""The models that a grid means: each is the main analysis with other decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from metaalliance.model import LIKELIHOOD, MULTILEVEL, TESTS, Model
from metaalliance.options import CLUSTER_TESTS
from metaalliance.robustness.specifications import Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What is done with a set of effects.

    Attributes
    ----------
    aggregation : str
        How one effect per study is made of them first, or "none".
    averaged : float or None
        Correlation with which they are averaged.
    fitted : Model
        What is fitted then.
    overlap : str or None
        Whose people the effects of a sample are; None where nothing depends on it.
    selection : str
        The selection model that is fitted in place of `fitted`, of which it takes the level; or
        "none".
    """

    aggregation: str
    averaged: float | None
    fitted: Model
    overlap: str | None = None
    selection: str = "none"

    def to_dict(self) -> dict[str, Any]:
        """Return the decisions about the model; None where one has no meaning."""
        model, plain = self.fitted, self.selection == "none"
        return {
            "aggregation": self.aggregation,
            "model": model.kind if plain else None,
            "rho": model.rho if plain and model.kind == "che" else self.averaged,
            "overlap": self.overlap,
            "tau2": model.tau2 if plain and model.kind != "common-effect" else None,
            "test": model.test if plain else None,
            "selection": self.selection,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The models for one kind of effects.

    Attributes
    ----------
    choices : tuple of ModelChoice
        Distinct possible models, in the order of the grid.
    places : tuple of int
        For each combination of the decisions about the model: its place in `choices`, or -1
        where it is impossible.
    impossible : dict of str to int
        Impossible combinations by the rule that leaves them out.
    """

    choices: tuple[ModelChoice, ...]
    places: tuple[int, ...]
    impossible: Mapping[str, int]

    @property
    def equivalent(self) -> int:
        """Combinations that are the same model as an earlier one."""
        return sum(p >= 0 for p in self.places) - len(self.choices)


def plan_models(grid: Grid, *, dependent: bool, main: Model | None = None) -> Plan:
    """Combine the decisions about the model by rule.

    Parameters
    ----------
    grid : Grid
        The options.
    dependent : bool
        Whether some study has several effects.
    main : Model, optional
        The main analysis, of which a model has every setting that is no decision.
    """
    known: dict[ModelChoice, int] = {}
    places: list[int] = []
    impossible: Counter[str] = Counter()
    for options in grid.model_choices():
        found = model_choice(options, dependent=dependent, main=main)
        if isinstance(found, str):
            impossible[found] += 1
            places.append(-1)
        else:
            places.append(known.setdefault(found, len(known)))
    return Plan(choices=tuple(known), places=tuple(places), impossible=dict(impossible))


def model_choice(
    options: Mapping[str, Any], *, dependent: bool, main: Model | None = None
) -> ModelChoice | str:
    """Return the model that a combination means, or the rule that makes it impossible.

    A decision that has no meaning for the model leaves no trace: combinations that differ in
    nothing else are one specification.
    """
    kind, rho = options["model"], options["rho"]
    aggregation = options["aggregation"] if dependent else "none"
    asked = main or Model()
    rule = _impossible(options, aggregation, dependent=dependent, main=asked)
    if rule:
        return rule
    averaged = rho if aggregation == "mean" else None
    if options["selection"] != "none":
        return ModelChoice(
            aggregation=aggregation,
            averaged=averaged,
            fitted=Model(level=asked.level),
            overlap=options["overlap"] if aggregation == "mean" else None,
            selection=options["selection"],
        )
    changes: dict[str, Any] = {"rho": rho if kind == "che" else None}
    if kind != "common-effect":
        changes["tau2"] = options["tau2"]
    return ModelChoice(
        aggregation=aggregation,
        averaged=averaged,
        fitted=replace(asked.of_kind(kind).with_test(options["test"]), **changes),
        overlap=options["overlap"] if kind == "che" or aggregation == "mean" else None,
    )


def _impossible(
    options: Mapping[str, Any], aggregation: str, *, dependent: bool, main: Model
) -> str:
    """Return the rule that leaves a combination out, "" where it is an analysis."""
    kind, test, tau2 = options["model"], options["test"], options["tau2"]
    if test not in TESTS[kind]:
        return f"{kind} has no {test} test"
    if aggregation == "mean" and isinstance(options["rho"], str):
        return f"a mean within studies takes one rho, not the column {options['rho']}"
    if kind not in MULTILEVEL:
        alone = dependent and aggregation == "none" and test not in CLUSTER_TESTS
        return f"{kind} with a {test} test takes one effect per study" if alone else ""
    if aggregation != "none":
        return f"{kind} needs several effects per study, and aggregation leaves one"
    if not dependent:
        return f"{kind} needs several effects per study, and no study has them"
    if tau2 not in LIKELIHOOD:
        return f"{kind} has no {tau2} estimator"
    if main.crossed and test in CLUSTER_TESTS:
        return f"{kind} has no {test} test beside a crossed factor ({main.crossed})"
    return ""
