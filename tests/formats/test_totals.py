"""Rows of totals: left out where the file marks them, an error where only a word says so."""

from __future__ import annotations

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.table import Table

import metaalliance as ma

HEAD = ["study", "n", "r"]
STUDIES = [["Ames 2001", 120, 0.05], ["Boll 2004", 95, 0.22], ["Crane 2010", 240, 0.31]]


@pytest.fixture
def load(tmp_path):
    """Rows as .xlsx; formulas get the value that openpyxl does not store from `cached`."""

    def read(rows, *, table=False, title=0):
        book = Workbook()
        book.active.title = "effects"
        for row in rows:
            book.active.append(row)
        if table:
            ref = f"A{1 + title}:C{len(rows)}"
            found = Table(displayName="Coding", ref=ref, totalsRowCount=1)
            found.tableColumns = []
            found._initialise_columns()
            for column, name in zip(found.tableColumns, HEAD, strict=True):
                column.name = name
            book.active.add_table(found)
        path = tmp_path / "t.xlsx"
        book.save(path)
        return ma.load_studies(path)

    return read


def left_out(studies):
    return [p.row for p in studies.problems if p.code == "MA418"]


def test_the_totals_row_of_a_table(load, said):
    studies = load([HEAD, *STUDIES, ["Alles zusammen", 455, 0.19]], table=True)
    assert left_out(studies) == [5]
    assert [row.number for row in studies.used] == [2, 3, 4]
    assert said(studies, "MA418") == [
        "the row of totals is left out: the table has it as its totals row"
    ]
    assert not studies.errors


@pytest.mark.parametrize(
    "formula", ["=SUBTOTAL(101,C2:C4)", "=SUBTOTAL(109,Coding[r])", "=AGGREGATE(1,6,$C$2:$C$4)"]
)
def test_subtotal_marks_its_row(load, formula):
    studies = load([HEAD, *STUDIES, ["Any words", 455, formula]])
    assert left_out(studies) == [5]
    assert not studies.errors


@pytest.mark.parametrize("label", ["Totale", None, "Gewichteter Mittelwert"])
def test_formulas_over_all_rows_above(load, label):
    studies = load([HEAD, *STUDIES, [label, "=SUM(B2:B4)", "=AVERAGE(C2:C4)"]])
    assert left_out(studies) == [5]


def test_several_rows_of_totals(load):
    rows = [["M", "=AVERAGE(B2:B4)", "=AVERAGE(C2:C4)"], ["SD", "=STDEV(B2:B4)", "=STDEV(C2:C4)"]]
    assert left_out(load([HEAD, *STUDIES, *rows])) == [5, 6]


def test_a_sum_within_a_study_is_an_effect(load, codes):
    """The first study reports two samples and, below them, both together."""
    rows = [
        ["Ames 2001", 60, 0.1], ["Ames 2001", 60, 0.2], ["Ames 2001", "=SUM(B2:B3)", 0.15],
        ["Boll 2004", 95, 0.22],
    ]  # fmt: skip
    studies = load([HEAD, *rows])
    assert left_out(studies) == []
    assert [p.cell for p in studies.errors] == ["B4"]  # openpyxl stores no value


@pytest.mark.parametrize("label", [
    "Total", "Gesamtergebnis", "Ergebnis", "Summe", "Totaal", "Gemiddelde", "Moyenne", "Somme",
    "Total général", "Promedio", "Suma total", "Media", "Totale", "Somma", "Média",
])  # fmt: skip
def test_a_word_alone_is_an_error(load, label):
    studies = load([HEAD, *STUDIES, [label, 455, 0.19]])
    assert [(p.code, p.cell) for p in studies.errors] == [("MA410", "A5")]
    assert left_out(studies) == []


@pytest.mark.parametrize("label", [
    "Media et al. (2001)", "Total 2004", "Somme & Ridder 1999", "Totaalzorg", "Mittelmann",
    "Summers", "Allemand", "Van der Som 2010", "Meanwell",
])  # fmt: skip
def test_a_study_with_such_a_name_is_a_study(load, label):
    studies = load([HEAD, *STUDIES, [label, 455, 0.19]])
    assert not studies.errors
    assert left_out(studies) == []


def test_formulas_of_open_document(open_document, write):
    total = (
        "<table:table-cell/>"
        '<table:table-cell table:formula="of:=SUM([.B2:.B4])" office:value-type="float" '
        'office:value="455"/><table:table-cell table:formula="of:=SUBTOTAL(101;[.C2:.C4])" '
        'office:value-type="float" office:value="0.193"/>'
    )
    rows = [HEAD, *STUDIES, f"<table:table-row>{total}</table:table-row>"]
    studies = ma.load_studies(write(open_document(rows), "t.ods"))
    assert left_out(studies) == [5]
    assert not studies.errors


def test_a_row_of_totals_is_no_row_of_the_study_above(tmp_path):
    book = Workbook()
    book.active.title = "effects"
    rows = [
        ["study", "outcome_measure", "n", "r"], ["Ames 2001", "BDI", 120, 0.05],
        [None, "OQ-45", 120, 0.1], ["Boll 2004", "BDI", 95, 0.22],
        [None, None, 335, "=SUBTOTAL(101,D2:D4)"],
    ]  # fmt: skip
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    (tmp_path / "metaalliance.toml").write_text('fill_down = ["study"]\n')
    studies = ma.load_studies(tmp_path / "t.xlsx", config=tmp_path / "metaalliance.toml")
    assert left_out(studies) == [5]
    assert [row.study for row in studies.used] == ["Ames 2001", "Ames 2001", "Boll 2004"]
