"""Reading a sheet takes steps in proportion to its rows: counted, not timed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from effort import calls

import metaalliance as ma
from metaalliance.sheet import read
from metaalliance.sheet.read.source import parse_grids
from metaalliance.sheet.rows import Row

HEADER = "study,year,n,r,sample,outcome_direction,modality,coded by,sessions\n"


def steps(path, count, monkeypatch):
    """How often a cell is asked for while a sheet of `count` rows is read."""
    asked = 0
    get = Row.get

    def counted(row, column):
        nonlocal asked
        asked += 1
        return get(row, column)

    lines = (
        f"Study {i // 3} 2001,2001,{40 + i % 97},.{10 + i % 40},"
        f"s{i % 2},higher_better,CBT,AB,{i % 9}\n"
        for i in range(count)
    )
    path.write_text(HEADER + "".join(lines))
    with monkeypatch.context() as patch:
        patch.setattr(Row, "get", counted)
        assert not ma.load_studies(path).errors
    return asked


def test_steps_grow_with_the_rows(tmp_path, monkeypatch):
    few, many = (steps(tmp_path / "s.csv", k, monkeypatch) for k in (300, 1200))
    assert many / few == pytest.approx(4, rel=0.15)


MARKS = {
    "hidden rows": lambda i: (f'<row r="{i + 9}" hidden="1"/>', "", ""),
    "rows without an end": lambda i: (f'<row r="{i + 9}"><c/></row>', "", ""),
    "columns": lambda i: ("", f'<col min="{i + 1}" max="{i + 1}" hidden="1"/>', ""),
    "merged cells": lambda i: ("", "", f'<mergeCell ref="A{2 * i + 9}:A{2 * i + 10}"/>'),
}


def marked(workbook, edit, mark, count):
    """A workbook with many marks beside its one row."""
    rows, columns, merged = (b"".join(p.encode() for p in parts) for parts in
                             zip(*map(mark, range(count)), strict=True))  # fmt: skip
    merged = b'<mergeCells count="1">' + merged + b"</mergeCells>" if merged else b""

    def change(part):
        part = part.replace(b"<sheetData>", b"<cols>" + columns + b"</cols><sheetData>")
        return part.replace(b"</sheetData>", rows + b"</sheetData>" + merged)

    return edit(workbook([["study", "r", "n"], ["A", 0.3, 40]]), change)


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_marks_of_a_sheet_take_steps_in_proportion(workbook, edit, mark):
    parse_grids(marked(workbook, edit, mark, 390), "t.xlsx")  # what is done once
    needed = [
        calls(lambda k=k: parse_grids(marked(workbook, edit, mark, k), "t.xlsx"))
        - calls(lambda k=k: marked(workbook, edit, mark, k))
        for k in (10, 200, 390)
    ]
    assert needed[2] - needed[0] == pytest.approx(2 * (needed[1] - needed[0]), rel=0.1)


def test_the_xml_of_a_sheet_is_not_searched():
    """Expressions over bytes look for what a file is, before a parser sees it, and only there."""
    found = {
        (path.name, node.value)
        for path in Path(read.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        for node in node.args[:1]
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes)
    }
    assert {name for name, _ in found} == {"preflight.py", "strict.py", "xlsx.py"}


@pytest.mark.parametrize("attribute", ["hidden='1'", 'hidden="true"', 'x:note="a&gt;b" hidden="1"'])
def test_marks_are_read_as_xml_not_as_bytes(tmp_path, workbook, edit, attribute, cells):
    def change(part):
        part = part.replace(b'<row r="3"', f'<row xmlns:x="urn:x" {attribute} r="3"'.encode())
        return ('<?xml version="1.0" encoding="utf-16"?>' + part.decode()).encode("utf-16")

    path = tmp_path / "t.xlsx"
    path.write_bytes(edit(workbook([["study", "r", "n"], ["A", 0.3, 40], ["B", 0.2, 50]]), change))
    assert cells(ma.load_studies(path), "MA209") == ["A3"]


def test_formulas_of_a_sheet_in_utf16_are_seen(tmp_path, workbook, edit, cells):
    def utf16(part):
        return ('<?xml version="1.0" encoding="utf-16"?>' + part.decode()).encode("utf-16")

    path = tmp_path / "t.xlsx"
    path.write_bytes(edit(workbook([["study", "r", "n"], ["A", "=1/5", 40]]), utf16))
    assert cells(ma.load_studies(path), "MA304") == ["B2"]
