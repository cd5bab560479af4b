"""Files and streams."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from attack_examples import COMMAND, GOOD
from openpyxl import Workbook


def test_figures_of_an_earlier_run_are_not_foreign(call, good):
    assert call("pool", good).exit_code == 0
    assert call("pool", good, "--no-figures").exit_code == 0
    assert call("pool", good).exit_code == 0


def test_figures_of_other_data_do_not_stay_beside_new_results(call, good, tmp_path):
    call("pool", good)
    good.write_text(GOOD.replace("0.4", "-0.4"))
    call("pool", good, "--no-figures")
    assert not (tmp_path / "good_results" / "forest.pdf").exists()


def test_force_never_overwrites_the_input(call, tmp_path):
    book = Workbook()
    for row in (["study", "r", "n"], ["A", 0.3, 40], ["B", 0.2, 50]):
        book.active.append(row)
    book.save(tmp_path / "results.xlsx")
    before = (tmp_path / "results.xlsx").read_bytes()
    call("pool", "results.xlsx", "--no-figures", "-o", tmp_path, "--force")
    assert (tmp_path / "results.xlsx").read_bytes() == before


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_json_is_valid_in_any_stdout_encoding(tmp_path, encoding):
    (tmp_path / "t.csv").write_text("study,r,n\nFlückiger 😀,1.3,40\n", encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "validate", "t.csv", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    found = json.loads(done.stdout.decode(encoding))
    assert "Flückiger 😀" in {p["study"] for p in found["problems"]}


UNPARSED = [["--level", "abc"], ["--nope"], ["--rho", "x"]]


@pytest.mark.parametrize("words", UNPARSED, ids=" ".join)
def test_json_of_an_unparsed_command_line(call, good, words):
    result = call("pool", good, "--json", *words)
    assert (result.exit_code, json.loads(result.stdout)["command"]) == (2, "pool")


@pytest.mark.parametrize("width", ["501", "999"])
def test_width_is_checked_before_anything_is_printed(call, good, width):
    result = call("pool", good, "--width", width)
    assert (result.exit_code, result.stdout) == (0, result.stdout) or result.stdout == ""


def test_escape_code_in_a_file_name(call, tmp_path):
    (tmp_path / "a\x1b[31mb.csv").write_text(GOOD)
    result = call("validate", "a\x1b[31mb.csv")
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("command", ["validate", "pool", "verify", "--config"])
def test_named_pipe_without_a_writer_is_refused(run, tmp_path, command):
    (tmp_path / "good.csv").write_text(GOOD, encoding="utf-8")
    os.mkfifo(tmp_path / "p")
    words = {"verify": ["verify", "p", "good.csv"],
             "--config": ["pool", "good.csv", "--config", "p"]}  # fmt: skip
    done = run(*words.get(command, [command, "p"]))
    assert done.returncode == (2 if command == "--config" else 3)
    assert done.stderr.startswith("p is a pipe or a device, not a file")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="needs bash")
@pytest.mark.parametrize("line", ["{} <(cat good.csv)", "cat good.csv | {} /dev/stdin",
                                  "{} /dev/stdin < good.csv"])  # fmt: skip
def test_pipes_that_a_shell_makes_are_read(tmp_path, line):
    (tmp_path / "good.csv").write_text(GOOD, encoding="utf-8")
    words = line.format(f"{sys.executable} -m metaalliance validate --json")
    done = subprocess.run(
        ["bash", "-c", words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["input"]["rows_read"] == GOOD.count("\n") - 1
