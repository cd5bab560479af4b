"""The results folder: foreign files are safe, files are whole, JSON has no NaN."""

from __future__ import annotations

import json
import math

import pytest

import metaalliance as ma
from metaalliance.analysis.documents import digest, error_document, to_json
from metaalliance.report.folder import RUN_FILE, ResultsFolder

NAMES = ["results.json", RUN_FILE]


def own(path, *names):
    """Write files with the record that makes them this tool's own."""
    folder = ResultsFolder(path)
    for name in names:
        folder.write(name, b"old")
    record = {"tool": "metaalliance", "files": folder.written}
    folder.write(RUN_FILE, json.dumps(record).encode())


def test_new_folder_is_free(tmp_path):
    ResultsFolder(tmp_path / "new").check(NAMES)


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
        ResultsFolder(tmp_path / "out" / "sub").write("a.txt", b"x")
    assert caught.value.code == "MA692"


def test_written_file_has_its_content(tmp_path):
    ResultsFolder(tmp_path / "a" / "b").write("x.txt", b"content")
    assert (tmp_path / "a" / "b" / "x.txt").read_bytes() == b"content"


def test_no_temporary_file_is_left(tmp_path):
    ResultsFolder(tmp_path).write("x.txt", b"content")
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_failed_write_leaves_the_old_file(tmp_path):
    (tmp_path / "x.txt").mkdir()
    with pytest.raises(ma.UnreadableFileError):
        ResultsFolder(tmp_path).write("x.txt", b"content")
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


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
