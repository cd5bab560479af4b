"""Rules about reports and samples: what a study holds, and who may stand in it twice."""

from __future__ import annotations

import itertools
import re

from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row

_REPORT = re.compile(
    r"(?:journal|title|volume|issue|pages|reference|citation|report|article|artikel|paper|trial)s?"
    r"|(?:trial|report|article|paper)[ ._]?(?:name|title|id|no|nr|number)\.?|articulo|artículo"
    r"|(?:bib|bibtex|cite|citation|zotero|endnote)?[ ._-]?key|accession(?:[ ._]number)?"
    r"|(?:pmid|pubmed|pmcid|isbn|issn|nct|covidence|endnote|zotero|rayyan|refworks|ref)"
    r"(?:[ ._]?(?:id|no|nr|number|#))?\.?",
    re.IGNORECASE,
).fullmatch


def report_problems(rows: list[Row]) -> list[Problem]:
    """One study with several authors or reports, and one author and year in several studies."""
    problems = []
    first: dict[str, Row] = {}
    titles: dict[tuple[str, str], Row] = {}
    columns = [c for c in dict.fromkeys(c for row in rows for c in row.cells) if _REPORT(c)]
    said: set[str] = set()
    for row in rows:
        twin = first.setdefault(row.study, row)
        author, other = row.report, twin.report
        if author and other and author != other and row.study not in said:
            said.add(row.study)
            message = f"{author} and {other} (row {twin.number}) count as one study"
            problems.append(row.problem("MA520", message, "study"))
        elif author == row.study:
            for told in (c for c in columns if row.has(c)):
                before = titles.setdefault((row.study, told), row)
                if before.get(told) != row.get(told) and row.study not in said:
                    said.add(row.study)
                    message = f"{told} differs from row {before.number} of the same author and year"
                    problems.append(row.problem("MA520", message, told))
    return problems + _shared_reports(rows)


def _shared_reports(rows: list[Row]) -> list[Problem]:
    """Author and year that stand in several studies."""
    studies: dict[str, list[Row]] = {}
    for row in (r for r in rows if r.report and r.label != r.study):
        alike = studies.setdefault(row.report, [])
        if all(row.study != twin.study for twin in alike):
            alike.append(row)
    return [
        second.problem("MA521", f"{report} is also the study {first.study!r} of row {first.number}",
                       "study")
        for report, alike in studies.items()
        for first, second in itertools.pairwise(alike)
    ]  # fmt: skip


#: Names of samples that share people with the others of the study.
_SHARING = re.compile(
    r"completers?|itt|intent(?:ion)?[- ]to[- ]treat|sub-?(?:group|sample|set)s?|per[- ]protocol|"
    r"full sample|total|whole sample|all (?:patients|participants)|dropouts?|responders?",
    re.IGNORECASE,
)


def shared_sample_problems(rows: list[Row]) -> list[Problem]:
    """Samples whose names say that they share people with others of the study."""
    studies: dict[str, dict[str, Row]] = {}
    for row in (r for r in rows if isinstance(r.get("sample"), str)):
        studies.setdefault(row.study, {}).setdefault(row.get("sample"), row)
    problems = []
    for samples in studies.values():
        shared = [row for name, row in samples.items() if _SHARING.search(name)]
        if len(samples) > 1 and shared:
            message = "the sample may share people with the others of the study: " + ", ".join(
                repr(name) for name in samples
            )
            problems.append(shared[0].problem("MA519", message, "sample"))
    return problems + _too_many(rows)


def _too_many(rows: list[Row]) -> list[Problem]:
    """Samples that add up to more people than a row without a sample, or a total, has."""
    problems = []
    studies: dict[str, list[Row]] = {}
    for row in (r for r in rows if isinstance(r.get("n"), float)):
        studies.setdefault(row.study, []).append(row)
    for group in studies.values():
        whole = [r.get("n") for r in group if r.get("sample") is None]
        parts: dict[str, float] = {}
        for row in (r for r in group if r.get("sample") is not None):
            parts[row.get("sample")] = max(row.get("n"), parts.get(row.get("sample"), 0))
        if whole and parts:
            odd = next(row for row in group if row.get("sample") is not None)
            more = "more than" if sum(parts.values()) > max(whole) else "part of"
            message = (
                f"samples of n = {', '.join(f'{n:g}' for n in parts.values())} stand beside rows "
                f"without a sample of n = {max(whole):g}: {more} the study, and counted beside it"
            )
            problems.append(odd.problem("MA519", message, "sample"))
    return problems
