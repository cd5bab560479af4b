"""Every method for publication bias on the same effects, side by side."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceWarning
from metaalliance.models.further.henmi_copas import HenmiCopasFit, henmi_copas
from metaalliance.models.pool import pool
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.options import Measure, Scale, check_option
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.beta_selection import beta_selection_model
from metaalliance.publication_bias.checks import RHO, effects_of, few_studies
from metaalliance.publication_bias.egger import egger
from metaalliance.publication_bias.excess_significance import excess_significance
from metaalliance.publication_bias.fail_safe import fail_safe_n
from metaalliance.publication_bias.limit_meta import limit_meta
from metaalliance.publication_bias.p_uniform import p_uniform
from metaalliance.publication_bias.pet_peese import pet_peese
from metaalliance.publication_bias.rank_test import rank_test
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.publication_bias.selection import selection_model
from metaalliance.publication_bias.trim_and_fill import trim_and_fill


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasSummary:
    """Results of all methods that apply.

    Attributes
    ----------
    fit : PooledFit
        The pooled result without adjustment.
    results : dict of str to BiasResult
        By name: the regression tests, rank test, trim and fill, selection models and others.
    henmi_copas : HenmiCopasFit or None
        Henmi and Copas's interval; None where it was refused.
    notices : tuple of Problem
        Each notice once; methods that were refused are among them with the reason.
    """

    fit: PooledFit = field(repr=False)
    results: dict[str, BiasResult] = field(repr=False)
    henmi_copas: HenmiCopasFit | None = field(repr=False)
    notices: tuple[Problem, ...] = field(repr=False)

    @property
    def measure(self) -> Measure:
        """Analysis scale."""
        return self.fit.measure

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        return self.fit.level

    def adjusted(self) -> list[tuple[str, Term, int, int]]:
        """Return name, estimate, studies and effects of every adjusted mean."""
        fit = self.fit
        rows = [("Not adjusted", _term(fit), fit.n_studies, fit.n_effects)]
        for name, result in self.results.items():
            term = result.adjusted()
            if term is not None:
                rows.append((name, term, result.n_studies, result.n_effects))
        if self.henmi_copas is not None:
            found = self.henmi_copas
            rows.append(("Henmi-Copas", _term(found), found.n_studies, found.n_studies))
        return rows

    def tests(self) -> list[tuple[str, Term, int, int]]:
        """Return name, test, studies and effects of every test for bias."""
        rows = []
        for name, result in self.results.items():
            term = _test(result)
            if term is not None:
                rows.append((name, term, result.n_studies, result.n_effects))
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
            "henmi_copas": None if self.henmi_copas is None else self.henmi_copas.to_dict(),
            "notices": [p.to_dict() for p in self.notices],
        }
        cleaned: dict[str, Any] = without_nan(content)
        return cleaned

    def summary(self) -> str:
        """Return all adjusted means, then each method's own text."""
        lines = ["Adjusted means side by side"]
        for name, term, m, _ in self.adjusted():
            lines.append(f"  {name} ({m} studies): {_values(term, self.measure, self.level)}")
        lines += [text for r in self.results.values() for text in ("", _own_text(r))]
        lines += ["", *(f"{p.severity}: {p.message} ({p.code})" for p in self.notices)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return str(self.to_frame(scale="r").round(4).to_html(index=False))


def _values(term: Term, measure: Measure, level: float) -> str:
    return term.text(measure, level).removeprefix(f"{term.name}: ")


def _own_text(result: BiasResult) -> str:
    """A result's text without its notices, which the summary gives once."""
    return result.summary().split("\nwarning: ")[0].split("\nnote: ")[0]


def _term(fit: PooledFit | HenmiCopasFit) -> Term:
    """The mean of a fit as a term; Henmi and Copas's has no degrees of freedom."""
    return Term(
        name="mean",
        kind="effect",
        estimate=fit.estimate,
        se=fit.se,
        statistic=getattr(fit, "statistic", float("nan")),
        df=getattr(fit, "df", float("nan")),
        p_value=fit.p_value,
        ci_low=fit.ci_low,
        ci_high=fit.ci_high,
    )


def _test(result: BiasResult) -> Term | None:
    """The term that tests for bias: slope, correlation, selection, or excess."""
    position = {
        "egger": 0,
        "rank_test": 0,
        "selection_model": -1,
        "beta_selection_model": -1,
        "excess_significance": -1,
        "p_uniform": -1,
        "limit_meta": -1,
    }
    if result.method not in position:
        return None
    return result.terms()[position[result.method]]


_Method = Callable[[Effects], BiasResult]
#: Assumed correlation within studies where the fit has no single one.
_WITHIN = 0.6


def bias_summary(
    effects: Effects | PooledFit,
    *,
    steps: Sequence[float] = (0.025,),
    alternative: Literal["auto", "greater", "less"] = "auto",
    aggregation_rho: float = RHO,
) -> BiasSummary:
    """Apply every method for publication bias that these effects allow.

    Parameters
    ----------
    effects : Effects or PooledFit
        A fit carries its model, rho and level into the regression tests; effects are pooled by
        the default model first.
    steps : sequence of float
        Cut points of the step-function selection model; a second one with (0.025, 0.5) is
        fitted where its intervals hold effects.
    alternative : {"auto", "greater", "less"}
        Direction that selection favours; "auto" takes the sign of the pooled estimate.
    aggregation_rho : float
        Correlation with which effects of a study are averaged for methods that take
        independent effects.

    Returns
    -------
    BiasSummary
        Methods that were refused are named in its notices, with the reason.

    Examples
    --------
    >>> yi = [0.1, 0.55, 0.3, 0.2, 0.5, 0.38, 0.05, 0.45, 0.4, 0.02, 0.6, 0.35]
    >>> vi = [0.01, 0.04, 0.02, 0.01, 0.05, 0.03, 0.01, 0.04, 0.02, 0.01, 0.06, 0.03]
    >>> found = bias_summary(Effects.from_arrays(yi, vi))
    >>> found.to_frame()["method"].tolist()[:3]
    ['Not adjusted', 'PET-PEESE', 'Trim and fill (L0)']
    """
    chosen = effects_of(effects)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        fit = effects if isinstance(effects, PooledFit) else pool(chosen)
        methods = _methods(fit, steps, alternative, aggregation_rho)
        results, refused = _run(methods, chosen)
        try:
            interval = henmi_copas(chosen, level=fit.level, rho=aggregation_rho)
        except EstimationError as error:
            interval = None
            refused.append(_refused("Henmi-Copas", error))
    found = [p for r in results.values() for p in r.notices if p.code != "MA650"]
    few = few_studies(chosen, "Publication bias")
    once = dict.fromkeys((*few, *_simplified(fit), *found, *refused))
    return BiasSummary(fit=fit, results=results, henmi_copas=interval, notices=tuple(once))


def _run(
    methods: dict[str, _Method], effects: Effects
) -> tuple[dict[str, BiasResult], list[Problem]]:
    """Results of the methods that apply, and a notice for each that does not."""
    results: dict[str, BiasResult] = {}
    refused: list[Problem] = []
    for name, method in methods.items():
        try:
            results[name] = method(effects)
        except EstimationError as error:
            refused.append(_refused(name, error))
    return results, refused


def _simplified(fit: PooledFit) -> tuple[Problem, ...]:
    """Note when the regression tests have a simpler model than the fit."""
    if not fit.specification.columns:
        return ()
    message = (
        "Egger's test and PET-PEESE use effects in studies with one assumed correlation, "
        "not the further levels and correlations of the pooled model."
    )
    return (notice("MA657", message, severity="note"),)


def _refused(name: str, error: EstimationError) -> Problem:
    return notice("MA657", f"{name} was left out: {error}", severity="note")


def _methods(
    fit: PooledFit, steps: Sequence[float], way: Literal["auto", "greater", "less"], rho: float
) -> dict[str, _Method]:
    """The methods by name, with the level and the dependence of the fit."""
    level = fit.level
    within = fit.specification.rho
    assumed = within if isinstance(within, float) and within > 0 else _WITHIN
    dependent = fit.effects.dependent()
    model: Any = fit.model if dependent and fit.model in {"che", "three-level"} else "auto"
    averaged: dict[str, Any] = {"rho": rho, "level": level}
    directed: dict[str, Any] = {"alternative": way, "level": level}
    several = tuple(sorted({*steps, 0.5}))
    methods: dict[str, _Method] = {
        "Egger": lambda e: egger(e, model=model, rho=assumed, level=level),
        "PET-PEESE": lambda e: pet_peese(e, model, rho=assumed, level=level),
        "Rank correlation": lambda e: rank_test(e, **averaged),
        "Trim and fill (L0)": lambda e: trim_and_fill(e, "L0", **averaged),
        "Trim and fill (R0)": lambda e: trim_and_fill(e, "R0", **averaged),
        f"Selection ({_listed(steps)})": lambda e: selection_model(e, steps, **directed),
    }
    if several != tuple(steps):
        more = f"Selection ({_listed(several)})"
        methods[more] = lambda e: selection_model(e, several, **directed)
    methods |= {
        "Beta selection": lambda e: beta_selection_model(e, **directed),
        "p-uniform*": lambda e: p_uniform(e, **averaged, alternative=way),
        "Limit meta-analysis": lambda e: limit_meta(e, **averaged),
        "Excess significance": lambda e: excess_significance(e, **averaged),
        "Fail-safe N": lambda e: fail_safe_n(e, **averaged),
    }
    return methods


def _listed(steps: Sequence[float]) -> str:
    return ", ".join(f"{step:g}" for step in steps)
