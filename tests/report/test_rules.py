"""Records of version 0.1, which know nothing of versions of rules, verified now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.analysis.documents import digest
from metaalliance.analysis.rules import RULES, RULES_VERSION, explained, has_ruled_t
from metaalliance.cli.app import app
from metaalliance.model import Model

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


SIZED = "study,r,n,d,n1,n2\nA,.3,60,,,\nB,,,.9,12,60\nC,.2,80,,,\nD,,,.4,30,30\nE,.4,70,,,\n"


def before_sizes(folder, command, *words):
    """Return the path of a record of rules 4: its numbers are those of variances = fisher."""
    (folder / "sheet.csv").write_text(SIZED)
    (folder / "later.csv").write_text(SIZED.replace(".4,70", ".5,70"))
    sheets = [str(folder / "sheet.csv"), str(folder / "later.csv")][: 1 + (command == "compare")]
    call = [command, *sheets, *words, "--variances", "fisher", "--output", str(folder), "--force"]
    done = CliRunner().invoke(app, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    name = folder / ("run.json" if command == "pool" else f"run_{command}.json")
    content = json.loads(name.read_text("utf-8")) | {"files": {}, "rules": 4}
    for place in (content["analysis"]["policy"], content["settings"],
                  content["request"].get("settings", {})):  # fmt: skip
        place.pop("variances", None)
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    name.write_text(json.dumps(content), encoding="utf-8")
    return name


@pytest.mark.parametrize("command", ["pool", "bias", "compare"])
def test_variances_of_groups_name_the_rule(tmp_path, command):
    words = ["--no-figures"] if command != "compare" else []
    record = before_sizes(tmp_path, command, *words)
    sheet = tmp_path / ("later.csv" if command == "compare" else "sheet.csv")
    found = ma.verify(record, sheet, config=empty(tmp_path))
    assert found.follows, found.summary()
    assert "follow from their sizes by the delta method" in found.verdict
    if command != "compare":
        assert by_name(found)["rows"].text.startswith(
            "2 moved by the rules: row 3 (B) changed; row 5"
        )


def test_another_cell_is_moved_by_no_rule(tmp_path):
    record = before_sizes(tmp_path, "pool", "--no-figures")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(sheet.read_text().replace(".9,12", ".8,12"))
    found = ma.verify(record, sheet, config=empty(tmp_path))
    assert not found.follows
    assert by_name(found)["rows"].text.startswith("1 not as recorded: row 3 (B) changed")


def test_a_record_says_which_variances_it_has(tmp_path):
    """The setting is restored: a record of today with fisher follows without any rule."""
    (tmp_path / "sheet.csv").write_text(SIZED)
    call = ["pool", str(tmp_path / "sheet.csv"), "--variances", "fisher", "--output", str(tmp_path),
            "--force", "--no-figures"]  # fmt: skip
    assert CliRunner().invoke(app, call, catch_exceptions=False).exit_code == 0
    found = ma.verify(tmp_path / "run.json", tmp_path / "sheet.csv", config=empty(tmp_path))
    assert found.follows and by_name(found)["rules"].same, found.summary()


def test_strict_wants_the_same_rules(tmp_path, old):
    assert old("run.json").follows
    strict = ma.verify(
        tmp_path / "run.json", tmp_path / "good.csv", config=empty(tmp_path), strict=True
    )
    assert not strict.follows


def test_every_version_says_what_it_changed():
    assert {rule.version for rule in RULES} == set(range(2, RULES_VERSION + 1))


RAW = "study,r,n\n" + "".join(f"S{i},.{(i * 17) % 50 + 10},{30 + 9 * i}\n" for i in range(1, 13))


def before_effective_n(folder, command, *moved, measure="r"):
    """Verify a record of rules 4 some of whose numbers are others, named by row and the rest."""
    (folder / "sheet.csv").write_text(RAW)
    call = [command, str(folder / "sheet.csv"), "--measure", measure, "--output", str(folder)]
    more = ["--no-figures"] if command == "pool" else []
    done = CliRunner().invoke(app, [*call, "--force", *more], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    record = folder / ("run.json" if command == "pool" else "run_report.json")
    content = json.loads(record.read_text("utf-8")) | {"files": {}, "rules": 4}
    rows = [m["name"] for m in json.loads((folder / "results.json").read_text("utf-8"))["models"]]
    for row, rest in moved:
        path = f"models.{rows.index(row)}.{rest}"
        content["numbers"][path] += 0.01
    content["seal"] = digest({k: v for k, v in content.items() if k != "seal"})
    record.write_text(json.dumps(content), encoding="utf-8")
    return ma.verify(record, folder / "sheet.csv", config=empty(folder))


PET = "PET-PEESE adjusted"


def test_the_row_of_pet_peese_is_moved_by_its_rule(tmp_path):
    found = before_effective_n(tmp_path, "pool", (PET, "pooled.estimate"), (PET, "pooled.se"))
    assert found.follows, found.summary()
    assert "PET-PEESE takes the effective n" in found.verdict
    moved = [d["number"] for d in by_name(found)["rules"].details]
    assert len(moved) == 2 and len({n.split(".")[1] for n in moved}) == 1
    assert f"{PET}: pooled.estimate" in by_name(found)["rules"].text


@pytest.mark.parametrize(
    ("moved", "measure"),
    [
        ((("common-effect", "pooled.estimate"),), "r"),
        (((PET, "pooled.estimate"), ("common-effect", "pooled.se")), "r"),
        (((PET, "counts.n_studies"),), "r"),
        (((PET, "pooled.estimate"),), "z"),  # its variances do not depend on effects
    ],
)
def test_no_other_number_is_moved_by_the_rule_of_pet_peese(tmp_path, moved, measure):
    found = before_effective_n(tmp_path, "pool", *moved, measure=measure)
    assert not found.follows
    assert len(by_name(found)["numbers"].details) == 1


def test_degrees_of_freedom_are_explained_only_where_a_model_has_the_test():
    moved = [
        {"number": n, "recorded": 44.0, "now": 4.4} for n in ("pooled.df", "models.0.pooled.ci_low")
    ]
    moved += [{"number": "pooled.estimate", "recorded": 0.3, "now": 0.4}]
    by_rule, left = explained(4, "pool", moved, ["degrees"])
    assert [len(own) for _, own in by_rule] == [2]
    assert [m["number"] for m in left] == ["pooled.estimate"]
    assert explained(4, "pool", moved) == ([], moved)
    asked = [Model(test="t"), Model(crossed="tool"), Model(kind="che", test="t")]
    assert all(has_ruled_t(model) for model in asked)
    others = [Model(), Model(kind="two-level", test="t"), Model(crossed="tool", test="wald")]
    assert not any(has_ruled_t(model) for model in others)
