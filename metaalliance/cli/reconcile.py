"""`metaalliance reconcile`: from the decisions about conflicts to the sheet of the team."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import config_for
from metaalliance.cli.run import DATA, OK, print_document, print_error, terminal_width
from metaalliance.cli.settings import resolve
from metaalliance.config import Config
from metaalliance.errors import OptionError, StudyDataError
from metaalliance.report.folder import write_file
from metaalliance.report.results import SCHEMA_VERSION, input_record
from metaalliance.report.tables.problems import count_line, problem_lines
from metaalliance.report.workbooks.consensus import reconcile
from metaalliance.sheet.studies import Studies, load_studies


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileOptions:
    """Options of the command."""

    workbook: Path
    output: Path
    config: Path | None
    settings: dict[str, Any]
    json_output: bool
    force: bool
    quiet: bool


def run_reconcile(options: ReconcileOptions) -> int:
    """Apply the decisions, write the sheet, and say whether it validates."""
    if options.output.suffix.lower() != ".xlsx":
        raise OptionError(f"{options.output}: the sheet of the team is an .xlsx file.")
    if options.output.resolve() == options.workbook.resolve():
        raise OptionError(f"{options.output} is the conflicts workbook itself.", code="MA691")
    config = config_for(options.output, options.config)
    try:
        content = reconcile(options.workbook, headers=config.columns)
    except StudyDataError as error:
        if options.json_output:
            raise
        for line in problem_lines(error.problems, terminal_width()):
            print_error(line)
        print_error(f"\n{error} Nothing was written.")
        return DATA
    write_file(options.output, content, force=options.force)
    studies = _read_back(options, config)
    if options.json_output:
        document = {
            "schema_version": SCHEMA_VERSION,
            "command": "reconcile",
            "input": {"file": options.workbook.name},
            "result": input_record(studies),
            "problems": [p.to_dict() for p in studies.problems],
            "files": [options.output.name],
        }
        print_document(document)
    if not options.quiet:
        print_error(
            f"Wrote {options.output}: {len(studies.rows):,} rows, audit sheet with the decisions; "
            f"{count_line(studies.problems)} (metaalliance validate {options.output.name} lists "
            "them)."
        )
    return OK


def _read_back(options: ReconcileOptions, config: Config) -> Studies:
    """Read the written sheet as `pool` will."""
    settings = resolve(options.settings, config)
    return load_studies(
        options.output,
        nonsignificant=settings.policy.nonsignificant,  # type: ignore[arg-type]
        beta=settings.policy.beta,  # type: ignore[arg-type]
        config=config,
    )
