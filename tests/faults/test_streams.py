"""Standard streams that are closed, full or left, and Ctrl-C, in every command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_runs import (
    COMMAND,
    COMMANDS,
    CORRELATIONS,
    NEW,
    OLD,
    RELIABILITIES,
    ROOT,
    begin,
    contents,
    leftovers,
    run,
    spread,
)

from metaalliance.cli.register import COMMANDS as REGISTER

slow = pytest.mark.slow
#: The fast suite closes the pipe of some commands in tests/cli/test_processes.py.
NAMES = [pytest.param(name, marks=slow) for name in COMMANDS]
FIRST = [pytest.param(name, marks=() if name == "pool" else slow) for name in COMMANDS]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with what every command needs."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "old.csv").write_text(OLD, encoding="utf-8")
    (folder / "studies.csv").write_text(NEW, encoding="utf-8")
    (folder / "correlations.csv").write_text(CORRELATIONS, encoding="utf-8")
    (folder / "reliabilities.csv").write_text(RELIABILITIES, encoding="utf-8")
    for words in (
        ["pool", "studies.csv", "--no-figures", "-o", "recorded"],
        ["agree", "old.csv", "studies.csv", "-o", "conflicts.xlsx"],
    ):
        assert run(folder, words).code == 0
    return folder


@pytest.fixture(scope="session")
def unhindered(prepared, tmp_path_factory):
    """What a command does and leaves when nothing is in its way."""
    known = {}

    def result(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("unhindered") / "here"
            shutil.copytree(prepared, folder)
            done = run(folder, COMMANDS[name])
            known[name] = done, contents(folder)
        return known[name]

    return result


@pytest.fixture
def here(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "here")


def test_every_command_is_tried():
    assert set(COMMANDS) == set(REGISTER) - {"serve"}


@pytest.mark.parametrize("name", NAMES)
def test_reader_that_goes_away_loses_no_file(here, unhindered, told, name):
    reading, writing = os.pipe()
    os.close(reading)
    done = run(here, COMMANDS[name], stdout=writing)
    os.close(writing)
    plain, files = unhindered(name)
    assert done.code == plain.code, done.err
    assert "Traceback" not in done.err
    assert contents(here) == files
    told("closed pipe", "new")


@pytest.mark.parametrize("name", NAMES)
def test_full_standard_output_loses_no_file(here, unhindered, told, name):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run(here, COMMANDS[name], stdout=full)
    plain, files = unhindered(name)
    assert done.code == (3 if plain.out else plain.code), done.err
    assert ("No space left on device). What goes into files was saved" in done.err) == bool(
        plain.out
    )
    assert "Traceback" not in done.err
    assert contents(here) == files
    told("full standard output", "new")


@pytest.mark.parametrize("name", FIRST)
def test_closed_standard_output_loses_no_file(here, unhindered, told, name):
    done = run(here, COMMANDS[name], prepare=lambda: os.close(1))
    plain, files = unhindered(name)
    assert done.code == (3 if plain.out else plain.code), done.err
    assert ("(it is closed). What goes into files" in done.err) == bool(plain.out)
    assert contents(here) == files
    told("closed standard output", "new")


@pytest.mark.parametrize("name", NAMES)
def test_closed_standard_error_changes_nothing(here, unhindered, told, name):
    done = run(here, COMMANDS[name], prepare=lambda: os.close(2))
    plain, files = unhindered(name)
    assert (done.code, done.out) == (plain.code, plain.out)
    assert contents(here) == files
    told("closed standard error", "new")


@pytest.mark.parametrize("words", [["--help"], ["pool", "--nope"]])
@pytest.mark.parametrize("closed", [1, 2])
def test_closed_stream_of_a_line_without_work(tmp_path, words, closed):
    done = run(tmp_path, words, prepare=lambda: os.close(closed))
    wrong = "--nope" in words
    assert done.code == (2 if wrong else 3 if closed == 1 else 0)
    assert "Traceback" not in done.err


def test_closed_standard_input_is_empty(tmp_path):
    done = run(tmp_path, ["validate", "-", "--json"], prepare=lambda: os.close(0))
    assert (done.code, done.document["error"]["code"]) == (3, "MA102")


def test_document_that_does_not_fit_is_not_followed_by_another(here):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run(here, [*COMMANDS["pool"], "--json", "-q"], stdout=full)
    assert done.code == 3
    assert done.err.count("\n") == 1
    assert "(MA692)" in done.err


@pytest.mark.parametrize(
    ("name", "index"),
    [pytest.param("SIGINT", i, marks=() if i == 3 else slow) for i in range(20)]
    + [pytest.param(name, i, marks=() if (name, i) == ("SIGTERM", 12) else slow)
       for name in ("SIGTERM", "SIGHUP") for i in (1, 4, 8, 12, 16, 19)],
)  # fmt: skip
def test_interrupted_at_any_moment(here, unhindered, moments_of_pool, told, name, index):
    before = contents(here)
    number = spread(20, moments_of_pool)[index]
    done = run(here, [*COMMANDS["pool"], "--json"], f"{name}:{number}")
    assert done.code == 128 + getattr(signal, name), done.err
    by = "" if name == "SIGINT" else f" by {name}"
    message = f"Interrupted{by}; no further file was written."
    assert done.document["error"] == {"code": "MA693", "message": message}
    assert done.err.strip().endswith(f"{message} (MA693)")
    assert "Traceback" not in done.err
    left = contents(here)
    assert left in (before, unhindered("pool")[1])
    told("Ctrl-C" if name == "SIGINT" else name, "none" if left == before else "new")
    if leftovers(here):  # it was clearing them away
        assert run(here, COMMANDS["pool"]).code == 0
    assert leftovers(here) == []


@slow
def test_a_signal_that_is_ignored_stays_so(here, unhindered, moments_of_pool):
    """As under nohup."""
    ignoring = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    done = run(here, COMMANDS["pool"], f"SIGHUP:{moments_of_pool // 2}", prepare=ignoring)
    assert (done.code, contents(here)) == (0, unhindered("pool")[1])


def test_signals_are_left_alone_in_python(here):
    lines = (
        "import signal, metaalliance as ma",
        "from pathlib import Path",
        "ma.Analysis.read(Path('studies.csv')).pool()",
        "print([signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGHUP)])",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=here, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=begin, check=True,
    )  # fmt: skip
    assert done.stdout.count("SIG_DFL") == 2


@pytest.fixture(scope="session")
def moments_of_pool(prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("counted") / "here"
    shutil.copytree(prepared, folder)
    return run(folder, [*COMMANDS["pool"], "--json"], "count-imports:0").moments


@slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for children in /proc")
@pytest.mark.parametrize(
    ("name", "whole"), [("SIGINT", True), ("SIGTERM", True), ("SIGTERM", False), ("SIGHUP", True)]
)
def test_interrupted_with_its_workers(tmp_path, name, whole):
    """A terminal tells the whole group, `kill` the process alone."""
    words = ["power", "mean", "--r", ".2", "--k", "20", "--n", "60", "--tau", ".1", "--json",
             "--simulate", "1000000", "--jobs", "2", "-o", "plan"]  # fmt: skip
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, start_new_session=True,
        preexec_fn=begin,  # noqa: PLW1509
    )  # fmt: skip
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None and len(children.read_text().split()) < 3:
        time.sleep(0.01)  # until there are two workers and what tracks them
    number = getattr(signal, name)
    workers = children.read_text().split()
    (os.killpg if whole else os.kill)(process.pid, number)
    out, err = process.communicate()
    assert (process.returncode, json.loads(out)["error"]["code"]) == (128 + number, "MA693")
    by = "" if name == "SIGINT" else f" by {name}"
    assert err == f"Interrupted{by}; no further file was written. (MA693)\n"
    assert list(tmp_path.iterdir()) == []
    end = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").is_dir() for pid in workers):
        assert time.monotonic() < end
        time.sleep(0.05)


@slow
def test_interrupted_together_with_its_reader(here, moments_of_pool):
    reading, writing = os.pipe()
    os.close(reading)
    words = [*COMMANDS["pool"], "--json"]
    done = run(here, words, f"SIGINT:{moments_of_pool // 2}", stdout=writing)
    os.close(writing)
    assert done.code == 130
    assert done.err.endswith("Interrupted; no further file was written. (MA693)\n")
    assert "Traceback" not in done.err


def test_help_that_does_not_fit_is_told(tmp_path):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run(tmp_path, ["--help"], stdout=full)
    assert done.code == 3
    assert done.err.startswith("Standard output cannot be written (No space left on device)")
