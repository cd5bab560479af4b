"""Time and memory of figures: forest plots in this process, and commands that draw as processes.

``python scripts/benchmarks/benchmark_figures.py`` prints a table: 60 rows as one page, 295 studies
with their 847 effects in pages, both written as PDF, against their limits. Wall time and, since a
shared machine makes that noisy, time of the processor; the best of three runs after one to warm up.

``... benchmark_figures.py --commands [TREE]`` runs commands: ``forest`` of 2,500 and 5,000 studies,
``pool``, ``report``, ``moderators`` and ``multiverse`` of 295. Time of the processor and peak of
memory, the best of two runs; with TREE, another checkout, its times beside them, the runs of both
by turns, and their ratio.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import metaalliance as ma

ROOT = Path(__file__).resolve().parents[2]
WORKBOOK = ROOT / "data" / "simulated_alliance_studies.xlsx"


def sixty_studies() -> ma.Effects:
    """Return sixty independent effects in three modalities, seeded."""
    rng = np.random.default_rng(7)
    n = rng.integers(20, 300, 60)
    yi = rng.normal(0.28, 0.15, 60) + rng.normal(0, 1, 60) / np.sqrt(n - 3)
    groups = np.array(["CBT", "psychodynamic", "humanistic"], dtype=object)[np.arange(60) % 3]
    labels = [f"Author {i} et al. ({1980 + i % 40})" for i in range(60)]
    return ma.Effects.from_arrays(
        yi, 1 / (n - 3), study=labels, moderators={"modality": groups}, measure="z", n=n
    )


def best_of(work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Return the least wall and processor time of some runs, after one to warm up."""
    work()
    found = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - processor))
    walls, processors = zip(*found, strict=True)
    return min(walls), min(processors)


def write_sheet(path: Path, studies: int) -> None:
    """Write a sheet of independent correlations in four modalities, seeded."""
    rng = np.random.default_rng(5)
    n = np.maximum(12, np.exp(rng.normal(4.2, 0.8, studies))).astype(int)
    r = np.tanh(rng.normal(0.28, 0.15, studies) + rng.normal(0, 1, studies) / np.sqrt(n - 3))
    names = ("CBT", "psychodynamic", "humanistic", "integrative")
    with path.open("w", encoding="utf-8", newline="") as stream:
        sheet = csv.writer(stream)
        sheet.writerow(["study", "year", "n", "r", "modality"])
        for i in range(studies):
            label = f"Author{i} & Other{i % 97}"
            sheet.writerow([label, 1980 + i % 45, n[i], f"{r[i]:.3f}", names[i % 4]])


def run_command(tree: Path, words: list[str]) -> tuple[float, float]:
    """Run a command of a checkout; return time of the processor in s and peak of memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "metaalliance", *words, "-o", f"{folder}/results"],
            env={**os.environ, "PYTHONPATH": str(tree)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}.")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def commands(other: Path | None, repeats: int = 2) -> int:
    """Print the table of commands."""
    trees = [ROOT] if other is None else [ROOT, other]
    rows = ["| command | processor | peak | beside it | ratio |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        jobs = []
        for studies in (2500, 5000):
            path = Path(name) / f"{studies}.csv"
            write_sheet(path, studies)
            jobs.append((f"forest, {studies:,} studies", ["forest", str(path)]))
        for word, *further in (
            ("pool",), ("pool", "--no-figures"), ("report",), ("moderators", "--by", "modality"),
            ("multiverse",),
        ):  # fmt: skip
            told = " ".join((word, *further))
            jobs.append((f"{told}, 295 studies", [word, str(WORKBOOK), *further]))
        for what, words in jobs:
            runs = [[run_command(tree, words) for tree in trees] for _ in range(repeats)]
            ours, *theirs = (min(found) for found in zip(*runs, strict=True))
            beside = f"{theirs[0][0]:.1f} s | {theirs[0][0] / ours[0]:.1f}" if theirs else " | "
            rows.append(f"| {what} | {ours[0]:.1f} s | {ours[1]:.0f} MB | {beside} |")
    sys.stdout.write("\n".join(rows) + "\n")
    return 0


def main() -> int:
    """Print a table; fail when a limit is exceeded in time of the processor."""
    parser = argparse.ArgumentParser(description="Time and memory of figures.")
    parser.add_argument("--commands", nargs="?", const="", metavar="TREE")
    asked = parser.parse_args().commands
    if asked is not None:
        return commands(Path(asked).resolve() if asked else None)
    warnings.simplefilter("ignore", ma.MetaAllianceWarning)
    small = ma.pool(sixty_studies())
    large = ma.pool(ma.effect_sizes(ma.read_studies(WORKBOOK)))
    plots = ma.plots
    rows = ["| what | wall time | processor | limit |", "|---|---|---|---|"]
    slow = False
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "forest.pdf"
        for what, limit, work in (
            ("60 studies, one page, PDF", 1.5, lambda: plots.forest(small, style="apa")),
            ("295 studies, 847 effects, pages, PDF", 5.0, lambda: plots.forest_pages(large)),
        ):
            wall, processor = best_of(lambda draw=work: plots.save(draw(), path))
            rows.append(f"| {what} | {wall:.2f} s | {processor:.2f} s | {limit:g} s |")
            slow |= processor > limit
    sys.stdout.write("\n".join(rows) + "\n")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
