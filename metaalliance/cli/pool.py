"""`metaalliance pool`: from the workbook to the folder of results."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaalliance.cli.run import (
    DATA,
    OK,
    print_document,
    print_error,
    print_result,
    terminal_width,
)
from metaalliance.cli.settings import Settings, config_for, resolve
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.convert import effect_sizes
from metaalliance.effects.effects import Effects
from metaalliance.errors import (
    EstimationError,
    MetaAllianceWarning,
    OptionError,
    StudyDataError,
)
from metaalliance.models.comparison import AGGREGATION_RHO, NamedFit, compare_models
from metaalliance.models.cross_check import CrossCheck, cross_check
from metaalliance.models.fits import PooledFit, TwoLevelFit, without_nan
from metaalliance.models.pool import pool
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem
from metaalliance.report.folder import RUN_FILE, ResultsFolder
from metaalliance.report.problems import count_line, problem_lines, silenced_lines
from metaalliance.report.results import pool_document, run_record, to_json
from metaalliance.report.table import render_text
from metaalliance.report.tables import effect_frame, model_table, problem_rows
from metaalliance.sheet.studies import Studies, load_studies

if TYPE_CHECKING:
    from collections.abc import Sequence

CHE_RHO = 0.6
RESULT_FILES = ("results.json", "results.xlsx", RUN_FILE)
FIGURE_FILES = (
    "forest.pdf", "forest.png", "forest.alt.txt", "funnel.pdf", "funnel.png", "funnel.alt.txt",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """Options of the command."""

    workbook: Path
    output: Path | None
    sheet: str | None
    config: Path | None
    settings: dict[str, Any]
    figures: bool
    cross_check: bool
    json_output: bool
    force: bool
    quiet: bool
    verbose: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Analysis:
    """What is printed and saved."""

    studies: Studies
    effects: Effects
    fit: PooledFit
    rows: list[NamedFit]
    problems: tuple[Problem, ...]
    settings: dict[str, Any]
    check: CrossCheck | None = None


def run_pool(options: PoolOptions) -> int:
    """Run the command."""
    config = config_for(options.workbook, options.config)
    settings = resolve(options.settings, config)
    folder = ResultsFolder(_folder(options), force=options.force)
    source = None if str(options.workbook) == "-" else options.workbook
    folder.check(RESULT_FILES + (FIGURE_FILES if options.figures else ()), source)
    studies = load_studies(
        options.workbook,
        sheet=options.sheet,
        nonsignificant=settings.nonsignificant,
        beta=settings.beta,
        config=config,
    )
    if studies.errors:
        return _refuse(studies, options)
    analysis = _analyse(studies, settings)
    if options.cross_check:
        analysis = replace(analysis, check=_cross_check(analysis))
    if not options.json_output:
        _print(analysis, options)
    document = _save(analysis, folder, settings.width if options.figures else None)
    if options.json_output:
        print_document(document)
    if not options.quiet:
        print_error(f"Wrote {', '.join(folder.written)} in {folder.path}")
    return OK


def _folder(options: PoolOptions) -> Path:
    """The folder of results: as asked for, or beside the sheet."""
    if options.output is not None:
        return options.output
    if str(options.workbook) == "-":
        return Path("metaalliance_results")
    return options.workbook.parent / f"{options.workbook.stem or 'metaalliance'}_results"


def _refuse(studies: Studies, options: PoolOptions) -> int:
    """Print the problems of a sheet with errors; pool nothing."""
    count = len(studies.errors)
    message = (
        f"{count} error{'' if count == 1 else 's'} in {studies.file}. Nothing was pooled. Correct "
        "these cells, or set include = no with a reason."
    )
    if options.json_output:
        raise StudyDataError(message, studies.problems)
    wanted = {"error"} if options.quiet else {"error", "warning"}
    shown = [p for p in studies.problems if p.severity in wanted or options.verbose]
    for line in problem_lines(shown, terminal_width()):
        print_error(line)
    print_error(f"\n{message}")
    return DATA


def _analyse(studies: Studies, options: Settings) -> _Analysis:
    """Convert, pool and compare."""
    coded = effect_sizes(studies, options.measure)
    effects, settings = _aggregated(coded, options)
    rho = CHE_RHO if options.rho is None or "aggregation_rho" in settings else options.rho
    with warnings.catch_warnings():  # notices are printed with the result
        warnings.simplefilter("ignore", MetaAllianceWarning)
        fit = pool(
            effects,
            model=options.model,
            tau2=options.tau2,
            test=options.test,
            rho=rho,
            level=options.level,
            prediction=options.prediction,
        )
    if options.rho is not None and fit.model != "che" and "aggregation_rho" not in settings:
        raise OptionError(f"--rho has no meaning for the {fit.model} model.")
    rows, notes = compare_models(fit)
    return _Analysis(
        studies=studies,
        effects=coded,
        fit=fit,
        rows=rows,
        problems=(*studies.problems, *fit.notices, *notes),
        settings={
            "nonsignificant": studies.nonsignificant,
            "beta": studies.beta,
            "config": studies.config,
            **settings,
        },
    )


def _cross_check(analysis: _Analysis) -> CrossCheck:
    """Check the first two-level fit of the comparison: the main one, or the aggregated one."""
    fits = [row.fit for row in analysis.rows if isinstance(row.fit, TwoLevelFit)]
    if not fits:
        raise EstimationError("There is no two-level fit to check.")
    return cross_check(fits[0])


def _aggregated(effects: Effects, options: Settings) -> tuple[Effects, dict[str, Any]]:
    """Aggregate within studies where the chosen model takes one effect per study."""
    independent = options.model in {"two-level", "common-effect"}
    if not independent or not effects.dependent() or options.test in CLUSTER_TESTS:
        return effects, {}
    rho = AGGREGATION_RHO if options.rho is None else options.rho
    return aggregate(effects, rho), {"aggregation_rho": rho}


def _print(analysis: _Analysis, options: PoolOptions) -> None:
    """Problems on stderr, results on stdout."""
    studies, width = analysis.studies, terminal_width()
    if not options.quiet:
        wanted = {"warning", "note"} if options.verbose else {"warning"}
        shown = [p for p in studies.problems if p.severity in wanted]
        for line in problem_lines(shown, width, first=10 if options.verbose else 3):
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
    lines = []
    if "aggregation_rho" in analysis.settings:
        count, rho = analysis.effects.n_effects, analysis.settings["aggregation_rho"]
        lines.append(f"{count:,} effects were averaged within studies (rho = {rho:g}).\n")
    table = render_text(model_table(analysis.rows), width)
    checked = []
    if analysis.check is not None:
        size = analysis.check.largest
        checked = ["", f"Cross-check of the two-level fit: largest difference {size:.1e}"]
    print_result([*lines, analysis.fit.summary(), "", table, *checked])


def _save(analysis: _Analysis, folder: ResultsFolder, width: float | None) -> dict[str, Any]:
    """Write figures (unless there is no width), workbook, document and record."""
    from metaalliance.report.workbook import write_workbook

    if width is not None:
        from metaalliance.cli.figures import write_figures

        write_figures(analysis.fit, folder, width)
    names = [*folder.written, *RESULT_FILES]
    document = pool_document(
        analysis.studies, analysis.rows, analysis.problems, analysis.settings, names
    )
    folder.write("results.xlsx", write_workbook(_sheets(analysis, document)))
    folder.write("results.json", to_json(document).encode())
    check = analysis.check.to_dict() if analysis.check else None
    record = {**run_record(document, dict(folder.written)), "cross_check": without_nan(check)}
    folder.write(RUN_FILE, to_json(record).encode())
    folder.remove_stale()
    return document


def _sheets(analysis: _Analysis, document: dict[str, Any]) -> dict[str, Any]:
    """The sheets of results.xlsx."""
    import pandas as pd

    settings: Sequence[tuple[str, Any]] = [
        *document["settings"].items(),
        *((k, v) for k, v in document["input"].items() if k != "rows_excluded"),
    ]
    excluded = document["input"]["rows_excluded"]
    fit = analysis.fit
    sheets = {
        "Summary": _summary(analysis.rows),
        "Effects": effect_frame(fit),
        "Ledger": analysis.effects.ledger,
        "Problems": pd.DataFrame(problem_rows(analysis.problems)),
        "Settings": [("setting", "value"), *settings],
    }
    if excluded:
        sheets["Excluded"] = pd.DataFrame(excluded)
    return sheets


def _summary(rows: list[NamedFit]) -> Any:
    """Every model at full precision, on the analysis scale and as r."""
    import pandas as pd

    frames = []
    for row in rows:
        analysis, back = row.fit.to_frame(), row.fit.to_frame(scale="r")
        limits = ["estimate", "ci_low", "ci_high", "pi_low", "pi_high"]
        back = back[limits].add_prefix("r_")
        analysis.insert(0, "name", row.name)
        frames.append(pd.concat([analysis, back], axis=1))
    return pd.concat(frames, ignore_index=True)
