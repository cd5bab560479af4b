"""`metaalliance bias`: every method for publication bias that a sheet allows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, cast

from metaalliance.analysis.analysis import Analysis
from metaalliance.cli.analysis import (
    Request,
    load,
    open_folder,
    print_preamble,
    settings_of,
)
from metaalliance.cli.further_figures import bias_drawings, draw_all, figure_files
from metaalliance.cli.record import request_of, save_record
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.errors import OptionError
from metaalliance.options import check_option, check_rho
from metaalliance.publication_bias.summary import BiasSummary
from metaalliance.report.results import input_record, to_json
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
from metaalliance.report.workbooks.write import write_workbook

FILES = ("bias.json", "bias.xlsx", "run_bias.json")
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
    aggregation_rho: float | None = None
    figures: bool = True


def run_bias(options: BiasOptions) -> int:
    """Run the command."""
    request = options.request
    parse_steps(options.steps)  # a wrong option is told before anything is read
    check_option("alternative", options.alternative, Way)
    if options.aggregation_rho is not None:
        check_rho(options.aggregation_rho)
    config, settings = settings_of(request)
    names = figure_files(FIGURES) if options.figures else ()
    folder = open_folder(request, "bias", (*FILES, *names))
    loaded = load(request, config, settings, "Nothing was computed.")
    if isinstance(loaded, int):
        return loaded
    found = summarise(loaded, options)
    if options.figures:
        found = replace(found, notices=(*found.notices, *draw_all(bias_drawings(found), folder)))
    document = document_of(found, loaded, options, (*folder.written, *FILES))
    if not request.json_output:
        _print(found, loaded, request)
    listed = [*document["settings"].items(), ("file", loaded.studies.file)]
    listed.append(("sha256", loaded.studies.sha256))
    shown = [(k, ", ".join(map(str, v)) if isinstance(v, list) else v) for k, v in listed]
    folder.write("bias.xlsx", write_workbook(bias_sheets(found, shown)))
    folder.write("bias.json", to_json(document).encode())
    save_record(folder, document, loaded, RESULTS, request_of(options, loaded))
    if request.json_output:
        print_document(document)
    if not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


def summarise(loaded: Analysis, options: BiasOptions) -> BiasSummary:
    """Apply every method."""
    return loaded.bias(
        steps=parse_steps(options.steps),
        alternative=cast(Way, check_option("alternative", options.alternative, Way)),
        aggregation_rho=options.aggregation_rho,
    )


def document_of(
    found: BiasSummary, loaded: Analysis, options: BiasOptions, files: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the document of the command."""
    own = {
        "steps": list(parse_steps(options.steps)),
        "alternative": options.alternative,
        "aggregation_rho": found.aggregation_rho,
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


def _print(found: BiasSummary, loaded: Analysis, request: Request) -> None:
    """Problems of the sheet on stderr, tables and sentences on stdout."""
    print_preamble(loaded.studies, request)
    width = terminal_width()
    tables = (adjusted_table(found), tests_table(found), weights_table(found))
    lines = []
    for table in (*tables, fail_safe_table(found)):
        if table is not None:
            lines += [render_text(table, width), ""]
    for text in reading_lines(found):
        lines += [textwrap.fill(text, width), ""]
    for p in found.notices:
        lines.append(textwrap.fill(f"{p.severity}: {p.message} ({p.code})", width))
    print_result(lines)
