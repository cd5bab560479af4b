"""Nothing is refused without need, and messages are right."""

from __future__ import annotations

import io
import zipfile

import pytest
from attack_examples import errors, values
from openpyxl import Workbook

import metaalliance as ma
from metaalliance.sheet.columns.specification import find_column
from metaalliance.sheet.read.numbers import parse_number


def test_formula_that_gives_blank_text_is_blank(tmp_path):
    book = Workbook()
    for row in (["study", "r", "n", "notes"], ["A", 0.3, 40, 7]):
        book.active.append(row)
    buffer, path = io.BytesIO(), tmp_path / "t.xlsx"
    book.save(buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w", 8) as target:
        for entry in source.infolist():
            data = source.read(entry).replace(
                b'<c r="D2" t="n"><v>7</v></c>',
                b'<c r="D2" t="str"><f>IF(A2="","x","")</f><v></v></c>',
            )
            target.writestr(entry.filename, data)
    assert ma.load_studies(path).errors == ()


@pytest.mark.parametrize("other", ["authors", "author", "reference", "citation", "publication"])
def test_study_label_beside_a_column_of_authors(load, other):
    assert errors(load(f"study,{other},r,n\nSmith 2001,Smith,.2,40\n")) == []


SEPARATED = {
    "semicolon": 'study;r;n;notes\nA;0,35;40;"a, b, c, d, e, f, g"\nB;0,21;50;\n',
    "tab": "study\tr\tn\tnotes\nA\t.35\t40\ta, b, c, d, e, f\nB\t.21\t50\t\n",
    "comma": 'study,r,n,notes\nA,.35,40,"a; b; c; d; e; f"\nB,.21,50,\n',
}


@pytest.mark.parametrize("text", SEPARATED.values(), ids=SEPARATED)
def test_separator_is_that_of_the_header(load, text):
    assert values(load(text)) == [0.35, 0.21]


def test_exponent_in_a_decimal_comma_file():
    assert parse_number("1,5E-05", decimal_comma=True).value == 1.5e-05


def test_codebook_in_the_words_of_the_sheet(xlsx):
    studies = xlsx(
        {
            "effects": [["Study ID", "Correlation", "N"], ["A", 0.3, 40], ["B", 0.2, 50]],
            "codebook": [["Variable", "Code"], ["Study ID", "text"], ["Correlation", "-1 to 1"],
                         ["N", "count"]],
        }
    )  # fmt: skip
    assert len(studies.used) == 2


def test_missing_group_sizes_are_one_problem(load):
    assert errors(load("study,d\nA,.4\n")) == [("MA403", "B2")]


def test_inequality_for_p_beside_r_is_no_error(load):
    assert errors(load("study,r,n,p\nA,.35,40,<.05\nB,.2,50,n.s.\n")) == []


def test_two_row_header_names_the_right_cell(xlsx):
    rows = [["Author", "Alliance", None], [None, "r", "n"], ["A", 0.3, 40]]
    found = [p.cell for p in xlsx({"effects": rows}).problems if p.code == "MA206"]
    assert found == ["A1"]


def test_date_as_study_label(xlsx):
    import datetime as dt

    studies = xlsx({"effects": [["study", "r", "n"], [dt.datetime(2024, 2, 1), 0.3, 40]]})
    assert [p.code for p in studies.errors] == ["MA305"]


@pytest.mark.parametrize("label", ["-", ".", "–", "/"])
def test_punctuation_as_study_label(load, label):
    assert errors(load(f"study,r,n\n{label},.3,40\n")) == [("MA301", "A2")]


SUMMARIES = ["Mean effect size", "Total (k = 24)", "RE model", "Random effects model",
             "Mean (k=12)", "Overall (random effects)", "Sum of N", "Average across studies",
             "Total sample", "Mean weighted r", "All"]  # fmt: skip


@pytest.mark.parametrize("label", SUMMARIES)
def test_summary_row_slips_through(load, label):
    assert errors(load(f"study,r,n\nA,.3,40\n{label},.31,400\n")) == [("MA410", "A3")]


DIFFERENT = {
    "df": "study,t,df\nA,2.1,38\nA,2.1,58\n",
    "groups": "study,d,n1,n2\nA,.5,20,20\nA,.5,30,30\n",
    "sign": "study,F,df2,sign\nA,2.1,38,+\nA,2.1,38,-\n",
    "SDs": "study,mean1,sd1,n1,mean2,sd2,n2\nA,3,1,20,2,1,20\nA,3,2,20,2,2,20\n",
    "counts": "study,cell_a,cell_b,cell_c,cell_d\nA,20,10,8,22\nA,20,12,8,22\n",
    "effect": "study,effect,r,n\nA,e1,.2,38\nA,e2,.2,38\n",
}


@pytest.mark.parametrize("text", DIFFERENT.values(), ids=DIFFERENT)
def test_effects_that_differ_are_no_copies(load, text):
    assert "MA501" not in [p.code for p in load(text).problems]


def test_dropped_rows_are_no_copies(load):
    studies = load("study,r,n\nA,n.s.,40\nA,n.s.,40\nB,.2,40\n", nonsignificant="drop")
    assert errors(studies) == []


def test_missing_token_in_the_statistic_column(load):
    assert errors(load("study,statistic,r,n\nA,-,.2,38\n")) == []


def test_ns_with_group_sizes_has_an_n(load):
    assert errors(load("study,r,n1,n2\nA,n.s.,20,20\n", nonsignificant="zero")) == []


@pytest.mark.parametrize("header", ["r_2", "r.2", "r 2", "n.2"])
def test_numbered_copy_of_a_column_is_no_other_statistic(header):
    assert find_column(header) is None


def test_tiny_p_says_what_is_wrong(load):
    (error,) = load("study,p,n,sign\nA,1e-320,40,+\n").errors
    assert "nan" not in error.message


def test_web_page_by_its_content(tmp_path):
    for text in ("<!-- saved -->\n<html><table>", "<div><table><tr><td>study</td>"):
        (tmp_path / "t.xls").write_text(text)
        with pytest.raises(ma.UnreadableFileError) as caught:
            ma.load_studies(tmp_path / "t.xls")
        assert caught.value.code == "MA104"


def test_spreadsheet_escape_in_a_label(xlsx):
    rows = [["study", "r", "n"], ["Smith_x000D_ 2001", 0.3, 40]]
    assert xlsx({"effects": rows}).rows[0].study == "Smith 2001"
