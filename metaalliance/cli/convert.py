"""`metaalliance convert`: tidy effects with their ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from metaalliance.analysis.analysis import config_for
from metaalliance.cli.run import DATA, OK, print_document, print_error, print_result, terminal_width
from metaalliance.cli.settings import resolve
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError, StudyDataError
from metaalliance.models.scale import without_nan
from metaalliance.report.folder import write_file
from metaalliance.report.results import SCHEMA_VERSION, input_record
from metaalliance.report.tables.problems import count_line, problem_lines
from metaalliance.report.workbooks.spreadsheet_text import to_csv
from metaalliance.report.workbooks.write import write_workbook
from metaalliance.sheet.studies import load_studies

_LEDGER = ("statistic", "inputs", "formula", "source", "sign", "direction", "variance_rule",
           "approximate", "assumptions", "changes", "r_reported")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertOptions:
    """Options of the command."""

    workbook: Path
    output: Path | None
    sheet: str | None
    config: Path | None
    settings: dict[str, Any]
    json_output: bool
    force: bool
    quiet: bool


def run_convert(options: ConvertOptions) -> int:
    """Convert every row; write .csv or .xlsx, or print CSV."""
    config = config_for(options.workbook, options.config)
    settings = resolve(options.settings, config)
    suffix = options.output.suffix.lower() if options.output else ".csv"
    if suffix not in {".csv", ".xlsx"}:
        raise OptionError(f"{options.output}: effects are written as .csv or .xlsx.")
    studies = load_studies(
        options.workbook,
        sheet=options.sheet,
        nonsignificant=settings.policy.nonsignificant,  # type: ignore[arg-type]
        beta=settings.policy.beta,  # type: ignore[arg-type]
        config=config,
    )
    if studies.errors:
        message = f"{count_line(studies.errors)} in {studies.file}. Nothing was converted."
        if options.json_output:
            raise StudyDataError(message, studies.problems)
        for line in problem_lines(studies.errors, terminal_width()):
            print_error(line)
        print_error(f"\n{message}")
        return DATA
    effects = effect_sizes(studies, settings.policy.measure, **settings.policy.correction)  # type: ignore[arg-type]
    _write(effects, options, suffix)
    if options.json_output:
        document = {
            "schema_version": SCHEMA_VERSION,
            "command": "convert",
            "input": input_record(studies),
            "problems": [p.to_dict() for p in studies.problems],
            "settings": {"measure": effects.measure, "nonsignificant": studies.nonsignificant},
            "effects": tidy(effects).astype(object).to_dict("records"),
            "files": [options.output.name] if options.output else [],
        }
        print_document(without_nan(document))
    if not options.quiet:
        print_error(f"{effects.n_effects:,} effects of {effects.n_studies:,} studies converted.")
    return OK


def tidy(effects: Effects) -> pd.DataFrame:
    """One row per effect: the effect, its moderators, then how it was made."""
    ledger = effects.ledger[list(_LEDGER)]
    return pd.concat([effects.frame, ledger], axis=1)


def _write(effects: Effects, options: ConvertOptions, suffix: str) -> None:
    if options.output is None:
        if not options.json_output:
            print_result(to_csv(tidy(effects)).splitlines())
        return
    if suffix == ".csv":
        content = to_csv(tidy(effects)).encode("utf-8-sig")
    else:
        content = write_workbook({"Effects": effects.frame, "Ledger": effects.ledger})
    write_file(options.output, content, force=options.force, source=options.workbook)
    if not options.quiet:
        print_error(f"Wrote {options.output}")
