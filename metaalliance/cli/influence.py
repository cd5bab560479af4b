"""`metaalliance influence`: what single studies do to the result."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.influence import InfluenceResults
from metaalliance.cli.analysis import (
    Request,
    load,
    open_folder,
    print_preamble,
    settings_of,
)
from metaalliance.cli.further_figures import draw_all, figure_files, influence_drawings
from metaalliance.cli.multiverse import progress_line
from metaalliance.cli.record import request_of, save_record
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.diagnostics.gosh import MOST_SUBSETS
from metaalliance.errors import OptionError
from metaalliance.report.results import input_record, to_json
from metaalliance.report.tables.influence import (
    cumulative_table,
    diagnostics_table,
    influence_document,
    influence_sheets,
    left_out_table,
    moderator_left_out_table,
    outlier_table,
)
from metaalliance.report.tables.table import render_text
from metaalliance.report.workbooks.write import write_workbook

FILES = ("influence.json", "influence.xlsx", "run_influence.json")
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
    request = options.request
    if not 0 <= options.gosh <= MOST_SUBSETS:
        raise OptionError(f"--gosh {options.gosh}: choose from 1 to {MOST_SUBSETS:,} subsets.")
    config, settings = settings_of(request)
    names = figure_files(FIGURES) if options.figures else ()
    folder = open_folder(request, "influence", (*FILES, *names))
    loaded = load(request, config, settings, "Nothing was computed.")
    if isinstance(loaded, int):
        return loaded
    found = influence_results(loaded, options)
    if options.figures:
        notes = draw_all(influence_drawings(found), folder)
        found = replace(found, notices=(*found.notices, *notes))
    document = document_of(found, loaded, options, (*folder.written, *FILES))
    studies = loaded.studies
    if not request.json_output:
        _print(found, loaded, options)
    listed = [*document["settings"].items(), ("file", studies.file), ("sha256", studies.sha256)]
    shown = [(k, ", ".join(map(str, v)) if isinstance(v, list) else v) for k, v in listed]
    folder.write("influence.xlsx", write_workbook(influence_sheets(found, shown)))
    folder.write("influence.json", to_json(document).encode())
    save_record(folder, document, loaded, RESULTS, request_of(options, loaded))
    if request.json_output:
        print_document(document)
    if not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


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
    return loaded.influence(
        by=options.by,
        cumulated=options.cumulative,
        subsets=options.gosh,
        seed=options.seed,
        jobs=options.jobs,
        progress=None if options.request.quiet else progress_line(unit="subsets"),
    )


def _print(found: InfluenceResults, loaded: Analysis, options: InfluenceOptions) -> None:
    """Problems of the sheet on stderr, tables on stdout."""
    print_preamble(loaded.studies, options.request)
    width, first = terminal_width(), None if options.every else SHOWN
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
    print_result(lines)
