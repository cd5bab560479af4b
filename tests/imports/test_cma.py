"""Comprehensive Meta-Analysis: its data sheet, and its table of results.

Headers, trailing blanks and the word Blank for empty cells: PPS_MelbyLervag.csv of
github.com/davidmoreau/MixtureModel. Means with the names of the groups: an R script on
github.com that reads "Control Mean", "Control Std-Dev", "Control Sample size".
"""

from __future__ import annotations

import math

import pytest
from imported_sheets import CORRELATIONS, DIFFERENCES, effects_of, phi, point_biserial, pooled

import metaalliance as ma


def test_correlations_take_the_sign_of_the_program(made, tmp_path):
    imported = ma.import_sheet(made("cma.txt", CORRELATIONS))
    assert imported.house == "cma"
    frame = imported.frame
    assert frame["r"].tolist() == [0.3, -0.2, -0.1]
    assert frame["Subgroup within study"].tolist()[1:] == ["women", "men"]
    assert frame["outcome_time"].tolist() == ["post"] * 3
    assert "sample" not in frame
    assert "MA558" in {q.code for q in imported.questions}
    fit = pooled(imported, tmp_path)
    assert (fit.n_studies, fit.n_effects) == (2, 3)


def test_standardised_differences_with_group_sizes(made, tmp_path):
    imported = ma.import_sheet(made("cma.csv", DIFFERENCES))
    assert "not correlations" in imported.meaning
    found = effects_of(imported, tmp_path)
    for (d, n1, n2), key in (
        ((0.61, 24, 21), ("Ames 2001", "sleep")),
        ((-0.17, 23, 32), ("Boll 2004", "mood")),
    ):
        h = (n1 + n2 - 2) * (1 / n1 + 1 / n2)
        assert found[key] == pytest.approx(d / (d * d + h) ** 0.5)
    assert imported.frame["dose"].tolist()[0] == 12
    assert imported.frame["dose"].isna().tolist() == [False, True]


def test_means_of_named_groups(made, tmp_path):
    head = (
        "Study name,Subgroup within study,Ego Mean,Ego Std-Dev,Ego Sample size,"
        "Control Mean,Control Std-Dev,Control Sample size,Std diff in means,Std Err"
    )
    text = f"""{head}
Ames 2001,,12,4,20,10,5,22,.4387,.3126
Boll 2004,,9,3,40,11,3,41,-.6667,.2283
"""
    found = effects_of(ma.import_sheet(made("cma.csv", text)), tmp_path)
    assert found["Ames 2001", ""] == pytest.approx(point_biserial(12, 4, 20, 10, 5, 22))
    assert found["Boll 2004", ""] == pytest.approx(point_biserial(9, 3, 40, 11, 3, 41))


def test_means_that_the_program_subtracts_the_other_way_are_asked_about(made):
    head = (
        "Study name,A Mean,A Std-Dev,A Sample size,"
        "B Mean,B Std-Dev,B Sample size,Std diff in means,Std Err"
    )
    text = f"""{head}
Ames 2001,12,4,20,10,5,22,-.4387,.3126
"""
    assert "MA557" in {q.code for q in ma.import_sheet(made("c.csv", text)).questions}


def test_events_of_two_groups(made, tmp_path):
    head = (
        "Study name,Treated Events,Treated Sample size,Control Events,"
        "Control Sample size,Odds ratio,Log odds ratio,Std Err"
    )
    text = f"""{head}
Ames 2001,12,30,5,31,3.4667,1.2432,.6100
"""
    found = effects_of(ma.import_sheet(made("c.csv", text)), tmp_path)
    assert found["Ames 2001", ""] == pytest.approx(phi(12, 30, 5, 31))


def test_a_table_of_results_leaves_its_summary_out(made, tmp_path):
    text = """Model,Study name,Outcome,Correlation,Lower limit,Upper limit,Z-Value,p-Value,Total
,Ames 2001,GAF,.30,.024,.534,2.122,.034,50
,Boll 2004,GAF,.20,-.057,.432,1.531,.126,60
Fixed,,,.246,.060,.416,2.577,.010,
Random,Random effects,,.246,.060,.416,2.577,.010,
"""
    imported = ma.import_sheet(made("c.csv", text))
    assert imported.frame["n"].tolist() == [50, 60]
    assert imported.frame[["ci_low", "ci_high"]].iloc[0].tolist() == [0.024, 0.534]
    assert len(imported.left_out) == 2
    assert set(effects_of(imported, tmp_path).values()) == {0.3, 0.2}


def test_a_sign_that_is_contradicted_is_not_used(made, tmp_path):
    text = CORRELATIONS.replace(".20\t60\tNegative\t-.2027", ".20\t60\tNegative\t.2027")
    imported = ma.import_sheet(made("c.txt", text))
    doubt = [q for q in imported.questions if q.code == "MA557"]
    assert doubt[0].row == 3
    assert imported.frame["CMA r"].dropna().tolist() == [0.2]
    studies = ma.load_studies(imported.save(tmp_path / "s.xlsx"))
    assert {p.row for p in studies.errors} == {3}


def test_a_direction_without_a_computed_column_is_not_used_either(made):
    text = """Study name\tCorrelation\tSample size\tEffect direction
Ames 2001\t.30\t50\tAuto
Boll 2004\t.20\t60\tNegative
"""
    imported = ma.import_sheet(made("c.txt", text))
    assert imported.frame["r"].tolist()[0] == 0.3
    assert imported.frame["r"].isna().tolist() == [False, True]


def test_a_standard_error_without_n_keeps_the_scale(made, tmp_path):
    text = """Study name,Outcome,Fisher's Z,Std Err
Ames 2001,GAF,.31,.15
"""
    imported = ma.import_sheet(made("c.csv", text))
    assert imported.frame[["fisher_z", "se"]].iloc[0].tolist() == [0.31, 0.15]
    assert effects_of(imported, tmp_path)["Ames 2001", "GAF"] == pytest.approx(math.tanh(0.31))


#: Titles above the program's own names; the layout is invented, the names are the program's.
TABLE = """Study name,Outcome,Statistics for each study,,,,,Sample size
,,Correlation,Lower limit,Upper limit,Z-Value,p-Value,Total
Ames 2001,GAF,.30,.024,.534,2.122,.034,50
Boll 2004,GAF,.20,-.057,.432,1.531,.126,60
,,.246,.060,.416,2.577,.010,
"""
GROUPS = """Study name,Outcome,Statistics for each study,,,Sample size,
,,Std diff in means,Standard error,p-Value,Treated,Control
Ames 2001,sleep,.61,.3052,.05,24,21
Boll 2004,mood,-.17,.2724,.53,23,32
"""
ARMS = """Study name,Outcome,Treated,,,Control,,,Std diff in means,Std Err
,,Mean,Std-Dev,Sample size,Mean,Std-Dev,Sample size,,
Ames 2001,sleep,12,4,20,10,5,22,.4387,.3126
Boll 2004,mood,9,3,40,11,3,41,-.6667,.2283
"""


def test_two_header_rows_of_a_table_of_results(made, tmp_path):
    imported = ma.import_sheet(made("c.csv", TABLE))
    assert imported.house == "cma"
    assert imported.frame[["r", "n", "ci_low", "ci_high"]].to_numpy().tolist() == [
        [0.3, 50, 0.024, 0.534],
        [0.2, 60, -0.057, 0.432],
    ]
    assert [x.place for x in imported.left_out] == ["row 5"]
    fit = pooled(imported, tmp_path)
    # equal to the common effect, as Q < 1 and tau2 is 0: Fisher's z weighted by n - 3
    z = (47 * math.atanh(0.3) + 57 * math.atanh(0.2)) / 104
    assert fit.estimate == pytest.approx(z, abs=1e-6)


def test_two_header_rows_with_sizes_or_numbers_of_two_groups(made, tmp_path):
    found = effects_of(ma.import_sheet(made("g.csv", GROUPS)), tmp_path)
    for (d, n1, n2), key in (
        ((0.61, 24, 21), ("Ames 2001", "sleep")),
        ((-0.17, 23, 32), ("Boll 2004", "mood")),
    ):
        h = (n1 + n2 - 2) * (1 / n1 + 1 / n2)
        assert found[key] == pytest.approx(d / (d * d + h) ** 0.5)
    arms = ma.import_sheet(made("a.csv", ARMS), directions={"*": "higher_better"})
    found = effects_of(arms, tmp_path)
    assert found["Ames 2001", "sleep"] == pytest.approx(point_biserial(12, 4, 20, 10, 5, 22))
    assert found["Boll 2004", "mood"] == pytest.approx(point_biserial(9, 3, 40, 11, 3, 41))
