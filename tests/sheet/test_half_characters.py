"""Halves of characters in a file, which Excel writes as _xD800_: replaced, and said."""

from __future__ import annotations

import json

import pytest
from openpyxl.comments import Comment
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

HEAD = ["study", "r", "n", "modality"]
ROWS = [
    ["Adler 1988", 0.3, 40, "CBT"],
    ["Berg 1990", 0.2, 50, "CBT"],
    ["Cole 1991", 0.1, 60, "PDT"],
]


def with_cell(row, column, value):
    rows = [list(r) for r in (HEAD, *ROWS)]
    rows[row][column] = value
    return rows


PLACES = {
    "label": (with_cell(1, 0, "Adler_xD800_ 1988"), "effects", "A2"),
    "level": (with_cell(2, 3, "CBT _xDFFF_"), "effects", "D3"),
    "header": (with_cell(0, 3, "my_xd800_ own"), "effects", "D1"),
    "no character": (with_cell(1, 0, "Adler_xFFFE_ 1988"), "effects", "A2"),
    "sheet": ([HEAD, *ROWS], "eff_xD800_ects", ""),
}


@pytest.mark.parametrize(("rows", "sheet", "cell"), PLACES.values(), ids=PLACES)
def test_it_is_replaced_and_noted(xlsx_file, cells, rows, sheet, cell):
    studies = ma.load_studies(xlsx_file(rows, sheet=sheet))
    assert cells(studies, "MA127") == [cell]
    (note,) = [p for p in studies.problems if p.code == "MA127"]
    assert note.severity == "note" and "\ufffd" in note.message
    assert studies.errors == ()


@pytest.mark.parametrize(("rows", "sheet", "cell"), PLACES.values(), ids=PLACES)
def test_every_result_is_written(tmp_path, xlsx_file, rows, sheet, cell):
    path, out = xlsx_file(rows, sheet=sheet), str(tmp_path / "out")
    done = CliRunner().invoke(app, ["report", str(path), "-o", out, "--json", "--no-figures"])
    assert done.exit_code == 0, done.output
    json.loads(done.stdout)
    annotated = CliRunner().invoke(
        app, ["validate", str(path), "--annotate", str(tmp_path / "a.xlsx")]
    )
    assert annotated.exit_code == 0, annotated.output


def test_in_a_comment(xlsx_file, cells):
    def remark(book):
        book.active["B2"].comment = Comment("page_xD800_ 3", "AB")

    studies = ma.load_studies(xlsx_file([HEAD, *ROWS], change=remark))
    assert cells(studies, "MA127") == ["B2"]
    assert studies.rows[0].cells["r"].note == "page\ufffd 3"


def test_among_the_shared_texts(tmp_path, workbook, edit, add_parts, cells):
    def share(part):
        inline = b't="inlineStr"><is><t>Adler 1988</t></is>'
        assert inline in part
        return part.replace(inline, b't="s"><v>0</v>')

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    texts = f'<sst xmlns="{main}"><si><t>Adler_xDC00_ 1988</t></si></sst>'.encode()
    path = tmp_path / "t.xlsx"
    content = add_parts(edit(workbook([HEAD, *ROWS]), share), ("xl/shared.xml", texts))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry = f'<Override PartName="/xl/shared.xml" ContentType="{kind}"/></Types>'.encode()
    path.write_bytes(
        edit(content, lambda part: part.replace(b"</Types>", entry), "[Content_Types].xml")
    )
    studies = ma.load_studies(path)
    assert cells(studies, "MA127") == ["A2"]
    assert studies.rows[0].label == "Adler\ufffd 1988"


def test_both_halves_are_one_character(xlsx_file, cells):
    studies = ma.load_studies(xlsx_file(with_cell(1, 0, "Adler _xD83D__xDE00_")))
    assert cells(studies, "MA127") == []
    assert studies.rows[0].label == "Adler 😀"


def test_half_a_character_in_other_formats(tmp_path):
    text = "study,r,n\nA\ufffe 2001,.3,40\nB 2002,.2,50\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    studies = ma.load_studies(tmp_path / "t.csv")
    assert [p.cell for p in studies.problems if p.code == "MA127"] == ["A2"]
