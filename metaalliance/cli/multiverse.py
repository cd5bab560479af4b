"""`metaalliance multiverse`: every declared analysis of a sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import input_record
from metaalliance.cli.drawing.further_figures import multiverse_drawings
from metaalliance.cli.frame import Found, analysed
from metaalliance.cli.request import Request
from metaalliance.cli.run import progress_line
from metaalliance.cli.settings import Settings, resolve
from metaalliance.errors import OptionError
from metaalliance.report.tables.multiverse import (
    decision_table,
    failure_lines,
    multiverse_document,
    multiverse_sheets,
    option_table,
)
from metaalliance.report.tables.table import render_text
from metaalliance.robustness.results import Multiverse
from metaalliance.robustness.specifications import DECISIONS
from metaalliance.sheet.studies import Studies

#: Parts of the document that the digest of the record covers.
RESULTS = ("counts", "verdict", "decisions", "options", "specifications")
FIGURES = ("specification_curve",)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiverseOptions:
    """Options of the command."""

    request: Request
    decisions: tuple[str, ...]
    jobs: int
    every: bool
    figures: bool = True


def run_multiverse(options: MultiverseOptions) -> int:
    """Run the command."""
    parse_decisions(options.decisions)  # a wrong option is told before anything is read
    return analysed(
        "multiverse",
        options,
        _found,
        figures=FIGURES,
        refused="Nothing was pooled.",
        reading=_reading,
    )


def _found(loaded: Analysis, options: MultiverseOptions) -> Found:
    request, studies = options.request, loaded.studies
    grid = {**loaded.config.multiverse, **parse_decisions(options.decisions)}
    asked = replace(loaded, policy=resolve(request.settings, loaded.config).policy)
    progress = None if request.quiet else progress_line()
    found = asked.multiverse(grid, jobs=options.jobs, progress=progress)
    about = {"file": studies.file, "sha256": studies.sha256}
    return Found(
        document=lambda files, _: document_of(found, studies, files),
        sheets=lambda _: multiverse_sheets(found, about),
        lines=lambda width, _: _lines(found, options, width),
        results=RESULTS,
        drawings=multiverse_drawings(found),
        options={"grid": grid},
    )


def _reading(settings: Settings) -> Settings:
    return replace(settings, policy=settings.policy.for_multiverse())


def document_of(found: Multiverse, studies: Studies, files: Sequence[str]) -> dict[str, Any]:
    """Return the document of the command."""
    return multiverse_document(
        found,
        input_record(studies),
        [p.to_dict() for p in studies.problems],
        {"beta": studies.beta, "config": studies.config},
        files,
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


def _lines(found: Multiverse, options: MultiverseOptions, width: int) -> list[str]:
    """Sentences and tables."""
    sentences = [textwrap.fill(line, width) for line in found.summary().splitlines()]
    lines = [*sentences, "", render_text(decision_table(found), width)]
    if options.every:
        lines += ["", render_text(option_table(found), width)]
    reasons = failure_lines(found)
    shown = [textwrap.fill(reason, width) for reason in reasons]
    return [*lines, *(["", *shown] if shown else [])]
