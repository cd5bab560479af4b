"""The README's examples and the pages made from the code are what the program does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```console\n\$ (.+?)\n(.*?)```", README, re.DOTALL)


def run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "metaalliance"
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_example_prints_what_the_readme_shows(command, shown, tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    assert run(command, tmp_path) == shown


def test_readme_has_examples():
    assert len(EXAMPLES) == 3


def test_python_example_runs(tmp_path):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    shutil.copytree(ROOT / "data", tmp_path / "data")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True)
    assert (tmp_path / "forest.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(
    tuple(map(int, metadata.version("typer").split(".")[:2])) < (0, 29),
    reason="an older typer writes help otherwise",
)
def test_generated_pages_are_up_to_date():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    for link in links:
        assert link.startswith("http") or (page.parent / link).exists(), link


def test_readme_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#\s]+)", README):
        assert link.startswith("http") or (ROOT / link).exists(), link
