"""What a study is: author and year, an identifier with its label, or the column study."""

from __future__ import annotations

import pytest
from openpyxl import Workbook

import metaalliance as ma
from metaalliance.analysis.analysis import Analysis
from metaalliance.config import parse_config
from metaalliance.effects.ratings import study_ratings
from metaalliance.report.sections.quality import quality_table
from metaalliance.report.sections.study_table import study_table


def studies_of(studies):
    return [row.study for row in studies.rows]


def labels_of(studies):
    return [row.label for row in studies.rows]


def code_of(studies, severity="warning"):
    return [p.code for p in studies.problems if p.severity == severity and p.code != "MA504"]


AMES = "Ames,2001,.6,50\nAmes,2008,.5,60\nBoll,2004,.1,80\n"
THREE = ["Ames (2001)", "Ames (2008)", "Boll (2004)"]


@pytest.mark.parametrize("author", ["author", "Authors", "First author", "AUTHOR"])
@pytest.mark.parametrize("year", ["year", "Publication year", "yr"])
def test_author_and_year_are_the_study(load, author, year):
    assert (
        studies_of(load(f"{author},{year},r,n\n{AMES}".replace("First author", "author"))) == THREE
    )


def test_mapped_author_and_year_are_the_study(load):
    config = parse_config({"columns": {"study": "author", "r": "corr"}})
    assert studies_of(load(f"author,year,corr,n\n{AMES}", config=config)) == THREE


def test_year_inside_the_author_is_not_said_twice(load):
    assert studies_of(load("author,year,r,n\nAmes (2001),2001,.6,50\n")) == ["Ames (2001)"]


def test_author_without_a_year_is_the_study(load):
    assert studies_of(load("author,r,n\nAmes 2001,.6,50\nBoll,.1,80\n")) == ["Ames 2001", "Boll"]


def test_six_reports_of_four_authors(load):
    text = (
        "author,year,n,r\nAmes,2001,50,.60\nAmes,2008,60,.55\nAmes,2015,70,.50\nBoll,2004,80,.10\n"
        "Crane,2010,75,.15\nDorn,2012,90,.05\n"
    )
    fit = ma.pool(ma.effect_sizes(load(text)))
    row = fit.to_frame(scale="r").iloc[0]
    assert fit.n_studies == 6
    assert [row.estimate, row.ci_low, row.ci_high] == pytest.approx([0.338, 0.048, 0.575], abs=5e-4)


@pytest.mark.parametrize("header", ["study_id", "Study ID", "StudyID", "sid", "study no", "id"])
def test_identifier_beside_the_author_is_the_study(load, header):
    studies = load(
        f"{header},author,year,r,n\n1,Ames,2001,.6,50\n2,Ames,2008,.5,60\n2,Ames,2008,.4,60\n"
    )
    assert not studies.errors
    assert studies_of(studies) == ["1", "2", "2"]
    assert labels_of(studies) == ["Ames (2001)", "Ames (2008)", "Ames (2008)"]


@pytest.mark.parametrize(("study", "year"), [("study", "yop"), ("Studie", "Jahr")])
def test_surnames_under_study_are_reports_with_their_year(load, study, year):
    rows = "Truax,1966,63,.38\nTruax,1971,34,-.02\nLee,2001,60,.30\n"
    found = studies_of(load(f"{study},{year},n,r\n{rows}"))
    assert found == ["Truax (1966)", "Truax (1971)", "Lee (2001)"]


def test_surnames_beside_labels_with_their_year_are_reports_too(load):
    rows = "Foa,1999,55,.22\nFoa,2005,127,.1\nLee (2001),2001,60,.30\nLee (2008) exp 2,2008,40,.1\n"
    found = studies_of(load(f"study,yop,n,r\n{rows}"))
    assert found == ["Foa (1999)", "Foa (2005)", "Lee (2001)", "Lee (2008) exp 2"]


def test_numbers_under_study_are_no_surnames(load):
    rows = "S1,1999,55,.22\nS1,2005,127,.1\nTADS,2001,60,.30\n"
    assert studies_of(load(f"study,year,n,r\n{rows}")) == ["S1", "S1", "TADS"]


def test_surnames_with_one_n_in_two_years_are_asked_about(load):
    studies = load("study,year,n,r\nLee,2001,63,.38\nLee,2010,63,.30\nTruax,1971,34,-.02\n")
    assert studies_of(studies) == ["Lee", "Lee", "Truax"]
    assert "MA506" in code_of(studies)


def test_names_of_trials_stay_studies_where_the_team_says_so(load):
    config = parse_config({"moderators": ["year"]})
    rows = "TADS,2004,90,.38\nTADS,2007,60,.30\nMCFIT,2001,34,.2\n"
    told = load(f"study,year,n,r\n{rows}")
    assert "MA539" in code_of(told)
    assert studies_of(load(f"study,year,n,r\n{rows}", config=config)) == ["TADS", "TADS", "MCFIT"]


def test_a_column_that_counts_within_named_reports_is_no_study(load):
    rows = "A87,1,.2,50\nA87,2,.3,60\nB91,1,.4,70\nC02,1,.1,80\nD10,1,.3,90\n"
    studies = load(f"Study.name,Study,r,n\n{rows}")
    assert studies_of(studies) == ["A87", "A87", "B91", "C02", "D10"]
    assert "MA523" in code_of(studies)


def test_identifier_in_every_row_of_a_report_is_that_of_its_effects(load):
    studies = load("id,author,year,r,n\n1,Ames,2001,.6,50\n2,Ames,2001,.5,50\n3,Boll,2004,.1,80\n")
    assert studies_of(studies) == ["Ames (2001)", "Ames (2001)", "Boll (2004)"]
    assert [row.get("effect") for row in studies.rows] == ["1", "2", "3"]


@pytest.mark.parametrize("codes", [("1", "2"), ("Study 1", "Study 2"), ("1a", "1b"), ("S1", "S2")])
def test_study_that_is_counted_within_reports_is_none(load, codes):
    one, two = codes
    studies = load(
        f"author,year,study,r,n\nAmes,2001,{one},.6,50\nAmes,2001,{two},.5,50\nBoll,2004,{one},.1,80\n"
        f"Crane,2005,{one},.2,70\n"
    )
    assert studies_of(studies) == ["Ames (2001)", "Ames (2001)", "Boll (2004)", "Crane (2005)"]
    assert "MA523" in code_of(studies)


def test_study_in_words_is_the_study_whatever_stands_beside(load):
    text = (
        "study,author,year,r,n\nAmes A,Ames,2001,.6,50\nAmes B,Ames,2001,.5,60\nX,Boll,2004,.1,80\n"
    )
    assert studies_of(load(text)) == ["Ames A", "Ames B", "X"]


def test_numbered_study_with_authors_is_printed_by_author_and_year(load):
    studies = load(
        "study,author,year,r,n\n1,Ames,2001,.6,50\n2,Boll,2004,.1,80\n3,Coe,2005,.1,80\n"
    )
    assert studies_of(studies) == ["1", "2", "3"]
    assert labels_of(studies) == ["Ames (2001)", "Boll (2004)", "Coe (2005)"]


def test_publication_that_tells_nothing_apart_is_no_study(load):
    studies = load(
        "author,year,publication,r,n\nAmes,2001,published,.6,50\nBoll,2004,unpublished,.1,80\n"
    )
    assert studies_of(studies) == ["Ames (2001)", "Boll (2004)"]


def test_label_beside_an_identifier_is_its_label(load):
    studies = load("Study ID,Study label,r,n\n1,Ames 2001,.6,50\n2,Boll 2004,.1,80\n")
    assert labels_of(studies) == ["Ames 2001", "Boll 2004"]


def test_column_label_wins(load):
    studies = load("study_id,label,author,year,r,n\n1,First,Ames,2001,.6,50\n2,,Boll,2004,.1,80\n")
    assert labels_of(studies) == ["First", "Boll (2004)"]


def test_two_studies_of_one_label_are_told_apart(load):
    studies = load(
        "study_id,author,year,r,n\n1,Ames,2001,.6,50\n2,Ames,2001,.5,60\n3,Boll,2004,.1,80\n"
    )
    assert labels_of(studies) == ["Ames (2001) [1]", "Ames (2001) [2]", "Boll (2004)"]
    assert code_of(studies) == ["MA521"]
    assert "MA336" in code_of(studies, "note")


def test_two_labels_of_one_study_are_warned_of(load):
    studies = load("study,label,r,n\nA,First,.6,50\nA,Second,.5,50\nB,,.1,80\n")
    assert labels_of(studies) == ["First", "First", "B"]
    assert code_of(studies) == ["MA506"]


def test_one_identifier_of_two_reports_is_warned_of(load):
    studies = load(
        "study_id,author,year,r,n\n1,Ames,2001,.6,50\n1,Ames,2008,.5,60\n2,Boll,2004,.1,80\n"
        "3,Coe,2005,.2,70\n4,Dee,2006,.2,70\n"
    )
    assert studies_of(studies) == ["1", "1", "2", "3", "4"]
    assert "MA520" in code_of(studies)


def test_one_author_and_year_with_two_journals_is_warned_of(load):
    text = "author,year,journal,r,n\nAmes,2001,JCCP,.6,50\nAmes,2001,PR,.5,60\nBoll,2004,PR,.1,80\n"
    assert "MA520" in code_of(load(text))


YEARS = {
    "2001a": (2001, "MA338"),
    "(2003)": (2003, "MA338"),
    "2007/2008": (2007, "MA338"),
    "1999 (2001)": (1999, "MA338"),
    "in press": (None, "MA338"),
    "In Press": (None, "MA338"),
    "im Druck": (None, "MA338"),
    "forthcoming": (None, "MA338"),
    "submitted": (None, "MA338"),
    "n.d.": (None, "MA310"),
}


@pytest.mark.parametrize(("seen", "expected"), YEARS.items(), ids=YEARS)
def test_year_with_words_is_read_with_a_note(load, seen, expected):
    value, code = expected
    studies = load(f"study,year,r,n\nA,{seen},.3,50\n")
    assert not studies.errors
    assert studies.rows[0].get("year") == value
    assert [p.cell for p in studies.problems if p.code == code] == ["B2"]


@pytest.mark.parametrize("seen", ["20O1", "12", "2001.5", "soon"])
def test_year_that_is_none_is_an_error(load, seen):
    assert [p.cell for p in load(f"study,year,r,n\nA,{seen},.3,50\n").errors] == ["B2"]


def test_letters_and_words_of_the_year_tell_reports_apart(load):
    rows = ("2001a,.6", "2001b,.5", "in press,.1", "n.d.,.2")
    text = "author,year,r,n\n" + "".join(f"Ames,{row},50\n" for row in rows)
    expected = ["Ames (2001a)", "Ames (2001b)", "Ames (in press)", "Ames (n.d.)"]
    assert studies_of(load(text)) == expected


def test_blank_year_of_an_author_with_one_report(load):
    studies = load("author,year,r,n\nAmes,2001,.6,50\nAmes,,.5,50\nBoll,2004,.1,80\n")
    assert studies_of(studies) == ["Ames (2001)", "Ames (2001)", "Boll (2004)"]
    assert code_of(studies) == ["MA524"]


def test_blank_year_of_an_author_with_several_reports(load, errors):
    assert errors(load("author,year,r,n\nAmes,2001,.6,50\nAmes,2008,.5,60\nAmes,,.1,80\n")) == [
        ("MA337", "B4")
    ]


def test_label_and_author_of_the_studies_sheet(tmp_path):
    book = Workbook()
    book.active.title = "effects"
    for row in (["study_id", "r", "n"], [1, 0.3, 40], [1, 0.2, 40], [2, 0.1, 50]):
        book.active.append(row)
    sheet = book.create_sheet("studies")
    for row in (["study_id", "author", "year"], [1, "Ames", 2001], [2, "Boll", 2004]):
        sheet.append(row)
    book.save(tmp_path / "s.xlsx")
    studies = ma.read_studies(tmp_path / "s.xlsx")
    assert labels_of(studies) == ["Ames (2001)", "Ames (2001)", "Boll (2004)"]


# What is printed --------------------------------------------------------------------------------

CODED = (
    "study_id,author,year,r,n,risk_of_bias\n71,Ames,2001,.5,50,low\n71,Ames,2001,.4,50,low\n"
    "72,Boll,2004,.1,80,low\n73,Crane,2010,.2,75,high\n74,Dorn,2012,-.2,90,low\n"
)
NAMES = ["Ames (2001)", "Boll (2004)", "Crane (2010)", "Dorn (2012)"]


@pytest.fixture
def effects(csv_file):
    return ma.effect_sizes(ma.read_studies(csv_file(CODED)))


def pooled(effects):
    return ma.pool(effects, test="wald")


def test_frame_keeps_the_study_and_its_label(effects):
    assert list(effects.frame["study"]) == ["71", "71", "72", "73", "74"]
    assert list(effects.frame["label"].unique()) == NAMES
    assert "label" not in effects.moderators


def test_no_label_where_the_study_is_printed(csv_file):
    effects = ma.effect_sizes(ma.read_studies(csv_file("study,r,n\nA,.3,50\nB,.2,60\n")))
    assert "label" not in effects.frame


def test_label_changes_no_number(effects, csv_file):
    plain = CODED.replace("author,year", "other,year")
    bare = ma.effect_sizes(ma.read_studies(csv_file(plain, "plain.csv")))
    assert pooled(effects).estimate == pooled(bare).estimate


def test_leave_one_out_and_influence_print_the_label(effects):
    assert list(ma.leave_one_out(effects).to_frame()["omitted"]) == NAMES
    assert list(ma.influence(effects).to_frame()["omitted"]) == NAMES


def test_cumulative_prints_the_label(effects):
    assert list(ma.cumulative(effects).frame["added"]) == NAMES


def test_figures_print_the_label(effects):
    for draw in (ma.plots.forest, ma.plots.caterpillar):
        figure = draw(pooled(effects))
        texts = {t.get_text() for axes in figure.axes for t in axes.texts}
        texts |= {t.get_text() for axes in figure.axes for t in axes.get_yticklabels()}
        assert all(any(t.startswith(name) for t in texts) for name in NAMES)
        assert "71" not in texts


def test_report_prints_the_label(csv_file):
    evidence = Analysis.read(csv_file(CODED)).report()
    assert [row["study"] for row in study_table(evidence).rows] == NAMES
    assert [
        row["study"] for row in quality_table(study_ratings(evidence.coded.frame)).rows
    ] == NAMES
