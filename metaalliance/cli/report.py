"""`metaalliance report`: from the workbook to a manuscript's methods, results and supplement."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from metaalliance.analysis.analysis import Analysis
from metaalliance.analysis.documents import to_json
from metaalliance.analysis.evidence import Evidence
from metaalliance.analysis.report import REPORT_RESULTS, content_for, record_parts, report_document
from metaalliance.cli.analysis import load, open_folder, print_preamble, settings_of
from metaalliance.cli.drawing.report_figures import report_figures
from metaalliance.cli.frame import save_record
from metaalliance.cli.request import Request
from metaalliance.cli.run import OK, print_document, print_error, print_result, terminal_width
from metaalliance.cli.settings import Look
from metaalliance.config import Config
from metaalliance.options import Page, Paper, option_values
from metaalliance.plots.canvas.style import STYLES
from metaalliance.report.folder import RUN_FILE, ResultsFolder
from metaalliance.report.manuscript.bibliography import bibtex
from metaalliance.report.manuscript.checklist import checklist_csv, checklist_tables
from metaalliance.report.manuscript.compose import compose_report
from metaalliance.report.manuscript.document import Document
from metaalliance.report.manuscript.supplement import supplement_sheets
from metaalliance.report.manuscript.values import template_values
from metaalliance.report.renderers.delimited import table_csv
from metaalliance.report.renderers.html import report_html
from metaalliance.report.renderers.latex import table_latex
from metaalliance.report.renderers.markdown import table_markdown, text_markdown
from metaalliance.report.renderers.word import WIDEST_MM, report_docx, tables_docx
from metaalliance.report.sections.certainty import certainty_document
from metaalliance.report.sections.flow import flow_gaps
from metaalliance.report.workbooks.write import write_workbook

FILES = (
    "report.html", "report.docx", "report.md", "supplement.xlsx", "checklist.docx",
    "checklist.csv", "references.bib", "results.json", RUN_FILE,
)  # fmt: skip


def run_report(
    request: Request,
    *,
    moderators: tuple[str, ...] | None = None,
    bias: bool | None = None,
    influence: bool = True,
    multiverse: bool = False,
    figures: bool = True,
    shown: Mapping[str, Any] | None = None,
) -> int:
    """Run the command; `shown` holds values of the section ``[report]`` that the flags give."""
    config, settings = settings_of(request)
    given = {name: value for name, value in (shown or {}).items() if value is not None}
    if request.page in option_values(Paper):
        given["page"] = request.page
    config = replace(config, report={**config.report, **given})
    look = _look(settings.look, config.report.get("page") if request.page is None else None)
    folder = open_folder(request, "report", FILES)
    loaded = load(request, config, settings, "No report was written.")
    if isinstance(loaded, int):
        return loaded
    content = content_for(
        config.report,
        loaded.effects,
        moderators=moderators,
        bias=bias,
        influence=influence,
        multiverse=multiverse,
    )
    evidence = loaded.report(content)
    document = compose_report(evidence, report_figures(evidence, look) if figures else [])
    files = _files(document, evidence)
    if "template" in config.report:
        files["manuscript.docx"] = _manuscript(config, evidence, document)
    folder.check(list(files), request.source)
    results = _save(files, evidence, folder, loaded)
    if request.json_output:
        print_document(results)
    else:
        print_preamble(evidence.studies, request)
        print_result([*_printed(document), *_open(evidence), *_checked(evidence)])
    if not request.quiet:
        print_error(f"Wrote {len(folder.written)} files in {folder.path}: open report.html")
    return OK


def _look(look: Look, paper: Page | None) -> Look:
    """Return how figures look that fit the text of a page, and the paper of ``[report]``."""
    wide = None if look.width is None else min(look.width, WIDEST_MM)
    if paper is None:
        return replace(look, width=wide)
    style = STYLES[look.style] if isinstance(look.style, str) else look.style
    return replace(look, width=wide, style=replace(style, page=paper))


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


def _manuscript(config: Config, evidence: Evidence, document: Document) -> bytes:
    """Return the team's own Word file with the results in its fields."""
    from metaalliance.report.renderers.word_template import filled_template

    folder = config.path.parent if config.path else Path()
    results = {**report_document(evidence), "certainty": certainty_document(evidence)}
    values = template_values(evidence, document, results)
    return filled_template(folder / config.report["template"], document, values)


def _printed(document: Document) -> list[str]:
    lines = [document.title]
    for text in document.summary:
        lines += ["", *textwrap.wrap(text.plain(), terminal_width())]
    return lines


def _open(evidence: Evidence) -> list[str]:
    """Where the numbers of the flow of studies do not add up."""
    gaps = flow_gaps(evidence.flow, evidence.fit.n_studies) if evidence.flow else []
    lines = [f"note: Flow of studies: {gap}. (MA682)" for gap in gaps]
    return ["", *(part for x in lines for part in textwrap.wrap(x, terminal_width()))] * bool(gaps)


def _checked(evidence: Evidence) -> list[str]:
    """What PyMARE and statsmodels say of the two-level rows."""
    if evidence.check is None:
        return []
    return ["", *textwrap.wrap(evidence.check.text(), terminal_width())]


def _save(
    files: dict[str, bytes],
    evidence: Evidence,
    folder: ResultsFolder,
    loaded: Analysis,
) -> dict[str, Any]:
    """Write the files, the results and the record."""
    document = report_document(evidence, [*files, "results.json", RUN_FILE])
    document["certainty"] = certainty_document(evidence)
    for name, data in files.items():
        folder.write(name, data)
    folder.write("results.json", to_json(document).encode())
    save_record(
        folder,
        document,
        loaded,
        REPORT_RESULTS,
        {"content": evidence.content.to_dict()},
        further={
            "others": folder.others(),
            "cross_check": None if evidence.check is None else evidence.check.to_dict(),
        },
        numbers=record_parts(document),
    )
    return document
