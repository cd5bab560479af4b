"""What every command that analyses a sheet shares: reading, converting, pooling, its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from metaalliance.analysis.analysis import Analysis, config_for, read
from metaalliance.cli.request import Request
from metaalliance.cli.run import DATA, note_settings, print_error, terminal_width
from metaalliance.cli.settings import Settings, resolve
from metaalliance.config import Config
from metaalliance.errors import StudyDataError
from metaalliance.policy import Policy
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.tables.problems import count_line, problem_lines, silenced_lines
from metaalliance.sheet.studies import Studies
from metaalliance.wording.phrases import count_text


def settings_of(request: Request) -> tuple[Config, Settings]:
    """Return the configuration file, and the resolved settings."""
    config = config_for(request.workbook, request.config)
    note_settings(config.path, (n for n in config.pool if request.settings.get(n) is None))
    return config, resolve(request, config)


def load(
    request: Request,
    config: Config,
    settings: Settings,
    refused: str = "Nothing was pooled.",
    reading: Callable[[Policy], Policy] = lambda policy: policy,
) -> Analysis | int:
    """Read and convert a sheet.

    Parameters
    ----------
    refused : str
        What did not happen, for the message about a sheet with errors.
    reading : callable
        Returns the policy with which the sheet is read, where it is not the one asked for.

    Returns
    -------
    Analysis or int
        The exit code when the sheet has errors, which are printed.

    Raises
    ------
    StudyDataError
        With ``--json``, when the sheet has errors.
    """
    studies = read(request.workbook, reading(settings.policy), config, request.sheet)
    if studies.errors:
        return _refuse(studies, request, refused)
    return Analysis.of(studies, settings.model, settings.policy, config)


def open_folder(request: Request, command: str, names: Sequence[str]) -> ResultsFolder:
    """Return the folder of results after a check that `names` may be written there."""
    folder = ResultsFolder(results_path(request), force=request.force, command=command)
    folder.check(names, request.source)
    return folder


def results_path(request: Request) -> Path:
    """The folder of results: as asked for, or beside the sheet."""
    if request.output is not None:
        return request.output
    if request.source is None:
        return Path("metaalliance_results")
    return request.workbook.parent / f"{request.workbook.stem or 'metaalliance'}_results"


def print_preamble(studies: Studies, request: Request) -> None:
    """Print the problems and the count of rows of a sheet on stderr."""
    if request.quiet:
        return
    width = terminal_width()
    wanted = {"warning", "note"} if request.verbose else {"warning"}
    shown = [p for p in studies.problems if p.severity in wanted]
    for line in problem_lines(shown, width, first=10 if request.verbose else 3):
        print_error(line)
    for line in silenced_lines(studies.silenced, width):
        print_error(line)
    if shown or studies.silenced:
        print_error("")
    print_error(
        f"{studies.file}, sheet {studies.sheet}: {count_text(len(studies.rows), 'row')} read, "
        f"{len(studies.used):,} used, {len(studies.excluded):,} excluded; "
        f"{count_line(studies.problems)} (metaalliance validate lists them).\n"
    )


def _refuse(studies: Studies, request: Request, refused: str) -> int:
    """Refuse a sheet with errors."""
    count = len(studies.errors)
    message = (
        f"{count} error{'' if count == 1 else 's'} in {studies.file}. {refused} Correct "
        "these cells, or set include = no with a reason."
    )
    return print_refusal(StudyDataError(message, studies.problems), request)


def print_refusal(error: StudyDataError, request: Request) -> int:
    """Print the problems of a sheet with errors.

    Raises
    ------
    StudyDataError
        With ``--json``.
    """
    if request.json_output:
        raise error
    wanted = {"error"} if request.quiet else {"error", "warning"}
    shown = [p for p in error.problems if p.severity in wanted or request.verbose]
    for line in problem_lines(shown, terminal_width()):
        print_error(line)
    print_error(f"\n{error}")
    return DATA
