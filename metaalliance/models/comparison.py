"""The pooled result beside what other customary models say about the same effects."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaalliance.core.arrays import BoolArray, read_only
from metaalliance.effects.aggregate import AGGREGATION_RHO, aggregate
from metaalliance.effects.effects import Effects
from metaalliance.effects.selection import extreme_per_study
from metaalliance.errors import EstimationError, MetaAllianceWarning
from metaalliance.models.pool import pool
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.removal import influence_of_studies, outlying
from metaalliance.options import Model
from metaalliance.problems import Problem, notice

__all__ = [
    "AGGREGATION_RHO",
    "AdjustedFit",
    "ExtraRow",
    "NamedFit",
    "adjusted_fit",
    "compare_models",
    "refit",
]


@dataclass(frozen=True, slots=True)
class NamedFit:
    """One row of the comparison.

    Attributes
    ----------
    name : str
        What distinguishes it, in words.
    fit : PooledFit
        The result; of an extra row anything with the same attributes, `to_dict` and
        `to_frame`.
    """

    name: str
    fit: PooledFit

    def to_dict(self) -> dict[str, Any]:
        """Return the row as the JSON output prints it."""
        return {"name": self.name, **self.fit.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdjustedFit(PooledFit):
    """A mean by another method, such as one adjusted for bias; what it lacks is NaN."""


def adjusted_fit(
    main: PooledFit,
    *,
    model: str,
    test: str,
    estimate: float,
    se: float,
    ci_low: float,
    ci_high: float,
    p_value: float,
    statistic: float = math.nan,
    df: float = math.inf,
    tau2: float = math.nan,
    notices: tuple[Problem, ...] = (),
) -> AdjustedFit:
    """Put the mean of another method on the effects of `main` into the shape of a row.

    Parameters
    ----------
    main : PooledFit
        The main model, whose effects and level the method had.
    model, test : str
        Names of the method and of its test.
    estimate, se, ci_low, ci_high, p_value, statistic, df : float
        The mean on the analysis scale and its inference.
    tau2 : float
        Heterogeneity variance, where the method has one.
    notices : tuple of Problem
        What limits it.
    """
    missing = dict.fromkeys(("pi_low", "pi_high", "Q", "Q_p_value", "I2", "H2"), math.nan)
    return AdjustedFit(
        effects=main.effects,
        model=model,
        test=test,
        level=main.level,
        prediction=main.prediction,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=df,
        p_value=p_value,
        ci_low=ci_low,
        ci_high=ci_high,
        Q_df=main.Q_df,
        tau2=tau2,
        weights=read_only(np.full(main.effects.n_effects, math.nan)),
        notices=notices,
        **missing,
    )


#: A row of another layer: its name, and how it is made of the main fit.
ExtraRow = tuple[str, Callable[[PooledFit], PooledFit]]


def compare_models(
    main: PooledFit, extra: Sequence[ExtraRow | NamedFit] = ()
) -> tuple[list[NamedFit], list[Problem]]:
    """Fit the models that reviewers expect beside the main one.

    With dependent effects: effects aggregated within studies (rho = .5, Knapp-Hartung), the
    lowest and the highest effect of each study, three-level and CHE unless main, and the
    common-effect mean of the aggregated effects as a reference. With independent effects:
    two-level and common-effect, unless main. Then the main model without outlying effects
    (whose own interval lies wholly outside that of the mean), and without influential studies
    (`metaalliance.models.removal`), where there are any.

    Parameters
    ----------
    main : PooledFit
        The main model.
    extra : sequence of (str, callable) or NamedFit
        Further rows at the end: results, or how to make them of the main fit, so that an
        impossible one becomes a note.

    Returns
    -------
    list of NamedFit
        The main model first.
    list of Problem
        A note for each model that could not be fitted, or would repeat the main one.
    """
    level = main.level
    rows, notes = [NamedFit(f"{main.model} (main)", main)], []
    makers: list[ExtraRow] = [
        (name, _fitter(chosen, model, level))
        for name, chosen, model in _alternatives(main.effects, main.model)
    ]
    removed, said = _removals(main)
    notes += said
    for row in (*makers, *removed, *extra):
        if isinstance(row, NamedFit):
            rows.append(row)
            continue
        name, make = row
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MetaAllianceWarning)
                rows.append(NamedFit(name, make(main)))
        except EstimationError as error:
            notes.append(notice("MA630", f"{name}: {error}", severity="note"))
    return rows, notes


def refit(main: PooledFit, effects: Effects) -> PooledFit:
    """Fit the model of `main`, with all of its options, to other effects."""
    options = {name: value for name, value in main.settings().items() if name != "measure"}
    return pool(effects, **options)


def _fitter(effects: Effects, model: Model, level: float) -> Callable[[PooledFit], PooledFit]:
    return lambda _: pool(effects, model=model, level=level)


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


def _removals(main: PooledFit) -> tuple[list[ExtraRow], list[Problem]]:
    """Rows without outliers and without influential studies, and notes where there are none."""
    rows: list[ExtraRow] = []
    notes: list[Problem] = []
    if main.n_studies < 3:
        return rows, notes
    out = outlying(main)
    if out.any():
        rows.append(("outliers removed", _without(out)))
    else:
        notes.append(_nothing("outliers removed", "no effect's interval lies outside the mean's"))
    found = influence_of_studies(main)
    if found is None:
        notes.append(
            notice(
                "MA630",
                "influential removed: studies of this model are not left out one by one.",
                severity="note",
            )
        )
        return rows, notes
    if found.held:
        message = "influential removed: judged with the variance components held."
        notes.append(notice("MA632", message, severity="note"))
    if found.influential.any():
        rows.append(("influential removed", _without(found.influential[found.study])))
    else:
        notes.append(_nothing("influential removed", "no study is influential"))
    return rows, notes


def _without(gone: BoolArray) -> Callable[[PooledFit], PooledFit]:
    return lambda main: refit(main, main.effects.subset(~gone))


def _nothing(row: str, reason: str) -> Problem:
    return notice("MA631", f"{row}: {reason}.", severity="note")
