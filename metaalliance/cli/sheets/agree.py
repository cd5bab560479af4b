"""`metaalliance agree`: how far coders agree, and a workbook to settle where they do not."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import config_for, read
from metaalliance.analysis.coders import Coders, compare_coders
from metaalliance.cli.analysis import settings_of
from metaalliance.cli.request import Request
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.errors import OptionError
from metaalliance.model import Model
from metaalliance.policy import Policy
from metaalliance.report.folder import write_file
from metaalliance.report.tables.agreement import (
    agreed_line,
    agreement_document,
    agreement_table,
    conflict_lines,
    matching_lines,
    pooled_table,
)
from metaalliance.report.tables.table import render_text
from metaalliance.report.workbooks.conflicts import conflicts_workbook
from metaalliance.sheet.columns.codebook import find_codebook
from metaalliance.sheet.read.source import read_grids
from metaalliance.sheet.studies import Studies

FILE_NAME = "agreement_conflicts.xlsx"


def run_agree(
    request: Request,
    workbooks: Sequence[Path],
    *,
    key: str | None = None,
    level: float | None = None,
    every: bool = False,
) -> int:
    """Match, compare, print, and write the conflicts workbook."""
    target = _target(request, workbooks)
    keys = [k.strip() for k in key.split(",") if k.strip()] if key else None
    written = config_for(workbooks[0], request.config)
    model = Model.read({"level": level}, written.pool)
    policy = Policy.read({}, written.pool)
    sheets = _sheets(request, workbooks)
    found = compare_coders(sheets, model, policy, keys)
    content = conflicts_workbook(
        found.matching,
        found.conflicts,
        found.table,
        found.pooled,
        codebook=_codebook(workbooks[0]),
    )
    write_file(target, content, force=request.force)
    if request.json_output:
        settings = {**policy.to_record(), **model.to_record(), "key": keys, "sheet": request.sheet,
                    "nonsignificant": sheets[0].nonsignificant, "beta": sheets[0].beta}  # fmt: skip
        document = agreement_document(found, settings, [target.name])
        print_document(document)
    else:
        _print(found, every=every)
    if not request.quiet:
        print_error(f"Wrote {target}. Decide there, then: metaalliance reconcile {target.name}")
    return OK


def _print(found: Coders, *, every: bool) -> None:
    """Matching, agreement, pooled results and the first conflicts on stdout."""
    width = terminal_width()
    shown = agreement_table(found.table, every=every)
    lines = matching_lines(found.matching, every=every)
    lines += ["", render_text(shown, width)] if shown.rows else []
    lines += ["", *textwrap.wrap(agreed_line(found.table), width)] if not every else []
    pooled = pooled_table(found.pooled, found.table.level)
    print_result([*lines, "", render_text(pooled, width), "", *conflict_lines(found.conflicts)])


def _target(request: Request, workbooks: Sequence[Path]) -> Path:
    """Where the conflicts workbook goes, refused early when it exists or replaces an input."""
    if len(workbooks) < 2:
        raise OptionError("agree needs the workbooks of two or more coders.")
    if any(str(path) == "-" for path in workbooks):
        raise OptionError("agree reads files, not standard input.")
    target = request.output or workbooks[0].with_name(FILE_NAME)
    if target.suffix.lower() != ".xlsx":
        raise OptionError(f"{target}: the conflicts workbook is an .xlsx file.")
    if any(target.resolve() == path.resolve() for path in workbooks):
        raise OptionError(f"{target} is one of the sheets to compare.", code="MA691")
    if target.exists() and not request.force:
        raise OptionError(
            f"{target} exists already and may hold decisions. Choose another name with -o, or use "
            "--force.",
            code="MA691",
        )
    return target


def _sheets(request: Request, workbooks: Sequence[Path]) -> list[Studies]:
    """Read every sheet, errors or not, by the same policies."""
    sheets = []
    for path in workbooks:
        config, settings = settings_of(replace(request, workbook=path))
        sheets.append(read(path, settings.policy, config, request.sheet))
    return sheets


def _codebook(path: Path) -> list[list[Any]] | None:
    """The codebook sheet of the first coder, for the sheet of the team."""
    grid = find_codebook(read_grids(path)[0])
    return None if grid is None else grid.rows
