"""The files of `pool`: written, listed, repeatable, and never over what is not its own."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest
from openpyxl import load_workbook

from metaalliance.cli.run import OK

NUMBERS = ["results.json", "results.xlsx", "run.json"]
ENDINGS = (".alt.txt", ".caption.txt", ".pdf", ".png")
FIGURES = [f"{name}{ending}" for name in ("forest", "funnel") for ending in ENDINGS]


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def hashes(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


@pytest.fixture
def pooled(call, nested, tmp_path):
    """Folder of a run without figures."""
    assert call("pool", nested, "--no-figures").exit_code == OK
    return tmp_path / "nested_results"


def test_folder_stands_beside_the_sheet(pooled):
    assert names(pooled) == NUMBERS


def test_written_files_are_listed(pooled):
    document = json.loads((pooled / "results.json").read_text(encoding="utf-8"))
    assert sorted(document["files"]) == NUMBERS


def test_run_record_has_the_hash_of_each_other_file(pooled):
    record = json.loads((pooled / "run.json").read_text(encoding="utf-8"))
    found = hashes(pooled)
    assert record["files"] == {n: found[n] for n in ("results.json", "results.xlsx")}


def test_second_run_writes_the_same_bytes(call, nested, pooled):
    before = hashes(pooled)
    assert call("pool", nested, "--no-figures").exit_code == OK
    assert hashes(pooled) == before


def test_second_run_writes_the_same_figures(call, nested, tmp_path):
    folder = tmp_path / "out"
    assert call("pool", nested, "-o", folder).exit_code == OK
    before = hashes(folder)
    assert sorted(before) == sorted([*NUMBERS, *FIGURES])
    assert call("pool", nested, "-o", folder).exit_code == OK
    assert hashes(folder) == before


def test_another_folder_gets_the_same_bytes(call, nested, pooled, tmp_path):
    assert call("pool", nested, "--no-figures", "-o", tmp_path / "other").exit_code == OK
    assert hashes(tmp_path / "other") == hashes(pooled)


def test_changed_sheet_changes_the_result(call, nested, pooled):
    before = hashes(pooled)
    nested.write_text(nested.read_text().replace("0.4,45", "0.35,45"))
    call("pool", nested, "--no-figures")
    assert hashes(pooled)["results.json"] != before["results.json"]


def test_printed_result_does_not_depend_on_the_folder(call, nested, tmp_path):
    first = call("pool", nested, "--no-figures", "-o", tmp_path / "a")
    second = call("pool", nested, "--no-figures", "-o", tmp_path / "b")
    assert first.stdout == second.stdout


def test_input_is_never_touched(call, nested):
    before = nested.read_bytes(), nested.stat().st_mtime_ns
    call("pool", nested, "--no-figures")
    assert (nested.read_bytes(), nested.stat().st_mtime_ns) == before


def test_no_temporary_file_is_left(pooled):
    assert not [n for n in names(pooled) if n.endswith(".part")]


# Foreign files --------------------------------------------------------------------------


@pytest.fixture
def foreign(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "results.xlsx").write_text("my own work")
    return folder


def test_foreign_file_is_refused(call, good, foreign):
    result = call("pool", good, "--no-figures", "-o", foreign)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("(MA691)\n")


def test_foreign_file_is_left_alone(call, good, foreign):
    call("pool", good, "--no-figures", "-o", foreign)
    assert (foreign / "results.xlsx").read_text() == "my own work"
    assert names(foreign) == ["results.xlsx"]


def test_foreign_file_is_replaced_by_force(call, good, foreign):
    assert call("pool", good, "--no-figures", "-o", foreign, "--force").exit_code == OK
    assert names(foreign) == NUMBERS


def test_other_files_of_the_folder_stay(call, good, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.docx").write_text("mine")
    assert call("pool", good, "--no-figures", "-o", tmp_path / "out").exit_code == OK
    assert (tmp_path / "out" / "notes.docx").read_text() == "mine"


def test_file_in_place_of_the_folder(call, good, bad):
    result = call("pool", good, "--no-figures", "-o", bad)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is a file, not a folder" in result.stderr


def test_folder_that_cannot_be_made(call, good, bad):
    result = call("pool", good, "--no-figures", "-o", bad / "sub")
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


def test_deep_folder_is_made(call, good, tmp_path):
    assert call("pool", good, "--no-figures", "-o", tmp_path / "a" / "b" / "c").exit_code == OK
    assert names(tmp_path / "a" / "b" / "c") == NUMBERS


def test_standard_input_has_a_folder_of_its_own(call, good, tmp_path):
    assert call("pool", "-", "--no-figures", input=good.read_text()).exit_code == OK
    assert names(tmp_path / "metaalliance_results") == NUMBERS


@pytest.mark.parametrize("name", ["my sheet.csv", "Übersicht é.csv", "😀.csv", "a.b.c.csv"])
def test_name_of_the_sheet_names_the_folder(call, good, tmp_path, name):
    good.rename(tmp_path / name)
    assert call("pool", name, "--no-figures").exit_code == OK
    assert names(tmp_path / f"{name.removesuffix('.csv')}_results") == NUMBERS


# The results workbook -------------------------------------------------------------------


@pytest.fixture
def book(pooled):
    return load_workbook(pooled / "results.xlsx")


def rows(sheet):
    header, *body = sheet.values
    return [dict(zip(header, row, strict=True)) for row in body]


def test_sheets_of_the_results(book):
    assert book.sheetnames == ["Summary", "Effects", "Ledger", "Problems", "Settings"]


def test_excluded_rows_have_a_sheet(call, good, tmp_path):
    lines = good.read_text().splitlines()
    head = lines[0] + ",include,exclusion_reason"
    good.write_text("\n".join([head, *lines[1:], "Egan 2001,x,3,,no,wrong unit"]) + "\n")
    call("pool", good, "--no-figures")
    found = rows(load_workbook(tmp_path / "good_results" / "results.xlsx")["Excluded"])
    assert found == [{"row": 6, "study": "Egan 2001", "reason": "wrong unit"}]


def test_every_effect_is_in_the_workbook(book):
    assert [row["row"] for row in rows(book["Effects"])] == list(range(2, 9))


def test_every_effect_has_its_ledger(book):
    assert [row["inputs"].split(";")[0] for row in rows(book["Ledger"])][:2] == [
        "r = 0.3 [nested.csv!B2]",
        "r = 0.2 [nested.csv!B3]",
    ]


def test_weights_add_up(book):
    assert sum(row["weight_percent"] for row in rows(book["Effects"])) == pytest.approx(100)


def test_summary_agrees_with_the_document(book, pooled):
    document = json.loads((pooled / "results.json").read_text(encoding="utf-8"))
    (first, *_) = rows(book["Summary"])
    assert first["estimate"] == pytest.approx(document["pooled"]["estimate"], rel=1e-15)


def test_many_effects_stand_beside_the_workbook(call, nested, tmp_path, monkeypatch):
    monkeypatch.setattr("metaalliance.cli.pool.MOST_LISTED", 5)
    folder = tmp_path / "out"
    result = call("pool", nested, "--no-figures", "-o", folder)
    assert names(folder) == ["effects.csv", "ledger.csv", *NUMBERS]
    said = " ".join(result.stderr.split())
    assert "effects stand in effects.csv and ledger.csv, not in results.xlsx" in said
    assert "not written" not in said
    assert load_workbook(folder / "results.xlsx").sheetnames == ["Summary", "Problems", "Settings"]
    effects, ledger = (pd.read_csv(folder / f"{n}.csv") for n in ("effects", "ledger"))
    monkeypatch.undo()
    assert call("pool", nested, "--no-figures", "-o", tmp_path / "usual").exit_code == OK
    for title, found in (("Effects", effects), ("Ledger", ledger)):
        listed = pd.read_excel(tmp_path / "usual" / "results.xlsx", sheet_name=title)
        assert list(found) == list(listed)
        assert found["row"].tolist() == listed["row"].tolist()
        assert found["yi"].to_numpy() == pytest.approx(listed["yi"].to_numpy(), rel=1e-15)
    pooled, usual = (
        json.loads((tmp_path / f / "results.json").read_text()) for f in ("out", "usual")
    )
    assert pooled["models"] == usual["models"]


def test_a_record_of_very_many_rows_holds_their_number(call, nested, tmp_path, monkeypatch):
    monkeypatch.setattr("metaalliance.cli.pool.MOST_LISTED", 5)
    monkeypatch.setattr("metaalliance.cli.pool.MOST_MARKED", 5)
    monkeypatch.setattr("metaalliance.analysis.record.MOST_MARKED", 5)
    folder = tmp_path / "out"
    result = call("pool", nested, "--no-figures", "-o", folder)
    assert names(folder) == ["effects.csv", *NUMBERS]
    said = " ".join(result.stderr.split())
    assert "How each was made is not written" in said
    assert "the record does not hold each row" in said
    record = json.loads((folder / "run.json").read_text())
    assert record["rows"] == {}
    assert "coding" not in record
    lines = nested.read_text().splitlines()
    assert record["rows_not_recorded"] == len(lines) - 1
    assert call("verify", folder / "run.json", nested).exit_code == OK
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("\n".join(lines[:-1]) + "\n")
    result = call("verify", folder / "run.json", shorter)
    assert result.exit_code != OK
    said = " ".join(result.stdout.split())
    assert f"{len(lines) - 1} recorded, none by itself; {len(lines) - 2} now" in said
