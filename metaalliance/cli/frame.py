"""The frame of every command that leaves results: read, compute, print, write, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import to_json
from metaalliance.analysis.record import asked_of, record_of
from metaalliance.cli.analysis import load, open_folder, print_preamble, settings_of
from metaalliance.cli.drawing.further_figures import Drawing, draw_all, figure_files
from metaalliance.cli.request import Request
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.cli.settings import Settings
from metaalliance.problems import Problem
from metaalliance.report.folder import ResultsFolder, record_name
from metaalliance.report.workbooks.write import write_workbook

#: Options that change no number.
_SILENT = frozenset({"request", "figures", "every", "jobs", "width"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a command has found, in every form in which it is given.

    Attributes
    ----------
    document : callable
        Returns the JSON document from the files that are written and notes about figures.
    sheets : callable
        Returns the sheets of the workbook from the document.
    lines : callable
        Returns what the terminal shows, from its width and notes about figures.
    results : sequence of str
        Parts of the document that the digest of the record covers.
    drawings : sequence of Drawing
        Figures that are still to be drawn.
    options : mapping, optional
        What the record keeps of the options, where they do not say it themselves.
    """

    document: Callable[[Sequence[str], Sequence[Problem]], dict[str, Any]]
    sheets: Callable[[dict[str, Any]], Mapping[str, Any]]
    lines: Callable[[int, Sequence[Problem]], Sequence[str]]
    results: Sequence[str]
    drawings: Sequence[Drawing] = ()
    options: Mapping[str, Any] | None = None


def analysed(
    command: str,
    options: Any,
    compute: Callable[[Analysis, Any], Found],
    *,
    figures: Sequence[str] = (),
    refused: str = "Nothing was computed.",
    reading: Callable[[Settings], Settings] = lambda settings: settings,
) -> int:
    """Run a command on a sheet: its folder, its analysis, what it prints, writes and records.

    Parameters
    ----------
    command : str
        Its name, also that of its files.
    options : dataclass
        With `request` and `figures`; the others are those of the command alone.
    compute : callable
        Returns the results, from the analysis and the options.
    figures : sequence of str
        Names of figures that may be drawn.
    refused : str
        What did not happen, for the message about a sheet with errors.
    reading : callable
        Returns the settings with which the sheet is read, where they are not those asked for.
    """
    request: Request = options.request
    names = figure_files(figures) if options.figures else ()
    own = own_files(command)
    config, settings = settings_of(request)
    folder = open_folder(request, command, (*own, *names))
    loaded = load(request, config, reading(settings), refused)
    if isinstance(loaded, int):
        return loaded
    found = compute(loaded, options)
    notes = draw_all(found.drawings, folder) if options.figures else []
    document = found.document((*folder.written, *own), notes)
    if not request.json_output:
        print_preamble(loaded.studies, request)
        print_result(found.lines(terminal_width(), notes))
    write_results(folder, command, document, found.sheets(document))
    own_options = recorded_options(options) if found.options is None else found.options
    save_record(folder, document, loaded, settings, found.results, own_options)
    return closed(folder, document, request)


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


def recorded_options(options: Any) -> dict[str, Any]:
    """Return the options of a command that change numbers."""
    return {f.name: getattr(options, f.name) for f in fields(options) if f.name not in _SILENT}


def restored(kind: type[Any], stored: Mapping[str, Any], **others: Any) -> Any:
    """Return the options of a command from its record.

    Parameters
    ----------
    kind : type
        Dataclass of the options.
    stored : mapping
        Options of the record.
    **others
        Options that no record holds.
    """
    known = {f.name for f in fields(kind)}
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items() if k in known}
    return kind(**given, **others)


def save_record(
    folder: ResultsFolder,
    document: dict[str, Any],
    loaded: Analysis,
    asked: Settings,
    results: Sequence[str],
    options: Mapping[str, Any],
    **further: Any,
) -> None:
    """Write the record of a run, and remove files of an earlier one that are not of this.

    Parameters
    ----------
    asked : Settings
        What was asked for.
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
        asked_of(asked.model, asked.policy),
        loaded.studies,
        loaded.coded,
        files=folder.written,
        options=options,
        **further,
    )
    folder.write(folder.record_name, to_json(record).encode())
    folder.remove_stale()
