"""Colour for severities: on terminals that want it, nowhere else."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "metaalliance", "validate"]
PLAIN = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "TERM"}}
SEVERITY = re.compile(rb"^\x1b\[1;3\dm(error|warning|note)\x1b\[0m MA\d{3}:", re.MULTILINE)


def on_terminal(words, cwd, **env):
    """Run a command on a terminal of its own; return what it shows."""
    import pty

    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)], cwd=cwd, stdout=follower, stderr=follower,
        env={**PLAIN, "TERM": "xterm-256color", **env},
    )  # fmt: skip
    process.wait(timeout=60)
    os.close(follower)
    found = os.read(leader, 100_000)
    os.close(leader)
    return found


def piped(words, cwd, **env):
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        cwd=cwd,
        env={**PLAIN, **env},
        capture_output=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_severities_are_coloured_on_a_terminal(tmp_path, bad, env, wanted):
    found = on_terminal([bad], tmp_path, **env)
    assert b"MA312" in found
    assert bool(SEVERITY.search(found)) is wanted
    assert wanted or b"\x1b" not in found


def test_a_pipe_has_colour_where_it_is_forced_only(tmp_path, bad):
    assert b"\x1b" not in piped([bad], tmp_path, TERM="xterm")
    assert SEVERITY.search(piped([bad], tmp_path, FORCE_COLOR="1"))
    assert b"\x1b" not in piped([bad], tmp_path, FORCE_COLOR="1", NO_COLOR="1")


@pytest.mark.parametrize("form", ["json", "csv", "github"])
def test_what_machines_read_has_no_colour(tmp_path, form):
    sheet = tmp_path / "s.csv"
    sheet.write_text(
        "study,r,n,notes\nnote: a,.3,40,error: b\nerror: c,1.4,50,\n", encoding="utf-8"
    )
    shown = piped([sheet, "--output-format", form], tmp_path, FORCE_COLOR="1")
    assert b"\x1b" not in shown


def test_text_of_a_sheet_brings_no_code_of_its_own(tmp_path):
    sheet = tmp_path / "s.csv"
    sheet.write_text("study,r,n\n\x1b[31mred,1.4,50\n", encoding="utf-8")
    shown = piped([sheet], tmp_path, FORCE_COLOR="1")
    assert b"\x1b[31m" not in shown
    assert SEVERITY.search(shown)
