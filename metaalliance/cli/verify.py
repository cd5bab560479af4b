"""`metaalliance verify`: run a recorded analysis again and say what is no longer the same."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import Analysis, config_for
from metaalliance.cli.analysis import load
from metaalliance.cli.request import Request
from metaalliance.cli.rerun import loading_settings, recomputed
from metaalliance.cli.run import DATA, OK, print_document, print_result, terminal_width
from metaalliance.cli.settings import Settings
from metaalliance.config import Config
from metaalliance.errors import StudyDataError
from metaalliance.report.record import changed_rows, intact, moved_numbers, numbers_of
from metaalliance.report.results import SCHEMA_VERSION, versions
from metaalliance.report.tables.table import wrapped
from metaalliance.report.tables.verification import (
    Check,
    configuration_check,
    digest_check,
    files_check,
    follows,
    input_check,
    numbers_check,
    read_record,
    rows_check,
    seal_check,
    settings_check,
    versions_check,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """Options of the command."""

    record: Path
    request: Request
    strict: bool = False


def run_verify(options: VerifyOptions) -> int:
    """Run the command."""
    record = read_record(options.record)
    request = replace(options.request, sheet=options.request.sheet or _sheet(record["input"]))
    config = config_for(request.workbook, request.config)
    loaded = _load(request, config, loading_settings(record))
    if isinstance(loaded, int):
        return loaded
    checks = compare(record, loaded, options.record.parent, request)
    verdict = follows(checks, strict=options.strict)
    if request.json_output:
        print_document(
            {
                "schema_version": SCHEMA_VERSION,
                "command": "verify",
                "follows": verdict,
                "checks": [check.to_dict() for check in checks],
            }
        )
    else:
        print_result(_lines(checks, verdict, record["command"]))
    return OK if verdict else DATA


def _sheet(source: dict[str, Any]) -> str | None:
    """Return the sheet that was read; a text file has none, but bears its own name."""
    sheet: str = source["sheet"]
    return None if sheet == Path(source["file"]).name else sheet


def _load(request: Request, config: Config, settings: Settings) -> Analysis | int:
    """Read the sheet; one with errors cannot be the source of any report."""
    try:
        return load(request, config, settings, "The report does not follow from this sheet.")
    except StudyDataError as error:
        raise StudyDataError(str(error), error.problems) from None


def compare(
    record: dict[str, Any], loaded: Analysis, folder: Path, request: Request
) -> list[Check]:
    """Return every check of a record against the sheet as it is now."""
    document = recomputed(record, loaded, request)
    parts = document["parts"]
    now = dict(numbers_of(parts))
    moved = moved_numbers(record["numbers"], now)
    rows = changed_rows(record["rows"], loaded.studies, loaded.coded)
    found = {"python": platform.python_version(), **versions()}
    return [
        seal_check(intact(record)),
        input_check(record["input"]["sha256"], loaded.studies.sha256),
        rows_check(rows, len(loaded.studies.rows)),
        settings_check(_comparable(record["settings"]), _comparable(document["settings"])),
        configuration_check(_config_differences(record, loaded)),
        versions_check(record["versions"], found),
        numbers_check(moved, len({**record["numbers"], **now})),
        digest_check(record["result_digest"], document["digest"]),
        files_check(record["files"], folder),
    ]


def _comparable(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that change numbers: the place of a configuration file is none."""
    return {key: value for key, value in settings.items() if key != "config"}


def _config_differences(record: dict[str, Any], loaded: Analysis) -> list[dict[str, Any]]:
    """Settings that the configuration file asks for and that the record does not have."""
    found = []
    stored = {**record.get("request", record)["settings"]}
    if "request" not in record and "aggregation_rho" in stored:
        stored["rho"] = stored["aggregation_rho"]
    for key, value in loaded.config.pool.items():
        if key != "width" and value != "auto" and key in stored and stored[key] != value:
            found.append({"name": key, "recorded": stored[key], "now": value})
    return found


def _lines(checks: list[Check], verdict: bool, command: str) -> list[str]:
    """One line for each check, and the verdict."""
    width = terminal_width()
    name = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        head = f"{check.name.ljust(name)}  {'same   ' if check.same else 'CHANGED'}  "
        lines += wrapped(check.text, width, head)
    what = "report" if command == "report" else "result"
    answer = (
        f"The {what} follows from this workbook."
        if verdict
        else f"The {what} does not follow from this workbook as it is now."
    )
    return [*lines, "", answer]
