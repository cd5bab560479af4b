"""The vocabulary of the field: every entry has the page where it was seen."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from metaalliance.cli.app import app
from metaalliance.sheet.columns import vocabularies
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, key_of, term_pages

TERMS = Path(vocabularies.__file__).parent / "terms"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "sheets" / "vocabulary.md"
#: Columns whose words decide a sign or a row of this program: no page speaks of them.
OWN_COLUMNS = {"include", "outcome_direction", "alliance_direction", "sign"}
#: Levels of the other columns that this program adds for what is no other level.
OWN_LEVELS = {"other", "mixed", "composite", "group-specific"}
#: Pages whose content changes or is not theirs: what a search or a tag lists, blogs, forms, shops.
UNFIT = re.compile(
    r"/search\b|/tag/|/label/|blogspot|formspal|fashion|coach|counselling", re.IGNORECASE
)


def unseen(vocabulary):
    """Entries without a page of the register, or with a direction or meanings seen on none."""
    published = {key for key, (address, _) in term_pages().items() if address}
    entries = [*vocabulary.levels, *vocabulary.questions]
    return [
        entry
        for entry in entries
        if not (keys := set(vocabulary.pages.get(entry, ())))
        or not keys <= set(term_pages())
        or ((entry in vocabulary.higher or entry in vocabulary.questions) and not keys & published)
    ]


def own(vocabulary):
    """Levels that are words of this program alone."""
    return {level for level in vocabulary.levels if vocabulary.pages.get(level) == ("own",)}


@pytest.mark.parametrize("column", VOCABULARIES)
def test_every_entry_has_the_page_where_it_was_seen(column):
    assert unseen(VOCABULARIES[column]) == []


@pytest.mark.parametrize("column", VOCABULARIES)
def test_only_words_that_no_page_can_show_are_this_programs_own(column):
    vocabulary = VOCABULARIES[column]
    allowed = set(vocabulary.levels) if column in OWN_COLUMNS else OWN_LEVELS
    assert own(vocabulary) <= allowed


def test_a_level_of_any_column_without_a_page_is_found():
    for column, level in (("setting", "school"), ("include", "no"), ("estimand", "total")):
        vocabulary = VOCABULARIES[column]
        pages = {name: keys for name, keys in vocabulary.pages.items() if name != level}
        assert unseen(replace(vocabulary, pages=pages, _lookup={})) == [level]


def test_an_entry_without_a_page_is_found():
    measures = VOCABULARIES["outcome_measure"]
    pages = {**measures.pages, "BDI": (), "DAS": ("nowhere",), "GAF": ("own",)}
    del pages["HRSD"]
    assert unseen(replace(measures, pages=pages, _lookup={})) == ["BDI", "HRSD", "GAF", "DAS"]


@pytest.mark.parametrize("name", ["levels.csv", "questions.csv", "pages.csv"])
def test_each_line_of_a_file_of_terms_has_the_cells_of_its_header(name):
    with (TERMS / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert [row for row in rows if len(row) != len(header)] == []


def test_each_page_stands_once_says_what_was_seen_and_is_used():
    addresses = [address for address, _ in term_pages().values() if address]
    assert len(addresses) == len(set(addresses))
    assert all(re.match(r"https?://(?![\d.:]+/)[^\s/]+/\S", a) for a in addresses)
    assert not [a for a in addresses if UNFIT.search(a)]
    assert all(seen for _, seen in term_pages().values())
    used = {key for v in VOCABULARIES.values() for keys in v.pages.values() for key in keys}
    assert used == set(term_pages())


def test_many_measures_have_a_direction():
    higher = VOCABULARIES["outcome_measure"].higher
    assert len(higher) >= 125
    assert {"better", "worse"} == set(higher.values())


@pytest.mark.parametrize("column", [c for c in VOCABULARIES if not VOCABULARIES[c].exact])
def test_a_name_stands_for_one_level(column):
    vocabulary = VOCABULARIES[column]
    names = {}
    for level in vocabulary.levels:
        for name in {key_of(n) for n in (level, *vocabulary.aliases.get(level, ()))}:
            assert names.setdefault(name, level) == level, (name, level)
    assert not {key_of(name) for name in vocabulary.questions} & set(names)


@pytest.mark.parametrize("column", [c for c in VOCABULARIES if VOCABULARIES[c].questions])
def test_what_is_asked_about_may_be_one_of_several_levels(column):
    vocabulary = VOCABULARIES[column]
    for name, meanings in vocabulary.questions.items():
        levels = [vocabulary.find(meaning) for meaning in meanings]
        assert None not in levels, name
        assert len(set(levels)) == len(levels) > 1, name


def printed(*words):
    done = CliRunner().invoke(app, ["vocabulary", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_command_gives_the_pages():
    content = json.loads(printed("outcome_measure", "--json"))
    assert all(level["pages"] for level in content["levels"] if level["higher"])
    found = {level["level"]: level["higher"] for level in content["levels"]}
    assert (found["LSAS"], found["ORS"], found["AAQ-II"]) == (
        "worse", "better", None,
    )  # fmt: skip
    assert {q["name"] for q in content["questions"]} >= {"DAS", "SDS", "SAS", "CBCL", "SDQ", "ACQ"}


def test_command_prints_directions_and_questions():
    text = printed("outcome_measure")
    assert "ORS (higher is better): Outcome Rating Scale" in text
    assert "asked about: DAS may be Dyadic Adjustment Scale (higher is better)" in text


def test_page_has_every_entry_and_says_whom_third_wave_follows():
    page = PAGE.read_text(encoding="utf-8")
    for vocabulary in VOCABULARIES.values():
        for level in vocabulary.levels:
            assert f"| `{level}` |" in page
    for address, _ in term_pages().values():
        assert address in page
    assert "Kahl et al. (2012" in page
    assert "[vocabulary.modality]" in page
