"""Workbooks saved as "Strict Open XML Spreadsheet": the usual workbook with other names.

The strict workbooks are made here from usual ones: their names are replaced, dates are written as
ISO 8601 (t="d"), and the root says conformance="strict", as in the files that teams reported
(github.com/JanKallman/EPPlus/issues/134).
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile

import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import numbers
from openpyxl.worksheet.table import Table
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

USUAL = re.compile(rb"http://schemas\.openxmlformats\.org/(\w+)/2006/(\w+)")
ROWS = [
    ["study", "r", "n", "percent_female", "modality", "notes"],
    ["Ames 2001", 0.35, 40, 0.5, "CBT", "see http://purl.oclc.org/ooxml/spreadsheetml/main"],
    ["Boll 2004", 0.2, 55, 0.25, "IPT", None],
    ["Crane 2010", 0.31, 120, 0.75, "CBT", None],
]


def usual(change=None):
    book = Workbook()
    sheet = book.active
    sheet.title = "effects"
    for row in ROWS:
        sheet.append(row)
    for number in (2, 3, 4):
        sheet.cell(number, 4).number_format = numbers.FORMAT_PERCENTAGE
    sheet["B2"].comment = Comment("Table 3", "coder")
    sheet.row_dimensions[3].hidden = True
    if change:
        change(sheet)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def strict(content):
    """The same workbook with the names of the strict form."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w") as written:
        for name in archive.namelist():
            part = archive.read(name)
            if name.endswith((".xml", ".rels")) and name != "[Content_Types].xml":
                part = USUAL.sub(_named, part)
                part = part.replace(b"<workbook ", b'<workbook conformance="strict" ')
                part = re.sub(rb"<workbookPr(?=[ />])", b'<workbookPr dateCompatibility="0"', part)
            written.writestr(name, part)
    return buffer.getvalue()


def _named(found):
    """The strict name; that of packages is the same in both forms."""
    if found[1] == b"package":
        return found[0]
    return b"http://purl.oclc.org/ooxml/" + found[1] + b"/" + found[2]


def read(folder, content, name):
    path = folder / name
    path.write_bytes(content)
    return ma.load_studies(path), path


def test_it_is_read_like_the_usual_workbook(tmp_path):
    first, _ = read(tmp_path, usual(), "usual.xlsx")
    second, _ = read(tmp_path, strict(usual()), "strict.xlsx")
    assert second.errors == ()
    assert second.frame.equals(first.frame)
    assert list(second.frame["percent_female"]) == [50.0, 25.0, 75.0]
    assert second.rows[0].get("notes") == ROWS[1][-1]
    assert second.rows[0].cells["r"].note == "Table 3"
    assert [p.code for p in second.problems] == [p.code for p in first.problems]
    assert "MA209" in [p.code for p in second.problems]


def test_dates_totals_and_formulas_of_a_strict_workbook(tmp_path):
    def change(sheet):
        sheet["B3"] = dt.datetime(2020, 2, 1)
        sheet.append(["Total", "=SUM(B2:B4)", 215])
        table = Table(displayName="T", ref="A1:F5")
        table.totalsRowCount = 1
        sheet.add_table(table)

    first, _ = read(tmp_path, usual(change), "usual.xlsx")
    content = strict(usual(change))
    second, _ = read(tmp_path, content, "strict.xlsx")
    told = [(p.code, p.cell) for p in second.problems]
    assert ("MA305", "B3") in told
    assert "MA418" in [code for code, _ in told]
    assert told == [(p.code, p.cell) for p in first.problems]


def test_iso_dates_of_a_strict_workbook(tmp_path):
    content = strict(usual())
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w") as written:
        for name in archive.namelist():
            part = archive.read(name)
            if name == "xl/worksheets/sheet1.xml":
                cell = rb'<c r="B3"[^>]*><v>0\.2</v></c>'
                part, count = re.subn(cell, b'<c r="B3" t="d"><v>2020-02-01T00:00:00</v></c>', part)
                assert count == 1
            written.writestr(name, part)
    studies, _ = read(tmp_path, buffer.getvalue(), "strict.xlsx")
    assert [(p.code, p.cell) for p in studies.errors] == [("MA305", "B3")]


def test_it_pools_and_is_annotated(tmp_path):
    _, path = read(tmp_path, strict(usual()), "strict.xlsx")
    out = tmp_path / "marked.xlsx"
    done = CliRunner().invoke(app, ["validate", str(path), "--annotate", str(out)])
    assert done.exit_code == 0, done.output
    assert [row.study for row in ma.load_studies(out).rows] == [row[0] for row in ROWS[1:]]
    done = CliRunner().invoke(app, ["pool", str(path), "--no-figures"])
    assert "3 studies, 3 effects" in done.stdout


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"])
def test_a_strict_workbook_that_lacks_a_part_is_broken(tmp_path, part):
    content = strict(usual())
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w") as written:
        for name in archive.namelist():
            if name != part:
                written.writestr(name, archive.read(name))
    with pytest.raises(ma.UnreadableFileError):
        read(tmp_path, buffer.getvalue(), "strict.xlsx")
