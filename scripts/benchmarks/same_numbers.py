"""Whether two builds give the same numbers.

``python scripts/benchmarks/same_numbers.py OLD NEW`` runs commands on sheets with both builds,
each of them a folder that holds the package ``metaalliance`` or the Python of an environment
where it is installed. Every number of the documents (``results.json``, ``bias.json``, ...) and of
the workbooks is compared, and every text, as is what is printed. The largest difference of each
case is printed, relative or absolute, whichever is smaller; one above 1e-10, a text that differs,
or a number that one build lacks gives exit code 1.

``--only WORD`` keeps the cases that hold the word; ``--sheet FILE`` takes a further sheet through
``pool``; ``--show N`` lists the N largest differences of a case.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl

ROOT = Path(__file__).resolve().parents[2]
LARGE, SMALL = "simulated_alliance_studies.xlsx", "primary_alliance_effects.xlsx"
LIMIT = 1e-10
CASES = (
    f"pool {LARGE}",
    f"pool {LARGE} --model three-level --tau2 ML --test cr1",
    f"pool {LARGE} --model two-level --tau2 PM --prediction riley --level 0.9",
    f"pool {LARGE} --within sample --measure r --above country",
    f"pool {LARGE} --test t --df contain --attenuation individual --alliance-reliability mean "
    "--outcome-reliability mean",
    f"pool {LARGE} --also psychometric --also henmi-copas --also rve --cross-check",
    f"pool {SMALL} --also bayes --also i2-bootstrap --also wild-bootstrap --also permutation",
    "pool primary_alliance_effects.csv --model common-effect",
    f"bias {LARGE}",
    f"bias {SMALL}",
    f"moderators {LARGE} --by modality --by year --by alliance_rater",
    f"influence {SMALL}",
)
OF_A_RUN = ("file", "metaalliance_version", "sha256", "seconds")


def run(build: Path, case: str, folder: Path) -> str:
    """Run a command without figures; return what it printed."""
    surroundings = os.environ | {"COLUMNS": "100"}
    python = sys.executable
    if build.is_dir():
        surroundings["PYTHONPATH"] = str(build)
    else:
        python = str(build)
        surroundings.pop("PYTHONPATH", None)
    name, sheet, *words = shlex.split(case)
    words = [*words, "--no-figures"]
    done = subprocess.run(
        [python, "-m", "metaalliance", name, sheet, *words, "-o", str(folder)],
        cwd=ROOT / "data", env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{build}: {case}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout.replace(str(folder), "FOLDER")


def leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Give every number and text of a document with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in OF_A_RUN:
                yield from leaves(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{index}]")
    else:
        yield place, value


def cells(path: Path) -> Iterator[tuple[str, Any]]:
    """Give every cell of a workbook with its place."""
    for sheet in openpyxl.load_workbook(path, read_only=True):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    yield f"{path.name}:{sheet.title}!{cell.coordinate}", cell.value


def members(path: Path) -> dict[str, bytes]:
    """Return the parts of a workbook but its properties, which hold the time of writing."""
    with zipfile.ZipFile(path) as parts:
        return {n: parts.read(n) for n in parts.namelist() if not n.startswith("docProps/")}


def everything(builds: tuple[Path, Path], case: str) -> tuple[dict[str, Any], ...]:
    """Run a command with both builds; return all that they wrote and printed, by place."""
    both: tuple[dict[str, Any], ...] = ({}, {})
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / which for which in ("old", "new")]
        for build, folder, found in zip(builds, folders, both, strict=True):
            for number, line in enumerate(run(build, case, folder).splitlines()):
                found[f"printed line {number + 1}"] = line
            for path in sorted(folder.glob("*.json")):
                if not path.name.startswith("run"):
                    found.update(leaves(json.loads(path.read_text(encoding="utf-8")), path.name))
        names = {path.name for folder in folders for path in folder.glob("*.xlsx")}
        for paths in ([folder / name for folder in folders] for name in sorted(names)):
            if all(path.is_file() for path in paths) and members(paths[0]) == members(paths[1]):
                continue
            for path, found in zip(paths, both, strict=True):
                found.update(cells(path) if path.is_file() else ())
    return both


def difference(a: Any, b: Any) -> float:
    """Return how far two values are apart: infinitely, where one is no number and they differ."""
    if a == b and type(a) is type(b):
        return 0.0
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    if not numbers:
        return math.inf
    if not (math.isfinite(a) and math.isfinite(b)):
        return 0.0 if math.isnan(a) and math.isnan(b) else math.inf
    return abs(a - b) / max(1.0, abs(a), abs(b))


def compare(old: Path, new: Path, case: str, show: int) -> bool:
    """Print how far two builds are apart; return whether they agree."""
    a, b = everything((old, new), case)
    apart = sorted(
        ((difference(a.get(k, "absent"), b.get(k, "absent")), k) for k in a.keys() | b.keys()),
        reverse=True,
    )
    numbers = [d for d, _ in apart if math.isfinite(d)]
    texts = len(apart) - len(numbers)
    print(f"{case}: {len(apart):,} values, largest difference {max(numbers):.1e}, others {texts}")
    for far, place in apart[:show]:
        if far:
            print(f"    {far:8.1e}  {place}: {a.get(place)!r} and {b.get(place)!r}")
    return not texts and max(numbers) <= LIMIT


def main() -> int:
    """Compare two builds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--sheet", type=Path, action="append", default=[])
    parser.add_argument("--show", type=int, default=0)
    given = parser.parse_args()
    builds = given.old.absolute(), given.new.absolute()
    cases = [*CASES, *(f"pool {shlex.quote(str(sheet.resolve()))}" for sheet in given.sheet)]
    agreed = [
        compare(*builds, case, given.show)  # every case is printed, whatever the first says
        for case in cases
        if given.only in case
    ]
    if not agreed:
        parser.error(f"no case holds {given.only!r}")
    return int(not all(agreed))


if __name__ == "__main__":
    sys.exit(main())
