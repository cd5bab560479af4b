"""The analyses beside the mean: what each is asked, how it is run, and what is recorded of it.

The commands run them from here, and `verify` repeats them from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Literal, cast

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.components import ComponentOptions, ComponentResults, fit_components
from metaalliance.analysis.further_documents import (
    bias_document,
    components_document,
    influence_document,
    moderator_document,
    multiverse_document,
)
from metaalliance.analysis.influence import InfluenceResults
from metaalliance.analysis.mediation import MediationOptions, document, fit_paths
from metaalliance.analysis.moderators import ModeratorModels, ModeratorOptions, fit_models
from metaalliance.analysis.reliability import ReliabilityOptions, fit_reliability
from metaalliance.analysis.reliability import document as of_reliability
from metaalliance.core.selection.beta import SMALLEST_P
from metaalliance.errors import OptionError
from metaalliance.options import check_option
from metaalliance.policy import Policy
from metaalliance.problems import Problem
from metaalliance.publication_bias.selection_asked import SelectionAsked
from metaalliance.publication_bias.summary import BiasSummary
from metaalliance.robustness.results import Multiverse
from metaalliance.workers.workers import Jobs, Workers

Way = Literal["auto", "greater", "less"]
Average = Literal["none", "robma"]
_SELECTION = ("estimator", "penalty", "bootstrap", "interval", "replications", "seed")
Progress = Callable[[int, int], None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasOptions:
    """What is asked about publication bias.

    Attributes
    ----------
    steps : str
        Cut points of one-sided p, such as ".025,.5".
    alternative : str
        Direction that selection favours.
    aggregation_rho : float or None
        Correlation with which effects are averaged; None takes that of the model.
    smallest_p : float
        Where the beta selection model truncates p.
    estimator, penalty, bootstrap, interval, replications, seed
        How selection models are estimated.
    mean_by, variance_by, selection_by : tuple of str
        Columns that their mean, log tau² and log weights depend on.
    average : str
        Whether the mean is averaged over models of bias, too.
    """

    steps: str
    alternative: str
    aggregation_rho: float | None = None
    smallest_p: float = SMALLEST_P
    estimator: str = "cml"
    penalty: str = "none"
    bootstrap: str = "auto"
    interval: str = "percentile"
    replications: int | None = None
    seed: int = 1
    mean_by: tuple[str, ...] = ()
    variance_by: tuple[str, ...] = ()
    selection_by: tuple[str, ...] = ()
    average: str = "none"

    def selection(self) -> SelectionAsked:
        """Return how selection models are estimated, after a check.

        Raises
        ------
        OptionError
            For a value that cannot be.
        """
        return SelectionAsked(
            estimator=cast(Any, self.estimator),
            penalty=cast(Any, self.penalty),
            bootstrap=cast(Any, self.bootstrap),
            interval=cast(Any, self.interval),
            replications=self.replications,
            seed=self.seed,
            moderators=self.mean_by,
            variance_moderators=self.variance_by,
            selection_moderators=self.selection_by,
        ).checked()


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceOptions:
    """What is asked about single studies.

    Attributes
    ----------
    gosh, seed : int
        Subsets of the studies to pool, and the seed of their choice.
    cumulative : str
        Column by which studies come in.
    by : tuple of str
        Moderators whose test is repeated without each study.
    """

    gosh: int
    seed: int
    cumulative: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiverseOptions:
    """Which decisions are varied: options by decision."""

    grid: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """An entry of the register.

    Attributes
    ----------
    options : type
        What is asked.
    run : callable
        Returns the results, from an analysis, its options, and keywords that change no number.
    document : callable
        Returns the JSON document, from the analysis, its options, the results, notes about
        figures and the files of the folder.
    results : tuple of str
        Parts of the document that are results: the digest of a record covers them.
    reading : callable
        Returns the policy with which the sheet is read, from the one that is asked for and the
        options.
    """

    options: type[Any]
    run: Callable[..., Any]
    document: Callable[..., dict[str, Any]]
    results: tuple[str, ...]
    reading: Callable[[Policy, Any], Policy] = lambda policy, _: policy

    def restored(self, stored: Mapping[str, Any]) -> Any:
        """Return the options that a record holds."""
        known = {f.name for f in fields(self.options)}
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items() if k in known}
        return self.options(**given)


def parse_steps(text: str) -> tuple[float, ...]:
    """Return cut points from a text such as ".025,.5".

    Raises
    ------
    OptionError
        When they are not rising numbers between 0 and 1.
    """
    try:
        steps = tuple(float(part) for part in text.split(","))
    except ValueError:
        steps = ()
    rising = all(a < b for a, b in pairwise(steps))
    if not steps or not rising or not all(0 < s < 1 for s in steps):
        raise OptionError(
            f"--steps {text}: write rising one-sided p-values between 0 and 1, such as .025,.5."
        )
    return steps


def _bias(
    analysis: Analysis, options: BiasOptions, *, jobs: Jobs = 1, progress: Progress = None
) -> BiasSummary:
    workers = replace(Workers.of(jobs), progress=progress)
    return analysis.bias(
        steps=parse_steps(options.steps),
        alternative=cast(Way, check_option("alternative", options.alternative, Way)),
        aggregation_rho=options.aggregation_rho,
        smallest_p=options.smallest_p,
        average=cast(Average, check_option("average", options.average, Average)),
        selection=replace(options.selection(), jobs=workers),
    )


def _influence(
    analysis: Analysis, options: InfluenceOptions, *, jobs: int = 1, progress: Progress = None
) -> InfluenceResults:
    return analysis.influence(
        by=options.by,
        cumulated=options.cumulative,
        subsets=options.gosh,
        seed=options.seed,
        jobs=jobs,
        progress=progress,
    )


def _multiverse(
    analysis: Analysis, options: MultiverseOptions, *, jobs: Jobs = 1, progress: Progress = None
) -> Multiverse:
    return analysis.multiverse(options.grid, jobs=jobs, progress=progress)


def _moderator_document(
    analysis: Analysis,
    options: ModeratorOptions,
    found: ModeratorModels,
    notes: Sequence[Problem] = (),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    names = ("min_studies", "separate_tau2", "components", "replications", "seed")
    own = {name: getattr(options, name) for name in names}
    return moderator_document(analysis, found, own, (*found.notices, *notes), files)


def _bias_document(
    analysis: Analysis,
    options: BiasOptions,
    found: BiasSummary,
    notes: Sequence[Problem] = (),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    own = {
        "steps": list(parse_steps(options.steps)),
        "alternative": options.alternative,
        "aggregation_rho": found.aggregation_rho,
        "smallest_p": options.smallest_p,
        "average": options.average,
        **{name: getattr(options, name) for name in _SELECTION},
        **{
            name: list(getattr(options, name))
            for name in ("mean_by", "variance_by", "selection_by")
        },
    }
    return bias_document(analysis, found, own, (*found.notices, *notes), files)


def _influence_document(
    analysis: Analysis,
    options: InfluenceOptions,
    found: InfluenceResults,
    notes: Sequence[Problem] = (),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    own: dict[str, Any] = {"cumulative": options.cumulative, "by": list(options.by)}
    own |= {"gosh": options.gosh, "seed": options.seed} if options.gosh else {}
    return influence_document(analysis, found, own, (*found.notices, *notes), files)


def _multiverse_document(
    analysis: Analysis,
    options: MultiverseOptions,
    found: Multiverse,
    notes: Sequence[Problem] = (),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    del options  # its settings say them
    return multiverse_document(analysis, found, notes, files)


def _components_document(
    analysis: Analysis,
    options: ComponentOptions,
    found: ComponentResults,
    notes: Sequence[Problem] = (),
    files: Sequence[str] = (),
) -> dict[str, Any]:
    own = {"replications": options.replications, "seed": options.seed}
    return components_document(analysis, found, own, (*found.notices, *notes), files)


#: Every analysis that a command runs beside the mean, by the name of the command.
EXAMINATIONS: dict[str, Examination] = {
    "moderators": Examination(
        options=ModeratorOptions,
        run=fit_models,
        document=_moderator_document,
        results=("counts", "moderators", "regression", "within_between", "location_scale",
                 "model_set"),
    ),
    "bias": Examination(
        options=BiasOptions,
        run=_bias,
        document=_bias_document,
        results=("counts", "unadjusted", "tests", "adjusted", "methods", "selection_models",
                 "henmi_copas"),
    ),
    "influence": Examination(
        options=InfluenceOptions,
        run=_influence,
        document=_influence_document,
        results=("counts", "pooled", "leave_one_out", "diagnostics", "outliers", "cumulative",
                 "gosh", "moderators"),
    ),
    "mediation": Examination(
        options=MediationOptions,
        run=fit_paths,
        document=document,
        results=("counts", "paths", "defined", "indirect", "residual_variances", "tau2",
                 "minus_two_log_likelihood", "fit", "moderation", "moderators_at", "studies",
                 "excluded"),
    ),
    "components": Examination(
        options=ComponentOptions,
        run=fit_components,
        document=_components_document,
        results=("name", "counts", "components", "omnibus", "contrasts", "slopes", "equal_slopes",
                 "variables", "G", "correlations", "rank", "without_variance", "log_likelihood",
                 "sampling", "ladder"),
        reading=lambda policy, options: options.reading(policy),
    ),
    "reliability": Examination(
        options=ReliabilityOptions,
        run=fit_reliability,
        document=of_reliability,
        results=("counts", "pooled", "coefficients", "apart"),
    ),
    "multiverse": Examination(
        options=MultiverseOptions,
        run=_multiverse,
        document=_multiverse_document,
        results=("counts", "verdict", "decisions", "options", "specifications"),
        reading=lambda policy, _: policy.for_multiverse(),
    ),
}  # fmt: skip
