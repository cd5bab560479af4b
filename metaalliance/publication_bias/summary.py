"""Every method for publication bias on the same effects, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Unpack

import pandas as pd

from metaalliance.core.selection.beta import SMALLEST_P
from metaalliance.effects.effects import Effects
from metaalliance.model import ModelSettings
from metaalliance.models.further.henmi_copas import HenmiCopasFit
from metaalliance.models.pool import fit_mean
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.notices import quiet
from metaalliance.options import Measure, Scale, check_option, check_rho, check_truncation
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.applied import (
    Applied,
    DeclaredModel,
    apply_methods,
    declared_models,
)
from metaalliance.publication_bias.checks import asked_model, effects_of, few_studies
from metaalliance.publication_bias.design import check_moderators
from metaalliance.publication_bias.henmi_copas import HenmiCopas
from metaalliance.publication_bias.methods import Alternative, Average, Wanted
from metaalliance.publication_bias.result import BiasResult, Term, mean_term
from metaalliance.publication_bias.selection import checked_steps
from metaalliance.publication_bias.selection_asked import SelectionAsked
from metaalliance.publication_bias.selection_result import MILD, MILD_SOURCE
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.phrases import studies_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasSummary(InNotebook):
    """Results of all methods that apply.

    Attributes
    ----------
    fit : PooledFit
        The pooled result without adjustment.
    applied : tuple of Applied
        Every method in the order of the register, those that were refused with the reason.
    models : tuple of DeclaredModel
        The declared set of selection models.
    notices : tuple of Problem
        Each notice once; methods that were refused are among them with the reason.
    """

    fit: PooledFit = field(repr=False)
    applied: tuple[Applied, ...] = field(repr=False)
    models: tuple[DeclaredModel, ...] = field(repr=False)
    notices: tuple[Problem, ...] = field(repr=False)

    @property
    def results(self) -> dict[str, BiasResult]:
        """Results by name: regression tests, rank test, trim and fill, selection models, others."""
        return {a.name: a.result for a in self.applied if a.result is not None}

    @property
    def failed(self) -> dict[str, str]:
        """Reasons by the name of each method that was refused."""
        return {a.name: a.reason for a in self.applied if a.result is None}

    @property
    def henmi_copas(self) -> HenmiCopasFit | None:
        """Henmi and Copas's interval; None where it was refused."""
        found = self.results.get("Henmi-Copas")
        return found.fit if isinstance(found, HenmiCopas) else None

    @property
    def measure(self) -> Measure:
        """Analysis scale."""
        return self.fit.measure

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        return self.fit.level

    @property
    def aggregation_rho(self) -> float | None:
        """Correlation with which effects of a study were averaged; None where none were."""
        found = (r.aggregation_rho for r in self.results.values())
        return next((rho for rho in found if rho is not None), None)

    def not_taken(self) -> list[tuple[list[Applied], tuple[str, ...], str]]:
        """Return methods, the settings of the main model that they do not take, and the reason."""
        groups: dict[tuple[tuple[str, ...], str], list[Applied]] = {}
        for a in self.applied:
            if a.result is not None and a.result.not_taken:
                groups.setdefault((a.result.not_taken, a.result.reason()), []).append(a)
        return [(found, *key) for key, found in groups.items()]

    def adjusted(self) -> list[tuple[str, Term, int, int]]:
        """Return name, estimate, studies and effects of every adjusted mean."""
        fit = self.fit
        rows = [("Not adjusted", mean_term("mean", fit), fit.n_studies, fit.n_effects)]
        for a in self.applied:
            term = self.mean_of(a)
            if term is not None and a.result is not None:
                rows.append((a.name, term, a.result.n_studies, a.result.n_effects))
        return rows

    def mean_of(self, applied: Applied) -> Term | None:
        """Return the adjusted mean of a method on the scale of the main model, if it has one.

        A mean on Fisher z beside an analysis on the scale of r is brought back to r, without a
        standard error.
        """
        if applied.result is None:
            return None
        term, scale = applied.method.mean(applied.result), applied.result.measure
        return term if term is None or scale == self.measure else term.as_r(scale)

    def tests(self) -> list[tuple[str, Term, int, int]]:
        """Return name, test, studies and effects of every test for bias."""
        rows = []
        for a in self.applied:
            term = None if a.result is None else a.method.tested(a.result)
            if term is not None and a.result is not None:
                rows.append((a.name, term, a.result.n_studies, a.result.n_effects))
        return rows

    def to_frame(self, scale: Scale = "analysis") -> pd.DataFrame:
        """Return one row per adjusted mean, the unadjusted first."""
        check_option("scale", scale, Scale)
        rows = [
            {"method": name, **term.on(scale, self.measure), "n_studies": m, "n_effects": k}
            for name, term, m, k in self.adjusted()
        ]
        return pd.DataFrame(rows).drop(columns="name")

    def to_dict(self) -> dict[str, Any]:
        """Return every result for JSON; missing and infinite are None."""
        adjusted = [
            {"name": name, **term.to_dict(self.measure), "n_studies": m, "n_effects": k}
            for name, term, m, k in self.adjusted()
        ]
        for row, (name, *_) in zip(adjusted, self.adjusted(), strict=True):
            row["name"] = name
        content = {
            "unadjusted": self.fit.to_dict(),
            "adjusted": adjusted,
            "methods": {name: result.to_dict() for name, result in self.results.items()},
            "selection_models": [model.to_dict() for model in self.models],
            "henmi_copas": None if self.henmi_copas is None else self.henmi_copas.to_dict(),
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return all adjusted means, then each method's own text."""
        lines = ["Adjusted means side by side"]
        for name, term, m, _ in self.adjusted():
            lines.append(f"  {name} ({studies_text(m)}): {_values(term, self.measure, self.level)}")
        if self.models:
            lines.append(f"  {MILD} ({MILD_SOURCE}).")
        lines += [text for r in self.results.values() for text in ("", _own_text(r))]
        lines += ["", *(p.text for p in self.notices)]
        return "\n".join(lines)


def _values(term: Term, measure: Measure, level: float) -> str:
    return term.text(measure, level).removeprefix(f"{term.name}: ")


def _own_text(result: BiasResult) -> str:
    """A result's text without its notices, which the summary gives once."""
    return result.summary().split("\nwarning: ")[0].split("\nnote: ")[0]


def bias_summary(
    effects: Effects | PooledFit,
    *,
    steps: Sequence[float] = (0.025,),
    alternative: Alternative = "auto",
    aggregation_rho: float | None = None,
    smallest_p: float = SMALLEST_P,
    selection: SelectionAsked | None = None,
    average: Average = "none",
    **settings: Unpack[ModelSettings],
) -> BiasSummary:
    """Apply every method for publication bias that these effects allow.

    Parameters
    ----------
    effects : Effects or PooledFit
        A fit carries its settings into every method, as far as they have a meaning there; effects
        are pooled first.
    steps : sequence of float
        Cut points of the step-function selection model; a second one with (0.025, 0.5) is
        fitted where its intervals hold effects.
    alternative : {"auto", "greater", "less"}
        Direction that selection favours; "auto" takes the sign of the pooled estimate.
    aggregation_rho : float, optional
        Correlation with which effects of a study are averaged for methods that take
        independent effects; by default the rho that was asked for where it is a number, else .5.
    smallest_p : float
        Where the beta selection model truncates p, as in `beta_selection_model`.
    selection : SelectionAsked, optional
        How selection models are estimated: estimator, penalty, bootstrap, moderators.
    average : {"none", "robma"}
        Whether the mean is averaged over models of bias, too; see `robma`.
    **settings
        The settings of `pool`; beside a fit they go over its own.

    Returns
    -------
    BiasSummary
        Methods that were refused are named in its notices, with the reason.

    Raises
    ------
    OptionError
        For steps, a direction, a correlation or a p-value that cannot be, or a setting of the
        pooled model.

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> found = bias_summary(Effects.from_arrays(yi, vi))
    >>> found.to_frame()["method"].tolist()[:3]
    ['Not adjusted', 'PET-PEESE', 'Selection (0.025)']
    """
    cuts = tuple(float(step) for step in checked_steps(steps))
    check_option("alternative", alternative, Literal["auto", "greater", "less"])
    check_option("average", average, Average)
    if aggregation_rho is not None:
        check_rho(aggregation_rho, "aggregation_rho")
    wanted = Wanted(
        steps=cuts,
        alternative=alternative,
        smallest_p=check_truncation(smallest_p, "smallest_p"),
        selection=(selection or SelectionAsked()).checked(),
        average=average,
    )
    check_moderators(effects_of(effects), wanted.selection.columns())
    with quiet():
        fit = _fit(effects, settings)
        applied = apply_methods(fit, wanted, aggregation_rho)
        models = declared_models(fit, applied)
    found = [p for a in applied if a.result for p in a.result.notices if p.code != "MA650"]
    few = few_studies(fit.effects, "Publication bias")
    refused = [
        notice("MA657", f"{a.name} was left out: {a.reason}", severity="note")
        for a in applied
        if a.result is None
    ]
    return BiasSummary(
        fit=fit,
        applied=applied,
        models=models,
        notices=tuple(dict.fromkeys((*few, *found, *refused))),
    )


def _fit(effects: Effects | PooledFit, settings: ModelSettings) -> PooledFit:
    """The main model: as given, or fitted with what was asked for."""
    own = effects_of(effects)
    if isinstance(effects, PooledFit) and not settings:
        return effects
    return fit_mean(own, asked_model(effects, settings))
