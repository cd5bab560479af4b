"""Numbers of a row against its people: degrees of freedom, intervals, parts of a person."""

from __future__ import annotations

import math

import pytest

import metaalliance as ma

DF = {
    "more than people": ("MA420", "C2", "study,t,df,n\nA,2.4,158,60\n"),
    "as many as people": ("MA420", "C2", "study,t,df,n\nA,2.4,60,60\n"),
    "of F": ("MA420", "C2", "study,F,df2,n,sign\nA,5.76,158,60,+\n"),
    "of p": ("MA420", "C2", "study,p,df,n,sign\nA,.02,158,60,+\n"),
    "of a partial r": ("MA420", "C2", "study,partial_r,df,n\nA,.3,158,60\n"),
    "of b": ("MA420", "D2", "study,b,se_b,df,n\nA,.5,.2,158,60\n"),
    "beside r": ("MA420", "C2", "study,r,df,n\nA,.3,158,60\n"),
    "of unknown origin": ("MA421", "C2", "study,t,df,n\nA,2.4,12,60\n"),
    "n − 1": ("MA421", "C2", "study,t,df,n\nA,2.4,59,60\n"),
    "against predictors": ("MA421", "C2", "study,t,df,n,n_predictors\nA,2.4,50,60,3\n"),
}
FITTING = {
    "n − 2": "study,t,df,n\nA,2.4,58,60\n",
    "with predictors": "study,t,df,n,n_predictors\nA,2.4,56,60,3\n",
    "Welch": "study,t,df,n\nA,2.4,47.3,60\n",
    "covariates of unknown number": "study,t,df,n,adjusted_for\nA,2.4,51,60,intake severity\n",
    "of chi²": "study,chi2,df,n,sign\nA,4,1,60,+\n",
    "numerator of F": "study,F,df1,df2,n,sign\nA,4,1,58,60,+\n",
    "covariates beside r": "study,r,df,n\nA,.3,51,60\n",
}


def codes(studies, *wanted):
    return [(p.code, p.cell) for p in studies.problems if p.code in wanted]


@pytest.mark.parametrize(("code", "cell", "text"), DF.values(), ids=DF)
def test_degrees_of_freedom_against_n(load, code, cell, text):
    assert codes(load(text), "MA420", "MA421") == [(code, cell)]


@pytest.mark.parametrize("text", FITTING.values(), ids=FITTING)
def test_degrees_of_freedom_that_fit(load, text):
    assert codes(load(text), "MA420", "MA421") == []


# The error of the report ----------------------------------------------------------------------

WITHOUT_N = {
    "r with limits": ("r,ci_low,ci_high", ".3,-.01,.56"),
    "r with se": ("r,se", ".3,.13"),
    "fisher_z with se": ("fisher_z,se", ".31,.14"),
    "d with limits": ("d,ci_low,ci_high", ".6,.1,1.1"),
    "g with se": ("g,se", ".6,.25"),
    "odds ratio with limits": ("odds_ratio,ci_low,ci_high", "2,1.1,3.6"),
    "log odds ratio with se": ("log_odds_ratio,se", ".7,.3"),
    "partial r with limits": ("partial_r,ci_low,ci_high", ".3,0,.55"),
    "beta with se": ("beta,se", ".25,.1"),
    "Spearman with limits": ("spearman_rho,ci_low,ci_high", ".3,0,.55"),
    "g with vi": ("g,vi", ".6,.06"),
    "Fisher z with sei": ("fisher_z,sei", ".31,.14"),
    "risk ratio with limits": ("risk_ratio,base_risk,ci_low,ci_high", "1.5,.4,1.1,2.05"),
}


@pytest.mark.parametrize(("columns", "values"), WITHOUT_N.values(), ids=WITHOUT_N)
def test_error_of_the_report_serves_without_n(load, columns, values):
    studies = load(f"study,{columns}\nA,{values}\n")
    assert studies.errors == ()
    assert codes(studies, "MA426") == [("MA426", "D2" if "base_risk" in columns else "C2")]
    effects = ma.effect_sizes(studies)
    assert effects.vi[0] > 0
    assert math.isnan(effects.frame["n"][0])
    assert effects.ledger["variance_rule"][0].startswith(("from the ", "vi as", "sei² as"))


NEEDED = {
    "ratio with a standard error of two meanings": ("MA403", "study,odds_ratio,se\nA,2,.3\n"),
    "risk ratio without a risk": ("MA403", "study,risk_ratio,ci_low,ci_high\nA,1.5,1.1,2\n"),
    "one limit": ("MA403", "study,r,ci_low\nA,.3,.1\n"),
    "variance of two scales beside r": ("MA403", "study,r,vi\nA,.3,.02\n"),
    "b with an interval alone": ("MA403", "study,b,ci_low,ci_high\nA,.3,.1,.5\n"),
    "b with its error and no df": ("MA403", "study,b,se_b\nA,.3,.1\n"),
    "limits beyond 1": ("MA313", "study,r,ci_low,ci_high\nA,.3,-.1,1.2\n"),
    "impossible risk": ("MA313", "study,risk_ratio,base_risk,n\nA,2,.6,80\n"),
    "more events than people": (
        "MA313", "study,events1,total1,events2,total2\nA,31,30,8,30\n",
    ),
    "no events": ("MA313", "study,events1,total1,events2,total2\nA,0,30,0,30\n"),
    "too many predictors": ("MA321", "study,t,n,n_predictors\nA,2.4,20,18\n"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "text"), NEEDED.values(), ids=NEEDED)
def test_what_does_not_serve_is_refused(load, errors, code, text):
    assert [c for c, _ in errors(load(text))] == [code]


FAR = {
    "narrow interval": ("C2", "study,r,ci_low,ci_high,n\nA,.3,.25,.35,60\n"),
    "wide interval": ("C2", "study,r,ci_low,ci_high,n\nA,.3,-.4,.77,60\n"),
    "small standard error": ("C2", "study,d,se,n\nA,.5,.05,60\n"),
    "interval and error": ("D2", "study,r,ci_low,se,ci_high\nA,.3,.06,.4,.51\n"),
}
NEAR = {
    "interval": "study,r,ci_low,ci_high,n\nA,.3,.05,.52,60\n",
    "rounding": "study,r,ci_low,ci_high,n\nA,.1,.09,.11,100000\n",
    "limit of 1 by rounding": "study,r,ci_low,ci_high,n\nA,.97,.9,1.00,12\n",
    "error of r": "study,r,se,n\nA,.3,.12,60\n",
    "error of Fisher z beside r": "study,r,se,n\nA,.4,.13,60\n",
    "error of d": "study,d,se,n1,n2\nA,.5,.26,30,30\n",
}


@pytest.mark.parametrize(("cell", "text"), FAR.values(), ids=FAR)
def test_error_of_the_report_that_does_not_fit(load, cell, text):
    assert codes(load(text), "MA423") == [("MA423", cell)]


@pytest.mark.parametrize("text", NEAR.values(), ids=NEAR)
def test_error_of_the_report_that_fits(load, text):
    studies = load(text)
    assert (studies.errors, codes(studies, "MA423", "MA429")) == ((), [])


def test_odds_ratio_per_unit_is_worth_too_many_people(load):
    text = "study,n,odds_ratio,ci_low,ci_high\nA,1592,1.00,0.96,1.05\nB,900,1.9,1.3,2.8\n"
    (found,) = [p for p in load(text).problems if p.code == "MA422"]
    assert found.cell == "D2"
    assert found.message == "the interval is worth 25,000 people, n is 1592"


def test_interval_of_a_balanced_table_is_worth_its_people(load):
    """16 / n is the least variance of a log odds ratio of two groups and two outcomes."""
    for n in (40, 400, 4000):
        half = 1.96 * math.sqrt(16 / n)
        limits = f"{math.exp(-half):.2f},{math.exp(half):.2f}"
        studies = load(f"study,n,odds_ratio,ci_low,ci_high\nA,{n},1,{limits}\n")
        assert codes(studies, "MA422", "MA429") == []


def test_standard_error_beside_a_ratio_is_asked_about(load, cells):
    assert cells(load("study,odds_ratio,se,n\nA,2,.3,120\n"), "MA343") == ["C2"]
    limits = "study,odds_ratio,se,n,ci_low,ci_high\nA,2,.3,120,1.1,3.6\n"
    assert cells(load(limits), "MA343") == []


def test_group_larger_than_all(load, errors):
    assert errors(load("study,d,n1,n\nA,.5,70,60\n")) == [("MA415", "D2")]


def test_exchanged_limits_are_one_problem(load):
    studies = load("study,r,ci_low,ci_high\nA,.3,.5,.1\n")
    assert codes(studies, "MA412", "MA429") == [("MA412", "B2")]


def test_value_off_the_middle_of_its_interval(load):
    text = "study,r,ci_low,ci_high\nA,.30,.28,.62\nB,.30,.06,.51\n"
    assert codes(load(text), "MA429") == [("MA429", "C2")]


# People ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n1", ["18.5", "12.33", "12.67", "9.25"])
def test_part_of_a_shared_group_is_read(load, n1):
    studies = load(f"study,n1,n2,d\nA,{n1},37,.45\n")
    assert studies.errors == ()
    assert codes(studies, "MA341") == [("MA341", "B2")]
    assert ma.effect_sizes(studies).frame["n"][0] == float(n1) + 37


def test_n_of_a_shared_group_follows_from_its_groups(load, errors):
    studies = load("study,n1,n2,d,n\nA,18.5,37,.45,55.5\n")
    assert studies.errors == ()
    assert ma.effect_sizes(studies).frame["n"][0] == 55.5


@pytest.mark.parametrize("n", ["137.5", "55.33", "80.67", "40.25"])
def test_n_that_counts_a_shared_group_is_read_alone(load, n):
    studies = load(f"study,r,n\nA,.45,{n}\nB,.3,40\n")
    assert studies.errors == ()
    assert codes(studies, "MA341") == [("MA341", "C2")]
    effects = ma.effect_sizes(studies)
    assert effects.frame["n"][0] == float(n)
    assert effects.vi[0] == pytest.approx(1 / (float(n) - 3), rel=1e-15)


@pytest.mark.parametrize("n", ["137.4", "100.37", "55.9"])
def test_mean_of_sample_sizes_is_an_error_that_says_what_to_do(load, n):
    (error,) = load(f"study,r,n\nA,.45,{n}\n").errors
    assert (error.code, error.cell) == ("MA314", "C2")
    assert "one row for each sample" in error.hint


def test_other_fractions_of_people_are_errors(load, errors):
    assert errors(load("study,n1,n2,d\nA,18.4,37,.45\n")) == [("MA314", "B2")]
    assert errors(load("study,r,n,n_therapists\nA,.3,40,2.5\n")) == [("MA314", "D2")]


def test_second_group_follows_from_n(load):
    with_both = ma.effect_sizes(load("study,d,n1,n2\nA,-.64,16,91\n"))
    from_n = ma.effect_sizes(load("study,d,n1,n\nA,-.64,16,107\n"))
    assert from_n.yi == pytest.approx(with_both.yi, rel=1e-15)
    assert "n2 = 91 [computed]" in from_n.ledger["inputs"][0]


def test_d_of_unequal_groups_beside_r_is_a_note(load):
    studies = load("study,n,r,d\nA,107,-.2226,-.640\n")
    assert studies.errors == ()
    (found,) = [p for p in studies.problems if p.code == "MA427"]
    assert found.cell == "D2"
    assert found.message.endswith("r = -0.223 is that of groups of 15% and 85%")
    assert ma.effect_sizes(studies).frame["r"][0] == -0.2226


@pytest.mark.parametrize("d", [".2", "-.8", "3.5"])
def test_d_that_no_groups_explain_is_an_error(load, errors, d):
    assert errors(load(f"study,n,r,d\nA,107,.25,{d}\n")) == [("MA404", "D2")]


def test_small_sample_with_measure_r(load):
    studies = load("study,r,n\nA,.3,3\n", measure="r")
    assert studies.errors == ()
    assert ma.effect_sizes(studies, "r").vi[0] == pytest.approx(0.91**2 / 2, rel=1e-14)
    with pytest.raises(ma.EstimationError, match="n > 3"):
        ma.effect_sizes(studies, "z")


@pytest.mark.parametrize("measure", ["z", "r-unbiased"])
def test_small_sample_with_another_measure(load, measure):
    (error,) = load("study,r,n\nA,.3,3\n", measure=measure).errors
    assert (error.code, error.hint) == ("MA321", "n = 3 will do with --measure r")
    assert load("study,r,n\nA,.3,2\n", measure="r").errors[0].message == "r needs n > 2"


WANTED = {
    "b": ("study,b\nA,.3\n", "b needs se_b, or sd_x and sd_y and n; and df or n"),
    "risk ratio": ("study,risk_ratio\nA,2\n",
                   "risk_ratio needs base_risk, or events2 and total2; and n"),
    "d": ("study,d\nA,.3\n", "d needs n, or n1 and n2"),
    "yi": ("study,yi\nA,.3\n", "yi needs vi or sei"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WANTED.values(), ids=WANTED)
def test_what_is_missing_is_said_in_words(load, text, message):
    assert [p.message for p in load(text).errors] == [message]


def test_the_last_digit_of_a_computed_n_is_none(load):
    found = load("study,r,n\nA,.3,60.00000000000001\n")
    assert not found.errors
    assert found.rows[0].cells["n"].value == 60
