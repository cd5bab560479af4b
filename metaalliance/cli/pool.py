"""`metaalliance pool`: from the workbook to the folder of results."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import POOL_RESULTS, pool_document
from metaalliance.analysis.record import MOST_MARKED
from metaalliance.cli.analysis import load, open_folder, print_preamble, settings_of
from metaalliance.cli.drawing.figure_files import figure_files
from metaalliance.cli.frame import closed, save_record, write_results
from metaalliance.cli.request import Request
from metaalliance.cli.run import print_error, print_result, terminal_width
from metaalliance.cli.settings import Look
from metaalliance.models.comparison import NamedFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import Components
from metaalliance.problems import Problem
from metaalliance.report.folder import RUN_FILE, ResultsFolder
from metaalliance.report.tables.pooling import effect_frame, model_frame, model_table, problem_rows
from metaalliance.report.tables.table import render_text
from metaalliance.report.workbooks.spreadsheet_text import to_csv
from metaalliance.report.workbooks.write import MOST_LISTED
from metaalliance.wording.numbers import p_text
from metaalliance.wording.phrases import components_text, count_text, effects_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaalliance.analysis.further import Further
    from metaalliance.core.inference.wild_bootstrap import WildBootstrapTest
    from metaalliance.models.cross_check import CrossCheck
    from metaalliance.models.inference.bootstrap import BootstrapSettings

RESULT_FILES = ("results.json", "results.xlsx", RUN_FILE)
#: Files of the effects and of their ledger, where the workbook does not list them.
EFFECTS_FILE, LEDGER_FILE = "effects.csv", "ledger.csv"
FIGURE_FILES = figure_files(("forest", "funnel"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Analysis:
    """What is printed and saved."""

    loaded: Analysis
    fit: PooledFit
    rows: list[NamedFit]
    problems: tuple[Problem, ...]
    check: CrossCheck | None = None
    bootstrap: WildBootstrapTest | None = None
    further: tuple[Further, ...] = ()


def run_pool(
    request: Request,
    *,
    figures: bool,
    cross_check: bool,
    also: Sequence[str],
    components: Components,
    replications: int | None,
    bootstrap: int,
    seed: int,
) -> int:
    """Run the command; `bootstrap` are replications of the wild bootstrap alone, 0 for none."""
    config, settings = settings_of(request)
    if also:
        from metaalliance.analysis.further import check_kinds, further_results

        check_kinds(also)
    names = RESULT_FILES + (FIGURE_FILES if figures else ())
    folder = open_folder(request, "pool", names)
    loaded = load(request, config, settings)
    if isinstance(loaded, int):
        return loaded
    folder.check(_listed_apart(loaded), request.source)
    for flag in (name for name, asked in (
        ("--cross-check", cross_check), ("--bootstrap", bootstrap), ("--also", also)
    ) if asked):  # fmt: skip
        loaded.coded.refuse_intervals(flag, "it needs a value for each effect")
    analysis = _analyse(loaded)
    if cross_check:
        analysis = replace(analysis, check=loaded.cross_check())
    if bootstrap or "wild-bootstrap" in also:
        count = bootstrap or replications
        analysis = replace(analysis, bootstrap=_bootstrap(analysis.fit, count, components, seed))
    if others := [kind for kind in also if kind != "wild-bootstrap"]:
        further = further_results(
            analysis.fit,
            others,
            seed,
            components,
            replications=replications,
            coded=loaded.coded,
            aggregation_rho=loaded.aggregation_rho,
        )
        analysis = replace(analysis, further=tuple(further))
    document = _save(analysis, folder, settings.look if figures else None)
    if not request.json_output:
        _print(analysis, request)
    if not request.quiet:
        _say_apart(loaded)
    return closed(folder, document, request)


def _listed_apart(loaded: Analysis) -> tuple[str, ...]:
    """Files of the effects and their ledger beside a workbook that does not list them."""
    count = loaded.coded.n_effects
    if count <= MOST_LISTED:
        return ()
    return (EFFECTS_FILE,) if count > MOST_MARKED else (EFFECTS_FILE, LEDGER_FILE)


def _say_apart(loaded: Analysis) -> None:
    """Say where many effects stand, and what is not written of them."""
    files = _listed_apart(loaded)
    if not files:
        return
    said = (
        f"{count_text(loaded.coded.n_effects, 'effect stands', 'effects stand')} in "
        f"{' and '.join(files)}, not in "
        "results.xlsx"
    )
    if LEDGER_FILE not in files:
        said += (
            ". How each was made is not written (metaalliance convert writes it), and the record "
            "does not hold each row"
        )
    print_error(f"{said}.")


def _analyse(loaded: Analysis) -> _Analysis:
    """Pool and compare."""
    fit = loaded.fit
    rows, notes = loaded.comparison
    problems = (*loaded.studies.problems, *fit.notices, *notes)
    return _Analysis(loaded=loaded, fit=fit, rows=rows, problems=problems)


def _bootstrap(
    fit: PooledFit, replications: int | None, components: Components, seed: int
) -> WildBootstrapTest:
    """Test the mean by the cluster wild bootstrap."""
    given: BootstrapSettings = {"components": components, "seed": seed}
    if replications is not None:
        given["replications"] = replications
    return fit.wild_bootstrap(**given)


def _print(analysis: _Analysis, request: Request) -> None:
    """Problems on stderr, results on stdout."""
    loaded, width = analysis.loaded, terminal_width()
    print_preamble(loaded.studies, request)
    lines = []
    if loaded.aggregation_rho is not None:
        count, rho = loaded.coded.n_effects, loaded.aggregation_rho
        nested = ", overlap nested" if loaded.policy.overlap == "nested" else ""
        lines.append(
            f"{effects_text(count)} were averaged within studies (rho = {rho:g}{nested}).\n"
        )
    table = render_text(model_table(analysis.rows), width)
    checked = []
    if analysis.check is not None:
        checked = ["", *textwrap.wrap(f"Cross-check. {analysis.check.text()}", width)]
    if analysis.bootstrap is not None:
        checked += ["", *textwrap.wrap(_bootstrap_line(analysis.bootstrap), width)]
    for found in analysis.further:
        checked += ["", found.text]
    warned = [n.text for n in loaded.comparison[1] if n.severity == "warning"]
    table += "".join(f"\n\n{text}" for text in warned)
    print_result([*lines, analysis.fit.summary(), "", table, *checked])


def _bootstrap_line(test: WildBootstrapTest) -> str:
    how = "every sign vector" if test.exact else f"{test.weights} weights, seed {test.seed}"
    error = "" if test.exact else f"Monte-Carlo standard error {test.monte_carlo_se:.4f}, "
    return (
        f"Cluster wild bootstrap of the mean: p {p_text(test.p_value_corrected)} "
        f"({error}{test.replications:,} replications, {how}; {components_text(test.components)})"
    )


def _save(analysis: _Analysis, folder: ResultsFolder, look: Look | None) -> dict[str, Any]:
    """Write figures (unless there is no look), workbook, document and record."""
    if look is not None:
        from metaalliance.cli.drawing.figure_files import write_figures

        write_figures(analysis.fit, folder, look)
    for name in _listed_apart(analysis.loaded):
        ledger = name == LEDGER_FILE
        frame = analysis.loaded.coded.ledger if ledger else effect_frame(analysis.fit)
        folder.write(name, to_csv(frame).encode("utf-8-sig"))
    document = _document(analysis, [*folder.written, *RESULT_FILES])
    write_results(folder, "results", document, _sheets(analysis, document))
    check = analysis.check.to_dict() if analysis.check else None
    further: dict[str, Any] = {"cross_check": check, "others": folder.others()}
    if analysis.bootstrap is not None:
        further["seed"] = analysis.bootstrap.seed
        further["components"] = analysis.bootstrap.components
    save_record(folder, document, analysis.loaded, POOL_RESULTS, {}, further=further)
    return document


def _document(analysis: _Analysis, names: Sequence[str]) -> dict[str, Any]:
    """Return the document with the results that were asked for beside the mean."""
    loaded = analysis.loaded
    beside: dict[str, Any] = {}
    if analysis.bootstrap is not None:
        beside["wild_bootstrap"] = asdict(analysis.bootstrap)
    if analysis.further:
        beside["further"] = {found.kind: found.content for found in analysis.further}
    return pool_document(
        loaded.studies, analysis.rows, analysis.problems, loaded.recorded, names, **beside
    )


def _sheets(analysis: _Analysis, document: dict[str, Any]) -> dict[str, Any]:
    """The sheets of results.xlsx."""
    import pandas as pd

    settings: Sequence[tuple[str, Any]] = [
        *document["settings"].items(),
        *((k, v) for k, v in document["input"].items() if k != "rows_excluded"),
    ]
    excluded = document["input"]["rows_excluded"]
    fit = analysis.fit
    listed = {} if _listed_apart(analysis.loaded) else {
        "Effects": effect_frame(fit),
        "Ledger": analysis.loaded.coded.ledger,
    }  # fmt: skip
    sheets = {
        "Summary": model_frame(analysis.rows),
        **listed,
        "Problems": pd.DataFrame(problem_rows(analysis.problems)),
        "Settings": [("setting", "value"), *settings],
    }
    if excluded:
        sheets["Excluded"] = pd.DataFrame(excluded)
    return sheets
