"""What a sheet says is text: in the terminal, in workbooks, in JSON, in figures."""

from __future__ import annotations

import csv
import json

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from metaalliance.cli.app import app

LABELS = [
    '=HYPERLINK("http://x")',
    "=cmd|'/c calc'!A1",
    "+1",
    "-2+3",
    "@x",
    "<script>alert(1)</script>",
    "Smith [/CBT]",
    "Smith [red] 2001",
    "100% & $x_1$",
    "$\\frac{$",
    "^_{}\\",
    "vertical\x0btab",
    "\u202eRTL override\u202c",
    "\x1b[31mred",
    "Flückiger 😀",
    "日本語の研究",
    "x" * 500,
    "{braces} %s {0}",
]
CLEAN = {"vertical\x0btab": "vertical tab", "\u202eRTL override\u202c": "RTL override",
         "\x1b[31mred": "[31mred"}  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A sheet whose labels, columns and name are hostile, and what pooling it gave."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "=1+1 [red] <b>.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["study", "r", "n", "modality", "=danger()", "[/bold]"])
        for i, label in enumerate(LABELS):
            writer.writerow([label, f"{0.1 + i / 100:.2f}", 40 + i, "CBT", "@SUM(A1)", "{0}"])
    result = CliRunner().invoke(app, ["pool", str(path), "-o", str(folder / "out"), "-v"])
    return result, folder / "out", path


def test_hostile_sheet_is_pooled_and_drawn(hostile):
    result, folder, _ = hostile
    assert result.exit_code == 0
    assert {"forest.pdf", "forest.png", "funnel.pdf"} <= {p.name for p in folder.iterdir()}


def test_terminal_gets_no_control_character(hostile):
    result, _, _ = hostile
    shown = (result.stdout + result.stderr).replace("\n", "")
    assert not [c for c in shown if not c.isprintable()]


def test_every_effect_is_in_the_workbook(hostile):
    _, folder, _ = hostile
    sheet = load_workbook(folder / "results.xlsx")["Effects"]
    found = [row[0] for row in sheet.iter_rows(min_row=2, max_col=1, values_only=True)]
    assert len(found) == len(LABELS)


@pytest.mark.parametrize("name", ["Summary", "Effects", "Ledger", "Problems", "Settings"])
def test_workbook_has_no_formula(hostile, name):
    _, folder, _ = hostile
    cells = [c for row in load_workbook(folder / "results.xlsx")[name].iter_rows() for c in row]
    assert {c.data_type for c in cells} <= {"s", "n", "b", "inlineStr"}


def test_labels_stay_what_they_are(hostile):
    _, folder, _ = hostile
    sheet = load_workbook(folder / "results.xlsx")["Effects"]
    found = {row[0] for row in sheet.iter_rows(min_row=2, max_col=1, values_only=True)}
    assert {label for label in LABELS if label not in CLEAN} <= found


@pytest.mark.parametrize("name", ["results.json", "run.json"])
def test_json_files_are_valid(hostile, name):
    _, folder, _ = hostile
    json.loads((folder / name).read_text(encoding="utf-8"))


def test_alternative_text_has_no_control_character(hostile):
    _, folder, _ = hostile
    text = (folder / "forest.alt.txt").read_text(encoding="utf-8").replace("\n", "")
    assert text.isprintable()


@pytest.mark.parametrize("label", LABELS, ids=ascii)
@pytest.mark.parametrize("options", [[], ["--json"], ["--all"], ["--quiet"]], ids=" ".join)
def test_problem_of_a_hostile_row_is_reported(call, tmp_path, label, options):
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["study", "r", "n"], [label, 1.3, 40]])
    result = call("validate", "t.csv", *options)
    assert result.exit_code == 1
    assert "t.csv" in result.stdout


@pytest.mark.parametrize("text", [t for t in LABELS if len(t) < 100], ids=ascii)
def test_hostile_cell_is_shown_without_control_characters(call, tmp_path, text):
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["study", "r", "n", "modality"], ["A", 0.3, 40, text]])
    result = call("validate", "t.csv")
    assert (result.stdout + result.stderr).replace("\n", "").isprintable()


@pytest.mark.parametrize("text", [t for t in LABELS if len(t) < 100], ids=ascii)
def test_hostile_header_is_shown_without_control_characters(call, tmp_path, text):
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["study", "r", "n", text], ["A", 0.3, 40, "x"]])
    result = call("validate", "t.csv")
    assert (result.stdout + result.stderr).replace("\n", "").isprintable()


def test_hostile_table_without_header_is_refused_inertly(call, tmp_path):
    (tmp_path / "t.csv").write_text("\x1b[31mred,\u202ex,[/bold]\n", encoding="utf-8")
    result = call("validate", "t.csv")
    assert result.exit_code == 3
    assert result.stderr.replace("\n", "").isprintable()


LIVE = ("=", "+", "-", "@", "\t", "\r")


def test_csv_of_effects_has_no_formula(call, tmp_path, hostile):
    _, _, path = hostile
    result = call("convert", path, "-o", "effects.csv")
    assert result.exit_code == 0
    with (tmp_path / "effects.csv").open(newline="", encoding="utf-8-sig") as stream:
        texts = [cell for row in csv.reader(stream) for cell in row]
    assert not [t for t in texts if t.startswith(LIVE) and not _is_number(t)]


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
