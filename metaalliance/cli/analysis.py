"""What every command that analyses a sheet shares: reading, converting, pooling, its folder."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaalliance.cli.run import DATA, print_error, terminal_width
from metaalliance.cli.settings import Settings, config_for, resolve
from metaalliance.config import Config
from metaalliance.effects.aggregate import AGGREGATION_RHO, aggregate
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning, OptionError, StudyDataError
from metaalliance.models.pool import pool
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import CLUSTER_TESTS
from metaalliance.report.folder import ResultsFolder
from metaalliance.report.tables.problems import count_line, problem_lines, silenced_lines
from metaalliance.sheet.studies import Studies, load_studies

CHE_RHO = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command that analyses a sheet was asked.

    Attributes
    ----------
    workbook : Path
        The sheet, or "-" for standard input.
    output : Path or None
        Folder of results; None takes the one beside the sheet.
    settings : dict
        Options as given on the command line (None where not given), for `cli.settings.resolve`.
    """

    workbook: Path
    output: Path | None = None
    sheet: str | None = None
    config: Path | None = None
    settings: dict[str, Any]
    json_output: bool = False
    force: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def source(self) -> Path | None:
        """The file that is read, None for standard input."""
        return None if str(self.workbook) == "-" else self.workbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A sheet without errors, with the settings of the run.

    Attributes
    ----------
    coded : Effects
        One effect per row that is used, with the ledger.
    effects : Effects
        What is pooled: `coded`, or one effect per study where the model asks for it.
    recorded : dict
        Settings that are recorded beside those of the model.
    """

    studies: Studies
    config: Config
    settings: Settings
    coded: Effects
    effects: Effects
    recorded: dict[str, Any]

    @property
    def aggregation_rho(self) -> float | None:
        """Correlation with which effects were averaged within studies; None when they were not."""
        found: float | None = self.recorded.get("aggregation_rho")
        return found

    def fit(self) -> PooledFit:
        """Pool with the settings of the run; notices are kept in the result, not warned of."""
        options, rho = self.settings, self.settings.rho
        if rho is None or self.aggregation_rho is not None:
            rho = CHE_RHO
        with warnings.catch_warnings():  # notices are printed with the result
            warnings.simplefilter("ignore", MetaAllianceWarning)
            found = pool(
                self.effects,
                model=options.model,
                tau2=options.tau2,
                test=options.test,
                rho=rho,
                level=options.level,
                prediction=options.prediction,
                **options.structure,
            )
        if options.rho is not None and found.model != "che" and self.aggregation_rho is None:
            raise OptionError(f"--rho has no meaning for the {found.model} model.")
        return found


def settings_of(request: Request) -> tuple[Config, Settings]:
    """Return the configuration file and the resolved settings."""
    config = config_for(request.workbook, request.config)
    return config, resolve(request.settings, config)


def load(
    request: Request, config: Config, settings: Settings, refused: str = "Nothing was pooled."
) -> Loaded | int:
    """Read and convert a sheet.

    Parameters
    ----------
    refused : str
        What did not happen, for the message about a sheet with errors.

    Returns
    -------
    Loaded or int
        The exit code when the sheet has errors, which are printed.

    Raises
    ------
    StudyDataError
        With ``--json``, when the sheet has errors.
    """
    studies = load_studies(
        request.workbook,
        sheet=request.sheet,
        nonsignificant=settings.nonsignificant,
        beta=settings.beta,
        config=config,
    )
    if studies.errors:
        return _refuse(studies, request, refused)
    coded = effect_sizes(studies, settings.measure, **settings.correction)
    effects, aggregated = _aggregated(coded, settings)
    recorded = {
        "nonsignificant": studies.nonsignificant,
        "beta": studies.beta,
        "config": studies.config,
        **aggregated,
        **(settings.correction if settings.attenuation != "none" else {}),
    }
    return Loaded(
        studies=studies,
        config=config,
        settings=settings,
        coded=coded,
        effects=effects,
        recorded=recorded,
    )


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
        f"{studies.file}, sheet {studies.sheet}: {len(studies.rows):,} rows read, "
        f"{len(studies.used):,} used, {len(studies.excluded):,} excluded; "
        f"{count_line(studies.problems)} (metaalliance validate lists them).\n"
    )


def _refuse(studies: Studies, request: Request, refused: str) -> int:
    """Print the problems of a sheet with errors."""
    count = len(studies.errors)
    message = (
        f"{count} error{'' if count == 1 else 's'} in {studies.file}. {refused} Correct "
        "these cells, or set include = no with a reason."
    )
    if request.json_output:
        raise StudyDataError(message, studies.problems)
    wanted = {"error"} if request.quiet else {"error", "warning"}
    shown = [p for p in studies.problems if p.severity in wanted or request.verbose]
    for line in problem_lines(shown, terminal_width()):
        print_error(line)
    print_error(f"\n{message}")
    return DATA


def _aggregated(effects: Effects, options: Settings) -> tuple[Effects, dict[str, Any]]:
    """Aggregate within studies where the chosen model takes one effect per study."""
    independent = options.model in {"two-level", "common-effect"}
    if not independent or not effects.dependent() or options.test in CLUSTER_TESTS:
        return effects, {}
    if isinstance(options.rho, str):
        raise OptionError(f"--rho {options.rho}: effects are aggregated with one number.")
    rho = AGGREGATION_RHO if options.rho is None else options.rho
    return aggregate(effects, rho), {"aggregation_rho": rho}
