"""The pooled result beside what other customary models say about the same effects."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaalliance.core.arrays import read_only
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.effects.selection import as_zero, extreme_per_study
from metaalliance.errors import EstimationError
from metaalliance.model import AGGREGATION_RHO
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.notices import quiet
from metaalliance.problems import Problem, notice
from metaalliance.wording.numbers import number

#: Differences of means that a reader sees.
VISIBLE = 0.0005


@dataclass(frozen=True, slots=True)
class NamedFit:
    """One row of the comparison.

    Attributes
    ----------
    name : str
        What distinguishes it, in words.
    fit : PooledFit
        The result.
    not_taken : tuple of str
        Settings of the main model that have no meaning here.
    aggregation_rho : float or None
        Correlation with which the effects of a study were averaged; None where they were not.
    """

    name: str
    fit: PooledFit
    not_taken: tuple[str, ...] = ()
    aggregation_rho: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the row as the JSON output prints it."""
        content = {"name": self.name, **self.fit.to_dict(), "not_taken": list(self.not_taken)}
        if self.aggregation_rho is not None:
            content["settings"] = {**content["settings"], "aggregation_rho": self.aggregation_rho}
        return content


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdjustedFit(PooledFit):
    """A mean by another method, such as one adjusted for bias; what it lacks is NaN.

    Attributes
    ----------
    method, inference : str
        Names of the method and of its test.
    used : tuple of pairs
        Its further settings by their names.
    """

    method: str
    inference: str
    used: tuple[tuple[str, Any], ...] = ()

    @property
    def model(self) -> str:
        """Name of the method."""
        return self.method

    @property
    def test(self) -> str:
        """Name of its test."""
        return self.inference

    def settings(self) -> dict[str, Any]:
        """Return the options that the method used; None for a prediction, which it has not."""
        own = {"model": self.method, "test": self.inference, "level": self.level}
        return {"measure": self.measure, **dict(self.used), **own, "prediction": None}


def adjusted_fit(
    main: PooledFit,
    *,
    model: str,
    test: str,
    mean: Mapping[str, float],
    settings: Mapping[str, Any] | None = None,
    notices: tuple[Problem, ...] = (),
) -> AdjustedFit:
    """Put the mean of another method on the effects of `main` into the shape of a row.

    Parameters
    ----------
    main : PooledFit
        The main model, whose effects and level the method had.
    model, test : str
        Names of the method and of its test.
    mean : mapping
        The mean on the analysis scale and its inference: estimate, se, statistic, df, p_value,
        ci_low and ci_high.
    settings : mapping, optional
        What else the method used, by the names of settings.
    notices : tuple of Problem
        What limits it.
    """
    missing = dict.fromkeys(("pi_low", "pi_high", "Q", "Q_p_value", "tau2", "I2", "H2"), math.nan)
    return AdjustedFit(
        effects=main.effects,
        specification=main.specification,
        method=model,
        inference=test,
        used=tuple((settings or {}).items()),
        Q_df=main.Q_df,
        weights=read_only(np.full(main.effects.n_effects, math.nan)),
        notices=notices,
        **mean,
        **missing,
    )


@dataclass(frozen=True, slots=True)
class Row:
    """How a row of the comparison is made of the main result.

    Attributes
    ----------
    name : str
        What distinguishes it.
    make : callable
        Its fit, from the main one.
    not_taken : tuple of str
        Settings of the main model that have no meaning for it.
    aggregation_rho : float or None
        Correlation with which the effects of a study are averaged.
    """

    name: str
    make: Callable[[PooledFit], PooledFit]
    not_taken: tuple[str, ...] = ()
    aggregation_rho: float | None = None


def compare_models(
    main: PooledFit, extra: Sequence[Row] = (), notes: Sequence[Problem] = ()
) -> tuple[list[NamedFit], list[Problem]]:
    """Fit the models that reviewers expect beside the main one, with its settings.

    Where effects are known only as not significant: with zero for these, and without them.
    With dependent effects: effects averaged within studies, the lowest and the highest effect of
    each study, three-level and CHE unless main, and the common-effect mean of the averaged
    effects as a reference. With independent effects: two-level and common-effect, unless main.
    A row takes every setting that was asked for and has a meaning for it, and names the
    others.

    Parameters
    ----------
    main : PooledFit
        The main model.
    extra : sequence of Row
        Further rows at the end.
    notes : sequence of Problem
        Why other rows are missing; they come first.

    Returns
    -------
    list of NamedFit
        The main model first.
    list of Problem
        A note for each model that could not be fitted, or would repeat the main one.
    """
    lost = main.specification.not_taken(main.specification.asked)
    rows, said = [NamedFit(f"{main.model} (main)", main, lost)], list(notes)
    for row in (*_alternatives(main), *extra):
        try:
            with quiet():
                fit = row.make(main)
        except EstimationError as error:
            said.append(notice("MA630", f"{row.name}: {error}", severity="note"))
        else:
            rows.append(NamedFit(row.name, fit, row.not_taken, row.aggregation_rho))
            said += _few_left(row.name, fit, main)
    return rows, [*said, *_beyond_extremes(rows)]


def _few_left(name: str, fit: PooledFit, main: PooledFit) -> list[Problem]:
    """Say that a row keeps fewer than half of the studies."""
    if 2 * fit.n_studies >= main.n_studies:
        return []
    message = (
        f"{name}: {fit.n_studies} of {main.n_studies} studies are left, fewer than half: this row "
        "is not the same review without a few studies."
    )
    return [notice("MA672", message, "Name the studies that were removed beside this row.")]


def _beyond_extremes(rows: Sequence[NamedFit]) -> list[Problem]:
    """Warn of a mean outside those of the lowest and of the highest effect per study."""
    by_name = {row.name: row.fit for row in rows}
    if not {"lowest per study", "highest per study"} <= by_name.keys():
        return []
    main, low, high = (
        back_transform(fit.estimate, fit.measure)
        for fit in (rows[0].fit, by_name["lowest per study"], by_name["highest per study"])
    )
    if low - VISIBLE <= main <= high + VISIBLE:
        return []
    is_r = rows[0].fit.measure != "generic"
    shown = [number(value, correlation=is_r) for value in (main, low, high)]
    side = "below the mean of the lowest" if main < low else "above the mean of the highest"
    message = (
        f"The mean of {shown[0]} is {side} effect of each study (lowest {shown[1]}, highest "
        f"{shown[2]}): how the effects are weighted puts it there, not the effects."
    )
    hint = (
        "Look for negative weights (MA673); compare --overlap nested, a smaller --rho, and the "
        "averaged effects."
    )
    return [notice("MA669", message, hint)]


def refit(main: PooledFit, effects: Effects) -> PooledFit:
    """Fit the model of `main`, with all of its options, to other effects."""
    return fit_mean(effects, main.specification)


def _alternatives(main: PooledFit) -> list[Row]:
    """Rows with other random effects than the main one, or with one effect per study."""
    effects = main.effects
    if effects.n_censored:
        return [
            _row(main, name, found, main.model if found.dependent() else "two-level")
            for name, found in (
                ("not significant as zero", as_zero(effects)),
                ("not significant dropped", effects.subset(~effects.censored)),
            )
        ]
    if not effects.dependent():
        return [
            _row(main, kind, effects, kind)
            for kind in ("two-level", "common-effect")
            if kind != main.model
        ]
    asked = main.specification.asked.rho
    rho = asked if isinstance(asked, float) else AGGREGATION_RHO
    one = aggregate(effects, rho)
    return [
        _row(main, "aggregated", one, "two-level", rho),
        _row(main, "lowest per study", extreme_per_study(effects, "lowest"), "two-level"),
        _row(main, "highest per study", extreme_per_study(effects, "highest"), "two-level"),
        *(_row(main, kind, effects, kind) for kind in ("three-level", "che") if kind != main.model),
        _row(main, "common-effect", one, "common-effect", rho),
    ]


def _row(main: PooledFit, name: str, effects: Effects, kind: str, rho: float | None = None) -> Row:
    """The settings that were asked for, as far as they have a meaning for other random effects."""
    asked = main.specification.asked
    model = asked.of_kind(kind)
    lost = tuple(n for n in model.not_taken(asked) if n != "rho" or rho != asked.rho)
    return Row(name, lambda _: fit_mean(effects, model), lost, rho)
