"""One bibliography: what is cited is in it, what is in it is cited, and nothing is typed twice."""

from __future__ import annotations

import ast
import csv
import io
import re
import tokenize
from pathlib import Path

import pytest

from metaalliance.core.conversion.rules import RULES
from metaalliance.publication_bias.methods import METHODS
from metaalliance.report.manuscript.bibliography import BIBLIOGRAPHY, cited
from metaalliance.sheet.columns.vocabularies import term_pages

ROOT = Path(__file__).resolve().parents[2]
#: Lists of works: the bibliography, and the table that is made of the published results.
ENTRIES = {
    "metaalliance/report/manuscript/works.py",
    "docs/reference/references.md",
    "docs/results/literature.md",
}
FENCE = re.compile(r"^ {0,3}(```+).*?^ {0,3}\1", re.DOTALL | re.MULTILINE)
DOCTEST = re.compile(r"^ *>>>.*?(?=^\s*$|\Z)", re.DOTALL | re.MULTILINE)
YEAR = r"(?:1[89]|20)\d\d"
_PARTICLE, _NAME = "(?:[Vv]an|[Dd]en?|[Dd]er|Davey)", r"[A-ZÄÖÜÉ](?:(?!['’]s\b)[\w’'-])+"
#: "van den Noortgate", "Welmers-van de Poll"; no part of a word such as "beside".
FAMILY = rf"(?<![\w-])(?:{_PARTICLE} )*{_NAME}(?:(?<=-van) (?:{_PARTICLE} )*{_NAME})?"
#: "Knapp and Hartung (2003)", "Fleiss et al. 1969", "Hedges & Pigott 2001, 2004".
CITATION = re.compile(
    rf"(?P<names>{FAMILY}(?: et al\.|(?:, {FAMILY})*,? (?:&|and) {FAMILY})?)(?:['’]s)?,? "
    rf"\(?(?P<years>{YEAR}(?:, {YEAR})*)\b(?![a-z-])"
)
#: "Knapp G, Hartung J (2003)" and "Knapp, G., & Hartung, J. (2003)".
TYPED = re.compile(
    rf"{FAMILY} [A-Z]{{1,3}}(?:-[A-Z])?(?:, [^().]*)?(?: et al\.)? \({YEAR}\)"
    rf"|{FAMILY}, (?:[A-Z]\.[ -]?)+[^()]*\({YEAR}\)"
)
#: Words before a year that are no author, and authors of invented studies.
NO_AUTHOR = {"PRISMA", "Adler", "Dorn", "Ames", "Berg", "Cohn", "Eder", "Falk", "Falck", "Lee"}


def read_code(path):
    """The strings and comments of a module, without doctests."""
    source = path.read_text(encoding="utf-8")
    strings = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return "\n\n".join(DOCTEST.sub("", text) for text in strings + comments)


def read_page(path):
    """The text of a page, without blocks of code, code and comments."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    return re.sub(r"`[^`]*`|<!--.*?-->", "", text, flags=re.DOTALL)


def all_texts():
    invents = {"make_format_files", "make_simulated_workbook", "benchmark"}
    scripts = [p for p in ROOT.glob("scripts/**/*") if p.stem not in invents]
    code = [*ROOT.glob("metaalliance/**/*.py"), *(p for p in scripts if p.suffix == ".py")]
    pages = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    remarks = [*(p for p in scripts if p.suffix == ".R"), *ROOT.glob("tests/golden/*.md")]
    texts = {path: read_code(path) for path in code}
    texts |= {path: read_page(path) for path in pages}
    texts |= {path: path.read_text(encoding="utf-8") for path in remarks}
    named = {str(path.relative_to(ROOT)): text for path, text in texts.items()}
    return {
        name: re.sub(r"\s+(?:#+\s+)?", " ", text)
        for name, text in named.items()
        if name not in ENTRIES
    }


def citations(text):
    for found in CITATION.finditer(text):
        for year in found["years"].split(", "):
            yield found["names"], int(year)


def reviews_and_studies():
    """Names and years of the real data, which have their sources in the data files."""
    known = set()
    for name, column in (
        ("published_pooled_results", "review"),
        ("primary_alliance_effects", "study"),
    ):
        with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["year"]:
                    first = re.match(FAMILY, row[column])
                    known.add((first[0], int(row["year"])))
    return known


def papers_of_the_vocabulary():
    """Names and years in the register of pages, which has the address of each."""
    seen = " ".join(text for address, text in term_pages().values() if address)
    return {(re.match(FAMILY, names)[0], year) for names, year in citations(seen)}


@pytest.fixture(scope="module")
def texts():
    return all_texts()


@pytest.fixture(scope="module")
def works():
    forms = {}
    for work in BIBLIOGRAPHY.values():
        for text in (work.parenthetical(), work.narrative()):
            names = re.sub(r",? \(?\d{4}\)?$", "", text)
            forms[names, work.year] = work.key
    return forms


def test_everything_that_is_cited_is_in_the_bibliography(texts, works):
    data, unknown = reviews_and_studies() | papers_of_the_vocabulary(), []
    for place, text in texts.items():
        for names, year in citations(text):
            first = re.match(FAMILY, names)[0]
            if (names, year) in works or (first, year) in data or first in NO_AUTHOR:
                continue
            unknown.append(f"{place}: {names} {year}")
    assert not unknown, unknown


def test_everything_in_the_bibliography_is_cited(texts, works):
    keys = {works[c] for text in texts.values() for c in citations(text) if c in works}
    keys |= {key for text in texts.values() for key in re.findall(r"@([a-z]+\d{4}b?)", text)}
    keys |= {key for method in METHODS for key in method.references}
    assert set(BIBLIOGRAPHY) <= keys


def test_no_reference_is_typed_out_a_second_time(texts):
    containers = {work.container for work in BIBLIOGRAPHY.values() if work.volume}
    journal = "|".join(re.escape(name) for name in sorted(containers, key=len, reverse=True))
    printed = re.compile(rf"(?<!\w)(?:{journal})\*?,? \*?\d+(?:\(\d+\))?,? \d")
    addresses = {work.doi for work in BIBLIOGRAPHY.values() if work.doi}
    for place, text in texts.items():
        assert not TYPED.findall(text), place
        assert not printed.findall(text), place
        assert not [doi for doi in addresses if doi in text], place


def test_the_parser_sees_what_it_has_to_see():
    text = (
        "Knapp and Hartung (2003); Fleiss et al. 1969, (Hedges & Pigott 2001, 2004) by van Aert & "
        "van Assen 2026 and Harville's (1974) form, (Rodgers & Pustejovsky, 2021)"
    )
    assert list(citations(text)) == [
        ("Knapp and Hartung", 2003), ("Fleiss et al.", 1969), ("Hedges & Pigott", 2001),
        ("Hedges & Pigott", 2004), ("van Aert & van Assen", 2026), ("Harville", 1974),
        ("Rodgers & Pustejovsky", 2021),
    ]  # fmt: skip
    text = "Welmers-van de Poll et al. 2018 code raters; beside Lee 2018"
    assert list(citations(text)) == [("Welmers-van de Poll et al.", 2018), ("Lee", 2018)]
    for typed in ("Knapp G, Hartung J (2003). X", "Viechtbauer W, Cheung MW-L (2010)",
                  "Lau J et al. (1992)", "Knapp, G., & Hartung, J. (2003)"):  # fmt: skip
        assert TYPED.search(typed), typed


def test_sources_of_conversions_are_works():
    for rule in RULES.values():
        if re.search(YEAR, rule.source):
            assert len(cited(rule.source)) == rule.source.count(";") + 1, rule.source
