"""Reports that stay apart, and cells that are missing, or are not."""

from __future__ import annotations

import pytest

import metaalliance as ma
from metaalliance.problems import Problem
from metaalliance.sheet.studies import Studies, load_studies


@pytest.fixture
def load(tmp_path):
    def read(text: str, **settings) -> Studies:
        path = tmp_path / "sheet.csv"
        path.write_text(text, encoding="utf-8")
        return load_studies(path, **settings)

    return read


def found(studies: Studies, code: str) -> list[Problem]:
    return [p for p in studies.problems if p.code == code]


def errors(studies: Studies) -> list[tuple[str, str | None]]:
    return [(p.code, p.cell) for p in studies.errors]


def values(studies: Studies, column: str) -> list[object]:
    return [row.get(column) for row in studies.rows]


# Columns that decide a sign, a number or a row -------------------------------------------------

DECIDES = ["outcome_direction", "alliance_direction", "include", "estimand"]


@pytest.mark.parametrize("column", DECIDES)
@pytest.mark.parametrize("mark", ["-", "–", "?", ".", "/", "none", "None"])
def test_mark_in_a_column_that_decides_is_refused(load, column, mark):
    studies = load(f"study,r,n,{column}\nA,.3,40,{mark}\nB,.2,40,\n")
    assert errors(studies) == [("MA331", "D2")]


@pytest.mark.parametrize("column", [c for c in DECIDES if c != "include"])
@pytest.mark.parametrize("word", ["NA", "n/a", "NR", "k.A."])
def test_missing_word_in_a_column_that_decides_is_missing(load, column, word):
    studies = load(f"study,r,n,{column}\nA,.3,40,{word}\nB,.2,40,\n")
    assert not studies.errors
    assert [p.cell for p in found(studies, "MA310")] == ["D2"]


def test_mark_for_the_tails_or_the_scale_of_an_effect_is_refused(load):
    text = "study,p,n,sign,tails,yi,vi,yi_measure\nA,.03,40,+,-,,,\nB,,,,,.2,.02,-\n"
    assert errors(load(text)) == [("MA331", "E2"), ("MA331", "H3")]


def test_mark_for_what_the_effect_does_not_need_is_a_note(load):
    studies = load("study,r,n,p,tails,yi_measure\nA,.3,40,.06,-,\nB,.2,40,,2,-\n")
    assert not studies.errors
    assert [p.severity for p in found(studies, "MA331")] == ["note", "note"]


# Missing among numbers and among words ---------------------------------------------------------


def own(load, cells: list[str], column: str = "sessions", **settings) -> Studies:
    rows = "".join(f"S{i},.{i + 10},40,{cell}\n" for i, cell in enumerate(cells))
    return load(f"study,r,n,{column}\n{rows}", **settings)


WORDS = ["NaN", "nan", "unknown", "n.b.", "onbekend", "inconnu", "desconocido", "ND", "no data",
         "none reported", "none", "unbekannt"]  # fmt: skip
SPREADSHEET = ["#NV", "#DIV/0!", "#WERT!", "#REF!", "#N/A", "#VALEUR!", "#¡DIV/0!", "#N/D"]


@pytest.mark.parametrize("word", [*WORDS, *SPREADSHEET])
def test_missing_words_leave_a_column_of_numbers_one(load, word):
    studies = own(load, ["20", "21", word, word, "22", word, "23"])
    assert values(studies, "sessions") == [20, 21, None, None, 22, None, 23]
    told = [*found(studies, "MA310"), *found(studies, "MA339")]
    assert [p.cell for p in told] == ["D4"]
    assert f"{word!r} (3)" in told[0].message


@pytest.mark.parametrize("word", WORDS)
def test_missing_words_in_a_known_column_of_numbers(load, word):
    studies = own(load, ["30", word], "mean_age")
    assert values(studies, "mean_age") == [30, None]
    assert not studies.errors


def test_words_among_numbers_are_missing_with_one_warning(load):
    studies = own(load, ["6", "8", "brief", "12", "varied", "brief", "20"])
    assert values(studies, "sessions") == [6, 8, None, 12, None, None, 20]
    (told,) = found(studies, "MA344")
    assert "'brief' (2)" in told.message
    assert "'varied' (1)" in told.message


def test_ranges_among_numbers_make_levels_with_one_warning(load):
    studies = own(load, ["6", "8", "12-16", "24+", "20"])
    assert values(studies, "sessions") == ["6", "8", "12-16", "24+", "20"]
    (told,) = found(studies, "MA344")
    assert "levels" in told.hint
    assert "'12-16'" in told.message
    assert "'24+'" in told.message


def test_words_of_a_named_vocabulary_are_levels_among_numbers(load):
    settings = ma.config.parse_config(
        {"moderators": ["wave"], "vocabulary": {"wave": {"1": [], "2": [], "late": []}}}
    )
    studies = own(load, ["1", "2", "late", "1"], "wave", config=settings)
    assert values(studies, "wave") == ["1", "2", "late", "1"]
    assert not found(studies, "MA344")


@pytest.mark.parametrize("column", ["own", "diagnosis", "risk_of_bias"])
def test_unknown_among_words_is_a_level_with_one_warning(load, column):
    studies = own(load, ["anxiety", "unknown", "Unknown", "depression"], column)
    assert values(studies, column) == ["anxiety", "unknown", "Unknown", "depression"]
    assert [p.cell for p in found(studies, "MA527")] == ["D3"]


@pytest.mark.parametrize("column", ["own", "diagnosis", "setting", "modality", "alliance_rater"])
def test_not_a_number_is_no_level(load, column):
    studies = own(load, ["clinic", "NaN", "nan"], column)
    assert values(studies, column)[1:] == [None, None]
    assert found(studies, "MA310")


@pytest.mark.parametrize("cell", ["-", "?", "unknown", "NaN"])
@pytest.mark.parametrize("column", ["country", "sample"])
def test_name_that_says_nothing_is_asked_about(load, column, cell):
    studies = own(load, ["Chile", cell], column)
    assert [p.cell for p in found(studies, "MA515")] == ["D3"]


@pytest.mark.parametrize(
    "pair", [("no manual", "no  manual"), ("th\u00e9rapie", "the\u0301rapie"), ("a b", "a\u00a0b")]
)
@pytest.mark.parametrize("column", ["own", "diagnosis"])
def test_levels_of_other_spacing_are_read_as_one_and_said(load, column, pair):
    studies = own(load, [*pair, pair[0]], column)
    assert len(set(values(studies, column))) == 1
    assert [(p.cell, p.severity) for p in found(studies, "MA518")] == [("D3", "note")]


# Reports ---------------------------------------------------------------------------------------


def studies_of(studies: Studies) -> list[str]:
    return [row.study for row in studies.rows]


LEE = "11,Lee,2001,.1,40\n12,Lee,2001,.2,40\n13,Ames,2003,.3,60\n14,Bo,2004,.15,70\n"


@pytest.mark.parametrize(
    ("header", "code"),
    [("id", "MA528"), ("ID", "MA528"), ("Nr", "MA528"), ("No.", "MA528"), ("PMID", "MA520"),
     ("Covidence #", "MA520"), ("key", "MA520"), ("bibkey", "MA520"), ("report", "MA520"),
     ("Artikel", "MA520"), ("Trial name", "MA520"), ("PubMed ID", "MA520"), ("NCT", "MA520")],
)  # fmt: skip
def test_two_identifiers_of_one_author_and_year_are_asked_about(load, header, code):
    studies = load(f"{header},author,year,r,n\n{LEE}")
    assert studies_of(studies) == ["Lee (2001)", "Lee (2001)", "Ames (2003)", "Bo (2004)"]
    assert len(found(studies, code)) == 1


@pytest.mark.parametrize("header", ["id", "PMID"])
def test_identifier_of_one_report_each_is_asked_nothing(load, header):
    studies = load(f"{header},author,year,r,n\n{LEE.replace('12,', '11,')}")
    assert len(set(studies_of(studies))) == 3
    assert not found(studies, "MA528") + found(studies, "MA520")


WITHIN = [("a", "b"), ("I", "II"), ("RCT", "open"), ("main", "follow-up"), ("first", "second")]


@pytest.mark.parametrize("pair", WITHIN)
def test_words_that_repeat_within_each_author_are_no_study(load, pair):
    a, b = pair
    text = "author,year,study,r,n\n" + "".join(
        f"{author},2001,{word},.{i}{k},60\n"
        for i, author in enumerate(["Lee", "Ames", "Bo"], start=1)
        for k, word in enumerate([a, b])
    )
    studies = load(text)
    assert len(set(studies_of(studies))) == 3
    assert len(found(studies, "MA523")) == 1


def test_a_study_of_several_papers_stays_one(load):
    rows = "TADS,Lee\nTADS,Cohn\nTADS,Bo\nX,Lee\nY,Di\n".replace("\n", ",2001,.3,60\n")
    studies = load(f"study,author,year,r,n\n{rows}")
    assert studies_of(studies) == ["TADS", "TADS", "TADS", "X", "Y"]
    assert len(found(studies, "MA520")) == 1


@pytest.mark.parametrize("name", ["TADS", "Lee 2001"])
def test_named_study_of_two_authors_is_asked_about(load, name):
    rows = f"{name},Lee,.1,60\n{name},Cohn,.2,60\nX,Bo,.3,50\n"
    studies = load(f"study,authors,r,n\n{rows}")
    assert studies_of(studies) == [name, name, "X"]
    assert [row.label for row in studies.rows] == [name, name, "X"]
    assert values(studies, "authors") == ["Lee", "Cohn", "Bo"]
    (told,) = found(studies, "MA520")
    assert "Cohn" in told.message


def test_two_named_studies_of_one_author_are_asked_nothing(load):
    studies = load("study,author,year,r,n\nLee A,Lee,2001,.1,60\nLee B,Lee,2001,.2,50\n")
    assert not found(studies, "MA520") + found(studies, "MA521")


@pytest.mark.parametrize("mark", ["*", "†", "**"])
def test_mark_behind_a_year_makes_no_second_study(load, mark):
    studies = load(f"author,year,r,n\nLee,2001{mark},.1,60\nLee,2001,.2,60\nBo,2004,.1,50\n")
    assert studies_of(studies) == ["Lee (2001)", "Lee (2001)", "Bo (2004)"]
    assert [p.cell for p in found(studies, "MA338")] == ["B2"]
