"""`metaalliance verify`: what changed since a result was made, and whether it still follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from metaalliance.analysis.record import moved_numbers
from metaalliance.cli.app import app

#: A record of a forest by modality that does not hold its levels.
RECORDS = Path(__file__).parent / "records_5"

SHEET = """study,r,n,outcome_direction,modality,notes
Adler 1988,0.3,40,higher_better,CBT,a
Adler 1988,0.2,40,higher_better,CBT,b
Berg 1991,0.25,50,higher_better,PDT,
Cohn 1999,0.1,60,higher_better,CBT,
Dorn 2004,0.4,45,higher_better,PDT,
"""


def call(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture
def pooled(tmp_path):
    path = tmp_path / "studies.csv"
    path.write_text(SHEET, encoding="utf-8")
    assert call("pool", path, "-q", "--no-figures").exit_code == 0
    return path


def record_of(path):
    return path.parent / f"{path.stem}_results" / "run.json"


def verified(path, *more):
    done = call("verify", record_of(path), path, "--json", *more)
    content = json.loads(done.stdout)
    return done.exit_code, {c["name"]: c for c in content.get("checks", [])}, content


def test_unchanged_result_follows(pooled):
    code, checks, content = verified(pooled)
    assert code == 0
    assert content["follows"] is True
    assert all(check["same"] for check in checks.values())
    assert set(checks) == {"record", "input", "rows", "settings", "configuration", "versions",
                           "rules", "numbers", "digest", "files"}  # fmt: skip


def test_changed_cell_is_named_with_its_study_and_the_numbers_that_moved(pooled):
    pooled.write_text(SHEET.replace("0.25", "0.35"), encoding="utf-8")
    code, checks, _ = verified(pooled)
    assert code == 1
    assert not checks["input"]["same"]
    (row,) = checks["rows"]["details"]
    assert (row["row"], row["study"], row["what"]) == (4, "Berg 1991", "changed")
    assert row["recorded"] == pytest.approx(0.2554128)
    assert row["now"] == pytest.approx(0.3654438)
    moved = {d["number"] for d in checks["numbers"]["details"]}
    assert {"pooled.estimate", "pooled.ci_low"} <= moved
    assert checks["files"]["same"]


def test_changed_note_moves_no_number_but_the_row_is_told(pooled):
    pooled.write_text(SHEET.replace("CBT,b", "CBT,c"), encoding="utf-8")
    code, checks, _ = verified(pooled)
    assert code == 1
    assert checks["numbers"]["same"]
    assert [d["row"] for d in checks["rows"]["details"]] == [3]


def test_rows_that_only_moved_are_as_recorded(pooled):
    lines = SHEET.splitlines()
    pooled.write_text("\n".join([lines[0], *lines[3:], *lines[1:3]]) + "\n", encoding="utf-8")
    code, checks, _ = verified(pooled)
    assert checks["rows"]["same"]
    assert checks["numbers"]["same"]
    assert not checks["input"]["same"]
    assert code == 0
    assert verified(pooled, "--strict")[0] == 1


def test_new_and_lost_rows(pooled):
    text = SHEET.replace("Dorn 2004,0.4", "Ernst 2009,0.4") + "Falk 2010,0.3,70,higher_better,,\n"
    pooled.write_text(text, encoding="utf-8")
    _, checks, _ = verified(pooled)
    assert [(d["row"], d["what"]) for d in checks["rows"]["details"]] == [
        (6, "changed"),
        (7, "new"),
    ]
    pooled.write_text(SHEET.rsplit("Dorn", 1)[0], encoding="utf-8")
    _, checks, _ = verified(pooled)
    assert [(d["row"], d["what"]) for d in checks["rows"]["details"]] == [(6, "gone")]


def test_changed_option_is_detected(pooled):
    path = record_of(pooled)
    content = json.loads(path.read_text("utf-8"))
    content["analysis"]["model"]["rho"] = 0.8
    path.write_text(json.dumps(content), encoding="utf-8")
    code, checks, _ = verified(pooled)
    assert code == 1
    assert not checks["record"]["same"]
    assert not checks["numbers"]["same"]


def test_changed_configuration_is_told(pooled):
    (pooled.parent / "metaalliance.toml").write_text("[pool]\nrho = 0.8\n")
    code, checks, _ = verified(pooled)
    assert code == 0
    assert checks["configuration"]["details"] == [{"name": "rho", "recorded": 0.6, "now": 0.8}]
    assert verified(pooled, "--strict")[0] == 1


def test_changed_version_is_detected(pooled, monkeypatch):
    from metaalliance.analysis import verify

    found = verify.versions()
    monkeypatch.setattr(verify, "versions", lambda: {**found, "numpy": "9.9.9"})
    code, checks, _ = verified(pooled)
    assert code == 0
    (detail,) = checks["versions"]["details"]
    assert (detail["name"], detail["now"]) == ("numpy", "9.9.9")
    assert verified(pooled, "--strict")[0] == 1


@pytest.mark.parametrize("change", ["changed", "missing"])
def test_changed_output_is_detected(pooled, change):
    target = record_of(pooled).parent / "results.json"
    if change == "missing":
        target.unlink()
    else:
        target.write_text("{}")
    code, checks, _ = verified(pooled)
    assert code == 1
    assert [d["file"] for d in checks["files"]["details"]] == ["results.json"]


def test_sheet_that_has_errors_now(pooled):
    pooled.write_text(SHEET.replace("0.25", "1.25"), encoding="utf-8")
    done = call("verify", record_of(pooled), pooled)
    assert done.exit_code == 1
    assert "does not follow" in done.stderr
    code, _, content = verified(pooled)
    assert code == 1
    assert content["error"]


def test_report_can_be_verified(made):
    done = call("verify", made.folder / "run.json", made.sheet)
    assert done.exit_code == 0, done.stdout
    assert "The report follows from this workbook." in done.stdout
    changed = made.sheet.with_name("changed.csv")
    changed.write_text(made.sheet.read_text().replace(",1993,", ",1994,"), encoding="utf-8")
    done = call("verify", made.folder / "run.json", changed)
    assert done.exit_code == 1
    assert "moderators." in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("forest", "--by", "modality", "--tau2", "ML"),
        ("forest", "--compare", "published"),
        ("funnel",),
        ("plot", "baujat"),
    ],
    ids=lambda words: words[0],
)
def test_the_record_of_a_figure_can_be_verified(pooled, words):
    command, *options = words
    named = options[:1] if command == "plot" else []
    done = call(command, *named, pooled, *options[len(named) :])
    assert done.exit_code == 0, done.stderr
    record = pooled.parent / f"{pooled.stem}_results" / "figures" / f"run_{command}.json"
    done = call("verify", record, pooled)
    assert done.exit_code == 0, done.stdout
    assert "The figure follows from this workbook." in done.stdout
    held = json.loads(record.read_text(encoding="utf-8"))
    assert {"pooled.estimate", "heterogeneity.tau2"} < set(held["numbers"])
    changed = pooled.with_name("changed.csv")
    changed.write_text(pooled.read_text().replace("0.25", "0.35"), encoding="utf-8")
    assert changed.read_bytes() != pooled.read_bytes()
    done = call("verify", record, changed)
    assert done.exit_code == 1
    assert "The figure does not follow" in done.stdout
    assert "row 4 (Berg 1991) changed" in done.stdout
    checks = json.loads(call("verify", record, changed, "--json").stdout)["checks"]
    moved = next(c["details"] for c in checks if c["name"] == "numbers")
    assert "pooled.estimate" in {d["number"] for d in moved}


@pytest.mark.parametrize(
    ("words", "levels"),
    [
        (("forest",), {"by": "modality", "pool": "joint"}),
        (("plot", "orchard", "--pool", "apart"), {"by": "modality", "pool": "apart"}),
        (
            ("plot", "evidence-map", "--x", "modality"),
            {"by": "modality", "x": "modality", "pool": "joint"},
        ),
        (("forest", "--by", "none"), None),
        (("funnel", "--by", "modality"), None),
    ],
    ids=["forest", "orchard", "pairs", "ungrouped", "funnel"],
)
def test_the_record_of_a_figure_has_the_levels_that_it_shows(tmp_path, words, levels):
    sheet = tmp_path / "studies.csv"
    sheet.write_bytes((RECORDS / "studies.csv").read_bytes())
    named = 2 if words[0] == "plot" else 1
    done = call(*words[:named], sheet, *words[named:])
    assert done.exit_code == 0, done.stderr
    record = tmp_path / "studies_results" / "figures" / f"run_{words[0]}.json"
    held = json.loads(record.read_text(encoding="utf-8"))
    shown = {path for path in held["numbers"] if path.startswith("levels.")}
    assert held["request"]["options"].get("levels") == levels
    assert ("levels.0.estimate" in shown) == (levels is not None)
    assert call("verify", record, sheet, "--strict").exit_code == 0
    # another reading of the levels leaves rows, settings and the pooled mean as they are
    own = '[vocabulary.modality]\nCBT = ["psychodynamic"]\n'
    (tmp_path / "metaalliance.toml").write_text(own, encoding="utf-8")
    content = json.loads(call("verify", record, sheet, "--json").stdout)
    checks = {c["name"]: c for c in content["checks"]}
    assert checks["rows"]["same"]
    moved = {d["number"] for d in checks["numbers"]["details"]}
    assert content["follows"] == (levels is None)
    assert moved <= shown
    assert bool(moved) == (levels is not None)


def test_the_record_of_a_figure_without_its_levels_is_compared_as_before():
    code = call("verify", RECORDS / "run_forest.json", RECORDS / "studies.csv", "--json")
    checks = {c["name"]: c for c in json.loads(code.stdout)["checks"]}
    assert all(checks[name]["same"] for name in ("numbers", "digest", "settings", "rules"))
    assert "all 110 reproduced" in checks["numbers"]["text"]


@pytest.mark.parametrize("content", ["", "[]", '{"tool": "other"}', '{"tool": "metaalliance"}'])
def test_what_is_no_record_is_refused(pooled, tmp_path, content):
    other = tmp_path / "other.json"
    other.write_text(content)
    done = call("verify", other, pooled)
    assert done.exit_code == 3
    assert "MA680" in done.stderr


def test_differences_below_rounding_are_none():
    assert moved_numbers({"a": 0.3, "b": None}, {"a": 0.3 + 1e-12, "b": None}) == []
    moved = moved_numbers({"a": 0.3, "b": 1.0}, {"a": None, "b": 1.0001})
    assert [m["number"] for m in moved] == ["a", "b"]
