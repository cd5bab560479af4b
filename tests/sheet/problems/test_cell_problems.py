"""Cells that hold no value as they stand: code and cell, from text and workbook alike."""

from __future__ import annotations

import datetime as dt

import pytest

import metaalliance as ma

ERRORS = {
    "no study": ("MA301", "A3", "study,r,n\nA,.3,40\n,.2,50\n"),
    "no study but blanks": ("MA301", "A3", "study,r,n\nA,.3,40\n ,.2,50\n"),
    "no study but invisible characters": ("MA301", "A3", "study,r,n\nA,.3,40\n\u200b,.2,50\n"),
    "r in words": ("MA302", "B2", "study,r,n\nA,see text,40\n"),
    "r with remark": ("MA302", "B2", "study,r,n\nA,.35 (see text),40\n"),
    "ambiguous comma": ("MA302", "B2", 'study,t,n\nA,"1,234",40\n'),
    "percentage": ("MA308", "B2", "study,r,n\nA,35%,40\n"),
    "inequality": ("MA309", "B2", "study,p,n,sign\nA,<.001,40,+\n"),
    "inequality with label": ("MA309", "B2", "study,p,n,sign\nA,p < .05,40,+\n"),
    "r beyond 1": ("MA312", "B2", "study,r,n\nA,1.07,40\n"),
    "r of 1": ("MA312", "B2", "study,r,n\nA,1,40\n"),
    "r of -1": ("MA312", "B2", "study,r,n\nA,-1,40\n"),
    "r just beyond 1": ("MA312", "B2", "study,r,n\nA,1.0000001,40\n"),
    "r without its point": ("MA312", "B2", "study,r,n\nA,35,40\n"),
    "r in the value column": ("MA312", "C2", "study,statistic,value,n\nA,r,1.2,40\n"),
    "partial r beyond 1": ("MA312", "B2", "study,partial_r,n,n_predictors\nA,-1.2,40,2\n"),
    "Spearman beyond 1": ("MA312", "B2", "study,spearman_rho,n\nA,2,40\n"),
    "huge Fisher z": ("MA312", "B2", "study,fisher_z,n\nA,20,40\n"),
    "R² of 1": ("MA312", "B2", "study,r_squared,n,sign\nA,1,40,+\n"),
    "chi² beyond n": ("MA312", "B2", "study,chi2,n,sign\nA,50,40,+\n"),
    "z beyond √n": ("MA312", "B2", "study,z_stat,n\nA,-7,40\n"),
    "negative F": ("MA313", "B2", "study,F,n,sign\nA,-4,40,+\n"),
    "negative chi²": ("MA313", "B2", "study,chi2,n,sign\nA,-4,40,+\n"),
    "p beyond 1": ("MA313", "B2", "study,p,n,sign\nA,1.2,40,+\n"),
    "p of 0": ("MA313", "B2", "study,p,n,sign\nA,0,40,+\n"),
    "R² beyond 1": ("MA313", "B2", "study,r_squared,n,sign\nA,1.2,40,+\n"),
    "F in the value column": ("MA313", "C2", "study,statistic,value,n,sign\nA,F,-2,40,+\n"),
    "negative odds ratio": ("MA313", "B2", "study,odds_ratio,n\nA,-2,40\n"),
    "odds ratio of 0": ("MA313", "B2", "study,odds_ratio,n\nA,0,40\n"),
    "sd of 0": ("MA313", "C2", "study,mean1,sd1,n1,mean2,sd2,n2\nA,3,0,20,2,1,20\n"),
    "three tails": ("MA313", "D2", "study,p,n,tails,sign\nA,.04,40,3,+\n"),
    "empty margin": ("MA313", "B2", "study,cell_a,cell_b,cell_c,cell_d\nA,0,0,10,20\n"),
    "year as a day number": ("MA313", "D2", "study,r,n,year\nA,.3,40,45293\n"),
    "age of 300": ("MA313", "D2", "study,r,n,mean_age\nA,.3,40,300\n"),
    "percent beyond 100": ("MA313", "D2", "study,r,n,percent_female\nA,.3,40,140\n"),
    "year with fraction": ("MA314", "D2", "study,r,n,year\nA,.3,40,2001.5\n"),
    "therapists with fraction": ("MA314", "D2", "study,r,n,n_therapists\nA,.3,40,2.5\n"),
    "n of 3": ("MA321", "C2", "study,r,n\nA,.3,3\n"),
    "n of 2": ("MA321", "C2", "study,r,n\nA,.3,2\n"),
    "df of 1": ("MA321", "C2", "study,t,df\nA,2.3,1\n"),
    "df2 of 1": ("MA321", "C2", "study,F,df2,sign\nA,2.3,1,+\n"),
    "n of 4 for Kendall": ("MA321", "C2", "study,kendall_tau,n\nA,.3,4\n"),
    "n too small for the predictors": (
        "MA321",
        "C2",
        "study,partial_r,n,n_predictors\nA,.3,8,6\n",
    ),
    "two small groups": ("MA321", "B2", "study,d,n1,n2\nA,.3,1,2\n"),
    "unknown direction": ("MA331", "D2", "study,r,n,outcome_direction\nA,.3,40,up\n"),
    "unknown sign": ("MA331", "D2", "study,F,n,sign\nA,4,40,up\n"),
    "unknown include": ("MA331", "D2", "study,r,n,include\nA,.3,40,maybe\n"),
    "unknown statistic": ("MA331", "B2", "study,statistic,value,n\nA,gamma,.3,40\n"),
}


@pytest.mark.parametrize(("code", "cell", "text"), ERRORS.values(), ids=ERRORS)
def test_error_of_a_cell_is_the_only_one(load, errors, code, cell, text):
    assert errors(load(text)) == [(code, cell)]


def test_row_with_an_error_is_not_used(load):
    studies = load("study,r,n\nA,1.07,40\nB,.3,40\n")
    assert [row.number for row in studies.used] == [3]


def test_problem_shows_what_stands_there(load):
    (error,) = load("study,r,n\nA,1.07,40\n").errors
    assert (error.study, error.column, error.seen, error.row) == ("A", "r", "1.07", 2)


def test_lost_point_is_suggested(load):
    (error,) = load("study,r,n\nA,35,40\n").errors
    assert error.hint == "was it 0.35?"


def test_near_level_is_suggested(load):
    (error,) = load("study,r,n,outcome_direction\nA,.3,40,lower_beter\n").errors
    assert error.hint == "did you mean 'lower_better'?"


def test_allowed_levels_are_listed(load):
    (error,) = load("study,r,n,include\nA,.3,40,zzz\n").errors
    assert error.message == "include has yes, no"


NOTES = {
    "missing token": ("MA310", "D2", "study,r,n,t\nA,.3,40,NR\n"),
    "dash": ("MA310", "D2", "study,r,n,t\nA,.3,40,-\n"),
    "missing level": ("MA310", "D2", "study,r,n,modality\nA,.3,40,n/a\n"),
    "leading zero": ("MA311", "B2", "study,r,n\nA,.35,40\n"),
    "minus sign": ("MA311", "B2", "study,r,n\nA,−0.35,40\n"),
    "footnote": ("MA311", "B2", "study,r,n\nA,0.35*,40\n"),
    "decimal comma": ("MA311", "B2", 'study,r,n\nA,"0,35",40\n'),
    "label": ("MA311", "C2", "study,r,n\nA,0.35,N=40\n"),
    "thousands": ("MA311", "C2", 'study,r,n\nA,0.35,"1,240"\n'),
    "grouping blank": ("MA311", "C2", "study,r,n\nA,0.35,1 240\n"),
    "alias of a level": ("MA332", "D2", "study,r,n,modality\nA,0.3,40,C.B.T.\n"),
    "level in another case": ("MA332", "D2", "study,r,n,alliance_rater\nA,0.3,40,Client\n"),
    "rater called patient": ("MA332", "D2", "study,r,n,alliance_rater\nA,0.3,40,patient\n"),
    "include as 1": ("MA332", "D2", "study,r,n,include\nA,0.3,40,1\n"),
    "decomposed label": ("MA333", "A2", "study,r,n\nFlu\u0308ckiger,0.3,40\n"),
    "curly apostrophe": ("MA333", "A2", "study,r,n\nO’Malley,0.3,40\n"),
    "double blank in a label": ("MA333", "A2", "study,r,n\nA  2001,0.3,40\n"),
    "no-break space in a label": ("MA333", "A2", "study,r,n\nA\N{NO-BREAK SPACE}2001,0.3,40\n"),
    "zero-width space in a label": ("MA333", "A2", "study,r,n\nA\u200b 2001,0.3,40\n"),
}


@pytest.mark.parametrize(("code", "cell", "text"), NOTES.values(), ids=NOTES)
def test_change_is_noted_at_its_cell(load, cells, code, cell, text):
    assert cells(load(text), code) == [cell]


@pytest.mark.parametrize(("code", "cell", "text"), NOTES.values(), ids=NOTES)
def test_changed_row_is_used(load, code, cell, text):
    assert len(load(text).used) == 1


def test_exact_cells_give_no_note(load, cells):
    studies = load("study,r,n,modality,alliance_rater\nA,0.3,40,CBT,client\n")
    assert [p.code for p in studies.problems] == ["MA504"]


def test_decomposed_label_is_the_composed_one(load):
    studies = load("study,r,n\nFlu\u0308ckiger,.3,40\nFlückiger,.2,40\n")
    assert {row.study for row in studies.rows} == {"Flückiger"}


@pytest.mark.parametrize("label", ["NA", "None", "null", "nan", "n.s.", "inf", "1991", "TRUE x"])
def test_label_that_looks_like_something_else_is_kept(load, label):
    assert load(f"study,r,n\n{label},.3,40\n").rows[0].study == label


def test_numeric_label_has_no_decimals(xlsx_file):
    studies = ma.load_studies(xlsx_file([["study", "r", "n"], [2001.0, 0.3, 40]]))
    assert studies.rows[0].study == "2001"


def test_label_of_32767_characters_is_kept(load):
    assert load(f"study,r,n\n{'A' * 32_767},.3,40\n").rows[0].study == "A" * 32_767


def test_missing_value_is_never_zero(load):
    studies = load("study,r,n,t\nA,NR,40,2.1\n")
    assert studies.rows[0].get("r") is None


def test_open_vocabulary_keeps_other_values(load):
    studies = load("study,r,n,alliance_measure\nA,.3,40,My Own Scale\n")
    assert studies.rows[0].get("alliance_measure") == "My Own Scale"


LEVELS = {"Client": "client", "client ": "client", "CLT": "client", "patient": "client",
          "Clinician": "therapist"}  # fmt: skip


@pytest.mark.parametrize("seen", LEVELS)
def test_spellings_of_a_rater(load, seen):
    studies = load(f"study,r,n,alliance_rater\nA,.3,40,{seen}\n")
    assert studies.rows[0].get("alliance_rater") == LEVELS[seen]


MODALITIES = {"CBT": "CBT", "cbt": "CBT", "C.B.T.": "CBT", "CT": "CBT", "PDT": "psychodynamic",
              "cognitive behavioural therapy": "CBT", "insight-oriented": "psychodynamic",
              "ACT": "third-wave", "MBCT": "third-wave", "MI": "motivational",
              "client-centred": "humanistic", "Gestalt": "humanistic",
              "emotion-focused": "humanistic",
              "counseling": "counselling", "third wave": "third-wave"}  # fmt: skip


@pytest.mark.parametrize("seen", MODALITIES)
def test_spellings_of_a_modality(load, seen):
    studies = load(f"study,r,n,modality\nA,.3,40,{seen}\n")
    assert studies.rows[0].get("modality") == MODALITIES[seen]


# Non-significant results ----------------------------------------------------------------------

SILENT = "study,r,n,sign\nA,n.s.,40,-\nB,.3,40,\n"


def test_nonsignificant_needs_a_policy(load, errors):
    assert errors(load(SILENT)) == [("MA315", "B2")]


@pytest.mark.parametrize("policy", ["zero", "drop", "half-p"])
def test_policy_is_a_warning_at_the_cell(load, cells, policy):
    assert cells(load(SILENT, nonsignificant=policy), "MA316") == ["B2"]


@pytest.mark.parametrize("policy", ["zero", "drop", "half-p"])
def test_policy_leaves_no_error(load, errors, policy):
    assert errors(load(SILENT, nonsignificant=policy)) == []


@pytest.mark.parametrize(("policy", "used"), [("zero", [2, 3]), ("drop", [3]), ("half-p", [2, 3])])
def test_policy_uses_or_drops_the_row(load, policy, used):
    assert [row.number for row in load(SILENT, nonsignificant=policy).used] == used


def test_dropped_row_is_excluded_with_its_reason(load):
    ((row, reason),) = load(SILENT, nonsignificant="drop").excluded
    assert (row.number, reason) == (2, "not significant, no value (policy: drop)")


def test_policy_half_p_needs_a_sign(load, errors):
    studies = load("study,r,n\nA,ns,40\nB,.3,40\n", nonsignificant="half-p")
    assert errors(studies) == [("MA402", "B2")]


@pytest.mark.parametrize("policy", ["zero", "half-p"])
def test_policy_needs_n(load, errors, policy):
    studies = load("study,r,n,sign\nA,ns,,+\nB,.3,40,\n", nonsignificant=policy)
    assert errors(studies) == [("MA403", "C2")]


@pytest.mark.parametrize("policy", ["zero", "half-p"])
def test_policy_needs_enough_participants(load, errors, policy):
    studies = load("study,r,n,sign\nA,ns,3,+\nB,.3,40,\n", nonsignificant=policy)
    assert errors(studies) == [("MA321", "C2")]


def test_nonsignificant_in_the_value_column(load, errors):
    assert errors(load("study,statistic,value,n\nA,r,n.s.,40\n")) == [("MA315", "C2")]


def test_nonsignificant_t(load, errors):
    assert errors(load("study,t,n\nA,ns,40\n")) == [("MA315", "B2")]


def test_nonsignificant_beside_a_statistic_nearer_to_r_is_no_problem(load, errors):
    assert errors(load("study,r,n,t\nA,.1,40,n.s.\n")) == []


# Kinds of cells that only a workbook has ------------------------------------------------------

TYPED = {
    "formula without value": ("MA304", "=B5/2"),
    "date": ("MA305", dt.datetime(2024, 2, 1)),
    "time": ("MA306", dt.time(6, 0)),
    "duration": ("MA306", dt.timedelta(hours=30)),
    "TRUE": ("MA307", True),
    "FALSE": ("MA307", False),
}


@pytest.mark.parametrize(("code", "value"), TYPED.values(), ids=TYPED)
def test_kind_of_cell_is_refused_at_its_cell(xlsx_file, errors, code, value):
    path = xlsx_file([["study", "r", "n"], ["A", 0.3, 40], ["B", value, 50]])
    assert errors(ma.load_studies(path)) == [(code, "B3")]


@pytest.mark.parametrize("text", ["#DIV/0!", "#N/A", "#REF!", "#NAME?", "#NUM!", "#VALUE!"])
def test_spreadsheet_error_is_refused_at_its_cell(xlsx_file, errors, text):
    def fail(book):
        cell = book.active["B3"]
        cell.value, cell.data_type = text, "e"

    path = xlsx_file([["study", "r", "n"], ["A", 0.3, 40], ["B", None, 50]], change=fail)
    assert errors(ma.load_studies(path)) == [("MA303", "B3")]


@pytest.mark.parametrize("style", ["0%", "0.00%", "0.0 %"])
def test_percent_format_is_refused_at_its_cell(xlsx_file, errors, style):
    def percent(book):
        book.active["B2"].number_format = style

    path = xlsx_file([["study", "r", "n"], ["A", 0.35, 40]], change=percent)
    assert errors(ma.load_studies(path)) == [("MA308", "B2")]


def test_percent_format_of_variance_is_read(xlsx_file):
    def percent(book):
        book.active["B2"].number_format = "0%"

    rows = [["study", "r_squared", "n", "sign"], ["A", 0.25, 40, "+"]]
    assert ma.load_studies(xlsx_file(rows, change=percent)).rows[0].get("r_squared") == 0.25


def test_formula_in_the_study_column(xlsx_file, errors):
    path = xlsx_file([["study", "r", "n"], ['=A9&"x"', 0.3, 40]])
    assert errors(ma.load_studies(path)) == [("MA304", "A2")]


def test_number_stored_as_text_needs_no_note(xlsx_file, cells):
    path = xlsx_file([["study", "r", "n"], ["A", "0.3", "40"]])
    assert cells(ma.load_studies(path), "MA311") == []


@pytest.mark.parametrize(
    ("seen", "included"), [(True, True), (False, False), (1, True), (0, False)]
)
def test_logical_include(xlsx_file, seen, included):
    path = xlsx_file([["study", "r", "n", "include"], ["A", 0.3, 40, seen]])
    assert ma.load_studies(path).rows[0].included is included
