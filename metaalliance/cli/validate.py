"""`metaalliance validate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.cli.run import DATA, OK, print_error, print_result, terminal_width
from metaalliance.cli.settings import config_for, resolve
from metaalliance.report.problems import FIRST, count_line, problem_lines, silenced_lines
from metaalliance.report.results import SCHEMA_VERSION, input_record, to_json
from metaalliance.sheet.studies import Studies, load_studies


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """Options of the command."""

    workbook: Path
    sheet: str | None
    config: Path | None
    nonsignificant: Any
    beta: Any
    strict: bool
    every: bool
    json_output: bool
    quiet: bool


def run_validate(options: ValidateOptions) -> int:
    """Print every problem; the exit code says whether the sheet can be pooled."""
    config = config_for(options.workbook, options.config)
    policies = {"nonsignificant": options.nonsignificant, "beta": options.beta}
    settings = resolve(policies, config)
    studies = load_studies(
        options.workbook,
        sheet=options.sheet,
        nonsignificant=settings.nonsignificant,
        beta=settings.beta,
        config=config,
    )
    if options.json_output:
        print_result([to_json(_document(studies))])
    else:
        _print(studies, options)
    severe = {"error", "warning"} if options.strict else {"error"}
    return DATA if any(p.severity in severe for p in studies.problems) else OK


def _document(studies: Studies) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "validate",
        "input": input_record(studies),
        "problems": [p.to_dict() for p in studies.problems],
    }


def _print(studies: Studies, options: ValidateOptions) -> None:
    problems = [p for p in studies.problems if not options.quiet or p.severity == "error"]
    first = len(problems) + 1 if options.every else FIRST
    print_result(problem_lines(problems, terminal_width(), first=first))
    for line in silenced_lines(studies.silenced, terminal_width()):
        print_error(line)
    used, read = len(studies.used), len(studies.rows)
    in_error = len({p.row for p in studies.errors if p.row} & {r.number for r in studies.rows})
    print_error(
        f"{studies.file}, sheet {studies.sheet}: {read:,} rows read, {used:,} usable, "
        f"{len(studies.excluded):,} excluded, {in_error:,} in error; "
        f"{count_line(studies.problems)}."
    )
