"""The multiverse in a report: only when asked for, with the numbers of the command."""

from __future__ import annotations

import json
import re

import pytest
from command_line import call

SHEET = """study,r,n,outcome_direction,modality
Adler 1988,0.3,40,higher_better,CBT
Adler 1988,0.2,40,higher_better,CBT
Berg 1991,0.25,50,higher_better,PDT
Cohn 1999,0.1,60,higher_better,CBT
Dorn 2004,0.4,45,higher_better,PDT
Eng 2006,0.35,85,higher_better,PDT
"""
GRID = """
[multiverse]
model = ["che", "two-level"]
tau2 = ["REML", "DL"]
rho = [0.4, 0.6]
measure = ["z", "r"]
aggregation = ["none", "mean"]
test = ["cr2", "knapp-hartung"]
outliers = ["keep"]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multiverse")
    sheet = folder / "studies.csv"
    sheet.write_text(SHEET, encoding="utf-8")
    (folder / "metaalliance.toml").write_text(GRID, encoding="utf-8")
    done = call("report", sheet, "--multiverse", "--no-bias", "--no-influence", "-q")
    assert done.exit_code == 0, done.stderr
    return sheet


def read(sheet, name):
    return (sheet.parent / "studies_results" / name).read_text(encoding="utf-8")


def test_text_table_and_figure_are_those_of_the_command(made):
    done = call("multiverse", made, "--no-figures", "--json", "-q", "-o", made.parent / "other")
    found = json.loads(done.stdout)
    text = read(made, "report.md")
    verdict = found["verdict"]
    low, high, median = (f"{verdict[k]:.2f}"[1:] for k in ("low", "high", "median"))
    assert f"from {low} to {high}, with a median of {median}" in text
    assert f"Over {found['counts']['specifications']:,} specifications" in text
    assert "Simonsohn" in text
    assert "Specification Curve" in text
    (first, *_) = found["decisions"]
    rows = re.findall(r"^\| ([A-Z].*?) \|", read(made, "tables/decisions.md"), re.M)
    assert len(rows) == len(found["decisions"]) + 1  # with the head
    share = re.search(r"with (\d+)% of the variance", text)
    assert share is not None
    assert int(share.group(1)) == round(100 * first["share"])
    results = json.loads(read(made, "results.json"))
    assert results["multiverse"]["verdict"] == verdict
    assert results["settings"]["content"]["multiverse"] is True
    assert "Specification curve of " in read(made, "report.html")


def test_the_main_analysis_has_its_place(made):
    found = json.loads(read(made, "results.json"))
    said = re.search(
        r"Of (\d+) distinct results, (\d+) are larger than that of the main analysis \((\S+)\) "
        r"and (\d+) smaller",
        read(made, "report.md"),
    )
    assert said is not None
    main = [s for s in found["multiverse"]["specifications"] if s["reference"]]
    assert said.group(3) == f"{main[0]['estimate']:.2f}"[1:]
    distinct = [s for s in found["multiverse"]["specifications"] if s["same_as"] is None]
    assert int(said.group(1)) == len(distinct)
    assert int(said.group(2)) == sum(s["estimate"] > main[0]["estimate"] for s in distinct)
    assert int(said.group(4)) == sum(s["estimate"] < main[0]["estimate"] for s in distinct)


def test_record_can_be_verified_and_a_changed_grid_is_found(made):
    record = made.parent / "studies_results" / "run.json"
    done = call("verify", record, made, "--json")
    assert json.loads(done.stdout)["follows"] is True
    config = made.parent / "metaalliance.toml"
    config.write_text(GRID.replace("0.4, 0.6", "0.4, 0.8"), encoding="utf-8")
    checks = {c["name"]: c for c in json.loads(call("verify", record, made, "--json").stdout)[
        "checks"]}  # fmt: skip
    config.write_text(GRID, encoding="utf-8")
    assert not checks["numbers"]["same"]
    assert any(d["number"].startswith("multiverse.") for d in checks["numbers"]["details"])


def test_without_the_option_there_is_none(made, tmp_path):
    done = call("report", made, "--no-bias", "--no-influence", "--no-figures", "-q", "-o", tmp_path)
    assert done.exit_code == 0
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "ultiverse" not in text
    assert "Simonsohn" not in text
    assert not (tmp_path / "tables" / "decisions.md").exists()
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert "multiverse" not in results
    assert "multiverse" not in results["settings"]["content"]
