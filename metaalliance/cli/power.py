"""`metaalliance power`: power and precision of a planned review."""

from __future__ import annotations

import textwrap

from metaalliance.analysis.documents import run_record, to_json
from metaalliance.analysis.planning import PowerOptions, check_question, planned
from metaalliance.cli.analysis import results_path
from metaalliance.cli.frame import forget, own_files, workers_of, write_results
from metaalliance.cli.request import Request, Running
from metaalliance.cli.run import (
    OK,
    print_document,
    print_error,
    print_result,
    progress_line,
    terminal_width,
)
from metaalliance.errors import OptionError
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.tables.power import (
    power_document,
    power_sheets,
    power_table,
    precision_table,
)
from metaalliance.report.tables.table import render_text
from metaalliance.robustness.power_results import Power
from metaalliance.robustness.precision import Precision

FILES = own_files("power")


def run_power(request: Request, options: PowerOptions, running: Running) -> int:
    """Run the command."""
    check_question(options)
    if running != Running() and not options.simulate:
        raise OptionError(
            "--jobs, --backend, --scheduler and --resume are for simulations. Add --simulate, or "
            "leave them out."
        )
    workers = workers_of(running, "power", results_path(request), request)
    folder = None
    if request.output is not None:
        folder = ResultsFolder(request.output, force=request.force, command="power")
        folder.check(FILES, options.pilot)
    found = planned(options, None if request.quiet else progress_line(unit="reviews"), workers)
    document = power_document(found, list(FILES) if folder else [])
    if folder is not None:
        write_results(folder, "power", document, power_sheets(found))
        results = [k for k in ("plans", "needed", "k", "expected") if k in document]
        record = run_record({**document, "input": None}, dict(folder.written), results)
        folder.write(folder.record_name, to_json(record).encode())
        folder.save()
    if request.json_output:
        print_document(document)
    else:
        _print(found)
    if folder is not None and not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    forget(workers, request)
    return OK


def _print(found: Power | Precision) -> None:
    width = terminal_width()
    table = precision_table(found) if isinstance(found, Precision) else power_table(found)
    sentences = [textwrap.fill(line, width) for line in found.summary().splitlines()]
    print_result([*sentences, "", render_text(table, width)])
