"""Problems across rows: one effect twice, samples, labels, directions, nothing left."""

from __future__ import annotations

import pytest

HEAD = "study,r,n,sample,alliance_measure,alliance_rater,outcome_measure"

FOUND = {
    "exact copy of a bare row": ("MA501", "B3", "study,r,n\nA,.3,40\nA,.3,40\n"),
    "exact copy in another spelling": ("MA501", "B3", "study,r,n\nA,.3,40\nA,0.30,N=40\n"),
    "exact copy far below": ("MA501", "B5", "study,r,n\nA,.3,40\nB,.1,50\nC,.1,50\nA,.3,40\n"),
    "exact copy of a described row": (
        "MA501",
        "B3",
        f"{HEAD}\nA,.3,40,,WAI,client,BDI\nA,.3,40,,WAI,client,BDI\n",
    ),
    "copy of a t": ("MA501", "B3", "study,t,n\nA,2.1,40\nA,2.1,40\n"),
    "n differs": ("MA502", "C3", "study,r,n\nA,.3,40\nA,.2,41\n"),
    "n differs in the third row": ("MA502", "C4", "study,r,n\nA,.3,40\nA,.2,40\nA,.1,45\n"),
    "n differs within a sample": ("MA502", "C3", "study,r,n,sample\nA,.3,40,x\nA,.2,41,x\n"),
    "labels differ in case": ("MA503", "A3", "study,r,n\nAdler 1988,.3,40\nadler 1988,.2,50\n"),
    "labels differ in a colon": ("MA503", "A3", "study,r,n\nAdler 88,.3,40\nAdler: 88,.2,50\n"),
    "labels differ in brackets": ("MA503", "A3", "study,r,n\nAdler 88,.3,40\nAdler (88),.2,50\n"),
    "labels differ in an accent": ("MA503", "A3", "study,r,n\nMüller,.3,40\nMuller,.2,50\n"),
    "Cyrillic letter": ("MA503", "A3", "study,r,n\nAdler,.3,40\n\u0410dler,.2,50\n"),
    "blank direction": ("MA504", "D2", "study,r,n,outcome_direction\nA,.3,40,\nB,.2,50,\n"),
    "no direction column": ("MA504", "A2", "study,r,n\nA,.3,40\nB,.2,50\n"),
    "one blank direction": (
        "MA504",
        "D3",
        "study,r,n,outcome_direction\nA,.3,40,higher_better\nB,.2,50,\n",
    ),
    "all excluded": ("MA505", "A1", "study,r,n,include\nA,.3,40,no\n"),
    "year varies": ("MA506", "D3", "study,r,n,year\nA,.3,40,2001\nA,.2,40,2002\n"),
    "design varies": ("MA506", "D3", "study,r,n,design\nA,.3,40,RCT\nA,.2,40,other\n"),
    "country varies": ("MA506", "D3", "study,r,n,country\nA,.3,40,Chile\nA,.2,40,Peru\n"),
    "cannot be told apart": (
        "MA508",
        "B3",
        f"{HEAD}\nA,.3,40,,WAI,client,BDI\nA,.2,40,,WAI,client,BDI\n",
    ),
    "two estimands": ("MA509", "D3", "study,r,n,estimand\nA,.3,40,total\nB,.2,50,within_patient\n"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "cell", "text"), FOUND.values(), ids=FOUND)
def test_problem_across_rows_has_its_cell(load, cells, code, cell, text):
    assert cells(load(text), code) == [cell]


SOUND = {
    "other value": ("MA501", "study,r,n\nA,.3,40\nA,.31,40\n"),
    "other sign": ("MA501", "study,r,n\nA,.3,40\nA,-.3,40\n"),
    "other n": ("MA501", "study,r,n\nA,.3,40\nA,.3,41\n"),
    "other study": ("MA501", "study,r,n\nA,.3,40\nB,.3,40\n"),
    "other sample": ("MA501", "study,r,n,sample\nA,.3,40,x\nA,.3,40,y\n"),
    "other rater": ("MA501", "study,r,n,alliance_rater\nA,.3,40,client\nA,.3,40,therapist\n"),
    "other outcome": ("MA501", "study,r,n,outcome_measure\nA,.3,40,BDI\nA,.3,40,SCL\n"),
    "other time": ("MA501", "study,r,n,outcome_time\nA,.3,40,post\nA,.3,40,follow-up\n"),
    "copy that is excluded": ("MA501", "study,r,n,include\nA,.3,40,\nA,.3,40,no\n"),
    "n of other samples": ("MA502", "study,r,n,sample\nA,.3,40,x\nA,.2,41,y\n"),
    "same n": ("MA502", "study,r,n\nA,.3,40\nA,.2,40\n"),
    "years of one author": ("MA503", "study,r,n\nSmith 2001a,.3,40\nSmith 2001b,.2,50\n"),
    "same label": ("MA503", "study,r,n\nAdler,.3,40\nAdler,.2,40\n"),
    "same label composed and not": ("MA503", "study,r,n\nFlückiger,.3,40\nFlu\u0308ckiger,.2,40\n"),
    "directions coded": ("MA504", "study,r,n,outcome_direction\nA,.3,40,lower_better\n"),
    "blank year": ("MA506", "study,r,n,year\nA,.3,40,2001\nA,.2,40,\n"),
    "nothing described": ("MA508", "study,r,n\nA,.3,40\nA,.2,40\n"),
    "one estimand": ("MA509", "study,r,n,estimand\nA,.3,40,total\nB,.2,50,total\n"),
}


@pytest.mark.parametrize(("code", "text"), SOUND.values(), ids=SOUND)
def test_sound_rows_are_no_problem(load, cells, code, text):
    assert cells(load(text), code) == []


def test_three_copies_are_two_problems(load, cells):
    assert cells(load("study,r,n\nA,.3,40\nA,.3,40\nA,.3,40\n"), "MA501") == ["B3", "B4"]


def test_copy_stops_the_analysis(load, errors):
    assert errors(load("study,r,n\nA,.3,40\nA,.3,40\n")) == [("MA501", "B3")]


def test_copy_names_its_twin(load):
    (error,) = load("study,r,n\nB,.1,30\nA,.3,40\nA,.3,40\n").errors
    assert error.message == "the same effect stands in row 3"


def test_blank_directions_are_one_warning_that_counts(load):
    text = "study,r,n,outcome_direction\nA,.3,40,\nB,.2,50,higher_better\nC,.1,60,\n"
    (found,) = [p for p in load(text).problems if p.code == "MA504"]
    assert found.message.startswith("outcome_direction is blank in 2 of 3 rows")


def test_symptom_scales_without_direction_are_listed(load):
    text = "study,r,n,outcome_measure\nA,.3,40,BDI-II\nB,.2,50,satisfaction\nC,.1,60,SCL-90\n"
    (found,) = [p for p in load(text).problems if p.code == "MA504"]
    assert found.hint.endswith("symptoms or dropout: A; C")


def test_many_suspects_are_counted(load):
    rows = "".join(f"S{i},.{i + 1},40,BDI\n" for i in range(8))
    (found,) = [p for p in load(f"study,r,n,outcome_measure\n{rows}").problems if p.code == "MA504"]
    assert found.hint.endswith("S4 and 3 more")


def test_nearly_alike_names_both(load):
    (found,) = [
        p for p in load("study,r,n\nAdler,.3,40\nadler,.2,50\n").problems if p.code == "MA503"
    ]
    assert found.message == "'adler' and 'Adler' (row 2) count as two studies"


def test_nearly_alike_studies_stay_two(load):
    assert [row.study for row in load("study,r,n\nAdler,.3,40\nadler,.2,50\n").used] == [
        "Adler",
        "adler",
    ]


def test_everything_dropped_leaves_nothing(load, errors):
    studies = load("study,r,n\nA,n.s.,40\n", nonsignificant="drop")
    assert errors(studies) == [("MA505", "A1")]


def test_nothing_left_is_not_said_beside_other_errors(load, errors):
    assert errors(load("study,r,n\nA,1.2,40\n")) == [("MA312", "B2")]


def test_problems_stand_in_the_order_of_the_sheet(load):
    text = "study,r,n\nA,.3,40\nA,.3,40\n,.2,50\nB,1.2,30\nC,.1,3\n"
    rows = [p.row for p in load(text).problems]
    assert rows == sorted(rows)
