"""Covidence: the consensus is read, and two codings of a study are not two effects.

That the export has a row for each reviewer and one of "Consensus" in `Reviewer Name` was seen in
public scripts that read such files, and in the README of SYPRES's database of trials.
"""

from __future__ import annotations

import pytest
from imported_sheets import COVIDENCE, effects_of
from openpyxl import load_workbook
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app


def without_consensus() -> str:
    return "\n".join(x for x in COVIDENCE.split("\n") if "Consensus" not in x)


def test_consensus_rows_are_the_effects(made, tmp_path):
    imported = ma.import_sheet(made("review_1_extracted.csv", COVIDENCE))
    assert imported.house == "covidence"
    assert effects_of(imported, tmp_path) == pytest.approx(
        {("Adler 2011", "GAF"): 0.31, ("Berg 2012", "GAF"): 0.22, ("Cole 2013", "GAF"): -0.1}
    )
    assert [x.reason for x in imported.left_out] == [
        "coded by Ann B: Consensus is read",
        "coded by Cem D: Consensus is read",
        "coded by Ann B: Consensus is read",
    ]
    assert len(imported.entries) + len(imported.left_out) == COVIDENCE.count("\n") - 1


def test_two_reviewers_without_a_consensus_are_refused(made):
    with pytest.raises(
        ma.UnreadableFileError, match="1 study has several reviewers and no cons"
    ) as e:
        ma.import_sheet(made("x.csv", without_consensus()))
    assert e.value.code == "MA132"
    assert "Adler 2011" in str(e.value)


def test_each_reviewer_can_be_read_for_agree(made, tmp_path):
    path = made("x.csv", without_consensus())
    for name in ("Ann B", "Cem D"):
        done = CliRunner().invoke(
            app,
            [
                "import",
                str(path),
                "--reviewer",
                name.upper(),
                "-o",
                str(tmp_path / f"{name[0]}.xlsx"),
            ],
        )
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(
        app, ["agree", str(tmp_path / "A.xlsx"), str(tmp_path / "C.xlsx"), "--json",
              "-o", str(tmp_path / "c.xlsx")]
    )  # fmt: skip
    assert done.exit_code in {0, 1}, done.output
    conflicts = load_workbook(tmp_path / "c.xlsx").worksheets[0]
    seen = {cell.value for row in conflicts.iter_rows() for cell in row}
    assert {0.3, 0.35} <= seen or {"0.3", "0.35"} <= seen


def test_a_reviewer_who_is_not_there_is_refused(made):
    with pytest.raises(ma.OptionError, match="it has Ann B, Cem D, Consensus"):
        ma.import_sheet(made("x.csv", COVIDENCE), reviewer="Dora")


def test_names_of_r_are_read_too(made):
    """read.csv writes dots for blanks, and scripts write lower case with underscores."""
    for head in (
        "Covidence..,Study.ID,Title,Reviewer.Name",
        "covidence_id,study_id,title,reviewer_name",
    ):
        text = COVIDENCE.replace("Covidence #,Study ID,Title,Reviewer Name", head)
        imported = ma.import_sheet(made("x.csv", text))
        assert imported.frame["r"].tolist() == [0.31, 0.22, -0.1]


def test_reports_that_share_a_study_id_stay_apart(made):
    text = COVIDENCE.replace("Berg 2012", "Adler 2011")
    imported = ma.import_sheet(made("x.csv", text))
    assert imported.frame["study"].tolist() == ["Adler 2011 (12)", "Adler 2011 (14)", "Cole 2013"]
    assert "MA558" in {q.code for q in imported.questions}


def test_effects_side_by_side_are_unfolded_after_the_consensus_is_chosen(made, tmp_path):
    text = """Covidence #,Study ID,Reviewer Name,n,r_sleep,r_mood
1,Adler 2011,Ann B,40,.10,.20
1,Adler 2011,Consensus,40,.11,.21
2,Berg 2012,Consensus,50,.30,
"""
    imported = ma.import_sheet(made("x.csv", text))
    assert effects_of(imported, tmp_path) == pytest.approx(
        {("Adler 2011", "sleep"): 0.11, ("Adler 2011", "mood"): 0.21, ("Berg 2012", "sleep"): 0.3}
    )
    assert sorted(x.reason for x in imported.left_out) == [
        "blank: not reported",
        "coded by Ann B: Consensus is read",
    ]


def test_a_question_of_the_form_is_named_by_hand(made, tmp_path):
    text = COVIDENCE.replace("r,Sample size", "How strong is it?,How many?")
    path = made("x.csv", text)
    with pytest.raises(ma.UnreadableFileError, match="How strong is it") as e:
        ma.import_sheet(path)
    assert e.value.code == "MA133"
    named = ma.import_sheet(path, columns={"how strong is it?": "r", "How many?": "n"})
    assert effects_of(named, tmp_path)["Adler 2011", "GAF"] == pytest.approx(0.31)


def test_arms_of_extraction_1_are_refused(made):
    """Layout: data/review_47118_extracted_data_csv_20200227082348.csv of klsea/time_prefs_meta."""
    head = "Study Identifier,Intervention,Design,Mood Baseline Mean,Mood Baseline SD"
    text = f"{head}\nA 1,T,x,1,2\nA 1,C,x,2,2\n"
    with pytest.raises(ma.UnreadableFileError) as e:
        ma.import_sheet(made("x.csv", text))
    assert e.value.code == "MA135"
