"""An older build beside this one: checked out, run by turns, and compared.

``python scripts/benchmarks/older.py [REF] [--only WORD]`` checks out a tag or commit (by default
the last one before commands were made fast) in ``.older/``, and runs commands of both builds by
turns: processor time and peak memory of whole processes, the best of two runs, and their ratio. The
older build runs with the libraries that are installed here; ``--fresh`` installs it with its own in
an environment. ``--print`` prints only where the build is, for `same_numbers.py`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from benchmark_figures import write_sheet as write_studies
from benchmark_sheets import write as write_sheets
from processes import Cost, Ratio, cost

ROOT = Path(__file__).resolve().parents[2]
WORKBOOK = ROOT / "data" / "simulated_alliance_studies.xlsx"
#: The last build before commands were made fast.
BEFORE = "7bf34684a8"
RUNS = 2


def build(ref: str, *, fresh: bool = False) -> Path:
    """Check out an older build.

    Parameters
    ----------
    ref : str
        A tag or a commit.
    fresh : bool
        Whether it is installed with libraries of its own.

    Returns
    -------
    Path
        The folder that holds the package, or the Python of the environment where it is installed.
    """
    line = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--short=12", f"{ref}^{{commit}}"]
    found = subprocess.run(line, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"{ref} is no tag or commit here: {found.stderr.strip()}")
    tree = ROOT / ".older" / found.stdout.strip()
    if not (tree / "metaalliance").is_dir():
        add = ["git", "-C", str(ROOT), "worktree", "add", "--force", "--detach", str(tree), ref]
        subprocess.run(add, check=True, capture_output=True)
    if not fresh:
        return tree
    place = tree.with_name(f"{tree.name}-venv")
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", tree], check=True)
    return python


def surroundings(where: Path) -> tuple[str, dict[str, str]]:
    """Return the Python and the environment in which a build runs."""
    plain = {
        k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    }
    if where.is_dir():
        return sys.executable, {**plain, "PYTHONPATH": str(where)}
    return str(where), plain


def commands(folder: Path) -> dict[str, tuple[list[str], float]]:
    """Write the sheets; return commands with the share of the older time that they may take."""
    studies = folder / "studies.csv"
    write_studies(studies, 5000)
    sheets = {path.suffix: str(path) for path in write_sheets(folder, 20_000)}
    book = str(WORKBOOK)
    return {
        "pool, 295 studies, everything written": (["pool", book], 1 / 1.4),
        "report, 295 studies": (["report", book], 1 / 2.5),
        "moderators --by modality": (["moderators", book, "--by", "modality"], 1 / 2),
        "multiverse, 3,240 specifications": (["multiverse", book], 1 / 4),
        "forest of 5,000 studies": (["forest", str(studies)], 1 / 6),
        "pool --no-figures of 20,000 effects, csv": (
            ["pool", sheets[".csv"], "--no-figures"], 1 / 3),
        "validate 20,000 rows, xlsx": (["validate", sheets[".xlsx"]], 1 / 2),
    }  # fmt: skip


def compared(where: Path, only: str = "") -> list[tuple[str, Cost, Cost, Ratio]]:
    """Run commands of both builds by turns; return what each cost, and the ratio of the times."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, (words, limit) in commands(folder).items():
            if only not in what:
                continue
            to = [] if words[0] == "validate" else ["-o", "results"]
            runs = []
            for run in range(RUNS):
                pair = []
                for number, tree in enumerate((ROOT, where)):
                    python, own = surroundings(tree)
                    place = folder / f"{number}_{run}_{words[0]}"
                    place.mkdir(exist_ok=True)
                    pair.append(cost([python, "-m", "metaalliance", *words, *to], place, own))
                runs.append(pair)
            ours, theirs = (Cost(*map(min, zip(*c, strict=True))) for c in zip(*runs, strict=True))
            rows.append((what, ours, theirs, Ratio(ours.seconds / theirs.seconds, limit)))
    return rows


def against_older(ref: str = BEFORE, only: str = "") -> list[tuple[str, str, str, str]]:
    """Return the rows of the table."""
    where = build(ref)
    return [
        (what, f"{ours}", f"build {where.name[:8]} {theirs}", f"{ratio}")
        for what, ours, theirs, ratio in compared(where, only)
    ]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ref", nargs="?", default=BEFORE)
    parser.add_argument("--only", default="", help="commands whose name holds this text")
    parser.add_argument("--fresh", action="store_true", help="with libraries of its own")
    parser.add_argument("--print", action="store_true", dest="where", help="print where it is")
    given = parser.parse_args()
    where = build(given.ref, fresh=given.fresh)
    if given.where:
        print(where)
        return 0
    print("| what | this build | the older | ratio |\n|---|---|---|---|")
    rows = compared(where, given.only)
    for what, ours, theirs, ratio in rows:
        print(f"| {what} | {ours} | {theirs} | {ratio} |")
    return int(any(ratio.value > ratio.limit for *_, ratio in rows))


if __name__ == "__main__":
    sys.exit(main())
