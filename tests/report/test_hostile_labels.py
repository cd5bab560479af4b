"""Labels that would run, load or break something are plain text in every file of a report."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile

import docx
import html5lib
import openpyxl
import pytest


def printed(label: str) -> str:
    """A label as it is printed: without control and format characters."""
    return "".join(c for c in label if unicodedata.category(c) not in {"Cc", "Cf"})


@pytest.fixture(scope="module")
def page(made):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(
        made.text("report.html")
    )


def test_page_is_valid_html(page):
    assert page.find("head/title").text == "Alliance <b>and</b> outcome"


def test_page_has_the_labels_as_text_only(page, hostile_labels):
    table = next(t for t in page.iter("table") if t.get("id") == "rows-studies")
    found = {"".join(row[0].itertext()) for row in table.find("tbody")}
    assert found == {printed(label) for label in hostile_labels}
    assert len(list(page.iter("script"))) == 1
    assert not list(page.iter("img"))
    assert not [e for e in page.iter() if any(str(a).startswith("on") for a in e.attrib)]


def test_page_loads_nothing(page, made):
    for element in page.iter():
        for name, value in element.attrib.items():
            if name in {"href", "src", "action", "xlink:href"}:
                assert value.startswith("#"), (element.tag, value)
    style = "".join(e.text for e in page.iter("style"))
    assert "url(" not in style
    assert "@import" not in style
    policy = next(m for m in page.iter("meta") if m.get("http-equiv"))
    assert "default-src 'none'" in policy.get("content")
    assert "unsafe-eval" not in policy.get("content")
    assert not re.search(r"script-src[^;]*unsafe-inline", policy.get("content"))


def test_identifiers_of_the_page_are_unique_and_references_lead_somewhere(page):
    identifiers = [e.get("id") for e in page.iter() if e.get("id")]
    assert len(identifiers) == len(set(identifiers))
    for element in page.iter():
        for name in ("href", "for", "aria-labelledby"):
            value = element.get(name)
            if value:
                assert value.removeprefix("#") in identifiers


def test_spreadsheets_hold_text_and_no_formula(made):
    content = (made.folder / "supplement.xlsx").read_bytes()
    book = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets"):
                assert b"<f>" not in archive.read(name)
                assert b"<hyperlink" not in archive.read(name)


@pytest.mark.parametrize("name", ["tables/studies.csv", "tables/influence.csv", "checklist.csv"])
def test_csv_has_no_live_cell(made, name):
    for row in csv.reader(io.StringIO(made.text(name))):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_latex_has_no_command_of_a_label(made):
    text = made.text("tables/studies.tex")
    assert r"\input" not in text
    assert r"\textbackslash{}input\{passwd\}" in text
    body = re.sub(r"\\[&%$#_{}]", "", text)
    assert not set(body) & {"$", "#", "~", "^", "\x0b", "\u202e"}
    rows = body.partition(r"\midrule")[2].partition(r"\bottomrule")[0].strip().split("\n")
    columns = body.count("&") / (len(rows) + 1)
    assert columns == int(columns)
    assert len(rows) == 12


def test_markdown_has_no_markup_of_a_label(made):
    text = made.text("tables/studies.md")
    assert "<script" not in text.replace(r"\<", "")
    assert not re.search(r"(?<!\\)[<`]", text)
    assert "](javascript" not in text.replace(r"\]", "")
    lengths = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line[:1] == "|"}
    assert len(lengths) == 1


def test_word_has_the_labels_as_text_only(made, hostile_labels):
    content = (made.folder / "report.docx").read_bytes()
    book = docx.Document(io.BytesIO(content))
    texts = {row.cells[0].text for table in book.tables for row in table.rows}
    assert {printed(label) for label in hostile_labels} <= texts
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        document = archive.read("word/document.xml").decode()
        relations = archive.read("word/_rels/document.xml.rels").decode()
    assert "TargetMode" not in relations
    fields = set(re.findall(r'w:instr="([^"]*)"', document))
    assert fields <= {r" SEQ Table \* ARABIC ", r" SEQ Figure \* ARABIC "}
    assert "w:instrText" not in document


def test_references_are_our_own(made):
    text = made.text("references.bib")
    assert "script" not in text
    assert text.count("@article{") + text.count("@book{") == text.count("\n}\n")


def test_scripts_for_r_quote_everything(made, evidence):
    from metaalliance.report.scripts.r import r_files

    files = r_files(evidence.models, evidence.moderators.moderators)
    assert files["analysis.R"].isascii()
    for row in csv.reader(io.StringIO(files["effects.csv"])):
        assert not any(cell.startswith(("=", "+", "@")) for cell in row)
