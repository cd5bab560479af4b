"""Adjusted beside zero-order correlations, proportions among percentages, labels in cells."""

from __future__ import annotations

import pytest

import metaalliance as ma


def found(studies, code):
    return [p for p in studies.problems if p.code == code]


ADJUSTED = {
    "partial r": ("B2", "study,partial_r,r,df,n\nA,.3,,40,\nB,,.2,,60\n"),
    "beta": ("B2", "study,beta,r,n\nA,.3,,40\nB,,.2,60\n"),
    "b with its error": ("B2", "study,b,se_b,r,n,df\nA,.3,.1,,40,30\nB,,,.2,60,\n"),
    "t with predictors": ("B2", "study,t,r,n,n_predictors\nA,2.3,,40,3\nB,,.2,60,\n"),
    "coded": ("D2", "study,r,n,adjusted_for\nA,.3,40,intake severity\nB,.2,60,none\n"),
    "coded in own words": ("D3", "study,r,n,adjusted_for\nA,.3,40,\nB,.2,60,therapist skill\n"),
}
ALIKE = {
    "all adjusted": "study,partial_r,beta,df,n\nA,.3,,40,\nB,,.2,,60\n",
    "all zero-order": "study,t,r,n,n_predictors\nA,2.3,,40,1\nB,,.2,60,\n",
    "coded as none": "study,beta,r,n,adjusted_for\nA,.3,,40,none\nB,,.2,60,\n",
    "beta of one predictor": "study,beta,r,n,n_predictors\nA,.3,,40,1\nB,,.2,60,\n",
    "unadjusted by an alias": "study,r,n,adjusted_for\nA,.3,40,zero-order\nB,.2,60,\n",
}


@pytest.mark.parametrize(("cell", "text"), ADJUSTED.values(), ids=ADJUSTED)
def test_adjusted_beside_zero_order_correlations(load, cell, text):
    studies = load(text)
    assert studies.errors == ()
    (warning,) = found(studies, "MA428")
    assert (warning.cell, warning.severity) == (cell, "warning")
    assert warning.message.startswith("1 of 2 effects is adjusted for other variables (")


@pytest.mark.parametrize("text", ALIKE.values(), ids=ALIKE)
def test_correlations_of_one_kind_are_not_warned_of(load, text):
    studies = load(text)
    assert (studies.errors, found(studies, "MA428")) == ((), [])


def test_adjusted_for_is_a_moderator(load):
    rows = "".join(f"S{i},.{i}1,60,{'early change' if i % 2 else 'none'}\n" for i in range(1, 9))
    effects = ma.effect_sizes(load("study,r,n,adjusted_for\n" + rows))
    table = ma.moderator_table(effects, ["adjusted_for"])
    assert {*table["adjusted_for"].levels["level"]} == {"early change", "none"}


@pytest.mark.parametrize(
    ("values", "cells", "words"),
    [
        (("52", ".45", "60"), ["D3"], "1 of 3 values lie below 1: proportions among percentages"),
        ((".66", ".8", ".5"), ["D2"], "3 of 3 values lie below 1: proportions?"),
        (("52", "45", "0"), [], ""),
        (("100", "45%", "1"), [], ""),
    ],
)
@pytest.mark.parametrize("column", ["percent_female", "percent_minority"])
def test_proportions_among_percentages(load, column, values, cells, words):
    rows = "".join(f"S{i},.2,60,{v}\n" for i, v in enumerate(values))
    problems = found(load(f"study,r,n,{column}\n{rows}"), "MA340")
    assert [p.cell for p in problems] == cells
    assert [p.message for p in problems] == [words] * len(cells)


LABELLED = ["α = .78", "α=.78", "α .78", "alpha=.78", "Cronbach's α = .78",
            "Cronbach’s alpha: .78", "ICC = .78", "ICC(2,1) = .78", "ω=.78", "KR-20 = .78",
            "κ = .78", "r = .78"]  # fmt: skip


@pytest.mark.parametrize("text", LABELLED)
def test_reliability_with_its_coefficient(load, text):
    studies = load(f'study,r,n,alliance_reliability\nA,0.3,40,"{text}"\n')
    assert studies.errors == ()
    assert studies.used[0].get("alliance_reliability") == 0.78
    assert [p.cell for p in found(studies, "MA311")] == ["D2"]


@pytest.mark.parametrize("text", [">.75", "≥ .75", "α > .75"])
def test_bound_of_a_reliability_is_missing_with_a_warning(load, text):
    studies = load(f"study,r,n,alliance_reliability\nA,0.3,40,{text}\n")
    assert studies.errors == ()
    assert [(p.cell, p.severity) for p in found(studies, "MA342")] == [("D2", "warning")]
    assert studies.used[0].get("alliance_reliability") is None


@pytest.mark.parametrize("text", ["β = .78", "n = 78", "α and ω = .78", "about .78"])
def test_other_words_are_no_reliability(load, text):
    studies = load(f"study,r,n,alliance_reliability\nA,0.3,40,{text}\n")
    assert studies.errors == ()
    assert [p.cell for p in studies.problems if p.code == "MA126"] == ["D2"]


def test_proportions_among_percentages_in_a_column_of_the_team(load):
    text = "study,r,n,% completers,completer rate\nA,.2,60,80,0.8\nB,.3,60,0.75,0.7\n"
    assert [p.cell for p in found(load(text), "MA340")] == ["D3"]
