"""Results workbooks and CSV: text stays text, equal content gives equal bytes."""

from __future__ import annotations

import csv
import io
import math
import zipfile

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from metaalliance.report.workbooks.spreadsheet_text import to_csv
from metaalliance.report.workbooks.write import write_workbook

LIVE = ['=HYPERLINK("http://x")', "=cmd|'/c calc'!A1", "=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1",
        "<script>alert(1)</script>", "100% & $x_1$", "Smith [/CBT]", "'quoted"]  # fmt: skip


def read(content, sheet="S"):
    return load_workbook(io.BytesIO(content))[sheet]


@pytest.mark.parametrize("text", LIVE)
def test_text_is_no_formula(text):
    cell = read(write_workbook({"S": [["label"], [text]]}))["A2"]
    assert (cell.data_type, cell.value) == ("s", text)


@pytest.mark.parametrize("text", LIVE)
def test_header_is_no_formula(text):
    frame = pd.DataFrame({text: [1.0]})
    assert read(write_workbook({"S": frame}))["A1"].data_type == "s"


def test_workbook_has_no_formula_at_all():
    content = write_workbook({"S": [["label"], *([t] for t in LIVE)]})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [archive.read(n) for n in archive.namelist() if "worksheets" in n]
    assert not any(b"<f>" in part or b"<f " in part for part in parts)


@pytest.mark.parametrize("text", ["vertical\x0btab", "\x1b[31m", "nul\x00", "bell\x07"])
def test_forbidden_characters_are_dropped(text):
    value = read(write_workbook({"S": [["label"], [text]]}))["A2"].value
    assert value == "".join(c for c in text if c.isprintable())


def test_long_text_is_cut_to_what_a_cell_holds():
    assert len(read(write_workbook({"S": [["x" * 40_000]]}))["A1"].value) == 32_767


@pytest.mark.parametrize("value", [0.1 + 0.2, -1e-300, 1 / 3, 123_456.789, np.float64(0.1), 42])
def test_number_is_kept_to_sixteen_digits(value):
    found = read(write_workbook({"S": [["x"], [value]]}))["A2"].value
    assert found == pytest.approx(value, rel=5e-16)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, np.nan])
def test_missing_and_infinite_values_are_blank(value):
    assert read(write_workbook({"S": [["x", "y"], [value, 1]]}))["A2"].value is None


def test_missing_values_of_a_frame_are_blank():
    frame = pd.DataFrame({"a": ["x", None], "b": [math.nan, 1.5]})
    rows = list(read(write_workbook({"S": frame})).values)
    assert rows == [("a", "b"), ("x", None), (None, 1.5)]


def test_logical_values_stay_logical():
    frame = pd.DataFrame({"a": [True, False]})
    assert [row[0] for row in read(write_workbook({"S": frame})).values][1:] == [True, False]


def test_equal_content_gives_equal_bytes():
    frame = pd.DataFrame({"a": ["x", "=y"], "b": [0.1, 2]})
    assert write_workbook({"S": frame}) == write_workbook({"S": frame.copy()})


def test_sheets_keep_their_order():
    content = write_workbook({"B": [["x"]], "A": [["y"]]})
    assert load_workbook(io.BytesIO(content)).sheetnames == ["B", "A"]


def table(text):
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@x", "\t=1", "\r=1", "=cmd|'/c calc'!A1"])
def test_csv_text_cannot_be_a_formula(text):
    assert table(to_csv(pd.DataFrame({"a": [text]})))[1][0][0] in {"'", "1"} or not text.strip()


def test_csv_numbers_are_left_alone():
    assert table(to_csv(pd.DataFrame({"a": [-0.21, 0.1 + 0.2]})))[1:] == [
        ["-0.21"],
        ["0.30000000000000004"],
    ]


def test_csv_header_cannot_be_a_formula():
    assert table(to_csv(pd.DataFrame({"=x": [1]})))[0] == ["'=x"]


def test_csv_keeps_one_row_for_each_row():
    frame = pd.DataFrame({"a": ['two\nlines, "quoted"', "b"]})
    assert len(table(to_csv(frame))) == 3


def test_csv_missing_is_blank():
    assert table(to_csv(pd.DataFrame({"a": [None, "x"], "b": [1.0, math.nan]})))[1:] == [
        ["", "1.0"],
        ["x", ""],
    ]
