"""`metaalliance multiverse`: every declared analysis of a sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.examinations import MultiverseOptions
from metaalliance.cli.analysis import settings_of
from metaalliance.cli.drawing.further_figures import multiverse_drawings
from metaalliance.cli.frame import Shown, examined
from metaalliance.cli.request import Request, Running
from metaalliance.cli.run import progress_line
from metaalliance.errors import OptionError
from metaalliance.options import DECISIONS
from metaalliance.report.tables.multiverse import (
    decision_table,
    failure_lines,
    multiverse_sheets,
    option_table,
)
from metaalliance.report.tables.table import render_text
from metaalliance.robustness.results import Multiverse

FIGURES = ("specification_curve",)


def run_multiverse(
    request: Request, decisions: Sequence[str], running: Running, *, every: bool, figures: bool
) -> int:
    """Run the command with decisions over those of the configuration."""
    given = parse_decisions(decisions)
    config, _ = settings_of(request)

    def show(loaded: Analysis, found: Multiverse) -> Shown:
        about = {"file": loaded.studies.file, "sha256": loaded.studies.sha256}
        return Shown(
            sheets=lambda document: multiverse_sheets(found, document, about),
            lines=lambda width, _: _lines(found, width, every=every),
            drawings=multiverse_drawings(found),
        )

    return examined(
        "multiverse",
        request,
        MultiverseOptions(grid={**config.multiverse, **given}),
        show,
        figures=FIGURES if figures else None,
        refused="Nothing was pooled.",
        running=running,
        progress=None if request.quiet else progress_line(),
    )


def parse_decisions(given: Sequence[str]) -> dict[str, list[Any]]:
    """Return options by decision from texts such as "rho=.4,.6".

    Raises
    ------
    OptionError
        For a text without "=" or a correlation that is no number.
    """
    found: dict[str, list[Any]] = {}
    for text in given:
        name, mark, values = text.partition("=")
        options = [v.strip() for v in values.split(",") if v.strip()]
        if not mark or not options:
            raise OptionError(
                f"--decision {text}: write decision=option,option. The decisions are "
                f"{', '.join(DECISIONS)}."
            )
        found[name.strip()] = [_rho(v) for v in options] if name.strip() == "rho" else options
    return found


def _rho(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"--decision rho: {text!r} is no number.") from None


def _lines(found: Multiverse, width: int, *, every: bool) -> list[str]:
    """Sentences and tables."""
    sentences = [textwrap.fill(line, width) for line in found.summary().splitlines()]
    lines = [*sentences, "", render_text(decision_table(found), width)]
    if every:
        lines += ["", render_text(option_table(found), width)]
    reasons = failure_lines(found)
    shown = [textwrap.fill(reason, width) for reason in reasons]
    return [*lines, *(["", *shown] if shown else [])]
