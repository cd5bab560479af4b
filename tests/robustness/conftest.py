"""Sheets for multiverses and comparisons, and the command line as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from multiverse_sheets import sheet_text
from typer.testing import CliRunner, Result

import metaalliance as ma
from metaalliance.cli.app import app

ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "studies.csv"
    path.write_text(sheet_text(), encoding="utf-8")
    return path


@pytest.fixture
def silent_sheet(tmp_path: Path) -> Path:
    path = tmp_path / "silent.csv"
    path.write_text(sheet_text(silent=True), encoding="utf-8")
    return path


@pytest.fixture
def studies(sheet: Path) -> ma.Studies:
    return ma.read_studies(sheet)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in a process of its own, in a folder of its own."""

    def start(*words: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "metaalliance.cli.main", *map(str, words)],
            cwd=tmp_path,
            env={**ENVIRONMENT, "PYTHONIOENCODING": "utf-8"},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=180,
        )

    return start


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def start(*words: object) -> Result:
        return CliRunner().invoke(app, [str(w) for w in words])

    return start
