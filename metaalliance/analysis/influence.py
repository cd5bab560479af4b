"""What single studies do to a result: every method, with the model of the main analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from metaalliance.diagnostics.baujat import Baujat, baujat
from metaalliance.diagnostics.cumulative import Cumulative, cumulative
from metaalliance.diagnostics.diagnostics import Influence, influence
from metaalliance.diagnostics.gosh import Gosh, gosh
from metaalliance.diagnostics.leave_one_out import LeaveOneOut, leave_one_out
from metaalliance.diagnostics.leave_one_out_regression import RegressionLeaveOneOut
from metaalliance.diagnostics.outliers import Outliers, outliers
from metaalliance.errors import EstimationError
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.moderation.categorical import moderators
from metaalliance.notices import quiet
from metaalliance.problems import Problem, notice

#: Fewer studies leave nothing to compare.
FEWEST_STUDIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceResults:
    """What the methods found.

    Attributes
    ----------
    cumulative : Cumulative or None
        None where no study has a value of the column.
    moderators : dict
        Leave-one-out of the test of each moderator.
    notices : tuple of Problem
        Those of all parts, and why a part is missing.
    """

    fit: PooledFit
    left_out: LeaveOneOut
    diagnostics: Influence
    baujat: Baujat
    outliers: Outliers
    cumulative: Cumulative | None
    gosh: Gosh | None
    moderators: dict[str, RegressionLeaveOneOut] = field(default_factory=dict)
    notices: tuple[Problem, ...] = ()


class InfluenceKeywords(TypedDict, total=False):
    """Keywords of `influence_results`."""

    by: Sequence[str]
    cumulated: str
    subsets: int
    seed: int
    jobs: int
    progress: Callable[[int, int], None] | None


def influence_results(
    fit: PooledFit,
    *,
    by: Sequence[str] = (),
    cumulated: str = "year",
    subsets: int = 0,
    seed: int = 1,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> InfluenceResults:
    """Leave out every study, diagnose it, look for outliers and cumulate.

    Parameters
    ----------
    fit : PooledFit
        The pooled mean, whose model every part has.
    by : sequence of str
        Moderators whose test is repeated without each study.
    cumulated : str
        Column by which studies come in.
    subsets, seed, jobs, progress : int, int, int, callable
        Subsets of the studies to pool, none unless asked for; see `gosh`.

    Raises
    ------
    EstimationError
        For a single study.
    """
    left_out = leave_one_out(fit)
    assert isinstance(left_out, LeaveOneOut)
    diagnostics = influence(fit)
    steps, why = _cumulative(fit, cumulated)
    clouds = gosh(fit, subsets, seed=seed, jobs=jobs, progress=progress) if subsets else None
    tests, untested = _moderators(fit, by)
    parts = (left_out, steps, clouds, *tests.values())
    found = [p for part in parts if part is not None for p in part.notices]
    return InfluenceResults(
        fit=fit,
        left_out=left_out,
        diagnostics=diagnostics,
        baujat=baujat(diagnostics),
        outliers=outliers(diagnostics),
        cumulative=steps,
        gosh=clouds,
        moderators=tests,
        notices=(*fit.notices, *found, *why, *untested),
    )


def without_each_study(fit: PooledFit) -> LeaveOneOut | None:
    """Leave out each study in turn; None where that leaves nothing to compare."""
    if fit.n_studies < FEWEST_STUDIES:
        return None
    found = leave_one_out(fit)
    return found if isinstance(found, LeaveOneOut) else None


def _cumulative(fit: PooledFit, by: str) -> tuple[Cumulative | None, list[Problem]]:
    """Cumulative results, or why there are none; a column that was not asked for may be missing."""
    if by == "year" and "year" not in fit.effects.frame:
        message = "There is no column year, so that nothing could be cumulated by year."
        return None, [notice("MA663", message, severity="note")]
    try:
        return cumulative(fit, by), []
    except EstimationError as error:
        return None, [notice("MA663", str(error), severity="note")]


def _moderators(
    fit: PooledFit, by: Sequence[str]
) -> tuple[dict[str, RegressionLeaveOneOut], list[Problem]]:
    """Leave one study out of the test of each moderator."""
    found: dict[str, RegressionLeaveOneOut] = {}
    notes = []
    for name in by:
        with quiet():
            test = moderators(fit.effects, name, model=fit.specification.asked).fit
        if not isinstance(test, RegressionFit) or len(test.names) < 2:
            message = f"{name}: fewer than two levels can be compared."
            notes.append(notice("MA662", message, severity="note"))
            continue
        left_out = leave_one_out(test)
        assert isinstance(left_out, RegressionLeaveOneOut)
        found[name] = left_out
    return found, notes
