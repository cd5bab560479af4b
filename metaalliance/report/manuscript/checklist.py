"""Reporting checklists: rows that the analysis can fill, the others blank and marked."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence

from metaalliance.analysis.documents import versions
from metaalliance.analysis.evidence import Evidence
from metaalliance.report.manuscript.document import Document, Section
from metaalliance.report.manuscript.phrases import effect, effects, interval
from metaalliance.report.manuscript.prose import Prose, listed
from metaalliance.report.tables.table import Field, Table
from metaalliance.wording.phrases import count_text, level_text, studies_text

FILLED, PARTLY, AUTHORS = "filled", "to complete", "for the authors"
_MARK = "TO DO"

_Answer = Callable[[Evidence, Document], tuple[str, str]]

#: PRISMA 2020 [Page et al. 2021]: item, topic, what it asks for.
_PRISMA = (
    ("1", "Title", "Identify the report as a systematic review"),
    ("2", "Abstract", "Complete the PRISMA 2020 checklist for abstracts"),
    ("3", "Rationale", "Why the review is needed, given what is known"),
    ("4", "Objectives", "Objectives or questions"),
    ("5", "Eligibility criteria", "Criteria, and how studies were grouped for the syntheses"),
    ("6", "Information sources", "Sources, and when each was last searched"),
    ("7", "Search strategy", "Full strategies of every source"),
    ("8", "Selection process", "Who selected, how, with which tools"),
    ("9", "Data collection process", "Who collected data, how, with which tools"),
    ("10a", "Data items", "Outcomes for which data were sought"),
    ("10b", "Data items", "Other variables, and assumptions about missing or unclear data"),
    ("11", "Risk of bias", "How the risk of bias of studies was assessed"),
    ("12", "Effect measures", "Effect measure of each outcome"),
    ("13a", "Synthesis methods", "How it was decided which studies enter each synthesis"),
    ("13b", "Synthesis methods", "Preparation of data: conversions, missing statistics"),
    ("13c", "Synthesis methods", "How results were tabulated or displayed"),
    ("13d", "Synthesis methods", "Model, heterogeneity, software"),
    ("13e", "Synthesis methods", "How causes of heterogeneity were explored"),
    ("13f", "Synthesis methods", "Sensitivity analyses"),
    ("14", "Reporting bias", "How bias from missing results was assessed"),
    ("15", "Certainty", "How certainty in the evidence was assessed"),
    ("16a", "Study selection", "Results of search and selection, with a flow diagram"),
    ("16b", "Study selection", "Studies that seem eligible but were excluded, and why"),
    ("17", "Study characteristics", "Each study with its characteristics"),
    ("18", "Risk of bias in studies", "Assessment of each study"),
    ("19", "Results of studies", "Summary statistics and effect of each study"),
    ("20a", "Results of syntheses", "Characteristics and risk of bias of contributing studies"),
    ("20b", "Results of syntheses", "Estimates, precision, heterogeneity, direction"),
    ("20c", "Results of syntheses", "Results on causes of heterogeneity"),
    ("20d", "Results of syntheses", "Results of sensitivity analyses"),
    ("21", "Reporting biases", "Assessment of bias from missing results"),
    ("22", "Certainty of evidence", "Certainty in the evidence for each outcome"),
    ("23a", "Discussion", "Interpretation in the light of other evidence"),
    ("23b", "Discussion", "Limitations of the evidence"),
    ("23c", "Discussion", "Limitations of the review process"),
    ("23d", "Discussion", "Implications for practice, policy, and research"),
    ("24a", "Registration", "Register and number, or that there is none"),
    ("24b", "Registration", "Where the protocol is"),
    ("24c", "Registration", "Amendments of protocol or registration"),
    ("25", "Support", "Financial and other support, role of funders"),
    ("26", "Competing interests", "Competing interests of the authors"),
    ("27", "Data, code, materials", "What is available, and where"),
)
#: JARS-Quant for meta-analyses [Appelbaum et al. 2018], method and results.
_JARS = (
    ("Participants", "Eligible participants, settings, periods"),
    ("Coders", "Number, qualification and training of coders"),
    ("Coder reliability", "Agreement of coders for each variable, and how conflicts were settled"),
    ("Missing data", "How missing data were handled"),
    ("Effect sizes", "Effect size measure, formulas of conversion"),
    ("Weighting", "Weights and averaging of effect sizes"),
    ("Model", "Fixed or random effects, and why"),
    ("Dependence", "How several effects of one study were handled"),
    ("Outliers", "How outliers were found and treated"),
    ("Software", "Software with its version"),
    ("Study table", "Table of studies with size, measures and effects"),
    ("Overall effects", "Overall effect with its interval and number of studies"),
    ("Heterogeneity", "Heterogeneity with its statistics"),
    ("Moderators", "Moderator analyses"),
    ("Publication bias", "Assessment of publication bias"),
    ("Sensitivity", "Sensitivity analyses"),
)


def checklist_tables(evidence: Evidence, document: Document) -> list[Table]:
    """Return the checklists as tables of item, status, text and place in the report."""
    prisma = [
        _row(f"{item} {topic}", asked, _ANSWERS.get(item), evidence, document)
        for item, topic, asked in _PRISMA
    ]
    jars = [_row(topic, asked, _ANSWERS.get(topic), evidence, document) for topic, asked in _JARS]
    note = (
        f"Rows marked {_MARK} are for the authors. Filled rows say what this analysis did; read "
        "them before you use them."
    )
    fields = (
        Field(key="item", title="Item"),
        Field(key="asked", title="What it asks for"),
        Field(key="status", title="Status"),
        Field(key="text", title="Text"),
        Field(key="where", title="Where"),
    )
    return [
        Table(name="prisma", title="PRISMA 2020 Checklist", fields=fields, rows=tuple(prisma),
              notes=(note,), wide=True),
        Table(name="jars", title="JARS-Quant Checklist for Meta-Analyses", fields=fields,
              rows=tuple(jars), notes=(note,), wide=True),
    ]  # fmt: skip


def checklist_csv(tables: Sequence[Table]) -> Table:
    """Return the checklists as one table with the name of the list in its first column."""
    fields = (Field(key="list", title="Checklist"), *tables[0].fields)
    rows = tuple({"list": table.title, **row} for table in tables for row in table.rows)
    return Table(title="Reporting checklists", fields=fields, rows=rows)


def _row(
    item: str, asked: str, answer: _Answer | None, evidence: Evidence, document: Document
) -> dict[str, str]:
    text, where = ("", "") if answer is None else answer(evidence, document)
    if not text:
        return {"item": item, "asked": asked, "status": AUTHORS, "text": _MARK, "where": ""}
    status = PARTLY if item.split(maxsplit=1)[0] in _PARTLY else FILLED
    shown = f"{text} {_MARK}: complete." if status == PARTLY else text
    return {"item": item, "asked": asked, "status": status, "text": shown, "where": where}


_PARTLY = frozenset({"10a", "10b", "13a", "16a", "16b", "20a", "13e", "27", "Missing"})


def _section(document: Document, key: str) -> Section | None:
    return next((s for s in document.sections if s.key == key), None)


def _methods_of(document: Document, key: str) -> str:
    section = _section(document, key)
    texts = section.methods if section else ()
    return " ".join(document.resolve(t).plain() for t in texts if isinstance(t, Prose))


def _place(document: Document, *names: str) -> str:
    numbers = document.numbers()
    return ", ".join(numbers[name] for name in names if name in numbers)


def _measure(evidence: Evidence, _: Document) -> tuple[str, str]:
    scale = {
        "z": "Pearson correlation, analysed as Fisher's z and shown as r.",
        "r": "Pearson correlation, analysed on its own scale.",
        "r-unbiased": "Pearson correlation corrected for small-sample bias.",
    }
    return scale.get(evidence.fit.measure, "The effects as given."), "Methods"


def _outcomes(evidence: Evidence, document: Document) -> tuple[str, str]:
    frame = evidence.coded.frame
    if "outcome_domain" not in frame:
        return "", ""
    found = frame["outcome_domain"].value_counts()
    parts = (f"{name} ({n:,})" for name, n in found.items())
    text = f"Outcome domains coded, with their number of effects: {listed(parts)}."
    return text, _place(document, "table:characteristics")


def _items(evidence: Evidence, _: Document) -> tuple[str, str]:
    frame = evidence.coded.frame
    names = [name for name in evidence.coded.moderators if frame[name].notna().any()]
    if not names:
        return "", ""
    parts = (f"{name} ({frame[name].isna().sum():,} missing)" for name in names)
    return f"Coded variables: {listed(parts)}.", "supplement.xlsx, sheet Effects"


def _eligible(evidence: Evidence, document: Document) -> tuple[str, str]:
    used, left = len(evidence.studies.used), len(evidence.studies.excluded)
    text = f"Of {len(evidence.studies.rows):,} coded effects, {used:,} are used and {left:,} are "
    return text + "set aside by the team.", _place(document, "table:excluded")


def _preparation(_: Evidence, document: Document) -> tuple[str, str]:
    return _methods_of(document, "data"), _place(document, "table:conversions")


def _display(_: Evidence, document: Document) -> tuple[str, str]:
    numbers = document.numbers()
    drawn = [f"{numbers[f'figure:{f.name}']} ({f.title})" for f in document.figures()]
    tables = [numbers[f"table:{t.name}"] for t in document.tables()]
    text = f"Figures: {listed(drawn)}. " if drawn else ""
    return f"{text}Tables: {listed(tables)}.", "Results and supplement"


def _model(evidence: Evidence, document: Document) -> tuple[str, str]:
    text = f"{_methods_of(document, 'pooled')} {_software(evidence, document)[0]}"
    return text, "Methods"


def _software(_: Evidence, __: Document) -> tuple[str, str]:
    found = versions()
    return (
        f"metaalliance {found['metaalliance']}, Python {platform.python_version()}, "
        f"NumPy {found['numpy']}, SciPy {found['scipy']}."
    ), "Methods"


def _of(key: str, *places: str) -> _Answer:
    """Return an answer that repeats the methods of a section."""

    def answer(_: Evidence, document: Document) -> tuple[str, str]:
        text = _methods_of(document, key)
        return text, _place(document, *places) or ("Methods" if text else "")

    return answer


def _results(key: str, *places: str) -> _Answer:
    """Return an answer that repeats the results of a section."""

    def answer(_: Evidence, document: Document) -> tuple[str, str]:
        section = _section(document, key)
        blocks = section.results if section else ()
        texts = [document.resolve(b).plain() for b in blocks if isinstance(b, Prose)]
        return " ".join(texts), _place(document, *places) or ("Results" if texts else "")

    return answer


def _sensitivity(evidence: Evidence, document: Document) -> tuple[str, str]:
    names = [row.name for row in evidence.models[1:]]
    parts = [f"other models: {listed(names)}"] if names else []
    if evidence.influence is not None:
        parts.append("each study left out in turn")
    if not parts:
        return "", ""
    return f"Analyses repeated with {'; '.join(parts)}.", _place(
        document, "table:models", "table:influence"
    )


def _sensitivity_results(evidence: Evidence, document: Document) -> tuple[str, str]:
    influence = _results("influence")(evidence, document)[0]
    rows = (
        f"{row.name} {effect(row.fit.estimate, evidence.fit.measure)}"
        for row in evidence.models[1:]
    )
    text = f"Pooled results: {'; '.join(rows)}." if len(evidence.models) > 1 else ""
    return f"{text} {influence}".strip(), _place(document, "table:models", "table:influence")


def _excluded(evidence: Evidence, document: Document) -> tuple[str, str]:
    rows = evidence.studies.excluded
    if not rows:
        return "", ""
    names = {row.study for row, _ in rows} - {row.study for row in evidence.studies.used}
    whole = f" {studies_text(len(names)).capitalize()} have no other effect." if names else ""
    return f"{count_text(len(rows), 'coded effect')} set aside with reasons.{whole}", _place(
        document, "table:excluded"
    )


def _study_table(evidence: Evidence, document: Document) -> tuple[str, str]:
    return f"{studies_text(evidence.fit.n_studies).capitalize()}, one row each.", _place(
        document, "table:studies"
    )


def _each(evidence: Evidence, document: Document) -> tuple[str, str]:
    text = f"{effects(evidence.coded.n_effects)} with n, r, interval and weight."
    return text, _place(document, "figure:forest", "figure:all-studies", "table:studies")


def _overall(evidence: Evidence, document: Document) -> tuple[str, str]:
    fit = evidence.fit
    symbol = "r" if fit.measure != "generic" else "estimate"
    return (
        f"{symbol} = {effect(fit.estimate, fit.measure)}, {level_text(fit.level)} CI "
        f"{interval(fit.ci_low, fit.ci_high, fit.measure)}, {effects(fit.n_effects)} from "
        f"{studies_text(fit.n_studies)}."
    ), _place(document, "table:models") or "Results"


def _dependence(evidence: Evidence, document: Document) -> tuple[str, str]:
    if not evidence.coded.dependent():
        return "Every study contributes one effect.", "Methods"
    return _methods_of(document, "pooled").split(" For comparison")[0], "Methods"


def _outliers(evidence: Evidence, document: Document) -> tuple[str, str]:
    names = {row.name: row.fit for row in evidence.models[1:]}
    fit = names.get("outliers removed")
    if fit is None:
        return "", ""
    n = evidence.fit.n_effects - fit.n_effects
    return (
        f"Nothing was removed from the main analysis; a sensitivity analysis leaves out "
        f"{count_text(n, 'effect')} whose interval lies wholly outside that of the mean."
    ), _place(document, "table:models")


def _data(evidence: Evidence, _: Document) -> tuple[str, str]:
    return (
        "Data with every conversion: supplement.xlsx. Record of the run with checksum and "
        f"settings: run.json. File {evidence.studies.file}, SHA-256 {evidence.studies.sha256}. "
        "State where these are published."
    ), "supplement.xlsx, run.json"


_heterogeneity = _results("pooled", "table:models")
_ANSWERS: dict[str, _Answer] = {
    "10a": _outcomes, "10b": _items, "12": _measure, "13a": _eligible, "13b": _preparation,
    "13c": _display, "13d": _model, "13e": _of("moderators"), "13f": _sensitivity,
    "14": _of("bias"), "16a": _results("flow", "figure:flow"), "16b": _excluded,
    "17": _study_table, "18": _results("quality", "table:quality", "figure:risk-of-bias"),
    "19": _each, "20a": _results("data", "table:characteristics"), "20b": _heterogeneity,
    "20c": _results("moderators", "table:moderators"), "20d": _sensitivity_results,
    "21": _results("bias", "table:bias", "figure:funnel"), "27": _data,
    "Missing data": _items, "Effect sizes": _preparation,
    "Weighting": _of("pooled"), "Model": _of("pooled"), "Dependence": _dependence,
    "Outliers": _outliers, "Software": _software, "Study table": _study_table,
    "Overall effects": _overall, "Heterogeneity": _heterogeneity,
    "Moderators": _results("moderators", "table:moderators"),
    "Publication bias": _results("bias", "table:bias"), "Sensitivity": _sensitivity_results,
}  # fmt: skip
