"""Files that have to be read, whatever they are called and however they were saved."""

from __future__ import annotations

import pytest
from effort import calls

import metaalliance as ma

TABLE = [["study", "r", "n"], ["Flückiger 2018", 0.35, 40], ["Adler 1988", -0.21, 50]]
TEXT = "study,r,n\nFlückiger 2018,0.35,40\nAdler 1988,-0.21,50\n"
LABELS = ["Flückiger 2018", "Adler 1988"]
VALUES = [0.35, -0.21]


def labels(studies):
    return [row.study for row in studies.rows]


def values(studies):
    return [row.get("r") for row in studies.rows]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encoding_keeps_the_labels(csv_file, encoding):
    assert labels(ma.load_studies(csv_file(TEXT, encoding=encoding))) == LABELS


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_utf16_of_either_byte_order(csv_file, mark):
    content = ("\ufeff" + TEXT).encode(mark)
    assert labels(ma.load_studies(csv_file(content))) == LABELS


@pytest.mark.parametrize(("encoding", "shown"), [("utf-16", "UTF-16"), ("cp1252", "Windows-1252")])
def test_encoding_is_reported(csv_file, cells, encoding, shown):
    studies = ma.load_studies(csv_file(TEXT, encoding=encoding))
    (found,) = [p for p in studies.problems if p.code == "MA111"]
    assert shown in found.message


def test_plain_utf8_needs_no_note(csv_file, cells):
    assert cells(ma.load_studies(csv_file(TEXT)), "MA111") == []


SEPARATED = {
    "semicolon": TEXT.replace(",", ";"),
    "tab": TEXT.replace(",", "\t"),
    "semicolon with decimal comma": TEXT.replace(",", ";").replace("0.", "0,"),
    "tab with decimal comma": TEXT.replace(",", "\t").replace("0.", "0,"),
    "Windows line ends": TEXT.replace("\n", "\r\n"),
    "old Mac line ends": TEXT.replace("\n", "\r"),
    "sep line of Excel": "sep=;\n" + TEXT.replace(",", ";"),
    "no line end at the end": TEXT.rstrip(),
    "quoted throughout": '"' + TEXT.rstrip().replace(",", '","').replace("\n", '"\n"') + '"',
    "decimal comma in quotes": TEXT.replace("0.35", '"0,35"').replace("-0.21", '"-0,21"'),
    "trailing separators": TEXT.replace("\n", ",,,\n"),
    "blank lines at the end": TEXT + ",,\n\n,,\n",
    "blank lines at the start": "\n\n" + TEXT,
}


@pytest.mark.parametrize("text", SEPARATED.values(), ids=SEPARATED)
def test_separated_text_keeps_the_values(csv_file, text):
    assert values(ma.load_studies(csv_file(text))) == VALUES


@pytest.mark.parametrize("text", SEPARATED.values(), ids=SEPARATED)
def test_separated_text_keeps_the_labels(csv_file, text):
    assert labels(ma.load_studies(csv_file(text))) == LABELS


def test_decimal_comma_is_reported(csv_file):
    studies = ma.load_studies(csv_file(SEPARATED["semicolon with decimal comma"]))
    (found,) = [p for p in studies.problems if p.code == "MA111"]
    assert found.message == (
        "studies.csv was read as UTF-8 text, separator semicolon, decimal comma."
    )


def test_quoted_separators_stay_in_the_label(csv_file):
    text = 'study,r,n\n"Adler, Berg, & Cohn (1988)",.3,40\n'
    assert labels(ma.load_studies(csv_file(text))) == ["Adler, Berg, & Cohn (1988)"]


def test_quoted_line_break_is_one_row(csv_file):
    text = 'study,r,n,notes\nA,.3,40,"two\nlines"\nB,.2,50,\n'
    assert [row.number for row in ma.load_studies(csv_file(text)).rows] == [2, 3]


NAMES = [
    "csv called.xlsx",
    "no extension",
    "with spaces.csv",
    "Übersicht é ñ.csv",
    "émojis 😀📊.csv",
    "quote's & $(x).csv",
    "many.dots.in.name.csv",
    "-dash.csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_does_not_matter(csv_file, name):
    assert values(ma.load_studies(csv_file(TEXT, name))) == VALUES


@pytest.mark.parametrize("name", ["xlsx called.csv", "émojis 😀.xlsx", "macros.xlsm", "plain"])
def test_workbook_is_known_by_its_content(xlsx_file, name):
    assert values(ma.load_studies(xlsx_file(TABLE, name))) == VALUES


def test_path_may_be_text(csv_file):
    assert values(ma.load_studies(str(csv_file(TEXT)))) == VALUES


def test_file_name_is_kept(csv_file):
    assert ma.load_studies(csv_file(TEXT, "émojis 😀.csv")).file == "émojis 😀.csv"


def test_input_is_not_changed(xlsx_file):
    path = xlsx_file(TABLE)
    before = path.read_bytes(), path.stat().st_mtime_ns
    ma.load_studies(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_csv_and_workbook_hold_the_same(csv_file, xlsx_file):
    assert ma.load_studies(csv_file(TEXT)).frame.equals(ma.load_studies(xlsx_file(TABLE)).frame)


# Parts of workbooks ---------------------------------------------------------------------------


@pytest.fixture
def with_part(tmp_path, workbook, add_parts):
    def write(name):
        path = tmp_path / "t.xlsx"
        path.write_bytes(add_parts(workbook(TABLE), (name, b"x")))
        return path

    return write


def test_macros_are_a_note(with_part, cells):
    assert cells(ma.load_studies(with_part("xl/vbaProject.bin")), "MA109") == [""]


def test_macros_do_not_change_the_values(with_part):
    assert values(ma.load_studies(with_part("xl/vbaProject.bin"))) == VALUES


def test_links_to_other_files_are_a_warning(with_part, cells):
    studies = ma.load_studies(with_part("xl/externalLinks/externalLink1.bin"))
    assert cells(studies, "MA110") == [""]


def test_stored_value_of_a_formula_is_read(tmp_path, workbook, edit):
    def formula(part):
        return part.replace(b"<v>0.35</v>", b"<f>7/20</f><v>0.35</v>")

    path = tmp_path / "t.xlsx"
    path.write_bytes(edit(workbook(TABLE), formula))
    assert values(ma.load_studies(path)) == VALUES


def test_utf16_sheet_is_read(tmp_path, workbook, edit):
    def utf16(part):
        return ('<?xml version="1.0" encoding="utf-16"?>' + part.decode()).encode("utf-16")

    path = tmp_path / "t.xlsx"
    path.write_bytes(edit(workbook(TABLE), utf16))
    assert values(ma.load_studies(path)) == VALUES


def test_stored_dimension_may_be_wrong(tmp_path, workbook, edit):
    def narrow(part):
        assert b'ref="A1:C3"' in part
        return part.replace(b'ref="A1:C3"', b'ref="A1:A1"')

    path = tmp_path / "t.xlsx"
    path.write_bytes(edit(workbook(TABLE), narrow))
    assert values(ma.load_studies(path)) == VALUES


def test_format_in_the_last_column_costs_nothing(xlsx_file):
    def far(book):
        book.active.cell(row=2, column=16_384).number_format = "0.00"

    near, path = xlsx_file(TABLE, name="near.xlsx"), xlsx_file(TABLE, change=far)
    needed = calls(lambda: ma.load_studies(near))
    assert calls(lambda: ma.load_studies(path)) < 1.1 * needed


def test_row_far_below_is_read_under_its_own_number(xlsx_file):
    def far(book):
        for column, value in enumerate(["Cohn", 0.1, 60], start=1):
            book.active.cell(row=604, column=column).value = value

    studies = ma.load_studies(xlsx_file(TABLE, change=far))
    assert [(r.number, r.study) for r in studies.rows][-1] == (604, "Cohn")


def test_gap_before_it_is_reported_at_that_row(xlsx_file, cells):
    def far(book):
        for column, value in enumerate(["Cohn", 0.1, 60], start=1):
            book.active.cell(row=604, column=column).value = value

    assert cells(ma.load_studies(xlsx_file(TABLE, change=far)), "MA211") == ["A604"]


# Sheets ---------------------------------------------------------------------------------------


def second(title, rows=(("study", "r", "n"), ("Zorn", 0.9, 40)), state="visible"):
    def change(book):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        sheet.sheet_state = state

    return change


def code_of(path, **options):
    with pytest.raises(ma.UnreadableFileError) as caught:
        ma.load_studies(path, **options)
    return caught.value.code


def test_sheet_called_effects_wins(xlsx_file):
    path = xlsx_file(TABLE, sheet="old", change=second("Effects"))
    assert ma.load_studies(path).sheet == "Effects"


def test_only_sheet_with_the_columns_is_taken(xlsx_file):
    path = xlsx_file([["about"], ["notes"]], sheet="read me", change=second("coding"))
    assert ma.load_studies(path).sheet == "coding"


def test_hidden_sheet_is_not_taken(xlsx_file):
    path = xlsx_file(TABLE, sheet="coding", change=second("old", state="veryHidden"))
    assert ma.load_studies(path).sheet == "coding"


def test_several_sheets_need_a_choice(xlsx_file):
    assert code_of(xlsx_file(TABLE, sheet="one", change=second("two"))) == "MA202"


def test_several_sheets_are_listed(xlsx_file):
    path = xlsx_file(TABLE, sheet="one", change=second("two"))
    with pytest.raises(ma.UnreadableFileError, match="'one', 'two'"):
        ma.load_studies(path)


def test_chosen_sheet_is_read(xlsx_file):
    path = xlsx_file(TABLE, sheet="one", change=second("two"))
    assert labels(ma.load_studies(path, sheet="two")) == ["Zorn"]


def test_problems_name_the_chosen_sheet(xlsx_file):
    rows = [["study", "r", "n"], ["Zorn", 1.2, 40]]
    path = xlsx_file(TABLE, sheet="one", change=second("sheet two", rows))
    (error,) = ma.load_studies(path, sheet="sheet two").errors
    assert error.place == "sheet two!B2"


def test_hidden_sheet_may_be_chosen(xlsx_file):
    path = xlsx_file(TABLE, change=second("old", state="hidden"))
    assert labels(ma.load_studies(path, sheet="old")) == ["Zorn"]


def test_wrong_sheet(xlsx_file):
    assert code_of(xlsx_file(TABLE), sheet="efects") == "MA203"


def test_no_sheet_has_the_columns(xlsx_file):
    path = xlsx_file([["a", "b"], [1, 2]], sheet="one", change=second("two", [["c"]]))
    assert code_of(path) == "MA201"


@pytest.mark.parametrize(
    "rows", [[], [["x", "y"]], [["study", "year"], ["A", 2001]], [["r"], [0.3]]]
)
def test_single_sheet_without_the_columns(xlsx_file, rows):
    assert code_of(xlsx_file(rows)) == "MA201"


def test_all_sheets_hidden(xlsx_file):
    def hide(book):
        book.create_sheet("blank")
        book.active.sheet_state = "hidden"

    assert code_of(xlsx_file(TABLE, change=hide)) == "MA201"


def test_unknown_policy_is_an_option_error(csv_file):
    with pytest.raises(ma.OptionError):
        ma.load_studies(csv_file(TEXT), nonsignificant="ignore")


def test_read_studies_raises_with_every_problem(csv_file):
    path = csv_file("study,r,n\nA,1.2,40\n,.3,40\n")
    with pytest.raises(ma.StudyDataError) as caught:
        ma.read_studies(path)
    assert {p.code for p in caught.value.problems if p.severity == "error"} == {"MA312", "MA301"}


def test_read_studies_names_the_first_error(csv_file):
    with pytest.raises(ma.StudyDataError, match=r"studies\.csv!B2 \(MA312\)"):
        ma.read_studies(csv_file("study,r,n\nA,1.2,40\n"))
