"""Put the real output of the README's console examples into the README."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output_of(command: str) -> str:
    """Run an example beside a copy of the data and return its standard output."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "data", Path(folder) / "data")
        done = subprocess.run(
            [sys.executable, "-m", "metaalliance.cli.main", *shlex.split(command)[1:]],
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=folder,
            env={
                "COLUMNS": "100",
                "PATH": "",
                "PYTHONIOENCODING": "utf-8",
                "PYTHONPATH": str(ROOT),
            },
        )
    return done.stdout


def main() -> None:
    """Rewrite README.md in place."""
    path = ROOT / "README.md"
    text = re.sub(
        r"```console\n\$ (.+?)\n.*?```",
        lambda m: f"```console\n$ {m[1]}\n{output_of(m[1])}```",
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
