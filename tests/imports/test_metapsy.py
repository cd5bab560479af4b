"""metapsy: a comparison is read once, group 1 is the first arm, events say what they are.

Columns, and that every comparison stands twice, once from either arm, were seen in
github.com/metapsy-project/metapsyTools (data/depressionPsyCtr.rda), whose `.g` is negative where
the first arm has the lower mean.
"""

from __future__ import annotations

import pytest
from imported_sheets import ABT, BOS, CID, DEL, effects_of, metapsy, phi, point_biserial, turned

import metaalliance as ma


def test_means_and_events_become_r(made, tmp_path):
    imported = ma.import_sheet(made("depression.csv", metapsy(ABT, BOS)))
    assert imported.house == "metapsy"
    assert effects_of(imported, tmp_path) == pytest.approx(
        {
            ("Abt 2010", "PHQ-9"): -point_biserial(8, 4, 30, 11, 5, 28),
            ("Bos 2014", "response (hdrs)"): phi(20, 40, 12, 41),
        }
    )
    frame = imported.frame.set_index("study")
    assert frame.loc["Abt 2010", "outcome_direction"] == "lower_better"
    assert frame.loc["Bos 2014", "outcome_direction"] == "higher_better"
    assert frame.loc["Abt 2010", "percent_female"] == 64
    assert frame.loc["Abt 2010", "metapsy g"] == -0.66
    assert frame.loc["Abt 2010", "condition_arm2"] == "wl"


@pytest.mark.parametrize("first", [ABT, turned(ABT)], ids=["treatment first", "control first"])
def test_a_comparison_from_either_arm_is_one(made, tmp_path, first):
    imported = ma.import_sheet(made("d.csv", metapsy(first, BOS, turned(first), turned(BOS))))
    assert len(imported.entries) == len(imported.left_out) == 2
    assert effects_of(imported, tmp_path) == pytest.approx(
        {
            ("Abt 2010", "PHQ-9"): -point_biserial(8, 4, 30, 11, 5, 28),
            ("Bos 2014", "response (hdrs)"): phi(20, 40, 12, 41),
        }
    )


def test_two_time_points_are_two_effects(made):
    later = ABT | {"time": "fu", "time_weeks": 30, "mean_arm1": 7}
    imported = ma.import_sheet(made("d.csv", metapsy(ABT, later, turned(ABT), turned(later))))
    assert imported.frame["outcome_time"].tolist() == ["post", "fu"]
    assert imported.frame["mean1"].tolist() == [8, 7]


def test_change_scores_and_computed_g_are_asked_about(made):
    imported = ma.import_sheet(made("d.csv", metapsy(ABT, CID, DEL)))
    frame = imported.frame.set_index("study")
    assert frame.loc["Cid 2001", ["mean1", "sd1", "n1"]].tolist() == [-4, 3, 22]
    assert frame.loc["Del 1999", ["g", "n1", "n2"]].tolist() == [-0.5, 45, 45]
    codes = {q.code: q for q in imported.questions}
    assert codes["MA555"].row == 3
    assert frame["outcome_direction"].tolist() == ["lower_better", "decide", "decide"]


def test_who_rated_is_left_open_where_a_clinician_did(made):
    frame = ma.import_sheet(made("d.csv", metapsy(ABT, BOS))).frame
    assert frame["outcome_rater"].dropna().tolist() == ["client"]
    assert frame["rating"].tolist() == ["self-report", "clinician"]


def test_a_row_without_numbers_is_kept_with_its_reason(made):
    bare = {k: v for k, v in ABT.items() if not k.startswith(("sd", ".g"))}
    frame = ma.import_sheet(made("d.csv", metapsy(BOS, bare))).frame
    row = frame[frame["include"] == "no"].iloc[0]
    assert row["exclusion_reason"].startswith("neither means with SDs")
    assert row["mean_arm1"] == 8
    assert row["n_arm2"] == 28


def test_a_g_with_its_standard_error_keeps_its_scale(made, tmp_path):
    row = {k: v for k, v in DEL.items() if not k.startswith("n_")}
    imported = ma.import_sheet(made("d.csv", metapsy(row)))
    assert imported.frame[["g", "se"]].iloc[0].tolist() == [-0.5, 0.2]
    assert effects_of(imported, tmp_path)["Del 1999", "PHQ-9"] == pytest.approx(-0.2425, abs=1e-3)


def test_na_of_r_is_blank(made, tmp_path):
    """write.csv writes NA for what is missing."""
    lines = metapsy(
        ABT, BOS, turned(BOS), {k: v for k, v in DEL.items() if k != "precalc_g"}
    ).split("\n")
    text = "\n".join([lines[0], *(",".join(v or "NA" for v in x.split(",")) for x in lines[1:])])
    imported = ma.import_sheet(made("d.csv", text))
    assert effects_of(imported, tmp_path) == pytest.approx(
        {
            ("Abt 2010", "PHQ-9"): -point_biserial(8, 4, 30, 11, 5, 28),
            ("Bos 2014", "response (hdrs)"): phi(20, 40, 12, 41),
        }
    )
    reasons = imported.frame["exclusion_reason"].dropna().tolist()
    assert reasons == ["neither means with SDs, nor events with totals, nor a computed g"]


def test_prepared_data_with_g_only(made, tmp_path):
    text = "study,condition_arm1,condition_arm2,instrument,.g,.g_se,.id\n"
    text += "Abt 2010,cbt,wl,phq-9,-.5,.2,a\nAbt 2010,wl,cbt,phq-9,.5,.2,b\n"
    text += "Bos 2014,ipt,cau,phq-9,-.1,.25,c\n"
    imported = ma.import_sheet(made("d.csv", text))
    assert imported.frame["g"].tolist() == [-0.5, -0.1]
    assert len(imported.left_out) == 1
    found = effects_of(imported, tmp_path)
    assert found["Abt 2010", "PHQ-9"] == pytest.approx(-0.2425, abs=1e-3)
