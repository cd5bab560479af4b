"""Set up this checkout, run the example, run what continuous integration checks: no make needed.

``python3 scripts/develop.py example`` makes the virtual environment and pools the example workbook;
``python3 scripts/develop.py check`` passes the format check, the lint, the types and the tests.
Only the standard library is imported. VENV in the environment names another folder than ``.venv``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
EXAMPLE = ("-m", "metaalliance", "pool", "data/simulated_alliance_studies.xlsx",
           "-o", "example_results")  # fmt: skip
#: What each name runs with the Python of the environment, in this order.
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "setup": (),
    "example": (EXAMPLE,),
    "check": (
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "ruff", "check", "."),
        ("-m", "mypy"),
        ("-m", "pytest", "-q", "-n", "auto", "-m", "not slow"),
    ),
}


def environment() -> Path:
    """Return the Python of the virtual environment, which is made and filled where it is not."""
    folder = ROOT / os.environ.get("VENV", ".venv")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / ".installed"
    project = ROOT / "pyproject.toml"
    if stamp.exists() and stamp.stat().st_mtime >= project.stat().st_mtime:
        return python
    if not python.exists():
        venv.create(folder, with_pip=True)
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([python, *pip, "--editable", ".[dev]"], check=True, cwd=ROOT)
    stamp.touch()
    return python


def main() -> int:
    """Run one of the commands; the first that fails gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=COMMANDS)
    what = parser.parse_args().what
    if sys.version_info < OLDEST:
        sys.exit(f"Python {'.'.join(map(str, OLDEST))} or later is needed; this is {sys.version}.")
    python = environment()
    for words in COMMANDS[what]:
        code = subprocess.run([python, *words], check=False, cwd=ROOT).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
