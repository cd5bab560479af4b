"""`metaalliance reconcile`: from the decisions about conflicts to the sheet of the team."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from metaalliance.analysis.analysis import config_for, read
from metaalliance.analysis.documents import input_record
from metaalliance.cli.analysis import settings_of
from metaalliance.cli.request import Request
from metaalliance.cli.run import DATA, OK, print_document, print_error, terminal_width
from metaalliance.errors import OptionError, StudyDataError
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.report.folder import write_file
from metaalliance.report.tables.problems import count_line, problem_lines
from metaalliance.report.workbooks.consensus import reconcile
from metaalliance.sheet.studies import Studies
from metaalliance.wording.phrases import count_text


def run_reconcile(request: Request, workbook: Path, output: Path) -> int:
    """Apply the decisions, write the sheet, and say whether it validates."""
    if output.suffix.lower() != ".xlsx":
        raise OptionError(f"{output}: the sheet of the team is an .xlsx file.")
    if output.resolve() == workbook.resolve():
        raise OptionError(f"{output} is the conflicts workbook itself.", code="MA691")
    config = config_for(output, request.config)
    try:
        content = reconcile(workbook, headers=config.columns)
    except StudyDataError as error:
        if request.json_output:
            raise
        for line in problem_lines(error.problems, terminal_width()):
            print_error(line)
        print_error(f"\n{error} Nothing was written.")
        return DATA
    write_file(output, content, force=request.force)
    studies = _read_back(request, output)
    if request.json_output:
        document = {
            "schema_version": SCHEMA_VERSION,
            "command": "reconcile",
            "input": {"file": workbook.name},
            "result": input_record(studies),
            "problems": [p.to_dict() for p in studies.problems],
            "files": [output.name],
        }
        print_document(document)
    if not request.quiet:
        print_error(
            f"Wrote {output}: {count_text(len(studies.rows), 'row')}, audit sheet with the "
            "decisions; "
            f"{count_line(studies.problems)} (metaalliance validate {output.name} lists "
            "them)."
        )
    return OK


def _read_back(request: Request, output: Path) -> Studies:
    """Read the written sheet as `pool` will."""
    config, settings = settings_of(replace(request, workbook=output))
    return read(output, settings.policy, config)
