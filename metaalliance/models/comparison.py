"""The pooled result beside what other customary models say about the same effects."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.effects.selection import extreme_per_study
from metaalliance.errors import EstimationError, MetaAllianceWarning
from metaalliance.models.fits import PooledFit
from metaalliance.models.pool import pool
from metaalliance.problems import Problem, notice

#: Correlation that the alliance literature assumes when it aggregates within studies.
AGGREGATION_RHO = 0.5


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
    lowest and the highest effect of each study, and the three-level model or CHE, whichever
    is not the main one; always a common-effect model as the reference.

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
    for name, fit in _alternatives(effects, main.model, level):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MetaAllianceWarning)
                rows.append(NamedFit(name, fit()))
        except EstimationError as error:
            notes.append(notice("MA630", f"{name}: {error}", severity="note"))
    return rows, notes


def _alternatives(
    effects: Effects, main: str, level: float
) -> list[tuple[str, Callable[[], PooledFit]]]:
    """Name and fit of each model beside the main one."""
    if not effects.dependent():
        options = {"two-level": "two-level", "common-effect": "common effect"}
        return [
            (name, lambda m=model: pool(effects, model=m, level=level))
            for model, name in options.items()
            if model != main
        ]
    one = aggregate(effects, AGGREGATION_RHO)
    found: list[tuple[str, Callable[[], PooledFit]]] = [
        ("one effect per study, aggregated", lambda: pool(one, model="two-level", level=level))
    ]
    for which in ("lowest", "highest"):
        found.append(
            (
                f"one effect per study, {which}",
                lambda w=which: pool(extreme_per_study(effects, w), model="two-level", level=level),
            )
        )
    for model in ("three-level", "che"):
        if model != main:
            found.append((model, lambda m=model: pool(effects, model=m, level=level)))
    found.append(("common effect, aggregated", lambda: pool(one, model="common-effect", level=level)))
    return found
