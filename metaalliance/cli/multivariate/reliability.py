"""`metaalliance reliability`: the reliabilities of a sheet by instrument and rater."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.reliability import ReliabilityOptions, not_taken
from metaalliance.cli.frame import Shown, examined, settings_rows
from metaalliance.cli.request import Request
from metaalliance.models.further.reliability import ReliabilityGeneralization
from metaalliance.report.tables.reliability import reliability_sheets, reliability_tables
from metaalliance.report.tables.table import render_text


def run_reliability(request: Request, options: ReliabilityOptions) -> int:
    """Run the command."""

    def show(loaded: Analysis, found: ReliabilityGeneralization) -> Shown:
        left = not_taken(loaded.policy)
        return Shown(
            sheets=lambda document: reliability_sheets(found, settings_rows(document, loaded)),
            lines=lambda width, _: _lines(found, left, width),
        )

    return examined("reliability", request, options, show, refused="Nothing was pooled.")


def _lines(found: ReliabilityGeneralization, left: Sequence[str], width: int) -> list[str]:
    """Tables, notices, and settings without a meaning here."""
    lines: list[str] = []
    for table in reliability_tables(found):
        lines += [render_text(table, width), ""]
    lines += [textwrap.fill(p.text, width) for p in found.notices]
    if left:
        lines.append(textwrap.fill(f"Not taken by reliabilities: {', '.join(left)}.", width))
    return lines
