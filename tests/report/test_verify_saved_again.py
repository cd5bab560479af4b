"""`verify` after another program saved the sheet: the same coding, or which cells changed."""

from __future__ import annotations

import base64
import json
import random
import zlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from metaalliance.analysis.cells import packed, unpacked
from metaalliance.analysis.documents import digest
from metaalliance.cli.app import app

DIGITS = (15, 16)


def call(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    """A workbook of numbers with 17 digits, and its record."""
    draw = random.Random(7)
    book = Workbook()
    book.active.title = "effects"
    book.active.append(["study", "r", "n", "outcome_direction", "modality", "dose", "doi"])
    for year in range(1980, 2000):
        book.active.append([
            f"Study {year}", draw.uniform(-0.1, 0.6), draw.randint(20, 200), "higher_better",
            draw.choice(["CBT", "PDT"]), draw.gauss(10, 3), f"10.1037/0033-2909.{year}.123456.1",
        ])  # fmt: skip
    path = tmp_path_factory.mktemp("saved") / "studies.xlsx"
    book.save(path)
    assert call("pool", path, "-q", "--no-figures").exit_code == 0
    return path


def saved_again(pooled, name, digits, change=lambda sheet: None):
    """Save the workbook as a program does that keeps so many digits, after a change by hand."""
    book = load_workbook(pooled)
    change(book.active)
    moved = 0
    for cell in (c for row in book.active.iter_rows(min_row=2) for c in row):
        if isinstance(cell.value, float):
            kept = float(f"{cell.value:.{digits}g}")
            moved += kept != cell.value
            cell.value = kept
    book.save(pooled.with_name(name))
    return pooled.with_name(name), moved


def verified(record, sheet, *more):
    done = call("verify", record, sheet, "--json", *more)
    content = json.loads(done.stdout)
    return done.exit_code, {c["name"]: c for c in content["checks"]}


def record_of(pooled):
    return pooled.parent / "studies_results" / "run.json"


@pytest.mark.parametrize("digits", DIGITS)
def test_numbers_saved_with_fewer_digits_are_the_same_coding(pooled, digits):
    sheet, moved = saved_again(pooled, f"again_{digits}.xlsx", digits)
    assert moved or digits == 16
    code, checks = verified(record_of(pooled), sheet)
    assert code == 0
    assert checks["rows"]["same"]
    if moved:  # openpyxl keeps 16 digits itself, and may write the same bytes
        assert not checks["input"]["same"]
        assert checks["input"]["details"] == [{"coding": "same"}]
        assert checks["input"]["text"].startswith("the same coding, other bytes: ")


def test_text_file_has_no_sheet_of_the_recorded_name(pooled):
    sheet = pooled.with_name("again.csv")
    pd.read_excel(pooled, dtype=str).to_csv(sheet, index=False)
    code, checks = verified(record_of(pooled), sheet)
    assert code == 0
    assert checks["input"]["details"] == [{"coding": "same"}]


def test_blanks_around_a_text_are_no_change(pooled):
    def spaced(sheet):
        sheet["A3"] = f"{sheet['A3'].value} "

    code, checks = verified(record_of(pooled), saved_again(pooled, "spaced.xlsx", 15, spaced)[0])
    assert code == 0
    assert checks["input"]["details"] == [{"coding": "same"}]


def test_rows_that_moved_and_were_saved_again_are_the_same_coding(pooled):
    def turned(sheet):
        rows = [[c.value for c in row] for row in sheet.iter_rows(min_row=2)]
        for number, row in enumerate(reversed(rows), start=2):
            for column, value in enumerate(row, start=1):
                sheet.cell(number, column, value)

    sheet, _ = saved_again(pooled, "turned.xlsx", 15, turned)
    code, checks = verified(record_of(pooled), sheet)
    assert (code, checks["rows"]["same"]) == (0, True)


def changed(sheet):
    sheet["B3"], sheet["E5"], sheet["F6"], sheet["G7"] = 0.5, "IPT", None, "10.1037/other"


def test_changed_cells_are_named_with_what_they_said(pooled):
    before = load_workbook(pooled).active
    sheet, _ = saved_again(pooled, "changed.xlsx", 15, changed)
    code, checks = verified(record_of(pooled), sheet)
    assert code == 1
    assert checks["input"]["details"] == [{"coding": "changed"}]
    cells = [c for row in checks["rows"]["details"] for c in row["cells"]]
    assert cells == [
        {"cell": "effects!B3", "column": "r", "recorded": f"{before['B3'].value:.15g}",
         "now": "0.5"},
        {"cell": "effects!E5", "column": "modality", "recorded": before["E5"].value, "now": "IPT"},
        {"cell": "effects!F6", "column": "dose", "recorded": f"{before['F6'].value:.15g}",
         "now": ""},
        {"cell": "effects!G7", "column": "doi", "recorded": before["G7"].value,
         "now": "10.1037/other"},
    ]  # fmt: skip


def test_changed_cells_stand_in_the_text(pooled):
    sheet, _ = saved_again(pooled, "changed.xlsx", 16, changed)
    told = " ".join(call("verify", record_of(pooled), sheet).stdout.split())
    assert "another coding, other bytes" in told
    assert "row 6 (Study 1984) changed: effects!F6 dose '" in told
    assert "→ blank; row 7" in told


@pytest.mark.parametrize("factor", [1 + 1e-12, 1 - 1e-13])
def test_difference_that_saving_does_not_make_is_a_change(pooled, factor):
    def moved(sheet):
        sheet["F4"] = sheet["F4"].value * factor

    sheet, _ = saved_again(pooled, "moved.xlsx", 17, moved)
    _, checks = verified(record_of(pooled), sheet)
    assert [c["cell"] for c in checks["rows"]["details"][0]["cells"]] == ["effects!F4"]


CODED = """study,r,n,include,modality,alliance_rater,team
A,0.2,60,yes,CBT,client,north
B,0.3,50,yes,PDT,therapist,north
C,0.25,70,yes,CBT,client,south
D,0.1,40,no,CBT,client,south
"""


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    path = tmp_path_factory.mktemp("coded") / "studies.csv"
    path.write_text(CODED, encoding="utf-8")
    path.with_name("metaalliance.toml").write_text(
        '[vocabulary.alliance_rater]\nclient = ["Pt"]\n', encoding="utf-8"
    )
    assert call("pool", path, "-q", "--no-figures").exit_code == 0
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [(",yes,", ",YES,"), (",yes,", ",TRUE,"), (",yes,", ",True,"), (",no,", ",FALSE,"),
     (",CBT,", ",C.B.T.,"), (",client,", ",Pt,"), (",60,", ",60.0,"), (",0.3,", ",.30,")],
)  # fmt: skip
def test_another_word_for_what_the_reader_takes_alike_is_the_same_coding(coded, old, new):
    sheet = coded.with_name("words.csv")
    sheet.write_text(CODED.replace(old, new), encoding="utf-8")
    code, checks = verified(record_of(coded), sheet)
    assert (code, checks["rows"]["same"]) == (0, True)
    assert checks["input"]["details"] == [{"coding": "same"}]


@pytest.mark.parametrize(
    ("old", "new"),
    [("A,0.2,60,yes", "A,0.2,60,no"), ("yes,PDT", "yes,CBT"), (",therapist,", ",client,"),
     ("client,south", "client,South"), ("A,0.2,60,", "A,0.2,61,")],
)  # fmt: skip
def test_another_level_is_another_coding(coded, old, new):
    sheet = coded.with_name("levels.csv")
    sheet.write_text(CODED.replace(old, new), encoding="utf-8")
    code, checks = verified(record_of(coded), sheet)
    assert (code, checks["rows"]["same"]) == (1, False)
    assert checks["input"]["details"] == [{"coding": "changed"}]


@pytest.mark.parametrize("digits", DIGITS)
def test_comparison_lists_no_number_that_was_only_saved_again(pooled, digits):
    sheet, _ = saved_again(pooled, f"compared_{digits}.xlsx", digits)
    found = json.loads(call("compare", pooled, sheet, "--json", "--force").stdout)
    assert found["cells"] == []

    def moved(sheet):
        sheet["F4"] = sheet["F4"].value * (1 + 1e-9)

    sheet, _ = saved_again(pooled, "compared.xlsx", 17, moved)
    found = json.loads(call("compare", pooled, sheet, "--json", "--force").stdout)
    assert [cell["new_cell"] for cell in found["cells"]] == ["effects!F4"]


def test_record_without_the_coding_is_verified_by_its_rows(pooled, tmp_path):
    """Those of earlier versions: fingerprints of every digit, and no cells."""
    record = json.loads(record_of(pooled).read_text(encoding="utf-8"))
    seen = [["study", "r", "n", "outcome_direction", "modality", "dose", "doi"]]
    rows = load_workbook(pooled).active.iter_rows(min_row=2, values_only=True)
    marks = {
        str(number): digest(dict(zip(seen[0], map(str, row), strict=True)))[:16]
        for number, row in enumerate(rows, start=2)
    }
    record["rows"] = {n: " ".join([marks[n], *m.split()[1:]]) for n, m in record["rows"].items()}
    del record["coding"], record["seal"]
    record["files"] = {}
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**record, "seal": digest(record)}), encoding="utf-8")
    code, checks = verified(path, pooled)
    assert (code, checks["rows"]["same"], checks["input"]["same"]) == (0, True, True)
    sheet, _ = saved_again(pooled, "again.xlsx", 15)
    code, checks = verified(path, sheet)
    assert (code, checks["input"]["details"], checks["numbers"]["same"]) == (1, [], True)
    assert not any("cells" in row for row in checks["rows"]["details"])


def test_coding_is_small(pooled):
    record = json.loads(record_of(pooled).read_text(encoding="utf-8"))
    said = json.loads(zlib.decompress(base64.b64decode(record["coding"])))
    assert len(said) == 20
    assert len(record["coding"]) < len(json.dumps(said)) / 2


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.text())))
def test_coding_comes_back(coding):
    assert unpacked(packed(coding)) == coding


@pytest.mark.parametrize(
    "text", [None, 3, "", "no base64", "AAAA", base64.b64encode(b"x").decode()]
)
def test_what_is_no_coding_is_none(text):
    assert unpacked(text) is None
