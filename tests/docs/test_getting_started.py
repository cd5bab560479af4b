"""The getting-started pages: every command prints what the page shows, every block of code runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from console_output import WIDTH, commands_of, done_as_shown, outputs
from typer.testing import CliRunner

from metaalliance.cli.app import app

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLE = "simulated_alliance_studies.xlsx"
#: The author's page analyses 295 studies several times.
READERS = [
    "coder",
    "methodologist",
    "three_questions",
    pytest.param("author", marks=pytest.mark.slow),
]

pytestmark = pytest.mark.filterwarnings("default")


def page(reader):
    return (DOCS / "start" / f"{reader}.md").read_text(encoding="utf-8")


def in_this_process(words, folder):
    done = CliRunner().invoke(app, words, env={"COLUMNS": WIDTH})
    assert done_as_shown(words, done.exit_code), done.output
    return done.stdout


@pytest.mark.parametrize("reader", READERS)
def test_commands_print_what_the_page_shows(reader, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page(reader)
    made = outputs(text, tmp_path, in_this_process)
    for (command, shown), found in zip(commands_of(text), made, strict=True):
        assert found == shown, f"{command}: run make docs"


@pytest.mark.parametrize("reader", ["coder", "author", "methodologist", "three_questions"])
def test_pages_have_commands(reader):
    assert len(commands_of(page(reader))) >= 4


@pytest.mark.parametrize("reader", ["methodologist"])
def test_code_runs(reader, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```$", page(reader), re.DOTALL | re.MULTILINE)
    assert blocks
    shutil.copy(Path(str(files("metaalliance") / "examples" / EXAMPLE)), tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr


def test_no_page_has_code_that_is_not_run():
    for reader in ("coder", "author", "three_questions"):
        assert "```python" not in page(reader)


def test_files_that_the_author_is_promised_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(DOCS.parent / "data" / "primary_alliance_effects.xlsx", tmp_path)
    done = CliRunner().invoke(app, ["report", "primary_alliance_effects.xlsx", "--quiet"])
    assert done.exit_code == 0, done.output
    rows = re.findall(r"^\| `([\w./]+)` \|", page("author"), re.MULTILINE)
    assert len(rows) == 7
    for name in rows:
        assert (tmp_path / "primary_alliance_effects_results" / name).exists(), name
