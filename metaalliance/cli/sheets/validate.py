"""`metaalliance validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from metaalliance.analysis.analysis import read
from metaalliance.analysis.documents import input_record
from metaalliance.cli.analysis import settings_of
from metaalliance.cli.request import Request
from metaalliance.cli.run import (
    DATA,
    OK,
    print_data,
    print_document,
    print_error,
    print_result,
    terminal_width,
)
from metaalliance.cli.streams import concluding
from metaalliance.errors import OptionError
from metaalliance.problems import SCHEMA_VERSION, Problem
from metaalliance.report.folder import write_file
from metaalliance.report.tables.problems import (
    FIRST,
    count_line,
    github_lines,
    problem_lines,
    silenced_lines,
)
from metaalliance.report.workbooks.annotated import annotated_workbook
from metaalliance.report.workbooks.spreadsheet_text import to_csv
from metaalliance.sheet.studies import Studies
from metaalliance.wording.phrases import count_text

FORMATS = ("text", "json", "csv", "github")
_FIELDS = [name for name in Problem.__dataclass_fields__ if name != "cells"]


def run_validate(
    request: Request, *, strict: bool, every: bool, annotate: Path | None, output_format: str
) -> int:
    """Print every problem; the exit code says whether the sheet can be pooled."""
    if output_format not in FORMATS:
        listed = ", ".join(FORMATS)
        raise OptionError(f"--output-format {output_format} is not one of {listed}.")
    config, settings = settings_of(request)
    studies = read(request.workbook, settings.policy, config, request.sheet)
    if annotate is not None:
        _annotate(studies, annotate, request)
    severe = {"error", "warning"} if strict else {"error"}
    code = DATA if any(p.severity in severe for p in studies.problems) else OK
    with concluding(code):
        if output_format == "json":
            print_document(_document(studies))
        elif output_format == "csv":
            single = [one.to_dict() for p in studies.problems for one in p.each]
            frame = pd.DataFrame(single, columns=_FIELDS)
            print_data(to_csv(frame))
        elif output_format == "github":
            named = request.workbook.as_posix() if request.source else studies.file
            lines = github_lines(studies.problems, named)
            print_data("".join(f"{line}\n" for line in lines))
        else:
            _print(studies, request, every=every)
    return code


def _annotate(studies: Studies, target: Path, request: Request) -> None:
    """Write the checked copy; never over the sheet itself."""
    if target.suffix.lower() != ".xlsx":
        raise OptionError(f"{target}: the copy is an .xlsx file.")
    source = request.source
    if source is not None and target.exists() and target.samefile(source):
        raise OptionError("--annotate must name another file than the sheet.", code="MA691")
    write_file(target, annotated_workbook(request.workbook, studies), force=request.force)
    print_error(f"Wrote {target}")


def _document(studies: Studies) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "validate",
        "input": input_record(studies),
        "problems": [p.to_dict() for p in studies.problems],
        "cells": [one.to_dict() for p in studies.problems for one in p.cells],
        "silenced": [{**p.to_dict(), "reason": reason} for p, reason in studies.silenced],
    }


def _print(studies: Studies, request: Request, *, every: bool) -> None:
    problems = [p for p in studies.problems if not request.quiet or p.severity == "error"]
    if every:
        problems = [one for p in problems for one in p.each]
    first = None if every else FIRST
    print_result(problem_lines(problems, terminal_width(), first=first))
    for line in silenced_lines(studies.silenced, terminal_width()):
        print_error(line)
    used, read = len(studies.used), len(studies.rows)
    print_error(
        f"{studies.file}, sheet {studies.sheet}: {count_text(read, 'row')} read, {used:,} usable, "
        f"{len(studies.excluded):,} excluded, {len(studies.in_error):,} in error; "
        f"{count_line(studies.problems)}."
    )
