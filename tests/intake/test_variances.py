"""Variances against people: on the stated scale, without n, and where none is coded."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app


def codes(studies, *wanted):
    return [(p.code, p.cell) for p in studies.problems if p.code in wanted]


#: Variances of log odds ratios: vi · (n − 3) is about 13.
LOG_ODDS = "study,yi,vi,n\nA,.9,.228,60\nB,.5,.163,83\nC,.7,.134,100\n"


@pytest.mark.parametrize(("scale", "warned"), [("d", True), ("g", True), ("log_or", False)])
def test_variance_above_that_of_the_scale_is_said(load, scale, warned):
    studies = load(LOG_ODDS.replace(".228", ".29").replace(".163", ".21").replace(".134", ".17")
                   if scale == "log_or" else LOG_ODDS, yi_measure=scale)  # fmt: skip
    assert bool(codes(studies, "MA424")) is warned


def test_groups_of_unequal_size_are_not_warned_of(load):
    studies = load("study,yi,vi,n\nA,.5,.105,60\nB,.3,.08,80\n", yi_measure="d")
    assert codes(studies, "MA424") == []


def test_odds_ratio_per_unit_without_n(load):
    studies = load("study,odds_ratio,ci_low,ci_high\nA,1.02,1.01,1.03\nB,2.1,1.2,3.675\n")
    (found,) = [p for p in studies.problems if p.code == "MA422"]
    assert found.cell == "C2"
    assert "n is not known" in found.message


@pytest.mark.parametrize(
    "text",
    [
        "study,yi,vi,yi_measure\nA,.3,.000002,z\nB,.3,.02,z\n",
        "study,r,ci_low,ci_high\nA,.3,.299,.301\nB,.2,.1,.298\n",
    ],
    ids=["yi", "r"],
)
def test_variance_of_very_many_people_is_said(load, text):
    assert codes(load(text), "MA348") == [("MA348", "C2")]


@pytest.mark.parametrize(("scale", "statistic"), [("z", "fisher_z"), ("r", "r")])
def test_yi_without_a_variance_takes_that_of_n(load, scale, statistic):
    studies = load(f"study,yi,n,yi_measure\nA,.3,50,{scale}\nB,.2,80,{scale}\n")
    assert not studies.errors
    assert codes(studies, "MA349") == [("MA349", "B2")]
    other = ma.effect_sizes(load(f"study,{statistic},n\nA,.3,50\nB,.2,80\n"))
    found = ma.effect_sizes(studies)
    assert found.yi == pytest.approx(other.yi, rel=1e-15)
    assert found.vi == pytest.approx(other.vi, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("study,yi,n\nA,.3,50\n", "MA403"),
        ("study,yi,n,yi_measure\nA,.3,50,d\n", "MA403"),
        ("study,yi,n,yi_measure\nA,.3,3,z\n", "MA321"),
        ("study,yi,yi_measure\nA,.3,z\n", "MA403"),
    ],
    ids=["no scale", "d", "few", "neither"],
)
def test_yi_without_a_variance_is_refused(load, text, code):
    assert [p.code for p in load(text).errors] == [code]


def test_init_sees_variances_of_log_odds(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("study,yi,vi,n\nA,.9,.228,60\nB,.5,.163,83\nC,.7,.134,100\n", encoding="utf-8")
    assert '# yi_measure = "log_or"' in CliRunner().invoke(app, ["init", str(path)]).stdout


@pytest.mark.parametrize("header", ["percent variance explained", "R2 (%)"])
def test_percent_of_variance_under_a_header_that_says_so(load, header):
    text = f"study,n,sign,n_predictors,{header}\nA,80,+,1,9\nB,60,+,1,16%\nC,70,-,1,25\n"
    studies = load(text, columns={"r_squared": header})
    assert not studies.errors
    assert [row.get("r_squared") for row in studies.rows] == [0.09, 0.16, 0.25]


def test_small_percentages_are_asked_about(load):
    text = "study,n,sign,n_predictors,percent variance explained\nA,80,+,1,{}\nB,60,+,1,.16\n"
    for first, value in ((".09", 0.16), ("9", 0.0016)):
        studies = load(text.format(first))
        assert not studies.errors
        assert studies.rows[1].get("r_squared") == pytest.approx(value)
        assert [c for c, _ in codes(studies, "MA340")] == ["MA340"]


def test_proportions_stay_proportions(load):
    assert [p.code for p in load("study,n,sign,r_squared\nA,80,+,9\n").errors] == ["MA313"]


# Problems of many rows with one cause ---------------------------------------------------------

NO_GROUPS = "study,d,n\n" + "".join(f"S{i},.{i}1,{40 + i}\n" for i in range(1, 10)) + "T,.3,60\n"


def test_one_assumption_of_many_rows_is_one_problem(load):
    (found,) = [p for p in load(NO_GROUPS).problems if p.code == "MA413"]
    assert found.cell == "B2"
    assert found.message == (
        "10 rows (B2, B3, B4, B5, B6, B7, B8, B9 and 2 more): n1 and n2 were not coded; groups of "
        "equal size were taken"
    )


def test_two_assumptions_are_two_problems(load):
    text = "study,d,n,odds_ratio\nA,.3,40,\nB,,50,2\nC,.2,60,\nD,,70,1.5\n"
    assert [c for _, c in codes(load(text), "MA413")] == ["B2", "D3"]


def test_silencing_a_study_leaves_the_others(load):
    ignore = [{"code": "MA413", "study": "S1", "reason": "equal groups"}]
    studies = load(NO_GROUPS, ignore=ignore)
    (found,) = [p for p in studies.problems if p.code == "MA413"]
    assert found.cell == "B3"
    assert [p.cell for p, _ in studies.silenced] == ["B2"]
