"""Records of version 0.1, which know nothing of versions of rules, verified now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.analysis.documents import digest
from metaalliance.analysis.rules import RULES, RULES_VERSION
from metaalliance.cli.app import app

FILES = Path(__file__).parent / "records_0_1"


@pytest.fixture
def old(tmp_path):
    """Return a function that lays out a record of 0.1, whose other files were not kept."""

    def make(name, change=None):
        shutil.copy(FILES / "good.csv", tmp_path)
        content = json.loads((FILES / name).read_text("utf-8"))
        content["files"] = {}
        if change is not None:
            change(content)
        content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
        return ma.verify(tmp_path / name, tmp_path / "good.csv", config=empty(tmp_path))

    return make


def empty(folder):
    path = folder / "empty.toml"
    path.write_text("")
    return path


def by_name(found):
    return {check.name: check for check in found.checks}


def test_rows_of_the_comparison_moved_by_a_rule_that_is_named(old):
    found = old("run.json")
    assert found.rules == 1
    assert found.follows
    assert "by the rules of version 1" in found.verdict
    assert "comparison rows take the settings of the main model" in found.verdict
    details = by_name(found)["rules"].details
    assert len(details) > 20
    assert {d["number"].split(".")[0] for d in details} == {"models"}
    assert "0" not in {d["number"].split(".")[1] for d in details}
    assert by_name(found)["numbers"].same
    assert "common-effect: " in by_name(found)["rules"].text


def test_the_main_result_is_moved_by_no_rule(old):
    def change(content):
        content["numbers"]["pooled.estimate"] += 0.01

    found = old("run.json", change)
    assert not found.follows
    assert [d["number"] for d in by_name(found)["numbers"].details] == ["pooled.estimate"]


@pytest.mark.parametrize("name", ["run_moderators.json", "run_bias.json"])
def test_other_commands_follow(old, name):
    found = old(name)
    assert found.follows, found.summary()
    assert not by_name(found)["rules"].same


def read_before(folder, change=None):
    """Verify a record of rules 2 of simulated papers that it counted by their author alone."""
    files = FILES.parent / "records_2"
    content = json.loads((files / "run.json").read_text("utf-8"))
    content["files"] = {}
    if change is not None:
        change(content)
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    return ma.verify(folder / "run.json", files / "authors.csv", config=empty(folder))


def test_a_sheet_that_is_read_into_other_studies_names_the_rule(tmp_path):
    found = read_before(tmp_path)
    assert found.follows
    assert "author and year tell studies apart" in found.verdict
    moved = {d["number"]: d for d in by_name(found)["rules"].details}
    assert (moved["counts.n_studies"]["recorded"], moved["counts.n_studies"]["now"]) == (4, 6)


def test_numbers_of_the_same_studies_are_moved_by_no_reading(tmp_path):
    now = read_before(tmp_path)
    counts = {d["number"]: d["now"] for d in by_name(now)["rules"].details}

    def change(content):
        content["numbers"] |= {n: v for n, v in counts.items() if ".n_" in n}

    assert not read_before(tmp_path, change).follows


def record_of(folder, *levels, column="alliance_rater"):
    """Return the record of moderators of a sheet with these levels, which is left there."""
    rows = [f"S{i},.{i}1,{40 + i},{level}\n" for i, level in enumerate(levels, start=1)]
    (folder / "sheet.csv").write_text(f"study,r,n,{column}\n" + "".join(rows))
    words = ["moderators", str(folder / "sheet.csv"), "--by", column, "--output",
             str(folder), "--force"]  # fmt: skip
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    return json.loads((folder / "run_moderators.json").read_text("utf-8"))


#: What the next version changed: a column, levels beside a name, how it was read, what is said.
OTHERWISE = [
    (3, "alliance_rater", ["client", "partner"], "parent", "other", "parents are raters of"),
    (4, "setting", ["outpatient", "school"], "hospital", "inpatient", "a hospital as setting"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "column", "beside", "name", "was", "said"), OTHERWISE)
def test_levels_that_are_read_otherwise_name_the_rule(
    tmp_path, rules, column, beside, name, was, said
):
    """The older rules read a name as another level: their numbers are those of that level."""
    others = [level for level in beside for _ in range(3)]
    before = record_of(tmp_path, *others, was, was, was, column=column)
    content = record_of(tmp_path, *others, name, name, name, column=column)
    assert before["numbers"] != content["numbers"]
    content |= {"files": {}, "rules": rules, "numbers": before["numbers"]}
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    record = tmp_path / "run_moderators.json"
    record.write_text(json.dumps(content), encoding="utf-8")
    found = ma.verify(record, tmp_path / "sheet.csv", config=empty(tmp_path))
    assert found.follows, found.summary()
    assert said in found.verdict


RATED = "study,effect,r,n,alliance_rater\n"
STRUCTURES = {
    "pool": ["--model", "che", "--rho-same", ".8", "--same", "alliance_rater"],
    "bias": ["--model", "three-level", "--above", "alliance_rater"],
    "pool crossed": ["--model", "three-level", "--crossed", "alliance_rater"],
}


def structured(folder, command, words, rater):
    """Return the record of a model that is structured by raters, one of them as named."""
    raters = ["client", "therapist", "partner", rater]
    rows = [
        f"S{i},{k},.{(i * 7 + k * 11) % 40 + 10},{40 + i},{name}\n"
        for i in range(1, 9)
        for k, name in enumerate(raters)
        if (i + k) % 4 or words[2] == "--rho-same"
    ]
    if "--above" in words:
        rows = [
            f"S{i},{k},.{(i * 7 + k * 11) % 40 + 10},{40 + i},{raters[i % 4]}\n"
            for i in range(1, 13)
            for k in (1, 2)
        ]
    (folder / "sheet.csv").write_text(RATED + "".join(rows))
    call = [command, str(folder / "sheet.csv"), *words, "--output", str(folder), "--force"]
    done = CliRunner().invoke(app, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    name = "run.json" if command == "pool" else f"run_{command}.json"
    return folder / name, json.loads((folder / name).read_text("utf-8"))


@pytest.mark.parametrize("kind", STRUCTURES)
def test_a_model_that_takes_its_structure_from_levels_names_the_rule(tmp_path, kind):
    """Rules 3 read parents as other: their numbers are those of a sheet that calls them so."""
    command, words = kind.split()[0], STRUCTURES[kind]
    _, before = structured(tmp_path, command, words, "other")
    record, content = structured(tmp_path, command, words, "parent")
    assert before["numbers"] != content["numbers"]
    content |= {"files": {}, "rules": 3, "numbers": before["numbers"]}
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    record.write_text(json.dumps(content), encoding="utf-8")
    found = ma.verify(record, tmp_path / "sheet.csv", config=empty(tmp_path))
    assert found.follows, found.summary()
    assert "parents are raters of their own" in found.verdict


def test_a_comparison_that_takes_its_structure_from_levels_names_the_rule(tmp_path):
    words = ["--model", "che", "--rho-same", ".8", "--same", "alliance_rater"]
    numbers = []
    for rater in ("other", "parent"):
        structured(tmp_path, "pool", words, rater)
        text = (tmp_path / "sheet.csv").read_text()
        (tmp_path / "later.csv").write_text(text.replace(",.21,", ",.31,"))
        call = ["compare", str(tmp_path / "sheet.csv"), str(tmp_path / "later.csv"), *words,
                "--output", str(tmp_path), "--force"]  # fmt: skip
        done = CliRunner().invoke(app, call, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        content = json.loads((tmp_path / "run_compare.json").read_text("utf-8"))
        numbers.append(content["numbers"])
    assert numbers[0] != numbers[1]
    content |= {"files": {}, "rules": 3, "numbers": numbers[0]}
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    (tmp_path / "run_compare.json").write_text(json.dumps(content), encoding="utf-8")
    found = ma.verify(tmp_path / "run_compare.json", tmp_path / "later.csv", config=empty(tmp_path))
    assert found.follows, found.summary()
    assert "parents are raters of their own" in found.verdict


def test_a_model_without_columns_of_levels_is_moved_by_no_reading(tmp_path):
    words = ["--model", "che", "--rho", ".5"]
    record, content = structured(tmp_path, "pool", words, "parent")
    content |= {"files": {}, "rules": 3}
    content["numbers"]["pooled.estimate"] += 0.01
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    record.write_text(json.dumps(content), encoding="utf-8")
    assert not ma.verify(record, tmp_path / "sheet.csv", config=empty(tmp_path)).follows


def test_strict_wants_the_same_rules(tmp_path, old):
    assert old("run.json").follows
    strict = ma.verify(
        tmp_path / "run.json", tmp_path / "good.csv", config=empty(tmp_path), strict=True
    )
    assert not strict.follows


def test_every_version_says_what_it_changed():
    assert {rule.version for rule in RULES} == set(range(2, RULES_VERSION + 1))
