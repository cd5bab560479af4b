"""The two commands of the README, which need no make, and what is said about the version."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import metaalliance

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "develop.py"


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_has_two_commands_and_ci_runs_the_second():
    blocks = re.findall(r"```sh\n(.*?)```", text("README.md"), re.DOTALL)
    assert blocks[:2] == [f"python3 scripts/develop.py {w}\n" for w in ("example", "check")]
    assert text(".ci/run").splitlines()[-1] == blocks[1].strip()
    assert "make" not in re.sub(r"makes? ", "", text("docs/start/install.md"))


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for Python is a shell script")
def test_each_command_runs_in_the_environment_until_one_fails(tmp_path):
    """An environment that is filled already is used as it is; pip is not asked again."""
    python, log = tmp_path / "bin" / "python", tmp_path / "log"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncase "$*" in *mypy*) exit 3;; esac\n')
    python.chmod(0o755)
    stamp = tmp_path / ".installed"
    stamp.touch()
    os.utime(stamp, (2**32, 2**32))

    def run(what):
        log.write_text("")
        done = subprocess.run(
            [sys.executable, SCRIPT, what], env={**os.environ, "VENV": str(tmp_path)}, check=False
        )
        return done.returncode, log.read_text().splitlines()

    assert run("setup") == (0, [])
    code, ran = run("example")
    assert (code, ran) == (
        0, ["-m metaalliance pool data/simulated_alliance_studies.xlsx -o example_results"]
    )  # fmt: skip
    assert run("check") == (3, ["-m ruff format --check .", "-m ruff check .", "-m mypy"])
    os.utime(stamp, (0, 0))
    assert run("setup")[1] == [
        "-m pip install --quiet --disable-pip-version-check --editable .[dev]"
    ]


def test_make_runs_the_same():
    made = dict(
        re.findall(r"^(\w+):.*\n\t(VENV=.*develop.py \w+)$", text("Makefile"), re.MULTILINE)
    )
    assert {name: line.split()[-1] for name, line in made.items()} == {
        "example": "example", "check": "check"
    }  # fmt: skip


def test_the_version_is_said_once_and_everywhere():
    version = metaalliance.__version__
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert project["dynamic"] == ["version"]
    assert f"\nversion: {version}\n" in text("CITATION.cff")
    newest = re.search(r"^## \[(.+?)\] - (\S+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert newest[1] == version
    assert f"date-released: {newest[2]}" in text("CITATION.cff")
    assert f"metaalliance {version}\n" in text("docs/start/install.md")
    assert f"metaalliance-{version}-py3" in text("docs/start/install.md")


def test_the_metadata_is_complete():
    found = importlib.metadata.metadata("metaalliance")
    for name in ("Summary", "Author", "Keywords", "Requires-Python", "Description-Content-Type"):
        assert found[name]
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert project["license"] == "MIT"
    assert text("LICENSE").startswith("MIT License")
    minors = re.findall(r"Python :: 3\.(\d+)", " ".join(project["classifiers"]))
    assert min(map(int, minors)) == int(project["requires-python"].removeprefix(">=3."))


def test_the_module_is_the_command():
    done = [
        subprocess.run([sys.executable, *words, "--version"], capture_output=True, check=True)
        for words in (["-m", "metaalliance"], ["-m", "metaalliance.cli.main"])
    ]
    assert done[0].stdout == done[1].stdout == f"metaalliance {metaalliance.__version__}\n".encode()
