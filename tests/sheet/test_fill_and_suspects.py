"""Cells that are filled from above, copies of rows, and effects that look reversed."""

from __future__ import annotations

import math

import pytest

import metaalliance as ma
from metaalliance.config import parse_config
from metaalliance.errors import OptionError

FIRST_ROWS = "study,year,r,n,design\nA,2001,.3,50,RCT\n,,.2,50,\nB,2004,.22,90,\n,,.1,90,\n"


def values(studies, column):
    return [row.get(column) for row in studies.rows]


def filled(load, text, fill_down, **more):
    return load(text, config=parse_config({"fill_down": fill_down, **more}))


def test_without_the_option_the_error_names_it(load):
    studies = load(FIRST_ROWS)
    assert [(p.code, p.cell) for p in studies.errors] == [("MA301", "A3"), ("MA301", "A5")]
    assert all("fill_down" in p.hint for p in studies.errors)


def test_study_is_filled_with_what_names_it(load, cells):
    studies = filled(load, FIRST_ROWS, ["study"])
    assert values(studies, "study") == ["A", "A", "B", "B"]
    assert values(studies, "year") == [2001, 2001, 2004, 2004]
    assert values(studies, "design") == ["RCT", None, None, None]
    assert cells(studies, "MA522") == ["A3", "B3"]


def test_all_columns_of_the_study_are_filled_within_it(load):
    studies = filled(load, FIRST_ROWS, True)
    assert values(studies, "design") == ["RCT", "RCT", None, None]


@pytest.mark.parametrize("name", ["r", "p", "se", "ci_low", "sign", "Correlation", "yeer"])
def test_what_cannot_be_filled_is_refused_by_name(load, errors, name):
    text = "study,year,correlation,d,n,p,se,ci_low,sign\nA,2001,.3,,50,.03,.1,.1,+\nA,,,.5,50,,,,\n"
    studies = filled(load, text, ["study", name])
    (problem,) = [p for p in studies.errors if p.code == "MA330"]
    assert ("r" if name == "Correlation" else name) in problem.message
    assert "MA335" not in [p.code for p in studies.problems]
    assert values(studies, "r") == [0.3, None]
    assert values(studies, "year") == [2001, 2001]
    assert ("'year'" in problem.hint) == (name == "yeer")


def test_columns_that_several_rows_share_may_be_filled(load, errors):
    text = "study,year,d,n1,n2,Clinic\nA,2001,.3,20,30,x\nA,,.2,,,\n"
    studies = filled(load, text, ["study", "n1", "n2", "Clinic"])
    assert errors(studies) == []
    assert values(studies, "n2") == [30, 30]
    assert values(studies, "Clinic") == ["x", "x"]


def test_author_and_year_are_filled_together(load):
    text = "author,year,r,n\nA,2001,.3,50\n,,.2,50\nA,2008,.22,90\n,,.2,90\n"
    studies = filled(load, text, ["study"])
    assert values(studies, "study") == ["A (2001)", "A (2001)", "A (2008)", "A (2008)"]


def test_nothing_is_filled_below_a_blank_row(load, errors):
    text = "study,r,n\nA,.3,50\n,.2,50\n,,\n,.25,100\n"
    assert errors(filled(load, text, ["study"])) == [("MA301", "A5")]


def test_row_of_totals_is_not_filled(xlsx_file):
    def sums(book):
        for cell, text in (("B5", "=SUBTOTAL(101,B2:B4)"), ("C5", "=SUBTOTAL(109,C2:C4)")):
            book.active[cell] = text

    rows = [
        ["study", "r", "n"],
        ["A", 0.3, 50],
        [None, 0.2, 50],
        ["B", 0.1, 60],
        [None, None, None],
    ]
    path = xlsx_file(rows, change=sums)
    studies = ma.load_studies(path, config=parse_config({"fill_down": ["study"]}))
    assert [row.study for row in studies.used] == ["A", "A", "B"]


def test_numbers_are_filled_only_where_they_are_named(load):
    text = "study,r,n\nA,.3,50\n,.2,\n"
    assert values(filled(load, text, ["study", "n"]), "n") == [50, 50]
    assert values(filled(load, text, True), "n") == [50, None]


@pytest.mark.parametrize("value", ["study", 3, [1]])
def test_fill_down_of_another_kind_is_refused(value):
    with pytest.raises(OptionError, match="fill_down"):
        parse_config({"fill_down": value})


def merged(xlsx_file, *ranges, fill_down=False):
    rows = [
        ["study", "year", "r", "n"],
        ["A", 2001, 0.3, 50],
        [None, None, 0.2, 50],
        ["B", 2004, 0.1, 60],
    ]
    path = xlsx_file(rows, change=lambda book: [book.active.merge_cells(r) for r in ranges])
    return ma.load_studies(path, config=parse_config({"fill_down": fill_down}))


def test_merged_study_cells_are_an_error_without_the_option(xlsx_file):
    assert "MA210" in [p.code for p in merged(xlsx_file, "A2:A3", "B2:B3").errors]


@pytest.mark.parametrize("option", [True, ["study"]])
def test_merged_study_cells_stand_for_all_their_rows(xlsx_file, option):
    studies = merged(xlsx_file, "A2:A3", "B2:B3", fill_down=option)
    assert not studies.errors
    assert values(studies, "study") == ["A", "A", "B"]
    assert values(studies, "year") == [2001, 2001, 2004]


def test_merged_statistic_stays_an_error(xlsx_file):
    codes = [p.code for p in merged(xlsx_file, "C2:C3", fill_down=True).errors]
    assert "MA210" in codes


# Copies ---------------------------------------------------------------------------------------

DIFFER = {
    "own text": "study,r,n,kind\nA,.3,40,grades\nA,.3,40,test\n",
    "own number": "study,r,n,session\nA,.3,40,1\nA,.3,40,2\n",
    "effect": "study,effect,r,n,outcome_measure\nA,e1,.3,40,BDI\nA,e2,.3,40,BDI\n",
    "study column": "study,r,n,design\nA,.3,40,RCT\nA,.3,40,other\n",
    "page": "study,r,n,page\nA,.3,40,12\nA,.3,40,13\n",
}


@pytest.mark.parametrize("text", DIFFER.values(), ids=DIFFER)
def test_rows_that_differ_in_a_column_are_two_effects(load, text):
    studies = load(text)
    assert not studies.errors
    assert len(studies.used) == 2


@pytest.mark.parametrize("kind", ["own number", "effect", "page"])
def test_numbers_twice_that_no_text_tells_apart_are_warned_of(load, cells, kind):
    assert len(cells(load(DIFFER[kind]), "MA508")) == 1


@pytest.mark.parametrize("tail", ["", ",kind,session", ",effect"])
def test_rows_that_agree_in_every_cell_are_one_effect(load, tail):
    cells = ",x" * tail.count(",")
    studies = load(f"study,r,n{tail}\nA,.3,40{cells}\nA,0.30,40{cells}\n")
    assert [p.code for p in studies.errors] == ["MA501"]


# Suspects -------------------------------------------------------------------------------------

MEASURED = "study,outcome_measure,outcome_direction,n,r\n"
ALIGNED = [f"S{i},BDI,lower_better,80,-.{i}1\n" for i in range(1, 6)]


def suspects(studies):
    return [p.cell for p in studies.problems if p.code == "MA517"]


def test_effect_whose_sign_stands_alone_in_the_sheet(load):
    assert suspects(load(MEASURED + "X,BDI,lower_better,60,.41\n" + "".join(ALIGNED))) == ["C2"]


def test_sign_that_the_direction_explains_does_not_stand_alone(load):
    assert suspects(load(MEASURED + "X,GAF,higher_better,60,.41\n" + "".join(ALIGNED))) == []


def test_weak_effect_of_another_sign_is_no_suspect(load):
    assert suspects(load(MEASURED + "X,BDI,lower_better,60,.15\n" + "".join(ALIGNED))) == []


def test_two_effects_of_another_sign_do_not_stand_alone(load):
    two = "X,BDI,lower_better,60,.41\nY,BDI,lower_better,60,.41\n"
    assert suspects(load(MEASURED + two + "".join(ALIGNED))) == []


def test_effect_whose_sign_stands_alone_in_its_study(load):
    text = "study,effect,n,r\nA,a,90,.3\nA,b,90,.4\nA,c,90,-.35\nB,a,90,-.3\nC,a,80,.2\n"
    assert suspects(load(text)) == ["A4"]


#: Domain, the wrong direction and the code, by measure; a blank measure leaves the domain alone.
DIRECTIONS = [
    ("ORS", "", "lower_better", "MA514"),
    ("CGI-I", "", "higher_better", "MA514"),
    ("CGI", "global", "higher_better", "MA514"),
    ("SAS-SR", "functioning", "higher_better", "MA514"),
    ("SOFAS", "functioning", "lower_better", "MA514"),
    ("LSAS", "symptom", "higher_better", "MA514"),
    ("WHODAS 2.0", "functioning", "higher_better", "MA514"),
    ("Q-LES-Q", "wellbeing", "lower_better", "MA514"),
    ("Dyadic Adjustment Scale", "functioning", "lower_better", "MA514"),
    ("treatment retention", "retention", "lower_better", "MA514"),
    ("sessions attended", "", "lower_better", "MA514"),
    ("dropout from therapy", "dropout", "higher_better", "MA514"),
    ("readmission within a year", "", "higher_better", "MA514"),
    ("symptom remission", "symptom", "lower_better", "MA514"),
    ("", "dropout", "higher_better", "MA514"),
    ("", "relapse", "higher_better", "MA514"),
    ("", "readmission", "higher_better", "MA514"),
    ("", "attendance", "lower_better", "MA514"),
    ("", "completion", "lower_better", "MA514"),
    ("", "satisfaction", "lower_better", "MA514"),
    ("", "functioning", "lower_better", "MA514"),
    ("", "quality of life", "lower_better", "MA514"),
    ("", "remission", "lower_better", "MA514"),
    ("my own scale", "homework", "lower_better", "MA514"),
    ("my symptom scale", "symptom", "higher_better", "MA537"),
    ("my own scale", "symptom", "higher_better", "MA537"),
    ("functional impairment", "functioning", "higher_better", "MA537"),
    *(
        (name, "", "higher_better", "MA514")
        for name in (
            "OQ-45 total",
            "LSAS total",
            "HADS depression",
            "DASS-21 depression",
            "STAI state",
            "SCL-90-R depression",
            "SCL-90 GSI",
            "PANSS negative",
            "EDE-Q global",
            "Kessler K10",
            "PHQ-9 total",
            "BDI total score",
            "Clinical Global Impressions",
            "CBCL internalising",
            "CBCL externalising",
            "total BDI score",
            "HADS-A (anxiety)",
            "LSAS avoidance",
            "Hamilton",
            "Hamilton total",
            "dropping out",
            "early termination",
            "discontinuation",
            "recidivism",
            "re-offending",
            "missed sessions",
            "no-shows",
        )
    ),
    *(
        (name, "", "lower_better", "MA514")
        for name in (
            "GAF score",
            "WHO-5 total",
            "EQ-5D index",
            "well being",
            "psychological well being",
            "sessions completed",
            "HAM-D remission",
            "PHQ-9 recovery",
            "remaining in treatment",
        )
    ),
    ("missed sessions", "attendance", "higher_better", "MA514"),
    ("sessions completed", "dropout", "lower_better", "MA514"),
    ("BDI somatic factor", "symptom", "higher_better", "MA537"),
    ("my own scale", "functioning", "lower_better", "MA537"),
    ("loneliness", "wellbeing", "higher_better", "MA537"),
]


@pytest.mark.parametrize(("measure", "domain", "wrong", "code"), DIRECTIONS)
def test_direction_against_what_is_known_is_said(load, measure, domain, wrong, code):
    right = "higher_better" if wrong == "lower_better" else "lower_better"
    studies = load(
        "study,outcome_measure,outcome_domain,outcome_direction,n,r\n"
        f"A,{measure},{domain},{wrong},40,.3\nB,{measure},{domain},{right},50,.2\n"
    )
    found = [(p.cell, p.code) for p in studies.problems if p.code in {"MA514", "MA537"}]
    assert found == [("D2", code)]


#: Changes, names that a word turns round, and names with several meanings.
NOT_KNOWN = [
    ("GAS", ""), ("PSS", ""), ("BES", ""), ("IES", ""), ("EQ-5D sum", ""), ("ATQ positive", ""),
    ("BDI change", "symptom"), ("improvement", "symptom"), ("non-completion", "retention"),
    ("months to relapse", "relapse"), ("time to dropout", "dropout"), ("relapse-free", "relapse"),
    ("dissatisfaction", "satisfaction"), ("", "non-adherence"), ("DAS", "functioning"),
    ("SDQ", "symptom"), ("CBCL", "functioning"), ("my own scale", "global"), ("rated", ""),
    ("time-to-relapse", "relapse"), ("days before relapse", ""), ("avoidance of relapse", ""),
    ("weeks in treatment", "dropout"), ("CORE-OM well-being", "wellbeing"), ("CBCL total", ""),
    ("SDQ total", "functioning"), ("school attendance problems", ""), ("BDI fatigue", ""),
    ("Homework Problem Checklist", "homework"), ("barriers to engagement", "engagement"),
    ("GAF symptoms", "symptom"), ("fewer missed sessions", ""),
    ("abstinence syndrome", ""),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "domain"), NOT_KNOWN)
@pytest.mark.parametrize("direction", ["higher_better", "lower_better"])
def test_nothing_is_said_of_a_direction_that_is_not_known(load, measure, domain, direction):
    studies = load(
        "study,outcome_measure,outcome_domain,outcome_direction,n,r\n"
        f"A,{measure},{domain},{direction},40,.3\n"
    )
    assert [p.code for p in studies.problems if p.code in {"MA514", "MA537"}] == []


@pytest.mark.parametrize(
    "measure", ["loneliness", "burnout", "unemployment", "sick days", "delinquency"]
)
@pytest.mark.parametrize("domain", ["wellbeing", "functioning"])
def test_something_bad_may_stand_under_a_state(load, measure, domain):
    studies = load(
        "study,outcome_measure,outcome_domain,outcome_direction,n,r\n"
        f"A,{measure},{domain},lower_better,40,.3\n"
    )
    assert [p.code for p in studies.problems if p.code in {"MA514", "MA537"}] == []


REVERSED = """\
study,year,r,n,outcome_measure,outcome_domain,outcome_direction
Adler,1991,-.31,62,ORS,,lower_better
Berg,1998,.30,41,ORS,,higher_better
Cohn,2003,.21,88,SOFAS,functioning,lower_better
Dorn,2010,.24,120,treatment retention,retention,lower_better
Eder,2011,.24,120,dropout from therapy,dropout,higher_better
Falk,2012,.24,120,LSAS,symptom,higher_better
Gross,2013,.24,120,CGI-I,global,higher_better
Hahn,2014,.24,120,DAS,functioning,higher_better
Iser,2015,.24,120,SAS-SR,functioning,higher_better
Jung,2016,.24,120,Hamilton,symptom,lower_better
Klee,2017,.24,120,PCL-5,symptom,higher_better
"""


def test_every_reversed_row_of_a_sheet_is_named_with_its_cell(load):
    studies = load(REVERSED)
    (problem,) = (p for p in studies.problems if p.code == "MA514")
    assert problem.message.startswith("8 rows (G2, G4, G5, G6, G7, G8, G10, G12), the first:")
    assert [p.cell for p in studies.problems if p.code == "MA355"] == ["E9"]
    assert not studies.errors


def test_a_suspect_direction_changes_no_number(load):
    found = ma.effect_sizes(load(REVERSED)).yi
    signs = [-1, 1, -1, -1, 1, 1, 1, 1, 1, -1, 1]
    r = [-0.31, 0.30, 0.21, *[0.24] * 8]
    assert list(found) == pytest.approx([s * math.atanh(v) for s, v in zip(signs, r, strict=True)])


@pytest.mark.parametrize("code", ["ALL-002", "Total1", "SUM_12"])
def test_code_of_a_study_is_no_summary(load, code):
    assert not load(f"study,n,r\n{code},40,.3\nB,50,.2\n").errors


# Samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("completers", "ITT"), ("women", "subgroup of women")])
def test_samples_that_may_share_people_are_warned_of(load, cells, names):
    studies = load(f"study,sample,n,r\nA,{names[0]},40,.3\nA,{names[1]},50,.2\nB,,40,.1\n")
    assert len(cells(studies, "MA519")) == 1


def test_samples_beside_a_row_of_the_whole_study_are_warned_of(load, cells):
    studies = load("study,sample,n,r\nA,,90,.3\nA,men,60,.3\nA,women,50,.2\nB,,40,.1\n")
    assert cells(studies, "MA519") == ["B3"]


@pytest.mark.parametrize("header", ["subsample", "Cohort"])
def test_header_of_samples_that_may_share_people_is_asked_about(load, cells, header):
    studies = load(f"study,{header},n,r\nA,men,40,.3\nA,women,50,.2\n")
    assert values(studies, "sample") == ["men", "women"]
    assert cells(studies, "MA519") == ["B1"]


def test_samples_of_different_people_are_no_problem(load, cells):
    studies = load("study,sample,n,r\nA,men,40,.3\nA,women,50,.2\n")
    assert cells(studies, "MA519") == []


JOINED = [
    ("men 50", "women 60", "all 111"),
    ("CBT 50", "IPT 40", "CBT+IPT 91", "PDT 30"),
    ("CBT 50", "IPT 40", "cbt and ipt 91"),
    ("study 1 50", "studies 1 and 2 95"),
    ("1 50", "2 40", "combined 91"),
    ("men 50", "women 60", "men and women pooled 111"),
]
SUMMED = [("men 50", "women 60", "M&W 110"), ("CBT 50", "IPT 40", "third 90")]
APART = [
    ("men 50", "women 60", "third 111"),
    ("CBT 50", "IPT 50"),
    ("medication 50", "CBT + medication 55"),
    ("combined treatment 40", "CBT 50"),
    ("Allgäu 40", "Ulm 50"),
]


def sampled(names):
    rows = (name.rsplit(" ", 1) for name in names)
    return "study,sample,n,r\n" + "".join(f"A,{name},{n},.3\n" for name, n in rows)


@pytest.mark.parametrize("names", [*JOINED, *SUMMED], ids="; ".join)
def test_a_sample_that_holds_the_others_is_warned_of(load, names):
    (found,) = [p for p in load(sampled(names)).problems if p.code == "MA519"]
    assert found.severity == "warning"
    assert ("is the sum of the other samples" in found.message) == (names in SUMMED)


@pytest.mark.parametrize("names", APART, ids="; ".join)
def test_samples_that_do_not_hold_the_others_are_no_problem(load, cells, names):
    assert cells(load(sampled(names)), "MA519") == []
