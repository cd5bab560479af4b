"""`metaalliance components`: several components of studies in one model."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.components import ComponentOptions, ComponentResults
from metaalliance.cli.drawing.further_figures import component_drawings
from metaalliance.cli.frame import Shown, examined, settings_rows
from metaalliance.cli.request import Request
from metaalliance.problems import Problem
from metaalliance.report.tables.components import component_sheets, component_tables
from metaalliance.report.tables.table import render_text

FIGURES = ("component_orchard", "component_correlations")


def run_components(request: Request, options: ComponentOptions, *, figures: bool) -> int:
    """Run the command."""

    def show(loaded: Analysis, found: ComponentResults) -> Shown:
        return Shown(
            sheets=lambda document: component_sheets(found, settings_rows(document, loaded)),
            lines=lambda width, notes: _lines(found, notes, width),
            drawings=component_drawings(found),
        )

    return examined(
        "components",
        request,
        options,
        show,
        figures=FIGURES if figures else None,
        refused="Nothing was compared.",
    )


def _lines(found: ComponentResults, notes: Sequence[Problem], width: int) -> list[str]:
    """Tables, and notices."""
    lines: list[str] = []
    for table in component_tables(found):
        lines += [render_text(table, width), ""]
    lines += [textwrap.fill(p.text, width) for p in (*found.notices, *notes)]
    return lines
