"""Collapsed groups of the template, and its short form: both are read like any other sheet."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

import metaalliance as ma
from metaalliance.cli.sheets.template import run_template
from metaalliance.sheet.columns.specification import COLUMNS, IN_WORKBOOK
from metaalliance.sheet.template.workbook import template_workbook

WIDE = "sign", "d", "modality"


def _book(*, short: bool = False) -> Any:
    return load_workbook(io.BytesIO(template_workbook(short=short)))


def _coded(tmp_path, book, rows):
    sheet = book["effects"]
    names = [c.value for c in sheet[1]]
    for number, row in enumerate(rows, start=4):
        for name, value in row.items():
            sheet.cell(number, names.index(name) + 1).value = value
    path = tmp_path / "studies.xlsx"
    book.save(path)
    return ma.load_studies(path)


def _dimension(sheet, name):
    return sheet.column_dimensions[get_column_letter([c.value for c in sheet[1]].index(name) + 1)]


def test_statistics_that_few_reports_give_are_collapsed():
    sheet = _book()["effects"]
    hidden = [c.name for c in IN_WORKBOOK if _dimension(sheet, c.name).hidden]
    assert {"chi2", "mean1", "cell_d", "beta", "eta_squared", "yi", "vi", "tails"} <= set(hidden)
    assert {COLUMNS[name].group for name in hidden} == {"statistic", "companion"}
    assert not {"study", "n", "r", "t", "df", "F", "df1", "df2", "d", "sign"} & set(hidden)
    assert {_dimension(sheet, name).outlineLevel for name in hidden} == {1}
    assert sheet.sheet_format.outlineLevelCol == 1
    shown = [c.name for c in IN_WORKBOOK if _dimension(sheet, c.name).collapsed]
    assert tuple(shown) == WIDE


def test_the_header_shows_where_they_are_and_keeps_its_name():
    book = _book()
    sheet, codebook = book["effects"], book["codebook"]
    for name in WIDE:
        cell = next(c for c in sheet[1] if c.value == name)
        assert "[+]" in cell.number_format
        assert "more" in cell.number_format
        assert "Collapsed left of it" in cell.comment.text
    groups = {row[0]: row[1] for row in codebook.iter_rows(values_only=True) if row[1]}
    assert groups["chi2"] == "Statistic, collapsed"
    assert groups["r"] == "Statistic"
    text = " ".join(str(row[1]) for row in book["about"].iter_rows(values_only=True))
    assert "the + above sign, d and modality" in text


def test_collapsed_columns_are_read_and_said_only_where_they_hold_something(tmp_path):
    plain = {"study": "A", "n": 50, "r": 0.3, "outcome_direction": "higher_better"}
    studies = _coded(tmp_path, _book(), [plain, {**plain, "study": "B"}])
    assert not studies.problems
    other = {"study": "C", "n": 60, "chi2": 4.0, "sign": "+", "outcome_direction": "higher_better"}
    studies = _coded(tmp_path, _book(), [plain, {**plain, "study": "B"}, other])
    (found,) = studies.problems
    assert (found.code, found.message) == (
        "MA209", "hidden columns are read like all others: chi2")  # fmt: skip
    assert ma.effect_sizes(studies).frame["r"].iloc[-1] == pytest.approx((4 / 60) ** 0.5)


def test_the_short_form_has_dropdowns_and_is_pooled(tmp_path):
    book = _book(short=True)
    sheet = book["effects"]
    names = [c.value for c in sheet[1]]
    assert names[0] == "study"
    assert len(names) < 30
    assert names == [c.name for c in IN_WORKBOOK if c.name in names]
    assert not any(_dimension(sheet, name).hidden for name in names)
    lists = [v for v in sheet.data_validations.dataValidation if v.type == "list"]
    assert len(lists) == sum(
        n == "statistic" or (COLUMNS[n].kind == "choice" and COLUMNS[n].vocabulary is not None)
        for n in names
    )
    described = {row[0] for row in book["codebook"].iter_rows(min_row=2, values_only=True)}
    assert described == set(names)
    rows = [
        {"study": "A", "n": 50, "r": 0.3, "outcome_direction": "higher_better"},
        {"study": "B", "n": 60, "statistic": "t", "value": 2.5,
         "outcome_direction": "higher_better"},
    ]  # fmt: skip
    studies = _coded(tmp_path, book, rows)
    assert not studies.problems
    effects = ma.effect_sizes(studies)
    assert list(effects.frame["r"]) == pytest.approx([0.3, 2.5 / (2.5**2 + 58) ** 0.5])


def test_examples_of_the_short_form_are_correct_when_they_are_taken(tmp_path):
    book = _book(short=True)
    sheet = book["effects"]
    names = [c.value for c in sheet[1]]
    for row in (2, 3):
        sheet.cell(row, names.index("include") + 1).value = "yes"
        sheet.cell(row, names.index("exclusion_reason") + 1).value = None
    studies = _coded(tmp_path, book, [])
    assert not [p for p in studies.problems if p.severity != "note"]
    r = ma.effect_sizes(studies, measure="r").yi
    assert list(r) == pytest.approx([0.28, 2.26 / (2.26**2 + 43) ** 0.5])


def test_command_writes_the_short_form(tmp_path):
    assert run_template(tmp_path / "studies.xlsx", force=False, short=True) == 0
    assert (tmp_path / "studies.xlsx").read_bytes() == template_workbook(short=True)
