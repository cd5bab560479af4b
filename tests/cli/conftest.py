"""The command line as its users run it: in a process of its own, or faster in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from metaalliance.cli.app import app

GOOD = """study,r,n,outcome_direction
Adler 1988,0.3,40,higher_better
Berg 1991,-0.2,50,lower_better
Cohn 1999,0.1,60,higher_better
Dorn 2004,0.4,45,higher_better
"""
NESTED = """study,r,n,outcome_direction,alliance_rater,modality
Adler 1988,0.3,40,higher_better,client,CBT
Adler 1988,0.2,40,higher_better,therapist,CBT
Berg 1991,0.25,50,higher_better,client,PDT
Berg 1991,0.1,50,higher_better,observer,PDT
Cohn 1999,0.1,60,higher_better,client,CBT
Dorn 2004,0.4,45,higher_better,client,CBT
Dorn 2004,0.5,45,higher_better,observer,CBT
"""
BAD = """study,r,n,outcome_direction
Adler 1988,1.3,40,higher_better
Berg 1991,0.2,50,higher_better
,0.1,60,higher_better
"""
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return _written(tmp_path, "good.csv", GOOD)


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    return _written(tmp_path, "nested.csv", NESTED)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    return _written(tmp_path, "bad.csv", BAD)


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in a process of its own, in a folder of its own."""

    def start(
        *words: object, stdin: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "metaalliance", *map(str, words)],
            cwd=tmp_path,
            env={**ENVIRONMENT, "PYTHONIOENCODING": "utf-8", **(env or {})},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )

    return start


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def start(*words: object, **options: Any) -> Result:
        return CliRunner().invoke(app, [str(w) for w in words], **options)

    return start
