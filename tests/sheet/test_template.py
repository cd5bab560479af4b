"""The template: what a coder gets, that it validates, and that its examples are never pooled."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter, range_boundaries

import metaalliance as ma
from metaalliance.cli.sheets.template import run_template
from metaalliance.errors import OptionError
from metaalliance.sheet.columns.codebook import find_codebook, read_codebook
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS, IN_WORKBOOK
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary
from metaalliance.sheet.read.source import read_grids
from metaalliance.sheet.template.workbook import template_workbook

CODED = [
    {"study": f"Coder {i}", "n": 40 + i, "r": 0.1 * i, "outcome_direction": "higher_better",
     "modality": "CBT", "alliance_rater": "client"}
    for i in range(1, 6)
]  # fmt: skip


@pytest.fixture(scope="module")
def content() -> bytes:
    return template_workbook()


@pytest.fixture
def book(content: bytes) -> Any:
    """The template, to be filled in."""
    return load_workbook(io.BytesIO(content))


@pytest.fixture(scope="module")
def template(content: bytes) -> Any:
    """The template, to be looked at."""
    return load_workbook(io.BytesIO(content))


@pytest.fixture
def saved(tmp_path: Path):
    def save(book: Any) -> Path:
        path = tmp_path / "studies.xlsx"
        book.save(path)
        return path

    return save


def _place(sheet: Any, column: str) -> int:
    return [c.value for c in sheet[1]].index(column) + 1


def _fill_in(sheet: Any, row: int, values: dict[str, Any]) -> None:
    for column, value in values.items():
        sheet.cell(row, _place(sheet, column)).value = value


def _check(book: Any, column: str) -> Any:
    """The entry check of the cells of a column."""
    sheet = book["effects"]
    letter = get_column_letter(_place(sheet, column))
    (found,) = (
        d
        for d in sheet.data_validations.dataValidation
        if re.match(rf"{letter}2:{letter}\d+$", str(d.sqref))
    )
    return found


def _entries(book: Any, column: str) -> list[str]:
    """The entries of the dropdown of a column, looked up as the spreadsheet does."""
    sheet, _, area = _check(book, column).formula1.rpartition("!")
    left, top, right, bottom = range_boundaries(area.replace("$", ""))
    assert left == right
    lists = book[sheet.strip("'")]
    return [lists.cell(row, left).value for row in range(top, bottom + 1)]


# Validation -----------------------------------------------------------------------------


def test_empty_template_only_lacks_studies(saved, book):
    studies = ma.load_studies(saved(book))
    assert [p.code for p in studies.problems] == ["MA505"]
    assert [reason for _, reason in studies.excluded] == ["example row: delete it"] * 2


def test_five_coded_rows_are_pooled_and_the_examples_are_not(saved, book):
    for row, values in enumerate(CODED, start=4):
        _fill_in(book["effects"], row, values)
    studies = ma.read_studies(saved(book))
    assert not studies.problems
    effects = ma.effect_sizes(studies)
    assert list(effects.frame["study"]) == [c["study"] for c in CODED]
    assert 0.1 < ma.pool(effects).estimate < 0.5


def test_examples_are_correct_when_they_are_taken(saved, book):
    for row in (2, 3):
        _fill_in(book["effects"], row, {"include": "yes", "exclusion_reason": None})
    studies = ma.read_studies(saved(book))
    assert not studies.problems
    effects = ma.effect_sizes(studies, measure="r")
    assert list(effects.yi) == pytest.approx([0.28, (5.12 / (5.12 + 43)) ** 0.5])


def test_sheet_is_found_under_another_name(saved, book):
    book["effects"].title = "our coding"
    assert ma.load_studies(saved(book)).sheet == "our coding"


def test_columns_may_be_deleted(saved, book):
    sheet = book["effects"]
    sheet.delete_cols(_place(sheet, "t"), 40)
    _fill_in(sheet, 4, CODED[0])
    _fill_in(sheet, 5, CODED[1])
    assert len(ma.read_studies(saved(book)).used) == 2


def test_equal_calls_give_equal_bytes(content):
    assert template_workbook() == content


# Effects --------------------------------------------------------------------------------


def test_every_column_stands_once_in_the_header(template):
    header = [c.value for c in template["effects"][1]]
    assert sorted(header) == sorted(COLUMNS)
    assert header[0] == "study"


def test_columns_stand_in_the_order_of_the_specification(template):
    assert [c.value for c in template["effects"][1]] == [c.name for c in IN_WORKBOOK]


def test_header_stays_in_view(template):
    sheet = template["effects"]
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref.startswith("A1:")
    assert [s.title for s in template if s.sheet_state == "visible"] == [
        "effects",
        "codebook",
        "about",
    ]
    assert template["_lists"].sheet_state == "hidden"


@pytest.mark.parametrize("name", COLUMNS)
def test_text_is_text_and_numbers_keep_what_was_typed(template, name):
    sheet, column = template["effects"], COLUMNS[name]
    place = _place(sheet, name)
    expected = "@" if column.kind in {"text", "choice"} else "General"
    expected = "0" if name == "year" else expected
    assert sheet.column_dimensions[get_column_letter(place)].number_format == expected
    assert {sheet.cell(row, place).number_format for row in (2, 3)} == {expected}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_says_what_to_enter(template, name):
    check = _check(template, name)
    assert check.showInputMessage
    assert check.promptTitle == name
    assert check.prompt.startswith(COLUMNS[name].about)
    assert len(check.promptTitle) <= 32
    assert len(check.prompt) <= 255
    assert len(check.error or "") <= 225
    assert int(str(check.sqref).rpartition(":")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) > 1_000
    header = template["effects"].cell(1, _place(template["effects"], name))
    assert COLUMNS[name].about in header.comment.text


@pytest.mark.parametrize("name", [n for n in VOCABULARIES if n in COLUMNS])
def test_dropdown_has_the_levels(template, name):
    check = _check(template, name)
    assert check.type == "list"
    assert not check.showDropDown  # true would hide the arrow
    assert _entries(template, name) == list(VOCABULARIES[name].levels)
    assert check.errorStyle == ("warning" if VOCABULARIES[name].open else "stop")


def test_dropdown_of_a_team_has_its_levels():
    own = {**VOCABULARIES, "format": Vocabulary("format", ("single", "group"))}
    book = load_workbook(io.BytesIO(template_workbook(own)))
    assert _entries(book, "format") == ["single", "group"]


@pytest.mark.parametrize(
    ("column", "kind", "low", "high", "style"),
    [
        ("year", "whole", "1900", "2100", "stop"),
        ("n", "whole", "1", None, "stop"),
        ("cell_a", "whole", "0", None, "stop"),
        ("tails", "whole", "1", "2", "stop"),
        ("r", "decimal", "-1", "1", "warning"),  # "n.s." can be entered
        ("p", "decimal", "0", "1", "warning"),
        ("t", "decimal", "-9999", "9999", "warning"),  # a date is a number above 40,000
        ("F", "decimal", "0", "9999", "warning"),
        ("sd_x", "decimal", "0", None, "stop"),
        ("percent_female", "decimal", "0", "100", "stop"),
    ],
)
def test_numbers_are_checked_on_entry(template, column, kind, low, high, style):
    check = _check(template, column)
    assert (check.type, check.formula1, check.formula2) == (kind, low, high)
    assert check.errorStyle == style
    assert check.allow_blank


# Codebook -------------------------------------------------------------------------------


def test_codebook_lists_columns_and_levels(template):
    rows = list(template["codebook"].iter_rows(values_only=True))
    listed = {(row[0], row[3]) for row in rows}
    assert {row[0] for row in rows[1:]} == set(COLUMNS)
    for name, vocabulary in VOCABULARIES.items():
        assert {(name, level) for level in vocabulary.levels} <= listed
    assert any("client-centred" in (row[4] or "") for row in rows if row[3] == "humanistic")


def test_codebook_as_it_comes_changes_no_reading(saved, book):
    grids, _ = read_grids(saved(book))
    scheme, problems = read_codebook(find_codebook(grids), Scheme())
    assert scheme == Scheme()
    assert not problems


def test_codebook_takes_a_level_of_the_team(saved, book):
    sheet = book["codebook"]
    places = {c.value: c.column for c in sheet[1]}
    row = sheet.max_row + 1
    for field, text in {"column": "modality", "level": "CFT", "aliases": "compassion"}.items():
        sheet.cell(row, places[field]).value = text
    _fill_in(book["effects"], 4, {**CODED[0], "modality": "Compassion"})
    studies = ma.read_studies(saved(book))
    assert [r.get("modality") for r in studies.used] == ["CFT"]


def test_about_links_to_the_codebook(template):
    links = [c.hyperlink.location for row in template["about"] for c in row if c.hyperlink]
    assert links == ["'codebook'!A1"]
    text = " ".join(str(c.value) for row in template["about"] for c in row if c.value)
    for word in ("lower_better", "--nonsignificant", "metaalliance explain", "include = no"):
        assert word in text


# Command --------------------------------------------------------------------------------


def test_command_writes_the_file_and_says_where(tmp_path, capsys, content):
    path = tmp_path / "new folder" / "studies.xlsx"
    assert run_template(path, force=False) == 0
    assert path.read_bytes() == content
    printed = capsys.readouterr()
    assert str(path) in printed.err
    assert not printed.out
    assert [p.name for p in path.parent.iterdir()] == ["studies.xlsx"]


def test_command_keeps_an_existing_file(tmp_path, content):
    path = tmp_path / "studies.xlsx"
    path.write_bytes(b"a year of coding")
    with pytest.raises(OptionError) as caught:
        run_template(path, force=False)
    assert caught.value.code == "MA691"
    assert path.read_bytes() == b"a year of coding"
    run_template(path, force=True)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["studies.csv", "studies", "studies.xls"])
def test_command_refuses_a_name_that_would_not_open(tmp_path, name):
    with pytest.raises(OptionError, match=r"\.xlsx"):
        run_template(tmp_path / name, force=False)
    assert not list(tmp_path.iterdir())
