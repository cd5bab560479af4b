"""RevMan's three files: one invented review in each of them gives the same effects.

Layouts: R's package meta (inst/extdata/Fleiss1993.rm5, Fleiss1993_CR.csv, Fleiss1993.zip), where
RevMan Web writes 0 into the columns that an analysis does not have, and a review with subgroups in
github.com/IEBH/revman (test/data).
"""

from __future__ import annotations

import io
import zipfile

import pytest
from imported_sheets import EVENTS, MEANS, effects_of, five, phi, point_biserial, rm5, web

import metaalliance as ma

FILES = {
    "data-rows.csv": (web, "utf-8"),
    "export.csv": (five, "utf-8"),
    "review.rm5": (rm5, "iso-8859-1"),
}


@pytest.mark.parametrize("name", FILES)
def test_each_file_gives_the_effects_of_the_review(made, tmp_path, name):
    text, encoding = FILES[name]
    imported = ma.import_sheet(made(name, text(), encoding=encoding))
    assert imported.house == "revman"
    assert len(imported.entries) == len(MEANS) + len(EVENTS)
    assert not imported.left_out
    found = effects_of(imported, tmp_path)
    expected = {(s, "BDI-II"): -point_biserial(*v) for s, v in MEANS.items()}
    expected |= {(s, "dropout"): -phi(*v) for s, v in EVENTS.items() if v[0] + v[2]}
    assert found == pytest.approx(expected, abs=1e-12)
    assert sorted(imported.frame["year"].dropna()) == [1999, 2004, 2007, 2010, 2010]


@pytest.mark.parametrize("name", FILES)
def test_what_gives_no_effect_stays_with_its_reason(made, name):
    text, encoding = FILES[name]
    frame = ma.import_sheet(made(name, text(), encoding=encoding)).frame
    out = frame[frame["include"] == "no"]
    assert out["study"].tolist() == ["Petit 1999"]
    assert "no events in either group" in out["exclusion_reason"].iloc[0]


@pytest.mark.parametrize("name", FILES)
def test_pooling_treatment_effects_says_what_it_means(made, name):
    text, encoding = FILES[name]
    imported = ma.import_sheet(made(name, text(), encoding=encoding))
    assert "not correlations of alliance with outcome" in imported.meaning


def test_directions_that_are_not_known_are_decided_by_a_person(made, tmp_path):
    text = web().replace("BDI-II", "Mood").replace("Dropout", "Relapsed")
    path = made("d.csv", text)
    imported = ma.import_sheet(path)
    asked = [q for q in imported.questions if q.code == "MA550"]
    assert [q.column for q in asked] == ["outcome_direction"] * 2
    studies = ma.load_studies(imported.save(tmp_path / "open.xlsx"))
    assert len(studies.errors) == 4
    assert {p.column for p in studies.errors} == {"outcome_direction"}
    told = ma.import_sheet(path, directions={"mood": "higher_better", "*": "lower_better"})
    found = effects_of(told, tmp_path)
    assert found["Novak 2010", "Mood"] == pytest.approx(point_biserial(*MEANS["Novak 2010"]))
    assert found["Novak 2010", "Relapsed"] == pytest.approx(-phi(*EVENTS["Novak 2010"]))


def test_one_outcome_without_a_direction_is_left_blank_and_asked_about(made, tmp_path):
    text = "\n".join(x for x in web().split("\n") if "Dropout" not in x).replace("BDI-II", "Mood")
    imported = ma.import_sheet(made("d.csv", text))
    assert "outcome_direction" not in imported.frame
    assert [q.code for q in imported.questions] == ["MA550"]
    found = effects_of(imported, tmp_path)
    assert found["Müller 2004", "Mood"] == pytest.approx(point_biserial(*MEANS["Müller 2004"]))


def test_means_below_zero_may_have_been_turned_already(made):
    imported = ma.import_sheet(made("d.csv", web().replace("8.5,4.0", "-8.5,4.0")))
    assert set(imported.frame["outcome_direction"].dropna()) == {"decide", "lower_better"}


def test_numbers_that_stand_in_two_analyses_count_once(made, tmp_path):
    again = "\n".join(
        x.replace("1,2,Dropout", "2,1,Dropout by age") for x in web().split("\n")[3:5]
    )
    imported = ma.import_sheet(made("d.csv", web() + "\n" + again))
    reasons = imported.frame["exclusion_reason"].dropna().tolist()
    assert reasons.count("the numbers of analysis 1.2 again") == 2
    assert len(effects_of(imported, tmp_path)) == 4


def test_estimates_keep_their_scale_or_ask_for_it(made):
    data = '<IV_DATA EFFECT_SIZE="{}" ESTIMABLE="YES" SE="0.25" STUDY_ID="STD-Novak-2010"/>'
    more = "".join(
        f'<IV_OUTCOME EFFECT_MEASURE="{m}" NO="{n}"><NAME>{m}</NAME>{data.format(v)}</IV_OUTCOME>'
        for n, (m, v) in enumerate({"OR": 2.0, "SMD": -0.4, "MD": 3.0}.items(), start=3)
    )
    path = made("r.rm5", rm5(more), encoding="iso-8859-1")
    frame = ma.import_sheet(path).frame.set_index("outcome_measure")
    assert frame.loc["OR", "log_odds_ratio"] == pytest.approx(0.6931471805599453)
    assert frame.loc["OR", "se"] == 0.25
    assert frame.loc["SMD", "yi"] == -0.4
    assert "yi_measure" not in frame  # the file does not say whether d or g was entered
    assert frame.loc["MD", "include"] == "no"
    assert frame.loc["MD", "RevMan estimate"] == 3.0


def test_observed_less_expected_events_are_kept_and_not_pooled(made):
    line = (
        "1,3,Survival,,SUBGROUP_AND_OVERALL,Quist 2011,2011,0.0,0.0,0.0,0.0,0,20,0.0,0.0,0,20,"
        "-2.5,4.1,1,0,0,0,"
    )
    frame = ma.import_sheet(made("d.csv", web() + "\n" + line)).frame
    row = frame[frame["study"] == "Quist 2011"].iloc[0]
    assert (row["RevMan O-E"], row["RevMan variance"], row["include"]) == (-2.5, 4.1, "no")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (rm5(head='<!DOCTYPE r [<!ENTITY x "y">]>'), "MA106"),
        (rm5()[:-40], "MA105"),
        ('<?xml version="1.0"?><COCHRANE_REVIEW/>', "MA136"),
        ('<?xml version="1.0"?><OTHER/>', "MA130"),
    ],
)
def test_an_unsafe_or_broken_document_is_one_sentence(made, text, code):
    with pytest.raises(ma.UnreadableFileError) as caught:
        ma.import_sheet(made("r.rm5", text, encoding="iso-8859-1"))
    assert caught.value.code == code


def test_data_without_numbers_are_named(made):
    more = (
        '<OTHER_OUTCOME NO="3"><NAME>Remarks</NAME><OTHER_DATA STUDY_ID="STD-Novak-2010"/>'
        "</OTHER_OUTCOME>"
    )
    imported = ma.import_sheet(made("r.rm5", rm5(more), encoding="iso-8859-1"))
    assert [(x.study, x.place) for x in imported.left_out] == [("Novak 2010", "OTHER_DATA 1")]
    assert len(imported.entries) == len(MEANS) + len(EVENTS)


def packed(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("CD1-files/readme.txt", "x")
        archive.writestr(name, content)
    return buffer.getvalue()


def test_a_data_package_is_read_where_its_data_rows_are(tmp_path):
    """Layout: inst/extdata/Fleiss1993.zip of R's package meta, an archive within an archive."""
    inner = packed("CD1-analysis-data/CD1-data-rows.csv", web().encode())
    (tmp_path / "a.zip").write_bytes(inner)
    (tmp_path / "b.zip").write_bytes(packed("CD1-files/CD1-data.zip", inner))
    (tmp_path / "c.zip").write_bytes(packed("other.txt", b"x"))
    for name in ("a.zip", "b.zip"):
        imported = ma.import_sheet(tmp_path / name)
        assert (imported.house, imported.file) == ("revman", "CD1-data-rows.csv")
        assert len(imported.entries) == len(MEANS) + len(EVENTS)
    with pytest.raises(ma.UnreadableFileError) as caught:
        ma.import_sheet(tmp_path / "c.zip")
    assert caught.value.code == "MA104"
