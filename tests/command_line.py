"""The command line as its users run it: in a process of its own, or faster in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from metaalliance.cli.app import app

ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}


def call(*words: object, **options: Any) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, [str(w) for w in words], **options)


def run_in(
    folder: Path, *words: object, stdin: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "metaalliance", *map(str, words)],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONIOENCODING": "utf-8", **(env or {})},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=180,
    )
