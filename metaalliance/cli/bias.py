"""`metaalliance bias`: every method for publication bias that a sheet allows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, cast

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import input_record
from metaalliance.cli.drawing.further_figures import bias_drawings
from metaalliance.cli.frame import Found, analysed, settings_rows
from metaalliance.cli.request import Request
from metaalliance.errors import OptionError
from metaalliance.options import check_option, check_rho
from metaalliance.problems import Problem
from metaalliance.publication_bias.summary import BiasSummary, bias_summary
from metaalliance.report.tables.bias import (
    adjusted_table,
    bias_document,
    bias_sheets,
    fail_safe_table,
    reading_lines,
    tests_table,
    weights_table,
)
from metaalliance.report.tables.table import render_text

FIGURES = (
    "funnel_contours", "funnel_trim_fill", "funnel_egger", "funnel_pet_peese", "selection_weights",
)  # fmt: skip
#: Parts of the document that the digest of the record covers.
RESULTS = ("counts", "unadjusted", "tests", "adjusted", "methods", "henmi_copas")

Way = Literal["auto", "greater", "less"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasOptions:
    """Options of the command."""

    request: Request
    steps: str
    alternative: str
    aggregation_rho: float
    figures: bool = True


def run_bias(options: BiasOptions) -> int:
    """Run the command."""
    parse_steps(options.steps)  # a wrong option is told before anything is read
    check_option("alternative", options.alternative, Way)
    check_rho(options.aggregation_rho)
    return analysed("bias", options, _found, figures=FIGURES)


def _found(loaded: Analysis, options: BiasOptions) -> Found:
    found = summarise(loaded, options)

    def told(notes: Sequence[Problem]) -> BiasSummary:
        return replace(found, notices=(*found.notices, *notes))

    return Found(
        document=lambda files, notes: document_of(told(notes), loaded, options, files),
        sheets=lambda document: bias_sheets(found, settings_rows(document, loaded)),
        lines=lambda width, notes: _lines(told(notes), width),
        results=RESULTS,
        drawings=bias_drawings(found),
    )


def summarise(loaded: Analysis, options: BiasOptions) -> BiasSummary:
    """Apply every method."""
    return bias_summary(
        loaded.fit,
        steps=parse_steps(options.steps),
        alternative=cast(Way, check_option("alternative", options.alternative, Way)),
        aggregation_rho=check_rho(options.aggregation_rho),
    )


def document_of(
    found: BiasSummary, loaded: Analysis, options: BiasOptions, files: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the document of the command."""
    own = {
        "steps": list(parse_steps(options.steps)),
        "alternative": options.alternative,
        "aggregation_rho": options.aggregation_rho,
    }
    studies = loaded.studies
    return bias_document(
        found, input_record(studies), studies.problems, {**own, **loaded.recorded}, files
    )


def parse_steps(text: str) -> tuple[float, ...]:
    """Return cut points from a text such as ".025,.5".

    Raises
    ------
    OptionError
        When they are not rising numbers between 0 and 1.
    """
    try:
        steps = tuple(float(part) for part in text.split(","))
    except ValueError:
        steps = ()
    rising = all(a < b for a, b in pairwise(steps))
    if not steps or not rising or not all(0 < s < 1 for s in steps):
        raise OptionError(
            f"--steps {text}: write rising one-sided p-values between 0 and 1, such as .025,.5."
        )
    return steps


def _lines(found: BiasSummary, width: int) -> list[str]:
    """Tables and sentences."""
    tables = (adjusted_table(found), tests_table(found), weights_table(found))
    lines = []
    for table in (*tables, fail_safe_table(found)):
        if table is not None:
            lines += [render_text(table, width), ""]
    for text in reading_lines(found):
        lines += [textwrap.fill(text, width), ""]
    for p in found.notices:
        lines.append(textwrap.fill(f"{p.severity}: {p.message} ({p.code})", width))
    return lines
