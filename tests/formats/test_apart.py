"""Every end of the process that reads a file is one sentence; what it reads is what is there."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import metaalliance as ma
from metaalliance.sheet.read import source
from metaalliance.sheet.read.apart import read_apart

POSIX = pytest.mark.skipif(os.name != "posix", reason="bounds of POSIX")
#: What a library may do with a file that it cannot read. None of it is done to a real library.
ENDS = {
    "abort": ("os.abort()", "MA105"),
    "kill": ("os.kill(os.getpid(), 9)", "MA105"),
    "exit": ("os._exit(3)", "MA105"),
    "fault": ("raise SystemError('deep inside')", "MA105"),
    "talk": ("print('x' * 100_000); raise KeyError('sheet')", "MA105"),
    "memory": ("bytes(2**40)", "MA107"),
}


@pytest.fixture
def old_workbook(files):
    return (files / "small.xls").read_bytes()


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Put a library called xlrd in the place of the real one, which does something else."""

    def write(does):
        folder = tmp_path / "library"
        folder.mkdir()
        code = f"import os, time\ndef open_workbook(**_):\n    {does}\n"
        (folder / "xlrd.py").write_text(code)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)

    return write


def refusal(content, **bounds):
    with pytest.raises(ma.UnreadableFileError) as caught:
        read_apart("xls", content, "t.xls", **bounds)
    assert "\n" not in str(caught.value) and "t.xls" in str(caught.value)
    return caught.value


@POSIX
@pytest.mark.parametrize(("does", "code"), ENDS.values(), ids=ENDS)
def test_every_end_is_one_sentence(library, old_workbook, does, code):
    library(does)
    assert refusal(old_workbook).code == code


@pytest.mark.parametrize("does", ["time.sleep(60)", "while True: pass"], ids=["waits", "works"])
def test_time_is_bounded(library, old_workbook, does):
    library(does)
    error = refusal(old_workbook, seconds=1)
    assert error.code == "MA107" and "longer than 1 seconds" in str(error)


@POSIX
def test_memory_is_bounded(open_document):
    """A sheet within every other bound, and a process that may have little."""
    rows = ([f"Study {i} of many", *(i / k for k in range(2, 10))] for i in range(40_000))
    content = open_document([["study", *"abcdefgh"], *rows])
    assert len(read_apart("ods", content, "t.ods")[0][0].rows) == 40_001
    with pytest.raises(ma.UnreadableFileError, match="more than 32 MB of memory") as caught:
        read_apart("ods", content, "t.ods", memory=32 * 2**20)
    assert caught.value.code == "MA107"


def test_a_process_that_cannot_be_started(monkeypatch, old_workbook, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    assert "cannot be started" in str(refusal(old_workbook))


def test_an_answer_of_anything_but_sheets_does_nothing(monkeypatch, old_workbook, tmp_path):
    class Touch:
        def __reduce__(self):
            return Path.touch, (tmp_path / "touched",)

    answer = subprocess.CompletedProcess([], 0, stdout=pickle.dumps(([Touch()], [])))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    assert refusal(old_workbook).code == "MA105"
    assert not (tmp_path / "touched").exists()


@POSIX
@pytest.mark.parametrize(("does", "code"), [ENDS["abort"], ENDS["memory"]], ids=["abort", "memory"])
def test_the_command_ends_with_3_and_one_document(library, old_workbook, write, does, code):
    library(does)
    path = write(old_workbook, "t.xls")
    command = [sys.executable, "-m", "metaalliance", "pool", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (3, "", 1)
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (3, "")
    assert json.loads(told.stdout)["error"]["code"] == code


def test_a_script_without_a_guard_runs_once(write, open_document):
    path = write(open_document([["study", "r", "n"], ["A 2001", 0.3, 40]]), "t.ods")
    script = write(
        b"import sys, metaalliance as ma\nprint(len(ma.read_studies(sys.argv[1]).rows))\n", "own.py"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(path)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("1\n", 0)


def test_a_large_workbook_is_the_same_apart(tmp_path, monkeypatch):
    """Each kind of value and mark crosses between the processes."""
    import datetime as dt

    from openpyxl import Workbook
    from openpyxl.comments import Comment

    book = Workbook()
    page = book.active
    for row in (
        ["study", "r", "n", "share", "day", "length", "checked", "sum"],
        ["Ames 😀", 0.1 + 0.2, 2**60, 0.35, dt.date(2024, 2, 1), dt.timedelta(hours=30), True],
        [None, "#DIV/0!", -1.5e-300, None, dt.datetime(2024, 2, 1, 12, 30), dt.time(1, 2), False,
         "x_x0009_y"],
        [None, "=SUM(B2:B3)"],
    ):  # fmt: skip
        page.append(row)
    page["D2"].number_format = "0%"
    page["B2"].comment = Comment("table 2", "AB")
    page.merge_cells("A2:A3")
    page.row_dimensions[3].hidden = True
    page.column_dimensions["C"].hidden = True
    book.create_sheet("other").sheet_state = "hidden"
    book.save(tmp_path / "t.xlsx")
    content = (tmp_path / "t.xlsx").read_bytes()
    here = source.parse_grids(content, "t.xlsx")
    monkeypatch.setattr(source, "MAX_HERE", 0)
    apart = source.parse_grids(content, "t.xlsx")
    assert here == apart
    kinds = [[type(v) for v in row] for row in here[0][0].rows]
    assert kinds == [[type(v) for v in row] for row in apart[0][0].rows]
    assert here[0][0].sums and here[0][0].merged and here[0][0].hidden_rows and here[0][0].notes
