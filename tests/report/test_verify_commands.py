"""`metaalliance verify` on the records of moderators, influence, bias and multiverse."""

from __future__ import annotations

import json

import pytest
from command_line import call

from metaalliance.analysis.documents import digest

ROWS = [
    ("Adler 1988", 0.30, 40, "CBT", "client", 1988),
    ("Adler 1988", 0.21, 40, "CBT", "therapist", 1988),
    ("Berg 1991", 0.25, 50, "PDT", "client", 1991),
    ("Cohn 1999", 0.10, 160, "CBT", "client", 1999),
    ("Dorn 2004", 0.40, 45, "PDT", "client", 2004),
    ("Dorn 2004", 0.31, 45, "PDT", "therapist", 2004),
    ("Eng 2006", 0.35, 85, "PDT", "client", 2006),
    ("Falk 2008", 0.05, 95, "CBT", "therapist", 2008),
    ("Gill 2011", 0.22, 60, "CBT", "client", 2011),
]
HEAD = "study,r,n,outcome_direction,modality,alliance_rater,year"
COMMANDS = {
    "moderators": (
        "--by", "modality", "--formula", "year", "--at", "year=2000", "--within-between",
        "alliance_rater", "--heterogeneity", "year", "--model-set", "modality", "--rho", ".8",
        "--also", "permutation", "--seed", "7",
    ),
    "influence": ("--by", "modality", "--gosh", "200", "--seed", "3", "--tau2", "ML"),
    "bias": ("--steps", ".05,.5", "--model", "three-level", "--level", ".9"),
    "multiverse": ("-d", "rho=.4,.6", "-d", "model=che,two-level", "-d", "tau2=REML,ML"),
}  # fmt: skip


def sheet(path, rows=ROWS):
    lines = [f"{s},{r},{n},higher_better,{m},{a},{y}" for s, r, n, m, a, y in rows]
    path.write_text("\n".join([HEAD, *lines]), encoding="utf-8")
    return path


@pytest.fixture(params=COMMANDS)
def made(request, tmp_path):
    path = sheet(tmp_path / "studies.csv")
    done = call(request.param, path, *COMMANDS[request.param], "--no-figures", "-q")
    assert done.exit_code == 0, done.stderr
    return request.param, path, tmp_path / "studies_results" / f"run_{request.param}.json"


def verified(record, path, *more):
    done = call("verify", record, path, "--json", *more)
    content = json.loads(done.stdout)
    assert "checks" in content, content
    return done.exit_code, {c["name"]: c for c in content["checks"]}


def test_record_follows_then_a_changed_cell_is_found(made):
    command, path, record = made
    code, checks = verified(record, path, "--strict")
    assert [name for name, check in checks.items() if not check["same"]] == []
    assert code == 0
    assert len(json.loads(record.read_text("utf-8"))["numbers"]) > 20
    changed = [(*row[:1], 0.15, *row[2:]) if row[0] == "Cohn 1999" else row for row in ROWS]
    sheet(path, changed)
    code, checks = verified(record, path)
    assert code == 1
    assert [d["row"] for d in checks["rows"]["details"]] == [5]
    assert not checks["numbers"]["same"]
    assert not checks["digest"]["same"]
    assert checks["settings"]["same"]
    assert checks["files"]["same"]
    (path.parent / "studies_results" / f"{command}.json").write_text("{}")
    assert not verified(record, path)[1]["files"]["same"]


def test_an_option_edited_in_the_record_is_found(made):
    command, path, record = made
    content = json.loads(record.read_text("utf-8"))
    content["analysis"]["model"]["level"] = 0.8
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    record.write_text(json.dumps(content), encoding="utf-8")
    code, checks = verified(record, path)
    assert code == 1
    assert checks["record"]["same"]  # whoever makes a new record makes a new seal
    assert not checks["settings"]["same"], command
    assert not checks["digest"]["same"]


def test_text_names_the_result(made):
    _, path, record = made
    done = call("verify", record, path)
    assert done.exit_code == 0
    assert "The result follows from this workbook." in done.stdout
    assert "to the last digit" in done.stdout


# Two sheets -----------------------------------------------------------------------------


@pytest.fixture
def versions(tmp_path):
    """Two versions of a sheet, compared with settings, and their record."""
    old = sheet(tmp_path / "old.csv", ROWS[:-1])
    new = sheet(tmp_path / "new.csv", [("Adler 1988", 0.35, *ROWS[0][2:]), *ROWS[1:]])
    done = call("compare", old, new, "-q", "--rho", ".8", "--tau2", "ML", "--key", "alliance_rater")
    assert done.exit_code == 0, done.stderr
    return old, new, tmp_path / "new_results" / "run_compare.json"


def test_a_comparison_follows_from_its_sheets(versions):
    old, new, record = versions
    for more in ((), ("--strict",), ("--old", old)):
        code, checks = verified(record, new, *more)
        assert code == 0
        assert all(check["same"] for check in checks.values())
    assert json.loads(record.read_text(encoding="utf-8"))["numbers"]["result.total"] != 0
    assert "The result follows from this workbook." in call("verify", record, new).stdout


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_comparison_does_not_follow_from_other_sheets(versions, which):
    old, new, record = versions
    path = {"old": old, "new": new}[which]
    path.write_text(path.read_text(encoding="utf-8").replace("0.25", "0.26"), encoding="utf-8")
    code, checks = verified(record, new)
    assert code == 1
    assert not checks["input"]["same"]
    assert f"{which}: other bytes" in checks["input"]["text"]
    assert any(m["number"].startswith("result.") for m in checks["numbers"]["details"])


def test_an_edited_record_of_a_comparison_is_seen(versions):
    _, new, record = versions
    content = json.loads(record.read_text(encoding="utf-8"))
    content["numbers"]["result.total"] = 0.5
    record.write_text(json.dumps(content), encoding="utf-8")
    code, checks = verified(record, new)
    assert code == 1
    assert not checks["record"]["same"]
    assert checks["numbers"]["details"][0]["recorded"] == 0.5


def test_an_earlier_sheet_that_is_missing_or_has_no_use(versions, tmp_path):
    old, new, record = versions
    moved = old.rename(tmp_path / "other.csv")
    assert call("verify", record, new).exit_code == 3
    assert call("verify", record, new, "--old", moved).exit_code == 0
    assert call("pool", new, "-q").exit_code == 0
    done = call("verify", tmp_path / "new_results" / "run.json", new, "--old", moved)
    assert done.exit_code == 2
    assert "no use" in done.stderr


def test_a_sheet_that_cannot_be_pooled_is_exit_4(tmp_path):
    old, new = sheet(tmp_path / "old.csv", ROWS[:2]), sheet(tmp_path / "new.csv")
    done = call("compare", old, new)
    assert done.exit_code == 4
    assert "No result: " in done.stdout
    assert call("pool", old).exit_code == 4
