"""`metaalliance convert`: tidy effects with their ledger."""

from __future__ import annotations

import pandas as pd

from metaalliance.analysis.analysis import coded_effects, read
from metaalliance.analysis.documents import effects_document
from metaalliance.cli.analysis import settings_of
from metaalliance.cli.request import Request
from metaalliance.cli.run import (
    DATA,
    OK,
    print_data,
    print_document,
    print_error,
    terminal_width,
)
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError, StudyDataError
from metaalliance.report.folder import write_file
from metaalliance.report.tables.problems import count_line, problem_lines
from metaalliance.report.workbooks.spreadsheet_text import to_csv
from metaalliance.report.workbooks.write import write_workbook
from metaalliance.wording.phrases import effects_text, studies_text

_LEDGER = ("statistic", "inputs", "formula", "source", "sign", "direction", "variance_rule",
           "approximate", "assumptions", "changes", "r_reported")  # fmt: skip


def run_convert(request: Request) -> int:
    """Convert every row; write .csv or .xlsx, or print CSV."""
    config, settings = settings_of(request)
    suffix = request.output.suffix.lower() if request.output else ".csv"
    if suffix not in {".csv", ".xlsx"}:
        raise OptionError(f"{request.output}: effects are written as .csv or .xlsx.")
    studies = read(request.workbook, settings.policy, config, request.sheet)
    if studies.errors:
        message = f"{count_line(studies.errors)} in {studies.file}. Nothing was converted."
        if request.json_output:
            raise StudyDataError(message, studies.problems)
        for line in problem_lines(studies.errors, terminal_width()):
            print_error(line)
        print_error(f"\n{message}")
        return DATA
    effects = coded_effects(studies, settings.policy)
    _write(effects, request, suffix)
    if request.json_output:
        files = [request.output.name] if request.output else []
        print_document(effects_document(studies, effects.measure, tidy(effects), files))
    if not request.quiet:
        print_error(
            f"{effects_text(effects.n_effects)} of {studies_text(effects.n_studies)} converted."
        )
    return OK


def tidy(effects: Effects) -> pd.DataFrame:
    """One row per effect: the effect, its moderators, then how it was made."""
    ledger = effects.ledger[list(_LEDGER)]
    return pd.concat([effects.frame, ledger], axis=1)


def _write(effects: Effects, request: Request, suffix: str) -> None:
    if request.output is None:
        if not request.json_output:
            print_data(to_csv(tidy(effects)))
        return
    if suffix == ".csv":
        content = to_csv(tidy(effects)).encode("utf-8-sig")
    else:
        content = write_workbook({"Effects": effects.frame, "Ledger": effects.ledger})
    write_file(request.output, content, force=request.force, source=request.workbook)
    if not request.quiet:
        print_error(f"Wrote {request.output}")
