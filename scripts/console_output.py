"""Run the commands of a page's console blocks, and put what they print below each.

A block is fenced with ``console``; each line that starts with ``$`` is a command, the lines up to
the next one are its standard output. The blocks of a page run in order in one folder, so that
each finds what the ones before it made. At first it holds a small example sheet and
the page's own sheets: blocks of CSV with a title.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHEET = re.compile(r'^```csv title="([a-z_.]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
EXAMPLE = "primary_alliance_effects.xlsx"
WIDTH = "92"
Runner = Callable[[list[str], Path], str]


def commands_of(text: str) -> list[tuple[str, str]]:
    """Return each command of a page with the output that stands below it."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown.rstrip("\n")))
    return found


def done_as_shown(words: list[str], code: int) -> bool:
    """Whether a command ended well; a page may show a sheet with errors being validated."""
    return code == 0 or (code == 1 and words[0] == "validate")


def in_a_process(words: list[str], folder: Path) -> str:
    """Run `metaalliance` with these words and return its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", *words],
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": WIDTH, "PYTHONIOENCODING": "utf-8"},
    )
    if not done_as_shown(words, done.returncode):
        raise RuntimeError(f"metaalliance {shlex.join(words)}: {done.stderr}")
    return done.stdout


def outputs(text: str, folder: Path, run: Runner = in_a_process) -> list[str]:
    """Return what each command of a page prints on standard output."""
    shutil.copy(DATA / EXAMPLE, folder)
    for name, content in SHEET.findall(text):
        (folder / name).write_text(content, encoding="utf-8")
    found = []
    for command, _ in commands_of(text):
        program, *words = shlex.split(command, comments=True)
        if program != "metaalliance":
            raise ValueError(f"{command}: only metaalliance is run")
        found.append(run(words, folder).rstrip("\n"))
    return found


def rewrite(text: str) -> str:
    """Return a page with the real output below each command."""
    with tempfile.TemporaryDirectory() as name:
        made = iter(outputs(text, Path(name)))

    def block(match: re.Match[str]) -> str:
        lines = []
        for command, _ in commands_of(match[0]):
            lines += [f"$ {command}", *filter(None, [next(made)])]
        return "```console\n" + "\n".join(lines) + "\n```"

    return BLOCK.sub(block, text)
