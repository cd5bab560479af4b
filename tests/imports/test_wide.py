"""Wide sheets: an effect for each column, nothing lost, what is not reported said."""

from __future__ import annotations

import pytest
from imported_sheets import WIDE, effects_of
from openpyxl import Workbook

import metaalliance as ma


def test_three_effects_for_each_study(made, tmp_path):
    imported = ma.import_sheet(made("wide.csv", WIDE))
    assert imported.house == "wide"
    assert len(imported.entries) == 9
    found = effects_of(imported, tmp_path)
    assert found["Ames 2001", "symptom"] == pytest.approx(0.25)
    assert found["Boll 2004", "functioning"] == pytest.approx(0.1)
    assert found["Crane 2010", "dropout"] == pytest.approx(-0.2)
    assert imported.frame["n"].tolist() == [120] * 3 + [90] * 3 + [140] * 3
    assert imported.frame["country"].tolist() == ["US"] * 3 + ["NL"] * 3 + ["US"] * 3


def test_an_n_of_its_own_wins_over_the_common_one(made):
    text = """Author,Year,N,r_depression,n_depression,r_anxiety
Smith,2001,60,-.31,58,-.22
Smith,2005,44,.12,,NR
Jones,2010,80,.25,80,
"""
    imported = ma.import_sheet(made("w.csv", text))
    frame = imported.frame
    assert frame["study"].tolist() == ["Smith 2001", "Smith 2001", "Smith 2005", "Jones 2010"]
    assert frame["n"].fillna(0).tolist() == [58, 60, 0, 80]  # 44 need not be those of the outcome
    assert frame["year"].tolist() == [2001, 2001, 2005, 2010]
    assert sorted(x.reason for x in imported.left_out) == [
        "NR: not reported",
        "blank: not reported",
    ]
    assert len(imported.entries) + len(imported.left_out) == 3 * 2


def test_decimal_commas_and_other_languages(made, tmp_path):
    text = "Studie;n;r_Schlaf;r_Stimmung\nAmes 2001;50;,30;-,12\nBoll 2004;60;0,2;0,05\n"
    imported = ma.import_sheet(made("w.csv", text), columns={"Studie": "study"})
    assert effects_of(imported, tmp_path) == pytest.approx(
        {("Ames 2001", "Schlaf"): 0.3, ("Ames 2001", "Stimmung"): -0.12,
         ("Boll 2004", "Schlaf"): 0.2, ("Boll 2004", "Stimmung"): 0.05}
    )  # fmt: skip


def test_numbered_effects_of_an_instrument(made):
    frame = ma.import_sheet(
        made("w.csv", "study,n,WAI_r1,WAI_r2\nA 2001,50,.3,.2\nB 2002,60,.1,.4\n")
    ).frame
    assert set(frame["alliance_measure"]) == {"WAI"}
    assert frame["effect"].tolist() == ["WAI 1", "WAI 2"] * 2


def test_raters_are_raters(made):
    frame = ma.import_sheet(made("w.csv", "study,n,r_client,r_therapist\nA 2001,50,.3,.2\n")).frame
    assert frame["alliance_rater"].tolist() == ["client", "therapist"]
    assert "outcome_measure" not in frame


def test_not_significant_is_kept_for_the_policy(made, tmp_path):
    imported = ma.import_sheet(made("w.csv", WIDE.replace("-.05", "n.s.")))
    path = imported.save(tmp_path / "s.xlsx")
    assert {p.row for p in ma.load_studies(path).errors} == {7}
    zero = ma.effect_sizes(ma.read_studies(path, nonsignificant="zero"))
    assert len(zero.frame) == 9


def test_cells_of_a_workbook_keep_their_kind(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.append(["study", "n", "r_sleep", "r_mood"])
    sheet.append(["Ames 2001", 50, 0.35, "=1+1"])
    sheet.append(["Boll 2004", 60, "#DIV/0!", 0.2])
    for number in range(3):
        sheet.append([f"Crane 201{number}", 70, 0.1, 0.2])
    sheet["C2"].number_format = "0%"
    sheet["C3"].data_type = "e"
    path = tmp_path / "w.xlsx"
    book.save(path)
    imported = ma.import_sheet(path)
    sleep = [e["r"].value for e in imported.entries if e["outcome_measure"].value == "sleep"]
    assert sleep == ["35%", "#DIV/0!", 0.1, 0.1, 0.1]
    studies = ma.load_studies(imported.save(tmp_path / "s.xlsx"))
    assert {p.row for p in studies.errors} == {2, 3, 4}  # none of them is a number of its own


def test_a_totals_row_is_no_study(tmp_path):
    book = Workbook()
    sheet = book.active
    sheet.append(["study", "n", "r_sleep", "r_mood"])
    sheet.append(["Ames 2001", 50, 0.3, 0.1])
    sheet.append(["Boll 2004", 60, 0.2, 0.2])
    sheet.append(["", "=SUM(B2:B3)", "=AVERAGE(C2:C3)", "=AVERAGE(D2:D3)"])
    path = tmp_path / "w.xlsx"
    book.save(path)
    imported = ma.import_sheet(path)
    assert imported.frame["r"].tolist() == [0.3, 0.1, 0.2, 0.2]
    assert [x.place for x in imported.left_out] == ["row 4"]
