"""The register of methods for publication bias: one row each, from which all else derives.

`bias_summary`, the command, JSON, the report with its references and the table of the docs go
through these rows. A new method is a function in a file of its own and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

from metaalliance.core.selection.beta import SMALLEST_P
from metaalliance.errors import OptionError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.publication_bias.beta_selection import BetaSelectionModel, beta_selection_model
from metaalliance.publication_bias.egger import Egger, egger
from metaalliance.publication_bias.excess_significance import (
    ExcessSignificance,
    excess_significance,
)
from metaalliance.publication_bias.fail_safe import FailSafeN, fail_safe_n
from metaalliance.publication_bias.henmi_copas import HenmiCopas, henmi_copas_bias
from metaalliance.publication_bias.limit_meta import LimitMeta, limit_meta
from metaalliance.publication_bias.p_uniform import PUniform, p_uniform
from metaalliance.publication_bias.pet_peese import PetPeese, pet_peese
from metaalliance.publication_bias.rank_test import RankTest, rank_test
from metaalliance.publication_bias.result import BiasResult, Term
from metaalliance.publication_bias.robma import Robma, robma
from metaalliance.publication_bias.selection import SelectionModel, selection_model
from metaalliance.publication_bias.selection_asked import SelectionAsked
from metaalliance.publication_bias.trim_and_fill import TrimAndFill, trim_and_fill

Alternative = Literal["auto", "greater", "less"]
Average = Literal["none", "robma"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of all methods together.

    Attributes
    ----------
    steps : tuple of float
        Cut points of the step-function selection model.
    alternative : {"auto", "greater", "less"}
        Direction that selection favours.
    smallest_p : float
        Where the beta selection model truncates p.
    selection : SelectionAsked
        How selection models are estimated.
    average : {"none", "robma"}
        Whether a mean over models of bias is asked for.
    """

    steps: tuple[float, ...] = (0.025,)
    alternative: Alternative = "auto"
    smallest_p: float = SMALLEST_P
    selection: SelectionAsked = field(default_factory=SelectionAsked)
    average: Average = "none"

    def averaging(self) -> dict[str, Any] | None:
        """Return the options of the mean over models; None where it is not asked for."""
        return self.way() if self.average == "robma" else None

    def way(self) -> dict[str, Any]:
        """Return the options of a method with a direction."""
        return {"alternative": self.alternative}

    def truncated(self) -> dict[str, Any]:
        """Return the options of the beta selection model."""
        return {**self.way(), "smallest_p": self.smallest_p, **self.selection.options()}

    def as_asked(self) -> dict[str, Any]:
        """Return the options of the selection model with the steps that were asked for."""
        return {"steps": self.steps, **self.way(), **self.selection.options()}

    def and_half(self) -> dict[str, Any] | None:
        """Return those of the model with a step at .5 too; None where that is the same."""
        steps = tuple(sorted({*self.steps, 0.5}))
        return None if steps == self.steps else {**self.as_asked(), "steps": steps}


def _none(_: Wanted) -> dict[str, Any]:
    return {}


@wraps(beta_selection_model)
def _beta(
    fit: PooledFit,
    *,
    estimator: str = "cml",
    **options: Any,
) -> BetaSelectionModel:
    """Refuse what the beta selection model does not have."""
    if estimator != "cml":
        raise OptionError("The beta selection model does not have the ARGL estimator.")
    return beta_selection_model(fit, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method.

    Attributes
    ----------
    name, title : str
        Its key in a summary and in `bias --json`, and its name in a report; "{steps}" stands for
        the cut points.
    result : type
        Class of its results, which says which settings it takes, and why not others.
    function : callable
        From a fit (or effects) and options to a result.
    kind : {"test", "mean", "both", "count"}
        What it gives: a test for bias, an adjusted mean, both, or neither.
    test : int
        Position of the test among the terms of a result.
    options : callable
        Options of the function from what is wanted; None leaves the method out.
    sentence : str
        What it does, for the methods section of a report and for the docs, without its point;
        "{name}" stands for the title, ``*p*`` is italic.
    references : tuple of str
        Keys of the bibliography.
    told : bool
        Whether its reading stands under the tables of `bias`.
    """

    name: str
    title: str
    result: type[BiasResult]
    function: Callable[..., BiasResult]
    kind: Literal["test", "mean", "both", "count"]
    test: int = 0
    options: Callable[[Wanted], Mapping[str, Any] | None] = _none
    sentence: str
    references: tuple[str, ...]
    told: bool = False

    @property
    def averages(self) -> bool:
        """Whether effects of a study are averaged first."""
        return "rho" in self.result.takes and "model" not in self.result.takes

    def tested(self, result: BiasResult) -> Term | None:
        """Return the term that tests for bias; None where the method has none."""
        return result.terms()[self.test] if self.kind in {"test", "both"} else None

    def mean(self, result: BiasResult) -> Term | None:
        """Return the adjusted mean; None where the method has none."""
        return result.adjusted() if self.kind in {"mean", "both"} else None


def named(text: str, options: Mapping[str, Any]) -> str:
    """Return a name with the cut points of a selection model filled in."""
    return text.replace("{steps}", ", ".join(f"{step:g}" for step in options.get("steps", ())))


_FILL = (
    "Trim and fill counts the effects that are missing on one side of the funnel and adds their "
    "mirror images"
)
_STEPS = (
    "A step-function selection model estimates with the mean how likely results are to be "
    "reported, by intervals of their one-sided *p*, each result by the test of its report"
)

METHODS: Sequence[Method] = (
    Method(
        name="Egger",
        title="Regression test (Egger)",
        result=Egger,
        function=egger,
        kind="test",
        sentence="Egger’s test regresses effects on the size of their studies, by default their "
        "standard errors",
        references=("egger1997", "rodgers2021"),
        told=True,
    ),
    Method(
        name="PET-PEESE",
        title="PET-PEESE",
        result=PetPeese,
        function=pet_peese,
        kind="mean",
        sentence="PET-PEESE extrapolates to a study without sampling error from a regression on "
        "the standard error (PET) or, where the limit of PET differs from zero, on the sampling "
        "variance (PEESE)",
        references=("stanley2014",),
        told=True,
    ),
    Method(
        name="Selection ({steps})",
        title="Step-function selection model",
        result=SelectionModel,
        function=selection_model,
        kind="both",
        test=-1,
        options=Wanted.as_asked,
        sentence=_STEPS,
        references=("vevea1995",),
    ),
    Method(
        name="Selection ({steps})",
        title="Step-function selection model ({steps})",
        result=SelectionModel,
        function=selection_model,
        kind="both",
        test=-1,
        options=Wanted.and_half,
        sentence=_STEPS,
        references=("vevea1995",),
    ),
    Method(
        name="Beta selection",
        title="Beta selection model",
        result=BetaSelectionModel,
        function=_beta,
        kind="both",
        test=-1,
        options=Wanted.truncated,
        sentence="The beta selection model has a weight that bends smoothly with *p* between .025 "
        "and .975",
        references=("citkowicz2017", "citkowicz2026"),
    ),
    Method(
        name="Rank correlation",
        title="Rank correlation test",
        result=RankTest,
        function=rank_test,
        kind="test",
        sentence="The rank correlation test is Kendall’s τ of standardised effects and their "
        "variances",
        references=("begg1994",),
    ),
    Method(
        name="Trim and fill (L0)",
        title="Trim and fill (L0)",
        result=TrimAndFill,
        function=trim_and_fill,
        kind="mean",
        options=lambda _: {"estimator": "L0"},
        sentence=_FILL,
        references=("duval2000",),
        told=True,
    ),
    Method(
        name="Trim and fill (R0)",
        title="Trim and fill (R0)",
        result=TrimAndFill,
        function=trim_and_fill,
        kind="mean",
        options=lambda _: {"estimator": "R0"},
        sentence=_FILL,
        references=("duval2000",),
    ),
    Method(
        name="p-uniform*",
        title="p-uniform*",
        result=PUniform,
        function=p_uniform,
        kind="mean",
        options=Wanted.way,
        sentence="{name} estimates the mean from effects conditional on their significance",
        references=("vanaert2026",),
    ),
    Method(
        name="Limit meta-analysis",
        title="Limit meta-analysis",
        result=LimitMeta,
        function=limit_meta,
        kind="both",
        test=-1,
        sentence="Limit meta-analysis extrapolates small-study effects to infinite precision",
        references=("rucker2011",),
    ),
    Method(
        name="Excess significance",
        title="Test of excess significance",
        result=ExcessSignificance,
        function=excess_significance,
        kind="test",
        test=-1,
        sentence="The test of excess significance compares the number of significant studies "
        "with what their power lets expect",
        references=("ioannidis2007",),
        told=True,
    ),
    Method(
        name="Fail-safe N",
        title="Fail-safe N",
        result=FailSafeN,
        function=fail_safe_n,
        kind="count",
        sentence="Fail-safe *N* counts null results that would undo the conclusion",
        references=("rosenthal1979", "orwin1983", "rosenberg2005"),
        told=True,
    ),
    Method(
        name="Henmi-Copas",
        title="Henmi-Copas",
        result=HenmiCopas,
        function=henmi_copas_bias,
        kind="mean",
        sentence="The mean of Henmi and Copas has common-effect weights, which give small studies "
        "little, and an interval that allows for heterogeneity",
        references=("henmi2010",),
    ),
    Method(
        name="RoBMA",
        title="Robust Bayesian meta-analysis (RoBMA-PSMA)",
        result=Robma,
        function=robma,
        kind="mean",
        options=Wanted.averaging,
        sentence="Robust Bayesian meta-analysis averages the mean over 36 models with and without "
        "an effect, heterogeneity and publication bias, by their posterior probabilities",
        references=("bartos2023",),
        told=True,
    ),
)
