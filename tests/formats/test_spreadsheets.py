"""What .ods, .xls and .xlsb hold beside values: errors, percentages, hidden parts, formulas."""

from __future__ import annotations

import pytest

import metaalliance as ma

HEAD = ["study", "r", "t", "n", "percent_female"]


def cell(kind, shown="", **attributes):
    """An OpenDocument cell as XML."""
    listed = "".join(f' {name.replace("_", ":", 1)}="{v}"' for name, v in attributes.items())
    listed = listed.replace("value-type_", "value-type").replace("_", "-")
    value = f' office:value-type="{kind}"' if kind else ""
    return f"<table:table-cell{value}{listed}><text:p>{shown}</text:p></table:table-cell>"


@pytest.fixture
def load(open_document, write):
    def read(rows, **options):
        return ma.load_studies(write(open_document(rows, **options), "t.ods"))

    return read


ERRORS = [
    cell("string", "#DIV/0!", **{"calcext_value-type": "error", "table_formula": "of:=1/0"}),
    cell("string", "#DIV/0!", table_formula="of:=1/0"),
    cell("float", "Err:502", office_value="0", table_formula="of:=X()"),
]


@pytest.mark.parametrize("broken", ERRORS)
def test_an_error_cell_of_ods_is_an_error_beside_another_statistic(load, errors, broken):
    studies = load([HEAD, ["A 2001", broken, 2.1, 40], ["B 2002", 0.2, None, 50]])
    assert errors(studies) == [("MA303", "B2")]


def test_a_percentage_of_ods_is_no_correlation(load, errors):
    share = cell("percentage", "35%", office_value="0.35")
    studies = load([HEAD, ["A 2001", share, None, 40, share], ["B 2002", 0.2, None, 50]])
    assert errors(studies) == [("MA308", "B2")]
    assert studies.rows[0].get("percent_female") == 35


def test_a_formula_of_ods_without_a_value(load, errors):
    blank = '<table:table-cell table:formula="of:=[.A1]"/>'
    assert errors(load([HEAD, ["A 2001", blank, None, 40]])) == [("MA304", "B2")]


def test_dates_and_durations_of_ods(load, errors):
    day = cell("date", "01.02.20", **{"office_date-value": "2020-02-01"})
    long = cell("time", "30:15:00", **{"office_time-value": "PT30H15M00S"})
    studies = load([HEAD, ["A 2001", day, None, 40], ["B 2002", long, None, 50]])
    assert errors(studies) == [("MA305", "B2"), ("MA306", "B3")]


def test_values_of_ods_are_what_is_stored_not_what_is_shown(load):
    """Shown in German, as minutes and seconds, with a comment, in two paragraphs."""
    true = cell("boolean", "WAHR", **{"office_boolean-value": "true"})
    false = cell("boolean", "FALSCH", **{"office_boolean-value": "false"})
    length = cell("time", "15:30", **{"office_time-value": "PT00H15M30S"})
    note = (
        '<office:annotation xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>AB'
        "</dc:creator><text:p>page 12</text:p></office:annotation>"
    )
    rater = cell("string", "therapist").replace("<text:p>", f"{note}<text:p>")
    scale = cell("string", "WAI-S</text:p><text:p>HAQ-II")
    head = ["study", "r", "n", "checked", "length", "seen by", "scale"]
    studies = load(
        [head, ["A 2001", 0.2, 40, true, length, rater, scale], ["B 2002", 0.3, 50, false]]
    )
    first, second = studies.rows
    assert [first.get("checked"), second.get("checked")] == ["True", "False"]
    assert first.get("length") == "0:15:30"
    assert first.get("seen by") == "therapist"
    assert first.get("scale") == "WAI-S HAQ-II"


def test_hidden_merged_and_annotated_parts_of_ods(load, said):
    comment = (
        '<table:table-cell office:value-type="string" table:number-rows-spanned="2">'
        "<office:annotation><text:p>from table 2</text:p></office:annotation>"
        "<text:p>A<text:s text:c='1'/>2001</text:p></table:table-cell>"
    )
    hidden = (
        '<table:table-row table:visibility="collapse"><table:covered-table-cell/>'
        '<table:table-cell office:value-type="float" office:value="0.2"/><table:table-cell/>'
        '<table:table-cell office:value-type="float" office:value="50"/></table:table-row>'
    )
    before = (
        '<table:table-column table:number-columns-repeated="3"/>'
        '<table:table-column table:visibility="collapse"/>'
    )
    studies = load([HEAD, [comment, 0.3, None, 40], hidden], before=before)
    assert studies.rows[0].study == "A 2001"
    assert studies.rows[0].cells["study"].note == "from table 2"
    assert any("A2:A3 is merged" in m for m in said(studies, "MA210"))
    assert len(said(studies, "MA209")) == 2


def test_repeated_cells_and_rows_of_ods(load):
    same = (
        '<table:table-cell table:number-columns-repeated="2" office:value-type="float" '
        'office:value="50"/>'
    )
    row = (
        '<table:table-row table:number-rows-repeated="2"><table:table-cell '
        'office:value-type="string"><text:p>A 2001</text:p></table:table-cell>'
        f'<table:table-cell office:value-type="float" office:value="0.2"/>{same}</table:table-row>'
    )
    end = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    studies = load([["study", "r", "n", "n1"], row, end])
    assert [r.number for r in studies.rows] == [2, 3]
    assert [r.get("n1") for r in studies.rows] == [50, 50]


NUMBER = 'office:value-type="float" office:value="1"/></table:table-row>'
BEYOND = {
    "rows": f'<table:table-row table:number-rows-repeated="90000000"><table:table-cell {NUMBER}',
    "cells": '<table:table-row><table:table-cell table:number-columns-repeated="90000000" '
    + NUMBER,
    "column": '<table:table-row><table:table-cell table:number-columns-repeated="600"/>'
    f"<table:table-cell {NUMBER}",
}


@pytest.mark.parametrize("row", BEYOND.values(), ids=BEYOND)
def test_repetitions_beyond_the_bounds_are_refused(load, row):
    with pytest.raises(ma.UnreadableFileError, match=r"beyond row 50,000 or column 512") as caught:
        load([HEAD, row])
    assert caught.value.code == "MA107"


def test_a_hidden_sheet_of_ods_is_not_chosen(load):
    more = (
        '<table:table table:name="other" table:style-name="off"><table:table-row>'
        '<table:table-cell office:value-type="string"><text:p>study</text:p></table:table-cell>'
        '<table:table-cell office:value-type="string"><text:p>r</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    )
    assert load([HEAD, ["A 2001", 0.3, None, 40]], more=more).sheet == "effects"


def test_an_encrypted_ods_says_so(zipped, write):
    manifest = "<m><encryption-data/></m>"
    content = zipped({"content.xml": b"\x00\x01", "META-INF/manifest.xml": manifest})
    with pytest.raises(ma.UnreadableFileError, match="password") as caught:
        ma.load_studies(write(content, "t.ods"))
    assert caught.value.code == "MA103"


def test_marks_of_xls(files, errors, said):
    pytest.importorskip("xlrd")
    studies = ma.load_studies(files / "marks.xls")
    assert errors(studies) == [("MA303", "B4"), ("MA210", "A7"), ("MA308", "B7")]
    assert studies.rows[0].get("percent_female") == 65
    assert len(said(studies, "MA209")) == 2
    assert len(said(studies, "MA112")) == 1


def test_marks_of_xlsb(binary_workbook, write, errors):
    rows = [HEAD, ["A 2001", "#DIV/0!", 2.1, 40], ["B 2002", 0.35, None, 50, 0.65]]
    content = binary_workbook(rows, percent=[(2, 1), (2, 4)])
    studies = ma.load_studies(write(content, "t.xlsb"))
    assert errors(studies) == [("MA303", "B2"), ("MA308", "B3")]
    assert studies.rows[1].get("percent_female") == 65


@pytest.mark.parametrize("name", ["t.ods", "t.xlsb"])
def test_a_column_beyond_the_bound_is_refused_not_cut(open_document, binary_workbook, write, name):
    rows = [["study", "r", "n", *[None] * 520, "include"], ["A 2001", 0.3, 40, *[None] * 520, "no"]]
    content = (open_document if name.endswith("ods") else binary_workbook)(rows)
    with pytest.raises(ma.UnreadableFileError, match="column 512") as caught:
        ma.load_studies(write(content, name))
    assert caught.value.code == "MA107"
