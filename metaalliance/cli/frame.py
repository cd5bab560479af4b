"""The frame of every command that leaves results: read, compute, write, record, print."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import to_json
from metaalliance.analysis.record import asked_of, record_of
from metaalliance.cli.analysis import load, open_folder, print_preamble, settings_of
from metaalliance.cli.request import Request, Running
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.problems import Problem
from metaalliance.report.folder import ResultsFolder, record_name
from metaalliance.report.workbooks.write import write_workbook

if TYPE_CHECKING:
    from metaalliance.cli.drawing.further_figures import Drawing
    from metaalliance.workers.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a command has found, as the terminal, the workbook and the figures give it.

    Attributes
    ----------
    sheets : callable
        Returns the sheets of the workbook from the document.
    lines : callable
        Returns what the terminal shows, from its width and notes about figures.
    drawings : sequence of Drawing
        Figures that are still to be drawn.
    """

    sheets: Callable[[dict[str, Any]], Mapping[str, Any]]
    lines: Callable[[int, Sequence[Problem]], Sequence[str]]
    drawings: Sequence[Drawing] = ()


def examined(
    command: str,
    request: Request,
    options: Any,
    show: Callable[[Analysis, Any], Shown],
    *,
    figures: Sequence[str] | None = None,
    refused: str = "Nothing was computed.",
    running: Running | None = None,
    **further: Any,
) -> int:
    """Run a command of the register: what it prints, writes and records.

    Parameters
    ----------
    command : str
        A name of `EXAMINATIONS`, also that of its files.
    options : dataclass
        Those of the command alone that change numbers.
    show : callable
        Returns how the results are shown, from the analysis and the results.
    figures : sequence of str, optional
        Names of figures that may be drawn; by default there are none.
    refused : str
        What did not happen, for the message about a sheet with errors.
    running : Running, optional
        Where its tasks are computed, of an analysis that takes workers as `jobs`.
    **further
        Keywords of the analysis that change no number.
    """
    from metaalliance.analysis.examinations import EXAMINATIONS  # `pool` does without
    from metaalliance.cli.drawing.figure_files import figure_files
    from metaalliance.cli.drawing.further_figures import draw_all

    kind = EXAMINATIONS[command]
    names, own = figure_files(figures or ()), own_files(command)
    config, settings = settings_of(request)
    folder = open_folder(request, command, (*own, *names))
    loaded = load(
        request, config, settings, refused, reading=lambda policy: kind.reading(policy, options)
    )
    if isinstance(loaded, int):
        return loaded
    workers = None if running is None else workers_of(running, command, folder.path, request)
    jobs = {} if workers is None else {"jobs": workers}
    found = kind.run(loaded, options, **jobs, **further)
    shown = show(loaded, found)
    notes = [] if figures is None else draw_all(shown.drawings, folder, settings.look)
    document = kind.document(loaded, options, found, notes, (*folder.written, *own))
    write_results(folder, command, document, shown.sheets(document))
    asked = {f.name: getattr(options, f.name) for f in fields(options)}
    save_record(folder, document, loaded, kind.results, asked)
    if not request.json_output:
        print_preamble(loaded.studies, request)
        print_result(shown.lines(terminal_width(), notes))
    code = closed(folder, document, request)
    forget(workers, request)
    return code


def workers_of(
    running: Running,
    command: str,
    output: Path,
    request: Request,
    progress: Callable[[int, int], None] | None = None,
) -> Workers:
    """Return where the tasks of a command are computed, and kept beside its output.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of finished and of all tasks.

    Raises
    ------
    OptionError
        For what does not go together.
    """
    from metaalliance.analysis.rules import RULES_VERSION  # other commands do without
    from metaalliance.workers.kept import Kept
    from metaalliance.workers.workers import Workers

    def tell(found: Problem) -> None:
        if found.severity == "warning" or not request.quiet:
            print_error(textwrap.fill(found.text, terminal_width()))

    folder = output.with_name(f"{output.name}_unfinished")
    kept = Kept(folder, name=command, rules=RULES_VERSION, tell=tell) if running.resume else None
    jobs = 1 if running.jobs is None and not running.backend else running.jobs
    return Workers(
        jobs=-1 if jobs is None and running.backend == "loky" else jobs,
        backend=cast(Any, running.backend),
        scheduler=running.scheduler,
        kept=kept,
        progress=progress,
    )


def forget(workers: Workers | None, request: Request) -> None:
    """Remove the finished tasks of a run whose results are written, and say so."""
    kept = None if workers is None else workers.kept
    if kept is not None and kept.remove() and not request.quiet:
        print_error(f"Removed the finished tasks in {kept.path}")


def own_files(command: str) -> tuple[str, str, str]:
    """Return the document, the workbook and the record of a command."""
    return f"{command}.json", f"{command}.xlsx", record_name(command)


def write_results(
    folder: ResultsFolder, name: str, document: dict[str, Any], sheets: Mapping[str, Any]
) -> None:
    """Write the document and the workbook of a command."""
    folder.write(f"{name}.xlsx", write_workbook(sheets))
    folder.write(f"{name}.json", to_json(document).encode())


def closed(folder: ResultsFolder, document: dict[str, Any], request: Request) -> int:
    """Print the document, where it is asked for, and what was written."""
    if request.json_output:
        print_document(document)
    if not request.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


def settings_rows(document: dict[str, Any], loaded: Analysis) -> list[tuple[str, Any]]:
    """Return the settings of a document and its input, as a sheet of a workbook lists them."""
    studies = loaded.studies
    return [*document["settings"].items(), ("file", studies.file), ("sha256", studies.sha256)]


def save_record(
    folder: ResultsFolder,
    document: dict[str, Any],
    loaded: Analysis,
    results: Sequence[str],
    options: Mapping[str, Any],
    **further: Any,
) -> None:
    """Write the record of a run, and remove files of an earlier one that are not of this.

    Parameters
    ----------
    results : sequence of str
        Parts of the document that are results.
    options : mapping
        Those of the command alone.
    **further
        See `record_of`.
    """
    record = record_of(
        document,
        results,
        asked_of(loaded.model, loaded.policy),
        loaded.studies,
        loaded.coded,
        files=folder.written,
        options=options,
        **further,
    )
    folder.write(folder.record_name, to_json(record).encode())
    folder.save()
