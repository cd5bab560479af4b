"""Several components of studies at once: what is asked, and what is found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from metaalliance.analysis.analysis import Analysis
from metaalliance.moderation.components.design import other_side
from metaalliance.moderation.components.ladder import structure_ladder
from metaalliance.moderation.components.multivariate import fit_multivariate
from metaalliance.moderation.components.result import Multivariate
from metaalliance.notices import quiet
from metaalliance.policy import Policy
from metaalliance.problems import Problem, notice

#: What `components` compares where nothing is said.
DEFAULT_BY = "alliance_subscale"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentOptions:
    """What is asked about components.

    Attributes
    ----------
    by, structure, within_studies, formula, against, with_total, seed
        As in `multivariate`.
    only : tuple of str
        Levels to take, in this order.
    replications : int
        Samples of the parametric bootstrap of the ladder of structures.
    """

    by: str = DEFAULT_BY
    structure: str = "UN"
    within_studies: str = "none"
    formula: str | None = None
    against: str | None = None
    only: tuple[str, ...] = ()
    with_total: bool = False
    replications: int = 0
    seed: int = 1

    def reading(self, policy: Policy) -> Policy:
        """Return the policy with which a sheet is read: estimands that are compared stay apart."""
        compared = self.by == "estimand" and policy.estimand is None
        return replace(policy, estimand="each") if compared else policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentResults:
    """What was found.

    Attributes
    ----------
    model : Multivariate
        Means, their differences, and the covariance between studies.
    ladder : DataFrame
        The structures, as `structure_ladder` compares them.
    of_sheet : tuple of Problem
        What of the workbook has no meaning for these components.
    """

    model: Multivariate
    ladder: pd.DataFrame = field(repr=False)
    of_sheet: tuple[Problem, ...] = ()

    @property
    def notices(self) -> tuple[Problem, ...]:
        """What the reader has to know."""
        return (*self.model.notices, *self.of_sheet)


def fit_components(analysis: Analysis, options: ComponentOptions) -> ComponentResults:
    """Fit the model and the ladder of structures to the rows of a sheet.

    The sampling covariance follows from the sheet `correlations`, where there is one and the
    components are those of the alliance or the outcome, or `against` says what they are of.
    """
    table = analysis.studies.correlations
    of_sheet: tuple[Problem, ...] = ()
    if table is None or table.empty:
        table = None
    elif options.against is None and other_side(options.by) is None:
        table, of_sheet = None, (_not_used(options.by),)
    with quiet():
        found = fit_multivariate(
            analysis.coded,
            options.by,
            options.structure,
            analysis.model,
            within_studies=options.within_studies,
            formula=options.formula,
            correlations=table,
            against=options.against,
            only=options.only,
            with_total=options.with_total,
            seed=options.seed,
        )
        rungs = structure_ladder(found, replications=options.replications, seed=options.seed)
    return ComponentResults(model=found, ladder=rungs, of_sheet=of_sheet)


def _not_used(by: str) -> Problem:
    """Say that the sheet of correlations has no say about the levels of this column."""
    message = (
        f"The sheet 'correlations' is not used: levels of {by} are no variables that it names. "
        "Every pair of effects of one sample has the assumed correlation rho."
    )
    hint = "Report the result for another rho beside it; --against says what the levels go with."
    return notice("MA697", message, hint, severity="note")
