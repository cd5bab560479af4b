"""`metaalliance influence`: what single studies do to the result."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.examinations import InfluenceOptions
from metaalliance.analysis.influence import InfluenceResults
from metaalliance.cli.drawing.further_figures import influence_drawings
from metaalliance.cli.frame import Shown, examined, settings_rows
from metaalliance.cli.request import Request
from metaalliance.cli.run import progress_line
from metaalliance.diagnostics.gosh import MOST_SUBSETS
from metaalliance.errors import OptionError
from metaalliance.problems import Problem
from metaalliance.report.tables.influence import (
    cumulative_table,
    diagnostics_table,
    influence_sheets,
    left_out_table,
    moderator_left_out_table,
    outlier_table,
)
from metaalliance.report.tables.table import render_text

FIGURES = ("leave_one_out", "influence", "baujat", "cumulative", "gosh")
#: Rows of a table that the terminal shows.
SHOWN = 10


def run_influence(
    request: Request, options: InfluenceOptions, *, jobs: int, every: bool, figures: bool
) -> int:
    """Run the command; the tables are printed whole where every row is asked for."""
    if not 0 <= options.gosh <= MOST_SUBSETS:
        raise OptionError(f"--gosh {options.gosh}: choose from 1 to {MOST_SUBSETS:,} subsets.")
    first = None if every else SHOWN

    def show(loaded: Analysis, found: InfluenceResults) -> Shown:
        return Shown(
            sheets=lambda document: influence_sheets(found, settings_rows(document, loaded)),
            lines=lambda width, notes: _lines(found, notes, first, width),
            drawings=influence_drawings(found),
        )

    return examined(
        "influence",
        request,
        options,
        show,
        figures=FIGURES if figures else None,
        jobs=jobs,
        progress=None if request.quiet else progress_line(unit="subsets"),
    )


def _lines(
    found: InfluenceResults, notes: Sequence[Problem], first: int | None, width: int
) -> list[str]:
    """Tables, and notices."""
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
    for p in (*found.notices, *notes):
        lines.append(textwrap.fill(p.text, width))
    return lines
