"""Rows that repeat others in every cell: an error, with one line that settles them."""

from __future__ import annotations

import json
import tomllib

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.errors import OptionError

HEAD = "study,n,r,arm\n"
FIRSTS = "A,137,.23,x\nB,80,.30,x\nC,100,.12,y\n"
SHEET = f"{HEAD}A,137,.23,x\nA,137,.23,x\nB,80,.30,x\nC,100,.12,y\nC,100,0.12,y\nC,N=100,.12,y\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.csv").write_text(SHEET)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


def pooled(path):
    done = run("pool", path, "--json", "--no-figures", "-o", path.parent / path.stem)
    return done.exit_code, json.loads(done.stdout)


def test_the_error_names_the_line(folder):
    errors = ma.load_studies(folder / "own.csv").errors
    assert [(p.code, p.row) for p in errors] == [("MA501", 3), ("MA501", 6), ("MA501", 7)]
    assert all('repeats = "first"' in p.hint and 'repeats = "all"' in p.hint for p in errors)


def test_init_proposes_the_line_as_a_comment_with_its_rows(folder):
    shown = " ".join(run("init", folder / "own.csv").stdout.split())
    assert "3 rows repeat others in every cell" in shown
    assert "rows 3, 6, 7" in shown
    text = (folder / "metaalliance.toml").read_text()
    assert '# repeats = "first"' in text
    assert tomllib.loads(text) == {}
    assert pooled(folder / "own.csv")[0] == 1


def test_uncommented_one_of_each_is_used(folder):
    run("init", folder / "own.csv")
    config = folder / "metaalliance.toml"
    config.write_text(config.read_text().replace("# repeats", "repeats"))
    code, found = pooled(folder / "own.csv")
    assert code == 0
    reason = "repeats row 2 in every cell"
    assert found["input"]["rows_excluded"][0] == {"row": 3, "study": "A", "reason": reason}
    assert [x["row"] for x in found["input"]["rows_excluded"]] == [3, 6, 7]
    (told,) = (p for p in found["problems"] if p["code"] == "MA540")
    assert told["message"].startswith("3 rows (C3, C6, C7)")
    (folder / "once.csv").write_text(HEAD + FIRSTS)
    assert found["pooled"] == pooled(folder / "once.csv")[1]["pooled"]


def test_all_are_used_where_the_team_says_so(folder):
    (folder / "metaalliance.toml").write_text('repeats = "all"\n')
    code, found = pooled(folder / "own.csv")
    assert code == 0
    assert found["counts"]["n_effects"] == 6
    assert found["input"]["rows_excluded"] == []
    (told,) = (p for p in found["problems"] if p["code"] == "MA540")
    assert "is used too" in told["message"]
    (folder / "told.csv").write_text(
        "study,n,r,arm,effect\n"
        + "".join(f"{row},{i}\n" for i, row in enumerate(SHEET.splitlines()[1:]))
    )
    assert found["pooled"] == pooled(folder / "told.csv")[1]["pooled"]


def test_the_result_follows_from_the_sheet_and_its_line(folder):
    (folder / "metaalliance.toml").write_text('repeats = "first"\n')
    pooled(folder / "own.csv")
    record = folder / "own" / "run.json"
    assert run("verify", record, folder / "own.csv").exit_code == 0
    (folder / "metaalliance.toml").write_text('repeats = "all"\n')
    assert run("verify", record, folder / "own.csv").exit_code == 1


@pytest.mark.parametrize("value", ['"both"', "true", "[1]"])
def test_another_value_is_refused(folder, value):
    (folder / "metaalliance.toml").write_text(f"repeats = {value}\n")
    with pytest.raises(OptionError, match="first or all"):
        ma.load_studies(folder / "own.csv", config=folder / "metaalliance.toml")


@pytest.mark.parametrize("repeats", ["first", "all"])
def test_rows_that_differ_are_left_alone(tmp_path, repeats):
    path, config = tmp_path / "own.csv", tmp_path / "metaalliance.toml"
    path.write_text("study,n,r,arm\nA,137,.23,x\nA,137,.23,y\nB,80,.3,x\nB,80,.31,x\n")
    config.write_text(f'repeats = "{repeats}"\n')
    studies = ma.load_studies(path, config=config)
    assert len(studies.used) == 4
    assert "MA540" not in [p.code for p in studies.problems]


def test_the_mark_of_the_team_is_not_read_into_rows_that_repeat(tmp_path):
    path, config = tmp_path / "own.csv", tmp_path / "metaalliance.toml"
    path.write_text("study,n,r,include\nA,137,.23,yes\nA,137,.23,yes\nB,80,.3,yes\nC,90,.3,yes\n")
    config.write_text('repeats = "first"\n')
    studies = ma.load_studies(path, config=config)
    assert not {"MA409", "MA433", "MA434"} & {p.code for p in studies.problems}
    assert [row.number for row in studies.used] == [2, 4, 5]
