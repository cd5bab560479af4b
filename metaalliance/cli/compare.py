"""`metaalliance compare`: what changed between two versions of a sheet, and what it did."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import config_for, read
from metaalliance.cli.run import DATA, OK, print_document, print_error, print_result, terminal_width
from metaalliance.cli.settings import resolve
from metaalliance.errors import OptionError
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.results import run_record, to_json
from metaalliance.report.tables.compare import (
    change_lines,
    compare_document,
    compare_sheets,
    step_table,
)
from metaalliance.report.tables.problems import problem_lines
from metaalliance.report.tables.table import render_text
from metaalliance.report.workbooks.write import write_workbook
from metaalliance.robustness.compare import compare
from metaalliance.robustness.comparison import Comparison

FILES = ("compare.json", "compare.xlsx", "run_compare.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """Options of the command."""

    old: Path
    new: Path
    output: Path | None
    sheet: str | None
    config: Path | None
    key: str | None
    settings: dict[str, Any]
    every: bool
    json_output: bool
    force: bool
    quiet: bool


def run_compare(options: CompareOptions) -> int:
    """Run the command."""
    if any(str(path) == "-" for path in (options.old, options.new)):
        raise OptionError("compare reads files, not standard input.")
    output = options.output or options.new.parent / f"{options.new.stem}_results"
    folder = ResultsFolder(output, force=options.force, command="compare")
    for source in (options.old, options.new):
        folder.check(FILES, source)
    config = config_for(options.new, options.config)
    settings = resolve(options.settings, config)
    found = compare(
        *(
            read(path, settings.policy, config_for(path, options.config), options.sheet)
            for path in (options.old, options.new)
        ),
        model=settings.model,
        policy=settings.policy,
        key=[k.strip() for k in options.key.split(",") if k.strip()] if options.key else None,
    )
    document = compare_document(found, FILES)
    if not options.json_output:
        _print(found, options)
    workbook = write_workbook(compare_sheets(found))
    folder.write("compare.json", to_json(document).encode())
    folder.write("compare.xlsx", workbook)
    record = run_record(document, dict(folder.written), ("counts", "result", "cells"))
    folder.write(folder.record_name, to_json(record).encode())
    folder.remove_stale()
    if options.json_output:
        print_document(document)
    if not options.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return DATA if found.old.errors or found.new.errors else OK


def _print(found: Comparison, options: CompareOptions) -> None:
    """Changes and steps on stdout, errors of the sheets on stderr."""
    width = terminal_width()
    for sheet in (found.old, found.new):
        if sheet.errors:
            count = len(sheet.errors)
            print_error(f"{count} error{'' if count == 1 else 's'} in {sheet.file}")
            for line in problem_lines(sheet.errors, width):
                print_error(line)
    lines = [textwrap.fill(line, width) for line in found.summary().splitlines()]
    changed = change_lines(found, every=options.every)
    lines += ["", *changed] if changed else []
    lines += ["", render_text(step_table(found), width)] if found.steps else []
    print_result(lines)
