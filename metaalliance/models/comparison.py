"""The pooled result beside what other customary models say about the same effects."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from metaalliance.effects.aggregate import AGGREGATION_RHO, aggregate
from metaalliance.effects.effects import Effects
from metaalliance.effects.selection import extreme_per_study
from metaalliance.errors import EstimationError, MetaAllianceWarning
from metaalliance.models.fits import PooledFit
from metaalliance.models.pool import pool
from metaalliance.options import Model
from metaalliance.problems import Problem, notice

__all__ = ["AGGREGATION_RHO", "NamedFit", "compare_models"]


@dataclass(frozen=True, slots=True)
class NamedFit:
    """One row of the comparison.

    Attributes
    ----------
    name : str
        What distinguishes it, in words.
    fit : PooledFit
        The result.
    """

    name: str
    fit: PooledFit

    def to_dict(self) -> dict[str, Any]:
        """Return the row as the JSON output prints it."""
        return {"name": self.name, **self.fit.to_dict()}


def compare_models(main: PooledFit) -> tuple[list[NamedFit], list[Problem]]:
    """Fit the models that reviewers expect beside the main one.

    With dependent effects: effects aggregated within studies (rho = .5, Knapp-Hartung), the
    lowest and the highest effect of each study, three-level and CHE unless main, and the
    common-effect mean of the aggregated effects as a reference. With independent effects:
    two-level and common-effect, unless main.

    Returns
    -------
    list of NamedFit
        The main model first.
    list of Problem
        A note for each model that could not be fitted.
    """
    effects, level = main.effects, main.level
    rows = [NamedFit(f"{main.model} (main)", main)]
    notes: list[Problem] = []
    for name, chosen, model in _alternatives(effects, main.model):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MetaAllianceWarning)
                rows.append(NamedFit(name, pool(chosen, model=model, level=level)))
        except EstimationError as error:
            notes.append(notice("MA630", f"{name}: {error}", severity="note"))
    return rows, notes


def _alternatives(effects: Effects, main: str) -> list[tuple[str, Effects, Model]]:
    """Name, effects and model of each row beside the main one."""
    found: list[tuple[str, Effects, Model]] = []
    if not effects.dependent():
        found = [("two-level", effects, "two-level"), ("common-effect", effects, "common-effect")]
        return [row for row in found if row[2] != main]
    one = aggregate(effects, AGGREGATION_RHO)
    found = [
        ("aggregated", one, "two-level"),
        ("lowest per study", extreme_per_study(effects, "lowest"), "two-level"),
        ("highest per study", extreme_per_study(effects, "highest"), "two-level"),
        ("three-level", effects, "three-level"),
        ("che", effects, "che"),
        ("common-effect", one, "common-effect"),
    ]
    return [row for row in found if row[0] != main]
