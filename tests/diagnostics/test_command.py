"""`metaalliance influence` as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

import openpyxl
import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

SHEET = """study,r,n,outcome_direction,year,modality
Adler 1988,0.3,40,higher_better,1988,CBT
Adler 1988,0.2,40,higher_better,1988,CBT
Berg 1991,0.25,50,higher_better,1991,PDT
Berg 1991,0.1,50,higher_better,1991,PDT
Cohn 1999,0.1,60,higher_better,1999,CBT
Dorn 2004,0.4,45,higher_better,2004,CBT
Dorn 2004,0.7,45,higher_better,2004,CBT
Ehrl 2004,0.15,80,higher_better,2004,PDT
Fink 2010,0.22,70,higher_better,2010,PDT
"""


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "studies.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["influence", *map(str, words)])


def test_a_process_prints_tables_and_writes_its_files(sheet):
    environment = {**os.environ, "COLUMNS": "110", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", "influence", str(sheet), "--gosh", "40"],
        capture_output=True, encoding="utf-8", check=False, env=environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for title in (
        "Without each study, the most influential first",
        "Influence of studies, the largest Cook's distance first",
        "Outliers among effects",
        "Cumulative by year",
        "GOSH: 40 random subsets of 6 studies",
    ):
        assert title in done.stdout
    folder = sheet.parent / "studies_results"
    written = {"influence.json", "influence.xlsx", "run_influence.json"}
    figures = ("leave_one_out", "influence", "baujat", "cumulative", "gosh")
    ends = (".pdf", ".png", ".alt.txt", ".caption.txt")
    written |= {f"{name}{end}" for name in figures for end in ends}
    assert {p.name for p in folder.iterdir()} == written
    book = openpyxl.load_workbook(folder / "influence.xlsx", read_only=True)
    assert book.sheetnames == [
        "Leave one out", "Studies", "Effects", "Baujat", "Outliers", "Without outliers",
        "Cumulative", "GOSH quantiles", "GOSH by study", "Problems", "Settings",
    ]  # fmt: skip


def test_json_is_what_python_gives(call, sheet):
    done = call(sheet, "--json", "--by", "modality")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    saved = json.loads((sheet.parent / "studies_results" / "influence.json").read_text("utf-8"))
    assert document == saved
    effects = ma.effect_sizes(ma.load_studies(sheet))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)
        fit = ma.pool(effects)
    left = ma.leave_one_out(fit).to_dict()
    assert document["command"] == "influence"
    assert document["leave_one_out"] == json.loads(json.dumps(left))
    assert document["counts"]["n_studies"] == 6
    assert [s["n_studies"] for s in document["cumulative"]["steps"]] == [1, 2, 3, 5, 6]
    assert document["gosh"] is None
    moderator = document["moderators"][0]
    assert moderator["name"] == "modality"
    assert len(moderator["omitted"]) == 6
    with pytest.warns(ma.MetaAllianceWarning, match="MA620"):
        test = ma.moderators(effects, "modality")
    expected = ma.leave_one_out(test).frame["omnibus_p_value"]
    assert [m["omnibus_p_value"] for m in moderator["omitted"]] == expected.tolist()


def test_rows_are_bounded_unless_all_are_asked_for(call, tmp_path):
    rows = "\n".join(f"Study {i},{0.1 + 0.03 * (i % 9):.2f},{40 + i},{1990 + i}" for i in range(15))
    path = tmp_path / "many.csv"
    path.write_text(f"study,r,n,year\n{rows}\n", encoding="utf-8")
    short, long = call(path, "-q"), call(path, "-q", "--all")
    assert "10 of 15; --all shows them all." in short.stdout
    assert "The last 10 of 15 steps" in short.stdout
    assert "--all shows" not in long.stdout
    assert all(f"Study {i}" in long.stdout for i in range(15))


def test_a_sheet_without_years_says_so(call, tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("study,r,n\nA,.1,40\nB,.3,50\nC,.2,60\n", encoding="utf-8")
    done = call(path, "--model", "two-level")
    assert done.exit_code == 0
    assert "no column year" in done.stdout
    refused = call(path, "--cumulative", "decade")
    assert refused.exit_code == 2


def test_seed_and_jobs(call, sheet):
    first = json.loads(call(sheet, "--json", "--gosh", "30", "--seed", "4").stdout)["gosh"]
    again = json.loads(call(sheet, "--json", "--gosh", "30", "--seed", "4", "--jobs", "2").stdout)[
        "gosh"
    ]
    assert first == again
    assert first["n_subsets"] == 30
    assert first["seed"] == 4


@pytest.mark.parametrize("subsets", ["-1", "1000001"])
def test_an_impossible_number_of_subsets(call, sheet, subsets):
    done = call(sheet, "--gosh", subsets)
    assert done.exit_code == 2
    assert "--gosh" in done.stderr


def test_one_study_is_refused(call, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("study,r,n\nA,.1,40\n", encoding="utf-8")
    done = call(path, "--json")
    assert done.exit_code == 4
    assert json.loads(done.stdout)["error"]["code"] == "MA660"


def test_a_sheet_with_errors_computes_nothing(call, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("study,r,n\nA,1.4,40\nB,.2,50\n", encoding="utf-8")
    done = call(path)
    assert done.exit_code == 1
    assert "Nothing was computed." in done.stderr
    assert not (tmp_path / "bad_results").exists()
