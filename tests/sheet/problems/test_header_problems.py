"""The header row and the layout of the sheet: what is noted, what is refused, at which cell."""

from __future__ import annotations

import pytest

import metaalliance as ma
from metaalliance.sheet.columns.specification import COLUMNS, find_column, suggest_column

FOUND = {
    "column twice": ("MA204", "C1", "study,r,r,n\nA,.3,.3,40\n"),
    "column twice in another case": ("MA204", "C1", "study,r,R,n\nA,.3,.3,40\n"),
    "column and its alias": ("MA204", "D1", "study,r,n,Correlation\nA,.3,40,.3\n"),
    "n and sample size": ("MA204", "D1", "study,r,n,Sample size\nA,.3,40,40\n"),
    "unknown column": ("MA205", "D1", "study,r,n,colour\nA,.3,40,red\n"),
    "alias of study": ("MA206", "A1", "Author,r,n\nA,.3,40\n"),
    "alias of r": ("MA206", "B1", "study,Pearson r,n\nA,.3,40\n"),
    "alias in another case": ("MA206", "C1", "study,r,N\nA,.3,40\n"),
    "alias with a superscript": ("MA206", "B1", "study,R²,n,sign\nA,.3,40,+\n"),
    "alias with blanks": ("MA206", "C1", "study,r, sample  size ,year\nA,.3,40,2001\n"),
    "header in row 5": ("MA207", "A5", "My sheet\n\nmade in 2020\n\nstudy,r,n\nA,.3,40\n"),
    "header in row 20": ("MA207", "A20", "x\n" * 19 + "study,r,n\nA,.3,40\n"),
    "header without rows": ("MA208", "A1", "study,r,n\n"),
    "header below a title without rows": ("MA208", "A2", "Title\nstudy,r,n\n"),
    "gap": ("MA211", "A5", "study,r,n\nA,.3,40\n\n\nB,.2,50\n"),
    "gap of cells with blanks": ("MA211", "A4", "study,r,n\nA,.3,40\n , ,\nB,.2,50\n"),
    "nearly modality": ("MA212", "D1", "study,r,n,modalty\nA,.3,40,CBT\n"),
    "nearly outcome_direction": ("MA212", "D1", "study,r,n,outcome_directon\nA,.3,40,x\n"),
}


@pytest.mark.parametrize(("code", "cell", "text"), FOUND.values(), ids=FOUND)
def test_problem_of_the_layout_has_its_cell(load, cells, code, cell, text):
    assert cells(load(text), code) == [cell]


def test_every_gap_is_reported(load, cells):
    studies = load("study,r,n\nA,.3,40\n\nB,.2,50\n\n\nC,.1,60\n")
    assert cells(studies, "MA211") == ["A4", "A7"]


def test_blank_rows_at_the_end_are_no_gap(load, cells):
    assert cells(load("study,r,n\nA,.3,40\n,,\n\n , \n"), "MA211") == []


def test_duplicate_column_stops_the_analysis(load, errors):
    assert errors(load("study,r,R,n\nA,.3,.3,40\n")) == [("MA204", "C1")]


def test_duplicate_column_names_both(load):
    (error,) = load("study,r,R,n\nA,.3,.3,40\n").errors
    assert error.message == "'R' and B1 both mean 'r'."


def test_title_above_the_header_is_no_row(load):
    assert [row.number for row in load("Coding\n\nstudy,r,n\nA,.3,40\n").rows] == [4]


def test_header_with_line_break_and_invisible_characters(csv_file):
    text = '\ufeffstudy,"alliance\n rater",r\u200b,\N{NO-BREAK SPACE}n\nA,client,.3,40\n'
    studies = ma.load_studies(csv_file(text))
    assert set(studies.rows[0].cells) == {"study", "alliance_rater", "r", "n"}


def test_unknown_column_is_kept(load):
    assert load("study,r,n,colour\nA,.3,40,red\n").rows[0].get("colour") == "red"


def test_two_unknown_columns_of_one_name_are_both_kept(load):
    row = load("study,r,n,colour,colour\nA,.3,40,red,blue\n").rows[0]
    assert (row.get("colour"), row.get("colour (5)")) == ("red", "blue")


def test_header_row_repeated_inside_the_data_is_no_study(load, errors):
    studies = load("study,r,n\nA,.3,40\nstudy,r,x\nB,.2,50\n")
    assert ("MA302", "B3") in errors(studies)


# Names of columns -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", COLUMNS)
def test_column_is_found_by_its_name(name):
    assert find_column(name) == name


@pytest.mark.parametrize("name", COLUMNS)
def test_column_is_found_with_blanks_around(name):
    assert find_column(f"  {name} ") == name


ALIASES = [(alias, name) for name, column in COLUMNS.items() for alias in column.aliases]


@pytest.mark.parametrize(("alias", "name"), ALIASES)
def test_alias_means_one_column(alias, name):
    assert find_column(alias) == name


@pytest.mark.parametrize(("alias", "name"), ALIASES)
def test_alias_in_capitals_means_the_same(alias, name):
    assert find_column(alias.upper()) == name


def test_far_names_are_not_suggested():
    assert suggest_column("favourite colour") is None


# Workbooks only -------------------------------------------------------------------------------

ROWS = [["study", "r", "n"], ["A", 0.3, 40], ["B", 0.2, 50], ["C", 0.1, 60]]


def hidden_rows(*numbers):
    def change(book):
        for number in numbers:
            book.active.row_dimensions[number].hidden = True

    return change


def hidden_columns(*letters):
    def change(book):
        for letter in letters:
            book.active.column_dimensions[letter].hidden = True

    return change


def merged(*ranges):
    def change(book):
        for reference in ranges:
            book.active.merge_cells(reference)

    return change


def test_hidden_row(xlsx_file, cells):
    assert cells(ma.load_studies(xlsx_file(ROWS, change=hidden_rows(3))), "MA209") == ["A3"]


def test_hidden_rows_are_one_warning(xlsx_file, cells):
    assert cells(ma.load_studies(xlsx_file(ROWS, change=hidden_rows(3, 4))), "MA209") == ["A3"]


def test_hidden_row_is_used(xlsx_file):
    studies = ma.load_studies(xlsx_file(ROWS, change=hidden_rows(3)))
    assert [row.number for row in studies.used] == [2, 3, 4]


def test_hidden_row_without_cells_is_no_warning(xlsx_file, cells):
    assert cells(ma.load_studies(xlsx_file(ROWS, change=hidden_rows(9))), "MA209") == []


def test_hidden_column(xlsx_file, cells):
    assert cells(ma.load_studies(xlsx_file(ROWS, change=hidden_columns("C"))), "MA209") == ["C1"]


def test_hidden_columns_are_named(xlsx_file):
    studies = ma.load_studies(xlsx_file(ROWS, change=hidden_columns("B", "C")))
    (found,) = [p for p in studies.problems if p.code == "MA209"]
    assert found.message == "hidden columns are read like all others: r, n"


def test_hidden_column_is_read(xlsx_file):
    studies = ma.load_studies(xlsx_file(ROWS, change=hidden_columns("C")))
    assert [row.get("n") for row in studies.used] == [40, 50, 60]


MERGED = {
    "study over two rows": ("A3:A4", "A3"),
    "n over two rows": ("C2:C3", "C2"),
    "two cells of a row": ("B2:C2", "B2"),
}


@pytest.mark.parametrize(("reference", "cell"), MERGED.values(), ids=MERGED)
def test_merged_cells(xlsx_file, cells, reference, cell):
    studies = ma.load_studies(xlsx_file(ROWS, change=merged(reference)))
    assert cells(studies, "MA210") == [cell]


def test_each_merged_range_is_reported(xlsx_file, cells):
    studies = ma.load_studies(xlsx_file(ROWS, change=merged("A2:A3", "C3:C4")))
    assert cells(studies, "MA210") == ["A2", "C3"]


def test_merged_title_is_no_problem(xlsx_file, cells):
    rows = [["Title"], *ROWS]
    studies = ma.load_studies(xlsx_file(rows, change=merged("A1:C1")))
    assert cells(studies, "MA210") == []


def test_merged_blank_cells_are_no_problem(xlsx_file, cells):
    studies = ma.load_studies(xlsx_file(ROWS, change=merged("A8:C9")))
    assert cells(studies, "MA210") == []
