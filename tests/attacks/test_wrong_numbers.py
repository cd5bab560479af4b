"""No sign is lost and no number is misread."""

from __future__ import annotations

import io

import mpmath
import pytest
from openpyxl import load_workbook

import metaalliance as ma
from metaalliance.core.conversion.formulas import unbiased_r
from metaalliance.sheet.read.grid import PercentCell
from metaalliance.sheet.read.numbers import parse_number


def test_sign_of_minus_one_is_read_as_plus(load):
    studies = load("study,F,n,sign\nA,4,40,-1\nB,3,40,1\n")
    assert ma.effect_sizes(studies).frame.r[0] < 0


def test_numeric_sign_of_minus_one_is_read_as_plus(xlsx):
    studies = xlsx({"effects": [["study", "F", "n", "sign"], ["A", 4, 40, -1]]})
    assert ma.effect_sizes(studies).frame.r[0] < 0


@pytest.mark.parametrize("sign", [".", "/", "()", "_", "'", ":"])
def test_sign_of_punctuation_is_read_as_minus(load, sign):
    assert load(f"study,F,n,sign\nA,4,40,{sign}\n").errors


@pytest.mark.parametrize(("sign", "factor"), [("+", 1), ("-", -1)])
def test_one_tailed_p_above_half_turns_the_sign(load, sign, factor):
    studies = load(f"study,p,n,tails,sign\nA,.7,40,1,{sign}\n")
    assert studies.errors or ma.effect_sizes(studies).frame.r[0] * factor >= 0


@pytest.mark.parametrize("df", [200, 500, 1498, 10_000])
@pytest.mark.parametrize("r", [0.001, 0.03, 0.1, 0.25, -0.3])
def test_unbiased_r_of_large_samples(r, df):
    expected = float(r * mpmath.hyp2f1(0.5, 0.5, mpmath.mpf(df) / 2, 1 - mpmath.mpf(r) ** 2))
    assert unbiased_r(r, df) == pytest.approx(expected, rel=1e-11)


def test_unbiased_r_of_one_large_sample_pools(call, tmp_path):
    (tmp_path / "t.csv").write_text("study,r,n\nA,.03,1500\nB,.2,400\nC,.3,60\nD,.25,90\n")
    result = call("pool", "t.csv", "--no-figures", "--measure", "r-unbiased")
    assert result.exit_code == 0


def test_columns_a_b_c_d_are_read_as_cohens_d(load):
    studies = load("study,a,b,c,d,n\nA,20,10,8,22,60\n")
    assert studies.errors or abs(ma.effect_sizes(studies).frame.r[0] - 0.4009) < 0.001


@pytest.mark.parametrize(
    ("column", "text"),
    [("r", "p = .03"), ("r", "d = .5"), ("r", "β = .3"), ("t", "F = 4.2"), ("n", "p = 4")],
)
def test_label_of_another_statistic_is_removed(load, column, text):
    rest = "n" if column != "n" else "r"
    studies = load(f"study,{column},{rest}\nA,{text},{40 if rest == 'n' else 0.3}\n")
    assert studies.errors


def test_thousands_point_of_a_decimal_comma_file(load):
    studies = load("study;r;n\nA;0,35;12.000\nB;0,21;50\n")
    assert studies.errors or studies.rows[0].get("n") == 12_000


@pytest.mark.parametrize("raw", ["0 350", "0,234", "120 115"])
def test_grouping_that_is_none(raw):
    assert parse_number(raw, integer=True).fault == "MA302"


@pytest.mark.parametrize("raw", ["1.2k", "45K", "3m", "10²", "5e"])
def test_unit_or_exponent_is_taken_for_a_footnote(raw):
    assert parse_number(raw).fault == "MA302"


def test_large_yi_keeps_its_digits(load):
    found = ma.effect_sizes(load("study,yi,vi,yi_measure\nA,9,.01,z\n"))
    assert found.yi[0] == 9


def test_semipartial_r_beyond_its_model(load):
    assert load("study,semipartial_r,r2_model,n\nA,.5,.1,40\n").errors


def test_n_against_the_group_sizes(load):
    studies = load("study,d,n,n1,n2\nA,0.2,38,30,30\n")
    assert [p for p in studies.problems if p.code != "MA504"]


def test_n_against_the_counts(load):
    studies = load("study,cell_a,cell_b,cell_c,cell_d,n\nA,20,10,8,22,600\n")
    assert [p for p in studies.problems if p.code != "MA504"]


def test_two_row_header_loses_the_group_of_a_column(xlsx):
    rows = [["Study", "Alliance", None, "Outcome"], [None, "r", "n", "measure"],
            ["A", 0.3, 40, "BDI"]]  # fmt: skip
    assert xlsx({"effects": rows}).rows[0].get("alliance_measure") is None


def test_own_numeric_column_of_text_is_numeric(load):
    effects = ma.effect_sizes(load("study,r,n,dose\nA,.3,40,12\nB,.2,50,14.5\n"))
    assert effects.frame["dose"].tolist() == [12, 14.5]


def test_percent_arithmetic_is_exact():
    assert parse_number(PercentCell(0.57), percent=1).value == 57


def test_percent_of_variance_is_exact():
    assert parse_number("35%", percent=0.01).value == 0.35


def test_ledger_shows_every_digit(load):
    effects = ma.effect_sizes(load("study,r,n\nA,0.12345678901234568,40\n"))
    assert "0.12345678901234568" in effects.ledger.inputs[0]


def test_fullwidth_digits_are_read_without_a_note():
    found = parse_number("１２")
    assert found.fault or found.changes


def test_workbook_keeps_the_last_digit():
    from metaalliance.report.workbooks.write import write_workbook

    book = load_workbook(io.BytesIO(write_workbook({"S": [["x"], [0.1 + 0.2]]})))
    assert book["S"]["A2"].value == 0.1 + 0.2
