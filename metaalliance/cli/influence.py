"""`metaalliance influence`: what single studies do to the result."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import input_record
from metaalliance.cli.drawing.further_figures import influence_drawings
from metaalliance.cli.frame import Found, analysed, settings_rows
from metaalliance.cli.request import Request
from metaalliance.cli.run import progress_line
from metaalliance.diagnostics.baujat import baujat
from metaalliance.diagnostics.cumulative import Cumulative, cumulative
from metaalliance.diagnostics.diagnostics import influence
from metaalliance.diagnostics.gosh import MOST_SUBSETS, Gosh, gosh
from metaalliance.diagnostics.leave_one_out import LeaveOneOut, leave_one_out
from metaalliance.diagnostics.leave_one_out_regression import RegressionLeaveOneOut
from metaalliance.diagnostics.outliers import outliers
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.model import RHO
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.regression_fit import RegressionFit
from metaalliance.moderation.categorical import moderators
from metaalliance.problems import Problem, notice
from metaalliance.report.tables.influence import (
    InfluenceResults,
    cumulative_table,
    diagnostics_table,
    influence_document,
    influence_sheets,
    left_out_table,
    moderator_left_out_table,
    outlier_table,
)
from metaalliance.report.tables.table import render_text

FIGURES = ("leave_one_out", "influence", "baujat", "cumulative", "gosh")
#: Parts of the document that the digest of the record covers.
RESULTS = (
    "counts", "pooled", "leave_one_out", "diagnostics", "outliers", "cumulative", "gosh",
    "moderators",
)  # fmt: skip
#: Rows of a table that the terminal shows.
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceOptions:
    """Options of the command."""

    request: Request
    gosh: int
    seed: int
    jobs: int
    cumulative: str
    by: tuple[str, ...]
    every: bool
    figures: bool = True


def run_influence(options: InfluenceOptions) -> int:
    """Run the command."""
    if not 0 <= options.gosh <= MOST_SUBSETS:
        raise OptionError(f"--gosh {options.gosh}: choose from 1 to {MOST_SUBSETS:,} subsets.")
    return analysed("influence", options, _found, figures=FIGURES)


def _found(loaded: Analysis, options: InfluenceOptions) -> Found:
    found = influence_results(loaded, options)

    def told(notes: Sequence[Problem]) -> InfluenceResults:
        return replace(found, notices=(*found.notices, *notes))

    return Found(
        document=lambda files, notes: document_of(told(notes), loaded, options, files),
        sheets=lambda document: influence_sheets(found, settings_rows(document, loaded)),
        lines=lambda width, notes: _lines(told(notes), options, width),
        results=RESULTS,
        drawings=influence_drawings(found),
    )


def document_of(
    found: InfluenceResults, loaded: Analysis, options: InfluenceOptions, files: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the document of the command."""
    own: dict[str, Any] = {"cumulative": options.cumulative, "by": list(options.by)}
    own |= {"gosh": options.gosh, "seed": options.seed} if options.gosh else {}
    studies = loaded.studies
    return influence_document(
        found, input_record(studies), studies.problems, {**own, **loaded.recorded}, files
    )


def influence_results(loaded: Analysis, options: InfluenceOptions) -> InfluenceResults:
    """Run every method."""
    fit = loaded.fit
    left_out = leave_one_out(fit)
    assert isinstance(left_out, LeaveOneOut)
    diagnostics = influence(fit)
    steps, why = _cumulative(fit, options.cumulative)
    subsets = _gosh(fit, options) if options.gosh else None
    tests, untested = _moderators(loaded, options.by)
    found = [*left_out.notices, *(steps.notices if steps else ())]
    found += [
        *(subsets.notices if subsets else ()),
        *(p for m in tests.values() for p in m.notices),
    ]
    return InfluenceResults(
        fit=fit,
        left_out=left_out,
        diagnostics=diagnostics,
        baujat=baujat(diagnostics),
        outliers=outliers(diagnostics),
        cumulative=steps,
        gosh=subsets,
        moderators=tests,
        notices=(*fit.notices, *found, *why, *untested),
    )


def _cumulative(fit: PooledFit, by: str) -> tuple[Cumulative | None, list[Problem]]:
    """Cumulative results, or why there are none; a column that was not asked for may be missing."""
    if by == "year" and "year" not in fit.effects.frame:
        message = "There is no column year, so that nothing could be cumulated by year."
        return None, [notice("MA663", message, severity="note")]
    try:
        return cumulative(fit, by), []
    except EstimationError as error:
        return None, [notice("MA663", str(error), severity="note")]


def _gosh(fit: PooledFit, options: InfluenceOptions) -> Gosh:
    progress: Callable[[int, int], None] | None = None
    if not options.request.quiet:
        progress = progress_line(unit="subsets")
    return gosh(fit, options.gosh, seed=options.seed, jobs=options.jobs, progress=progress)


def _moderators(
    loaded: Analysis, by: tuple[str, ...]
) -> tuple[dict[str, RegressionLeaveOneOut], list[Problem]]:
    """Leave one study out of the test of each moderator."""
    found: dict[str, RegressionLeaveOneOut] = {}
    notes = []
    for name in by:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MetaAllianceWarning)
            fit = moderators(loaded.effects, name, **_model_options(loaded)).fit
        if not isinstance(fit, RegressionFit) or len(fit.names) < 2:
            message = f"{name}: fewer than two levels can be compared."
            notes.append(notice("MA662", message, severity="note"))
            continue
        left_out = leave_one_out(fit)
        assert isinstance(left_out, RegressionLeaveOneOut)
        found[name] = left_out
    return found, notes


def _model_options(loaded: Analysis) -> dict[str, Any]:
    """Options of every model of the run."""
    found = loaded.fitted.to_record()
    rho = RHO if found["rho"] is None else found["rho"]
    names = ("model", "tau2", "test", "level", "prediction")
    return {**{name: found[name] for name in names}, "rho": rho}


def _lines(found: InfluenceResults, options: InfluenceOptions, width: int) -> list[str]:
    """Tables, and notices."""
    first = None if options.every else SHOWN
    tables = [
        left_out_table(found.left_out, first),
        diagnostics_table(found.diagnostics, first),
        outlier_table(found.outliers),
        *(moderator_left_out_table(n, m, first) for n, m in found.moderators.items()),
    ]
    if found.cumulative is not None:
        tables.append(cumulative_table(found.cumulative, first))
    lines: list[str] = []
    for table in tables:
        lines += [render_text(table, width), ""]
    if found.gosh is not None:
        told = found.gosh.summary().splitlines()
        lines += [*told[: len(told) - len(found.gosh.notices)], ""]  # notices come at the end
    for p in found.notices:
        lines.append(textwrap.fill(f"{p.severity}: {p.message} ({p.code})", width))
    return lines
