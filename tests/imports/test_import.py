"""What holds for every house: told by content, traced to its cells, written safely."""

from __future__ import annotations

import csv
import json
import re

import pytest
from imported_sheets import ABT, BOS, CORRELATIONS, COVIDENCE, WIDE, metapsy, pooled, turned, web
from openpyxl import load_workbook
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.sheet.imports.houses import HOUSES
from metaalliance.sheet.imports.source import Source

FILES = {
    "revman": web(),
    "covidence": COVIDENCE,
    "metapsy": metapsy(ABT, BOS, turned(BOS)),
    "cma": CORRELATIONS,
    "wide": WIDE,
}


def run(*words):
    return CliRunner().invoke(app, ["import", *map(str, words)])


def test_every_house_has_a_file_here():
    assert set(FILES) == {h.name for h in HOUSES}


@pytest.mark.parametrize("house", FILES)
def test_a_file_is_of_one_house(house):
    source = Source(FILES[house].encode(), f"{house}.csv")
    assert [h.name for h in HOUSES if h.fits(source, None)] == [house]


@pytest.mark.parametrize("house", FILES)
def test_every_cell_leads_back_to_its_source(made, house):
    path = made("f.csv", FILES[house])
    text = FILES[house].lstrip("\ufeff")
    rows = list(csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ","))
    imported = ma.import_sheet(path)
    traced = 0
    for record in imported.origins.to_dict("records"):
        match = re.match(r"([A-Z]+)(\d+) \(", record["source"])
        if record["what was done"] != "as it stands" or match is None:
            assert record["what was done"] != "as it stands", record
            continue
        column = sum((ord(c) - 64) * 26**i for i, c in enumerate(reversed(match[1]))) - 1
        seen = rows[int(match[2]) - 1][column].strip()
        assert seen == record["value"] or float(seen) == float(record["value"])
        traced += 1
    assert traced > len(imported.entries)


@pytest.mark.parametrize("house", FILES)
def test_the_workbook_is_the_template_filled_in(made, tmp_path, house):
    done = run(made("f.csv", FILES[house]), "-o", tmp_path / "s.xlsx")
    assert done.exit_code == 0, done.output
    book = load_workbook(tmp_path / "s.xlsx")
    assert book.sheetnames == [
        "effects",
        "to decide",
        "came from",
        "left out",
        "codebook",
        "_lists",
    ]
    template = CliRunner().invoke(app, ["template", "-o", str(tmp_path / "t.xlsx")])
    assert template.exit_code == 0
    checks = load_workbook(tmp_path / "t.xlsx")["effects"].data_validations
    assert book["effects"].data_validations.count == checks.count
    imported = ma.import_sheet(tmp_path / "f.csv")
    assert book["came from"].max_row == len(imported.origins) + 1
    assert book["left out"].max_row == len(imported.left_out) + 1
    assert not any(v.value and "EXAMPLE" in str(v.value) for v in book["effects"]["A"])


@pytest.mark.parametrize("house", FILES)
def test_the_result_pools(made, tmp_path, house):
    imported = ma.import_sheet(made("f.csv", FILES[house]))
    assert pooled(imported, tmp_path).n_effects == imported.used


@pytest.mark.parametrize("house", FILES)
def test_equal_files_give_equal_bytes(made, house):
    path = made("f.csv", FILES[house])
    assert ma.import_sheet(path).to_workbook() == ma.import_sheet(path).to_workbook()


def test_what_is_printed_and_what_is_written_agree(made, tmp_path):
    path = made("f.csv", FILES["covidence"])
    shown = run(path, "-o", tmp_path / "s.xlsx").stdout
    assert "3 effects of 3 studies" in shown
    assert "3 rows of the source left out" in shown
    assert "2 x coded by Ann B: Consensus is read" in shown
    done = run(path, "-o", tmp_path / "s.xlsx", "--json", "--force")
    document = json.loads(done.stdout)
    assert document["result"]["effects"] == 3
    assert len(document["result"]["left_out"]) == 3
    assert {p["code"] for p in document["problems"]} == {"MA551", "MA554"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("study,r,n\nA,.3,40\nB,.2,50\n", "MA131"),
        ("colour,shape\nred,round\n", "MA130"),
        ("study,n,r_sleep,r_mood\nA,50,,\n", "MA130"),
        ("Study name,Correlation,Std Err\n", "MA136"),
    ],
)
def test_what_is_nothing_to_import_is_refused_with_what_to_do(made, text, code):
    with pytest.raises(ma.UnreadableFileError) as caught:
        ma.import_sheet(made("f.csv", text))
    assert caught.value.code == code


def test_the_house_can_be_named_and_has_to_be_right(made, tmp_path):
    path = made("f.csv", FILES["wide"])
    assert run(path, "--from", "wide", "-o", tmp_path / "a.xlsx").exit_code == 0
    wrong = run(path, "--from", "cma", "-o", tmp_path / "b.xlsx")
    assert (wrong.exit_code, "MA134" in wrong.stderr) == (3, True)
    none = run(path, "--from", "spss", "-o", tmp_path / "b.xlsx")
    assert (none.exit_code, "revman, covidence, metapsy, cma, wide" in none.stderr) == (2, True)


@pytest.mark.parametrize(
    "words",
    [("--direction", "x"), ("--direction", "x=up"), ("--column", "n=sizes"), ("--reviewer", "Ann"),
     ("-o", "x.csv")],
)  # fmt: skip
def test_wrong_options_are_refused(made, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(made("f.csv", FILES["wide"]), *words).exit_code == 2


def test_files_of_others_and_the_source_stay(made, tmp_path):
    path = made("f.csv", FILES["wide"])
    (tmp_path / "f_studies.xlsx").write_bytes(b"mine")
    assert run(path).exit_code == 2
    assert (tmp_path / "f_studies.xlsx").read_bytes() == b"mine"
    assert run(path, "--force").exit_code == 0
    with pytest.raises(ma.OptionError):
        ma.import_sheet(path).save(tmp_path / "f_studies.xlsx")


def test_text_that_looks_like_a_formula_stays_text(made, tmp_path):
    path = made("f.csv", FILES["wide"].replace("US", "=1+1").replace("country", "=place"))
    book = load_workbook(ma.import_sheet(path).save(tmp_path / "s.xlsx"))
    for sheet in book.worksheets:
        assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)
