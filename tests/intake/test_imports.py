"""Imports lose no sign and ignore no setting: what is in doubt is asked or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import metaalliance as ma

CMA = "Study name,Outcome,Correlation,Sample size,Std Err\nA,BDI,.3,50,.1\nB,GAF,.2,60,.1\n"
COVIDENCE = (
    "Covidence #,Study ID,Reviewer Name,r,n,Outcome measure,Site\n"
    "1,A,Consensus,.3,50,BDI,x\n2,B,Consensus,.2,60,GAF,y\n"
)
WIDE = "study,n,r_BDI,r_GAF,Site\nA,50,.3,.1,x\nB,60,.2,.2,y\n"


def imported(folder: Path, text: str, **how: object) -> ma.Imported:
    path = folder / "in.csv"
    path.write_text(text, encoding="utf-8")
    return ma.import_sheet(path, **how)


def column(found: ma.Imported, name: str) -> list[object]:
    return [e[name].value if name in e else None for e in found.entries]


def codes(found: ma.Imported) -> set[str]:
    return {q.code for q in found.questions}


def errors(found: ma.Imported, folder: Path) -> set[str]:
    return {p.code for p in ma.load_studies(found.save(folder / "out.xlsx", force=True)).errors}


@pytest.mark.parametrize("text", [CMA, COVIDENCE, WIDE])
def test_a_direction_is_entered_in_every_house(tmp_path, text):
    found = imported(tmp_path, text, directions={"bdi": "lower_better"})
    wanted = ["lower_better" if m == "BDI" else None for m in column(found, "outcome_measure")]
    assert column(found, "outcome_direction") == wanted
    assert "MA551" in codes(found)  # GAF is still to be decided
    every = imported(tmp_path, text, directions={"BDI": "lower_better", "*": "higher_better"})
    assert None not in column(every, "outcome_direction")
    assert "MA551" not in codes(every)


@pytest.mark.parametrize("text", [CMA, COVIDENCE, WIDE])
def test_an_outcome_or_a_header_that_is_not_there_is_refused(tmp_path, text):
    with pytest.raises(ma.OptionError, match="'Remision' in the file; it has 'BDI', 'GAF'"):
        imported(tmp_path, text, directions={"Remision": "higher_better"})
    with pytest.raises(ma.OptionError, match="no header 'nosuch'"):
        imported(tmp_path, text, columns={"nosuch": "country"})


def test_a_header_that_the_house_reads_itself_is_refused(tmp_path):
    with pytest.raises(ma.OptionError, match="'r_BDI' cannot be 'country'"):
        imported(tmp_path, WIDE, columns={"r_BDI": "country"})
    with pytest.raises(ma.OptionError, match="cannot both be 'country'"):
        imported(tmp_path, WIDE, columns={"Site": "country", "n": "country"})
    assert column(imported(tmp_path, WIDE, columns={"Site": "study"}), "study") == [*"xxyy"]


def test_a_direction_stated_in_the_source_gives_way_to_a_named_one(tmp_path):
    text = COVIDENCE.replace("Site", "outcome_direction").replace(",x", ",higher_better")
    text = text.replace(",y", ",upwards")
    found = imported(tmp_path, text)
    assert column(found, "outcome_direction") == ["higher_better", "upwards"]
    assert errors(found, tmp_path)  # "upwards" is no direction, and not lost in a column of its own
    found = imported(tmp_path, text, directions={"BDI": "lower_better", "GAF": "higher_better"})
    assert column(found, "outcome_direction") == ["lower_better", "higher_better"]


ODDS = (
    "Study name,Odds ratio,Lower limit,Upper limit,Effect direction,Log odds ratio,Std Err\n"
    "A,2.0,1.1,3.64,Negative,-0.693,0.305\n"
)
EVENTS = (
    "Study name,Group-A Events,Group-A Sample size,Group-B Events,Group-B Sample size,"
    "Effect direction,Odds ratio,Log odds ratio,Std Err\n"
)
MEANS = (
    "Study name,Group-A Mean,Group-A Std-Dev,Group-A Sample size,Group-B Mean,Group-B Std-Dev,"
    "Group-B Sample size,Effect direction,Std diff in means,Std Err\n"
)


def test_an_odds_ratio_takes_the_sign_of_the_program(tmp_path):
    found = imported(tmp_path, ODDS)
    path = found.save(tmp_path / "out.xlsx")
    frame = ma.effect_sizes(ma.read_studies(path)).frame
    assert frame["r"].iloc[0] == pytest.approx(-0.188, abs=0.001)
    limits = [found.entries[0][k].value for k in ("ci_low", "odds_ratio", "ci_high")]
    assert limits == pytest.approx([1 / 3.64, 1 / 2, 1 / 1.1])


@pytest.mark.parametrize(
    "text",
    [
        "Study name,Odds ratio,Sample size,Effect direction,Std Err\nA,2,80,Negative,.3\n",
        "Study name,Odds ratio,Sample size,Log odds ratio,Std Err\nA,2,80,-.693,.3\n",
        "Study name,Correlation,Sample size,Effect direction,Std Err\nA,-.3,80,Positive,.1\n",
        "Study name,Correlation,Sample size,Z-Value,Std Err\nA,.3,80,-2.7,.1\n",
        EVENTS + "A,12,30,5,31,Negative,3.4667,-1.2432,.61\n",
        EVENTS + "A,12,30,5,31,Negative,,,.61\n",
        EVENTS + "A,12,30,5,31,Auto,.288,-1.2432,.61\n",
        MEANS + "A,12,3,30,10,3,30,Negative,-.667,.26\n",
        MEANS + "A,12,3,30,10,3,30,Negative,,.26\n",
        MEANS + "A,12,3,30,10,3,30,Auto,-.667,.26\n",
    ],
)
def test_a_sign_in_doubt_is_left_blank_and_asked(tmp_path, text):
    found = imported(tmp_path, text)
    assert "MA557" in codes(found)
    assert not {"r", "odds_ratio", "events1", "mean1"} & found.entries[0].keys()
    assert errors(found, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        EVENTS + "A,12,30,5,31,Auto,3.4667,1.2432,.61\n",
        EVENTS + "A,5,31,12,30,Negative,.2885,-1.2432,.61\n",
        MEANS + "A,12,3,30,10,3,30,Positive,.667,.26\n",
        MEANS + "A,10,3,30,12,3,30,Negative,-.667,.26\n",
    ],
)
def test_a_direction_that_repeats_the_sign_changes_nothing(tmp_path, text):
    assert "MA557" not in codes(imported(tmp_path, text))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (
            "study,n,d_dep,d_anx,outcome_direction_dep,outcome_direction_anx",
            "A,60,.5,-.3,higher_better,lower_better",
        ),
        ("study,n,r_BDI,dir_BDI,r_GAF,dir_GAF", "A,60,.5,higher_better,-.3,lower_better"),
        (
            "study,n,outcome1,r1,direction1,outcome2,r2,direction2",
            "A,60,dep,.5,higher_better,anx,-.3,lower_better",
        ),
    ],
)
def test_each_effect_of_a_wide_sheet_keeps_its_direction(tmp_path, header, row):
    found = imported(tmp_path, f"{header}\n{row}\n")
    assert column(found, "outcome_direction") == ["higher_better", "lower_better"]
    assert "MA551" not in codes(found)


def test_numbered_effects_keep_the_names_of_their_outcomes(tmp_path):
    found = imported(tmp_path, "study,n,cor1,cor2,measure1,measure2\nA,60,.5,-.3,BDI,GAF\n")
    assert column(found, "outcome_measure") == ["BDI", "GAF"]
    assert column(found, "r") == [0.5, -0.3]


def test_a_direction_that_belongs_to_no_effect_or_may_be_a_sign_is_asked(tmp_path):
    found = imported(tmp_path, "study,n,r_BDI,r_GAF,dir_Beck\nA,60,.5,-.3,lower_better\n")
    assert column(found, "outcome_direction") == ["decide"] * 2
    assert "MA560" in codes(found)
    assert errors(found, tmp_path)
    for more, cells in (
        ("outcome_direction_dep,outcome_direction", "lower_better,higher_better"),
        ("reverse_GAF", "yes"),
        ("BDI_higher_is_better", "no"),
    ):
        found = imported(tmp_path, f"study,n,r_BDI,r_GAF,{more}\nA,60,.5,-.3,{cells}\n")
        assert column(found, "outcome_direction") == ["decide"] * 2
    found = imported(tmp_path, "study,n,r1,r2,dir1,dir2\nA,60,.5,-.3,positive,negative\n")
    assert column(found, "outcome_direction") == ["decide"] * 2
    assert "MA550" in codes(found)


def wide_means(first: str, second: str) -> str:
    names = [f"{p}{g}_{m}" for m in (first, second) for g in (1, 2) for p in ("m", "sd", "n")]
    return f"study,{','.join(names)}\nA,10,4,30,12,4,31,55,9,30,50,9,31\n"


def test_means_of_a_wide_sheet_ask_for_directions_as_other_houses_do(tmp_path):
    found = imported(tmp_path, wide_means("BDI", "GAF"))
    assert column(found, "outcome_direction") == ["lower_better", "higher_better"]
    assert column(found, "mean1") == [10, 55]  # whole numbers
    found = imported(tmp_path, wide_means("BDI", "XYZ"))
    assert column(found, "outcome_direction") == ["lower_better", "decide"]
    assert errors(found, tmp_path)


def test_typing_errors_in_one_column_are_for_validate(tmp_path):
    rows = "A,40,.3,x.1\nB,50,.2,3.2\nC,60,.1,o.4\nD,70,.4,-.2\n"
    found = imported(tmp_path, f"study,n,r_BDI,r_GAF\n{rows}")
    assert len(found.entries) == 8
    assert errors(found, tmp_path)


def metapsy(head: str, *rows: str) -> str:
    return f"study,condition_arm1,condition_arm2,{head}\n" + "".join(f"{r}\n" for r in rows)


def test_mirrored_rows_are_one_where_only_one_arm_is_described(tmp_path):
    head = "multi_arm1,instrument,precalc_g,precalc_g_se"
    text = metapsy(head, "A,cbt,ipt,x,bdi,-.3,.2", "A,ipt,cbt,y,bdi,.3,.2")
    found = imported(tmp_path, text)
    assert column(found, "g") == [-0.3]
    assert len(found.left_out) == 1


def test_a_control_as_the_first_arm_is_exchanged_and_said(tmp_path):
    head = "instrument,mean_arm1,sd_arm1,n_arm1,mean_arm2,sd_arm2,n_arm2,precalc_g,precalc_g_se"
    found = imported(tmp_path, metapsy(head, "A,wl,cbt,bdi,12,4,30,8,3,31,,"))
    names = ("mean1", "sd1", "n1", "mean2", "sd2", "n2", "condition_arm1")
    assert [found.entries[0][k].value for k in names] == [8, 3, 31, 12, 4, 30, "cbt"]
    assert found.entries[0]["mean1"].place == "H2 (mean_arm2)"
    assert "MA561" in codes(found)
    found = imported(tmp_path, metapsy(head, "A,wl,cbt,bdi,,,30,,,31,.5,.2"))
    assert [found.entries[0][k].value for k in ("g", "n1", "n2")] == [-0.5, 31, 30]
    found = imported(tmp_path, metapsy(head, "A,cbt,wl,bdi,,,30,,,31,.5,.2"))
    assert column(found, "g") == [0.5]
    assert "MA561" not in codes(found)


def test_r_squared_of_a_wide_sheet_is_no_r(tmp_path):
    head = "study,n,BDI_beta,BDI_r2,GAF_beta,GAF_r2"
    found = imported(tmp_path, f"{head}\nA,60,-.3,.09,.2,.04\nB,50,-.2,.04,.25,.0625\n")
    assert column(found, "beta") == [-0.3, 0.2, -0.2, 0.25]
    assert not any("r" in e for e in found.entries)
    head = "study,n,sleep_r,sleep_r2,mood_r,mood_r2"
    found = imported(tmp_path, f"{head}\nA,60,-.3,.09,.2,.04\nB,50,-.2,.04,.25,.06\n")
    assert column(found, "r") == [-0.3, 0.2, -0.2, 0.25]
    assert "MA562" in codes(found)
    found = imported(tmp_path, "study,n,BDI_R2,GAF_R2\nA,60,.09,.04\nB,50,.04,.06\n")
    assert column(found, "r_squared") == [0.09, 0.04, 0.04, 0.06]
    assert errors(found, tmp_path)  # no sign
    found = imported(tmp_path, "study,n,WAI_r1,WAI_r2\nA,60,.3,.2\n")
    assert column(found, "r") == [0.3, 0.2]


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (("wai_bdi", "wai_gaf", "bdi_gaf"), [("wai", "bdi"), ("wai", "gaf")]),
        (("wai_bdi", "srs_bdi", "wai_srs"), [("wai", "bdi"), ("srs", "bdi")]),
        (("pre", "post", "prepost"), [(None, "pre"), (None, "post")]),
        (("pre", "post", "pre_post"), [(None, "pre"), (None, "post")]),
    ],
)
def test_correlations_that_are_no_effects_are_named_and_not_read(tmp_path, labels, wanted):
    head = ",".join(f"r_{x}" for x in labels)
    found = imported(tmp_path, f"study,n,{head}\nA,60,.3,.2,.7\nB,50,.1,.4,.6\n")
    measures = zip(column(found, "alliance_measure"), column(found, "outcome_measure"), strict=True)
    assert list(measures) == wanted * 2
    assert [f"'r_{labels[2]}'" in q.message for q in found.questions if q.code == "MA562"] == [True]


def test_a_total_beside_its_parts_is_asked_about(tmp_path):
    found = imported(tmp_path, "study,n,r_bond,r_task,r_total\nA,60,.3,.2,.27\n")
    assert "MA562" in codes(found)
    assert len(found.entries) == 3


def test_effects_beside_means_of_a_known_scale_are_asked_about(tmp_path):
    text = MEANS.replace("name,", "name,Outcome,")
    text += "A,BDI,10,3,30,12,3,30,Auto,-.667,.26\nB,BDI,,,30,,,30,Auto,-.5,.26\n"
    found = imported(tmp_path, text)
    assert column(found, "outcome_direction") == ["lower_better", "decide"]
    assert errors(found, tmp_path)


def test_mirrored_rows_with_one_sign_are_in_doubt(tmp_path):
    head = "instrument,precalc_g,precalc_g_se"
    found = imported(tmp_path, metapsy(head, "A,cbt,ipt,bdi,-.3,.2", "A,ipt,cbt,bdi,-.3,.2"))
    assert "g" not in found.entries[0]
    assert "MA557" in codes(found)
    assert errors(found, tmp_path)
