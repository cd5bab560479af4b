"""Rows whose parts do not make one effect: code and cell, from text and workbook alike."""

from __future__ import annotations

import pytest

ERRORS = {
    "no statistic": ("MA401", "A2", "study,r,n\nA,,40\n"),
    "statistic reported as missing": ("MA401", "A2", "study,r,n\nA,NR,40\n"),
    "value without its statistic": ("MA401", "C2", "study,r,value,n\nA,,.3,40\n"),
    "F without sign": ("MA402", "B2", "study,F,n\nA,4,40\n"),
    "chi² without sign": ("MA402", "B2", "study,chi2,n\nA,4,40\n"),
    "p without sign": ("MA402", "B2", "study,p,n\nA,.04,40\n"),
    "R² without sign": ("MA402", "B2", "study,r_squared,n\nA,.04,40\n"),
    "eta² without sign": ("MA402", "B2", "study,eta_squared,n\nA,.04,40\n"),
    "F with a missing sign": ("MA402", "B2", "study,F,n,sign\nA,4,40,NR\n"),
    "r without n": ("MA403", "B2", "study,r,n\nA,.3,\n"),
    "r with n not reported": ("MA403", "B2", "study,r,n\nA,.3,NR\n"),
    "Fisher z without n": ("MA403", "B2", "study,fisher_z\nA,.3\n"),
    "t without n": ("MA403", "B2", "study,t\nA,2.3\n"),
    "F without n": ("MA403", "B2", "study,F,sign\nA,4,+\n"),
    "chi² without n": ("MA403", "B2", "study,chi2,sign\nA,4,+\n"),
    "d with one group": ("MA403", "B2", "study,d,n1\nA,.4,20\n"),
    "odds ratio without n": ("MA403", "B2", "study,odds_ratio\nA,2\n"),
    "partial r without predictors": ("MA403", "B2", "study,partial_r,n\nA,.3,40\n"),
    "semi-partial r without R²": ("MA403", "B2", "study,semipartial_r,n\nA,.3,40\n"),
    "b without SDs": ("MA403", "B2", "study,b,n,sd_x\nA,.3,40,2\n"),
    "beta without n": ("MA403", "B2", "study,beta\nA,.3\n"),
    "yi without vi": ("MA403", "B2", "study,yi\nA,.3\n"),
    "Spearman without n": ("MA403", "B2", "study,spearman_rho\nA,.3\n"),
    "mean without its group": ("MA403", "B2", "study,mean1,sd1,n1,mean2,sd2,n2\nA,3,1,20,2,1,\n"),
    "three of four counts": ("MA403", "B2", "study,cell_a,cell_b,cell_c,cell_d\nA,9,9,9,\n"),
    "r and t disagree": ("MA404", "C2", "study,r,t,n\nA,.1,3.5,40\n"),
    "r and t of other sign": ("MA404", "C2", "study,r,t,n\nA,.3,-1.94,40\n"),
    "r and F disagree": ("MA404", "C2", "study,r,F,n,df1\nA,.1,9,40,1\n"),
    "r and R² disagree": ("MA404", "C2", "study,r,r_squared,n\nA,.3,.3,40\n"),
    "r and Fisher z disagree": ("MA404", "C2", "study,r,fisher_z,n\nA,.3,.4,40\n"),
    "value and r disagree": ("MA404", "C2", "study,statistic,value,r,n\nA,r,.3,.4,40\n"),
    "F of three groups": ("MA405", "C2", "study,F,df1,df2,sign\nA,4,2,38,+\n"),
    "chi² of three groups": ("MA405", "C2", "study,chi2,df,n,sign\nA,4,2,40,+\n"),
    "R² of three predictors": ("MA406", "D2", "study,r_squared,n,n_predictors,sign\nA,.1,40,3,+\n"),
    "eta² of two predictors": ("MA406", "D2", "study,eta2,n,n_predictors,sign\nA,.1,40,2,+\n"),
    "large beta": ("MA407", "B2", "study,beta,n\nA,.51,40\n"),
    "large negative beta": ("MA407", "B2", "study,beta,n\nA,-.6,40\n"),
    "large b": ("MA407", "B2", "study,b,sd_x,sd_y,n\nA,1,2,3,40\n"),
    "sign against r": ("MA408", "D2", "study,r,n,sign\nA,.3,40,-\n"),
    "sign against negative t": ("MA408", "D2", "study,t,n,sign\nA,-2.3,40,+\n"),
    "sign against an odds ratio": ("MA408", "D2", "study,odds_ratio,n,sign\nA,.5,40,+\n"),
    "row of means": ("MA410", "A3", "study,r,n\nA,.3,40\nMean,.3,400\n"),
    "named statistic without value": ("MA411", "B2", "study,statistic,r,t,n\nA,r,,2.1,40\n"),
    "named means with one value": ("MA411", "B2", "study,statistic,value,n\nA,means,3,40\n"),
    "r below its interval": ("MA412", "B2", "study,r,n,ci_low,ci_high\nA,.3,40,.31,.5\n"),
    "r above its interval": ("MA412", "B2", "study,r,n,ci_low,ci_high\nA,.3,40,-.1,.2\n"),
    "limits exchanged": ("MA412", "B2", "study,r,n,ci_low,ci_high\nA,.3,40,.5,.1\n"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "cell", "text"), ERRORS.values(), ids=ERRORS)
def test_error_of_a_row_is_the_only_one(load, errors, code, cell, text):
    assert errors(load(text)) == [(code, cell)]


SUMMARIES = ["Mean", "mean", "TOTAL", "Total:", "Grand mean", "Weighted mean", "Overall effect",
             "Pooled effect", "Average", "k = 24", "N = 1234", "Sum", "SD", "Summary", "Median",
             "All studies", "Mean r", "Overall ES", "Gesamt", "Subtotal."]  # fmt: skip


@pytest.mark.parametrize("label", SUMMARIES)
def test_summary_row_is_not_pooled(load, errors, label):
    assert errors(load(f"study,r,n\nA,.3,40\n{label},.3,400\n")) == [("MA410", "A3")]


AUTHORS = ["Mean 2001", "Total (1999)", "Summers 2004", "Mink & Sum 2010", "Minuchin", "Maxwell",
           "Sdorow 1988", "Meaney et al."]  # fmt: skip


@pytest.mark.parametrize("label", AUTHORS)
def test_authors_are_no_summary(load, errors, label):
    assert errors(load(f"study,r,n\n{label},.3,40\n")) == []


def test_excluded_summary_row_is_no_error(load, errors):
    studies = load("study,r,n,include,exclusion_reason\nA,.3,40,,\nMean,.3,400,no,mean\n")
    assert errors(studies) == []


def test_every_bad_row_is_reported_at_once(load, errors):
    text = "study,r,n,F\nA,1.2,40,\n,.3,40,\nB,,40,\nC,,40,4\nD,.2,3,\nE,.1,60,\n"
    found = [("MA312", "B2"), ("MA301", "A3"), ("MA401", "A4"), ("MA402", "D5"), ("MA321", "C6")]
    assert errors(load(text)) == found


BETA = {".5": [], "-.5": [], "0": [], ".5001": [("MA407", "B2")]}


@pytest.mark.parametrize("size", BETA)
def test_limit_of_beta(load, errors, size):
    assert errors(load(f"study,beta,n\nA,{size},40\n")) == BETA[size]


def test_beta_refused_on_request(load, errors):
    assert errors(load("study,beta,n\nA,.3,40\n", beta="refuse")) == [("MA407", "B2")]


def test_b_refused_on_request(load, errors):
    studies = load("study,b,sd_x,sd_y,n\nA,.3,2,3,40\n", beta="refuse")
    assert errors(studies) == [("MA407", "B2")]


def test_beta_of_one_predictor_is_r(load, errors):
    assert errors(load("study,beta,n,n_predictors\nA,-.7,40,1\n", beta="refuse")) == []


# Agreement within a row -----------------------------------------------------------------------

AGREEING = {
    "r and t": "study,r,t,n\nA,.3,1.94,40\n",
    "r and F": "study,r,n,F,df1,df2\nA,.3,40,3.76,1,38\n",
    "negative r and F": "study,r,F,n\nA,-.3,3.76,40\n",
    "r and R²": "study,r,r_squared,n\nA,.3,.09,40\n",
    "r and d": "study,r,d,n1,n2\nA,.24,.49,20,20\n",
    "r and p": "study,r,p,n\nA,.3,.06,40\n",
    "r and its interval": "study,r,n,ci_low,ci_high\nA,.3,40,-.01,.56\n",
    "t with covariates": "study,r,t,n,df\nA,.3,1.2,40,30\n",
    "F of three groups beside r": "study,r,F,df1,n\nA,.3,1.2,2,40\n",
    "sign that agrees": "study,r,n,sign\nA,-.3,40,-\n",
    "value and r agree": "study,statistic,value,r,n\nA,r,.3,.3,40\n",
}


@pytest.mark.parametrize("text", AGREEING.values(), ids=AGREEING)
def test_agreeing_statistics_are_no_error(load, errors, text):
    assert errors(load(text)) == []


def test_named_statistic_turns_disagreement_into_a_note(load):
    studies = load("study,statistic,r,t,n\nA,r,.1,3.5,40\n")
    (found,) = [p for p in studies.problems if p.code == "MA404"]
    assert (found.severity, found.cell) == ("note", "D2")


def test_disagreement_says_both_correlations(load):
    (error,) = load("study,r,t,n\nA,.1,3.5,40\n").errors
    assert error.message == "r gives r = 0.100 (B2) but t gives r = 0.494"


def test_many_disagreements_are_one_problem(load, errors):
    assert errors(load("study,r,t,F,n,df1\nA,.1,3.5,12.25,40,1\n")) == [("MA404", "C2")]


# Warnings -------------------------------------------------------------------------------------

WARNINGS = {
    "excluded without reason": ("MA409", "E2", "study,r,n,include,exclusion_reason\nA,.3,40,no,\n"),
    "df1 not coded": ("MA413", "B2", "study,F,df2,sign\nA,4,38,+\n"),
    "tails not coded": ("MA413", "B2", "study,p,n,sign\nA,.04,40,+\n"),
    "groups not coded": ("MA413", "B2", "study,d,n\nA,.4,40\n"),
    "limits not coded": ("MA413", "B2", "study,odds_ratio,n\nA,2,40\n"),
    "predictors not coded": ("MA413", "B2", "study,r_squared,n,sign\nA,.04,40,+\n"),
    "p does not fit t": ("MA414", "D2", "study,t,n,p\nA,2.5,40,.3\n"),
    "p does not fit r": ("MA414", "D2", "study,r,n,p\nA,.5,100,.2\n"),
}


@pytest.mark.parametrize(("code", "cell", "text"), WARNINGS.values(), ids=WARNINGS)
def test_warning_of_a_row_has_its_cell(load, cells, code, cell, text):
    assert cells(load(text), code) == [cell]


def test_one_tailed_p_that_fits_is_no_warning(load, cells):
    assert cells(load("study,t,n,p,tails\nA,1.94,40,.03,1\n"), "MA414") == []


def test_coded_assumptions_give_no_warning(load, cells):
    text = "study,F,df1,df2,p,n1,sign,tails\nA,4,1,38,,,+,\nB,,,38,.04,,-,2\n"
    assert cells(load(text.replace("p,n1", "p,df").replace("38,.04,,", ",.04,38,")), "MA413") == []


# Excluded rows --------------------------------------------------------------------------------

EXCLUDED = "study,r,n,include,exclusion_reason\nA,1.7,x,no,wrong unit\nB,.3,40,yes,\n"


def test_excluded_row_may_hold_anything(load, errors):
    assert errors(load(EXCLUDED)) == []


def test_excluded_row_is_kept_with_its_reason(load):
    ((row, reason),) = load(EXCLUDED).excluded
    assert (row.number, row.study, reason) == (2, "A", "wrong unit")


def test_excluded_row_is_not_used(load):
    assert [row.number for row in load(EXCLUDED).used] == [3]


def test_excluded_row_without_reason_says_so(load):
    ((_, reason),) = load("study,r,n,include\nA,.3,40,no\nB,.2,40,\n").excluded
    assert reason == "no reason given"


def test_unclear_include_is_an_error_and_not_used(load):
    assert load("study,r,n,include\nA,.3,40,perhaps\nB,.2,41,\n").used[0].number == 3


@pytest.mark.parametrize("name", ["cells", "2x2", "counts", "cell_a"])
def test_counts_can_be_named(load, name):
    studies = load(f"study,cell_a,cell_b,cell_c,cell_d,statistic\nA,8,2,2,8,{name}\n")
    assert not studies.errors
    assert studies.choices[2].statistic == "cells"
