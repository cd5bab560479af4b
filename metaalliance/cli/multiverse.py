"""`metaalliance multiverse`: every declared analysis of a sheet."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from metaalliance.cli.analysis import Request, load, open_folder, print_preamble, settings_of
from metaalliance.cli.record import save_record
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.cli.settings import Settings
from metaalliance.errors import OptionError
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.results import input_record, to_json
from metaalliance.report.tables.multiverse import (
    decision_table,
    failure_lines,
    multiverse_document,
    multiverse_sheets,
    option_table,
)
from metaalliance.report.tables.table import render_text
from metaalliance.report.workbooks.write import write_workbook
from metaalliance.robustness.results import Multiverse
from metaalliance.robustness.specifications import DECISIONS
from metaalliance.sheet.studies import Studies

FILES = ("multiverse.json", "multiverse.xlsx", "run_multiverse.json")
#: Parts of the document that the digest of the record covers.
RESULTS = ("counts", "verdict", "decisions", "options", "specifications")
FIGURE = tuple(f"specification_curve.{end}" for end in ("pdf", "png", "alt.txt"))
#: Seconds before a progress line is shown.
PATIENCE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiverseOptions:
    """Options of the command."""

    request: Request
    decisions: tuple[str, ...]
    jobs: int
    every: bool
    figures: bool = True


def run_multiverse(options: MultiverseOptions) -> int:
    """Run the command."""
    request = options.request
    config, settings = settings_of(request)
    grid = {**config.multiverse, **parse_decisions(options.decisions)}
    files = (*FILES, *(FIGURE if options.figures else ()))
    folder = open_folder(request, "multiverse", files)
    loaded = load(request, config, loading(settings), "Nothing was pooled.")
    if isinstance(loaded, int):
        return loaded
    studies = loaded.studies
    loaded = replace(loaded, policy=settings.policy)  # the sheet may be read under another
    progress = None if request.quiet else progress_line()
    found = loaded.multiverse(grid, jobs=options.jobs, progress=progress)
    document = document_of(found, studies, files)
    if not request.json_output:
        _print(found, studies, options)
    sheets = multiverse_sheets(found, {"file": studies.file, "sha256": studies.sha256})
    workbook = write_workbook(sheets)
    folder.write("multiverse.json", to_json(document).encode())
    folder.write("multiverse.xlsx", workbook)
    if options.figures:
        _draw(found, folder)
    asked = {"settings": settings.to_record(), "options": {"grid": grid}}
    save_record(folder, document, loaded, RESULTS, asked)
    if request.json_output:
        print_document(document)
    if not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


def loading(settings: Settings) -> Settings:
    """Return the settings with which the sheet is read.

    What "n.s." is worth is a decision here, so that a sheet without a policy is read too.
    """
    if settings.policy.nonsignificant != "error":
        return settings
    return replace(settings, policy=replace(settings.policy, nonsignificant="drop"))


def document_of(found: Multiverse, studies: Studies, files: Sequence[str]) -> dict[str, Any]:
    """Return the document of the command."""
    return multiverse_document(
        found,
        input_record(studies),
        [p.to_dict() for p in studies.problems],
        {"beta": studies.beta, "config": studies.config},
        files,
    )


def _draw(found: Multiverse, folder: ResultsFolder) -> None:
    """Write the specification curve."""
    from metaalliance import plots
    from metaalliance.cli.figures import write_figure
    from metaalliance.plots.charts.specification_curve import specification_text

    write_figure(
        folder, "specification_curve", plots.specification_curve(found), specification_text(found)
    )


def parse_decisions(given: Sequence[str]) -> dict[str, list[Any]]:
    """Return options by decision from texts such as "rho=.4,.6".

    Raises
    ------
    OptionError
        For a text without "=" or a correlation that is no number.
    """
    found: dict[str, list[Any]] = {}
    for text in given:
        name, mark, values = text.partition("=")
        options = [v.strip() for v in values.split(",") if v.strip()]
        if not mark or not options:
            raise OptionError(
                f"--decision {text}: write decision=option,option. The decisions are "
                f"{', '.join(DECISIONS)}."
            )
        found[name.strip()] = [_rho(v) for v in options] if name.strip() == "rho" else options
    return found


def _rho(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"--decision rho: {text!r} is no number.") from None


def progress_line(stream: Any = None, unit: str = "sets of effects") -> Callable[[int, int], None]:
    """Return a callback that shows progress on a terminal, once the work takes over two seconds."""
    out = stream or sys.stderr
    started = monotonic()

    def show(done: int, total: int) -> None:
        if not out.isatty() or monotonic() - started < PATIENCE:
            return
        end = "\r\x1b[K" if done == total else ""
        out.write(f"\r{done:,} of {total:,} {unit}{end}")
        out.flush()

    return show


def _print(found: Multiverse, studies: Studies, options: MultiverseOptions) -> None:
    """Sentences and tables on stdout, problems of the sheet on stderr."""
    print_preamble(studies, options.request)
    width = terminal_width()
    sentences = [textwrap.fill(line, width) for line in found.summary().splitlines()]
    lines = [*sentences, "", render_text(decision_table(found), width)]
    if options.every:
        lines += ["", render_text(option_table(found), width)]
    reasons = failure_lines(found)
    shown = [textwrap.fill(reason, width) for reason in reasons]
    print_result([*lines, *(["", *shown] if shown else [])])
