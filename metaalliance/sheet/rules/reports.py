"""Rules about reports and samples: what a study holds, and who may stand in it twice."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row, columns_of

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
    columns = [c for c in columns_of(rows) if _REPORT(c)]
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
    r"full sample|total|whole sample|all (?:patients|participants)|dropouts?|responders?|"
    r"\b(?:all|both|combined|pooled)(?: (?:sample|group|stud(?:y|ie)|site|cohort|client)s?)?$|"
    r"^(?:studies|samples|groups|sites|cohorts) \w+ ?(?:and|[&+,]) ?\w+$",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s*[+&]\s*|\s+and\s+", re.IGNORECASE)


def shared_sample_problems(rows: list[Row]) -> list[Problem]:
    """Samples whose names say that they share people with others of the study."""
    studies: dict[str, dict[str, Row]] = {}
    for row in (r for r in rows if isinstance(r.get("sample"), str)):
        studies.setdefault(row.study, {}).setdefault(row.get("sample"), row)
    problems = []
    for samples in studies.values():
        shared = [
            row for name, row in samples.items() if _SHARING.search(name) or _joins(name, samples)
        ]
        if len(samples) > 1 and shared:
            message = "the sample may share people with the others of the study: " + ", ".join(
                repr(name) for name in samples
            )
            problems.append(shared[0].problem("MA519", message, "sample"))
    return problems + _too_many(rows)


def _joins(name: str, samples: Iterable[str]) -> bool:
    """Whether a name joins those of other samples: CBT+IPT beside CBT and IPT."""
    parts = {part.casefold() for part in _JOINED.split(name)}
    return len(parts) > 1 and parts <= {other.casefold() for other in samples}


def _sum_of_others(parts: Mapping[str, float]) -> str | None:
    """The sample that has as many people as all others of the study together, of three or more."""
    whole = sum(parts.values())
    return next((s for s, n in parts.items() if len(parts) > 2 and 2 * n == whole), None)


def _too_many(rows: list[Row]) -> list[Problem]:
    """Samples beside rows of the whole study, and one that is as large as all others together."""
    problems = []
    studies: dict[str, list[Row]] = {}
    for row in (r for r in rows if isinstance(r.get("n"), float)):
        studies.setdefault(row.study, []).append(row)
    for group in studies.values():
        whole = [r.get("n") for r in group if r.get("sample") is None]
        parts: dict[str, float] = {}
        for row in (r for r in group if r.get("sample") is not None):
            parts[row.get("sample")] = max(row.get("n"), parts.get(row.get("sample"), 0))
        summed = _sum_of_others(parts)
        if summed is not None and not _SHARING.search(summed) and not _joins(summed, parts):
            odd = next(row for row in group if row.get("sample") == summed)
            others = " + ".join(f"{n:g}" for s, n in parts.items() if s != summed)
            message = (
                f"n = {parts[summed]:g} of {summed!r} is the sum of the other samples: {others}"
            )
            problems.append(odd.problem("MA519", message, "sample"))
        if whole and parts:
            odd = next(row for row in group if row.get("sample") is not None)
            more = "more than" if sum(parts.values()) > max(whole) else "part of"
            message = (
                f"samples of n = {', '.join(f'{n:g}' for n in parts.values())} stand beside rows "
                f"without a sample of n = {max(whole):g}: {more} the study, and counted beside it"
            )
            problems.append(odd.problem("MA519", message, "sample"))
    return problems
