"""`metaalliance compare`: what changed between two versions of a sheet, and what it did."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

from metaalliance.analysis.documents import to_json
from metaalliance.analysis.further_documents import compare_document
from metaalliance.analysis.two_sheets import compare_files, compare_record
from metaalliance.cli.analysis import open_folder, settings_of
from metaalliance.cli.frame import closed, own_files, write_results
from metaalliance.cli.request import Request
from metaalliance.cli.run import DATA, IMPOSSIBLE, OK, print_error, print_result, terminal_width
from metaalliance.cli.streams import concluding
from metaalliance.errors import OptionError
from metaalliance.report.tables.compare import change_lines, compare_sheets, step_table
from metaalliance.report.tables.problems import problem_lines
from metaalliance.report.tables.table import render_text
from metaalliance.robustness.comparison import Comparison


def run_compare(request: Request, old: Path, new: Path, *, key: str | None, every: bool) -> int:
    """Run the command."""
    if any(str(path) == "-" for path in (old, new)):
        raise OptionError("compare reads files, not standard input.")
    request = replace(request, workbook=new)
    folder = open_folder(request, "compare", own_files("compare"))
    folder.check(own_files("compare"), old)
    _, settings = settings_of(request)
    found = compare_files(
        old,
        new,
        settings.model,
        settings.policy,
        key=key,
        sheets=[request.sheet] * 2,
        config=request.config,
    )
    document = compare_document(found, own_files("compare"))
    write_results(folder, "compare", document, compare_sheets(found))
    record = compare_record(found, document, key, dict(folder.written))
    folder.write(folder.record_name, to_json(record).encode())
    folder.save()
    code = IMPOSSIBLE if found.new_fit is None else OK
    if found.old.errors or found.new.errors:
        code = DATA
    with concluding(code):
        if not request.json_output:
            _print(found, every=every)
        closed(folder, document, request)
    return code


def _print(found: Comparison, *, every: bool) -> None:
    """Changes and steps on stdout, errors of the sheets on stderr."""
    width = terminal_width()
    for sheet in (found.old, found.new):
        if sheet.errors:
            count = len(sheet.errors)
            print_error(f"{count} error{'' if count == 1 else 's'} in {sheet.file}")
            for line in problem_lines(sheet.errors, width):
                print_error(line)
    lines = [textwrap.fill(line, width) for line in found.summary().splitlines()]
    changed = change_lines(found, every=every)
    lines += ["", *changed] if changed else []
    lines += ["", render_text(step_table(found), width)] if found.steps else []
    print_result(lines)
