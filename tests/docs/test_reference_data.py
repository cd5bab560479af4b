"""The real data: each row has the page where it was seen, and the workbook is its table."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

DATA = Path(__file__).resolve().parents[2] / "data"
TABLES = ("published_pooled_results.csv", "primary_alliance_effects.csv")
#: An address with the name of a host, no bare number; of a mirror of PubMed, the record it has.
PAGE = re.compile(
    r"https?://(?![\d.:]+/)[^\s/]+/\S+"
    r"|https://pubmed\.ncbi\.nlm\.nih\.gov/(\d+)/ \(PubMed record \1 read on a mirror\)"
)
DOI = re.compile(r"10\.\d{4,9}/\S+")


def rows_of(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_the_page_where_it_was_seen(name):
    rows = rows_of(name)
    assert len(rows) > 20
    for row in rows:
        pages = row["seen_at"].split("; ")
        assert all(PAGE.fullmatch(page) for page in pages), row


MIRROR = "https://pubmed.ncbi.nlm.nih.gov/1/ (PubMed record {} read on a mirror)"


@pytest.mark.parametrize(
    "page", ["http://47.1.13.51:8081/21482319", "https://a.org", "a.org/b", MIRROR.format(2)]
)
def test_a_page_has_a_name_and_a_mirror_says_whose_record_it_has(page):
    assert not PAGE.fullmatch(page)
    assert PAGE.fullmatch(MIRROR.format(1))


def test_a_published_result_leads_to_its_review():
    for row in rows_of(TABLES[0]):
        doi = row["source"].removeprefix("https://doi.org/")
        cited = re.search(r"Psychotherapy", row["source"])
        assert DOI.fullmatch(doi) or cited, row["review"]
        assert not (cited and "doi.org" in row["source"])


def test_published_intervals_hold_their_estimates():
    found = [row for row in rows_of(TABLES[0]) if row["ci_low"] or row["ci_high"]]
    assert len(found) > 10
    for row in found:
        low, mean, high = (float(row[c]) for c in ("ci_low", "estimate", "ci_high"))
        assert low < mean < high, row["review"]


def test_a_primary_effect_has_its_place_and_a_doi_or_none():
    for row in rows_of(TABLES[1]):
        assert row["page"], row["effect"]
        assert not row["doi"] or DOI.fullmatch(row["doi"]), row["effect"]
        assert (row["include"] == "no") == bool(row["exclusion_reason"]), row["effect"]


def test_the_workbook_is_the_table():
    book = load_workbook(DATA / "primary_alliance_effects.xlsx", read_only=True)
    header, *cells = book["effects"].iter_rows(min_row=3, values_only=True)
    book.close()
    table = rows_of(TABLES[1])
    assert list(header) == list(table[0])
    assert len(cells) == len(table)
    for row, given in zip(table, cells, strict=True):
        for (column, text), value in zip(row.items(), given, strict=True):
            same = float(text) == value if isinstance(value, int | float) else text == (value or "")
            assert same, (row["effect"], column)
