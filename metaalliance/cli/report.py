"""`metaalliance report`: from the workbook to a manuscript's methods, results and supplement."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.cli.analysis import (
    load,
    open_folder,
    print_preamble,
    settings_of,
)
from metaalliance.cli.record import save_record
from metaalliance.cli.report_figures import report_figures
from metaalliance.cli.request import Request
from metaalliance.cli.run import (
    OK,
    print_document,
    print_error,
    print_result,
    terminal_width,
)
from metaalliance.cli.settings import Settings, figure_width
from metaalliance.models.scale import without_nan
from metaalliance.report.folder import RUN_FILE, ResultsFolder
from metaalliance.report.manuscript.analyses import (
    Content,
    bias_results,
    default_moderators,
    influence_results,
    moderator_results,
)
from metaalliance.report.manuscript.bibliography import bibtex
from metaalliance.report.manuscript.checklist import checklist_csv, checklist_tables
from metaalliance.report.manuscript.compose import compose_report
from metaalliance.report.manuscript.document import Document
from metaalliance.report.manuscript.evidence import Evidence
from metaalliance.report.manuscript.supplement import supplement_sheets
from metaalliance.report.renderers.delimited import table_csv
from metaalliance.report.renderers.html import report_html
from metaalliance.report.renderers.latex import table_latex
from metaalliance.report.renderers.markdown import table_markdown, text_markdown
from metaalliance.report.renderers.word import WIDEST_MM, report_docx, tables_docx
from metaalliance.report.results import POOL_RESULTS, pool_document, to_json
from metaalliance.report.workbooks.write import write_workbook
from metaalliance.robustness.results import Multiverse

FILES = (
    "report.html", "report.docx", "report.md", "supplement.xlsx", "checklist.docx",
    "checklist.csv", "references.bib", "results.json", RUN_FILE,
)  # fmt: skip

#: Parts of the document that the record covers.
REPORT_RESULTS = (*POOL_RESULTS, "moderators", "bias", "influence")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """Options of the command."""

    request: Request
    width: float | None = None
    moderators: tuple[str, ...] | None = None
    bias: bool | None = None
    influence: bool = True
    multiverse: bool = False
    figures: bool = True


def run_report(options: ReportOptions) -> int:
    """Run the command."""
    request = options.request
    config, settings = settings_of(request)
    width = min(figure_width(options.width, config), WIDEST_MM)
    folder = open_folder(request, "report", FILES)
    loaded = load(request, config, settings, "No report was written.")
    if isinstance(loaded, int):
        return loaded
    evidence = gather(loaded, content_of(loaded, options))
    figures = report_figures(evidence, width) if options.figures else []
    document = compose_report(evidence, figures)
    files = _files(document, evidence)
    folder.check(list(files), request.source)
    if not request.json_output:
        print_preamble(evidence.studies, request)
        print_result(_printed(document))
    content = _save(files, evidence, folder, loaded, settings)
    if request.json_output:
        print_document(content)
    if not request.quiet:
        print_error(f"Wrote {len(folder.written)} files in {folder.path}: open report.html")
    return OK


def content_of(loaded: Analysis, options: ReportOptions) -> Content:
    """Return what the report contains: command line over configuration over default."""
    written = loaded.config.report
    names = options.moderators
    if names is None and "moderators" in written:
        names = tuple(written["moderators"])
    bias = options.bias if options.bias is not None else bool(written.get("bias", True))
    return Content(
        moderators=default_moderators(loaded.effects) if names is None else names,
        bias=bias,
        influence=options.influence,
        multiverse=options.multiverse,
    )


def gather(loaded: Analysis, content: Content) -> Evidence:
    """Run the analyses of a report."""
    fit = loaded.fit
    models, notes = loaded.comparison
    written = loaded.config.report
    return Evidence(
        studies=loaded.studies,
        coded=loaded.coded,
        fit=fit,
        models=models,
        problems=(*loaded.studies.problems, *fit.notices, *notes),
        recorded=loaded.recorded,
        flow=loaded.config.prisma,
        title=str(written.get("title", "")),
        authors=str(written.get("authors", "")),
        content=content,
        moderators=moderator_results(fit, content.moderators),
        bias=bias_results(fit) if content.bias else None,
        influence=influence_results(fit) if content.influence else None,
        multiverse=_multiverse(loaded) if content.multiverse else None,
    )


def _multiverse(loaded: Analysis) -> Multiverse:
    """Repeat the analysis under the decisions of the configuration, or the default ones."""
    from metaalliance.cli.multiverse import analyse

    return analyse(
        loaded.studies, loaded.model, loaded.policy, dict(loaded.config.multiverse), jobs=1
    )


def report_document(evidence: Evidence, files: Sequence[str] = ()) -> dict[str, Any]:
    """Return the results document of a report: that of `pool`, then the further analyses."""
    settings = {**evidence.recorded, "content": evidence.content.to_dict()}
    document = pool_document(evidence.studies, evidence.models, evidence.problems, settings, files)
    document["command"] = "report"
    further = {"moderators": evidence.moderators, "bias": evidence.bias,
               "influence": evidence.influence}  # fmt: skip
    for name, result in further.items():
        document[name] = None if result is None else without_nan(result.to_dict())
    if evidence.multiverse is not None:
        document["multiverse"] = evidence.multiverse.to_dict()
    return document


def record_parts(document: dict[str, Any]) -> dict[str, Any]:
    """Return the results whose numbers the record holds: of each study left out, the ranges."""
    parts = {key: document[key] for key in REPORT_RESULTS}
    if "multiverse" in document:
        names = ("counts", "verdict", "decisions", "options")
        parts["multiverse"] = {name: document["multiverse"][name] for name in names}
    if parts["influence"]:
        parts["influence"] = parts["influence"]["ranges"]
    if parts["moderators"]:
        parts["moderators"] = parts["moderators"]["moderators"]
    return parts


def _files(document: Document, evidence: Evidence) -> dict[str, bytes]:
    """Return every file of the report but the results and the record."""
    numbers = document.numbers()
    files = {
        "report.html": report_html(document).encode(),
        "report.docx": report_docx(document),
        "report.md": text_markdown(document).encode(),
        "supplement.xlsx": write_workbook(supplement_sheets(evidence, document)),
        "references.bib": bibtex(document.works()).encode(),
    }
    checklists = checklist_tables(evidence, document)
    files["checklist.docx"] = tables_docx("Reporting checklists", checklists)
    files["checklist.csv"] = table_csv(checklist_csv(checklists)).encode("utf-8-sig")
    for table in document.tables():
        caption = numbers[f"table:{table.name}"]
        files[f"tables/{table.name}.tex"] = table_latex(table).encode()
        files[f"tables/{table.name}.csv"] = table_csv(table).encode("utf-8-sig")
        files[f"tables/{table.name}.md"] = table_markdown(table, caption).encode()
    return files


def _printed(document: Document) -> list[str]:
    lines = [document.title]
    for text in document.summary:
        lines += ["", *textwrap.wrap(text.plain(), terminal_width())]
    return lines


def _save(
    files: dict[str, bytes],
    evidence: Evidence,
    folder: ResultsFolder,
    loaded: Analysis,
    asked: Settings,
) -> dict[str, Any]:
    """Write the files, the results and the record."""
    document = report_document(evidence, [*files, "results.json", RUN_FILE])
    for name, data in files.items():
        folder.write(name, data)
    folder.write("results.json", to_json(document).encode())
    further = {"others": folder.others()}
    parts = record_parts(document)
    save_record(folder, document, loaded, asked, REPORT_RESULTS, {}, further, parts)
    return document
