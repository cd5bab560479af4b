"""What a report is made of: the sheet, its effects, and every analysis that was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from metaalliance.analysis.content import BiasEvidence, Content
from metaalliance.diagnostics.leave_one_out import LeaveOneOut
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.model import RHO
from metaalliance.models.comparison import NamedFit
from metaalliance.models.cross_check import CrossCheck
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.moderation.table import ModeratorTable
from metaalliance.options import Paper
from metaalliance.problems import Problem
from metaalliance.robustness.results import Multiverse
from metaalliance.sheet.studies import Studies

#: Correlation that is small by the benchmarks of Funder and Ozer (2019).
OF_INTEREST = 0.10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """The results behind a report.

    Attributes
    ----------
    studies : Studies
        The sheet.
    coded : Effects
        One effect per used row, with the ledger.
    fit : PooledFit
        The main result; its effects are what was pooled.
    models : sequence of NamedFit
        The comparison, the main model first.
    problems : sequence of Problem
        Of the sheet and of the analyses.
    recorded : dict
        Policies and settings beside those of the model.
    flow : mapping
        Numbers of the selection of studies, from the configuration.
    title, authors : str
        From the configuration.
    agreement : mapping or None
        What `agree --json` printed of the coders.
    characteristics, columns : tuple of str or None
        Columns of the sheet that Table 1 counts, and that the table of studies shows; None
        for those of the field that are coded.
    of_interest : float
        Correlation with which intervals are compared for the certainty of the evidence.
    page : {"a4", "letter"}
        Paper of the document and of the printed page.
    content : Content
        Which further analyses were asked for.
    moderators, bias, influence, multiverse
        Their results; None where they were not run.
    check : CrossCheck or None
        The two-level rows of the comparison by PyMARE and statsmodels.
    """

    studies: Studies
    coded: Effects
    fit: PooledFit
    models: Sequence[NamedFit]
    problems: Sequence[Problem]
    recorded: Mapping[str, Any] = field(default_factory=dict)
    flow: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    authors: str = ""
    agreement: Mapping[str, Any] | None = None
    characteristics: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    of_interest: float = OF_INTEREST
    page: Paper = "a4"
    content: Content = field(default_factory=Content)
    moderators: ModeratorTable | None = None
    bias: BiasEvidence | None = None
    influence: LeaveOneOut | None = None
    multiverse: Multiverse | None = None
    check: CrossCheck | None = None

    @property
    def aggregation_rho(self) -> float | None:
        """Correlation with which effects were averaged before pooling; None if they were not."""
        found: float | None = self.recorded.get("aggregation_rho")
        return found

    def by_study(self) -> Effects:
        """One row per study: several effects as their average, as in the forest plot."""
        rho = self.fit.settings().get("rho") if self.fit.model == "che" else None
        return aggregate(self.coded, float(rho) if isinstance(rho, float | int) else RHO)

    def sizes(self) -> pd.Series:
        """Number of effects of each study."""
        return self.coded.frame.groupby("study", sort=False).size()
