"""`metaalliance export-r` and `export-python`: what others can run."""

from __future__ import annotations

from pathlib import Path

from metaalliance import __version__
from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.content import default_moderators, moderator_results
from metaalliance.analysis.mediation import MediationOptions, fit_paths
from metaalliance.cli.analysis import load, settings_of
from metaalliance.cli.multivariate.mediation import model_text
from metaalliance.cli.request import Request
from metaalliance.cli.run import OK, print_document, print_error, print_result
from metaalliance.files import write_set
from metaalliance.problems import SCHEMA_VERSION
from metaalliance.report.folder import check_file
from metaalliance.report.scripts.paths import path_files
from metaalliance.report.scripts.python import python_script
from metaalliance.report.scripts.r import r_files


def run_export_r(request: Request, moderators: tuple[str, ...] | None) -> int:
    """Write the R script with its data."""
    loaded, folder = _prepared(request, "R")
    if isinstance(loaded, int):
        return loaded
    loaded.coded.refuse_intervals("A script of metafor", "metafor has no likelihood of intervals")
    fit = loaded.fit
    models, _ = loaded.comparison
    found = moderator_results(fit, _named(moderators, loaded))
    contents = r_files(models, found.moderators if found else (), loaded.aggregation_rho)
    for name, reason in (found.failed if found else {}).items():
        print_error(f"Not tested: {name}. {reason}")
    written = {name: _encoded(name, text) for name, text in contents.items()}
    return _write(written, folder, request, "export-r", "Rscript analysis.R")


def run_export_paths(request: Request, model: Path, moderators: tuple[str, ...]) -> int:
    """Write the R script of a path model with its data."""
    loaded, folder = _prepared(request, "R")
    if isinstance(loaded, int):
        return loaded
    options = MediationOptions(model=model_text(model), moderators=moderators)
    found = fit_paths(loaded, options)
    if found.not_taken:
        print_error(f"Not taken by a path model: {', '.join(found.not_taken)}.")
    contents = {name: _encoded(name, text) for name, text in path_files(found.fit).items()}
    return _write(contents, folder, request, "export-r", "Rscript analysis.R")


def run_export_python(request: Request, moderators: tuple[str, ...] | None) -> int:
    """Write the Python script."""
    loaded, folder = _prepared(request, "python")
    if isinstance(loaded, int):
        return loaded
    fit = loaded.fit
    path = loaded.config.path
    config = None if path is None else str(path.resolve())
    source = request.source
    script = python_script(
        loaded.settings(),
        {
            "file": str(source.resolve()) if source else "-",
            "sha256": loaded.studies.sha256,
            "config": config,
            "sheet": None if loaded.studies.sheet == loaded.studies.file else loaded.studies.sheet,
        },
        _named(moderators, loaded),
        (fit.estimate, fit.se, fit.tau2),
        __version__,
    )
    written = {"analysis.py": script.encode()}
    return _write(written, folder, request, "export-python", "python analysis.py")


def _prepared(request: Request, name: str) -> tuple[Analysis | int, Path]:
    config, settings = settings_of(request)
    folder = request.output
    if folder is None:
        sheet = request.source or Path("metaalliance")
        folder = sheet.parent / f"{sheet.stem}_{name}"
    loaded = load(request, config, settings, "Nothing was exported.")
    return loaded, folder


def _named(moderators: tuple[str, ...] | None, loaded: Analysis) -> tuple[str, ...]:
    if loaded.coded.n_censored and not moderators:
        return ()  # a mean is all that is estimated from intervals
    return default_moderators(loaded.effects) if moderators is None else moderators


def _encoded(name: str, text: str) -> bytes:
    return text.encode("utf-8-sig" if name.endswith(".csv") else "utf-8")


def _write(
    contents: dict[str, bytes], folder: Path, request: Request, command: str, run: str
) -> int:
    """Write the files and say how to run them."""
    for name in contents:  # all or none
        check_file(folder / name, force=request.force, source=request.source)
    write_set(folder, contents)
    paths = [str(folder / name) for name in contents]
    if request.json_output:
        print_document({"schema_version": SCHEMA_VERSION, "command": command, "files": paths})
    else:
        print_result(paths)
    if not request.quiet:
        print_error(f"Run it there: cd {folder} && {run}")
    return OK
