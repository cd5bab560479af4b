"""`metaalliance bias`: every method for publication bias that a sheet allows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.examinations import Average, BiasOptions, Way, parse_steps
from metaalliance.cli.drawing.further_figures import bias_drawings
from metaalliance.cli.frame import Shown, examined, settings_rows
from metaalliance.cli.request import Request, Running
from metaalliance.cli.run import progress_line
from metaalliance.errors import OptionError
from metaalliance.options import check_option, check_rho, check_truncation
from metaalliance.problems import Problem
from metaalliance.publication_bias.summary import BiasSummary
from metaalliance.report.tables.bias import (
    adjusted_table,
    bias_sheets,
    fail_safe_table,
    models_table,
    moderated_table,
    reading_lines,
    tests_table,
    weights_table,
)
from metaalliance.report.tables.bias_average import average_tables
from metaalliance.report.tables.table import render_text

FIGURES = (
    "funnel_contours", "funnel_trim_fill", "funnel_egger", "funnel_pet_peese", "selection_weights",
    "selection_weights_beta",
)  # fmt: skip


def run_bias(request: Request, options: BiasOptions, running: Running, *, figures: bool) -> int:
    """Run the command."""
    parse_steps(options.steps)  # a wrong option is told before anything is read
    check_option("alternative", options.alternative, Way)
    if options.aggregation_rho is not None:
        check_rho(options.aggregation_rho)
    check_truncation(options.smallest_p, "--smallest-p")
    options.selection()
    check_option("--average", options.average, Average)
    if running != Running() and options.bootstrap == "none":
        raise OptionError(
            "--jobs, --backend, --scheduler and --resume are for a bootstrap. Add one, such as "
            "--bootstrap two-stage, or leave them out."
        )
    return examined(
        "bias",
        request,
        options,
        _shown,
        figures=FIGURES if figures else None,
        running=running,
        progress=None if request.quiet else progress_line(unit="batches of samples"),
    )


def _shown(loaded: Analysis, found: BiasSummary) -> Shown:
    return Shown(
        sheets=lambda document: bias_sheets(found, settings_rows(document, loaded)),
        lines=lambda width, notes: _lines(found, notes, width),
        drawings=bias_drawings(found),
    )


def _lines(found: BiasSummary, notes: Sequence[Problem], width: int) -> list[str]:
    """Tables and sentences."""
    lines = []
    makers = (adjusted_table, tests_table, weights_table, models_table, moderated_table)
    tables = [*(make(found) for make in makers), *average_tables(found), fail_safe_table(found)]
    for table in tables:
        if table is not None:
            lines += [render_text(table, width), ""]
    for text in reading_lines(found):
        lines += [textwrap.fill(text, width), ""]
    for p in (*found.notices, *notes):
        lines.append(textwrap.fill(p.text, width))
    return lines
