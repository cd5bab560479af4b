"""A house's sheet from `init` to `pool`; `cd tests && python -m intake.ends` prints a table."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import intake.houses  # noqa: F401
from intake.sheets import HOUSES, House, touched
from intake.truth import Effect, pooled_r
from typer.testing import CliRunner

from metaalliance.cli.app import app

Run = Callable[..., tuple[int, str]]


def here(*words: object) -> tuple[int, str]:
    """Run a command in this process."""
    done = CliRunner().invoke(app, [str(w) for w in words])
    return done.exit_code, done.stdout


def apart(*words: object) -> tuple[int, str]:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "metaalliance.cli.main", *map(str, words)],
        capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout


def proposed(house: House, folder: Path, run: Run = here) -> tuple[Path, list[Effect], Path]:
    """Write the sheet and let `init` (after `import`, where the house exports) propose a
    configuration.
    """
    path, effects = house.write(folder)
    if house.flow == "import":
        source, path = path, folder / "imported.xlsx"
        assert run("import", source, "-o", path)[0] == 0, "import fails"
    config = folder / "metaalliance.toml"
    assert run("init", path, "-o", config, "--force")[0] == 0, "init fails"
    return path, effects, config


def pooled(path: Path, run: Run = here) -> tuple[int, dict[str, Any]]:
    code, printed = run("pool", path, "--json", "--no-figures", "-o", path.parent / "out")
    return code, json.loads(printed)


@dataclass(frozen=True)
class End:
    """What a house's sheet came to: before a person touched anything, and after."""

    path: Path
    config: Path
    effects: list[Effect]
    untouched: dict[str, Any]
    document: dict[str, Any]
    lines: int


def taken(house: House, folder: Path) -> End:
    """Propose, pool, touch what a person has to, and pool again."""
    path, effects, config = proposed(house, folder)
    untouched = pooled(path)[1]
    if not house.touches:
        return End(path, config, effects, untouched, untouched, 0)
    text, lines = touched(config.read_text(encoding="utf-8"), house.touches)
    config.write_text(text, encoding="utf-8")
    return End(path, config, effects, untouched, pooled(path)[1], lines)


def told(document: dict[str, Any]) -> str:
    """The pooled r, or the codes of what stands against it."""
    if "pooled" in document:
        return f"{document['pooled']['r']['estimate']:.6f}"
    codes = sorted({p["code"] for p in document["problems"] if p["severity"] == "error"})
    return " ".join(codes) or str(document["error"]["code"])


def main() -> None:
    print("| sheet | way | lines | untouched | touched | right |\n|---|---|---|---|---|---|")
    for name, house in HOUSES.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                end = taken(house, Path(folder))
            except AssertionError as error:
                print(f"| {name} | {house.flow} | | {str(error).splitlines()[0]} | | |", flush=True)
                continue
            right = "refused" if house.refused else f"{pooled_r(end.effects):.6f}"
            cells = (name, house.flow, end.lines, told(end.untouched), told(end.document), right)
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
