"""`metaalliance verify`: run a recorded analysis again and say what is no longer the same."""

from __future__ import annotations

from pathlib import Path

from metaalliance.analysis.verify import Verification, verify
from metaalliance.cli.analysis import print_refusal
from metaalliance.cli.request import Request
from metaalliance.cli.run import DATA, OK, print_document, print_result, terminal_width
from metaalliance.cli.streams import concluding
from metaalliance.errors import StudyDataError
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.report.tables.table import wrapped


def run_verify(request: Request, record: Path, *, strict: bool, old: Path | None) -> int:
    """Run the command."""
    try:
        found = verify(
            record,
            request.workbook,
            old=old,
            sheet=request.sheet,
            config=request.config,
            strict=strict,
        )
    except StudyDataError as error:
        return print_refusal(error, request)
    code = OK if found.follows else DATA
    with concluding(code):
        if request.json_output:
            heading = {"schema_version": SCHEMA_VERSION, "command": "verify"}
            print_document({**heading, **found.to_dict()})
        else:
            print_result(_lines(found))
    return code


def _lines(found: Verification) -> list[str]:
    """One line for each check, and the verdict."""
    width = terminal_width()
    name = max(len(check.name) for check in found.checks)
    lines = []
    for check in found.checks:
        head = f"{check.name.ljust(name)}  {'same   ' if check.same else 'CHANGED'}  "
        lines += wrapped(check.text, width, head)
    if found.witness is not None:
        lines += ["", *wrapped(found.witness.text(), width, "")]
    return [*lines, "", *wrapped(found.verdict, width, "")]
