"""Data frames of R: factors, dates, matrices, escalc, several frames in a file."""

from __future__ import annotations

import math

import pytest

import metaalliance as ma

pytest.importorskip("rdata")


@pytest.fixture
def odd(files):
    return ma.load_studies(files / "odd.rds")


def values(studies, name):
    return [row.get(name) for row in studies.rows]


def test_each_type_keeps_its_values(odd):
    assert values(odd, "coded")[:3] == ["2020-01-31", None, "2021-05-06"]
    assert values(odd, "seen")[0] == "2020-01-31 10:00:00"
    assert values(odd, "checked")[:3] == ["True", None, "False"]


def test_the_level_na_of_a_factor_is_missing(odd, said):
    assert values(odd, "kind") == ["a", None, "b", "a", "b", "a"]
    assert len(said(odd, "MA115")) == 1


def test_columns_of_a_matrix_are_named_as_r_names_them(odd, said):
    assert values(odd, "parts.bond") == [1, 2, 3, 4, 5, 6]
    assert values(odd, "parts.task") == [7, 8, 9, 10, 11, 12]
    assert any("parts.bond" in m for m in said(odd, "MA123"))


def test_a_matrix_of_one_column_is_a_column(odd):
    assert values(odd, "z_score")[0] == pytest.approx(-1.2177198, abs=1e-6)


def test_a_column_of_lists_is_left_out_with_a_warning(odd, said):
    assert "raw" not in odd.frame
    assert said(odd, "MA122") == ["columns that hold lists or tables are not read: 'raw'"]


def test_names_of_rows_are_kept(odd):
    assert values(odd, "row.names")[0] == "row_a"


def test_escalc_says_the_scale(files, said):
    studies = ma.load_studies(files / "escalc.rds")
    assert [row.get("yi_measure") for row in studies.rows] == ["z"] * 5
    assert studies.rows[0].get("yi") == pytest.approx(math.atanh(0.35), rel=1e-12)
    assert any("as ZCOR" in m for m in said(studies, "MA123"))


def test_escalc_of_partial_correlations_is_r_with_its_own_variance(files, said):
    studies = ma.read_studies(files / "escalc_pcor.rds")
    assert any("PCOR, a partial correlation" in m for m in said(studies, "MA123"))
    effects = ma.effect_sizes(studies, measure="r")  # the numbers that metafor 3.8-1 printed
    assert effects.yi == pytest.approx([0.3458572319, 0.2319156324, 0.3588915010], abs=1e-9)
    assert effects.vi == pytest.approx([0.0168494311, 0.0157074226, 0.0116766773], abs=1e-9)
    assert all("partial correlation" in f for f in effects.ledger["formula"])


def test_escalc_of_another_measure_is_an_error_that_offers_no_scale(files, said):
    studies = ma.load_studies(files / "escalc_rr.rds")
    assert {p.column for p in studies.errors} == {"yi_measure"}
    assert any("RR, and no scale of yi_measure is right" in m for m in said(studies, "MA123"))
    assert not studies.used


def test_a_frame_of_several_is_chosen_by_its_name(files):
    studies = ma.load_studies(files / "both.rda")
    assert studies.sheet == "effects"
    assert studies.frame["year"].tolist() == [2001, 2004, 2004, 2010, 2012, 2015]
    assert ma.load_studies(files / "both.rda", sheet="effects").sheet == "effects"
    with pytest.raises(ma.UnreadableFileError, match="no sheet 'other'; it has 'effects'"):
        ma.load_studies(files / "both.rda", sheet="other")


def test_a_model_is_no_data_frame(files):
    with pytest.raises(ma.UnreadableFileError, match="class 'lm' and no data frame") as caught:
        ma.load_studies(files / "model.rds")
    assert caught.value.code == "MA124"


def test_a_packed_file_that_is_not_of_r(write):
    import gzip

    path = write(gzip.compress(b"study,r,n\nA,.3,40\n"), "sheet.csv.gz")
    with pytest.raises(ma.UnreadableFileError, match="Unpack it first") as caught:
        ma.load_studies(path)
    assert caught.value.code == "MA104"
