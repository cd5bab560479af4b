"""One table in every format: the same strings everywhere."""

from __future__ import annotations

import csv
import io
import math
import re
import shutil
import subprocess
from decimal import ROUND_HALF_UP, Decimal

import docx
import html5lib
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.report.renderers.delimited import table_csv
from metaalliance.report.renderers.html import table_html
from metaalliance.report.renderers.latex import table_latex
from metaalliance.report.renderers.markdown import table_markdown
from metaalliance.report.renderers.spreadsheet import number_format
from metaalliance.report.renderers.word import tables_docx
from metaalliance.report.tables.table import Field, Table, render_text
from metaalliance.report.workbooks.write import write_workbook

FIELDS = (
    Field(key="study", title="Study"),
    Field(key="n", title="n", kind="count"),
    Field(key="r", title="r", kind="r", digits=2),
    Field(key="ci", title="95% CI", kind="interval"),
    Field(key="tau", title="τ", kind="number", digits=3),
    Field(key="p", title="p", kind="p"),
    Field(key="share", title="%", kind="percent", digits=0),
)
ROWS = (
    {"study": "Adler & Berg (1988)", "n": 1204, "r": 0.2849, "ci": "[−.01, .30]", "tau": 0.1256,
     "p": 0.0321, "share": 0.625},
    {"study": "Cohn", "n": 40, "r": -0.0004, "ci": "[.10, .30]", "tau": -1.5, "p": 1e-9,
     "share": 0.005},
    {"study": "Dorn", "n": math.nan, "r": None, "ci": "–", "tau": 0.1235, "p": 1.0, "share": 1.0},
    {"study": "level", "indented": True, "n": "", "r": -0.125, "ci": "", "tau": 2.0005, "p": "",
     "share": 0.125},
)  # fmt: skip
TABLE = Table(name="t", title="A Title of r", fields=FIELDS, rows=ROWS, notes=("p of a note.",))


def words(row: list[str]) -> list[str]:
    """Cells without the indent, which a format may set otherwise."""
    return [cell.strip() for cell in row]


EXPECTED = [words(row) for row in TABLE.cells()]


def shown_by_spreadsheet(value: object, style: str) -> str:
    """What a spreadsheet shows of a number under one of our formats."""
    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    if style == "#,##0":
        return f"{value:,.0f}"
    if style in {'"< .001"', '"> .999"'}:
        return style.strip('"')
    positive, _, negative = style.partition(";")
    pattern, sign = (negative, "") if value < 0 and negative else (positive, "")
    sign = "−" if '"−"' in pattern else ""
    pattern = pattern.replace('"−"', "")
    digits = len(pattern.partition(".")[2])
    exact = Decimal(f"{abs(value):.15g}")  # a spreadsheet rounds the decimal number, halves up
    text = f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"
    if "." in pattern and not pattern.startswith("0"):
        text = text.removeprefix("0")
    return sign + text


def test_csv_has_the_strings():
    rows = [words(row) for row in csv.reader(io.StringIO(table_csv(TABLE)))]
    assert rows == EXPECTED


def test_html_has_the_strings():
    tree = html5lib.parseFragment(table_html(TABLE), namespaceHTMLElements=False)
    rows = [words(["".join(cell.itertext()) for cell in row]) for row in tree.iter("tr")]
    assert rows == EXPECTED


def test_word_has_the_strings_and_three_rules():
    book = docx.Document(io.BytesIO(tables_docx("T", [TABLE])))
    (grid,) = book.tables
    assert [words([cell.text for cell in row.cells]) for row in grid.rows] == EXPECTED
    xml = grid._tbl.xml
    assert xml.count("<w:top ") == xml.count("<w:bottom ") / 2 == len(FIELDS)
    assert xml.count("w:tblHeader") == 1


def test_spreadsheet_shows_the_strings_of_numbers_at_full_precision():
    book = openpyxl.load_workbook(io.BytesIO(write_workbook({"T": TABLE})))
    rows = list(book["T"].iter_rows(min_row=2, max_row=2 + len(ROWS)))
    shown = [words([shown_by_spreadsheet(c.value, c.number_format) for c in row]) for row in rows]
    assert shown == EXPECTED
    assert rows[1][2].value == 0.2849
    assert book["T"]["A1"].value == "A Title of r"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_a_real_spreadsheet_program_shows_the_strings(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(write_workbook({"T": TABLE}))
    command = ["soffice", "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76",
               "--outdir", str(tmp_path), str(tmp_path / "t.xlsx")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    rows = list(csv.reader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"))))
    assert [words(row) for row in rows[1 : 2 + len(ROWS)]] == EXPECTED


def test_markdown_has_the_strings():
    lines = [line for line in table_markdown(TABLE, "Table 1").splitlines() if line[:1] == "|"]
    rows = [words(re.split(r"(?<!\\)\|", line)[1:-1]) for line in lines]
    plain = [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in rows]
    assert [plain[0], *plain[2:]] == EXPECTED


def test_latex_has_the_strings():
    text = table_latex(TABLE)
    body = text.partition(r"\toprule")[2].partition(r"\bottomrule")[0].replace(r"\midrule", "")
    plain = (
        body.replace(r"\ensuremath{-}", "−").replace(r"\ensuremath{\tau}", "τ")
        .replace(r"\textless{}", "<").replace(r"\textgreater{}", ">").replace("--", "–")
        .replace(r"\quad{}", "").replace(r"\&", "AMPERSAND").replace(r"\%", "%")
    )  # fmt: skip
    plain = re.sub(r"\\textit\{([^}]*)\}", r"\1", plain)
    rows = [words(line.split("&")) for line in plain.split(r"\\") if line.strip()]
    assert [[c.replace("AMPERSAND", "&") for c in row] for row in rows] == EXPECTED
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1


def test_terminal_has_the_strings():
    text = render_text(TABLE, 120)
    for row in EXPECTED:
        assert all(cell in text for cell in row)


@given(st.floats(-3, 3, allow_nan=False), st.sampled_from(["r", "number"]), st.integers(0, 4))
@settings(max_examples=40)
def test_number_formats_show_what_a_field_prints(value, kind, digits):
    field = Field(key="x", title="x", kind=kind, digits=digits)
    table = Table(
        title="T", fields=(Field(key="a", title="A"), field), rows=({"a": "", "x": value},)
    )
    cell = openpyxl.load_workbook(io.BytesIO(write_workbook({"T": table})))["T"]["B3"]
    assert shown_by_spreadsheet(cell.value, cell.number_format) == field.text(value)


@pytest.mark.parametrize(
    ("kind", "value", "style"),
    [
        ("p", 1e-4, '"< .001"'),
        ("p", 0.2, ".000"),
        ("p", 0.9995, '"> .999"'),
        ("count", 3, "#,##0"),
        ("r", 1.2, "0.000;0.000"),
    ],
)
def test_number_format(kind, value, style):
    assert number_format(Field(key="x", title="x", kind=kind), value) == style


def test_long_tables_of_latex_run_over_pages():
    rows = tuple({"study": f"S{i}"} for i in range(60))
    text = table_latex(Table(name="l", title="T", fields=FIELDS[:1], rows=rows))
    assert r"\begin{longtable}" in text
    assert r"\endhead" in text
