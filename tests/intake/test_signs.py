"""Signs: directions that restate them, statistics that contradict them, rows that look reversed."""

from __future__ import annotations

import pytest

import metaalliance as ma


def places(studies, *codes):
    return [(p.code, p.cell) for p in studies.problems if p.code in codes]


# Directions in the words of signs -------------------------------------------------------------

WORDED = (
    "study,r,n,{}\nLee 2001,.30,80,positive\nAmes 2002,-.25,90,negative\nBo 2003,.10,70,positive\n"
    "Cy 2004,-.35,60,negative\nDi 2005,.22,85,positive\n"
)


def test_direction_that_restates_the_sign_is_asked_about(load):
    (error,) = load(WORDED.format("direction")).errors
    assert (error.code, error.cell) == ("MA345", "D3")
    assert "'direction'" in error.message and "sign" in error.hint and "lower_better" in error.hint


@pytest.mark.parametrize("header", ["sign", "direction of effect"])
def test_column_of_signs_turns_nothing(load, header):
    studies = load(WORDED.format(header))
    assert not studies.errors
    assert ma.effect_sizes(studies).yi[1] < 0


def test_header_that_says_outcome_is_warned_of(load):
    studies = load(WORDED.format("outcome_direction"))
    assert not studies.errors
    assert places(studies, "MA345", "MA346") == [("MA346", "D3")]


def test_mapped_direction_is_warned_of(load):
    studies = load(WORDED.format("direction"), columns={"outcome_direction": "direction"})
    assert places(studies, "MA345", "MA346") == [("MA346", "D3")]


@pytest.mark.parametrize(
    "rows",
    [
        "A,.3,80,positive,GAF\nB,-.25,90,negative,BDI\nC,-.3,70,negative,PHQ-9\n",
        "A,.3,80,positive,x\nB,.25,90,negative,x\nC,-.3,70,negative,x\nD,.1,60,positive,x\n",
        "A,.3,80,higher_better,x\nB,-.25,90,lower_better,x\n",
    ],
    ids=["measures say so", "signs differ", "canonical words"],
)
def test_directions_of_scales_are_not_asked_about(load, rows):
    studies = load("study,r,n,direction,outcome_measure\n" + rows)
    assert places(studies, "MA345", "MA346") == []


# Statistics of one row ------------------------------------------------------------------------

OPPOSED = {
    "t of b": ("b,se_b,t,df", "-.5,.2,2.5,56", "MA404"),
    "t of beta": ("beta,t,df,n", "-.3,2.5,56,60", "MA404"),
    "F of b": ("b,F,df2,sign", "-.5,6.25,56,+", "MA404"),
    "t of F": ("t,F,df1,df2,df,sign", "-2.5,6.25,1,56,56,+", "MA408"),
    "odds ratio of d": ("d,odds_ratio,n1,n2", "-.4,2.1,30,30", "MA404"),
    "beta of r": ("r,beta,n,n_predictors", ".1,-.1,60,3", "MA347"),
    "rank of r": ("r,spearman_rho,n", ".1,-.05,60", "MA347"),
    "yi of r": ("r,yi,vi,n", ".3,-.31,.02,60", "MA347"),
}


@pytest.mark.parametrize(("columns", "values", "code"), OPPOSED.values(), ids=OPPOSED)
def test_opposite_signs_in_a_row_are_said(load, columns, values, code):
    studies = load(f"study,{columns}\nLee 2001,{values}\n")
    assert [c for c, _ in places(studies, "MA404", "MA347", "MA408")] == [code]


AGREED = {
    "t of b": ("b,se_b,t,df", "-.5,.2,-2.5,56"),
    "odds ratio below 1": ("d,odds_ratio,n1,n2", "-.4,.5,30,30"),
    "F of b": ("b,F,df1,df2,sign", "-.5,6.25,1,56,-"),
    "aligned yi": ("r,yi,vi,n,outcome_direction", "-.3,.31,.0175,60,lower_better"),
    "near 0": ("r,beta,n,n_predictors", ".01,-.02,60,1"),
}


@pytest.mark.parametrize(("columns", "values"), AGREED.values(), ids=AGREED)
def test_signs_that_agree_are_not_spoken_of(load, columns, values):
    studies = load(f"study,{columns}\nLee 2001,{values}\n")
    assert not studies.errors
    assert places(studies, "MA347") == []


# Rows that look reversed ----------------------------------------------------------------------

DIRECTED = "study,r,n,outcome_measure,outcome_direction\n"


def directed(measure, direction, *values, n=80):
    return "".join(
        f"{measure[:1]}{i} {2000 + i},{r},{n},{measure},{direction}\n" for i, r in enumerate(values)
    )


GAF = directed("GAF", "higher_better", 0.2, 0.25, 0.3, 0.35, 0.28, 0.22, 0.4, 0.31, 0.26, 0.33)


def test_rows_that_are_aligned_and_turned_again(load):
    studies = load(DIRECTED + GAF + directed("BDI", "lower_better", 0.2, 0.25, 0.3, 0.35, 0.4, 0.3))
    (found,) = [p for p in studies.problems if p.code == "MA529"]
    assert found.cell == "E12"
    assert found.message == (
        "6 effects that lower_better turns become negative; the 10 effects that are not turned "
        "are positive"
    )


def test_sheet_whose_every_row_is_turned_again(load):
    studies = load(DIRECTED + directed("BDI", "lower_better", 0.2, 0.25, 0.3, 0.35, 0.4))
    assert places(studies, "MA529") == [("MA529", "E2")]


def test_two_reversed_effects_of_eight(load):
    rows = directed("XYZ", "higher_better", -0.15, 0.2, 0.25, 0.3, -0.28, 0.33, 0.4, 0.22)
    studies = load(DIRECTED + rows)
    (found,) = [p for p in studies.problems if p.code == "MA529"]
    assert found.cell == "E2"
    assert found.message.startswith("2 of 8 aligned effects are negative")


UNSUSPECTED = {
    "aligned": GAF + directed("BDI", "lower_better", -0.2, -0.25, -0.3, -0.35),
    "mixed": GAF + directed("BDI", "lower_better", -0.2, 0.05, -0.3, 0.12),
    "around zero": directed("XYZ", "", -0.4, 0.35, -0.15, 0.2, 0.1, -0.25, 0.3, 0.05, 0.15, -0.1),
    "varied": directed("XYZ", "", -0.15, -0.12, 0.05, 0.11, 0.2, 0.3, 0.45, 0.6, 0.1, n=50),
    "few": directed("GAF", "", 0.2, 0.3) + directed("BDI", "lower_better", 0.2, 0.3, 0.25),
}


@pytest.mark.parametrize("rows", UNSUSPECTED.values(), ids=UNSUSPECTED)
def test_signs_that_vary_are_no_suspects(load, rows):
    assert places(load(DIRECTED + rows), "MA529") == []
