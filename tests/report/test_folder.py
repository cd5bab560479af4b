"""The results folder: foreign files are safe, files are whole, JSON has no NaN."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import metaalliance as ma
from metaalliance.analysis.documents import digest, to_json
from metaalliance.problems import error_document
from metaalliance.report.folder import RUN_FILE, ResultsFolder

NAMES = ["results.json", RUN_FILE]


def own(path, *names):
    """Write files with the record that makes them this tool's own."""
    folder = ResultsFolder(path)
    for name in names:
        folder.write(name, b"old")
    record = {"tool": "metaalliance", "command": "pool", "files": folder.written}
    folder.write(RUN_FILE, json.dumps(record).encode())
    folder.save()


def write(path, name, content):
    folder = ResultsFolder(path)
    folder.write(name, content)
    folder.save()


def test_new_folder_is_free(tmp_path):
    ResultsFolder(tmp_path / "new").check(NAMES)


@pytest.mark.parametrize("name", ["figures.pptx", "results.XLSX"])
def test_name_of_a_file_is_no_folder(tmp_path, name):
    with pytest.raises(ma.OptionError, match="is the name of a file") as error:
        ResultsFolder(tmp_path / name).check(NAMES)
    assert error.value.code == "MA691" and not (tmp_path / name).exists()
    ResultsFolder(tmp_path / "results.2024").check(NAMES)


def test_nothing_is_made_by_checking(tmp_path):
    ResultsFolder(tmp_path / "new").check(NAMES)
    assert not (tmp_path / "new").exists()


def test_own_files_may_be_replaced(tmp_path):
    own(tmp_path, "results.json")
    ResultsFolder(tmp_path).check(NAMES)


def test_foreign_file_is_refused(tmp_path):
    (tmp_path / "results.json").write_text("mine")
    with pytest.raises(ma.OptionError, match=r"results\.json, which this tool did not write"):
        ResultsFolder(tmp_path).check(NAMES)


def test_foreign_file_of_another_name_is_no_matter(tmp_path):
    (tmp_path / "paper.docx").write_text("mine")
    ResultsFolder(tmp_path).check(NAMES)


def test_foreign_file_may_be_replaced_by_force(tmp_path):
    (tmp_path / "results.json").write_text("mine")
    ResultsFolder(tmp_path, force=True).check(NAMES)


RECORDS = {
    "no json": "hello",
    "no record": "[]",
    "another tool": '{"tool": "other", "files": {"results.json": ""}}',
    "blank": "",
    "number": "1",
    "null": "null",
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_foreign_record_protects_its_folder(tmp_path, record):
    (tmp_path / RUN_FILE).write_text(record)
    with pytest.raises(ma.OptionError):
        ResultsFolder(tmp_path).check(NAMES)


def test_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ma.OptionError, match="is a file, not a folder"):
        ResultsFolder(tmp_path / "out").check(NAMES)


def test_folder_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ma.UnreadableFileError) as caught:
        write(tmp_path / "out" / "sub", "a.txt", b"x")
    assert caught.value.code == "MA692"


def test_written_file_has_its_content(tmp_path):
    write(tmp_path / "a" / "b", "x.txt", b"content")
    assert (tmp_path / "a" / "b" / "x.txt").read_bytes() == b"content"


def test_no_temporary_file_is_left(tmp_path):
    write(tmp_path, "x.txt", b"content")
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "x.txt").mkdir()
    with pytest.raises(ma.UnreadableFileError):
        write(tmp_path, "x.txt", b"content")
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_nothing_is_written_before_the_set_is_whole(tmp_path):
    ResultsFolder(tmp_path / "new").write("x.txt", b"content")
    assert not (tmp_path / "new").exists()


def contents(path):
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_a_set_replaces_the_former_one_whole(tmp_path):
    own(tmp_path, "results.json", "forest.png", "tables/a.csv")
    own(tmp_path, "results.json")
    assert sorted(contents(tmp_path)) == sorted(NAMES)


@pytest.mark.parametrize("name", ["results.json", "forest.png", RUN_FILE])
def test_changed_file_of_the_last_run_is_refused_and_named(tmp_path, name):
    own(tmp_path, "results.json", "forest.png")
    record = json.loads((tmp_path / RUN_FILE).read_text())
    record["seal"] = digest(record)
    (tmp_path / RUN_FILE).write_text(json.dumps(record))
    ResultsFolder(tmp_path).check(NAMES)
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(text.replace("pool", "report").replace("old", "mine"))
    with pytest.raises(ma.OptionError, match=f"holds {name}, changed since this tool wrote it"):
        ResultsFolder(tmp_path).check(NAMES)
    ResultsFolder(tmp_path, force=True).check(NAMES)


def test_link_in_place_of_a_file_is_a_change(tmp_path):
    own(tmp_path / "out", "results.json")
    kept = tmp_path / "kept.json"
    (tmp_path / "out" / "results.json").rename(kept)
    (tmp_path / "out" / "results.json").symlink_to(kept)
    with pytest.raises(ma.OptionError, match="changed since"):
        ResultsFolder(tmp_path / "out").check(NAMES)


def test_file_changed_while_the_run_computes_is_kept(tmp_path):
    own(tmp_path, "results.json")
    folder = ResultsFolder(tmp_path)
    folder.check(NAMES)
    folder.write("results.json", b"new")
    (tmp_path / "results.json").write_text("mine")
    with pytest.raises(ma.OptionError, match="changed since"):
        folder.save()
    assert (tmp_path / "results.json").read_text() == "mine"


def test_two_runs_at_once_do_not_mix(tmp_path):
    first, second = ResultsFolder(tmp_path), ResultsFolder(tmp_path)
    for folder, text in ((first, b"first"), (second, b"second")):
        folder.write("results.json", text)
        folder.write("results.xlsx", text)
        record = {"tool": "metaalliance", "command": "pool", "files": dict(folder.written)}
        folder.write(RUN_FILE, json.dumps(record).encode())
    second.save()
    before = contents(tmp_path)
    with pytest.raises(ma.OptionError, match="was changed while this run computed"):
        first.save()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("where", [".", "link", "deep/er"])
def test_folder_of_any_kind(tmp_path, monkeypatch, where):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "mine.docx").write_text("mine")
    monkeypatch.chdir(tmp_path)
    own(Path(where), "results.json")
    own(Path(where), "results.json")
    assert {"results.json", RUN_FILE} <= set(contents(Path(where)))
    assert (tmp_path / "mine.docx").read_text() == "mine"


def test_link_to_nowhere_in_place_of_the_folder(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ma.UnreadableFileError, match="cannot be written"):
        write(tmp_path / "out", "x.txt", b"content")


def test_folder_in_place_of_a_file_is_never_moved(tmp_path):
    (tmp_path / "x.txt").mkdir()
    (tmp_path / "x.txt" / "mine").write_text("mine")
    folder = ResultsFolder(tmp_path, force=True)
    folder.write("x.txt", b"content")
    with pytest.raises(ma.UnreadableFileError, match="is no file"):
        folder.save()
    assert contents(tmp_path) == {"x.txt/mine": b"mine"}


def test_written_files_have_their_hash(tmp_path):
    folder = ResultsFolder(tmp_path)
    folder.write("x.txt", b"content")
    assert folder.written == {
        "x.txt": "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    }


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_refuses_what_json_has_not(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": value})


def test_digest_does_not_depend_on_the_order():
    assert digest({"a": 1, "b": [0.1]}) == digest({"b": [0.1], "a": 1})


def test_digest_depends_on_the_last_digit():
    assert digest({"a": 0.1}) != digest({"a": 0.1 + 1e-17 * 2})


def test_failure_has_its_documented_keys():
    assert list(error_document("pool", "MA101", "no file")) == [
        "schema_version", "command", "error", "problems",
    ]  # fmt: skip
