"""From `init` to `pool` on coding sheets that other teams have published.

``python scripts/try_public_sheets.py`` brings each sheet of public_sheets.toml at a fixed commit
into a temporary folder, runs ``metaalliance init`` and then ``metaalliance pool`` on it, and prints
a table: rows read and used, lines that a person had to touch, the pooled r or what stopped it.
``--clones DIR`` takes the files from clones on this machine (``DIR/owner+name``) in place of the
network; ``--only TEXT`` tries the sheets whose address has it; ``--keep DIR`` keeps what was made.
Numbers only are printed: no names of studies or people.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.parse
import urllib.request
from pathlib import Path, PurePosixPath
from typing import Any

SHEETS = Path(__file__).with_name("public_sheets.toml")
HEAD = ("house", "sheet", "read", "used", "lines", "r [95% CI]", "or what stopped it")


def content_of(sheet: dict[str, Any], clones: Path | None) -> bytes:
    """Return the bytes of a sheet, from a clone or from the network."""
    place = f"{sheet['commit']}:{sheet['path']}"
    if clones is not None:
        folder = clones / sheet["repository"].replace("/", "+")
        folder = folder / "repo" if (folder / "repo").is_dir() else folder
        return subprocess.run(
            ["git", "-C", str(folder), "show", place], check=True, capture_output=True
        ).stdout
    path = urllib.parse.quote(f"{sheet['repository']}/{sheet['commit']}/{sheet['path']}")
    with urllib.request.urlopen(f"https://raw.githubusercontent.com/{path}", timeout=60) as answer:
        return bytes(answer.read())


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    command = [sys.executable, "-m", "metaalliance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def attempt(sheet: dict[str, Any], content: bytes, folder: Path) -> tuple[str, ...]:
    """Return the row of the table for one sheet."""
    file = folder / PurePosixPath(sheet["path"]).name
    file.write_bytes(content)
    init = run("init", str(file))
    touched = [line for line in sheet.get("lines", "").splitlines() if line.strip()]
    config = folder / "metaalliance.toml"
    if touched:
        config.write_text(merged(config.read_text() if config.exists() else "", touched))
    pool = run("pool", str(file), "--json", "--no-figures", "-o", str(folder / "results"))
    found = json.loads(pool.stdout) if pool.stdout.strip() else {}
    read, used = (str(found.get("input", {}).get(k, "")) for k in ("rows_read", "rows_used"))
    r = found.get("pooled", {}).get("r")
    shown = f"{r['estimate']:.4f} [{r['ci_low']:.3f}, {r['ci_high']:.3f}]" if r else ""
    return (sheet["house"], sheet["path"], read, used, str(len(touched)), shown,
            "" if r else stopped(init, found))  # fmt: skip


def merged(text: str, lines: list[str]) -> str:
    """Write lines into a configuration, `table.key = value` below its table, as a person does."""
    for line in lines:
        last = line.partition("=")[0].strip().rpartition(".")[2]
        text = re.sub(rf"^{last} = .*\n", "", text, flags=re.MULTILINE)
        key, _, value = line.partition("=")
        *table, name = key.strip().split(".")
        head = f"[{'.'.join(table)}]\n" if table else ""
        entry = f"{name} ={value}\n"
        if not table:
            text = entry + text
        elif head in text:
            text = text.replace(head, head + entry, 1)
        else:
            text = f"{text.rstrip()}\n\n{head}{entry}"
    return text


def stopped(init: subprocess.CompletedProcess[str], found: dict[str, Any]) -> str:
    """Say in a word why nothing was pooled: the codes of the errors with their counts."""
    codes = [p["code"] for p in found.get("problems", ()) if p["severity"] == "error"]
    counted = ", ".join(f"{codes.count(c)} x {c}" for c in dict.fromkeys(codes))
    error = found.get("error", {}).get("code", "")
    return counted or error or f"init: exit {init.returncode}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clones", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    sheets = tomllib.loads(SHEETS.read_text(encoding="utf-8"))["sheet"]
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    with tempfile.TemporaryDirectory() as temporary:
        for number, sheet in enumerate(sheets, start=1):
            if options.only.lower() not in f"{sheet['repository']}/{sheet['path']}".lower():
                continue
            folder = (options.keep or Path(temporary)) / f"{number:02d}"
            folder.mkdir(parents=True)
            row = attempt(sheet, content_of(sheet, options.clones), folder)
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
